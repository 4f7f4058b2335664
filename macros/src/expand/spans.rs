//! Putting errors in generated code where the user can see their cause.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Generated tokens that the compiler takes for `user`: the first and the last
/// token have the user's first and last span, and so all of it has all of it.
pub(super) fn over(user: &impl ToTokens, generated: TokenStream) -> TokenStream {
    let (first, last) = ends(user);
    let count = generated.clone().into_iter().count();
    let respan = |(at, token)| one(token, if at + 1 == count { last } else { first });
    generated.into_iter().enumerate().map(respan).collect()
}

/// Generated tokens that all have one span.
pub(super) fn at(span: Span, generated: TokenStream) -> TokenStream {
    generated.into_iter().map(|token| one(token, span)).collect()
}

/// An awaited call of `function` with `args`, of which all but the arguments is
/// where `user` begins: what is wrong with the call is told there, and once.
pub(super) fn awaited(user: &impl ToTokens, function: TokenStream, args: TokenStream) -> TokenStream {
    let (first, _) = ends(user);
    let (function, dot_await) = (at(first, function), at(first, quote::quote!(.await)));
    let mut group = Group::new(proc_macro2::Delimiter::Parenthesis, args);
    group.set_span(first);
    quote::quote!(#function #group #dot_await)
}

fn ends(user: &impl ToTokens) -> (Span, Span) {
    let tokens: Vec<TokenTree> = user.to_token_stream().into_iter().collect();
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => (first.span(), last.span()),
        _ => (Span::call_site(), Span::call_site()),
    }
}

fn one(token: TokenTree, span: Span) -> TokenTree {
    match token {
        TokenTree::Group(group) => {
            let mut respanned = Group::new(group.delimiter(), at(span, group.stream()));
            respanned.set_span(span);
            TokenTree::Group(respanned)
        }
        mut token => {
            token.set_span(span);
            token
        }
    }
}
