//! How the end of a child stands in a record.

use super::fields::{Body, get_cause, get_payload, payload, put_cause};
use crate::codec::wire::{WireError, Writer};
use crate::record::ChildEnd;

pub(super) fn child_end(w: &mut Writer<'_>, end: &ChildEnd) {
    match end {
        ChildEnd::Completed { output } => {
            w.byte(0);
            payload(w, output);
        }
        ChildEnd::Failed { cause } => {
            w.byte(1);
            put_cause(w, cause);
        }
        ChildEnd::Cancelled => w.byte(2),
        ChildEnd::Forgotten => w.byte(3),
    }
}

pub(super) fn get_child_end(r: &mut Body<'_>) -> Result<ChildEnd, WireError> {
    Ok(match r.wire.byte("end of the child")? {
        0 => ChildEnd::Completed { output: get_payload(r, "output")? },
        1 => ChildEnd::Failed { cause: get_cause(r)? },
        2 => ChildEnd::Cancelled,
        3 => ChildEnd::Forgotten,
        found => return Err(WireError::Unknown { field: "end of the child", found: found.into() }),
    })
}
