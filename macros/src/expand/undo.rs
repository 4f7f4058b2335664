//! A step's undo: the user's expression in a function of its own, over what was recorded.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::args::{locals, owned};
use super::spans::awaited;
use super::values::{decode, encode};
use crate::model::{Step, Undo, UndoCall, UnknownUndo};

/// Whether an undo names the argument.
pub(super) fn names(step: &Step, at: usize) -> bool {
    step.undo.as_ref().is_some_and(|undo| named(undo).contains(&at))
}

/// The indexes of the arguments that either expression names, in order.
fn named(undo: &Undo) -> Vec<usize> {
    let unknown = match &undo.unknown {
        UnknownUndo::Call(call) => &call.args[..],
        UnknownUndo::Nothing | UnknownUndo::SameAsDone => &[],
    };
    let mut named: Vec<usize> = undo.done.iter().flat_map(|call| &call.args).chain(unknown).copied().collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// The description for the step's meta.
pub(super) fn description(step: &Step) -> Option<TokenStream> {
    let krate = &step.krate;
    let undo = step.undo.as_ref()?;
    let done = undo.done.is_some();
    let unknown = !matches!(undo.unknown, UnknownUndo::Nothing);
    Some(quote!(#krate::__private::Undo { done: #done, unknown: #unknown, run: __factum_undo }))
}

/// `undo_args`: the named arguments as one tuple.
pub(super) fn encode_args(step: &Step) -> TokenStream {
    let Some(undo) = &step.undo else {
        return TokenStream::new();
    };
    let krate = &step.krate;
    let p = quote!(#krate::__private);
    let locals = locals(&step.sig.args);
    let named: Vec<_> = named(undo).into_iter().map(|at| &locals[at]).collect();
    let encode = encode(krate, &named);
    let types = types(step, undo);
    // Read back before the step acts: an undo must not find out that it cannot.
    let read = (!named.is_empty()).then(|| {
        let decode = decode(krate, types, quote!(__factum_payload(&__factum_payload)));
        quote! {
            if let #p::Err(__factum_error) = #decode {
                return #p::Err(#p::EncodeError::unreadable(__factum_error));
            }
        }
    });
    quote! {
        #[allow(unused_variables, reason = "an undo need not use every value")]
        fn undo_args(__factum_args: &Self::Args<'_>) -> #p::Result<#p::Option<#p::Payload>, #p::EncodeError> {
            let (#(#locals,)*) = __factum_args;
            let __factum_payload = #encode?;
            #read
            #p::Ok(#p::Some(__factum_payload))
        }
    }
}

/// The tuple type that the named arguments are decoded as.
fn types(step: &Step, undo: &Undo) -> TokenStream {
    let types = named(undo).into_iter().map(|at| owned(&step.krate, &step.sig.args[at].ty).ty);
    quote!((#(#types,)*))
}

/// The function that decodes what was recorded and makes the compensating call.
pub(super) fn function(step: &Step, ok: &TokenStream) -> TokenStream {
    let Some(undo) = &step.undo else {
        return TokenStream::new();
    };
    let krate = &step.krate;
    let p = quote!(#krate::__private);
    let done = undo.done.as_ref();
    let unknown = match &undo.unknown {
        UnknownUndo::Nothing => None,
        UnknownUndo::SameAsDone => done,
        UnknownUndo::Call(call) => Some(call),
    };
    let done = done.map(|call| branch(step, undo, call, ok));
    let unknown = unknown.map(|call| branch(step, undo, call, ok));
    let none = quote!(#p::Err(#p::UndoError::NoUndo));
    let (done, unknown) = (done.unwrap_or_else(|| none.clone()), unknown.unwrap_or_else(|| none.clone()));
    let app = home_app(step);
    quote! {
        type __FactumHome = #app;

        #[allow(clippy::all, reason = "the user wrote but one expression of it")]
        fn __factum_undo<'__factum>(
            __factum_input: #p::UndoInput,
            __factum_undoer: &'__factum dyn #p::Undoer,
        ) -> #p::BoxFuture<'__factum, #p::Result<(), #p::UndoError>> {
            #p::Box::pin(async move {
                let _ = __factum_undoer;
                match __factum_input.kind {
                    #p::UndoKind::Compensate => #done,
                    #p::UndoKind::Unknown => #unknown,
                    // The engine's own business.
                    #p::UndoKind::Child => #none,
                }
            })
        }
    }
}

fn branch(step: &Step, undo: &Undo, call: &UndoCall, ok: &TokenStream) -> TokenStream {
    let krate = &step.krate;
    let p = quote!(#krate::__private);
    let output = call.output.map(|span| {
        let output = Ident::new("output", span);
        let decode = decode(krate, quote!(#ok), quote!(__factum_output(&__factum_input)));
        quote! {
            #[allow(unused_variables, reason = "an undo need not use every value")]
            let #output: #ok = #decode?;
        }
    });
    let named = named(undo);
    let locals = locals(&step.sig.args);
    let decoded: Vec<_> = named.iter().map(|at| &locals[*at]).collect();
    let types = types(step, undo);
    let decode = (!call.args.is_empty()).then(|| {
        let decode = decode(krate, types, quote!(__factum_args(&__factum_input)));
        quote! {
            #[allow(unused_variables, reason = "an undo need not use every value")]
            let (#(#decoded,)*) = #decode?;
        }
    });
    let bindings = call.args.iter().map(|at| {
        let arg = &step.sig.args[*at];
        let (ident, ty, local) = (&arg.ident, &arg.ty, &locals[*at]);
        let value = if owned(krate, ty).by_ref { quote!(&#local) } else { quote!(#local) };
        quote! {
            #[allow(unused_variables, reason = "an undo need not use every value")]
            let #ident: #ty = #value;
        }
    });
    let expr = &call.call;
    let undo = awaited(expr, quote!(#p::undo::<__FactumHome, _>), quote!(__factum_undoer, #expr));
    quote! {{
        #output
        #decode
        #(#bindings)*
        #undo
    }}
}

/// The app that the undo runs on: the one of the step.
fn home_app(step: &Step) -> TokenStream {
    let krate = &step.krate;
    match (&step.io, &step.app) {
        (Some(io), _) if !io.bare => quote!(<__FactumIo as #krate::__private::IoType>::App),
        (_, Some(app)) => quote!(#app),
        _ => quote!(#krate::__private::NoApp),
    }
}
