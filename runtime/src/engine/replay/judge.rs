//! Whether a body has come to the end that is recorded of it.

use super::drive::Came;
use super::visits::VisitEnd;
use super::{Awaited, ReplayEnd, ReplayError};
use crate::codec::{Payload, canonical_of};
use crate::id::{Position, RunId};
use crate::io::Redaction;
use crate::record::Cause;
use crate::run::Divergence;

/// How much of a value is shown, in bytes.
const SHOWN: usize = 1024;

/// Whether two values are one, in whatever order their members are written, and wherever their blobs lie.
pub(super) fn same(recorded: &Payload, found: &Payload) -> bool {
    recorded == found
        || matches!((canonical_of(recorded), canonical_of(found)), (Ok((one, _)), Ok((other, _))) if one == other)
}

/// A value as it is shown, without secrets; the beginning of it, if it is long.
pub(super) fn shown(value: &Payload, redaction: &Redaction) -> String {
    // What is cut first may have a secret's beginning left, which nobody finds.
    cut(redaction.text(&redaction.json(value.clone()).to_text()))
}

/// The beginning of a text without secrets, if it is long.
fn cut(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Whose end is judged.
pub(super) struct Judged<'a> {
    pub(super) id: &'a RunId,
    /// The visit's root.
    pub(super) root: &'a Position,
    /// The workflow, and where it is written.
    pub(super) site: String,
    /// What is not shown.
    pub(super) redaction: &'a Redaction,
}

impl Judged<'_> {
    /// Compares where a body has come to with what is recorded: the end of the replay, or of this visit.
    ///
    /// # Errors
    /// When they differ.
    pub(super) fn end(&self, end: &VisitEnd, came: Came) -> Result<ReplayEnd, ReplayError> {
        let failed = |cause: &Cause| Ok(ReplayEnd::Failed { cause: cause.clone() });
        match (end, came) {
            (VisitEnd::Open, Came::Here(on)) => Ok(ReplayEnd::Waiting { on }),
            // Its end is not recorded yet.
            (VisitEnd::Open, _) => Ok(nothing()),
            (VisitEnd::Completed(output), Came::Done(found)) if same(output, &found) => {
                Ok(ReplayEnd::Completed { output: output.clone() })
            }
            (VisitEnd::Again(input), Came::Again(found)) if same(input, &found) => Ok(nothing()),
            (VisitEnd::Entered { state, value }, Came::Enters(found))
                if *state == found.state && same(value, &found.value) =>
            {
                Ok(nothing())
            }
            (VisitEnd::Failed(cause) | VisitEnd::Stuck(cause), came) if fits(cause, &came) => failed(cause),
            (VisitEnd::Stuck(cause), Came::Here(_)) => failed(cause),
            (end, Came::Here(on)) => Err(self.beyond(end, on.first())),
            (end, came) => {
                let (expected, found) = (self.told(end), self.said(&came));
                Err(ReplayError::OtherOutput { id: self.id.clone(), of: self.of(), expected, found })
            }
        }
    }

    fn of(&self) -> String {
        match self.root.visit() {
            0 => "its body".to_owned(),
            _ => format!("its body at {}", self.root),
        }
    }

    /// The body awaits something behind which only its end is recorded.
    fn beyond(&self, end: &VisitEnd, on: Option<&Awaited>) -> ReplayError {
        let (at, site, what) = match on {
            Some(Awaited { at, what, site, .. }) => (at, *site, what.as_str()),
            None => (self.root, None, "something"),
        };
        let divergence = Divergence {
            at: at.clone(),
            site: site.map_or_else(|| self.site.clone(), |site| site.to_string()),
            expected: format!("the end of the body, {}", self.told(end)),
            found: self.redaction.text(&format!("awaits {what} at {at}, where nothing is recorded")),
        };
        ReplayError::Diverged { id: self.id.clone(), divergence: Box::new(divergence) }
    }

    /// The recorded end, in words.
    fn told(&self, end: &VisitEnd) -> String {
        let shown = |value| shown(value, self.redaction);
        match end {
            VisitEnd::Open => "nothing".to_owned(),
            VisitEnd::Completed(output) => shown(output),
            VisitEnd::Failed(cause) | VisitEnd::Stuck(cause) => caused(cause, self.redaction),
            VisitEnd::Again(input) => format!("another turn with {}", shown(input)),
            VisitEnd::Entered { state, value } => format!("state `{state}` with {}", shown(value)),
        }
    }

    fn said(&self, came: &Came) -> String {
        let shown = |value| shown(value, self.redaction);
        match came {
            Came::Done(output) => shown(output),
            Came::Failed(error) => format!("error {}", shown(error)),
            Came::Enters(entering) => format!("state `{}` with {}", entering.state, shown(&entering.value)),
            Came::Again(input) => format!("another turn with {}", shown(input)),
            Came::Stopped(cause) => caused(cause, self.redaction),
            Came::Here(_) => "nothing yet".to_owned(),
        }
    }
}

/// A visit that another one follows says nothing of the run's end.
fn nothing() -> ReplayEnd {
    ReplayEnd::Waiting { on: Vec::new() }
}

/// Whether a body that has come to this may have failed so.
fn fits(cause: &Cause, came: &Came) -> bool {
    match (cause, came) {
        (Cause::Error { error }, Came::Failed(found)) => same(error, found),
        (Cause::Error { .. } | Cause::TimedOut { .. }, _) => false,
        (Cause::Panicked { .. }, Came::Stopped(found)) => matches!(found, Cause::Panicked { .. }),
        (Cause::Panicked { .. }, _) => false,
        // It came from outside, wherever the body was.
        (Cause::Cancelled | Cause::DeadlineExceeded | Cause::Abandoned { .. } | Cause::Aborted | Cause::Lost, _) => {
            true
        }
        // The engine refused something of which nothing is recorded, or the body was told of it.
        (Cause::Refused { .. } | Cause::NoUndo { .. } | Cause::Unrecordable { .. }, Came::Here(_)) => true,
        (Cause::Refused { .. }, Came::Stopped(found)) => matches!(found, Cause::Refused { .. }),
        (Cause::NoUndo { .. }, Came::Stopped(found)) => matches!(found, Cause::NoUndo { .. }),
        (Cause::Unrecordable { .. }, Came::Stopped(found)) => matches!(found, Cause::Unrecordable { .. }),
        (Cause::Refused { .. } | Cause::NoUndo { .. } | Cause::Unrecordable { .. }, _) => false,
    }
}

/// Why something failed, without secrets.
pub(super) fn caused(cause: &Cause, redaction: &Redaction) -> String {
    match cause {
        Cause::Error { error } | Cause::TimedOut { error } => format!("error {}", shown(error, redaction)),
        cause => cut(redaction.text(&cause.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A live engine would record the same, and nothing of a secret but its beginning may be left by a cut.
    #[test]
    fn what_is_secret_is_hidden_before_it_is_cut() {
        let redaction = Redaction::new().pattern("planted-[0-9]+!").expect("is one");
        for before in SHOWN - 20..SHOWN + 4 {
            let text = format!("{}planted-4711!{}", "x".repeat(before), "y".repeat(SHOWN));
            let cause = caused(&Cause::Panicked { message: text.clone() }, &redaction);
            let value = Payload::from_bytes(&serde_json::to_vec(&text).expect("is JSON"));
            for shown in [cause, shown(&value, &redaction)] {
                assert!(!shown.contains("planted") && shown.ends_with('…'), "{shown}");
                assert!(shown.len() <= SHOWN + '…'.len_utf8(), "{shown}");
            }
        }
    }
}
