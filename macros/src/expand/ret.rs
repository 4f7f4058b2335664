//! What a step or a saga returns, as success and error.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use super::spans::over;
use crate::model::Ret;

/// The return type, taken apart.
pub(super) struct Parts {
    /// `Ret`, `Ok`, `Err`, `split`, `join` for the implementation.
    pub(super) items: TokenStream,
    pub(super) ok: TokenStream,
    pub(super) err: TokenStream,
    /// Assertions beside the implementation.
    pub(super) asserts: TokenStream,
}

pub(super) fn parts(krate: &Path, ret: &Ret) -> Parts {
    let ty = &ret.ty;
    let p = quote!(#krate::__private);
    let (ok, err, split, join, asserts) = if ret.fallible {
        let (ok, err) = match &ret.parts {
            Some((ok, err)) => {
                (over(ok, quote!(<#ty as #p::Fallible>::Ok)), over(err, quote!(<#ty as #p::Fallible>::Err)))
            }
            None => (over(ty, quote!(<#ty as #p::Fallible>::Ok)), over(ty, quote!(<#ty as #p::Fallible>::Err))),
        };
        let split = over(ty, quote!(<#ty as #p::Fallible>::split(__factum_ret)));
        let join = over(ty, quote!(<#ty as #p::Fallible>::join(__factum_result)));
        (ok, err, split, join, TokenStream::new())
    } else {
        let assert = over(ty, quote! {
            const _: () = {
                #[allow(unused_imports)]
                use #p::IsNoResult as _;
                if #p::IsResult::<#ty>::YES {
                    ::core::panic!("this is a `Result` under another name; give the alias a name that ends in `Result`");
                }
            };
        });
        let join = quote! {
            match __factum_result {
                #p::Ok(__factum_ok) => __factum_ok,
                #p::Err(__factum_never) => match __factum_never {},
            }
        };
        (quote!(#ty), quote!(#p::Never), quote!(#p::Ok(__factum_ret)), join, assert)
    };
    let functions = quote! {
        fn split(__factum_ret: Self::Ret) -> #p::Result<Self::Ok, Self::Err> {
            #split
        }

        fn join(__factum_result: #p::Result<Self::Ok, Self::Err>) -> Self::Ret {
            #join
        }
    };
    // All of it where the type is: what is wrong with the type is told there, and once.
    let functions = over(ty, functions);
    let items = quote! {
        type Ret = #ty;
        type Ok = #ok;
        type Err = #err;

        #functions
    };
    Parts { items, ok, err, asserts }
}
