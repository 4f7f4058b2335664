//! The function that `#[step]`, `#[saga]` or `#[state]` stands on.

use proc_macro2::{Group, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

/// A function whose body is still tokens.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// What an attribute was found on.
#[derive(Debug)]
pub(crate) enum ParsedItem {
    Function(Box<Function>),
    /// Another item, as the compiler calls it.
    Other(&'static str),
    /// Nothing that can be read; the compiler has said so, or will.
    Unreadable,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body: Group = input.parse()?;
        if body.delimiter() == proc_macro2::Delimiter::Brace {
            Ok(Function { attrs, vis, sig, body })
        } else {
            Err(syn::Error::new(body.span(), "expected a body"))
        }
    }
}

/// Reads the item under the attribute.
pub(crate) fn function(tokens: &TokenStream) -> ParsedItem {
    if let Ok(function) = syn::parse2(tokens.clone()) {
        return ParsedItem::Function(Box::new(function));
    }
    match syn::parse2(tokens.clone()) {
        Ok(syn::Item::Struct(_)) => ParsedItem::Other("struct"),
        Ok(syn::Item::Enum(_)) => ParsedItem::Other("enum"),
        Ok(syn::Item::Impl(_)) => ParsedItem::Other("`impl` block"),
        Ok(syn::Item::Trait(_)) => ParsedItem::Other("trait"),
        Ok(syn::Item::Mod(_)) => ParsedItem::Other("module"),
        Ok(syn::Item::Verbatim(_)) | Err(_) => ParsedItem::Unreadable,
        Ok(_) => ParsedItem::Other("item"),
    }
}
