//! A checkpoint store: each `async fn` as the method of the trait, which gives a boxed future.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{FnArg, ImplItem, ImplItemFn, Lifetime, Path, ReceiverKind, ReturnType, parse_quote};

use super::args::{lifetime, with_lifetime};
use super::spans::{at, over, parens};
use crate::check::Checked;
use crate::model::{StoreImpl, StoreMethod};

pub(crate) fn store(store: &Checked<StoreImpl>) -> TokenStream {
    let StoreImpl { krate, item, missing } = store.get();
    let mut item = item.clone();
    for member in &mut item.items {
        if let ImplItem::Fn(method) = member {
            boxed(method, krate);
        }
    }
    item.items.extend(missing.iter().map(|method| ImplItem::Verbatim(stub(*method, krate))));
    quote!(#item)
}

/// Everything that is borrowed lives as long as the future.
fn boxed(method: &mut ImplItemFn, krate: &Path) {
    let life = lifetime("'__factum");
    let sig = &mut method.sig;
    sig.asyncness = None;
    sig.generics.params.insert(0, parse_quote!(#life));
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(receiver) => name_lifetime(&mut receiver.kind, &life),
            FnArg::Typed(arg) => *arg.ty = with_lifetime(&arg.ty, &life),
        }
    }
    let ret = match &sig.output {
        ReturnType::Type(_, ty) => with_lifetime(ty, &life),
        ReturnType::Default => parse_quote!(()),
    };
    let boxed = over(&ret, quote!(#krate::__private::BoxFuture<#life, #ret>));
    sig.output = parse_quote!(-> #boxed);
    let body = &method.block.stmts;
    // The first statement says what `return` and `?` give, before anything in the body could be taken for it.
    let body = quote! {
        {
            if let #krate::__private::Some(__factum_ret) = #krate::__private::None::<#ret> {
                return __factum_ret;
            }
            #(#body)*
        }
    };
    // A future that cannot be sent is told where the method is named.
    let span = sig.ident.span();
    let (pin, async_move) = (at(span, quote!(#krate::__private::Box::pin)), at(span, quote!(async move)));
    let future = parens(span, quote!(#async_move #body));
    method.block = parse_quote!({ #pin #future });
}

fn name_lifetime(kind: &mut ReceiverKind, life: &Lifetime) {
    if let ReceiverKind::Reference(_, lifetime, _) = kind {
        *lifetime = Some(life.clone());
    }
}

/// A method that is missing, so that this is told once.
fn stub(method: StoreMethod, krate: &Path) -> TokenStream {
    let private = quote!(#krate::__private);
    let store = quote!(#krate::__private::store);
    let result =
        |ok: TokenStream| quote!(#private::BoxFuture<'__factum, #private::Result<#ok, #store::CheckpointError>>);
    let (args, ret) = match method {
        StoreMethod::Append => {
            (quote!(_: #private::u64, _: #private::u64, _: &'__factum [#private::u8]), result(quote!(())))
        }
        StoreMethod::LoadRun => (quote!(_: #private::u64), result(quote!(#private::Vec<#store::JournalRow>))),
        StoreMethod::Clear => (quote!(_: #private::u64), result(quote!(()))),
        StoreMethod::Apply => (quote!(_: #store::Batch, _: #store::Lsn), result(quote!(()))),
        StoreMethod::AppliedLsn => (quote!(), result(quote!(#store::Lsn))),
        StoreMethod::Get => (
            quote!(_: &'__factum #private::str, _: &'__factum [#private::u8]),
            result(quote!(#private::Option<#private::Vec<#private::u8>>)),
        ),
        StoreMethod::Scan => {
            let args = quote!(_: &'__factum #private::str, _: #store::KeyRange, _: #private::usize);
            (args, result(quote!(#private::Vec<#store::TableRow>)))
        }
    };
    let name = Ident::new(method.name(), Span::call_site());
    quote! {
        fn #name<'__factum>(&'__factum self, #args) -> #ret {
            loop {}
        }
    }
}
