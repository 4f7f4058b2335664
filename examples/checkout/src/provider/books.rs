//! The provider's rules, without a file or a socket: what was asked, and what
//! is answered. [`Books`] are exactly what the ledger's lines add up to.

use std::collections::HashMap;

use super::{BUSY_ASKS, Done, Entry, Manner, Operation, Refusal, Request, Verdict, manner};

/// Everything the provider knows.
#[derive(Debug, Default)]
pub struct Books {
    /// Final answers by idempotency key.
    answers: HashMap<String, Entry>,
    accounts: HashMap<String, Account>,
    busy: HashMap<(String, Operation), u32>,
    entries: u64,
}

/// One order, as the provider sees it.
#[derive(Debug, Default, Clone, Copy)]
struct Account {
    /// Charged and not given back.
    owed_cents: u64,
    released: bool,
    voided: bool,
    cancelled: bool,
}

/// What to do about a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// The key was seen before: this was the answer.
    Known(Verdict),
    /// A new answer, to be written down before it is given.
    New(Entry),
    /// The key was seen before with another request.
    KeyReused,
}

impl Books {
    /// What a request is answered with. Changes nothing: see [`Books::enter`].
    #[must_use]
    pub fn decide(&self, operation: Operation, key: &str, request: &Request) -> Decision {
        if let Some(known) = self.answers.get(key) {
            let same = known.operation == operation && known.order == request.order;
            return if same { Decision::Known(known.verdict.clone()) } else { Decision::KeyReused };
        }
        Decision::New(Entry {
            order: request.order.clone(),
            operation,
            verdict: self.judge(operation, request),
            key: key.to_owned(),
        })
    }

    fn judge(&self, operation: Operation, request: &Request) -> Verdict {
        let manner = manner(operation, &request.order);
        let asked = self.busy.get(&(request.order.clone(), operation)).copied().unwrap_or_default();
        if manner == Manner::Busy && asked < BUSY_ASKS {
            return Verdict::Busy;
        }
        let account = self.accounts.get(&request.order).copied().unwrap_or_default();
        let declines = manner == Manner::Declines;
        match operation {
            Operation::Reserve if account.released => declined("the reservation was released"),
            Operation::Reserve if declines => declined("out of stock"),
            Operation::Charge if account.voided => declined("the order is void"),
            Operation::Charge if declines => declined("card declined"),
            Operation::Ship if account.cancelled => declined("the shipment was cancelled"),
            Operation::Ship if declines => declined("no courier goes there"),
            Operation::Refund if account.owed_cents < request.amount_cents => declined("nothing to refund"),
            Operation::Charge | Operation::Refund => self.done(operation, request.amount_cents),
            Operation::Void => self.done(operation, account.owed_cents),
            Operation::Reserve | Operation::Release | Operation::Ship | Operation::CancelShipment => {
                self.done(operation, 0)
            }
        }
    }

    fn done(&self, operation: Operation, amount_cents: u64) -> Verdict {
        Verdict::Done(Done { reference: format!("{operation}-{}", self.entries + 1), amount_cents })
    }

    /// Enters an answer that stands in the ledger.
    pub fn enter(&mut self, entry: &Entry) {
        self.entries += 1;
        let done = match &entry.verdict {
            Verdict::Busy => {
                *self.busy.entry((entry.order.clone(), entry.operation)).or_default() += 1;
                return;
            }
            Verdict::Again => return,
            Verdict::Declined(_) => None,
            Verdict::Done(done) => Some(done),
        };
        self.answers.insert(entry.key.clone(), entry.clone());
        let Some(done) = done else { return };
        let account = self.accounts.entry(entry.order.clone()).or_default();
        match entry.operation {
            Operation::Charge => account.owed_cents += done.amount_cents,
            Operation::Refund => account.owed_cents -= done.amount_cents.min(account.owed_cents),
            Operation::Void => {
                account.owed_cents -= done.amount_cents.min(account.owed_cents);
                account.voided = true;
            }
            Operation::Release => account.released = true,
            Operation::CancelShipment => account.cancelled = true,
            Operation::Reserve | Operation::Ship => {}
        }
    }
}

fn declined(reason: &str) -> Verdict {
    Verdict::Declined(Refusal { reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An order whose charge and void are answered in these manners.
    fn an_order(charge: Manner, void: Manner) -> String {
        let mut ids = (0..).map(|n| format!("order-{n}"));
        ids.find(|id| manner(Operation::Charge, id) == charge && manner(Operation::Void, id) == void).unwrap()
    }

    fn ask(books: &mut Books, operation: Operation, key: &str, order: &str) -> Verdict {
        let request = Request::about(order).amount(500);
        match books.decide(operation, key, &request) {
            Decision::Known(verdict) => verdict,
            Decision::New(entry) => {
                books.enter(&entry);
                entry.verdict
            }
            Decision::KeyReused => panic!("key `{key}` reused"),
        }
    }

    fn cents(verdict: &Verdict) -> u64 {
        let Verdict::Done(done) = verdict else { panic!("not done: {verdict:?}") };
        done.amount_cents
    }

    #[test]
    fn a_key_seen_before_gets_the_recorded_answer_and_does_nothing() {
        let (mut books, order) = (Books::default(), an_order(Manner::Prompt, Manner::Prompt));
        let first = ask(&mut books, Operation::Charge, "k", &order);
        assert_eq!(ask(&mut books, Operation::Charge, "k", &order), first);
        assert_eq!(cents(&ask(&mut books, Operation::Void, "v", &order)), 500, "charged once");
    }

    #[test]
    fn a_key_with_another_request_is_refused() {
        let (mut books, order) = (Books::default(), an_order(Manner::Prompt, Manner::Prompt));
        ask(&mut books, Operation::Charge, "k", &order);
        assert_eq!(books.decide(Operation::Ship, "k", &Request::about(&order)), Decision::KeyReused);
    }

    #[test]
    fn another_key_charges_again() {
        let (mut books, order) = (Books::default(), an_order(Manner::Prompt, Manner::Prompt));
        ask(&mut books, Operation::Charge, "k1", &order);
        ask(&mut books, Operation::Charge, "k2", &order);
        assert_eq!(cents(&ask(&mut books, Operation::Void, "v", &order)), 1000);
    }

    #[test]
    fn a_busy_answer_is_not_kept_under_the_key() {
        let (mut books, order) = (Books::default(), an_order(Manner::Busy, Manner::Prompt));
        for _ in 0..BUSY_ASKS {
            assert_eq!(ask(&mut books, Operation::Charge, "k", &order), Verdict::Busy);
        }
        assert_eq!(cents(&ask(&mut books, Operation::Charge, "k", &order)), 500);
    }

    #[test]
    fn a_void_bars_a_charge_that_comes_later() {
        let (mut books, order) = (Books::default(), an_order(Manner::Prompt, Manner::Prompt));
        assert_eq!(cents(&ask(&mut books, Operation::Void, "v", &order)), 0);
        assert_eq!(ask(&mut books, Operation::Charge, "k", &order), declined("the order is void"));
    }

    #[test]
    fn a_second_refund_finds_nothing() {
        let mut ids = (0..).map(|n| format!("order-{n}"));
        let order = ids.find(|id| manner(Operation::Refund, id) == Manner::Prompt).unwrap();
        let mut books = Books::default();
        while ask(&mut books, Operation::Charge, "k", &order) == Verdict::Busy {}
        assert_eq!(cents(&ask(&mut books, Operation::Refund, "r1", &order)), 500);
        assert_eq!(ask(&mut books, Operation::Refund, "r2", &order), declined("nothing to refund"));
    }
}
