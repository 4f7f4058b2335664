//! The body of a saga or a handler: an inner function whose first argument is the context of its awaits.
//!
//! What must always hold: of a body that was refused nothing is left that could
//! cause other errors, and an editor still sees it as it was typed.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, Path, Type};

use super::marker::body_attrs;
use super::spans::{at, parens};
use super::{awaits, unordered};
use crate::model::{Arg, Code};

/// A function of the user's, as it becomes `__factum_body`.
pub(super) struct Function<'f> {
    pub(super) krate: &'f Path,
    /// Where it is told what is wrong with its types and none of the user's tokens are.
    pub(super) place: Span,
    pub(super) attrs: &'f [Attribute],
    /// Arguments whose types may tell what they are.
    pub(super) args: &'f [Arg],
    pub(super) params: Vec<TokenStream>,
    /// What its context is one of.
    pub(super) app: TokenStream,
    pub(super) ret: &'f Type,
    /// It is a handler: `__FACTUM_STATE` beside it is of which state.
    pub(super) is_handler: bool,
    pub(super) code: &'f Code,
}

/// `async fn __factum_body(__factum_cx, ..)`.
pub(super) fn function(function: &Function<'_>) -> TokenStream {
    let Function { krate, place, attrs, args, params, app, ret, is_handler, code } = function;
    let p = quote!(#krate::__private);
    let cx = (at(*place, quote!(__factum_cx: &#p::Cx<)), at(*place, quote!(>,)));
    let (before, after) = cx;
    let params_with_cx = parens(*place, quote!(#before #app #after #(#params),*));
    let name = Ident::new("__factum_body", *place);
    let function = at(*place, quote!(async fn));
    let head = quote!(#function #name #params_with_cx -> #ret);
    if let Some(block) = &code.block {
        let attrs = body_attrs(attrs);
        let mut block = block.clone();
        unordered::warn(krate, args, &mut block);
        let block = awaits::rewrite(krate, *is_handler, &block);
        return quote! {
            #[deny(unused_must_use)]
            #[allow(clippy::too_many_arguments, clippy::unused_async, reason = "one of them is the engine; a body may have nothing to wait for")]
            #(#attrs)*
            #head #block
        };
    }
    let nothing = in_place_of(krate, code);
    let written = &code.written;
    quote! {
        #[allow(unused_variables, unused_mut, clippy::too_many_arguments, reason = "its errors are told already")]
        #head {
            #nothing
        }

        // The body as it was written: the compiler reads it, and says what it cannot read;
        // an editor, which alone sees more of it, can complete what is being typed.
        #[allow(unexpected_cfgs, reason = "not every compiler knows of the editor")]
        const _: () = {
            #[cfg(rust_analyzer)]
            async fn __factum_typed(#(#params),*) -> #ret #written
        };
    }
}

/// What stands for a body with an error: nothing of it is left that could cause others.
fn in_place_of(krate: &Path, code: &Code) -> TokenStream {
    let p = quote!(#krate::__private);
    match &code.unread {
        None => quote!(#p::broken()),
        // Where the compiler could read it all the same, no program is made of it: this is
        // worked out last of all, when nothing else is wrong.
        Some(error) => {
            let refused = at(code.written.span_open(), quote!(const { #p::unread_body(#error) }));
            quote!({ #refused; #p::broken() })
        }
    }
}
