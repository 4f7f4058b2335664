//! What must hold whatever was killed when: a pure function of the orders, the
//! provider's ledger, and what the program says of each order at the end.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use checkout::batch::Ending;
use checkout::orders::Order;
use checkout::provider::{Entry, Operation, Verdict, completes};

/// How each order ended, by id, as the program says.
pub(crate) type Report = BTreeMap<String, Ending>;

/// Every violation, each with its order and that order's ledger lines. Empty is good.
pub(crate) fn judge(orders: &[Order], ledger: &[Entry], report: &Report) -> Vec<String> {
    let mut by_order: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in ledger {
        by_order.entry(&entry.order).or_default().push(entry);
    }
    let mut violations = Vec::new();
    for order in orders {
        let entries = by_order.remove(order.id.as_str()).unwrap_or_default();
        for rule in violated(order, &Account::of(&entries), report.get(&order.id)) {
            violations.push(told(&order.id, &rule, &entries));
        }
    }
    for (order, entries) in by_order {
        violations.push(told(order, "nobody ordered this", &entries));
    }
    violations
}

fn told(order: &str, rule: &str, entries: &[&Entry]) -> String {
    let lines = entries.iter().map(|entry| format!("\n    {}", serde_json::to_string(entry).unwrap()));
    format!("order `{order}`: {rule}{}", lines.collect::<String>())
}

/// What the ledger says of one order. Only what was done counts, but for the
/// order in which things were asked for.
#[derive(Debug, Default)]
struct Account {
    reserved: usize,
    charges: Vec<u64>,
    shipped: usize,
    released: usize,
    cancelled: usize,
    /// Refunds and voids.
    given_back: Vec<u64>,
    /// What was asked for, and what had been asked for before that comes after it.
    turned_back: Option<(Operation, Operation)>,
}

impl Account {
    fn of(entries: &[&Entry]) -> Account {
        let mut account = Account::default();
        let mut furthest = Operation::Reserve;
        for entry in entries {
            if place(entry.operation) < place(furthest) {
                account.turned_back = Some((entry.operation, furthest));
            } else {
                furthest = entry.operation;
            }
            let Verdict::Done(done) = &entry.verdict else { continue };
            match entry.operation {
                Operation::Reserve => account.reserved += 1,
                Operation::Charge => account.charges.push(done.amount_cents),
                Operation::Ship => account.shipped += 1,
                Operation::Release => account.released += 1,
                Operation::CancelShipment => account.cancelled += 1,
                Operation::Refund | Operation::Void => account.given_back.push(done.amount_cents),
            }
        }
        account
    }
}

/// Where a request stands in the life of an order. The saga goes through these
/// places forwards only, rollback included: to ask for something once more after
/// a later place has been reached is to have forgotten that it was done.
fn place(operation: Operation) -> u8 {
    match operation {
        Operation::Reserve => 0,
        Operation::Charge => 1,
        Operation::Ship => 2,
        Operation::CancelShipment => 3,
        Operation::Refund | Operation::Void => 4,
        Operation::Release => 5,
    }
}

/// The rules that one order breaks.
fn violated(order: &Order, account: &Account, ending: Option<&Ending>) -> Vec<String> {
    let mut broken = Vec::new();
    if let Some((operation, before)) = account.turned_back {
        broken.push(format!("asked for `{operation}` after `{before}`: a fact was lost"));
    }
    if order.amount_cents == 0 && !account.charges.is_empty() {
        broken.push("free, and charged".to_owned());
    }
    let ended = match ending {
        None => Some("was lost: the program does not report it".to_owned()),
        Some(Ending::Held(why)) => Some(format!("has not ended: {why}")),
        Some(Ending::Completed(_)) => {
            broken.extend(of_a_completed(order, account));
            (!completes(&order.id, order.amount_cents)).then(|| "completed, and cannot have".to_owned())
        }
        Some(Ending::Compensated(why)) => {
            broken.extend(of_a_failed(account));
            completes(&order.id, order.amount_cents).then(|| format!("failed, with no reason to: {why}"))
        }
    };
    broken.extend(ended);
    broken
}

fn of_a_completed(order: &Order, account: &Account) -> Vec<String> {
    let due: &[u64] = if order.amount_cents == 0 { &[] } else { &[order.amount_cents] };
    let mut broken = Vec::new();
    if account.charges != due {
        broken.push(format!("completed with the charges {:?} instead of {due:?}", account.charges));
    }
    if account.reserved != 1 {
        broken.push(format!("completed and reserved {} times", account.reserved));
    }
    if account.shipped != 1 {
        broken.push(format!("completed and shipped {} times", account.shipped));
    }
    if account.released + account.cancelled + account.given_back.len() > 0 {
        broken.push("completed, and something of it was undone".to_owned());
    }
    broken
}

fn of_a_failed(account: &Account) -> Vec<String> {
    let (charged, back): (u64, u64) = (account.charges.iter().sum(), account.given_back.iter().sum());
    let mut broken = Vec::new();
    if charged != back {
        broken.push(format!("failed with {charged} cents charged and {back} given back"));
    }
    if account.charges.len() > 1 {
        broken.push(format!("failed and charged {} times", account.charges.len()));
    }
    if account.reserved > 0 && account.released == 0 {
        broken.push("failed with its reservation still held".to_owned());
    }
    if account.shipped > 0 && account.cancelled == 0 {
        broken.push("failed, and shipped".to_owned());
    }
    broken
}
