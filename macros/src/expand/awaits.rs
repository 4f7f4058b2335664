//! Every `EXPR.await` of a body becomes an await of a durable operation.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprAsync, ExprAwait, ExprClosure, Item, Macro, Path};

use super::spans::{at, first, parens};
use crate::parse::{has_await, macro_args};

/// The body with its awaits rewritten, those of a handler as what its state allows.
pub(super) fn rewrite(krate: &Path, is_handler: bool, block: &Block) -> TokenStream {
    let mut block = block.clone();
    Awaits { krate, is_handler }.visit_block_mut(&mut block);
    block.into_token_stream()
}

struct Awaits<'k> {
    krate: &'k Path,
    is_handler: bool,
}

impl VisitMut for Awaits<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}

    fn visit_expr_await_mut(&mut self, expr: &mut ExprAwait) {
        visit_mut::visit_expr_await_mut(self, expr);
        let (krate, base) = (self.krate, &expr.base);
        // All of the call but its argument is where the user wrote `await`: that is
        // the place the runtime records, and an error in the argument is the argument's.
        let span = expr.await_token.span;
        let (function, state) = match self.is_handler {
            false => (at(span, quote!(#krate::__private::durable)), None),
            true => (at(span, quote!(#krate::__private::durable_in)), Some(at(span, quote!(__FACTUM_STATE,)))),
        };
        // An argument needs no parentheses of its own: the compiler would warn of them.
        let operation = unwrapped(base);
        let args = parens(span, quote!(__factum_cx, #state #operation));
        // These make the whole, awaited, begin where the user's expression does.
        let call = parens(first(base), quote!(#function #args));
        *expr.base = Expr::Verbatim(quote!(#call));
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if !has_await(mac.tokens.clone()) {
            return;
        }
        if let Some(mut args) = macro_args(mac) {
            args.exprs_mut().into_iter().for_each(|expr| self.visit_expr_mut(expr));
            mac.tokens = args.into_token_stream();
        }
    }
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) if paren.attrs.is_empty() => unwrapped(&paren.expr),
        expr => expr,
    }
}
