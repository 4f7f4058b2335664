//! Cron expressions, in UTC.

use std::str::FromStr;

use croner::errors::CronError;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::time::Timestamp;

/// When something is to happen: minute, hour, day of month, month, day of week; before them seconds, and behind them
/// years, if there are six or seven.
#[derive(Debug, Clone)]
pub(crate) struct Cron(croner::Cron);

impl Cron {
    /// # Errors
    /// What is wrong with the expression.
    pub(crate) fn parse(expression: &str) -> Result<Cron, String> {
        let reason = match croner::Cron::from_str(expression) {
            Ok(cron) => return Ok(Cron(cron)),
            Err(CronError::EmptyPattern) => return Err("it is empty".to_owned()),
            Err(
                CronError::InvalidPattern(reason)
                | CronError::IllegalCharacters(reason)
                | CronError::ComponentError(reason),
            ) => reason,
            Err(other) => other.to_string(),
        };
        // As messages are written here.
        let mut letters = reason.trim_end_matches('.').chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        Err(first.into_iter().chain(letters).collect())
    }

    /// The first moment behind this one.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        moment(self.0.find_next_occurrence(&civil(after)?, false).ok()?)
    }

    /// The last moment that is not behind this one.
    pub(super) fn last(&self, until: Timestamp) -> Option<Timestamp> {
        moment(self.0.find_previous_occurrence(&civil(until)?, true).ok()?)
    }
}

fn civil(at: Timestamp) -> Option<DateTime> {
    Some(Offset::UTC.to_datetime(jiff::Timestamp::from_nanosecond(at.0.into()).ok()?))
}

fn moment(at: DateTime) -> Option<Timestamp> {
    let at = Offset::UTC.to_timestamp(at).ok()?;
    i64::try_from(at.as_nanosecond()).ok().map(Timestamp)
}

/// A moment to the second: `2026-11-21T03:00:00Z`.
pub(super) fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(at.0.into()).map_or_else(|_| at.to_string(), |at| format!("{at:.0}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    fn nexts(expression: &str, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression).unwrap();
        let mut moment = at(after);
        (0..count)
            .map(|_| {
                moment = cron.next(moment).unwrap();
                text(moment)
            })
            .collect()
    }

    #[test]
    fn moments_come_as_the_expression_says() {
        assert_eq!(nexts("0 3 * * *", "2026-11-21T03:00:00Z", 2), ["2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"]);
        assert_eq!(
            nexts("*/20 9 * * MON", "2026-11-21T03:00:00.5Z", 4),
            ["2026-11-23T09:00:00Z", "2026-11-23T09:20:00Z", "2026-11-23T09:40:00Z", "2026-11-30T09:00:00Z"]
        );
        assert_eq!(nexts("0 0 29 2 *", "2026-11-21T03:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
        assert_eq!(nexts("*/30 * * * * *", "2026-11-21T03:00:00Z", 1), ["2026-11-21T03:00:30Z"]);
        assert_eq!(nexts("@daily", "2026-11-21T03:00:00Z", 1), ["2026-11-22T00:00:00Z"]);
    }

    #[test]
    fn the_last_moment_may_be_now() {
        let cron = Cron::parse("0 * * * *").unwrap();
        for (until, last) in [
            ("2026-11-21T03:00:00Z", "2026-11-21T03:00:00Z"),
            ("2026-11-21T03:00:00.7Z", "2026-11-21T03:00:00Z"),
            ("2026-11-21T02:59:59.9Z", "2026-11-21T02:00:00Z"),
        ] {
            assert_eq!(cron.last(at(until)).map(text).as_deref(), Some(last), "{until}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told_and_what_never_comes_never_comes() {
        for (expression, reason) in [
            ("", "it is empty"),
            ("0 3 * *", "pattern must have between 5 and 7 fields"),
            ("61 * * * *", "number out of bounds"),
        ] {
            assert_eq!(Cron::parse(expression).unwrap_err(), reason);
        }
        assert_eq!(Cron::parse("0 0 30 2 *").unwrap().next(at("2026-11-21T03:00:00Z")), None);
        assert_eq!(Cron::parse("0 0 0 1 1 * 2020").unwrap().next(at("2026-11-21T03:00:00Z")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}", fields in prop::collection::vec("[0-9*,/LW#+?A-Z@-]{1,6}", 1..8)) {
            let _whatever = Cron::parse(&text);
            let _whatever = Cron::parse(&fields.join(" "));
        }
    }
}
