//! A checkpoint store: an implementation of one trait, all of whose methods are there and are asynchronous.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::{ImplItem, ImplItemFn, Item, ItemImpl, ReceiverKind};

use super::Checked;
use super::keys::{self, CRATE};
use crate::diag::{Diag, nearest};
use crate::model::{StoreImpl, StoreMethod};
use crate::parse::{self, Key};

const KEYS: &[Key] = &[CRATE];
const TRAIT: &str = "CheckpointStore";

/// The store that an attribute and an implementation make; none if it cannot be one.
pub(crate) fn store(attr: TokenStream, item: &TokenStream, diag: &mut Diag) -> Option<Checked<StoreImpl>> {
    let parsed = syn::parse2::<Item>(item.clone()).ok()?;
    let Item::Impl(mut parsed) = parsed else {
        let first = item.clone().into_iter().next();
        diag.error(first, "`#[checkpoint_store]` is written on `impl CheckpointStore for ..`");
        return None;
    };
    if !is_of_the_trait(&parsed, diag) {
        return None;
    }
    let krate = keys::krate(&mut parse::entries(attr, "#[checkpoint_store]", KEYS, diag));
    let there = |method| has(&parsed, method);
    let absent: Vec<&str> =
        StoreMethod::ALL.into_iter().filter(|method| !there(*method)).map(StoreMethod::name).collect();
    parsed.items.retain_mut(|item| match item {
        ImplItem::Fn(method) => is_known(method, &absent, diag),
        _ => true, // the compiler knows what a trait has besides
    });
    for item in &parsed.items {
        if let ImplItem::Fn(method) = item {
            asynchronous(method, diag);
        }
    }
    complete(&parsed, diag);
    // What borrows its store in another way cannot be made fit; the user was told.
    parsed.items.retain(|item| !matches!(item, ImplItem::Fn(method) if !borrows_self(method)));
    let missing = missing(&parsed);
    Some(Checked(StoreImpl { krate, item: parsed, missing }))
}

/// The trait, by its last name: what it is called elsewhere, tokens cannot say.
fn is_of_the_trait(item: &ItemImpl, diag: &mut Diag) -> bool {
    let write = "write `#[checkpoint_store]` on `impl CheckpointStore for ..`";
    match &item.trait_ {
        Some((path, _)) if path.segments.last().is_some_and(|last| last.ident == TRAIT) => return true,
        Some((path, _)) => diag.error(path, format!("this is an implementation of another trait; {write}")),
        None => diag.error(&item.self_ty, format!("this implements no trait; {write}")),
    }
    false
}

/// A method is one of the trait's. One that is not, and was probably meant to be one that is absent, becomes that.
fn is_known(method: &mut ImplItemFn, absent: &[&str], diag: &mut Diag) -> bool {
    let ident = &method.sig.ident;
    let name = ident.unraw().to_string();
    let names = StoreMethod::ALL.map(StoreMethod::name);
    if names.contains(&name.as_str()) {
        return true;
    }
    let near = nearest(&name, absent.iter().copied());
    let proposal = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("move it to an `impl` block of its own; the trait has `{}`", names.join("`, `")),
    };
    diag.error(ident, format!("`CheckpointStore` has no method `{name}`; {proposal}"));
    if let Some(near) = near {
        method.sig.ident = Ident::new(near, ident.span());
    }
    near.is_some()
}

/// A method is an `async fn` that borrows the store.
fn asynchronous(method: &ImplItemFn, diag: &mut Diag) {
    let (sig, name) = (&method.sig, &method.sig.ident);
    if sig.asyncness.is_none() {
        diag.error(sig.fn_token, format!("`{name}` is not asynchronous; write `async fn {name}`"));
    }
    if borrows_self(method) {
        return;
    }
    let why = "a store is shared: write `&self`, and put what changes behind a lock";
    match sig.receiver() {
        Some(receiver) => diag.error(receiver, format!("`{name}` does not borrow its store with `&self`; {why}")),
        None => diag.error(name, format!("`{name}` has no `&self`; {why}")),
    }
}

fn borrows_self(method: &ImplItemFn) -> bool {
    method.sig.receiver().is_some_and(|receiver| matches!(receiver.kind, ReceiverKind::Reference(_, _, None)))
}

/// Every method is there.
fn complete(item: &ItemImpl, diag: &mut Diag) {
    let missing = missing(item);
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(|method| format!("`{}`", method.name())).collect();
    let written: Vec<String> = missing.iter().map(|method| format!("\n    {}", method.written())).collect();
    diag.error(&item.self_ty, format!("this store has no {}; write{}", names.join(", "), written.concat()));
}

fn missing(item: &ItemImpl) -> Vec<StoreMethod> {
    StoreMethod::ALL.into_iter().filter(|method| !has(item, *method)).collect()
}

fn has(item: &ItemImpl, method: StoreMethod) -> bool {
    item.items.iter().any(|item| matches!(item, ImplItem::Fn(there) if there.sig.ident.unraw() == method.name()))
}
