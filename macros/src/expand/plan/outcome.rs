//! Values that an awaited operation gave.
//!
//! The only such value that can be awaited again is a child that was spawned:
//! everything else that an operation gives is data.

use syn::Expr;

use super::super::scope::Scopes;

/// Methods that give a part of what they are called on.
const PARTS: [&str; 5] = ["into_iter", "iter", "unwrap", "expect", "rev"];

/// Whether the expression is what an operation gave, or a part of it.
pub(super) fn is_outcome(scopes: &Scopes, expr: &Expr) -> bool {
    match expr {
        Expr::Await(_) => true,
        Expr::Paren(expr) => is_outcome(scopes, &expr.expr),
        Expr::Group(expr) => is_outcome(scopes, &expr.expr),
        Expr::Try(expr) => is_outcome(scopes, &expr.expr),
        Expr::Reference(expr) => is_outcome(scopes, &expr.expr),
        Expr::Field(expr) => is_outcome(scopes, &expr.base),
        Expr::MethodCall(call) if PARTS.iter().any(|name| call.method == name) => is_outcome(scopes, &call.receiver),
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| scopes.is_outcome(&name.to_string())),
        _ => false,
    }
}
