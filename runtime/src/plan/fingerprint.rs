//! A digest of a plan that the compiler can work out: FNV-1a, 64 bits.

use super::{Graph, Plan};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The fingerprint of a saga: name, version, and the names and shape of its plan.
/// A saga inside it counts by its name and version alone.
#[must_use]
pub const fn fingerprint(name: &str, version: u32, plan: &Plan) -> u64 {
    let hash = text(OFFSET, name);
    let hash = number(hash, version);
    tree(hash, plan)
}

const fn byte(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(PRIME)
}

const fn number(mut hash: u64, number: u32) -> u64 {
    let bytes = number.to_le_bytes();
    let mut i = 0;
    while i < bytes.len() {
        hash = byte(hash, bytes[i]);
        i += 1;
    }
    hash
}

const fn text(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        hash = byte(hash, bytes[i]);
        i += 1;
    }
    // No UTF-8 text has this byte: "ab" + "c" and "a" + "bc" differ.
    byte(hash, 0xff)
}

const fn list(hash: u64, tag: u8, plans: &[Plan]) -> u64 {
    let mut hash = byte(hash, tag);
    let mut i = 0;
    while i < plans.len() {
        hash = tree(hash, &plans[i]);
        i += 1;
    }
    byte(hash, 0xfe)
}

const fn machine(mut hash: u64, graph: &Graph) -> u64 {
    let mut i = 0;
    while i < graph.states.len() {
        let state = &graph.states[i];
        hash = text(hash, state.name);
        let bits = (state.initial as u8) | (state.terminal as u8) << 1 | (state.commit as u8) << 2;
        hash = byte(hash, bits);
        let mut j = 0;
        while j < state.next.len() {
            hash = text(hash, graph.states[state.next[j] as usize].name);
            j += 1;
        }
        let mut j = 0;
        while j < state.timeouts.len() {
            let timeout = &state.timeouts[j];
            hash = text(byte(hash, 0xfd), graph.states[timeout.to as usize].name);
            if let Some(group) = timeout.group {
                hash = text(hash, graph.groups[group as usize].name);
            }
            j += 1;
        }
        hash = byte(tree(hash, state.plan), 0xfe);
        i += 1;
    }
    hash
}

const fn tree(hash: u64, plan: &Plan) -> u64 {
    match plan {
        Plan::Seq(plans) => list(hash, 1, plans),
        Plan::Branch(plans) => list(hash, 2, plans),
        Plan::Loop(plan) => tree(byte(hash, 3), plan),
        Plan::Step(step) => text(byte(hash, 4), step.name),
        Plan::Saga(saga) => number(text(byte(hash, 5), saga.name), saga.version),
        Plan::Sleep => byte(hash, 6),
        Plan::Signal(name) => text(byte(hash, 7), name),
        Plan::Dynamic => byte(hash, 8),
        Plan::Join(plans) => list(hash, 9, plans),
        Plan::Race(plans) => list(hash, 10, plans),
        Plan::All(plan) => tree(byte(hash, 11), plan),
        Plan::TryAll(plan) => tree(byte(hash, 12), plan),
        Plan::Spawn(saga) => number(text(byte(hash, 13), saga.name), saga.version),
        Plan::Child => byte(hash, 14),
        Plan::Again(saga) => number(text(byte(hash, 15), saga.name), saga.version),
        Plan::Now => byte(hash, 16),
        Plan::Random => byte(hash, 17),
        Plan::Uuid => byte(hash, 18),
        Plan::Pause => byte(hash, 19),
        Plan::Publish => byte(hash, 20),
        Plan::Machine(graph) => machine(byte(hash, 21), graph),
    }
}
