//! Warnings where a saga goes through a `HashMap` or a `HashSet`, whose order a replay would not repeat.
//!
//! A macro has errors but no warnings of its own. So what goes through one
//! becomes a block that first names something deprecated, at the user's token:
//! the compiler warns with our text, and `#[allow(deprecated)]` around it is
//! heard. Only what the tokens of this function show is taken for a map, and
//! what does not depend on the order is left alone.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Expr, ExprAsync, ExprBlock, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprMethodCall, ExprWhile,
    GenericArgument, Item, Local, Macro, Pat, PatIdent, Path, PathArguments, PathSegment, Stmt, Type,
};

use super::spans::at;
use crate::model::Arg;

/// The types, each with as many parameters as it has while its order is left to chance.
const TYPES: [(&str, usize); 2] = [("HashMap", 2), ("HashSet", 1)];

/// Methods that go through all of it.
const WALKS: [&str; 14] = [
    "iter",
    "iter_mut",
    "into_iter",
    "keys",
    "into_keys",
    "values",
    "values_mut",
    "into_values",
    "drain",
    "extract_if",
    "union",
    "intersection",
    "difference",
    "symmetric_difference",
];

/// Ends of an iteration that are the same in any order.
const ANY_ORDER: [&str; 7] = ["count", "sum", "product", "min", "max", "any", "all"];

/// Collections that have an order of their own, or none.
const ORDERED: [&str; 5] = ["BTreeMap", "BTreeSet", "BinaryHeap", "HashMap", "HashSet"];

/// Puts the warnings into a body.
pub(super) fn warn(krate: &Path, args: &[Arg], block: &mut Block) {
    let mut unordered = Unordered { krate, scopes: vec![BTreeMap::new()] };
    for arg in args {
        unordered.bind(arg.ident.to_string(), is_unordered(&arg.ty));
    }
    unordered.visit_block_mut(block);
}

struct Unordered<'k> {
    krate: &'k Path,
    /// The names around a point, innermost last, and whether each is such a map.
    scopes: Vec<BTreeMap<String, bool>>,
}

impl Unordered<'_> {
    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(BTreeMap::new());
        visit(self);
        self.scopes.pop();
    }

    fn bind(&mut self, name: String, is_map: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, is_map);
        }
    }

    /// Where the expression names such a map, borrowed or not.
    fn map(&self, expr: &Expr) -> Option<Span> {
        match expr {
            Expr::Path(path) => {
                let ident = path.path.get_ident()?;
                let name = ident.to_string();
                let is_map = self.scopes.iter().rev().find_map(|scope| scope.get(&name));
                is_map.filter(|is_map| **is_map).map(|_| ident.span())
            }
            Expr::Reference(reference) => self.map(&reference.expr),
            Expr::Paren(paren) => self.map(&paren.expr),
            _ => None,
        }
    }

    /// Where a chain of methods begins to go through such a map.
    fn walk(&self, expr: &Expr) -> Option<Span> {
        let Expr::MethodCall(call) = expr else {
            return None;
        };
        if WALKS.iter().any(|walk| call.method == walk) && self.map(&call.receiver).is_some() {
            return Some(call.method.span());
        }
        self.walk(&call.receiver)
    }

    fn warned(&self, expr: &mut Expr, span: Span) {
        let krate = self.krate;
        let warning = Expr::Verbatim(at(span, quote!(#krate::__private::hash_map_in_a_saga())));
        let walk = std::mem::replace(expr, Expr::Verbatim(TokenStream::new()));
        let stmts = vec![Stmt::Expr(warning, Some(Default::default())), Stmt::Expr(walk, None)];
        let block = Block { brace_token: Default::default(), stmts };
        *expr = Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block });
    }
}

impl VisitMut for Unordered<'_> {
    // These have names of their own, or tokens that only a macro understands.
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_macro_mut(&mut self, _: &mut Macro) {}

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.within(|unordered| visit_mut::visit_block_mut(unordered, block));
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.within(|unordered| visit_mut::visit_arm_mut(unordered, arm));
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.within(|unordered| visit_mut::visit_expr_closure_mut(unordered, closure));
    }

    fn visit_expr_async_mut(&mut self, expr: &mut ExprAsync) {
        self.within(|unordered| visit_mut::visit_expr_async_mut(unordered, expr));
    }

    fn visit_expr_if_mut(&mut self, expr: &mut ExprIf) {
        self.within(|unordered| visit_mut::visit_expr_if_mut(unordered, expr));
    }

    fn visit_expr_while_mut(&mut self, expr: &mut ExprWhile) {
        self.within(|unordered| visit_mut::visit_expr_while_mut(unordered, expr));
    }

    fn visit_expr_let_mut(&mut self, expr: &mut ExprLet) {
        self.visit_expr_mut(&mut expr.expr);
        self.visit_pat_mut(&mut expr.pat);
    }

    fn visit_expr_for_loop_mut(&mut self, expr: &mut ExprForLoop) {
        match self.map(&expr.expr) {
            Some(span) => self.warned(&mut expr.expr, span),
            None => self.visit_expr_mut(&mut expr.expr),
        }
        self.within(|unordered| {
            unordered.visit_pat_mut(&mut expr.pat);
            unordered.visit_block_mut(&mut expr.body);
        });
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        let mut is_map = None;
        if let Some(init) = &mut local.init {
            is_map = Some(gives_unordered(&init.expr) || self.map(&init.expr).is_some());
            self.visit_expr_mut(&mut init.expr);
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        let mut pat = &local.pat;
        if let Pat::Type(typed) = pat {
            is_map = Some(is_unordered(&typed.ty));
            pat = &typed.pat;
        }
        match pat {
            Pat::Ident(ident) => self.bind(ident.ident.to_string(), is_map.unwrap_or(false)),
            _ => self.visit_pat_mut(&mut local.pat),
        }
    }

    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        self.bind(pat.ident.to_string(), false);
        visit_mut::visit_pat_ident_mut(self, pat);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::MethodCall(call) = expr {
            if is_any_order(call) && self.walk(&call.receiver).is_some() {
                call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
                return;
            }
            if WALKS.iter().any(|walk| call.method == walk) && self.map(&call.receiver).is_some() {
                let span = call.method.span();
                call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
                self.warned(expr, span);
                return;
            }
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}

/// `HashMap<K, V>` or `HashSet<T>`, borrowed or not; one with a hasher of its own has an order.
fn is_unordered(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_unordered(&reference.elem),
        Type::Paren(paren) => is_unordered(&paren.elem),
        Type::Group(group) => is_unordered(&group.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(is_unordered_name),
        _ => false,
    }
}

fn is_unordered_name(segment: &PathSegment) -> bool {
    let count = match &segment.arguments {
        PathArguments::AngleBracketed(args) => args.args.len(),
        _ => 0,
    };
    TYPES.iter().any(|(name, most)| segment.ident == name && count <= *most)
}

/// `HashMap::new()` and its like, and `.collect::<HashMap<_, _>>()`.
fn gives_unordered(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                let mut segments = path.path.segments.iter().rev();
                let makes = ["new", "with_capacity", "from", "from_iter", "default"];
                segments.next().is_some_and(|last| makes.iter().any(|make| last.ident == make))
                    && segments.next().is_some_and(is_unordered_name)
            }
            _ => false,
        },
        Expr::MethodCall(call) => call.method == "collect" && collected(call).is_some_and(is_unordered),
        Expr::Paren(paren) => gives_unordered(&paren.expr),
        _ => false,
    }
}

/// The type that `.collect::<T>()` names.
fn collected(call: &ExprMethodCall) -> Option<&Type> {
    match call.turbofish.as_ref()?.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

fn is_any_order(call: &ExprMethodCall) -> bool {
    let into_ordered = |ty: &Type| match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| ORDERED.iter().any(|name| last.ident == name)),
        _ => false,
    };
    ANY_ORDER.iter().any(|end| call.method == end)
        || (call.method == "collect" && collected(call).is_some_and(into_ordered))
}
