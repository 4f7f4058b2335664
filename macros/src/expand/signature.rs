//! What a step and a saga expand to alike: the function that is called, its
//! hidden type, and the types of the signature.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;

use super::args::{lifetime, locals, with_lifetime};
use super::marker::{Marker, cfgs};
use super::ret::{self, Parts};
use super::values::by_ref;
use crate::model::Sig;

/// An item, with what it has of its own: made from its hidden type and its return type.
pub(super) fn item(
    kind: &str,
    call: &str,
    krate: &Path,
    sig: &Sig,
    own: impl FnOnce(&TokenStream, &Parts) -> TokenStream,
) -> TokenStream {
    let marker = Marker::new(kind, sig);
    let declaration = marker.declaration(krate, sig);
    let function = marker.function(krate, sig, &Ident::new(call, Span::call_site()));
    let cfgs = cfgs(&sig.attrs);
    let ty = &marker.ty;
    let parts = ret::parts(krate, &sig.ret);
    let (items, beside) = (&parts.items, &parts.beside);
    let args_lifetime = lifetime("'__factum");
    let arg_types = sig.args.iter().map(|arg| with_lifetime(&arg.ty, &args_lifetime));
    let hash_args = hash_args(krate, &locals(&sig.args));
    let own = own(ty, &parts);
    quote! {
        #declaration

        #function

        #(#cfgs)*
        const _: () = {
            #beside

            #[allow(clippy::all, reason = "the user did not write it")]
            impl #krate::__private::Signature for #ty {
                type Args<#args_lifetime> = (#(#arg_types,)*);
                #items

                #hash_args
            }

            #own
        };
    }
}

/// `hash_args`: a hash of all arguments.
fn hash_args(krate: &Path, args: &[Ident]) -> TokenStream {
    let p = quote!(#krate::__private);
    let values: Vec<_> = args.iter().collect();
    let hash = by_ref(krate, &values, quote!(__factum_hash()));
    quote! {
        fn hash_args(__factum_args: &Self::Args<'_>) -> #p::Result<#p::u64, #p::EncodeError> {
            let (#(#args,)*) = __factum_args;
            #hash
        }
    }
}
