//! Flow control: how many runs at once, how many attempts in a time, and what a cancel does to one.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::Visit;
use syn::{Expr, ExprTry, Token};

use super::forbidden;
use super::keys::{string, whole};
use super::mentions::mention;
use super::retry::time;
use crate::diag::{Diag, nearest};
use crate::model::{Arg, Cancel, Rate};
use crate::parse::{Entries, Key, Shape, first_await};

pub(super) const RATE_EXAMPLE: &str = "rate(limit = 100, per = \"1s\")";

pub(super) const RATE_KEYS: &[Key] = &[
    Key { name: "limit", shape: Shape::Expr, example: "limit = 100" },
    Key { name: "per", shape: Shape::Expr, example: "per = \"1s\"" },
];

const MODES: [(&str, Cancel); 2] = [("finish", Cancel::Finish), ("abort", Cancel::Abort)];

/// `rate(..)`: both of its parts, neither of them nothing.
pub(super) fn rate(key: &Ident, mut entries: Entries, diag: &mut Diag) -> Option<Rate> {
    let limit = entries.expr("limit");
    let per = entries.expr("per");
    for (there, name) in [(limit.is_some(), "limit"), (per.is_some(), "per")] {
        if !there {
            diag.error(key, format!("`rate` needs `{name}`; write `{RATE_EXAMPLE}`"));
        }
    }
    let limit = limit.and_then(|(_, expr)| {
        let limit = whole(&expr, "limit", "limit = 100", diag)?;
        if limit == 0 {
            diag.error(expr, "with a limit of 0 the step would never run; write 1 or more, or leave `rate` out");
        }
        (limit > 0).then_some(limit)
    });
    let per = per.and_then(|(_, expr)| time(&expr, "per", diag));
    Some(Rate { limit: limit?, per: per? })
}

/// `cancel = ".."`: one of two words.
pub(super) fn cancel(expr: &Expr, diag: &mut Diag) -> Option<Cancel> {
    let text = string(expr, "cancel", "cancel = \"abort\"", diag)?;
    let word = text.value();
    if let Some((_, mode)) = MODES.into_iter().find(|(name, _)| *name == word) {
        return Some(mode);
    }
    let proposal = nearest(&word, MODES.map(|(name, _)| name)).map(|near| format!("did you mean `{near:?}`? "));
    diag.error(
        text,
        format!(
            "`{word:?}` is not what a cancel can do to a step; {}`\"finish\"` lets an attempt end, \
             `\"abort\"` drops it at its next wait",
            proposal.unwrap_or_default()
        ),
    );
    None
}

/// `concurrency = 10`.
pub(super) fn concurrency(expr: &Expr, diag: &mut Diag) -> Option<u32> {
    let count = whole(expr, "concurrency", "concurrency = 10", diag)?;
    if count == 0 {
        diag.error(expr, "with a concurrency of 0 no run could ever begin; write 1 or more, or leave it out");
    }
    (count > 0).then_some(count)
}

/// `key = ..`: an expression over the arguments, that gives the same at every start.
pub(super) fn key(expr: Expr, args: &[Arg], diag: &mut Diag) -> Option<Expr> {
    let before = diag.len();
    let tokens = expr.to_token_stream();
    if let Some(span) = first_await(tokens.clone()) {
        diag.at(span, "`key` is worked out when a run is started, before its body; name arguments, and await nothing");
    }
    if let Some(token) = first_try(&expr) {
        diag.error(
            token,
            "`?` in a `key`, which every start has; say what stands in the place of nothing, as in `.unwrap_or(..)`",
        );
    }
    for (call, _) in forbidden::tokens(&tokens) {
        let name = call.to_string().replace(' ', "");
        diag.error(
            call,
            format!("`{name}` in a `key`: the same arguments have to give the same key; name arguments only"),
        );
    }
    if diag.len() == before && !args.iter().any(|arg| mention(tokens.clone(), &arg.ident.to_string()).is_some()) {
        let names: Vec<_> = args.iter().map(|arg| format!("`{}`", arg.ident)).collect();
        let proposal = match names.is_empty() {
            true => "leave `key` out, and `concurrency` counts all runs together".to_owned(),
            false => format!("use one of {}", names.join(", ")),
        };
        diag.error(&expr, format!("this `key` names no argument, and so is the same for every run; {proposal}"));
    }
    (diag.len() == before).then_some(expr)
}

/// The first `?`; there is nothing that it could leave.
fn first_try(expr: &Expr) -> Option<Token![?]> {
    struct First(Option<Token![?]>);
    impl Visit<'_> for First {
        fn visit_expr_try(&mut self, expr: &ExprTry) {
            self.0 = Some(expr.question_token);
        }
    }
    let mut first = First(None);
    first.visit_expr(expr);
    first.0
}
