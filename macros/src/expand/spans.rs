//! Putting errors in generated code where the user can see their cause.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Generated tokens that the compiler takes for `user`: the first and the last
/// token have the user's first and last span, and so all of it has all of it.
/// For tokens that name no variable of ours from outside.
pub(super) fn over(user: &impl ToTokens, generated: TokenStream) -> TokenStream {
    let (first, last) = ends(user);
    let count = generated.clone().into_iter().count();
    let respan = |(at, token)| one(token, if at + 1 == count { last } else { first }, &|_| false);
    generated.into_iter().enumerate().map(respan).collect()
}

/// Generated tokens that all have one span. A variable of ours stays ours, also
/// where a macro of the user's wrote that span.
pub(super) fn at(span: Span, generated: TokenStream) -> TokenStream {
    all(span, generated, &|ident| ident.to_string().starts_with("__factum_"))
}

fn all(span: Span, generated: TokenStream, is_ours: &dyn Fn(&Ident) -> bool) -> TokenStream {
    generated.into_iter().map(|token| one(token, span, is_ours)).collect()
}

/// An awaited call of `function` with `args`, of which all but the arguments is
/// where `user` begins: what is wrong with the call is told there, and once.
pub(super) fn awaited(user: &impl ToTokens, function: TokenStream, args: TokenStream) -> TokenStream {
    let first = first(user);
    let (function, dot_await) = (at(first, function), at(first, quote::quote!(.await)));
    let group = parens(first, args);
    quote::quote!(#function #group #dot_await)
}

/// Tokens in parentheses that are where `span` is; the tokens stay where they are.
pub(super) fn parens(span: Span, tokens: TokenStream) -> Group {
    group(Delimiter::Parenthesis, span, tokens)
}

/// Tokens in braces that are where `span` is; the tokens stay where they are.
pub(super) fn braces(span: Span, tokens: TokenStream) -> Group {
    group(Delimiter::Brace, span, tokens)
}

fn group(delimiter: Delimiter, span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    group
}

/// The span of the first token.
pub(super) fn first(user: &impl ToTokens) -> Span {
    ends(user).0
}

/// The span of the last token.
pub(super) fn last(user: &impl ToTokens) -> Span {
    ends(user).1
}

fn ends(user: &impl ToTokens) -> (Span, Span) {
    let tokens: Vec<TokenTree> = user.to_token_stream().into_iter().collect();
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => (first.span(), last.span()),
        _ => (Span::call_site(), Span::call_site()),
    }
}

fn one(token: TokenTree, span: Span, is_ours: &dyn Fn(&Ident) -> bool) -> TokenTree {
    match token {
        TokenTree::Group(group) => {
            let mut respanned = Group::new(group.delimiter(), all(span, group.stream(), is_ours));
            respanned.set_span(span);
            TokenTree::Group(respanned)
        }
        TokenTree::Ident(ident) if is_ours(&ident) => {
            TokenTree::Ident(Ident::new(&ident.to_string(), ident.span().located_at(span)))
        }
        mut token => {
            token.set_span(span);
            token
        }
    }
}
