//! How the bench judges: medians, ratios, and what counts as reached.
#![allow(dead_code, reason = "what only the bench itself needs")]

#[path = "../../runtime/benches/durable/args.rs"]
mod args;
#[path = "../../runtime/benches/durable/report.rs"]
mod report;

use args::Args;
use report::Target::{AtLeast, AtMost};
use report::{Report, Sample, Spec, figure, median};

const FAST: Spec = Spec { key: "fast", name: "fast", unit: "/s", against: "bare", target: AtLeast(0.4) };
const SMALL: Spec = Spec { key: "small", name: "small", unit: "MiB", against: "", target: AtMost(256.0) };

fn parse(words: &[&str]) -> Result<Args, String> {
    Args::parse(words.iter().map(|word| (*word).to_owned()))
}

#[test]
fn the_median_is_the_middle_one_in_whatever_order() {
    assert_eq!(median([]), None);
    assert_eq!(median([7.0]), Some(7.0));
    assert_eq!(median([9.0, 1.0, 5.0]), Some(5.0));
    assert_eq!(median([4.0, 1.0, 2.0, 100.0]), Some(3.0));
}

#[test]
fn a_ratio_is_of_one_round() {
    let mut report = Report::new([FAST]);
    // The machine was ten times faster in the second round: the medians of both columns would give 0.1.
    for (measured, baseline) in [(10.0, 20.0), (100.0, 200.0), (10.0, 100.0)] {
        report.add("fast", Sample::against(measured, baseline), String::new());
    }
    assert_eq!(report.rows[0].judged(), Some(0.5));
    assert!(report.passes());
}

#[test]
fn a_target_that_is_just_reached_is_reached() {
    assert!(AtLeast(0.4).is_met(0.4) && !AtLeast(0.4).is_met(0.399));
    assert!(AtMost(0.4).is_met(0.4) && !AtMost(0.4).is_met(0.401));
    assert!(!AtLeast(0.4).is_met(f64::NAN) && !AtMost(0.4).is_met(f64::NAN));
}

#[test]
fn a_row_that_falls_short_fails_alone() {
    let mut report = Report::new([FAST, SMALL]);
    report.add("fast", Sample::against(3.0, 10.0), String::new());
    report.add("small", Sample::alone(200.0), String::new());
    assert!(!report.rows[0].passes() && report.rows[1].passes() && !report.passes());
    assert!(report.table().contains("FAIL") && report.table().contains("pass"));
}

#[test]
fn a_row_that_was_not_measured_fails() {
    let mut report = Report::new([FAST, SMALL]);
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    assert!(!report.passes(), "nothing was measured of the second");
    report.fail("small", 0, "no disk");
    assert!(!report.passes());
    assert!(report.table().contains("small: not measured: no disk"), "{}", report.table());
}

#[test]
fn a_round_that_was_not_measured_fails_its_row_and_not_what_was_measured_before_it() {
    let mut report = Report::new([FAST, SMALL]);
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    report.add("small", Sample::alone(200.0), String::new());
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    report.fail("fast", 1, "it broke");
    report.fail("small", 1, "it broke");
    assert!(report.rows[0].passes() && !report.rows[1].passes());
}

#[test]
fn a_line_of_json_is_one_round_of_one_row_that_was_asked_for() {
    let mut report = Report::new([FAST]);
    assert_eq!(report.add("small", Sample::alone(1.0), String::new()), None);
    let line = report.add("fast", Sample::against(1.0, 4.0), "of two".to_owned()).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["row"], &line["round"]), (&"fast".into(), &1.into()));
    assert_eq!((&line["judged"], &line["pass"]), (&0.25.into(), &false.into()));
}

#[test]
fn a_row_with_fewer_rounds_than_were_planned_fails() {
    let mut report = Report::new([FAST, SMALL]);
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    report.add("small", Sample::alone(200.0), String::new());
    report.add("small", Sample::alone(200.0), String::new());
    assert!(report.passes() && report.is_complete());
    report.settle("fast", 2);
    report.settle("small", 2);
    assert!(!report.rows[0].passes() && report.rows[1].passes() && !report.is_complete());
    assert!(report.table().contains("fast: not measured: 1 of 2 rounds"), "{}", report.table());
}

#[test]
fn a_row_that_falls_short_was_measured_all_the_same() {
    let mut report = Report::new([FAST]);
    assert!(!report.is_complete());
    report.add("fast", Sample::against(1.0, 10.0), String::new());
    report.settle("fast", 1);
    assert!(report.is_complete() && !report.passes() && report.failures().is_empty());
}

#[test]
fn a_row_that_was_not_measured_has_a_line_of_json() {
    let mut report = Report::new([FAST, SMALL]);
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    report.fail("fast", 1, "no disk");
    let lines = report.failures().into_iter().map(|line| serde_json::from_str(&line));
    let lines: Vec<serde_json::Value> = lines.collect::<Result<_, _>>().unwrap();
    let told: Vec<_> = lines.iter().map(|line| (&line["row"], &line["not_measured"], &line["pass"])).collect();
    assert_eq!(
        told,
        [(&"fast".into(), &"no disk".into(), &false.into()), (&"small".into(), &"no sample".into(), &false.into())]
    );
}

#[test]
fn a_ratio_to_nothing_is_no_measurement() {
    let mut report = Report::new([FAST]);
    assert_eq!(report.add("fast", Sample::against(1.0, 0.0), String::new()), None);
    report.add("fast", Sample::against(9.0, 10.0), String::new());
    assert!(!report.is_complete());
}

#[test]
fn numbers_have_the_digits_that_count() {
    let numbers = [0.0, 0.0123, 0.4, 1.25, 17.0, 99.96, 368_427.4, 1e6, -1234.5];
    let texts = ["0", "0.0123", "0.4", "1.25", "17", "100", "368,427", "1,000,000", "-1,234"];
    assert_eq!(numbers.map(figure), texts);
}

#[test]
fn arguments_that_are_not_known_are_refused_by_name() {
    let args = parse(&["--bench", "--quick", "--only", "steps", "--rounds", "3"]).unwrap();
    assert!(args.quick && args.rounds == Some(3) && args.wants("steps-64", "") && !args.wants("list", "a page"));
    for wrong in [&["--fast"][..], &["--rounds", "0"], &["--rounds", "x"], &["--only"], &["--json", "--markdown"]] {
        let error = parse(wrong).unwrap_err();
        assert!(error.contains(wrong[wrong.len() - 1].trim_start_matches('-')), "{error}");
    }
}
