//! Attributes that are nearly ours.
//!
//! The compiler refuses those that nobody knows, but a derive may know some: so
//! nothing is said where there is one that may.

use proc_macro2::Ident;
use syn::{Attribute, ItemEnum, Meta, Path};

use crate::diag::{Diag, nearest};
use crate::parse::{derives, is_mark, is_named, mark_names};

/// Derives that are known to have no attributes like ours.
const DERIVES: [&str; 12] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deserialize",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Signal",
];
/// Attributes that the compiler and serde know.
const KNOWN: [&str; 13] = [
    "allow",
    "cfg",
    "cfg_attr",
    "default",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "forbid",
    "must_use",
    "serde",
    "warn",
];

/// Tells of them, and takes them for what was most likely meant.
pub(super) fn correct(item: &mut ItemEnum, diag: &mut Diag) {
    if !all_known(item) {
        return;
    }
    let attrs = item.variants.iter_mut().flat_map(|variant| &mut variant.attrs);
    for attr in attrs {
        let Some(word) = attr.path().get_ident().cloned() else { continue };
        if is_mark(attr) || KNOWN.iter().any(|known| word == known) {
            continue;
        }
        let text = word.to_string();
        if let Some(near) = nearest(&text, mark_names()) {
            diag.error(&word, format!("`{text}` is no attribute of a state; did you mean `{near}`?"));
            rename(attr, &Ident::new(near, word.span()));
        }
    }
}

/// Whether no attribute of the enum may bring something that nobody here knows.
pub(super) fn all_known(item: &ItemEnum) -> bool {
    item.attrs.iter().all(|attr| is_mark(attr) || known(attr))
}

fn known(attr: &Attribute) -> bool {
    match attr.path().is_ident("derive") {
        true => derives(attr).is_some_and(|derived| derived.iter().all(|path| is_named(path, &DERIVES))),
        false => attr.path().get_ident().is_some_and(|word| KNOWN.iter().any(|known| word == known)),
    }
}

fn rename(attr: &mut Attribute, to: &Ident) {
    let path = Path::from(to.clone());
    match &mut attr.meta {
        Meta::Path(old) => *old = path,
        Meta::List(list) => list.path = path,
        Meta::NameValue(pair) => pair.path = path,
    }
}
