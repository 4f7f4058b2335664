//! A saga's plan: the tree of its awaits, as a constant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::{
    BinOp, Block, Expr, ExprAsync, ExprAwait, ExprBinary, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet,
    ExprLoop, ExprMatch, ExprPath, ExprWhile, Item, Local, Macro, Pat, Path,
};

use super::scope::Scopes;
use super::spans::{at, first, over, parens};
use crate::model::Sig;
use crate::parse::macro_args;

/// Methods that shape an operation and leave it the same operation.
const MODIFIERS: [&str; 2] = ["timeout", "concurrency"];

/// A node of the plan.
#[derive(Debug)]
enum Node {
    /// One operation, as the expression of its plan.
    Leaf(TokenStream),
    Branch(Vec<Vec<Node>>),
    Loop(Vec<Node>),
}

/// The plan of a body, as a constant expression.
pub(super) fn plan(krate: &Path, sig: &Sig, block: &Block) -> TokenStream {
    let mut planner = Planner { krate, scopes: Scopes::default(), nodes: Vec::new() };
    planner.scopes.enter();
    sig.args.iter().for_each(|arg| planner.scopes.bind_name(arg.ident.to_string()));
    planner.visit_block(block);
    let nodes = planner.nodes.iter().map(|node| node.tokens(krate));
    quote!(#krate::__private::Plan::Seq(&const { [#(#nodes),*] }))
}

impl Node {
    fn tokens(&self, krate: &Path) -> TokenStream {
        match self {
            Node::Leaf(tokens) => tokens.clone(),
            Node::Branch(arms) => {
                let arms = arms.iter().map(|arm| sequence(krate, arm));
                quote!(#krate::__private::Plan::Branch(&const { [#(#arms),*] }))
            }
            Node::Loop(body) => {
                let body = sequence(krate, body);
                quote!(#krate::__private::Plan::Loop(&const { #body }))
            }
        }
    }
}

/// Nodes one after the other; a single one stands for itself.
fn sequence(krate: &Path, nodes: &[Node]) -> TokenStream {
    if let [node] = nodes {
        return node.tokens(krate);
    }
    let nodes = nodes.iter().map(|node| node.tokens(krate));
    quote!(#krate::__private::Plan::Seq(&const { [#(#nodes),*] }))
}

/// Walks a body in the order in which it is evaluated.
struct Planner<'k> {
    krate: &'k Path,
    scopes: Scopes,
    nodes: Vec<Node>,
}

impl Planner<'_> {
    /// The nodes of a part, in a scope of its own.
    fn part(&mut self, visit: impl FnOnce(&mut Self)) -> Vec<Node> {
        let outer = std::mem::take(&mut self.nodes);
        self.scopes.enter();
        visit(self);
        self.scopes.leave();
        std::mem::replace(&mut self.nodes, outer)
    }

    fn branch(&mut self, arms: Vec<Vec<Node>>) {
        if arms.iter().any(|arm| !arm.is_empty()) {
            self.nodes.push(Node::Branch(arms));
        }
    }

    fn repeat(&mut self, body: Vec<Node>) {
        if !body.is_empty() {
            self.nodes.push(Node::Loop(body));
        }
    }

    /// What awaiting the expression is: told by the function it calls, or not at all.
    fn operation(&mut self, expr: &Expr) {
        let krate = self.krate;
        let leaf = match called(expr) {
            Some((path, call)) if !self.scopes.hides(&path.path) => {
                // A call that is never made, for its type. It stands where the call in the
                // body stands: what the compiler says of both is the same, and said once.
                let args = call.args.iter().map(|arg| over(arg, quote!(#krate::__private::any())));
                let args = parens(call.paren_token.span.join(), quote!(#(#args),*));
                let tag = at(first(path), quote!(.tag()));
                let probe = quote!({
                    #[allow(unused_imports, reason = "the type tells which of them is used")]
                    use #krate::__private::{IsLeaf as _, IsNoLeaf as _};
                    (&#krate::__private::Probe(#path #args)) #tag
                });
                let probe = self.scopes.importing(probe);
                quote!(#krate::__private::plan_of(|| #probe))
            }
            _ => quote!(#krate::__private::Plan::Dynamic),
        };
        self.nodes.push(Node::Leaf(leaf));
    }
}

/// The function that an operation is a call of.
fn called(expr: &Expr) -> Option<(&ExprPath, &ExprCall)> {
    match expr {
        Expr::Paren(paren) => called(&paren.expr),
        Expr::Group(group) => called(&group.expr),
        Expr::MethodCall(call) if MODIFIERS.iter().any(|name| call.method == name) => called(&call.receiver),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => Some((path, call)),
            _ => None,
        },
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Planner<'_> {
    // Nothing of these is awaited by the saga itself.
    fn visit_item(&mut self, _: &'ast Item) {}
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}

    fn visit_expr_await(&mut self, expr: &'ast ExprAwait) {
        self.visit_expr(&expr.base);
        self.operation(&expr.base);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.scopes.enter_block(block);
        visit::visit_block(self, block);
        self.scopes.leave();
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                let diverge = self.part(|planner| planner.visit_expr(diverge));
                self.branch(vec![Vec::new(), diverge]);
            }
        }
        self.scopes.bind(&local.pat);
    }

    fn visit_expr_let(&mut self, expr: &'ast ExprLet) {
        self.visit_expr(&expr.expr);
        self.scopes.bind(&expr.pat);
    }

    fn visit_expr_binary(&mut self, expr: &'ast ExprBinary) {
        self.visit_expr(&expr.left);
        if matches!(expr.op, BinOp::And(_) | BinOp::Or(_)) {
            // Bindings of a `let` on the right are seen by what follows: no scope of its own.
            let outer = std::mem::take(&mut self.nodes);
            self.visit_expr(&expr.right);
            let right = std::mem::replace(&mut self.nodes, outer);
            self.branch(vec![right, Vec::new()]);
        } else {
            self.visit_expr(&expr.right);
        }
    }

    fn visit_expr_if(&mut self, expr: &'ast ExprIf) {
        self.scopes.enter();
        self.visit_expr(&expr.cond);
        let then = self.part(|planner| planner.visit_block(&expr.then_branch));
        self.scopes.leave();
        let otherwise = expr.else_branch.as_ref();
        let otherwise = otherwise.map(|(_, otherwise)| self.part(|planner| planner.visit_expr(otherwise)));
        self.branch(vec![then, otherwise.unwrap_or_default()]);
    }

    fn visit_expr_match(&mut self, expr: &'ast ExprMatch) {
        self.visit_expr(&expr.expr);
        let mut arms = Vec::new();
        for arm in &expr.arms {
            arms.push(self.part(|planner| {
                planner.scopes.bind(&arm.pat);
                if let Pat::Guard(guard) = &arm.pat {
                    planner.visit_expr(&guard.guard);
                }
                planner.visit_expr(&arm.body);
            }));
        }
        self.branch(arms);
    }

    fn visit_expr_loop(&mut self, expr: &'ast ExprLoop) {
        let body = self.part(|planner| planner.visit_block(&expr.body));
        self.repeat(body);
    }

    fn visit_expr_while(&mut self, expr: &'ast ExprWhile) {
        let body = self.part(|planner| {
            planner.visit_expr(&expr.cond);
            planner.visit_block(&expr.body);
        });
        self.repeat(body);
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast ExprForLoop) {
        self.visit_expr(&expr.expr);
        let body = self.part(|planner| {
            planner.scopes.bind(&expr.pat);
            planner.visit_block(&expr.body);
        });
        self.repeat(body);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        if let Some(args) = macro_args(mac) {
            args.exprs().into_iter().for_each(|expr| self.visit_foreign(expr));
        }
    }
}

impl Planner<'_> {
    /// An expression that does not live as long as the body.
    fn visit_foreign(&mut self, expr: &Expr) {
        self.visit_expr(expr);
    }
}
