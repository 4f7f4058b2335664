//! A step: its keys, and what contradicts itself among them.

use proc_macro2::{Ident, TokenStream};

use super::flow::{self, rate};
use super::keys::{self, APP, CRATE, NAME};
use super::kind::Kind;
use super::retry::{self, retry, time};
use super::sig::sig;
use super::undo::undo;
use super::{Broken, Checked, Verdict};
use crate::diag::Diag;
use crate::model::{Cancel, Effect, Step};
use crate::parse::{self, Entry, Function, Key, Raw, Shape};

const KEYS: &[Key] = &[
    Key { name: "retry", shape: Shape::List(retry::KEYS), example: retry::EXAMPLE },
    Key { name: "timeout", shape: Shape::Expr, example: "timeout = \"30s\"" },
    Key { name: "compensate", shape: Shape::Expr, example: "compensate = refund(&output)" },
    Key { name: "unknown", shape: Shape::Expr, example: "unknown = void(&order)" },
    Key { name: "unknown_when", shape: Shape::Expr, example: "unknown_when = PayError::is_unclear" },
    Key { name: "cancel", shape: Shape::Expr, example: "cancel = \"abort\"" },
    Key { name: "rate", shape: Shape::List(flow::RATE_KEYS), example: flow::RATE_EXAMPLE },
    Key { name: "pure", shape: Shape::Flag, example: "pure" },
    Key { name: "idempotent", shape: Shape::Flag, example: "idempotent" },
    Key { name: "pivot", shape: Shape::Flag, example: "pivot" },
    NAME,
    APP,
    CRATE,
];

/// The step that an attribute and a function make.
pub(crate) fn step(attr: TokenStream, function: Box<Function>, diag: &mut Diag) -> Verdict<Step> {
    let mut entries = parse::entries(attr, "#[step]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, &function.sig.ident, diag);
    let retry_key = entries.take("retry");
    let retry = retry_key.and_then(|entry| match entry {
        Entry { key, value: Raw::List(inner) } => retry(&key, inner, diag),
        _ => None,
    });
    let timeout = entries.expr("timeout");
    let mut duration = timeout.as_ref().and_then(|(_, expr)| time(expr, "timeout", diag));
    let cancel_key = entries.expr("cancel");
    let cancel = cancel_key.as_ref().and_then(|(_, expr)| flow::cancel(expr, diag)).unwrap_or(Cancel::Finish);
    let rate = entries.take("rate").and_then(|entry| match entry {
        Entry { key, value: Raw::List(inner) } => rate(&key, inner, diag),
        _ => None,
    });
    let mut unknown_when = entries.expr("unknown_when");
    let app = entries.ty("app");
    let pure = entries.flag("pure");
    let idempotent = entries.flag("idempotent");
    let pivot = entries.flag("pivot");
    let undoes = [entries.key("compensate").cloned(), entries.key("unknown").cloned()];
    contradictions(pure.as_ref(), idempotent.as_ref(), pivot.as_ref(), &undoes, diag);
    if let (Some(_), Some((key, _)), Cancel::Abort) = (&pivot, &cancel_key, cancel) {
        diag.error(key, "a `pivot` that was attempted bars every cancel, which contradicts `cancel = \"abort\"`; leave out one or the other");
    }

    let Some((sig, io)) = sig(Kind::Step, &function, diag) else {
        undo(&mut entries, &[], diag);
        return Verdict::Broken(Broken { krate, function });
    };
    if let (Some((_, app)), Some(io)) = (&app, &io)
        && !io.bare
    {
        diag.error(app, "the app of this step is what its `io` names; leave `app` out");
    }
    let mut retry = retry;
    if !sig.ret.fallible {
        let no_error = "and this step returns none; return a `Result<_, E>`";
        if let Some((key, _)) = timeout {
            duration = None;
            diag.error(key, format!("a timeout becomes an error, {no_error} with `E: From<TimedOut>`"));
        }
        if let Some((key, _)) = unknown_when.take() {
            diag.error(key, format!("`unknown_when` looks at an error, {no_error}"));
        }
        if let Some(when) = retry.as_mut().and_then(|retry| retry.when.take()) {
            diag.error(when, format!("`when` looks at an error, {no_error}"));
        }
    }
    let undo = undo(&mut entries, &sig.args, diag);
    let effect = match (pure, idempotent) {
        (Some(_), _) => Effect::Pure,
        (None, Some(_)) => Effect::Idempotent,
        (None, None) => Effect::Unspecified,
    };
    Verdict::Usable(Box::new(Checked(Step {
        krate,
        sig,
        body: function.body,
        io,
        app: app.map(|(_, app)| app),
        name,
        effect,
        pivot: pivot.is_some(),
        retry,
        timeout: duration,
        cancel,
        rate,
        unknown_when: unknown_when.map(|(_, expr)| expr),
        undo,
    })))
}

/// A step that touches nothing has nothing to undo; one that cannot be undone has no undo.
fn contradictions(
    pure: Option<&Ident>,
    idempotent: Option<&Ident>,
    pivot: Option<&Ident>,
    undoes: &[Option<Ident>],
    diag: &mut Diag,
) {
    let undoes = undoes.iter().flatten();
    if let Some(pure) = pure {
        let wrong: Vec<_> = undoes.clone().chain(pivot).chain(idempotent).map(|key| format!("`{key}`")).collect();
        if !wrong.is_empty() {
            let wrong = wrong.join(", ");
            diag.error(
                pure,
                format!("a `pure` step touches nothing outside, which contradicts {wrong}; leave out one or the other"),
            );
        }
    } else if let Some(pivot) = pivot {
        let wrong: Vec<_> = undoes.map(|key| format!("`{key}`")).collect();
        if !wrong.is_empty() {
            let wrong = wrong.join(", ");
            diag.error(
                pivot,
                format!("a `pivot` is never undone, which contradicts {wrong}; leave out one or the other"),
            );
        }
    }
}
