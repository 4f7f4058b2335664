//! A body's nodes, in the order in which they are evaluated.

use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprAssign, ExprAsync, ExprAwait, ExprBinary, ExprClosure, ExprForLoop, ExprIf, ExprLet,
    ExprLoop, ExprMatch, ExprWhile, Item, Local, Macro, Pat, Path,
};

use super::super::scope::Scopes;
use super::leaf::leaf;
use super::leave::{self, Leave};
use super::outcome::is_outcome;
use super::{Node, Part};
use crate::parse::macro_args;

/// The nodes of a body, that has names bound already.
pub(super) fn nodes(krate: &Path, bound: impl IntoIterator<Item = String>, block: &Block) -> Vec<Node> {
    let mut planner = Planner { krate, scopes: Scopes::default(), nodes: Vec::new() };
    planner.scopes.enter();
    bound.into_iter().for_each(|name| planner.scopes.bind_name(name));
    planner.visit_block(block);
    planner.nodes
}

/// Walks a body in the order in which it is evaluated.
struct Planner<'k> {
    krate: &'k Path,
    scopes: Scopes,
    nodes: Vec<Node>,
}

impl Planner<'_> {
    /// The nodes of a part, in a scope of its own.
    fn part(&mut self, leaves: Option<Leave>, visit: impl FnOnce(&mut Self)) -> Part {
        let outer = std::mem::take(&mut self.nodes);
        self.scopes.enter();
        visit(self);
        self.scopes.leave();
        Part { nodes: std::mem::replace(&mut self.nodes, outer), leaves }
    }

    fn branch(&mut self, arms: Vec<Part>) {
        let jumps = |arm: &Part| matches!(arm.leaves, Some(Leave::Loop | Leave::Turn));
        if arms.iter().any(|arm| !arm.nodes.is_empty() || jumps(arm)) {
            self.nodes.push(Node::Branch(arms));
        }
    }

    /// The arms of a `match`. An awaited guard comes before its own arm and those below it, and before no other.
    fn arms(&mut self, arms: &[Arm], is_outcome: bool) {
        let mut parts = Vec::new();
        for (index, arm) in arms.iter().enumerate() {
            if let Pat::Guard(guard) = &arm.pat {
                let asked = self.part(None, |planner| {
                    planner.scopes.bind_value(&arm.pat, is_outcome);
                    planner.visit_expr(&guard.guard);
                });
                if !asked.nodes.is_empty() {
                    parts.push(self.part(None, |planner| {
                        planner.branch(vec![asked, Part::default()]);
                        let own = planner.arm(arm, is_outcome);
                        let below = planner.part(None, |planner| planner.arms(&arms[index + 1..], is_outcome));
                        planner.branch(vec![own, below]);
                    }));
                    break;
                }
            }
            parts.push(self.arm(arm, is_outcome));
        }
        self.branch(parts);
    }

    /// An arm without its guard.
    fn arm(&mut self, arm: &Arm, is_outcome: bool) -> Part {
        self.part(leave::expr(&arm.body), |planner| {
            planner.scopes.bind_value(&arm.pat, is_outcome);
            planner.visit_expr(&arm.body);
        })
    }

    fn repeat(&mut self, body: Part) {
        if !body.nodes.is_empty() {
            self.nodes.push(Node::Loop(body));
        }
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
        let leaf = leaf(self.krate, &mut self.scopes, &expr.base);
        self.nodes.push(Node::Leaf(leaf));
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
                let diverge = self.part(leave::expr(diverge), |planner| planner.visit_expr(diverge));
                self.branch(vec![Part::default(), diverge]);
            }
        }
        let is_outcome = local.init.as_ref().is_some_and(|init| is_outcome(&self.scopes, &init.expr));
        self.scopes.bind_value(&local.pat, is_outcome);
    }

    fn visit_expr_let(&mut self, expr: &'ast ExprLet) {
        self.visit_expr(&expr.expr);
        let is_outcome = is_outcome(&self.scopes, &expr.expr);
        self.scopes.bind_value(&expr.pat, is_outcome);
    }

    fn visit_expr_binary(&mut self, expr: &'ast ExprBinary) {
        self.visit_expr(&expr.left);
        if matches!(expr.op, BinOp::And(_) | BinOp::Or(_)) {
            // Bindings of a `let` on the right are seen by what follows: no scope of its own.
            let outer = std::mem::take(&mut self.nodes);
            self.visit_expr(&expr.right);
            let right = std::mem::replace(&mut self.nodes, outer);
            self.branch(vec![Part { nodes: right, leaves: leave::expr(&expr.right) }, Part::default()]);
        } else {
            self.visit_expr(&expr.right);
        }
    }

    fn visit_expr_if(&mut self, expr: &'ast ExprIf) {
        self.scopes.enter();
        self.visit_expr(&expr.cond);
        let then = self.part(leave::block(&expr.then_branch), |planner| planner.visit_block(&expr.then_branch));
        self.scopes.leave();
        let otherwise = expr.else_branch.as_ref();
        let otherwise =
            otherwise.map(|(_, otherwise)| self.part(leave::expr(otherwise), |planner| planner.visit_expr(otherwise)));
        self.branch(vec![then, otherwise.unwrap_or_default()]);
    }

    fn visit_expr_match(&mut self, expr: &'ast ExprMatch) {
        self.visit_expr(&expr.expr);
        let is_outcome = is_outcome(&self.scopes, &expr.expr);
        self.arms(&expr.arms, is_outcome);
    }

    fn visit_expr_assign(&mut self, expr: &'ast ExprAssign) {
        self.visit_expr(&expr.right);
        self.visit_expr(&expr.left);
    }

    fn visit_expr_loop(&mut self, expr: &'ast ExprLoop) {
        let body = self.part(leave::block(&expr.body), |planner| planner.visit_block(&expr.body));
        self.repeat(body);
    }

    fn visit_expr_while(&mut self, expr: &'ast ExprWhile) {
        let mut leaves = None;
        let body = self.part(None, |planner| {
            planner.visit_expr(&expr.cond);
            let body = planner.part(leave::block(&expr.body), |planner| planner.visit_block(&expr.body));
            if planner.nodes.is_empty() {
                (planner.nodes, leaves) = (body.nodes, body.leaves);
            } else {
                // The condition is looked at before the loop is left.
                planner.branch(vec![body, Part { nodes: Vec::new(), leaves: Some(Leave::Loop) }]);
            }
        });
        self.repeat(Part { leaves, ..body });
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast ExprForLoop) {
        self.visit_expr(&expr.expr);
        let is_outcome = is_outcome(&self.scopes, &expr.expr);
        let body = self.part(leave::block(&expr.body), |planner| {
            planner.scopes.bind_value(&expr.pat, is_outcome);
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
