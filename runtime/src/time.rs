//! Moments of the wall clock (floor 0).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment of the wall clock: nanoseconds since 1970-01-01 UTC. Good until the year 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// This moment plus `d`; stops at the end of the range.
    pub(crate) fn after(self, d: Duration) -> Timestamp {
        let nanos = i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(nanos))
    }

    /// This moment less `d`; stops at the end of the range.
    pub(crate) fn before(self, d: Duration) -> Timestamp {
        let nanos = i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_sub(nanos))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub(crate) fn since(self, earlier: Timestamp) -> Duration {
        let nanos = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

impl Timestamp {
    /// RFC 3339 in UTC, to the nanosecond: `2026-11-21T09:30:00.000000001Z`.
    pub(crate) fn to_rfc3339(self) -> String {
        // Every moment that 64 bits of nanoseconds reach lies in the years that are known there.
        jiff::Timestamp::from_nanosecond(self.0.into()).map_or_else(|_| self.to_string(), |at| format!("{at:.9}"))
    }

    /// The moment of a text of RFC 3339; `None` when it is none, or one that nanoseconds in 64 bits do not reach.
    pub(crate) fn from_rfc3339(text: &str) -> Option<Timestamp> {
        let at: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(at.as_nanosecond()).ok().map(Timestamp)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Timestamp {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp(0).after(after),
            Err(before) => {
                let nanos = i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX);
                Timestamp(0i64.saturating_sub(nanos))
            }
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> SystemTime {
        let distance = Duration::from_nanos(time.0.unsigned_abs());
        if time.0 >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }
}

impl fmt::Display for Timestamp {
    /// Seconds since 1970-01-01 UTC, to the millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000) / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_to_the_nanosecond() {
        assert_eq!(Timestamp(1).to_rfc3339(), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(Timestamp(1_000_000_000_000_000_000).to_rfc3339(), "2001-09-09T01:46:40.000000000Z");
        assert_eq!(Timestamp(-1).to_rfc3339(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::from_rfc3339("2001-09-09T03:46:40+02:00"), Some(Timestamp(1_000_000_000_000_000_000)));
        for text in
            ["", "yesterday", "2001-09-09", "2001-09-09T01:46:40", "2001-02-30T00:00:00Z", "9999-01-01T00:00:00Z"]
        {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_comes_back_from_its_text(nanos: i64) {
            for at in [Timestamp(nanos), Timestamp(i64::MIN), Timestamp(i64::MAX)] {
                prop_assert_eq!(Timestamp::from_rfc3339(&at.to_rfc3339()), Some(at));
            }
        }
    }
}
