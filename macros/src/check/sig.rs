//! The function itself: what a step, a saga or a handler cannot be written as.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericArgument, GenericParam, Lifetime, Pat, PatType, PathArguments, Receiver, ReturnType, Safety,
    Signature, Type, TypeFnPtr, TypeImplTrait, TypePath, TypeReference, TypeTraitObject,
};

use super::kind::Kind;
use crate::diag::Diag;
use crate::model::{Arg, IoParam, Ret, Sig};
use crate::parse::Function;

/// The most arguments, `io` aside; the runtime knows functions up to this many.
const MOST_ARGS: usize = 8;

/// The parts of a signature, or none if one of them cannot be used.
pub(super) fn sig(kind: Kind, function: &Function, diag: &mut Diag) -> Option<(Sig, Option<IoParam>)> {
    let before = diag.len();
    let sig = &function.sig;
    qualifiers(kind, sig, diag);
    generics(kind, sig, diag);
    let (io, args) = parameters(kind, sig, diag);
    let ret = ret(kind, sig, diag);
    (diag.len() == before).then(|| {
        let sig = Sig { attrs: function.attrs.clone(), vis: function.vis.clone(), ident: sig.ident.clone(), args, ret };
        (sig, io)
    })
}

/// It is `async`, and nothing else.
pub(super) fn qualifiers(kind: Kind, sig: &Signature, diag: &mut Diag) {
    let a = kind.a();
    if sig.asyncness.is_none() {
        diag.error(sig.fn_token, format!("{a} is an `async fn`; write `async fn {}(..)`", sig.ident));
    }
    if let Some(constness) = sig.constness {
        diag.error(constness, format!("{a} cannot be a `const fn`; leave `const` out"));
    }
    if let Safety::Unsafe(token) = sig.safety {
        diag.error(token, format!("{a} cannot be `unsafe`: the engine calls it; write an `unsafe` block inside"));
    }
    if let Some(abi) = &sig.abi {
        diag.error(abi, format!("{a} cannot be `extern`; leave `extern` out"));
    }
    if let Some(variadic) = &sig.variadic {
        diag.error(variadic, format!("{a} cannot be variadic; take a slice"));
    }
}

/// It is one function, not a family of them.
pub(super) fn generics(kind: Kind, sig: &Signature, diag: &mut Diag) {
    let (a, is_one) = (kind.a(), kind.is_one());
    for param in &sig.generics.params {
        let mend = match (param, kind) {
            (GenericParam::Lifetime(_), Kind::Handler) => {
                "cannot name a lifetime; leave it out: a state owns what it has".to_owned()
            }
            (GenericParam::Lifetime(_), _) => {
                "cannot name a lifetime; leave it out, as in `&str` or `Page<'_>`: arguments are borrowed for the call"
                    .to_owned()
            }
            (GenericParam::Type(_) | GenericParam::Const(_), Kind::Handler) => {
                format!("cannot be generic: {is_one}; write one function for each state")
            }
            (GenericParam::Type(_), _) => format!("cannot be generic: {is_one}; write one function for each type"),
            (GenericParam::Const(param), _) => {
                format!("cannot be generic: {is_one}; take `{}` as an argument", param.ident)
            }
        };
        diag.error(param, format!("{a} {mend}"));
    }
    if let Some(clause) = &sig.generics.where_clause {
        diag.error(
            clause.where_token,
            format!("{a} cannot have a `where` clause: its types are all concrete; leave it out"),
        );
    }
}

fn parameters(kind: Kind, sig: &Signature, diag: &mut Diag) -> (Option<IoParam>, Vec<Arg>) {
    let mut io = None;
    let mut args = Vec::new();
    for (at, input) in sig.inputs.iter().enumerate() {
        let typed = match input {
            FnArg::Receiver(receiver) => {
                no_self(kind, receiver, diag);
                continue;
            }
            FnArg::Typed(typed) => typed,
        };
        plain(kind, typed, diag);
        let Some(arg) = one_name(typed, diag) else {
            continue;
        };
        match io_target(&arg) {
            Some(_) if kind == Kind::Saga => diag.error(
                &arg.ident,
                "a saga has no `io`: it does nothing itself, its steps do; leave it out, and take `io` in a `#[step]`",
            ),
            Some(target) if !names_io(&target) => diag.error(
                target,
                "the `io` of a step is a `&mut Io` or a `&mut Io<App>`; write one of them, or give an alias of it a name that ends in `Io`",
            ),
            Some(target) if at == 0 => {
                let bare = is_bare_io(&target);
                io = Some(IoParam { arg, target, bare });
            }
            Some(_) => diag.error(&arg.ident, "`io` must be the first parameter of a step"),
            None if arg.ident == "io" && kind == Kind::Step => diag.error(
                &arg.ty,
                "the `io` of a step is a `&mut Io` or a `&mut Io<App>`; write one of them, or give the argument another name",
            ),
            None => {
                argument(kind, &arg, diag);
                args.push(arg);
            }
        }
    }
    if let Some(ninth) = args.get(MOST_ARGS) {
        diag.error(
            &ninth.ident,
            format!("{} has at most {MOST_ARGS} arguments; put some of them into a struct", kind.a()),
        );
    }
    (io, args)
}

/// It is called after a crash, with what was recorded and nothing else.
pub(super) fn no_self(kind: Kind, receiver: &Receiver, diag: &mut Diag) {
    let mend = match kind {
        Kind::Step | Kind::Saga => "take what it needs as arguments",
        Kind::Handler => "put what it needs into the state",
    };
    diag.error(
        receiver,
        format!(
            "{} has no `self`: it runs again after a crash, when no such value is left; write a free function and {mend}",
            kind.a()
        ),
    );
}

/// An argument is a pattern and a type.
pub(super) fn plain(kind: Kind, arg: &PatType, diag: &mut Diag) {
    for attr in &arg.attrs {
        diag.error(attr, format!("an argument of {} cannot have attributes; leave it out", kind.a()));
    }
}

/// Names on disk and in undo expressions need a name each.
fn one_name(typed: &PatType, diag: &mut Diag) -> Option<Arg> {
    match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            Some(Arg { mutability: pat.mutability, ident: pat.ident.clone(), ty: (*typed.ty).clone() })
        }
        Pat::Wild(pat) => {
            diag.error(pat, "an argument needs a name; write `_unused`");
            None
        }
        pat => {
            diag.error(pat, "an argument is one name, not a pattern; take it apart in the body: `let .. = name;`");
            None
        }
    }
}

/// The `X` of an `io: &mut X`.
fn io_target(arg: &Arg) -> Option<Type> {
    let Type::Reference(TypeReference { mutability: Some(_), elem, .. }) = &arg.ty else {
        return None;
    };
    let name = arg.ident.to_string();
    let by_name = name.trim_start_matches('_') == "io";
    (by_name || names_io(elem)).then(|| (**elem).clone())
}

/// `Io`, or an alias that says so.
fn names_io(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|(ident, _)| ident.to_string().ends_with("Io"))
}

fn is_bare_io(target: &Type) -> bool {
    last_segment(target).is_some_and(|(ident, args)| ident == "Io" && args.is_empty())
}

pub(super) fn last_segment(ty: &Type) -> Option<(&Ident, &PathArguments)> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| (&segment.ident, &segment.arguments)),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

fn argument(kind: Kind, arg: &Arg, diag: &mut Diag) {
    if kind == Kind::Step && arg.ident == "output" {
        diag.error(&arg.ident, "no argument of a step can be called `output`: in `compensate` that is what the step returned; give it another name");
    }
    ArgType { kind, diag }.visit_type(&arg.ty);
    if let Some(reference) = inner_reference(&arg.ty).filter(|_| kind == Kind::Saga) {
        diag.error(
            reference,
            "an argument of a saga is read back from disk: it can be a reference, but not hold one; own this part",
        );
    }
}

/// A reference inside a type that is not one itself: what it borrows from is not on disk.
pub(super) fn inner_reference(ty: &Type) -> Option<&TypeReference> {
    struct Inner<'t>(Option<&'t TypeReference>);
    impl<'t> Visit<'t> for Inner<'t> {
        fn visit_type_reference(&mut self, ty: &'t TypeReference) {
            self.0 = self.0.or(Some(ty));
        }

        fn visit_type_fn_ptr(&mut self, _: &'t TypeFnPtr) {}
    }
    let mut inner = Inner(None);
    match ty {
        Type::Reference(reference) => inner.visit_type(&reference.elem),
        ty => inner.visit_type(ty),
    }
    inner.0
}

/// What no argument can be made of.
struct ArgType<'d> {
    kind: Kind,
    diag: &'d mut Diag,
}

impl Visit<'_> for ArgType<'_> {
    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        let a = self.kind.a();
        self.diag.error(ty, format!("{a} cannot be generic: it has one name on disk; name the type of this argument"));
    }

    fn visit_type_reference(&mut self, ty: &TypeReference) {
        if ty.mutability.is_some() {
            self.diag.error(
                ty,
                format!(
                    "an argument of {} cannot be changed for the caller: a replay does not run it; \
                    take it by value or by `&`, and return what is new",
                    self.kind.a()
                ),
            );
        } else if let Some(lifetime) = ty.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
            self.diag.error(lifetime, "an argument is borrowed for the call only; leave `'static` out");
        }
        visit::visit_type_reference(self, ty);
    }

    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
}

fn ret(kind: Kind, sig: &Signature, diag: &mut Diag) -> Ret {
    let ty = match &sig.output {
        ReturnType::Default => {
            let span = sig.ident.span();
            Type::Tuple(syn::TypeTuple {
                attrs: Vec::new(),
                paren_token: syn::token::Paren(span),
                elems: Default::default(),
            })
        }
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    RetType { kind, diag }.visit_type(&ty);
    let fallible = last_segment(&ty).is_some_and(|(ident, _)| ident.to_string().ends_with("Result"));
    let parts = match last_segment(&ty) {
        Some((ident, PathArguments::AngleBracketed(args))) if ident == "Result" => {
            let mut types = args.args.iter().map(|arg| match arg {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            });
            match (types.next(), types.next(), types.next()) {
                (Some(Some(ok)), Some(Some(err)), None) => Some((ok, err)),
                _ => None,
            }
        }
        _ => None,
    };
    Ret { ty, fallible, parts }
}

/// What nothing that is decoded from a record can be made of.
struct RetType<'d> {
    kind: Kind,
    diag: &'d mut Diag,
}

/// Errors, and results with them, that are no one type.
const OPEN_ERRORS: [(&str, &str); 5] =
    [("anyhow", "Error"), ("anyhow", "Result"), ("eyre", "Report"), ("eyre", "Result"), ("color_eyre", "Result")];

impl RetType<'_> {
    fn no_one_type(&mut self, tokens: impl ToTokens) {
        let a = self.kind.a();
        self.diag.error(
            tokens,
            format!(
                "what {a} returns is read back from disk as one type, which nobody knows of a `dyn` value; \
                 return a type of your own with `#[derive(Serialize, Deserialize)]`, or of an error its text, a `String`"
            ),
        );
    }

    fn borrows(&mut self, tokens: impl ToTokens) {
        let a = self.kind.a();
        self.diag
            .error(tokens, format!("what {a} returns cannot borrow: it is read back from disk; return an owned value"));
    }
}

impl Visit<'_> for RetType<'_> {
    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        let a = self.kind.a();
        self.diag.error(ty, format!("what {a} returns is read back from disk as one type; name it"));
    }

    fn visit_type_reference(&mut self, ty: &TypeReference) {
        self.borrows(ty);
    }

    fn visit_type_trait_object(&mut self, ty: &TypeTraitObject) {
        self.no_one_type(ty);
    }

    fn visit_type_path(&mut self, ty: &TypePath) {
        // What these crates call an error holds any error there is.
        let mut segments = ty.path.segments.iter();
        let names =
            [segments.next(), segments.next(), segments.next()].map(|part| part.map(|part| part.ident.to_string()));
        if let [Some(krate), Some(name), None] = names
            && OPEN_ERRORS.contains(&(krate.as_str(), name.as_str()))
            && !(name == "Result" && two_types(&ty.path))
        {
            self.no_one_type(ty);
        } else {
            visit::visit_type_path(self, ty);
        }
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.borrows(lifetime);
        }
    }

    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}
}

fn two_types(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|last| match &last.arguments {
        PathArguments::AngleBracketed(args) => args.args.len() > 1,
        _ => false,
    })
}
