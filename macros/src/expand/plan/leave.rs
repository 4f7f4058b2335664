//! Parts of a body whose end is not reached.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprBreak, ExprContinue, Item, Macro, Path, Stmt};

/// Where a body goes on instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Nowhere.
    Body,
    /// Behind the innermost loop.
    Loop,
    /// In its next turn.
    Turn,
}

impl Leave {
    pub(super) fn tokens(self, krate: &Path) -> TokenStream {
        match self {
            Leave::Body => quote!(#krate::__private::Leave::Body),
            Leave::Loop => quote!(#krate::__private::Leave::Loop),
            Leave::Turn => quote!(#krate::__private::Leave::Turn),
        }
    }

    /// One of two, of which each is taken; none where one cannot stand for both.
    fn or(self, other: Leave) -> Option<Leave> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Leave::Body, other) | (other, Leave::Body) => Some(other),
            _ => None,
        }
    }
}

/// Where the block goes if it never comes to its end. Where that cannot be
/// told it is taken to come to its end, which allows less.
pub(super) fn block(block: &Block) -> Option<Leave> {
    if jumps(|jumps| jumps.visit_block(block)) { None } else { end_of_block(block) }
}

/// Where the expression goes if it never comes to its end.
pub(super) fn expr(expr: &Expr) -> Option<Leave> {
    if jumps(|jumps| jumps.visit_expr(expr)) { None } else { end_of(expr) }
}

fn end_of_block(block: &Block) -> Option<Leave> {
    block.stmts.iter().find_map(|stmt| match stmt {
        Stmt::Expr(expr, _) => end_of(expr),
        Stmt::Macro(stmt) => mac(&stmt.mac),
        Stmt::Local(_) | Stmt::Item(_) => None,
    })
}

fn end_of(expr: &Expr) -> Option<Leave> {
    match expr {
        Expr::Return(_) => Some(Leave::Body),
        Expr::Break(expr) if expr.label.is_none() => Some(Leave::Loop),
        Expr::Continue(expr) if expr.label.is_none() => Some(Leave::Turn),
        Expr::Macro(expr) => mac(&expr.mac),
        Expr::Paren(expr) => end_of(&expr.expr),
        Expr::Group(expr) => end_of(&expr.expr),
        Expr::Block(expr) if expr.label.is_none() => end_of_block(&expr.block),
        Expr::If(expr) => {
            let (_, otherwise) = expr.else_branch.as_ref()?;
            end_of_block(&expr.then_branch)?.or(end_of(otherwise)?)
        }
        Expr::Match(expr) => {
            let mut arms = expr.arms.iter().map(|arm| end_of(&arm.body));
            let first = arms.next()??;
            arms.try_fold(first, |leave, arm| leave.or(arm?))
        }
        _ => None,
    }
}

/// Whether something in a part jumps to a label: where that leads is not told here.
#[derive(Default)]
struct Jumps(bool);

impl Visit<'_> for Jumps {
    fn visit_item(&mut self, _: &Item) {}

    fn visit_expr_break(&mut self, expr: &ExprBreak) {
        self.0 |= expr.label.is_some();
        visit::visit_expr_break(self, expr);
    }

    fn visit_expr_continue(&mut self, expr: &ExprContinue) {
        self.0 |= expr.label.is_some();
    }
}

fn jumps(look: impl FnOnce(&mut Jumps)) -> bool {
    let mut jumps = Jumps::default();
    look(&mut jumps);
    jumps.0
}

fn mac(mac: &Macro) -> Option<Leave> {
    let name = &mac.path.segments.last()?.ident;
    ["panic", "unreachable", "todo", "unimplemented"].iter().any(|panics| name == panics).then_some(Leave::Body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(of: Expr) -> Option<Leave> {
        expr(&of)
    }

    #[test]
    fn a_part_that_never_ends_is_told_from_one_that_may() {
        assert_eq!(
            leave(syn::parse_quote!({
                return a;
            })),
            Some(Leave::Body)
        );
        assert_eq!(leave(syn::parse_quote!({ if a { break } else { return } })), Some(Leave::Loop));
        assert_eq!(
            leave(syn::parse_quote!(match a {
                1 => continue,
                _ => {
                    b();
                    panic!("c")
                }
            })),
            Some(Leave::Turn)
        );
        assert_eq!(leave(syn::parse_quote!(if a { break } else { continue })), None);
        assert_eq!(
            leave(syn::parse_quote!(if a {
                return;
            })),
            None
        );
        assert_eq!(
            leave(syn::parse_quote!({
                break 'a;
            })),
            None
        );
        assert_eq!(leave(syn::parse_quote!('a: { return })), None);
        assert_eq!(
            leave(syn::parse_quote!(match a {
                1 => return,
                _ => b,
            })),
            None
        );
    }
}
