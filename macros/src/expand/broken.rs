//! A function whose signature was refused: what its callers see of it is kept
//! as far as it can be, so that one mistake is one error.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Generics, Lifetime, ReturnType, Type, TypeImplTrait, TypeReference};

use super::args::lifetime;
use crate::check::Broken;

pub(crate) fn broken_step(broken: &Broken) -> TokenStream {
    function(broken, "StepCall", true)
}

pub(crate) fn broken_saga(broken: &Broken) -> TokenStream {
    function(broken, "SagaCall", false)
}

fn function(broken: &Broken, call: &str, keep_body: bool) -> TokenStream {
    let Broken { krate, function } = broken;
    let sig = &function.sig;
    let (vis, ident, generics) = (&function.vis, &sig.ident, &sig.generics);
    let clause = &generics.where_clause;
    let call = Ident::new(call, Span::call_site());
    let inputs = sig.inputs.iter().filter(|input| !is_io(input));
    let ret = match &sig.output {
        ReturnType::Type(_, ty) if !is_open(ty, generics) => without_lifetimes(ty),
        _ => syn::parse_quote!(()),
    };
    let has_self = sig.receiver().is_some();
    // The body is looked at all the same, where it can stand in a function of its own.
    let body = (keep_body && !has_self).then(|| {
        let (inputs, output, body) = (&sig.inputs, &sig.output, &function.body);
        quote_spanned! {ident.span()=>
            #[allow(dead_code, reason = "it is there to be checked")]
            async fn __factum_body #generics(#inputs) #output #clause #body
        }
    });
    quote! {
        #[allow(unused_variables, unused_mut, dead_code, clippy::all, reason = "its errors are told already")]
        #vis fn #ident #generics(#(#inputs),*) -> #krate::__private::#call<'static, #krate::__private::Broken<#ret>> #clause {
            #body
            #krate::__private::broken()
        }
    }
}

/// Whether only the caller would know the type.
fn is_open(ty: &Type, generics: &Generics) -> bool {
    struct Open<'g> {
        generics: &'g Generics,
        found: bool,
    }
    impl Visit<'_> for Open<'_> {
        fn visit_type_impl_trait(&mut self, _: &TypeImplTrait) {
            self.found = true;
        }

        fn visit_ident(&mut self, ident: &Ident) {
            self.found |= self.generics.type_params().any(|param| param.ident == *ident);
        }
    }
    let mut open = Open { generics, found: false };
    open.visit_type(ty);
    open.found
}

/// The type as if it borrowed for ever.
fn without_lifetimes(ty: &Type) -> Type {
    struct Static;
    impl VisitMut for Static {
        fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
            ty.lifetime = Some(lifetime("'static"));
            visit_mut::visit_type_reference_mut(self, ty);
        }

        fn visit_lifetime_mut(&mut self, named: &mut Lifetime) {
            *named = lifetime("'static");
        }
    }
    let mut ty = ty.clone();
    Static.visit_type_mut(&mut ty);
    ty
}

fn is_io(input: &FnArg) -> bool {
    match input {
        FnArg::Receiver(_) => false,
        FnArg::Typed(typed) => {
            matches!(&*typed.pat, syn::Pat::Ident(pat) if pat.ident.to_string().trim_start_matches('_') == "io")
        }
    }
}
