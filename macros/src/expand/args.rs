//! Arguments: their lifetimes, their tuple, and how they are kept on disk.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Lifetime, ParenthesizedGenericArguments, Path, Type, TypeFnPtr, TypeReference};

use crate::model::Arg;

/// A lifetime by its name.
pub(super) fn lifetime(name: &str) -> Lifetime {
    Lifetime::new(name, Span::call_site())
}

/// The type with every elided lifetime given a name.
pub(super) fn with_lifetime(ty: &Type, lifetime: &Lifetime) -> Type {
    let mut ty = ty.clone();
    Elided { lifetime, found: false }.visit_type_mut(&mut ty);
    ty
}

/// Whether the type has an elided lifetime.
pub(super) fn borrows(ty: &Type) -> bool {
    let mut elided = Elided { lifetime: &lifetime("'static"), found: false };
    elided.visit_type_mut(&mut ty.clone());
    elided.found
}

struct Elided<'l> {
    lifetime: &'l Lifetime,
    found: bool,
}

impl VisitMut for Elided<'_> {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.is_none() {
            self.found = true;
            ty.lifetime = Some(self.lifetime.clone());
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            self.found = true;
            *lifetime = Lifetime { apostrophe: lifetime.apostrophe, ident: self.lifetime.ident.clone() };
        }
    }

    // These have lifetimes of their own.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
}

/// An argument as it is read back from disk.
pub(super) struct Owned {
    pub(super) ty: TokenStream,
    /// The argument is a reference to it.
    pub(super) by_ref: bool,
}

/// `&str` is kept as a `String`, `&[T]` as a `Vec<T>`, `&T` as a `T`, `T` as itself.
pub(super) fn owned(krate: &Path, ty: &Type) -> Owned {
    let fixed = lifetime("'static");
    let (elem, by_ref) = match ty {
        Type::Reference(reference) => (&*reference.elem, true),
        Type::Paren(paren) => return owned(krate, &paren.elem),
        Type::Group(group) => return owned(krate, &group.elem),
        ty => (ty, false),
    };
    let ty = match elem {
        Type::Path(path) if by_ref && path.path.is_ident("str") => {
            super::spans::over(elem, quote!(#krate::__private::String))
        }
        Type::Slice(slice) if by_ref => {
            let elem = with_lifetime(&slice.elem, &fixed);
            quote!(#krate::__private::Vec<#elem>)
        }
        elem => {
            let elem = with_lifetime(elem, &fixed);
            quote!(#elem)
        }
    };
    Owned { ty, by_ref }
}

/// The names that generated code has for the arguments.
pub(super) fn locals(args: &[Arg]) -> Vec<Ident> {
    (0..args.len()).map(|at| format_ident!("__factum_{}", at)).collect()
}
