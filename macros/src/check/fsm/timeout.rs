//! `#[timeout("3 days" => Cancelled {})]`: a time, and an expression that makes a state.

use std::time::Duration;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::Visit;
use syn::{Expr, ExprBreak, ExprReturn, ExprTry, Fields, LitStr, Path, Variant, parse_quote};

use super::super::forbidden;
use super::super::keys::bare;
use crate::diag::Diag;
use crate::parse::{duration, first_await};

/// The time that is written.
pub(super) fn after(text: &LitStr, diag: &mut Diag) -> Option<Duration> {
    match duration(&text.value()) {
        Ok(after) => Some(after),
        Err(message) => {
            diag.error(text, message);
            None
        }
    }
}

/// The path of the state that the expression makes.
fn head(value: &mut Expr) -> Option<&mut Path> {
    match value {
        Expr::Group(group) => head(&mut group.expr),
        Expr::Struct(made) => Some(&mut made.path),
        Expr::Path(made) => Some(&mut made.path),
        Expr::Call(made) => match &mut *made.func {
            func @ (Expr::Path(_) | Expr::Group(_)) => head(func),
            _ => None,
        },
        _ => None,
    }
}

/// The name of that state, which may stand alone, behind the enum, or behind the states' module: in the expression that
/// comes back it stands behind the module.
pub(super) fn target(value: &Expr, machine: &Ident, module: &Ident, diag: &mut Diag) -> Option<(Ident, Expr)> {
    let mut made = value.clone();
    let Some(path) = head(&mut made) else {
        diag.error(value, "this does not make a state; write one of the machine's, as in `Cancelled {}`");
        return None;
    };
    let mut segments = path.segments.iter().rev().map(|segment| &segment.ident);
    let name = segments.next()?.clone();
    let alone = match segments.next() {
        None => true,
        Some(of) => (of == machine || of == module || of == "Self") && segments.next().is_none(),
    };
    if !alone || path.leading_colon.is_some() {
        diag.error(
            path,
            format!("a `timeout` leads to a state of this machine; write its name alone, as in `{name} {{}}`"),
        );
        return None;
    }
    let mut module = module.clone();
    module.set_span(name.span());
    *path = parse_quote!(#module::#name);
    Some((name, made))
}

/// The state is made in the way in which its variant is written.
pub(super) fn shape(value: &Expr, to: &Variant, diag: &mut Diag) {
    let name = &to.ident;
    let fields = || {
        let names = to.fields.iter().filter_map(|field| field.ident.as_ref()).map(|name| format!("{name}: .."));
        format!("{name} {{ {} }}", names.collect::<Vec<_>>().join(", "))
    };
    let parts = || format!("{name}({})", vec![".."; to.fields.len()].join(", "));
    let right = match (bare(value), &to.fields) {
        (Expr::Path(_), Fields::Named(_)) => fields(),
        (Expr::Path(_), Fields::Unnamed(_)) => parts(),
        (Expr::Call(_), Fields::Named(_)) => fields(),
        (Expr::Call(_), Fields::Unit) => format!("{name} {{}}"),
        _ => return,
    };
    diag.error(value, format!("the state `{name}` is made in another way; write `{right}`"));
}

/// It gives the same whenever it is asked, and waits for nothing.
pub(super) fn is_pure(value: &Expr, diag: &mut Diag) {
    let tokens = value.to_token_stream();
    if let Some(span) = first_await(tokens.clone()) {
        diag.at(span, "a `timeout` makes the state that follows, and awaits nothing; await it in that state's handler");
    }
    for (call, _) in forbidden::tokens(&tokens) {
        let name = call.to_string().replace(' ', "");
        diag.error(
            call,
            format!("`{name}` in a `timeout`: it makes the state that follows from `state` alone; ask for more in that state's handler"),
        );
    }
    Leaves(diag).visit_expr(value);
}

/// What leads out of the expression; a closure inside has its own.
struct Leaves<'d>(&'d mut Diag);

impl Visit<'_> for Leaves<'_> {
    fn visit_expr_try(&mut self, expr: &ExprTry) {
        self.0.error(
            expr.question_token,
            "`?` in a `timeout`, which always leads to its state; say what stands in the place of nothing, \
             as in `.unwrap_or(..)`",
        );
    }

    fn visit_expr_return(&mut self, expr: &ExprReturn) {
        self.0.error(expr.return_token, "`return` in a `timeout`, which always leads to its state; leave it out");
    }

    fn visit_expr_break(&mut self, _: &ExprBreak) {}

    fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {}

    fn visit_item(&mut self, _: &syn::Item) {}
}
