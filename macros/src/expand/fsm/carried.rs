//! What of the enum's, a variant's and a field's attributes a state's struct has, too.
//!
//! The JSON of a state on disk is the enum's; the structs' own is for users.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, ItemEnum, Meta, Path, Token, Variant};

use super::super::spans::{at, first};
use crate::parse::{derives, is_named, serde_word};

const DERIVES: [&str; 10] =
    ["Debug", "Clone", "Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash", "Serialize", "Deserialize"];
const SERDE: [&str; 2] = ["Serialize", "Deserialize"];

/// With these the enum or a variant goes its own way to JSON and back, for which its data needs no way.
const OWN_WAY: [&str; 9] =
    ["from", "into", "try_from", "remote", "with", "serialize_with", "deserialize_with", "bound", "getter"];

/// The enum's derives and serde attributes, as its states have them.
pub(super) struct Carried {
    derives: Vec<Path>,
    serde: Vec<Meta>,
    /// Each variant needs what serde needs.
    own_way: bool,
}

impl Carried {
    pub(super) fn of(item: &ItemEnum) -> Carried {
        let all = item.attrs.iter().filter_map(derives).flatten();
        let derives = all.filter(|path| is_named(path, &DERIVES)).map(further).collect();
        let serde = serde(&item.attrs, &|meta| match meta {
            Meta::NameValue(pair) if pair.path.is_ident("rename_all_fields") => {
                let mut pair = pair.clone();
                pair.path = Ident::new("rename_all", Span::call_site()).into();
                Some(Meta::NameValue(pair))
            }
            meta if ["crate", "deny_unknown_fields"].iter().any(|word| meta.path().is_ident(word)) => {
                Some(meta.clone())
            }
            _ => None,
        });
        Carried { derives, serde, own_way: serde_word(&item.attrs, &OWN_WAY).is_some() }
    }

    /// The attributes of a state's struct, but for its documentation.
    pub(super) fn state(&self, variant: &Variant) -> TokenStream {
        let has_serde = self.has_serde(variant);
        let mut tokens = TokenStream::new();
        for path in self.derives.iter().filter(|path| has_serde || !is_named(path, &SERDE)) {
            // What a derive says is said of the user's own.
            tokens.extend(at(first(path), quote!(#[derive(#path)])));
        }
        if has_serde {
            let own = serde(&variant.attrs, &|meta| meta.path().is_ident("rename_all").then(|| meta.clone()));
            // A variant's own word outweighs the enum's.
            let words = self.serde.iter().filter(|word| own.iter().all(|own| own.path() != word.path())).chain(&own);
            let words: Vec<_> = words.collect();
            if !words.is_empty() {
                tokens.extend(quote!(#[serde(#(#words),*)]));
            }
        }
        let deprecated = variant.attrs.iter().filter(|attr| attr.path().is_ident("deprecated"));
        tokens.extend(quote!(#(#deprecated)*));
        tokens.extend(allowed(&variant.attrs));
        tokens
    }

    /// Whether a state's struct goes to JSON and back by itself, as the enum says.
    fn has_serde(&self, variant: &Variant) -> bool {
        let own_way = self.own_way || serde_word(&variant.attrs, &OWN_WAY).is_some();
        !own_way && self.derives.iter().any(|path| is_named(path, &SERDE))
    }

    /// The attributes of a field.
    pub(super) fn field(&self, variant: &Variant, attrs: &[Attribute]) -> TokenStream {
        let has_serde = self.has_serde(variant);
        let mut tokens = TokenStream::new();
        for attr in attrs {
            if ["doc", "deprecated"].iter().any(|name| attr.path().is_ident(name)) {
                attr.to_tokens(&mut tokens);
            } else if has_serde && attr.path().is_ident("serde") {
                let words = serde(std::slice::from_ref(attr), &|meta| Some(meta.clone()));
                tokens.extend(quote!(#[serde(#(#words),*)]));
            }
        }
        tokens.extend(allowed(attrs));
        tokens
    }
}

/// What the user allows; what is expected there is not expected once more.
pub(super) fn allowed(attrs: &[Attribute]) -> TokenStream {
    let one = |attr: &Attribute| {
        let list = attr
            .meta
            .require_list()
            .ok()
            .filter(|list| ["allow", "expect"].iter().any(|name| list.path.is_ident(name)))?;
        let lints = &list.tokens;
        Some(quote!(#[allow(#lints)]))
    };
    attrs.iter().filter_map(one).collect()
}

/// Words of `#[serde(..)]`, whose paths are said one module further in.
fn serde(attrs: &[Attribute], keep: &dyn Fn(&Meta) -> Option<Meta>) -> Vec<Meta> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("serde"))
        .filter_map(|attr| attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok())
        .flatten()
        .filter_map(|meta| keep(&meta))
        .map(|meta| match meta {
            Meta::NameValue(mut pair) => {
                let value = pair.value.to_token_stream().into_iter().map(text_further).collect::<TokenStream>();
                pair.value = syn::Expr::Verbatim(value);
                Meta::NameValue(pair)
            }
            other => other,
        })
        .collect()
}

/// A path in a string, as serde takes it, one module further in.
fn text_further(token: TokenTree) -> TokenTree {
    let TokenTree::Literal(literal) = &token else { return token };
    let text = literal.to_string();
    let begins = |word: &str| text.strip_prefix('"').is_some_and(|text| text.starts_with(word));
    let moved = if begins("self::") {
        text.replacen("self::", "super::", 1)
    } else if begins("super::") {
        text.replacen("super::", "super::super::", 1)
    } else {
        return token;
    };
    match moved.parse::<Literal>() {
        Ok(mut moved) => {
            moved.set_span(literal.span());
            moved.into()
        }
        Err(_) => token,
    }
}

/// A path one module further in; a bare name is found there by the glob.
fn further(mut path: Path) -> Path {
    let Some(first) = path.segments.first_mut().filter(|_| path.leading_colon.is_none()) else { return path };
    let super_ = Ident::new("super", first.ident.span());
    if first.ident == "self" {
        first.ident = super_;
    } else if first.ident == "super" {
        path.segments.insert(0, super_.into());
    }
    path
}
