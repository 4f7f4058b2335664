//! A handler: one state in, the next one out, and between them the body of a saga.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Attribute, FnArg, GenericArgument, Lifetime, Pat, PatType, Path, PathArguments, ReturnType, Signature, Type,
    TypeImplTrait, TypeInfer, TypeNever, TypeReference,
};

use super::body::read;
use super::keys::{self, CRATE};
use super::kind::Kind;
use super::sig::{generics, last_segment, no_self, plain, qualifiers};
use super::{Checked, Verdict};
use crate::diag::Diag;
use crate::model::Handler;
use crate::parse::{self, Function, Key};

const KEYS: &[Key] = &[CRATE];

/// A handler whose signature cannot be used: its state is still one that has a handler.
#[derive(Debug)]
pub(crate) struct BrokenHandler {
    pub(crate) krate: Path,
    pub(crate) attrs: Vec<Attribute>,
    /// The state, as far as it can be told.
    pub(crate) state: Option<Type>,
}

/// The handler that an attribute and a function make.
pub(crate) fn state(attr: TokenStream, function: &Function, diag: &mut Diag) -> Verdict<Handler, BrokenHandler> {
    let krate = keys::krate(&mut parse::entries(attr, "#[state]", KEYS, diag));
    let (attrs, sig) = (function.attrs.clone(), &function.sig);
    let before = diag.len();
    qualifiers(Kind::Handler, sig, diag);
    generics(Kind::Handler, sig, diag);
    let argument = argument(sig, diag);
    let ret = ret(sig, diag);
    let usable = diag.len() == before;
    let body = read(Kind::Handler, &function.body, diag);
    match (argument, ret) {
        (Some((pat, state)), Some(ret)) if usable => {
            let ident = sig.ident.clone();
            Verdict::Usable(Box::new(Checked(Handler { krate, attrs, ident, pat, state, ret, body })))
        }
        (argument, _) => {
            let state = returned_state(sig).cloned().or(argument.map(|(_, state)| state));
            // What stands in an `impl` block, or is that of many states, has no place for an implementation.
            let state = state.filter(|_| sig.generics.params.is_empty() && sig.receiver().is_none());
            Verdict::Broken(BrokenHandler { krate, attrs, state })
        }
    }
}

/// The state, which is the only argument.
fn argument(sig: &Signature, diag: &mut Diag) -> Option<(Pat, Type)> {
    let before = diag.len();
    let mut args = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => no_self(Kind::Handler, receiver, diag),
            FnArg::Typed(arg) if is_io(arg) => diag.error(
                &arg.pat,
                "a handler has no `io`: it does nothing itself, its steps do; leave it out, and take `io` in a `#[step]`",
            ),
            FnArg::Typed(arg) => {
                plain(Kind::Handler, arg, diag);
                args.push(arg);
            }
        }
    }
    let Some(first) = args.first() else {
        if diag.len() == before {
            let state = shown(returned_state(sig));
            diag.error(
                &sig.ident,
                format!("a handler takes the state that it is of; write `{}(state: {state})`", sig.ident),
            );
        }
        return None;
    };
    if let Some(second) = args.get(1) {
        diag.error(
            second,
            "a handler takes its state and nothing else; put what it needs into the state, or get it from a step",
        );
        return None;
    }
    Some(((*first.pat).clone(), by_value(&first.ty, diag)))
}

/// The state is what the handler makes the next one of, so it is not lent to it.
fn by_value(ty: &Type, diag: &mut Diag) -> Type {
    match ty {
        Type::Reference(reference) => {
            let state = shown(Some(&reference.elem));
            diag.error(ty, format!("a handler takes its state by value: the machine leaves it; write `{state}`"));
            (*reference.elem).clone()
        }
        Type::ImplTrait(_) => {
            diag.error(ty, "a handler is that of one state; name its type");
            ty.clone()
        }
        Type::Paren(paren) => by_value(&paren.elem, diag),
        Type::Group(group) => by_value(&group.elem, diag),
        ty => ty.clone(),
    }
}

fn is_io(arg: &PatType) -> bool {
    let is_named_io = || matches!(&*arg.pat, Pat::Ident(pat) if pat.ident.to_string().trim_start_matches('_') == "io");
    let is_io = |ty: &Type| last_segment(ty).is_some_and(|(ident, _)| ident == "Io");
    match &*arg.ty {
        Type::Reference(reference) => is_io(&reference.elem) || (reference.mutability.is_some() && is_named_io()),
        _ => false,
    }
}

/// A type that a trait of the runtime can be asked of; what it is, that says.
fn ret(sig: &Signature, diag: &mut Diag) -> Option<Type> {
    let state = || {
        let first = sig.inputs.iter().find_map(|input| match input {
            FnArg::Typed(arg) => Some(&*arg.ty),
            FnArg::Receiver(_) => None,
        });
        let by_value = first.map(|ty| match ty {
            Type::Reference(reference) => &*reference.elem,
            ty => ty,
        });
        shown(returned_state(sig).or(by_value))
    };
    let ty = match &sig.output {
        ReturnType::Default => {
            let state = state();
            diag.error(
                &sig.ident,
                format!(
                    "a handler says where its machine goes on; write `-> Next<{state}>`, \
                     or `-> Result<Next<{state}>, E>` with the `error` of its `#[fsm]`"
                ),
            );
            return None;
        }
        ReturnType::Type(_, ty) => &**ty,
    };
    let mut open = Open(None);
    open.visit_type(ty);
    if let Some(tokens) = open.0 {
        let state = state();
        diag.error(
            tokens,
            format!(
                "a handler returns one type, by its name; write `Next<{state}>`, \
                 or `Result<Next<{state}>, E>` with the `error` of its `#[fsm]`"
            ),
        );
        return None;
    }
    Some(ty.clone())
}

/// What leaves a type open, and what borrows.
struct Open(Option<TokenStream>);

impl Open {
    fn found(&mut self, tokens: impl ToTokens) {
        self.0.get_or_insert_with(|| tokens.to_token_stream());
    }
}

impl Visit<'_> for Open {
    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.found(ty);
    }

    fn visit_type_infer(&mut self, ty: &TypeInfer) {
        self.found(ty);
    }

    fn visit_type_never(&mut self, ty: &TypeNever) {
        self.found(ty);
    }

    fn visit_type_reference(&mut self, ty: &TypeReference) {
        match &ty.lifetime {
            Some(lifetime) if lifetime.ident == "static" => visit::visit_type_reference(self, ty),
            _ => self.found(ty),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.found(lifetime);
        }
    }
}

/// The `S` of a `Next<S>` that is returned.
fn returned_state(sig: &Signature) -> Option<&Type> {
    match &sig.output {
        ReturnType::Type(_, ty) => next_of(ty).filter(|ty| matches!(ty, Type::Path(_))),
        ReturnType::Default => None,
    }
}

fn next_of(ty: &Type) -> Option<&Type> {
    let (ident, PathArguments::AngleBracketed(args)) = last_segment(ty)? else {
        return None;
    };
    match args.args.first()? {
        GenericArgument::Type(state) if ident == "Next" => Some(state),
        GenericArgument::Type(inner) => next_of(inner),
        _ => None,
    }
}

/// A state as a message writes it.
fn shown(state: Option<&Type>) -> String {
    match state {
        Some(state) => state.to_token_stream().to_string().replace(' ', ""),
        None => "machine::State".to_owned(),
    }
}
