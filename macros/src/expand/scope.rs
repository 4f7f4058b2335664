//! Which names of a body are its own, and what it imports.
//!
//! The plan is a constant beside the body: it can name what the module and the
//! body's `use` items bring in, and nothing that the body itself binds.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Block, Item, ItemUse, Pat, PatIdent, Path, Stmt, UseTree};

/// The scopes around a point of a body, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

#[derive(Debug, Default)]
struct Scope {
    own: BTreeSet<String>,
    /// Those of its own that hold what an awaited operation gave.
    outcomes: BTreeSet<String>,
    uses: Vec<ItemUse>,
}

impl Scopes {
    pub(super) fn enter(&mut self) {
        self.0.push(Scope::default());
    }

    /// Enters a block: its items are known from its first line on.
    pub(super) fn enter_block(&mut self, block: &Block) {
        self.enter();
        let items = || {
            block.stmts.iter().filter_map(|stmt| match stmt {
                Stmt::Item(item) => Some(item),
                _ => None,
            })
        };
        items().filter_map(item_name).for_each(|name| self.own(name));
        for item in items() {
            let Item::Use(item) = item else {
                continue;
            };
            if item.leading_colon.is_none() && root(&item.tree).is_some_and(|root| self.is_own(&root)) {
                names(&item.tree).into_iter().for_each(|name| self.own(name));
            } else if let Some(scope) = self.0.last_mut() {
                scope.uses.push(item.clone());
            }
        }
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    fn own(&mut self, name: String) {
        if let Some(scope) = self.0.last_mut() {
            scope.outcomes.remove(&name);
            scope.own.insert(name);
        }
    }

    /// The names that a pattern binds, from here on.
    pub(super) fn bind(&mut self, pat: &Pat) {
        self.bind_value(pat, false);
    }

    /// The names that a pattern binds, from here on, and whether to what an operation gave.
    pub(super) fn bind_value(&mut self, pat: &Pat, is_outcome: bool) {
        for name in bound_names(pat) {
            self.own(name.clone());
            if let Some(scope) = self.0.last_mut().filter(|_| is_outcome) {
                scope.outcomes.insert(name);
            }
        }
    }

    /// Whether the name is bound to what an awaited operation gave.
    pub(super) fn is_outcome(&self, name: &str) -> bool {
        let scope = self.0.iter().rev().find(|scope| scope.own.contains(name));
        scope.is_some_and(|scope| scope.outcomes.contains(name))
    }

    pub(super) fn bind_name(&mut self, name: String) {
        self.own(name);
    }

    fn is_own(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.own.contains(name))
    }

    /// Whether the path leads to something of the body's own.
    pub(super) fn hides(&self, path: &Path) -> bool {
        let first = path.segments.first().filter(|_| path.leading_colon.is_none());
        first.is_some_and(|first| self.is_own(&first.ident.to_string()))
            || path.segments.iter().any(|segment| self.names_own(segment.arguments.to_token_stream()))
    }

    /// Whether something of the body's own stands in these tokens, at any depth.
    fn names_own(&self, tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => self.is_own(&ident.to_string()),
            TokenTree::Group(group) => self.names_own(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }

    /// An expression in a block that imports what the body imports here.
    pub(super) fn importing(&self, expr: TokenStream) -> TokenStream {
        self.0.iter().rev().filter(|scope| !scope.uses.is_empty()).fold(expr, |expr, scope| {
            let uses = &scope.uses;
            quote!({ #(#[allow(unused_imports, reason = "the expression may need none of them")] #uses)* #expr })
        })
    }
}

/// The names that a pattern binds.
pub(super) fn bound_names(pat: &Pat) -> BTreeSet<String> {
    let mut bindings = Bindings(BTreeSet::new());
    bindings.visit_pat(pat);
    bindings.0
}

struct Bindings(BTreeSet<String>);

impl Visit<'_> for Bindings {
    fn visit_pat_ident(&mut self, pat: &PatIdent) {
        self.0.insert(pat.ident.to_string());
        visit::visit_pat_ident(self, pat);
    }
}

fn item_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Fn(item) => &item.sig.ident,
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Mod(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn root(tree: &UseTree) -> Option<String> {
    match tree {
        UseTree::Path(path) => Some(path.ident.to_string()),
        _ => None,
    }
}

fn names(tree: &UseTree) -> Vec<String> {
    match tree {
        UseTree::Path(path) => names(&path.tree),
        UseTree::Name(name) => vec![name.ident.to_string()],
        UseTree::Rename(rename) => vec![rename.rename.to_string()],
        UseTree::Glob(_) => Vec::new(),
        UseTree::Group(group) => group.items.iter().flat_map(names).collect(),
    }
}
