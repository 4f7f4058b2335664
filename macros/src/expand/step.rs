//! A step: the function that calls it, and the implementation of its hidden type.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use super::args::{lifetime, locals, owned, with_lifetime};
use super::marker::body_attrs;
use super::spans::{at, over};
use super::{signature, undo};
use crate::check::Checked;
use crate::model::{Cancel, Effect, Rate, Retry, Step};

pub(crate) fn step(step: &Checked<Step>) -> TokenStream {
    let step = step.get();
    let (krate, sig) = (&step.krate, &step.sig);
    let p = quote!(#krate::__private);
    signature::item("step", "StepCall", krate, sig, |ty, ret| {
        let meta = meta(step, ty);
        let undo_fn = undo::function(step, &ret.ok);
        let undo_args = undo::encode_args(step);
        let policies = policies(step, &ret.err);
        let asserts = arg_asserts(step);
        let run = run(step, ty);
        quote! {
            #asserts

            #[allow(clippy::all, reason = "the user did not write it")]
            impl #p::StepSig for #ty {
                const META: &'static #p::StepMeta = &#meta;

                #undo_args
                #policies
            }

            #undo_fn
            #run
        }
    })
}

fn meta(step: &Step, marker: &TokenStream) -> TokenStream {
    let krate = &step.krate;
    let p = quote!(#krate::__private);
    let (name, pivot) = (&step.name, step.pivot);
    let site = site(krate, step.sig.ident.span());
    let effect = match step.effect {
        Effect::Unspecified => quote!(Unspecified),
        Effect::Pure => quote!(Pure),
        Effect::Idempotent => quote!(Idempotent),
    };
    let retry = step.retry.as_ref().map_or_else(|| quote!(#p::RetryPolicy::NONE), |retry| policy(krate, retry));
    let timeout = optional(krate, step.timeout.map(|timeout| time(krate, timeout)));
    let cancel = match step.cancel {
        Cancel::Finish => quote!(Finish),
        Cancel::Abort => quote!(Abort),
    };
    let rate = step.rate.as_ref().map(|Rate { limit, per }| {
        let per = time(krate, *per);
        quote!(#p::RateLimit { limit: #limit, per: #per })
    });
    let rate = optional(krate, rate);
    let undo = optional(krate, undo::description(step));
    quote! {
        #p::StepMeta {
            name: #name,
            site: #site,
            identity: #p::TypeId::of::<#marker>,
            effect: #p::Effect::#effect,
            pivot: #pivot,
            retry: #retry,
            timeout: #timeout,
            cancel: #p::CancelMode::#cancel,
            rate: #rate,
            undo: #undo,
        }
    }
}

/// Where the user wrote it.
pub(super) fn site(krate: &Path, span: Span) -> TokenStream {
    quote_spanned!(span=> #krate::__private::Site::new(#krate::__private::file!(), #krate::__private::line!()))
}

fn policy(krate: &Path, retry: &Retry) -> TokenStream {
    let (attempts, factor, jitter) = (retry.attempts, retry.factor, retry.jitter);
    let (initial, max) = (time(krate, retry.initial), time(krate, retry.max));
    quote! {
        #krate::__private::RetryPolicy {
            attempts: #attempts,
            initial: #initial,
            factor: #factor,
            max: #max,
            jitter: #jitter,
        }
    }
}

pub(super) fn time(krate: &Path, duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(#krate::__private::Duration::new(#seconds, #nanos))
}

pub(super) fn optional(krate: &Path, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(#krate::__private::Some(#value)),
        None => quote!(#krate::__private::None),
    }
}

/// `copy_args`, `is_retryable`, `is_unknown`, `timed_out`, as far as they are not the defaults.
fn policies(step: &Step, err: &TokenStream) -> TokenStream {
    let krate = &step.krate;
    let p = quote!(#krate::__private);
    let mut items = TokenStream::new();
    if step.retry.as_ref().is_some_and(|retry| retry.attempts > 1) {
        let locals = locals(&step.sig.args);
        items.extend(quote! {
            fn copy_args<'__factum>(__factum_args: &Self::Args<'__factum>) -> #p::Option<Self::Args<'__factum>> {
                #[allow(unused_imports, reason = "the type tells which of them is used")]
                use #p::{Copies as _, CopiesNot as _};
                let (#(#locals,)*) = __factum_args;
                #p::Some((#((&#p::ByRef(#locals)).__factum_copy(),)*))
            }
        });
    }
    let mut predicate = |name: &str, path: &syn::Expr| {
        let name = Ident::new(name, Span::call_site());
        items.extend(quote! {
            fn #name(__factum_error: &Self::Err) -> #p::bool {
                let __factum_predicate: fn(&#err) -> #p::bool = #path;
                __factum_predicate(__factum_error)
            }
        });
    };
    if let Some(when) = step.retry.as_ref().and_then(|retry| retry.when.as_ref()) {
        predicate("is_retryable", when);
    }
    if let Some(when) = &step.unknown_when {
        predicate("is_unknown", when);
    }
    if step.timeout.is_some() {
        let error = step.sig.ret.parts.as_ref().map_or(&step.sig.ret.ty, |(_, err)| err);
        let from = over(error, quote!(<Self::Err as #p::FromTimedOut>::from_timed_out));
        items.extend(quote! {
            fn timed_out(__factum_timed_out: #p::TimedOut) -> #p::Option<Self::Err> {
                #p::Some(#from(__factum_timed_out))
            }
        });
    }
    items
}

/// Each argument can be recorded, and copied for a retry; said at its type.
fn arg_asserts(step: &Step) -> TokenStream {
    let krate = &step.krate;
    let fixed = lifetime("'static");
    let retried = step.retry.as_ref().is_some_and(|retry| retry.attempts > 1);
    let asserts = step.sig.args.iter().enumerate().map(|(at, arg)| {
        let ty = with_lifetime(&arg.ty, &fixed);
        let recorded = if undo::names(step, at) {
            let owned = owned(krate, &arg.ty).ty;
            quote!(#krate::__private::assert_undo_arg::<#owned>();)
        } else {
            quote!(#krate::__private::assert_step_arg::<#ty>();)
        };
        let copied = retried.then(|| quote!(#krate::__private::assert_retry_arg::<#ty>();));
        quote!(const _: () = { #recorded #copied };)
    });
    asserts.collect()
}

fn run(step: &Step, marker: &TokenStream) -> TokenStream {
    let (krate, sig) = (&step.krate, &step.sig);
    let p = quote!(#krate::__private);
    let ident = &sig.ident;
    let attrs = body_attrs(&sig.attrs);
    let io_param = step.io.iter().map(|io| {
        let (mutability, ident, ty) = (&io.arg.mutability, &io.arg.ident, &io.arg.ty);
        quote!(#mutability #ident: #ty)
    });
    let params = io_param.chain(sig.args.iter().map(|arg| {
        let (mutability, ident, ty) = (&arg.mutability, &arg.ident, &arg.ty);
        quote!(#mutability #ident: #ty)
    }));
    let (ret, body) = (&sig.ret.ty, &step.body);
    let locals = locals(&sig.args);
    let own_app = step.io.as_ref().filter(|io| !io.bare).map(|io| &io.target);
    let (generics, app) = match (own_app, &step.app) {
        (Some(io), _) => (TokenStream::new(), over(io, quote!(<__FactumIo as #p::IoType>::App))),
        (None, Some(app)) => (TokenStream::new(), quote!(#app)),
        (None, None) => (quote!(<__FactumApp: #p::Send + #p::Sync + 'static>), quote!(__FactumApp)),
    };
    let call = match &step.io {
        None => quote!(#ident(#(#locals),*)),
        Some(io) if !io.bare => quote!(#ident(__factum_io, #(#locals),*)),
        Some(_) => quote! {
            async move { #ident(&mut #p::Io::without_app(__factum_io), #(#locals),*).await }
        },
    };
    let boxed = at(ident.span(), quote!(#p::Box::pin(#call)));
    let alias = own_app.map(|io| quote!(type __FactumIo = #io;));
    quote! {
        #alias

        impl #generics #p::Step<#app> for #marker {
            fn run<'__factum_i, '__factum: '__factum_i>(
                __factum_io: &'__factum_i mut #p::Io<#app>,
                __factum_args: Self::Args<'__factum>,
            ) -> #p::BoxFuture<'__factum_i, Self::Ret> {
                #(#attrs)*
                async fn #ident(#(#params),*) -> #ret #body

                let _ = &__factum_io;
                let (#(#locals,)*) = __factum_args;
                #boxed
            }
        }
    }
}
