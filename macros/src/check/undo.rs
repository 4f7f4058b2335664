//! `compensate` and `unknown`: what can be undone with what is known.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::Expr;

use super::mentions::mention;
use super::sig::inner_reference;
use crate::diag::Diag;
use crate::model::{Arg, Undo, UndoCall, UnknownUndo};
use crate::parse::{Entries, has_await};

pub(super) fn undo(entries: &mut Entries, args: &[Arg], diag: &mut Diag) -> Option<Undo> {
    let compensate = entries.expr("compensate");
    let unknown = entries.expr("unknown");
    if compensate.is_none() && unknown.is_none() {
        return None;
    }
    let before = diag.len();
    let done = compensate.map(|(_, expr)| call("compensate", expr, args, diag));
    let ignored = unknown.as_ref().is_some_and(|(_, expr)| is_ignore(expr));
    let unknown = match (unknown, &done) {
        (Some(_), _) if ignored => {
            // Without `compensate` nothing undoes the step either way, as without any key.
            done.as_ref()?;
            UnknownUndo::Nothing
        }
        (Some((_, expr)), _) => {
            let call = call("unknown", expr, args, diag);
            if let Some(span) = call.output {
                diag.at(span, "`unknown` uses `output`, which nobody has after an attempt whose end is unknown; use the arguments");
            }
            UnknownUndo::Call(call)
        }
        (None, Some(UndoCall { output: Some(span), .. })) => {
            diag.at(
                *span,
                "`compensate` uses `output`, which nobody has after an attempt whose end is unknown; \
                 say what undoes that: `unknown = f(args)` or `unknown = ignore`",
            );
            UnknownUndo::Nothing
        }
        (None, _) => UnknownUndo::SameAsDone,
    };
    let calls = done.iter().chain(match &unknown {
        UnknownUndo::Call(call) => Some(call),
        UnknownUndo::Nothing | UnknownUndo::SameAsDone => None,
    });
    let named: BTreeSet<usize> = calls.flat_map(|call| call.args.iter().copied()).collect();
    for arg in named.into_iter().map(|at| &args[at]) {
        if let Some(reference) = inner_reference(&arg.ty) {
            let name = &arg.ident;
            diag.error(
                reference,
                format!(
                    "the undo names `{name}`, which is then read back from disk: \
                     it can be a reference, but not hold one; own this part"
                ),
            );
        }
    }
    (diag.len() == before).then_some(Undo { done, unknown })
}

fn is_ignore(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("ignore"))
}

fn call(key: &str, expr: Expr, args: &[Arg], diag: &mut Diag) -> UndoCall {
    let tokens = expr.to_token_stream();
    if let Expr::Path(path) = &expr {
        let name = path.to_token_stream().to_string().replace(' ', "");
        diag.error(
            path,
            format!(
                "`{key}` is a call, which the engine makes when it rolls back; write `{name}(..)` with its arguments"
            ),
        );
    } else if has_await(tokens.clone()) {
        diag.error(&expr, format!("`{key}` is a call, which the engine awaits when it rolls back; leave `.await` out"));
    }
    let named = args.iter().enumerate();
    let named = named.filter(|(_, arg)| mention(tokens.clone(), &arg.ident.to_string()).is_some());
    UndoCall { args: named.map(|(at, _)| at).collect(), output: mention(tokens.clone(), "output"), call: expr }
}
