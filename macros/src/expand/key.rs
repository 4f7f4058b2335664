//! A saga's `key`: the user's expression in a function over its arguments.

use proc_macro2::{Punct, Spacing, TokenStream};
use quote::quote;
use syn::Expr;

use super::args::{locals, owned};
use super::spans::{at, first, parens};
use crate::model::Saga;

/// `key`, if it is not the default.
pub(super) fn function(saga: &Saga) -> TokenStream {
    let Some(expr) = &saga.key else {
        return TokenStream::new();
    };
    let (krate, args) = (&saga.krate, &saga.sig.args);
    let p = quote!(#krate::__private);
    let locals = locals(args);
    // What is a reference already stays one; the rest is borrowed.
    let params = args.iter().map(|arg| {
        let (ident, ty) = (&arg.ident, &arg.ty);
        if owned(krate, ty).by_ref { quote!(#ident: #ty) } else { quote!(#ident: &#ty) }
    });
    let passed = args
        .iter()
        .zip(&locals)
        .map(|(arg, local)| if owned(krate, &arg.ty).by_ref { quote!(*#local) } else { quote!(#local) });
    // The call is where the expression begins, so that what its type lacks is told there.
    let span = first(expr);
    let text = at(span, quote!(#p::key_text));
    let arg = match expr {
        // An argument alone is borrowed already.
        Expr::Path(path) if args.iter().any(|arg| path.path.is_ident(&arg.ident)) => quote!(#expr),
        expr => {
            let mut borrow = Punct::new('&', Spacing::Alone);
            borrow.set_span(span);
            let expr = parens(span, quote!(#expr));
            quote!(#borrow #expr)
        }
    };
    let arg = parens(span, arg);
    quote! {
        fn key(__factum_args: &Self::Args<'_>) -> #p::Option<#p::String> {
            #[allow(unused_variables, unused_parens, clippy::all, reason = "the user wrote but one expression of it")]
            fn __factum_key(#(#params),*) -> #p::String {
                #text #arg
            }
            let (#(#locals,)*) = __factum_args;
            #p::Some(__factum_key(#(#passed),*))
        }
    }
}
