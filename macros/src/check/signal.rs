//! A signal: one type, one name on disk.

use proc_macro2::TokenStream;
use syn::Item;

use super::Checked;
use super::keys::{self, CRATE, NAME};
use crate::diag::Diag;
use crate::model::Signal;
use crate::parse::{self, Key};

const KEYS: &[Key] = &[NAME, CRATE];

/// The signal that an attribute and a type make; none if it cannot be one.
pub(crate) fn signal(attr: TokenStream, item: TokenStream, diag: &mut Diag) -> Option<Checked<Signal>> {
    let parsed = syn::parse2::<Item>(item.clone()).ok()?;
    let (ident, generics) = match &parsed {
        Item::Struct(item) => (&item.ident, &item.generics),
        Item::Enum(item) => (&item.ident, &item.generics),
        _ => {
            let first = item.into_iter().next();
            diag.error(first, "a signal is a `struct` or an `enum`; write `#[signal]` on the type of the message");
            return None;
        }
    };
    let mut entries = parse::entries(attr, "#[signal]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, ident, diag);
    if !generics.params.is_empty() {
        diag.error(&generics.params, "a signal cannot be generic: it has one name on disk; write one type for each");
        return None;
    }
    Some(Checked(Signal { krate, ident: ident.clone(), item, name }))
}
