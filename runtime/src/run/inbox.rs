//! The signals of one run.

use std::collections::VecDeque;

use crate::codec::Payload;
use crate::record::{CarriedSignal, Name};

/// The most signals that wait in a run's inbox.
pub(crate) const INBOX_LIMIT: usize = 1024;

/// The most bytes of JSON that wait in a run's inbox: 16 MiB. What is larger than a record's values lies in the arena, and does not count.
pub(crate) const INBOX_BYTES: u64 = 16 << 20;

/// How many of the last senders' ids are remembered.
pub(crate) const SENDER_WINDOW: usize = 1024;

/// What becomes of a signal that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is to be recorded.
    Take,
    /// The sender has delivered it before.
    Duplicate,
    /// Too many wait already.
    Full,
}

/// Signals that arrived and were not taken yet, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    received: u64,
    waiting: VecDeque<CarriedSignal>,
    senders: VecDeque<(Name, String)>,
}

impl Inbox {
    /// An inbox as it was carried over.
    pub(super) fn carried(received: u64, waiting: &[CarriedSignal], senders: &[(Name, String)]) -> Inbox {
        Inbox { received, waiting: waiting.iter().cloned().collect(), senders: senders.iter().cloned().collect() }
    }

    /// How many have arrived, those that wait, and the senders' ids that are remembered.
    pub(super) fn to_carry(&self) -> (u64, Vec<CarriedSignal>, Vec<(Name, String)>) {
        (self.received, self.waiting.iter().cloned().collect(), self.senders.iter().cloned().collect())
    }

    /// What would become of a signal of a name with this sender's id.
    pub(crate) fn offer(&self, signal: &str, sender: Option<&str>) -> Offer {
        let is_known = |sender| self.senders.iter().any(|(name, id)| name == signal && id == sender);
        match sender {
            Some(sender) if is_known(sender) => Offer::Duplicate,
            _ if self.waiting.len() >= INBOX_LIMIT => Offer::Full,
            _ => Offer::Take,
        }
    }

    pub(super) fn receive(&mut self, name: &Name, payload: &Payload, sender: Option<&str>) {
        let (number, signal, payload) = (self.received, name.clone(), payload.clone());
        self.waiting.push_back(CarriedSignal { number, signal, payload });
        self.received += 1;
        if let Some(sender) = sender {
            if self.senders.len() == SENDER_WINDOW {
                self.senders.pop_front();
            }
            self.senders.push_back((name.clone(), sender.to_owned()));
        }
    }

    /// Forgets what waits. Senders are remembered: a second delivery may come late.
    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
    }

    /// The number of the oldest waiting signal of a name.
    pub(crate) fn next(&self, name: &str) -> Option<u64> {
        self.waiting.iter().find(|waiting| waiting.signal == name).map(|waiting| waiting.number)
    }

    pub(super) fn consume(&mut self, number: u64) -> Option<(Name, Payload)> {
        let index = self.waiting.iter().position(|waiting| waiting.number == number)?;
        self.waiting.remove(index).map(|waiting| (waiting.signal, waiting.payload))
    }

    /// Whether another payload has room.
    pub(crate) fn has_room(&self, payload: &Payload) -> bool {
        let bytes = |payload: &Payload| payload.inline().map_or(0, |json| json.len() as u64);
        let waiting: u64 = self.waiting.iter().map(|waiting| bytes(&waiting.payload)).sum();
        waiting + bytes(payload) <= INBOX_BYTES
    }

    /// Those that wait.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &CarriedSignal> {
        self.waiting.iter()
    }

    /// The payload of a signal that waits lies elsewhere now.
    pub(super) fn move_to(&mut self, number: u64, payload: Payload) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.number == number) {
            waiting.payload = payload;
        }
    }

    /// Puts back what was taken by a branch that lost, where it was.
    pub(super) fn give_back(&mut self, number: u64, signal: Name, payload: Payload) {
        let index = self.waiting.iter().position(|waiting| waiting.number > number).unwrap_or(self.waiting.len());
        self.waiting.insert(index, CarriedSignal { number, signal, payload });
    }
}
