//! What was measured, what it is held against, and how that is told. Pure: knows nothing of engines, and is tested by
//! `tests/tests/bench.rs`.
//!
//! A row is judged by the median of its rounds, all of those that were planned. A row without a measurement has not
//! passed.

use std::fmt::Write;

/// What a row has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Target::AtLeast(least) => format!("≥ {}", figure(least)),
            Target::AtMost(most) => format!("≤ {}", figure(most)),
        }
    }
}

/// What a row is: fixed before anything is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// What the measurements of the row are filed under.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// What the measured number is divided by; empty if it is judged as it is.
    pub(crate) against: &'static str,
    pub(crate) target: Target,
}

/// What one round measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) measured: f64,
    pub(crate) baseline: Option<f64>,
}

impl Sample {
    /// A number that is judged as it is.
    pub(crate) fn alone(measured: f64) -> Sample {
        Sample { measured, baseline: None }
    }

    /// A number that is judged by its ratio to another of the same round.
    pub(crate) fn against(measured: f64, baseline: f64) -> Sample {
        Sample { measured, baseline: Some(baseline) }
    }

    /// What the target is compared with.
    pub(crate) fn judged(&self) -> f64 {
        self.baseline.map_or(self.measured, |baseline| self.measured / baseline)
    }
}

/// The middle one, or the mean of the two in the middle; none of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => values.get(middle).copied(),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// One row, with what its rounds have measured.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) spec: Spec,
    samples: Vec<Sample>,
    /// Why a round of it could not be measured.
    failure: Option<String>,
    /// What a reader should know of the numbers: sizes, and what else was seen.
    note: String,
}

impl Row {
    /// What is judged: the median of the rounds. None if one of them could not be measured.
    pub(crate) fn judged(&self) -> Option<f64> {
        match self.failure {
            None => median(self.samples.iter().map(Sample::judged)),
            Some(_) => None,
        }
    }

    pub(crate) fn passes(&self) -> bool {
        self.judged().is_some_and(|value| self.spec.target.is_met(value))
    }

    fn range(&self) -> String {
        let judged = || self.samples.iter().map(Sample::judged);
        let (low, high) = (judged().reduce(f64::min), judged().reduce(f64::max));
        match (low, high) {
            (Some(low), Some(high)) if self.samples.len() > 1 => format!("{}–{}", figure(low), figure(high)),
            _ => String::new(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let number = |value: Option<f64>| value.map_or_else(String::new, figure);
        let baseline = median(self.samples.iter().filter_map(|sample| sample.baseline));
        let baseline = match baseline {
            Some(value) => format!("{} ({})", figure(value), self.spec.against),
            None => String::new(),
        };
        [
            self.spec.name.to_owned(),
            format!("{} {}", number(median(self.samples.iter().map(|sample| sample.measured))), self.spec.unit),
            baseline,
            number(self.judged()),
            self.range(),
            self.spec.target.text(),
            if self.passes() { "pass" } else { "FAIL" }.to_owned(),
        ]
    }
}

const HEAD: [&str; 7] = ["work", "measured", "against", "judged", "rounds", "target", ""];

/// All rows that were asked for, in the order in which they are printed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(specs: impl IntoIterator<Item = Spec>) -> Report {
        let row = |spec| Row { spec, samples: Vec::new(), failure: None, note: String::new() };
        Report { rows: specs.into_iter().map(row).collect() }
    }

    fn row(&mut self, key: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.spec.key == key)
    }

    /// Files what a round has measured; gives it as a line of JSON. Nothing of a row that was not asked for, and of
    /// numbers that nothing can be judged by: then the row has failed.
    pub(crate) fn add(&mut self, key: &str, sample: Sample, note: String) -> Option<String> {
        let row = self.row(key)?;
        if !sample.judged().is_finite() {
            let why = || format!("{} against {:?} tells nothing", sample.measured, sample.baseline);
            row.failure.get_or_insert_with(why);
            return None;
        }
        row.samples.push(sample);
        row.note = note;
        let spec = &row.spec;
        Some(
            serde_json::json!({
                "row": spec.key, "name": spec.name, "unit": spec.unit, "round": row.samples.len(),
                "measured": sample.measured, "baseline": sample.baseline, "against": spec.against,
                "judged": sample.judged(), "target": spec.target.text(),
                "pass": spec.target.is_met(sample.judged()), "note": row.note,
            })
            .to_string(),
        )
    }

    /// A round, counted from 0, has failed: nothing if it measured this row all the same.
    pub(crate) fn fail(&mut self, key: &str, round: usize, why: &str) {
        if let Some(row) = self.row(key)
            && row.samples.len() <= round
        {
            row.failure.get_or_insert_with(|| why.to_owned());
        }
    }

    /// All rounds are over, and so many were planned of this row: it has failed if it has fewer.
    pub(crate) fn settle(&mut self, key: &str, rounds: usize) {
        if let Some(row) = self.row(key)
            && row.samples.len() < rounds
        {
            let measured = row.samples.len();
            row.failure.get_or_insert_with(|| format!("{measured} of {rounds} rounds"));
        }
    }

    /// Whether each row was measured, however it came out.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.judged().is_some())
    }

    /// A line of JSON for each row that was not measured.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.rows.iter().filter(|row| row.judged().is_none());
        let line = failed.map(|row| {
            let why = row.failure.as_deref().unwrap_or("no sample");
            serde_json::json!({ "row": row.spec.key, "name": row.spec.name, "pass": false, "not_measured": why })
        });
        line.map(|line| line.to_string()).collect()
    }

    /// Whether each row was measured and reaches its target.
    pub(crate) fn passes(&self) -> bool {
        self.rows.iter().all(Row::passes)
    }

    fn cells(&self) -> Vec<[String; 7]> {
        std::iter::once(HEAD.map(str::to_owned)).chain(self.rows.iter().map(Row::cells)).collect()
    }

    /// A table for a terminal.
    pub(crate) fn table(&self) -> String {
        let cells = self.cells();
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let mut out = String::new();
        for row in &cells {
            let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            let _ = writeln!(out, "{}", line.join("  ").trim_end());
        }
        let _ = write!(out, "\n{}", self.remarks(""));
        out
    }

    /// The same as a table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for (i, row) in self.cells().iter().enumerate() {
            let _ = writeln!(out, "| {} |", row.join(" | "));
            if i == 0 {
                let _ = writeln!(out, "|{}", "---|".repeat(HEAD.len()));
            }
        }
        let _ = write!(out, "\n{}", self.remarks("* "));
        out
    }

    /// What is said of single rows: why they were not measured, and their notes.
    fn remarks(&self, bullet: &str) -> String {
        let mut out = String::new();
        for row in &self.rows {
            if let Some(why) = &row.failure {
                let _ = writeln!(out, "{bullet}{}: not measured: {why}", row.spec.name);
            } else if !row.note.is_empty() {
                let _ = writeln!(out, "{bullet}{}: {}", row.spec.name, row.note);
            }
        }
        out
    }
}

/// A number with about three digits that count, and thousands set apart.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        v if v >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        let left = whole.len() - i;
        if i > 0 && left % 3 == 0 && digit.is_ascii_digit() && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}
