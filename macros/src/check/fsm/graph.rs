//! Which states a run never comes to, and which it never leaves: pure rules over a graph.
//!
//! What must always hold: one missing arrow is told once, at the first state
//! that it is missing for, with the states that it is missing for as well.

/// A state as these rules see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) initial: bool,
    /// A run can end in it, as far as anybody knows.
    pub(super) ends: bool,
    /// Nothing is said of what follows, and it is not terminal.
    pub(super) silent: bool,
    pub(super) to: Vec<usize>,
    /// It has arrows that nobody knows the ends of: they are taken to lead to every state.
    pub(super) anywhere: bool,
}

/// A state with a fault, and the other states that have it because this one has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) others: Vec<usize>,
}

/// The states that no way from the beginning leads to. None where there is no beginning.
pub(super) fn unreachable(nodes: &[Node]) -> Vec<Fault> {
    let initial: Vec<usize> = (0..nodes.len()).filter(|&at| nodes[at].initial).collect();
    if initial.is_empty() {
        return Vec::new();
    }
    let to = forward(nodes);
    let reached = reach(&to, initial);
    // What another unreachable state leads to, but not back, is that one's.
    parts(&to, &backward(&to), &reached)
}

/// The states from which no way leads to an end.
pub(super) fn endless(nodes: &[Node]) -> Vec<Fault> {
    let to = forward(nodes);
    let back = backward(&to);
    let ends = reach(&back, (0..nodes.len()).filter(|&at| nodes[at].ends).collect());
    parts(&back, &to, &ends)
}

/// The parts of what is not `fine` that no other such part leads to, `to` being the way in
/// which the fault spreads: each with everything that it spreads to and no earlier one did.
fn parts(to: &[Vec<usize>], back: &[Vec<usize>], fine: &[bool]) -> Vec<Fault> {
    let mut told = fine.to_vec();
    let mut found: Vec<Fault> = Vec::new();
    for at in 0..to.len() {
        if told[at] {
            continue;
        }
        let sources = reach(back, vec![at]);
        let spreads = reach(to, vec![at]);
        // Something that is not fine leads here, and is not led to from here: it is told of.
        if (0..to.len()).any(|other| !fine[other] && sources[other] && !spreads[other]) {
            continue;
        }
        let others = (0..to.len()).filter(|&other| other != at && !told[other] && spreads[other]).collect::<Vec<_>>();
        others.iter().for_each(|&other| told[other] = true);
        told[at] = true;
        found.push(Fault { at, others });
    }
    found
}

fn forward(nodes: &[Node]) -> Vec<Vec<usize>> {
    let all = || (0..nodes.len()).collect();
    nodes.iter().map(|node| if node.anywhere { all() } else { node.to.clone() }).collect()
}

fn backward(to: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut back = vec![Vec::new(); to.len()];
    for (from, ends) in to.iter().enumerate() {
        ends.iter().for_each(|&end| back[end].push(from));
    }
    back
}

/// Everything that can be come to from `begin`, and that itself.
fn reach(to: &[Vec<usize>], begin: Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; to.len()];
    let mut open = begin;
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            open.extend(to[at].iter().copied().filter(|&next| !reached[next]));
        }
    }
    reached
}
