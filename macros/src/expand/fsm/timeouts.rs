//! Timeouts: for each a function from the state that was left to the one that follows.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Expr;

use super::Names;
use crate::model::{Machine, Timeout, TimeoutOf};

fn function(at: usize) -> Ident {
    format_ident!("__factum_timeout_{}", at)
}

pub(super) fn functions(machine: &Machine, names: &Names<'_>) -> TokenStream {
    machine.timeouts.iter().enumerate().map(|(at, timeout)| one(machine, names, at, timeout)).collect()
}

fn one(machine: &Machine, names: &Names<'_>, at: usize, timeout: &Timeout) -> TokenStream {
    let (p, enum_, function) = (&names.p, &machine.item.ident, function(at));
    let to = names.state(timeout.to);
    let value = &timeout.value;
    // In the user's expression, a state's own timeout has the state, a group's any of its states.
    let state = Ident::new("state", value_span(&timeout.value));
    let make = match timeout.of {
        TimeoutOf::State(of) => {
            let of = names.state(of);
            quote! {
                let #p::Ok(#state) = <#of as #p::TryFrom<#enum_>>::try_from(__factum_machine) else {
                    return #p::broken();
                };
            }
        }
        TimeoutOf::Group(_) => quote!(let #state = __factum_machine;),
    };
    quote! {
        #[allow(unused_variables, irrefutable_let_patterns, reason = "not every timeout looks at what was there")]
        fn #function(__factum_machine: #enum_) -> #enum_ {
            #make
            let __factum_to: #to = #value;
            #p::From::from(__factum_to)
        }
    }
}

/// Where `state` is looked up from: where the user wrote it.
fn value_span(value: &Expr) -> proc_macro2::Span {
    fn find(tokens: TokenStream) -> Option<proc_macro2::Span> {
        tokens.into_iter().find_map(|token| match token {
            proc_macro2::TokenTree::Ident(ident) if ident == "state" => Some(ident.span()),
            proc_macro2::TokenTree::Group(group) => find(group.stream()),
            _ => None,
        })
    }
    find(value.to_token_stream()).unwrap_or_else(proc_macro2::Span::call_site)
}

/// The functions of a state's timeouts: its own, then its groups'.
pub(super) fn table(machine: &Machine, at: usize) -> impl Iterator<Item = Ident> {
    machine.states[at].timeouts.iter().map(|&timeout| function(timeout))
}
