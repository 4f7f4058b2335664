//! A saga: the function that calls it, its plan, and its body as a scope of awaits.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::args::{locals, owned};
use super::spans::at;
use super::step::{optional, site};
use super::values::{decode, encode};
use super::{body, key, plan, signature};
use crate::check::Checked;
use crate::model::Saga;

pub(crate) fn saga(saga: &Checked<Saga>) -> TokenStream {
    let saga = saga.get();
    let (krate, sig) = (&saga.krate, &saga.sig);
    let p = quote!(#krate::__private);
    let owned_types: Vec<_> = sig.args.iter().map(|arg| owned(krate, &arg.ty).ty).collect();
    let locals = locals(&sig.args);
    let refs: Vec<_> = locals.iter().collect();
    let encode = encode(krate, &refs);
    let decode = if sig.args.is_empty() {
        let decode = decode(krate, quote!([(); 0]), quote!(__factum_payload(__factum_input)));
        quote! {
            let []: [(); 0] = #decode?;
            #p::Ok(())
        }
    } else {
        decode(krate, quote!(Self::Owned), quote!(__factum_payload(__factum_input)))
    };
    let (name, version) = (&saga.name, saga.version);
    let key = key::function(saga);
    let concurrency = optional(krate, saga.concurrency.map(|count| quote!(#count)));
    let strict = saga.strict;
    let site = site(krate, sig.ident.span());
    let bound = sig.args.iter().map(|arg| arg.ident.to_string());
    let plan::Planned { plan, exits, checks, doc } = plan::plan(krate, &sig.ident, bound, &saga.body);
    let mut documented = sig.clone();
    // A saga of which the user says nothing is left as it is.
    if let Some(doc) = doc.filter(|_| sig.attrs.iter().any(|attr| attr.path().is_ident("doc"))) {
        documented.attrs.push(syn::parse_quote!(#[doc = #doc]));
    }
    signature::item("saga", "SagaCall", krate, &documented, |ty, _| {
        let implementation = implementation(saga, ty);
        quote! {
            #(const _: () = #p::assert_saga_arg::<#owned_types>();)*

            #[allow(deprecated, clippy::all, reason = "what is deprecated is told in the body")]
            const __FACTUM_PLAN: #p::Plan = #plan;
            const __FACTUM_EXITS: &[#p::Exit] = &#exits;
            const __FACTUM_PROBLEMS: #p::Problems = #p::problems(&__FACTUM_PLAN, __FACTUM_EXITS, #strict);
            #checks

            static __FACTUM_META: #p::WorkflowMeta = #p::WorkflowMeta {
                name: #name,
                version: #version,
                site: #site,
                identity: #p::TypeId::of::<#ty>,
                plan: &__FACTUM_PLAN,
                fingerprint: #p::fingerprint(#name, #version, &__FACTUM_PLAN),
                concurrency: #concurrency,
                strict: #strict,
                exits: __FACTUM_EXITS,
            };

            #[allow(clippy::all, reason = "the user did not write it")]
            impl #p::SagaSig for #ty {
                type Owned = (#(#owned_types,)*);

                const NAME: &'static #p::str = #name;
                const VERSION: #p::u32 = #version;
                const PLAN: &'static #p::Plan = &__FACTUM_PLAN;

                fn meta() -> &'static #p::WorkflowMeta {
                    &__FACTUM_META
                }

                #key

                fn encode_args(__factum_args: &Self::Args<'_>) -> #p::Result<#p::Payload, #p::EncodeError> {
                    let (#(#locals,)*) = __factum_args;
                    #encode
                }

                fn decode_args(__factum_input: &#p::Payload) -> #p::Result<Self::Owned, #p::DecodeError> {
                    #decode
                }
            }

            #implementation
        }
    })
}

fn implementation(saga: &Saga, marker: &TokenStream) -> TokenStream {
    let (krate, sig) = (&saga.krate, &saga.sig);
    let p = quote!(#krate::__private);
    let locals = locals(&sig.args);
    let params = sig.args.iter().map(|arg| {
        let (mutability, ident, ty) = (&arg.mutability, &arg.ident, &arg.ty);
        quote!(#mutability #ident: #ty)
    });
    let passed = sig
        .args
        .iter()
        .zip(&locals)
        .map(|(arg, local)| if owned(krate, &arg.ty).by_ref { quote!(&#local) } else { quote!(#local) });
    let ret = &sig.ret.ty;
    let (generics, app, body_app) = match &saga.app {
        Some(app) => (TokenStream::new(), quote!(#app), quote!(#app)),
        None => (quote!(<__FactumApp: #p::Send + #p::Sync + 'static>), quote!(__FactumApp), quote!(#p::NoApp)),
    };
    // The body of a saga without an app runs over no app at all, not over any:
    // its errors would name a type that the user never wrote.
    let own = saga.app.is_some();
    let body = body::function(&body::Function {
        krate,
        place: Span::call_site(),
        attrs: &sig.attrs,
        args: &sig.args,
        params: params.collect(),
        app: body_app,
        ret,
        is_handler: false,
        code: &saga.body,
    });
    let inner = if own {
        quote!(#p::Box::pin(__factum_body(__factum_cx, #(#locals),*)))
    } else {
        quote!(#p::Box::pin(async move {
            __factum_body(&#p::Cx::without_app(__factum_cx), #(#locals),*).await
        }))
    };
    let cx = if own { quote!(&__factum_cx) } else { quote!(&#p::Cx::without_app(&__factum_cx)) };
    let outer = quote!(#p::Box::pin(async move {
        let (#(#locals,)*) = __factum_args;
        __factum_body(#cx, #(#passed),*).await
    }));
    let (inner, outer) = (at(sig.ident.span(), inner), at(sig.ident.span(), outer));
    quote! {
        #body

        impl #generics #p::Saga<#app> for #marker {
            fn body<'__factum_c, '__factum: '__factum_c>(
                __factum_cx: &'__factum_c #p::Cx<#app>,
                __factum_args: Self::Args<'__factum>,
            ) -> #p::BoxFuture<'__factum_c, Self::Ret> {
                let (#(#locals,)*) = __factum_args;
                #inner
            }

            fn root(__factum_cx: #p::Cx<#app>, __factum_args: Self::Owned) -> #p::BoxFuture<'static, Self::Ret> {
                #outer
            }
        }
    }
}
