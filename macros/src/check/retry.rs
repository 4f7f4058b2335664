//! `retry(..)` and `timeout`: what cannot be, and what contradicts itself.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use super::keys::{bare, string, whole};
use crate::diag::Diag;
use crate::model::Retry;
use crate::parse::{self, Entries, Key, Shape};

pub(super) const EXAMPLE: &str = "retry(attempts = 5, initial = \"100ms\")";

pub(super) const KEYS: &[Key] = &[
    Key { name: "attempts", shape: Shape::Expr, example: "attempts = 5" },
    Key { name: "initial", shape: Shape::Expr, example: "initial = \"100ms\"" },
    Key { name: "factor", shape: Shape::Expr, example: "factor = 2.0" },
    Key { name: "max", shape: Shape::Expr, example: "max = \"10s\"" },
    Key { name: "jitter", shape: Shape::Expr, example: "jitter = 0.2" },
    Key { name: "when", shape: Shape::Expr, example: "when = PayError::is_transient" },
];

// What holds unless it is given.
const INITIAL: Duration = Duration::from_millis(100);
const FACTOR: f64 = 2.0;
const MAX: Duration = Duration::from_secs(60);
const JITTER: f64 = 0.0;

/// The policy, or none if `attempts` cannot be used.
pub(super) fn retry(key: &Ident, mut entries: Entries, diag: &mut Diag) -> Option<Retry> {
    let attempts = entries.expr("attempts");
    let initial = entries.expr("initial");
    let factor = entries.expr("factor");
    let max = entries.expr("max");
    let jitter = entries.expr("jitter");
    let when = entries.expr("when");
    let other = [&initial, &factor, &max, &jitter, &when].into_iter().flatten().map(|(key, _)| key.clone()).next();

    let count = attempts.as_ref().and_then(|(_, expr)| whole(expr, "attempts", "attempts = 5", diag));
    match (&attempts, count, other) {
        (None, _, _) => diag.error(key, format!("`retry` needs `attempts`; write `{EXAMPLE}`")),
        (Some((_, expr)), Some(0), _) => {
            diag.error(expr, "a step with 0 attempts would never run; write 1 or more, counting the first one");
        }
        (Some((_, expr)), Some(1), Some(other)) => diag.error(
            expr,
            format!("with 1 attempt there is no retry that `{other}` could shape; write `attempts = 2` or more, or leave `retry` out"),
        ),
        _ => {}
    }

    let initial_time = initial.as_ref().and_then(|(_, expr)| time(expr, "initial", diag));
    let max_time = max.as_ref().and_then(|(_, expr)| time(expr, "max", diag));
    let (low, high) = (initial_time.unwrap_or(INITIAL), max_time.unwrap_or(MAX));
    if high < low {
        match (&max, &initial) {
            (Some((_, expr)), _) if max_time.is_some() => {
                diag.error(
                    expr,
                    format!("`max` ({high:?}) is shorter than `initial` ({low:?}); make it at least as long"),
                );
            }
            (None, Some((_, expr))) => {
                diag.error(
                    expr,
                    format!("`initial` ({low:?}) is longer than `max`, which is {high:?} unless given; give a `max`"),
                );
            }
            _ => {}
        }
    }
    let factor = factor.and_then(|(_, expr)| {
        let value = float(&expr, "factor", "factor = 2.0", diag)?;
        if value >= 1.0 && value.is_finite() {
            return Some(value);
        }
        diag.error(expr, "`factor` below 1 would make each wait shorter than the last; write 1.0 or more");
        None
    });
    let jitter = jitter.and_then(|(_, expr)| {
        let value = float(&expr, "jitter", "jitter = 0.2", diag)?;
        if (0.0..=1.0).contains(&value) {
            return Some(value);
        }
        diag.error(expr, "`jitter` is the share of a wait that chance decides; write a number from 0.0 to 1.0");
        None
    });
    let attempts = count.filter(|count| *count > 0)?;
    Some(Retry {
        attempts,
        initial: low,
        factor: factor.unwrap_or(FACTOR),
        max: high,
        jitter: jitter.unwrap_or(JITTER),
        when: when.map(|(_, expr)| expr),
    })
}

/// A duration in a string.
pub(super) fn time(expr: &Expr, key: &str, diag: &mut Diag) -> Option<Duration> {
    let text = string(expr, key, &format!("{key} = \"30s\""), diag)?;
    match parse::duration(&text.value()) {
        Ok(duration) => Some(duration),
        Err(message) => {
            diag.error(text, message);
            None
        }
    }
}

fn float(expr: &Expr, key: &str, example: &str, diag: &mut Diag) -> Option<f64> {
    let number = match bare(expr) {
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse::<f64>().ok(),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse::<f64>().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => return float(expr, key, example, diag).map(|n| -n),
        _ => None,
    };
    if number.is_none() {
        diag.error(expr, format!("`{key}` is a number; write `{example}`"));
    }
    number
}
