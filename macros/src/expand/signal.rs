//! A signal: the type as it is, and its name.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::Checked;
use crate::model::Signal;

pub(crate) fn signal(signal: &Checked<Signal>) -> TokenStream {
    let Signal { krate, ident, item, name } = signal.get();
    quote! {
        #item

        impl #krate::__private::Signal for #ident {
            const NAME: &'static #krate::__private::str = #name;
        }
    }
}
