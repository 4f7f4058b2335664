//! The public function and the hidden type that stands for it.
//!
//! The type is as visible as the function, and generic over its signature: so
//! a public function over private types compiles, and the type can be named
//! wherever the types of the signature can.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Path};

use super::args::{borrows, lifetime, with_lifetime};
use crate::model::Sig;

/// The hidden type and its instance for the signature.
pub(super) struct Marker {
    ident: Ident,
    /// The type as other code names it.
    pub(super) ty: TokenStream,
}

impl Marker {
    pub(super) fn new(prefix: &str, sig: &Sig) -> Marker {
        let ident = format_ident!("__factum_{}_{}", prefix, syn::ext::IdentExt::unraw(&sig.ident));
        let args = sig.args.iter().map(|arg| &arg.ty);
        let ret = &sig.ret.ty;
        let ty = quote!(#ident<fn(#(#args),*) -> #ret>);
        Marker { ident, ty }
    }

    pub(super) fn declaration(&self, krate: &Path, sig: &Sig) -> TokenStream {
        let (ident, vis) = (&self.ident, &sig.vis);
        let cfgs = cfgs(&sig.attrs);
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code, unreachable_pub, unnameable_types, reason = "the user named and placed the function alone")]
            #vis struct #ident<__FactumSignature>(#krate::__private::PhantomData<__FactumSignature>);
        }
    }

    /// The function that the user calls: it makes an inert call.
    pub(super) fn function(&self, krate: &Path, sig: &Sig, call: &Ident) -> TokenStream {
        let marker = &self.ty;
        let (vis, ident) = (&sig.vis, &sig.ident);
        let attrs = sig.attrs.iter().filter(|attr| is_for_the_function(attr));
        let one = lifetime("'__factum");
        let borrowed = sig.args.iter().any(|arg| borrows(&arg.ty));
        let (generics, lifetime) =
            if borrowed { (quote!(<#one>), one.clone()) } else { (TokenStream::new(), lifetime("'static")) };
        let names: Vec<_> = sig.args.iter().map(|arg| &arg.ident).collect();
        let types = sig.args.iter().map(|arg| with_lifetime(&arg.ty, &one));
        quote! {
            #(#attrs)*
            #[allow(private_interfaces, reason = "the hidden type in the result is generic over the signature's own types")]
            #vis fn #ident #generics(#(#names: #types),*) -> #krate::__private::#call<#lifetime, #marker> {
                #krate::__private::#call::new((#(#names,)*))
            }
        }
    }
}

/// Attributes that decide whether the item is there at all.
pub(super) fn cfgs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")).collect()
}

/// Attributes of what the user calls; the others are the body's.
fn is_for_the_function(attr: &Attribute) -> bool {
    ["doc", "cfg", "cfg_attr", "deprecated", "must_use", "allow"].iter().any(|name| attr.path().is_ident(name))
}

/// Attributes of the body.
pub(super) fn body_attrs(attrs: &[Attribute]) -> Vec<&Attribute> {
    let is_lint = |attr: &Attribute| attr.path().is_ident("allow");
    attrs.iter().filter(|attr| is_lint(attr) || !is_for_the_function(attr)).collect()
}
