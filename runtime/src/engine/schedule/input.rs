//! A schedule's arguments, as they are recorded.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Cron;
use crate::codec::{DecodeError, EncodeError, MAX_PAYLOAD, Payload};
use crate::engine::Error;
use crate::id::RunId;
use crate::record::Name;
use crate::time::Timestamp;

/// A moment that is further back than this is a missed one.
const LATE: Duration = Duration::from_secs(60);

/// What becomes of the moments of a schedule that came while no engine ran, or while the schedule was paused: those
/// that are more than a minute late. [`Engine::schedule`](crate::Engine::schedule).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missed {
    /// Nothing is started for them.
    Skip,
    /// One run is started for all of them, under the id of the latest that is due.
    #[default]
    Once,
    /// One run is started for each, the oldest first.
    All,
}

/// What a schedule starts, and when.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    /// The schedule's own id.
    pub(crate) id: RunId,
    pub(crate) cron: String,
    pub(crate) missed: Missed,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) input: Payload,
    pub(crate) key: Option<String>,
    /// Everything up to here is done with; none before the first turn.
    pub(crate) after: Option<Timestamp>,
}

/// As it is written. Kept as it is: it is on disk.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    id: String,
    cron: String,
    missed: Missed,
    workflow: String,
    version: u32,
    key: Option<String>,
    after: Option<String>,
    #[serde(borrow)]
    input: &'a RawValue,
}

impl Scheduled {
    /// # Errors
    /// [`Error::NoSchedule`] when the expression is none.
    pub(crate) fn cron(&self) -> Result<Cron, Error> {
        Cron::parse(&self.cron).map_err(|reason| Error::NoSchedule { expression: self.cron.clone(), reason })
    }

    /// # Errors
    /// When the input cannot be read, or is too long.
    pub(super) fn encode(&self) -> Result<Payload, EncodeError> {
        let input = self.input.bytes().map_err(|error| EncodeError::no_value(error.to_string()))?;
        let unwritable = |error: serde_json::Error| EncodeError::no_value(error.to_string());
        let written = Written {
            id: self.id.as_str().to_owned(),
            cron: self.cron.clone(),
            missed: self.missed,
            workflow: self.workflow.to_string(),
            version: self.version,
            key: self.key.clone(),
            after: self.after.map(Timestamp::to_rfc3339),
            input: serde_json::from_slice(input).map_err(unwritable)?,
        };
        let json = serde_json::to_vec(&written).map_err(unwritable)?;
        if json.len() > MAX_PAYLOAD {
            let reason = format!("its JSON has {} bytes, more than the limit of {MAX_PAYLOAD}", json.len());
            return Err(EncodeError::no_value(reason));
        }
        Ok(Payload::from_bytes(&json).with_blobs(self.input.blobs().to_vec()))
    }

    /// # Errors
    /// When these are not the arguments of a schedule.
    pub(crate) fn decode(payload: &Payload) -> Result<Scheduled, DecodeError> {
        let wrong = |reason: String| DecodeError::new("schedule", reason);
        let json = payload.bytes().map_err(|error| wrong(error.to_string()))?;
        let written: Written<'_> = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        let after = match written.after {
            None => None,
            Some(text) => Some(Timestamp::from_rfc3339(&text).ok_or_else(|| wrong(format!("`{text}` is no moment")))?),
        };
        Ok(Scheduled {
            id: RunId::from(written.id),
            cron: written.cron,
            missed: written.missed,
            workflow: written.workflow.into(),
            version: written.version,
            input: Payload::from_bytes(written.input.get().as_bytes()).with_blobs(payload.blobs().to_vec()),
            key: written.key,
            after,
        })
    }

    /// What is started for a moment that has come, and up to where everything is done with then.
    pub(super) fn due(&self, cron: &Cron, tick: Timestamp, now: Timestamp) -> (Option<Timestamp>, Timestamp) {
        if now.since(tick) <= LATE {
            return (Some(tick), tick);
        }
        match self.missed {
            Missed::All => (Some(tick), tick),
            Missed::Once => {
                let latest = cron.last(now).map_or(tick, |latest| latest.max(tick));
                (Some(latest), latest)
            }
            // What is not late is behind this.
            Missed::Skip => (None, now.before(LATE + Duration::from_nanos(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduled(missed: Missed) -> Scheduled {
        Scheduled {
            id: RunId::from("s"),
            cron: "0 * * * *".to_owned(),
            missed,
            workflow: "w".into(),
            version: 2,
            input: Payload::from_bytes(br#"[1.50,{"b":"\"x\"","a":null}]"#),
            key: Some("k".to_owned()),
            after: Timestamp::from_rfc3339("2026-11-21T03:00:00.000000001Z"),
        }
    }

    #[test]
    fn what_is_written_is_kept_and_read_back_as_it_was() {
        let json = scheduled(Missed::Once).encode().unwrap();
        assert_eq!(
            json.to_text(),
            concat!(
                r#"{"id":"s","cron":"0 * * * *","missed":"once","workflow":"w","version":2,"key":"k","#,
                r#""after":"2026-11-21T03:00:00.000000001Z","input":[1.50,{"b":"\"x\"","a":null}]}"#
            )
        );
        let read = Scheduled::decode(&json).unwrap();
        assert_eq!(read.encode().unwrap(), json);
        assert_eq!((read.input, read.after), (scheduled(Missed::Once).input, scheduled(Missed::Once).after));
        for wrong in ["", "[]", r#"{"id":"s"}"#] {
            assert!(Scheduled::decode(&Payload::from_bytes(wrong.as_bytes())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_due_depends_on_how_late_it_is_and_on_what_becomes_of_missed_moments() {
        let at = |text: &str| Timestamp::from_rfc3339(&format!("2026-11-21T{text}Z")).unwrap();
        let skipped = Timestamp(at("05:29:00").0 - 1);
        for (missed, now, start, after) in [
            (Missed::Skip, "03:01:00", Some(at("03:00:00")), at("03:00:00")),
            (Missed::Skip, "05:30:00", None, skipped),
            (Missed::Once, "03:01:00", Some(at("03:00:00")), at("03:00:00")),
            (Missed::Once, "03:02:00", Some(at("03:00:00")), at("03:00:00")),
            (Missed::Once, "05:30:00", Some(at("05:00:00")), at("05:00:00")),
            (Missed::Once, "05:00:00", Some(at("05:00:00")), at("05:00:00")),
            (Missed::All, "05:30:00", Some(at("03:00:00")), at("03:00:00")),
            // The clock was set back while it waited.
            (Missed::Skip, "02:30:00", Some(at("03:00:00")), at("03:00:00")),
        ] {
            let scheduled = scheduled(missed);
            let due = scheduled.due(&scheduled.cron().unwrap(), at("03:00:00"), at(now));
            assert_eq!(due, (start, after), "{missed:?} at {now}");
        }
    }
}
