//! How what a run keeps when it begins afresh stands in a record.

use super::fields::{
    Body, get_list, get_payload, get_position, get_time, get_undo_kind, list, name, option, owned, payload, position,
    time, undo_kind,
};
use crate::codec::wire::{WireError, Writer};
use crate::record::{Carried, CarriedSignal, CarriedUndo, Reason};

pub(super) fn carried(w: &mut Writer<'_>, carried: &Carried) {
    let Carried { undo, received, inbox, senders, now, progress, past_pivot, redone } = carried;
    list(w, undo, |w, CarriedUndo { of, step, kind, output, args }| {
        position(w, of);
        w.text(step);
        undo_kind(w, *kind);
        w.option(output.as_ref(), payload);
        w.option(args.as_ref(), payload);
    });
    w.number(*received);
    list(w, inbox, |w, CarriedSignal { number, signal, payload: value }| {
        w.number(*number);
        w.text(signal);
        payload(w, value);
    });
    list(w, senders, |w, (signal, sender)| {
        w.text(signal);
        w.text(sender);
    });
    w.option(*now, time);
    w.option(progress.as_ref(), payload);
    let last = if *past_pivot { PAST_PIVOT } else { 0 } | if redone.is_empty() { 0 } else { REDONE };
    w.byte(last);
    if !redone.is_empty() {
        list(w, redone, position);
    }
}

/// The bits of a carried run's last byte.
const PAST_PIVOT: u8 = 1;
const REDONE: u8 = 2;

/// The numbers of the reasons for which a state is entered.
const HANDLER: u8 = 0;
const SIGNAL: u8 = 1;
const TIMEOUT: u8 = 2;
const GROUP_TIMEOUT: u8 = 3;

pub(super) fn reason(w: &mut Writer<'_>, reason: &Reason) {
    match reason {
        Reason::Handler => w.byte(HANDLER),
        Reason::Signal { name } => {
            w.byte(SIGNAL);
            w.text(name);
        }
        Reason::Timeout { group: None } => w.byte(TIMEOUT),
        Reason::Timeout { group: Some(group) } => {
            w.byte(GROUP_TIMEOUT);
            w.text(group);
        }
    }
}

pub(super) fn get_reason(r: &mut Body<'_>) -> Result<Reason, WireError> {
    Ok(match r.wire.byte("reason")? {
        HANDLER => Reason::Handler,
        SIGNAL => Reason::Signal { name: name(r, "signal")? },
        TIMEOUT => Reason::Timeout { group: None },
        GROUP_TIMEOUT => Reason::Timeout { group: Some(name(r, "group")?) },
        found => return Err(WireError::Unknown { field: "reason", found: found.into() }),
    })
}

pub(super) fn get_carried(r: &mut Body<'_>) -> Result<Carried, WireError> {
    let mut carried = Carried {
        undo: get_list(r, "undos", |r| {
            Ok(CarriedUndo {
                of: get_position(r)?,
                step: name(r, "step")?,
                kind: get_undo_kind(r)?,
                output: option(r, "output", |r| get_payload(r, "output"))?,
                args: option(r, "undo arguments", |r| get_payload(r, "undo arguments"))?,
            })
        })?,
        received: r.wire.number("number of signals")?,
        inbox: get_list(r, "inbox", |r| {
            Ok(CarriedSignal {
                number: r.wire.number("number")?,
                signal: name(r, "signal")?,
                payload: get_payload(r, "payload")?,
            })
        })?,
        senders: get_list(r, "senders", |r| Ok((name(r, "signal")?, owned(r, "sender")?)))?,
        now: option(r, "time", get_time)?,
        progress: option(r, "progress", |r| get_payload(r, "progress"))?,
        past_pivot: false,
        redone: Vec::new(),
    };
    let last = r.wire.byte("past the pivot")?;
    if last & !(PAST_PIVOT | REDONE) != 0 {
        return Err(WireError::Unknown { field: "past the pivot", found: last.into() });
    }
    carried.past_pivot = last & PAST_PIVOT != 0;
    if last & REDONE != 0 {
        carried.redone = get_list(r, "scopes begun anew", get_position)?;
        if carried.redone.is_empty() {
            return Err(WireError::Malformed { field: "scopes begun anew", expected: "one at least" });
        }
    }
    Ok(carried)
}
