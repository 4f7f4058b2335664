//! The attribute macros of factum.
//!
//! `tokens → parse → model → check → expand`, with one sink of errors. What
//! must always hold: all errors of an item are reported at once, each at the
//! user's own token; the item is emitted all the same, so that nothing that
//! uses it fails as well; and no input makes a macro panic.

mod check;
mod diag;
mod expand;
mod model;
mod parse;

use diag::Diag;
use parse::ParsedItem;
use proc_macro::TokenStream;
use proc_macro2::TokenStream as TokenStream2;
use quote::quote;

/// Makes an `async fn` a step.
#[proc_macro_attribute]
pub fn step(attr: TokenStream, item: TokenStream) -> TokenStream {
    let (attr, item) = (TokenStream2::from(attr), TokenStream2::from(item));
    on_function("#[step]", item, |function, diag| {
        Some(match check::step(attr, function, diag) {
            check::Verdict::Usable(step) => expand::step(&step),
            check::Verdict::Broken(broken) => expand::broken_step(&broken),
        })
    })
}

/// Makes an `async fn` a saga.
#[proc_macro_attribute]
pub fn saga(attr: TokenStream, item: TokenStream) -> TokenStream {
    let (attr, item) = (TokenStream2::from(attr), TokenStream2::from(item));
    on_function("#[saga]", item, |function, diag| {
        Some(match check::saga(attr, function, diag)? {
            check::Verdict::Usable(saga) => expand::saga(&saga),
            check::Verdict::Broken(broken) => expand::broken_saga(&broken),
        })
    })
}

/// Makes a type a signal.
#[proc_macro_attribute]
pub fn signal(attr: TokenStream, item: TokenStream) -> TokenStream {
    let (attr, item) = (TokenStream2::from(attr), TokenStream2::from(item));
    let mut diag = Diag::default();
    let signal = check::signal(attr, item.clone(), &mut diag);
    let expanded = signal.map_or(item, |signal| expand::signal(&signal));
    with_errors(expanded, diag)
}

fn on_function(
    attribute: &str,
    item: TokenStream2,
    expand: impl FnOnce(Box<parse::Function>, &mut Diag) -> Option<TokenStream2>,
) -> TokenStream {
    let mut diag = Diag::default();
    let expanded = match parse::function(&item) {
        ParsedItem::Function(function) => expand(function, &mut diag),
        ParsedItem::Other(what) => {
            let first = item.clone().into_iter().next();
            diag.error(first, format!("`{attribute}` on a {what}; write it on an `async fn`"));
            None
        }
        // The compiler reports what it cannot read better than a macro could.
        ParsedItem::Unreadable => None,
    };
    with_errors(expanded.unwrap_or(item), diag)
}

fn with_errors(expanded: TokenStream2, diag: Diag) -> TokenStream {
    let errors = diag.into_tokens();
    quote!(#errors #expanded).into()
}
