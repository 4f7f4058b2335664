//! Durations as people write them: `"100ms"`, `"1m 30s"`, `"3 days"`.

use std::time::Duration;

const UNITS: [(&[&str], u128); 7] = [
    (&["ns"], 1),
    (&["us"], 1_000),
    (&["ms"], 1_000_000),
    (&["s", "sec"], 1_000_000_000),
    (&["m", "min"], 60_000_000_000),
    (&["h", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
];

/// The duration that `text` says, or what is wrong with it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let understood = "write whole numbers with their units, such as \"100ms\", \"30s\", \"1m 30s\", \"2h\", \"3 days\"; \
                      the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`";
    let bad = |what: &str| format!("{what}; {understood}");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad("this duration is empty"));
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(bad(&format!("`{text}` is not a duration")));
        }
        let Ok(number) = number.parse::<u128>() else {
            return Err(format!("`{text}` is too long a duration"));
        };
        if unit.is_empty() {
            return Err(bad(&format!("`{text}` lacks a unit")));
        }
        let Some((_, size)) = UNITS.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(bad(&format!("`{unit}` is not a unit of time")));
        };
        nanos = number.checked_mul(*size).and_then(|n| nanos.checked_add(n)).unwrap_or(u128::MAX);
        rest = tail.trim_start();
    }
    if nanos == 0 {
        return Err(format!("`{text}` is no time at all; a duration here must be longer than zero"));
    }
    // What the engine adds to a wall clock must not leave the range of one.
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    if seconds > u64::from(u32::MAX) {
        return Err(format!("`{text}` is too long a duration; the longest is about 49710 days"));
    }
    Ok(Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for (text, wanted) in [
            ("100ms", Duration::from_millis(100)),
            ("30s", Duration::from_secs(30)),
            ("1m", Duration::from_secs(60)),
            ("1m 30s", Duration::from_secs(90)),
            ("1m30s", Duration::from_secs(90)),
            ("2h", Duration::from_secs(7_200)),
            ("3 days", Duration::from_secs(259_200)),
            ("1 hour", Duration::from_secs(3_600)),
            ("7ns", Duration::from_nanos(7)),
            ("5us", Duration::from_micros(5)),
            ("2 min", Duration::from_secs(120)),
            ("1 sec", Duration::from_secs(1)),
        ] {
            assert_eq!(duration(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        for (text, wanted) in [
            ("", "empty"),
            ("30", "lacks a unit"),
            ("s", "is not a duration"),
            ("30 parsecs", "`parsecs` is not a unit"),
            ("1.5s", "lacks a unit"),
            ("-1s", "is not a duration"),
            ("0s", "no time at all"),
            ("0h 0ms", "no time at all"),
            ("99999999999d", "too long"),
            ("999999999999999999999999999999999999999999999s", "too long"),
        ] {
            let message = duration(text).err().unwrap_or_default();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
