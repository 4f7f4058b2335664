//! What awaiting an expression is: told by the type of a call that is never made.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprCall, ExprPath, Path};

use super::super::scope::Scopes;
use super::super::spans::{self, at};
use super::made::{Made, made};
use super::outcome::is_outcome;

/// Methods that shape an operation and leave it the same operation.
const MODIFIERS: [&str; 4] = ["timeout", "concurrency", "linked", "id"];

/// The label of an operation that its tokens do not tell.
pub(super) const UNKNOWN: &str = "..";

/// One awaited operation.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The expression of its plan.
    pub(super) plan: TokenStream,
    /// What its tokens call it.
    pub(super) label: String,
    pub(super) marks: Vec<Mark>,
}

/// A place whose fault is told at a token.
#[derive(Debug)]
pub(super) struct Mark {
    /// The place, from the leaf on.
    pub(super) at: Vec<u16>,
    /// How many children have marks of their own.
    pub(super) marked: u16,
    pub(super) span: Span,
}

impl Mark {
    /// A place of which nothing inside has a mark.
    pub(super) fn of(token: &impl ToTokens) -> Mark {
        Mark { at: Vec::new(), marked: 0, span: spans::first(token) }
    }
}

/// What awaiting the expression is: told by the function it calls, or not at all.
pub(super) fn leaf(krate: &Path, scopes: &mut Scopes, expr: &Expr) -> Leaf {
    let Some(Made { call, first, label, marks }) = made(krate, scopes, expr) else {
        let (plan, label) = if is_outcome(scopes, expr) {
            (quote!(#krate::__private::Plan::Child), "child")
        } else {
            (quote!(#krate::__private::Plan::Dynamic), UNKNOWN)
        };
        return Leaf { plan, label: label.to_owned(), marks: vec![Mark::of(expr)] };
    };
    // The call stands where the call in the body stands: what the compiler says
    // of both is the same, and said once.
    let tag = at(first, quote!(.__factum_tag()));
    let probe = quote!({
        #[allow(unused_imports, reason = "the type tells which of them is used")]
        use #krate::__private::{IsLeaf as _, IsNoLeaf as _};
        (&#krate::__private::Probe(#call)) #tag
    });
    let probe = scopes.importing(probe);
    Leaf { plan: quote!(#krate::__private::plan_of(|| #probe)), label, marks }
}

/// The function that an operation is a call of.
pub(super) fn called(expr: &Expr) -> Option<(&ExprPath, &ExprCall)> {
    match expr {
        Expr::Paren(paren) => called(&paren.expr),
        Expr::Group(group) => called(&group.expr),
        Expr::MethodCall(call) if MODIFIERS.iter().any(|name| call.method == name) => called(&call.receiver),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => Some((path, call)),
            _ => None,
        },
        _ => None,
    }
}
