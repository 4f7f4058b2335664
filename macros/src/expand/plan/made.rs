//! The call that is never made: the user's function over arguments that nobody has.
//!
//! What takes operations gets calls that are never made, too, for their types
//! are its own type's: `join((charge(order), sleep(days(2))))`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprCall, ExprClosure, ExprPath, Path, PathArguments, Stmt};

use super::super::scope::Scopes;
use super::super::spans::{braces, first, over, parens};
use super::leaf::{Mark, UNKNOWN, called};
use crate::parse::macro_args;

/// Methods of iterators that leave the items as they are.
const SAME_ITEMS: [&str; 12] = [
    "chain",
    "collect",
    "filter",
    "fuse",
    "inspect",
    "into_iter",
    "peekable",
    "rev",
    "skip",
    "skip_while",
    "take",
    "take_while",
];

/// A call, and the tokens at which its faults are told.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) call: TokenStream,
    /// Where it begins.
    pub(super) first: Span,
    /// What its tokens call it.
    pub(super) label: String,
    pub(super) marks: Vec<Mark>,
}

/// What a function takes, by its name.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// A tuple of operations.
    Tuple,
    /// Operations of one type.
    Many,
    /// One call of a saga.
    Call,
    /// What can be started: a call of a saga, or a state of a machine.
    Start,
}

/// The call that the expression makes, if it makes one of a function that the plan can name.
pub(super) fn made(krate: &Path, scopes: &mut Scopes, expr: &Expr) -> Option<Made> {
    let (path, call) = called(expr)?;
    if scopes.hides(&path.path) {
        return None;
    }
    if let (Some(takes), Some(arg)) = (takes(krate, &path.path), only(call)) {
        let Operands { arg, marks: inner, labels } = operands(krate, scopes, takes, arg)?;
        let marked = u16::try_from(inner.len()).ok()?;
        let mut marks = vec![Mark { marked, ..Mark::of(&last(path)) }];
        for (index, element) in (0..).zip(inner) {
            marks.extend(element.into_iter().map(|mut mark| {
                mark.at.insert(0, index);
                mark
            }));
        }
        let args = parens(call.paren_token.span.join(), arg);
        let label = format!("{}({})", label(path), labels.join(", "));
        return Some(Made { call: quote!(#path #args), first: first(path), label, marks });
    }
    let made = call_of_any(krate, path, call);
    Some(Made { call: made, first: first(path), label: label(path), marks: vec![Mark::of(&last(path))] })
}

/// Whether a function is one of ours that takes operations. A user's own of
/// that name is told apart by the module that it is called with.
fn takes(krate: &Path, path: &Path) -> Option<Takes> {
    let mut segments = path.segments.iter().rev();
    let name = &segments.next()?.ident;
    let ours = match segments.next() {
        None => true,
        Some(module) => {
            let krate = krate.segments.last().map(|segment| &segment.ident);
            module.ident == "prelude" || module.ident == "factum" || krate.is_some_and(|krate| *krate == module.ident)
        }
    };
    let takes = match name.to_string().as_str() {
        "join" | "race" => Takes::Tuple,
        "all" | "try_all" => Takes::Many,
        "spawn" => Takes::Start,
        "again" => Takes::Call,
        _ => return None,
    };
    ours.then_some(takes)
}

fn only(call: &ExprCall) -> Option<&Expr> {
    call.args.first().filter(|_| call.args.len() == 1)
}

fn last(path: &ExprPath) -> Option<&Ident> {
    path.path.segments.last().map(|segment| &segment.ident)
}

/// The last name of a path, and what stands behind it.
fn label(path: &ExprPath) -> String {
    let Some(last) = path.path.segments.last() else {
        return String::new();
    };
    match &last.arguments {
        PathArguments::AngleBracketed(of) => {
            let of = of.args.to_token_stream().to_string().replace(' ', "");
            format!("{} {of}", last.ident)
        }
        _ => last.ident.to_string(),
    }
}

/// An argument with calls in it that are never made.
struct Operands {
    arg: TokenStream,
    /// The marks of each child.
    marks: Vec<Vec<Mark>>,
    labels: Vec<String>,
}

impl Operands {
    fn one(made: Made) -> Operands {
        Operands { arg: made.call, marks: Vec::new(), labels: vec![made.label] }
    }
}

fn operands(krate: &Path, scopes: &mut Scopes, takes: Takes, arg: &Expr) -> Option<Operands> {
    match (takes, arg) {
        (_, Expr::Paren(paren)) => operands(krate, scopes, takes, &paren.expr),
        (_, Expr::Group(group)) => operands(krate, scopes, takes, &group.expr),
        (Takes::Call, arg) => operation(krate, scopes, arg).map(Operands::one),
        (Takes::Start, arg) => operation(krate, scopes, arg).or_else(|| state(krate, scopes, arg)).map(Operands::one),
        (Takes::Tuple, Expr::Tuple(tuple)) => {
            let mut found = false;
            let (mut marks, mut labels) = (Vec::new(), Vec::new());
            let mut elements = Vec::new();
            for element in &tuple.elems {
                if let Some(made) = operation(krate, scopes, element) {
                    found = true;
                    marks.push(made.marks);
                    labels.push(made.label);
                    elements.push(made.call);
                } else {
                    marks.push(vec![Mark::of(element)]);
                    labels.push(UNKNOWN.to_owned());
                    elements.push(over(element, quote!(#krate::__private::opaque())));
                }
            }
            found.then(|| Operands { arg: quote!((#(#elements,)*)), marks, labels })
        }
        (Takes::Tuple, _) => None,
        (Takes::Many, arg) => {
            let Made { call, label, marks, .. } = many(krate, scopes, arg)?;
            Some(Operands { arg: quote!([#call]), marks: vec![marks], labels: vec![label] })
        }
    }
}

/// A call that can be one of an operation: not that of a type's constructor.
fn operation(krate: &Path, scopes: &mut Scopes, expr: &Expr) -> Option<Made> {
    let (path, _) = called(expr)?;
    let name = last(path)?.to_string();
    if name.starts_with(char::is_uppercase) {
        return None;
    }
    made(krate, scopes, expr)
}

/// A state of a machine, as a struct with fields, in parentheses, or without any. Not a variant of its enum: that is no start.
fn state(krate: &Path, scopes: &Scopes, expr: &Expr) -> Option<Made> {
    let path = match expr {
        Expr::Struct(expr) if expr.qself.is_none() => &expr.path,
        Expr::Path(expr) if expr.qself.is_none() => &expr.path,
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.qself.is_none() => &path.path,
            _ => return None,
        },
        _ => return None,
    };
    let is_type = |ident: &Ident| ident.to_string().starts_with(char::is_uppercase);
    let mut segments = path.segments.iter().rev();
    let name = &segments.next().filter(|name| is_type(&name.ident))?.ident;
    if scopes.hides(path) || segments.next().is_some_and(|module| is_type(&module.ident)) {
        return None;
    }
    let call = match expr {
        Expr::Struct(expr) => {
            let fields = over(expr, quote!(..#krate::__private::any()));
            let fields = braces(expr.brace_token.span.join(), fields);
            quote!(#path #fields)
        }
        Expr::Call(call) => call_of_any(krate, path, call),
        _ => quote!(#path),
    };
    Some(Made { call, first: first(path), label: name.to_string(), marks: Vec::new() })
}

/// A function called with arguments that nobody has.
fn call_of_any(krate: &Path, path: &impl ToTokens, call: &ExprCall) -> TokenStream {
    let args = call.args.iter().map(|arg| over(arg, quote!(#krate::__private::any())));
    let args = parens(call.paren_token.span.join(), quote!(#(#args),*));
    quote!(#path #args)
}

/// The call that each of many is.
fn many(krate: &Path, scopes: &mut Scopes, expr: &Expr) -> Option<Made> {
    match expr {
        Expr::Paren(paren) => many(krate, scopes, &paren.expr),
        Expr::Group(group) => many(krate, scopes, &group.expr),
        Expr::Reference(reference) => many(krate, scopes, &reference.expr),
        Expr::Array(array) => array.elems.iter().find_map(|element| operation(krate, scopes, element)),
        Expr::Repeat(repeat) => operation(krate, scopes, &repeat.expr),
        Expr::MethodCall(call) if call.method == "map" => match call.args.first()? {
            Expr::Closure(closure) => closure_call(krate, scopes, closure),
            Expr::Path(path) => mapped(krate, scopes, path),
            _ => None,
        },
        Expr::MethodCall(call) if SAME_ITEMS.iter().any(|name| call.method == name) => {
            many(krate, scopes, &call.receiver)
        }
        Expr::Macro(expr) if expr.mac.path.segments.last().is_some_and(|last| last.ident == "vec") => {
            macro_args(&expr.mac)?.exprs().into_iter().find_map(|element| operation(krate, scopes, element))
        }
        _ => None,
    }
}

/// The call that a closure gives.
fn closure_call(krate: &Path, scopes: &mut Scopes, closure: &ExprClosure) -> Option<Made> {
    scopes.enter();
    closure.inputs.iter().for_each(|input| scopes.bind(input));
    let made = tail(scopes, &closure.body).and_then(|tail| operation(krate, scopes, tail));
    scopes.leave();
    made
}

/// The last expression of a closure's body, with the names bound that it can see.
fn tail<'e>(scopes: &mut Scopes, body: &'e Expr) -> Option<&'e Expr> {
    let Expr::Block(block) = body else {
        return Some(body);
    };
    let (last, before) = block.block.stmts.split_last()?;
    for stmt in before {
        match stmt {
            Stmt::Local(local) => scopes.bind(&local.pat),
            // What it brings in cannot be named from outside.
            Stmt::Item(_) => return None,
            Stmt::Expr(..) | Stmt::Macro(_) => {}
        }
    }
    match last {
        Stmt::Expr(expr, None) => tail(scopes, expr),
        _ => None,
    }
}

/// A function that each item is given to.
fn mapped(krate: &Path, scopes: &Scopes, path: &ExprPath) -> Option<Made> {
    let is_function = |name: &Ident| !name.to_string().starts_with(char::is_uppercase);
    if scopes.hides(&path.path) || !path.path.segments.iter().all(|segment| is_function(&segment.ident)) {
        return None;
    }
    let args = over(path, quote!((#krate::__private::any())));
    Some(Made { call: quote!(#path #args), first: first(path), label: label(path), marks: vec![Mark::of(&last(path))] })
}
