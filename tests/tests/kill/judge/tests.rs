//! The judge can condemn: a ledger for each rule that breaks it.

use checkout::provider::{Done, Refusal};

use super::*;

/// An order that must end well, or one that must not.
fn order(good: bool, amount_cents: u64) -> Order {
    let id = (0..).map(|n| format!("order-{n}")).find(|id| completes(id, amount_cents) == good).unwrap();
    Order { id, customer: "c".into(), date: "1997-01-01".into(), quantity: 1, amount_cents }
}

/// The violations of a ledger in which these things were done for the order.
fn violations(order: &Order, done: &[(Operation, u64)], ending: Ending) -> Vec<String> {
    let entries: Vec<_> = done
        .iter()
        .map(|(operation, amount_cents)| Entry {
            order: order.id.clone(),
            operation: *operation,
            verdict: Verdict::Done(Done { reference: String::new(), amount_cents: *amount_cents }),
            key: String::new(),
        })
        .collect();
    judge(std::slice::from_ref(order), &entries, &BTreeMap::from([(order.id.clone(), ending)]))
}

fn assert_one(violations: &[String], rule: &str) {
    assert!(violations.len() == 1 && violations[0].contains(rule), "{rule}: {violations:#?}");
}

fn completed() -> Ending {
    Ending::Completed(String::new())
}

fn failed() -> Ending {
    Ending::Compensated(String::new())
}

use Operation::{CancelShipment, Charge, Refund, Release, Reserve, Ship, Void};

#[test]
fn good_ledgers_have_no_violations() {
    let none: Vec<String> = Vec::new();
    assert_eq!(violations(&order(true, 9), &[(Reserve, 0), (Charge, 9), (Ship, 0)], completed()), none);
    assert_eq!(violations(&order(true, 0), &[(Reserve, 0), (Ship, 0)], completed()), none);
    assert_eq!(violations(&order(false, 9), &[], failed()), none);
    let undone = [(Reserve, 0), (Charge, 9), (Refund, 9), (Release, 0)];
    assert_eq!(violations(&order(false, 9), &undone, failed()), none);
    let unknown = [(Reserve, 0), (Charge, 9), (Void, 9), (Release, 0)];
    assert_eq!(violations(&order(false, 9), &unknown, failed()), none);
}

#[test]
fn a_completed_order_is_charged_reserved_and_shipped_exactly_once() {
    let good = order(true, 9);
    let ended = |done: &[_]| violations(&good, done, completed());
    assert_one(&ended(&[(Reserve, 0), (Charge, 9), (Charge, 9), (Ship, 0)]), "charges [9, 9] instead of [9]");
    assert_one(&ended(&[(Reserve, 0), (Charge, 8), (Ship, 0)]), "charges [8] instead of [9]");
    assert_one(&ended(&[(Reserve, 0), (Ship, 0)]), "charges [] instead of [9]");
    assert_one(&ended(&[(Charge, 9), (Ship, 0)]), "reserved 0 times");
    assert_one(&ended(&[(Reserve, 0), (Charge, 9)]), "shipped 0 times");
    assert_one(&ended(&[(Reserve, 0), (Charge, 9), (Ship, 0), (Release, 0)]), "something of it was undone");
}

#[test]
fn a_failed_order_nets_to_zero_and_holds_nothing() {
    let bad = order(false, 9);
    let ended = |done: &[_]| violations(&bad, done, failed());
    assert_one(&ended(&[(Reserve, 0), (Charge, 9), (Release, 0)]), "9 cents charged and 0 given back");
    assert_one(&ended(&[(Charge, 9), (Charge, 9), (Void, 18)]), "charged 2 times");
    assert_one(&ended(&[(Reserve, 0)]), "reservation still held");
    assert_one(&ended(&[(Reserve, 0), (Ship, 0), (Release, 0)]), "failed, and shipped");
    assert!(ended(&[(Reserve, 0), (Ship, 0), (CancelShipment, 0), (Release, 0)]).is_empty());
}

#[test]
fn a_rollback_does_not_turn_forward() {
    let turned = [(Reserve, 0), (Charge, 9), (Refund, 9), (Ship, 0), (CancelShipment, 0), (Release, 0)];
    let said = violations(&order(false, 9), &turned, failed());
    assert!(said.iter().any(|said| said.contains("asked for `cancel-shipment` after `refund`")), "{said:#?}");
}

#[test]
fn a_step_is_not_asked_for_again_once_a_later_one_was() {
    let good = order(true, 9);
    let asked = [(Reserve, Verdict::Busy), (Ship, Verdict::Busy), (Charge, Verdict::Again)];
    let ledger =
        asked.map(|(operation, verdict)| Entry { order: good.id.clone(), operation, verdict, key: String::new() });
    let said = judge(std::slice::from_ref(&good), &ledger, &BTreeMap::new()).join("\n");
    assert!(said.contains("asked for `charge` after `ship`: a fact was lost"), "{said}");
}

#[test]
fn a_free_order_is_not_charged() {
    let said = violations(&order(true, 0), &[(Reserve, 0), (Charge, 0), (Ship, 0)], completed());
    assert!(said.iter().any(|said| said.contains("free, and charged")), "{said:#?}");
}

#[test]
fn an_order_ends_and_as_it_must() {
    let done = [(Reserve, 0), (Charge, 9), (Ship, 0)];
    assert_one(&violations(&order(false, 9), &done, completed()), "completed, and cannot have");
    assert_one(&violations(&order(true, 9), &[], failed()), "failed, with no reason to");
    assert_one(&violations(&order(true, 9), &[], Ending::Held("stuck".into())), "has not ended: stuck");
    let good = order(true, 9);
    assert_one(&judge(std::slice::from_ref(&good), &[], &BTreeMap::new()), "was lost");
}

#[test]
fn a_violation_names_the_order_and_its_ledger_lines() {
    let stranger = Entry {
        order: "x".into(),
        operation: Charge,
        verdict: Verdict::Declined(Refusal { reason: "no".into() }),
        key: "k".into(),
    };
    let line = r#"{"order":"x","operation":"charge","result":"declined","reason":"no","key":"k"}"#;
    assert_eq!(judge(&[], &[stranger], &BTreeMap::new()), [format!("order `x`: nobody ordered this\n    {line}")]);
}
