//! What each state's struct is for the engine, and where its handler may go.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::Names;
use super::graph::signal;
use super::timeouts;
use crate::model::{Machine, Policy};

pub(super) fn states(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, enum_, module) = (&names.p, &machine.item.ident, &machine.module);
    let mut tokens = TokenStream::new();
    for (at, state) in machine.states.iter().enumerate() {
        let (struct_, successor) = (names.state(at), names.successor(at));
        let (name, terminal) = (state.ident.unraw().to_string(), state.terminal);
        let accepts = (0..machine.signals.len()).filter(|&at| state.policies[at] == Policy::Accept).map(signal);
        let timeouts = timeouts::table(machine, at);
        let transitions = state.next.iter().map(|&to| {
            let (target, ident) = (names.state(to), &machine.states[to].ident);
            quote! {
                impl #p::Transition<#target> for #struct_ {
                    fn successor(__factum_to: #target) -> #module::#successor {
                        #module::#successor::#ident(__factum_to)
                    }
                }
            }
        });
        tokens.extend(quote! {
            impl #p::State for #struct_ {
                type Machine = #enum_;
                type Itself = Self;
                type Successor = #module::#successor;

                const NAME: &'static #p::str = #name;
                const INDEX: #p::usize = #at;
                const TERMINAL: #p::bool = #terminal;
                const ACCEPTS: &'static [&'static #p::str] = &[#(#accepts),*];
                const TIMEOUTS: &'static [fn(#enum_) -> #enum_] = &[#(#timeouts),*];
            }

            #(#transitions)*
        });
    }
    tokens.extend(start(machine, names));
    tokens
}

/// A run begins with the struct of the initial state.
fn start(machine: &Machine, names: &Names<'_>) -> Option<TokenStream> {
    let (p, enum_) = (&names.p, &machine.item.ident);
    let initial = names.state(machine.states.iter().position(|state| state.initial)?);
    Some(quote! {
        impl #p::Startable for #initial {
            type Workflow = #enum_;

            fn into_start(self) -> #p::StartArgs {
                #p::start_state(&<#enum_ as #p::From<#initial>>::from(self))
            }
        }
    })
}
