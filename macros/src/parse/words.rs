//! What an item derives, and words of `#[serde(..)]`, as far as tokens tell.

use proc_macro2::Span;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Lit, Path, Token};

/// What `#[derive(..)]` names; none of another attribute, or of a list that the compiler will refuse.
pub(crate) fn derives(attr: &Attribute) -> Option<Punctuated<Path, Token![,]>> {
    let list = attr.path().is_ident("derive").then(|| attr.parse_args_with(Punctuated::parse_terminated))?;
    list.ok()
}

/// Whether a path ends with one of these names.
pub(crate) fn is_named(path: &Path, names: &[&str]) -> bool {
    path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name))
}

/// Gives each word of `#[serde(..)]` with the literal that it may be set to. What stands in parentheses behind one is left out.
pub(crate) fn serde_words(attrs: &[Attribute], mut word: impl FnMut(&Path, Option<Lit>)) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // What serde cannot read, it tells itself.
        let _ = attr.parse_nested_meta(|meta| {
            let mut literal = None;
            if meta.input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in meta.input);
                content.parse::<proc_macro2::TokenStream>()?;
            } else if let Ok(value) = meta.value() {
                literal = Some(value.parse()?);
            }
            word(&meta.path, literal);
            Ok(())
        });
    }
}

/// The first of these words of `#[serde(..)]`.
pub(crate) fn serde_word(attrs: &[Attribute], words: &[&str]) -> Option<(String, Span)> {
    let mut found = None;
    serde_words(attrs, |path, _| {
        if found.is_none() && words.iter().any(|word| path.is_ident(word)) {
            found = Some((path.to_token_stream().to_string(), path.span()));
        }
    });
    found
}
