//! A machine: the enum, the module of its states, and what the engine asks of both.
//!
//! What must always hold: the enum is as the user wrote it; what stands beside it
//! in the user's own scope is the module, and hidden aliases of the fields' types.

mod carried;
mod convert;
mod draw;
mod engine;
mod graph;
mod module;
mod state;
mod timeouts;
mod visibility;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Variant;
use syn::ext::IdentExt;

use super::marker::cfgs;
use crate::check::Checked;
use crate::model::{Machine, State};

pub(crate) fn fsm(machine: &Checked<Machine>) -> TokenStream {
    let machine = machine.get();
    let drawing = draw::drawing(machine);
    let mut item = machine.item.clone();
    // An enum of which the user says nothing is left as it is.
    if item.attrs.iter().any(|attr| attr.path().is_ident("doc")) {
        let doc = format!("\n# States\n```mermaid\n{}```\n", drawing.mermaid);
        item.attrs.push(syn::parse_quote!(#[doc = #doc]));
    }
    if !item.generics.params.is_empty() {
        return quote!(#item);
    }
    let names = Names::of(machine);
    let cfgs = cfgs(&item.attrs);
    let module = module::module(machine, &names);
    let states = state::states(machine, &names);
    let conversions = convert::conversions(machine, &names);
    let timeouts = timeouts::functions(machine, &names);
    let graph = graph::graph(machine, &names, &drawing);
    let engine = engine::engine(machine, &names);
    let unread = unread(machine, &names);
    let private = &names.private;
    quote! {
        #item

        #module

        #(#cfgs)*
        #[allow(
            deprecated,
            dead_code,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            reason = "the user did not write it"
        )]
        const _: () = {
            use #private as __factum_p;

            #timeouts
            #graph
            #states
            #conversions
            #engine
            #unread
        };
    }
}

/// In the place of derives that are missing, so that this is told once.
fn unread(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, enum_) = (&names.p, &machine.item.ident);
    let one = |name: &&str| match *name {
        "Serialize" => quote! {
            impl #p::serde::Serialize for #enum_ {
                fn serialize<__FactumS: #p::serde::Serializer>(
                    &self,
                    _: __FactumS,
                ) -> #p::Result<__FactumS::Ok, __FactumS::Error> {
                    #p::broken()
                }
            }
        },
        _ => quote! {
            impl<'__factum> #p::serde::Deserialize<'__factum> for #enum_ {
                fn deserialize<__FactumD: #p::serde::Deserializer<'__factum>>(
                    _: __FactumD,
                ) -> #p::Result<Self, __FactumD::Error> {
                    #p::broken()
                }
            }
        },
    };
    machine.unread.iter().map(one).collect()
}

/// What stands in generated code for things of a machine.
struct Names<'m> {
    machine: &'m Machine,
    /// `::factum::__private` by a short name: there are many states.
    p: TokenStream,
    /// The same in full, for what has the span of the user's tokens.
    private: TokenStream,
}

impl<'m> Names<'m> {
    fn of(machine: &'m Machine) -> Names<'m> {
        let krate = &machine.krate;
        Names { machine, p: quote!(__factum_p), private: quote!(#krate::__private) }
    }

    /// An optional value.
    fn optional(&self, value: Option<TokenStream>) -> TokenStream {
        let p = &self.p;
        value.map_or_else(|| quote!(#p::None), |value| quote!(#p::Some(#value)))
    }

    /// The states, each with its variant.
    fn states(&self) -> impl Iterator<Item = (&'m State, &'m Variant)> {
        self.machine.states.iter().zip(&self.machine.item.variants)
    }

    /// The struct of a state, outside the module.
    fn state(&self, at: usize) -> TokenStream {
        let (module, ident) = (&self.machine.module, &self.machine.states[at].ident);
        quote!(#module::#ident)
    }

    /// The enum of its successors, inside the module.
    fn successor(&self, at: usize) -> Ident {
        let ident = &self.machine.states[at].ident;
        let name = format_ident!("{}Next", ident.unraw(), span = ident.span());
        // Two of one name were refused.
        let taken = self.machine.states.iter().any(|state| state.ident == name);
        if taken { format_ident!("__factum_{}", name) } else { name }
    }
}
