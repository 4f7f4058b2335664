//! A saga's body: where it may await, and what it must not call.

use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprAsync, ExprAwait, ExprClosure, ExprPath, Item, Macro};

use super::forbidden;
use crate::diag::Diag;
use crate::parse::{first_await, macro_args};

pub(super) fn body(block: &Block, diag: &mut Diag) {
    Body { inside: None, diag }.visit_block(block);
}

/// Something in whose inside an await has no place among the saga's awaits.
#[derive(Clone, Copy)]
enum Inside {
    AsyncBlock,
    Closure,
}

struct Body<'d> {
    inside: Option<Inside>,
    diag: &'d mut Diag,
}

impl Body<'_> {
    fn within(&mut self, inside: Inside, visit: impl FnOnce(&mut Self)) {
        let outer = self.inside.replace(inside);
        visit(self);
        self.inside = outer;
    }
}

impl<'ast> Visit<'ast> for Body<'_> {
    // Items are functions and types of their own: they are left alone.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if let Expr::Verbatim(tokens) = expr
            && let Some(span) = first_await(tokens.clone())
        {
            self.diag.at(
                span,
                "`.await` in an expression that `#[saga]` does not know; bind the result to a variable first, and use that inside",
            );
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_await(&mut self, expr: &'ast ExprAwait) {
        let mend = "move what is awaited here into a saga of its own, and await that";
        match self.inside {
            Some(Inside::AsyncBlock) => self.diag.error(
                expr.await_token,
                format!("`.await` in an async block of a saga: its turn among the saga's awaits would not be the same in a replay; {mend}"),
            ),
            Some(Inside::Closure) => self.diag.error(
                expr.await_token,
                format!("`.await` in a closure of a saga: its turn among the saga's awaits would not be the same in a replay; for each of many write `all(items.map(|item| step(item))).await`, with no `.await` inside, or use a loop, or {mend}"),
            ),
            None => {}
        }
        if let Some(message) = awaited_call(&expr.base) {
            // Said once, for the call and its await together.
            self.diag.error(&expr.base, message);
            if let Expr::Call(call) = &*expr.base {
                call.args.iter().for_each(|arg| self.visit_expr(arg));
            }
            return;
        }
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_async(&mut self, expr: &'ast ExprAsync) {
        self.within(Inside::AsyncBlock, |body| visit::visit_expr_async(body, expr));
    }

    fn visit_expr_closure(&mut self, expr: &'ast ExprClosure) {
        self.within(Inside::Closure, |body| visit::visit_expr_closure(body, expr));
    }

    fn visit_expr_path(&mut self, expr: &'ast ExprPath) {
        if let Some(message) = forbidden::path(&expr.path) {
            self.diag.error(expr, message);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(message) = forbidden::macro_name(&mac.path) {
            self.diag.error(&mac.path, message);
            return;
        }
        if let Some(args) = macro_args(mac) {
            args.exprs().into_iter().for_each(|expr| Body { inside: self.inside, diag: self.diag }.visit_expr(expr));
            return;
        }
        for (span, message) in forbidden::tokens(&mac.tokens) {
            self.diag.error(span, message);
        }
        if let Some(span) = first_await(mac.tokens.clone()) {
            let name = mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            self.diag.at(
                span,
                format!("`.await` inside `{name}!`, whose tokens only that macro understands; bind the result to a variable first, and use that inside"),
            );
        }
    }
}

/// What to say of an awaited call that must not be made.
fn awaited_call(base: &Expr) -> Option<String> {
    match base {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => forbidden::path(&path.path),
            _ => None,
        },
        _ => None,
    }
}
