//! The body of a saga or a handler: where it may await, and what it must not call.

use proc_macro2::{Group, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprAsync, ExprAwait, ExprClosure, ExprPath, Item, Macro};

use super::forbidden;
use super::kind::Kind;
use crate::diag::Diag;
use crate::model::Code;
use crate::parse::{first_await, macro_args};

/// Reads a body. One that cannot be read, as while it is typed, is kept as it was written.
pub(super) fn read(kind: Kind, written: &Group, diag: &mut Diag) -> Code {
    let before = diag.len();
    let (block, unread) = match syn::parse2::<Block>(TokenTree::from(written.clone()).into()) {
        Ok(block) => {
            Body { kind, inside: None, diag }.visit_block(&block);
            ((diag.len() == before).then_some(block), None)
        }
        Err(error) => (None, Some(format!("`{}` cannot read this body: {error}", kind.attribute()))),
    };
    Code { block, written: written.clone(), unread }
}

/// Something in whose inside an await has no place among the saga's awaits.
#[derive(Clone, Copy)]
enum Inside {
    AsyncBlock,
    Closure,
}

struct Body<'d> {
    kind: Kind,
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
                format!(
                    "`.await` in an expression that `{}` does not know; bind the result to a variable first, and use that inside",
                    self.kind.attribute()
                ),
            );
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_await(&mut self, expr: &'ast ExprAwait) {
        let a = self.kind.a();
        let turn = format!("its turn among {}'s awaits would not be the same in a replay", self.kind.the());
        let mend = "move what is awaited here into a saga of its own, and await that";
        match self.inside {
            Some(Inside::AsyncBlock) => self.diag.error(
                expr.await_token,
                format!("`.await` in an async block of {a}: {turn}; {mend}"),
            ),
            Some(Inside::Closure) => self.diag.error(
                expr.await_token,
                format!("`.await` in a closure of {a}: {turn}; for each of many write `all(items.map(|item| step(item))).await`, with no `.await` inside, or use a loop, or {mend}"),
            ),
            None => {}
        }
        if let Some(message) = awaited_call(self.kind, &expr.base) {
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
        if let Some(message) = forbidden::path(self.kind, &expr.path) {
            self.diag.error(expr, message);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(message) = forbidden::macro_name(self.kind, &mac.path) {
            self.diag.error(&mac.path, message);
            return;
        }
        if let Some(args) = macro_args(mac) {
            args.exprs()
                .into_iter()
                .for_each(|expr| Body { kind: self.kind, inside: self.inside, diag: self.diag }.visit_expr(expr));
            return;
        }
        for (span, message) in forbidden::tokens_in(self.kind, &mac.tokens) {
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
fn awaited_call(kind: Kind, base: &Expr) -> Option<String> {
    match base {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => forbidden::path(kind, &path.path),
            _ => None,
        },
        _ => None,
    }
}
