//! Who is told when a machine enters or leaves a state.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::codec::{DecodeError, Payload};
use crate::id::RunId;
use crate::io::{Redaction, panic_text};

/// Looks at a state. An error says that the value is none of the machine's.
pub(crate) type Hook = Arc<dyn Fn(&RunId, &Payload) -> Result<(), DecodeError> + Send + Sync>;

/// The observers of one machine.
#[derive(Default, Clone)]
pub(crate) struct Hooks {
    pub(crate) enter: Vec<Hook>,
    pub(crate) exit: Vec<Hook>,
}

/// The observers of all machines, by what tells them apart.
pub(crate) type HooksOf = HashMap<TypeId, Hooks>;

impl Hooks {
    pub(super) fn entered(&self, run: &RunId, state: &Payload, redaction: &Redaction) {
        self.enter.iter().for_each(|hook| tell(hook, run, state, redaction));
    }

    pub(super) fn left(&self, run: &RunId, state: &Payload, redaction: &Redaction) {
        self.exit.iter().for_each(|hook| tell(hook, run, state, redaction));
    }
}

/// An observer changes nothing: not by its panics either.
fn tell(hook: &Hook, run: &RunId, state: &Payload, redaction: &Redaction) {
    match catch_unwind(AssertUnwindSafe(|| hook(run, state))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = redaction.text(&error.to_string());
            tracing::error!(run_id = %run, error, "a state cannot be read for its observers");
        }
        Err(panic) => {
            let message = redaction.text(&panic_text(&*panic));
            tracing::error!(run_id = %run, message, "an observer of a machine's states has panicked");
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("enter", &self.enter.len()).field("exit", &self.exit.len()).finish()
    }
}
