//! Whether a record names blobs, told from its bytes without making an event of them.

use super::Kind;
use crate::codec::wire::{Reader, WireError};

/// The first byte of a value whose JSON stands in the record, without blobs in it.
const INLINE: u8 = 0;

/// Whether the body of a record of this kind names no blob, for sure: what is not known here, or cannot be read, may
/// name some.
pub(crate) fn names_no_blob(kind: u8, body: &[u8]) -> bool {
    Kind::from_number(kind).is_some_and(|kind| skim(kind, body).unwrap_or(false))
}

fn skim(kind: Kind, body: &[u8]) -> Result<bool, WireError> {
    let mut r = Reader::new(body);
    let none = match kind {
        Kind::RunStarted => {
            r.bytes("id")?;
            r.bytes("workflow")?;
            r.number("version")?;
            r.fixed("fingerprint")?;
            r.array::<16>("origin")?;
            r.number("origin run")?;
            is_plain(&mut r)?
        }
        Kind::StepAttempted => {
            r.bytes("position")?;
            r.bytes("step")?;
            r.number("attempt")?;
            r.fixed("arguments")?;
            r.array::<3>("flags")?;
            !r.flag("undo arguments")? || is_plain(&mut r)?
        }
        Kind::StepDone => {
            r.bytes("position")?;
            is_plain(&mut r)?
        }
        Kind::ScopeLeft => {
            r.bytes("position")?;
            r.flag("failed")?;
            is_plain(&mut r)?
        }
        Kind::RunCompleted => is_plain(&mut r)?,
        Kind::ScopeEntered | Kind::TimerSet | Kind::TimerFired | Kind::SignalConsumed | Kind::StartOptions => {
            return Ok(true);
        }
        _ => return Ok(false),
    };
    Ok(none && r.end().is_ok())
}

/// Whether a value stands whole in the record, and no blobs in it.
fn is_plain(r: &mut Reader<'_>) -> Result<bool, WireError> {
    if r.byte("value")? != INLINE {
        return Ok(false);
    }
    r.bytes("value")?;
    Ok(true)
}
