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
    /// What stands beside the implementation.
    pub(super) beside: TokenStream,
}

pub(super) fn parts(krate: &Path, ret: &Ret) -> Parts {
    // The type stands once, and elsewhere by this name: what is wrong with it is told once.
    let declared = &ret.ty;
    let ty = quote!(__FactumRet);
    let alias = quote!(#[allow(dead_code, reason = "not every item needs it")] type __FactumRet = #declared;);
    let p = quote!(#krate::__private);
    let (ok, err, split, join, beside) = if ret.fallible {
        let (ok, err) = match &ret.parts {
            Some((ok, err)) => {
                (over(ok, quote!(<#ty as #p::Fallible>::Ok)), over(err, quote!(<#ty as #p::Fallible>::Err)))
            }
            None => {
                (over(declared, quote!(<#ty as #p::Fallible>::Ok)), over(declared, quote!(<#ty as #p::Fallible>::Err)))
            }
        };
        let split = quote!(<#ty as #p::Fallible>::split(__factum_ret));
        let join = quote!(<#ty as #p::Fallible>::join(__factum_result));
        (ok, err, split, join, alias)
    } else {
        let assert = over(
            declared,
            quote! {
                const _: () = {
                    #[allow(unused_imports, reason = "the type tells which of them is used")]
                    use #p::IsNoResult as _;
                    #p::assert_no_result(#p::IsResult::<#ty>::__FACTUM_YES);
                };
            },
        );
        let join = quote! {
            match __factum_result {
                #p::Ok(__factum_ok) => __factum_ok,
                #p::Err(__factum_never) => match __factum_never {},
            }
        };
        let ok = over(declared, quote!(#ty));
        (ok, quote!(#p::Never), quote!(#p::Ok(__factum_ret)), join, quote!(#alias #assert))
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
    let functions = over(declared, functions);
    let items = quote! {
        type Ret = #declared;
        type Ok = #ok;
        type Err = #err;

        #functions
    };
    Parts { items, ok, err, beside }
}
