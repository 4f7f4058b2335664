//! Values to bytes and back, by the methods that their types have.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;

/// Values encoded as one tuple; no values are an empty list.
pub(super) fn encode(krate: &Path, values: &[&Ident]) -> TokenStream {
    by_ref(krate, values, quote!(__factum_encode()))
}

/// The call of a method on several values as one.
pub(super) fn by_ref(krate: &Path, values: &[&Ident], call: TokenStream) -> TokenStream {
    let tuple = match values {
        [] => quote!(([] as [(); 0])),
        values => quote!((#(#values,)*)),
    };
    quote! {{
        #[allow(unused_imports, reason = "the type tells which of them is used")]
        use #krate::__private::{Encodes as _, EncodesNot as _};
        (&#krate::__private::ByRef(&#tuple)).#call
    }}
}

/// A type decoded by a call of one of its methods.
pub(super) fn decode(krate: &Path, ty: TokenStream, call: TokenStream) -> TokenStream {
    quote! {{
        #[allow(unused_imports, reason = "the type tells which of them is used")]
        use #krate::__private::{Decodes as _, DecodesNot as _};
        (&#krate::__private::As::<#ty>::TYPE).#call
    }}
}
