//! Timeouts: for each a function from the state that was left to the one that follows.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, Path};

use super::super::step::time;
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
    let value = made(machine, timeout);
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

/// The expression, in which the state's name alone means its struct.
fn made(machine: &Machine, timeout: &Timeout) -> Expr {
    let mut value = timeout.value.clone();
    let Some(path) = head_mut(&mut value) else { return value };
    let Some(last) = path.segments.last().map(|last| last.ident.clone()) else { return value };
    let mut module = machine.module.clone();
    module.set_span(last.span());
    *path = syn::parse_quote!(#module::#last);
    value
}

fn head_mut(value: &mut Expr) -> Option<&mut Path> {
    match value {
        Expr::Group(group) => head_mut(&mut group.expr),
        Expr::Struct(made) => Some(&mut made.path),
        Expr::Path(made) => Some(&mut made.path),
        Expr::Call(made) => head_mut(&mut made.func),
        _ => None,
    }
}

/// The timeouts of a state: its own, then its groups'.
pub(super) fn table(machine: &Machine, names: &Names<'_>, at: usize) -> Vec<TokenStream> {
    let (p, krate) = (&names.p, &machine.krate);
    let table = machine.states[at].timeouts.iter().map(|&timeout| {
        let (after, to) = (time(krate, machine.timeouts[timeout].after), function(timeout));
        quote!(#p::StateTimeout { after: #after, to: #to })
    });
    table.collect()
}
