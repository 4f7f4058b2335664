//! Keys that several attributes have.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Expr, ExprLit, Lit, LitStr, Path};

use crate::diag::Diag;
use crate::parse::{Entries, Key, Shape};

pub(super) const NAME: Key = Key { name: "name", shape: Shape::Expr, example: "name = \"charge\"" };
pub(super) const APP: Key = Key { name: "app", shape: Shape::Type, example: "app = Shop" };
pub(super) const VERSION: Key = Key { name: "version", shape: Shape::Expr, example: "version = 2" };
pub(super) const CRATE: Key = Key { name: "crate", shape: Shape::Path, example: "crate = ::factum" };

/// `crate = ..`, or `::factum`.
pub(super) fn krate(entries: &mut Entries) -> Path {
    entries.path("crate").unwrap_or_else(|| {
        let factum = Ident::new("factum", Span::call_site());
        syn::parse_quote!(::#factum)
    })
}

/// `name = ".."`, or the identifier.
pub(super) fn name(entries: &mut Entries, ident: &Ident, diag: &mut Diag) -> String {
    let by_ident = ident.unraw().to_string();
    let Some((_, expr)) = entries.expr("name") else {
        return by_ident;
    };
    let Some(text) = string(&expr, "name", NAME.example, diag) else {
        return by_ident;
    };
    let name = text.value();
    if name.is_empty() {
        diag.error(text, format!("the name on disk is empty; leave `name` out to use `{by_ident}`"));
    } else if name.chars().any(char::is_control) {
        diag.error(text, "the name on disk has a control character; write letters, digits and punctuation");
    } else if name.trim() != name {
        diag.error(text, format!("the name on disk begins or ends with a space; write `{:?}`", name.trim()));
    } else {
        return name;
    }
    by_ident
}

/// A version, from 1.
pub(super) fn version(expr: &Expr, diag: &mut Diag) -> Option<u32> {
    let version = whole(expr, "version", VERSION.example, diag)?;
    if version == 0 {
        diag.error(expr, "versions begin at 1; leave `version` out for the first one");
        return None;
    }
    Some(version)
}

/// An expression without the invisible group that a `$literal` of a user's macro comes in.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        other => other,
    }
}

/// A string literal.
pub(super) fn string<'e>(expr: &'e Expr, key: &str, example: &str, diag: &mut Diag) -> Option<&'e LitStr> {
    match bare(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => {
            diag.error(expr, format!("`{key}` is a string; write `{example}`"));
            None
        }
    }
}

/// A whole number.
pub(super) fn whole(expr: &Expr, key: &str, example: &str, diag: &mut Diag) -> Option<u32> {
    let number = match bare(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse::<u32>().ok(),
        _ => None,
    };
    if number.is_none() {
        diag.error(expr, format!("`{key}` is a whole number; write `{example}`"));
    }
    number
}
