//! A function whose signature was refused: what its callers see of it is kept
//! as far as it can be, so that one mistake is one error.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{FnArg, ReturnType};

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
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let has_self = sig.receiver().is_some();
    // The body is looked at all the same, where it can stand in a function of its own.
    let body = (keep_body && !has_self).then(|| {
        let (inputs, output, body) = (&sig.inputs, &sig.output, &function.body);
        quote_spanned! {ident.span()=>
            #[allow(dead_code)]
            async fn __factum_body #generics(#inputs) #output #clause #body
        }
    });
    quote! {
        #[allow(unused_variables, unused_mut, dead_code, clippy::all)]
        #vis fn #ident #generics(#(#inputs),*) -> #krate::__private::#call<'static, #krate::__private::Broken<#ret>> #clause {
            #body
            #krate::__private::broken()
        }
    }
}

fn is_io(input: &FnArg) -> bool {
    match input {
        FnArg::Receiver(_) => false,
        FnArg::Typed(typed) => {
            matches!(&*typed.pat, syn::Pat::Ident(pat) if pat.ident.to_string().trim_start_matches('_') == "io")
        }
    }
}
