//! Between a state's struct, the enum of successors, and the machine's enum.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Fields, Variant};

use super::Names;
use crate::model::Machine;

/// The names of a variant's fields as a pattern or an expression: `{ cart: __factum_0 }`.
pub(super) fn fields(variant: &Variant) -> TokenStream {
    let local = |at: usize| format_ident!("__factum_{}", at);
    match &variant.fields {
        Fields::Named(fields) => {
            let named = fields.named.iter().enumerate().map(|(at, field)| {
                let (name, local) = (&field.ident, local(at));
                quote!(#name: #local)
            });
            quote!({ #(#named),* })
        }
        Fields::Unnamed(fields) => {
            let locals = (0..fields.unnamed.len()).map(local);
            quote!((#(#locals),*))
        }
        Fields::Unit => TokenStream::new(),
    }
}

pub(super) fn conversions(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, enum_, module) = (&names.p, &machine.item.ident, &machine.module);
    let alone = machine.states.len() == 1;
    let mut tokens = TokenStream::new();
    for (at, (state, variant)) in names.states().enumerate() {
        let (ident, fields) = (&variant.ident, fields(variant));
        let (struct_, successor) = (names.state(at), names.successor(at));
        let next = state.next.iter().map(|&to| &machine.states[to].ident);
        let other = (!alone).then(|| quote!(__factum_other => #p::Err(__factum_other),));
        tokens.extend(quote! {
            impl #p::From<#struct_> for #enum_ {
                fn from(__factum_state: #struct_) -> Self {
                    let #struct_ #fields = __factum_state;
                    #enum_::#ident #fields
                }
            }

            impl #p::TryFrom<#enum_> for #struct_ {
                type Error = #enum_;

                fn try_from(__factum_machine: #enum_) -> #p::Result<Self, #enum_> {
                    match __factum_machine {
                        #enum_::#ident #fields => #p::Ok(#struct_ #fields),
                        #other
                    }
                }
            }

            impl #p::From<#module::#successor> for #enum_ {
                fn from(__factum_next: #module::#successor) -> Self {
                    match __factum_next {
                        #(#module::#successor::#next(__factum_state) => #p::From::from(__factum_state),)*
                    }
                }
            }
        });
    }
    tokens
}
