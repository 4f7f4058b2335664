//! The module of a machine's states: a struct for each, and the enum of its successors.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Fields, Variant};

use super::super::marker::cfgs;
use super::super::spans::at;
use super::Names;
use super::carried::{Carried, allowed};
use super::visibility::inside;
use crate::model::Machine;

pub(super) fn module(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (module, enum_, vis) = (&machine.module, &machine.item.ident, &machine.item.vis);
    let cfgs = cfgs(&machine.item.attrs);
    let carried = Carried::of(&machine.item);
    let allowed = allowed(&machine.item.attrs);
    let mut aliases =
        Aliases { machine: enum_, attrs: quote!(#(#cfgs)* #allowed), count: 0, tokens: TokenStream::new() };
    let within = inside(vis);
    let mut items = TokenStream::new();
    for (index, (_, variant)) in names.states().enumerate() {
        let (ident, attrs) = (&variant.ident, carried.state(variant));
        let doc = doc(variant, &format!("The state `{}` of [`{1}`](super::{1}).", ident.unraw(), enum_.unraw()));
        let body = body(variant, &carried, &within, &mut aliases);
        let successor = names.successor(index);
        let next = machine.states[index].next.iter().map(|&to| &machine.states[to].ident);
        let about = format!("What follows [`{0}`].", ident.unraw());
        let head = at(ident.span(), quote!(#within struct));
        items.extend(quote! {
            #doc
            #attrs
            #head #ident #body

            #[doc = #about]
            #within enum #successor { #(#next(#next)),* }
        });
    }
    let aliases = aliases.tokens;
    let about = format!("The states of [`{0}`](super::{0}).", enum_.unraw());
    quote! {
        #aliases

        #(#cfgs)*
        #[doc = #about]
        #allowed
        #[allow(
            dead_code,
            deprecated,
            missing_docs,
            missing_debug_implementations,
            missing_copy_implementations,
            private_interfaces,
            unreachable_pub,
            unused_imports,
            unused_qualifications,
            non_camel_case_types,
            non_snake_case,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            rustdoc::all,
            reason = "the user wrote the enum"
        )]
        #vis mod #module {
            // For the derives, for paths in serde's attributes, and for links in the documentation.
            use super::*;

            #items
        }
    }
}

/// What the user says of a state, or else what can be said of it.
fn doc(variant: &Variant, else_: &str) -> TokenStream {
    let docs: Vec<_> = variant.attrs.iter().filter(|attr| attr.path().is_ident("doc")).collect();
    if docs.is_empty() { quote!(#[doc = #else_]) } else { quote!(#(#docs)*) }
}

fn body(variant: &Variant, carried: &Carried, within: &syn::Visibility, aliases: &mut Aliases<'_>) -> TokenStream {
    let mut fields = Vec::new();
    for field in &variant.fields {
        let attrs = carried.field(variant, &field.attrs);
        let ty = aliases.of(&field.ty, &[allowed(&variant.attrs), allowed(&field.attrs)]);
        let name = field.ident.as_ref().map(|name| at(name.span(), quote!(#within #name:)));
        let name = name.unwrap_or_else(|| at(field.ty.span(), quote!(#within)));
        fields.push(quote!(#attrs #name #ty));
    }
    match &variant.fields {
        Fields::Named(_) => quote!({ #(#fields),* }),
        Fields::Unnamed(_) => quote!((#(#fields),*);),
        Fields::Unit => quote!(;),
    }
}

/// The types of fields under names of ours, in the scope in which the user wrote them: there
/// `self::` and a type called like a state mean what they mean in the enum.
struct Aliases<'m> {
    machine: &'m Ident,
    /// What the enum says of all of them.
    attrs: TokenStream,
    count: usize,
    tokens: TokenStream,
}

impl Aliases<'_> {
    fn of(&mut self, ty: &syn::Type, allowed: &[TokenStream]) -> TokenStream {
        let alias = format_ident!("__{}Field{}", self.machine.unraw(), self.count, span = Span::call_site());
        self.count += 1;
        // The name is the enum's, and so as the lints of names want it, or not.
        let name = self.machine.to_string();
        let allow = (name.contains('_') || !name.starts_with(char::is_uppercase))
            .then(|| quote!(#[allow(non_camel_case_types, reason = "the user named the enum")]));
        let attrs = &self.attrs;
        let named = instead_of_self(ty.to_token_stream(), self.machine);
        self.tokens.extend(quote! {
            #attrs
            #(#allowed)*
            #[doc(hidden)]
            #allow
            type #alias = #named;
        });
        // What a derive says of the type is said where the user wrote it, in the same words as of the enum's.
        let span = ty.span();
        let alias = Ident::new(&alias.to_string(), span);
        quote_spanned!(span=> super::#alias)
    }
}

/// A type in the enum, as it is written outside of it.
fn instead_of_self(tokens: TokenStream, machine: &Ident) -> TokenStream {
    let one = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => {
            let mut machine = machine.clone();
            machine.set_span(ident.span());
            machine.into()
        }
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), instead_of_self(group.stream(), machine));
            inner.set_span(group.span());
            inner.into()
        }
        other => other,
    };
    tokens.into_iter().map(one).collect()
}
