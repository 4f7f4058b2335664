//! What a machine's graph and scripts allow, over values alone.

use std::collections::{BTreeMap, BTreeSet};

use super::body::{Exit, Told, Value, Visit, choice};
use super::draw::{FUEL, Machine, Op, SIGNALS, around};

/// A second, in nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;
/// So late a timer may be: a step in the air may end, and what was done is undone.
const LATE: i64 = 6 * SECOND;
/// So late it may be when the clock has jumped: that is noticed within a minute.
const NOTICED: i64 = 61 * SECOND;

/// A signal that was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) name: &'static str,
    /// Each time that it was sent: since when, until when, and the answer.
    pub(super) tries: Vec<(i64, i64, Answer)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Rejected,
    /// The process ended before there was one.
    None,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed(Visit),
    Cancelled,
    Abandoned,
}

/// Everything that is known of one run.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) machine: &'a Machine,
    pub(super) value: Value,
    pub(super) end: End,
    pub(super) sent: Vec<Sent>,
    pub(super) acts: Vec<(String, bool)>,
    /// Nobody looked at the clock for so long, in all.
    pub(super) away: i64,
    pub(super) was_stuck: bool,
    /// When the start was acknowledged.
    pub(super) began: i64,
}

/// Everything that is wrong.
pub(super) fn broken(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    walk(case, &mut broken);
    if broken.is_empty() {
        times(case, &mut broken);
        signals(case, &mut broken);
        acts(case, &mut broken);
    }
    broken
}

/// Where a script that was told all this goes: to a successor, or it fails.
fn script(machine: &Machine, visit: usize, state: usize, told: &[Told]) -> Result<Exit, String> {
    let successors = machine.graph.states[state].next.len();
    if visit >= FUEL {
        return Ok(Exit::Go(successors - 1));
    }
    let mut left = told.iter();
    for op in &machine.scripts[state] {
        let told = left.next().ok_or("it was told too little")?;
        let (fits, fails) = match (op, told) {
            (Op::Wait(signal), Told::Signal(name, _)) => (SIGNALS[*signal] == name, false),
            (Op::WaitFor(signal, _), Told::Signal(name, _)) => (SIGNALS[*signal] == name, false),
            (Op::WaitFor(..), Told::Elapsed) => (true, false),
            (Op::Either, Told::Signal(name, _)) => (SIGNALS[..2].contains(&name.as_str()), false),
            (Op::Step(step) | Op::Beside(step, _), Told::Step(end)) => {
                (end.is_err() == step.fails, step.fails && step.must)
            }
            (Op::Sleep(_), Told::Slept) | (Op::Draw, Told::Drawn(_)) => (true, false),
            _ => (false, false),
        };
        if !fits {
            return Err(format!("{op:?} was told {told:?}"));
        }
        if fails {
            return Ok(Exit::Fails);
        }
    }
    match left.next() {
        None => Ok(Exit::Go(choice(told, successors))),
        Some(more) => Err(format!("it was told {more:?} besides")),
    }
}

/// Every state follows from the one before.
fn walk(case: &Case<'_>, broken: &mut Vec<String>) {
    let graph = case.machine.graph;
    let mut state = 0;
    let failed = match &case.end {
        End::Failed(visit) => Some(visit),
        _ => None,
    };
    for (number, visit) in case.value.trail.iter().chain(failed).enumerate() {
        if visit.state != state {
            broken.push(format!("visit {number} is of {}, and not of {state}", visit.state));
            return;
        }
        if let Exit::Timeout(timer) = visit.exit {
            state = usize::from(graph.states[state].timeouts[timer].to);
            continue;
        }
        match script(case.machine, number, state, &visit.told) {
            Ok(exit) if exit == visit.exit => {}
            other => broken.push(format!("visit {number}: {visit:?}, but its script says {other:?}")),
        }
        if let Exit::Go(next) = visit.exit {
            state = usize::from(graph.states[state].next[next]);
        }
    }
    if case.value.state != state && failed.is_none() {
        broken.push(format!("it is in {}, and not in {state}", case.value.state));
    }
    if graph.states[case.value.state].terminal != (case.end == End::Completed) {
        broken.push(format!("it has ended as {:?} in {}", case.end, graph.states[case.value.state].name));
    }
    let committed = committed(case);
    let undone = matches!(case.end, End::Failed(_) | End::Cancelled);
    if committed && undone || !committed && (case.was_stuck || case.end == End::Abandoned) {
        broken.push(format!("it has ended as {:?}, stuck {}, committed {committed}", case.end, case.was_stuck));
    }
}

/// The states that were entered, in order.
fn entered(case: &Case<'_>) -> Vec<usize> {
    case.value.trail.iter().map(|visit| visit.state).chain([case.value.state]).collect()
}

fn committed(case: &Case<'_>) -> bool {
    entered(case)[1..].iter().any(|state| case.machine.graph.states[*state].commit)
}

/// Groups count from when they were entered; no deadline comes early, and none is missed.
fn times(case: &Case<'_>, broken: &mut Vec<String>) {
    let graph = case.machine.graph;
    let trail = &case.value.trail;
    let mut since: BTreeMap<&str, i64> = BTreeMap::new();
    for (number, visit) in trail.iter().enumerate() {
        let state = &graph.states[visit.state];
        let inside: Vec<&str> =
            around(graph.groups, state.group).iter().map(|g| graph.groups[usize::from(*g)].name).collect();
        since.retain(|group, _| inside.contains(group));
        let entered = visit.entered;
        if number == 0 && entered > case.began {
            broken.push(format!("the first state began at {entered}, later than its start was acknowledged"));
        }
        let told: BTreeMap<&str, i64> = visit.groups.iter().map(|(group, at)| (group.as_str(), *at)).collect();
        for group in &inside {
            let mine = *since.entry(group).or_insert(entered);
            if number > 0 && told.get(group) != Some(&mine) {
                broken.push(format!("visit {number} is in {group} since {:?}, and not since {mine}", told.get(group)));
            }
        }
        if number > 0 && told.len() != inside.len() {
            broken.push(format!("visit {number} is in {told:?}"));
        }
        let Some(left) = trail.get(number + 1).map(|next| next.entered) else { continue };
        let deadline = |timer: usize| {
            let timeout = &state.timeouts[timer];
            let begun = timeout.group.map_or(entered, |group| since[graph.groups[usize::from(group)].name]);
            begun + timeout.after.as_nanos() as i64
        };
        if let Exit::Timeout(timer) = visit.exit
            && left < deadline(timer)
        {
            broken.push(format!("visit {number} was out of time {} ns early", deadline(timer) - left));
        }
        let first = (0..state.timeouts.len()).map(deadline).min();
        let late = if case.away > 0 { LATE + NOTICED + case.away } else { LATE };
        if first.is_some_and(|first| left > first.max(entered) + late) {
            broken.push(format!("visit {number} outlasts its deadline by {} ns", left - first.unwrap_or(0)));
        }
        if let Exit::Timeout(timer) = visit.exit
            && let Some(group) = state.timeouts[timer].group
        {
            // It leads out of its group, and of those inside it.
            let out = inside.iter().position(|name| *name == graph.groups[usize::from(group)].name).unwrap();
            since.retain(|group, _| !inside[..=out].contains(group));
        }
    }
}

/// What was taken was sent, accepted, and taken once and in order; what was refused was not; nothing is lost.
fn signals(case: &Case<'_>, broken: &mut Vec<String>) {
    let graph = case.machine.graph;
    let states = entered(case);
    let trail = &case.value.trail;
    let policy = |state: usize, name: &str| {
        let signal = SIGNALS.iter().position(|known| *known == name).unwrap();
        graph.states[state].signals[signal]
    };
    // When each state began and ended.
    let begins = |visit: usize| match visit {
        0 => i64::MIN,
        _ => trail.get(visit).map_or(i64::MIN, |visit| visit.entered),
    };
    let ends = |visit: usize| trail.get(visit + 1).map_or(i64::MAX, |next| next.entered);
    let last_begins = |visit: usize| if visit + 1 == states.len() { i64::MIN } else { begins(visit) };
    // The visits in which a signal may have come.
    let there = |from: i64, until: i64| -> Vec<usize> {
        (0..states.len()).filter(|visit| last_begins(*visit) <= until && ends(*visit) >= from).collect()
    };
    let mut taken: BTreeMap<u32, usize> = BTreeMap::new();
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for (number, visit) in trail.iter().enumerate() {
        for told in &visit.told {
            let Told::Signal(name, n) = told else { continue };
            if taken.insert(*n, number).is_some() {
                broken.push(format!("signal {n} was taken twice"));
            }
            if last.insert(name, *n).is_some_and(|before| before > *n) {
                broken.push(format!("signal {n} was taken behind a later one"));
            }
        }
    }
    for (n, sent) in (0_u32..).zip(&case.sent) {
        let of = |visit: &usize| policy(states[*visit], sent.name);
        for (from, until, answer) in &sent.tries {
            let there = there(*from, *until);
            let fits = match answer {
                Answer::Taken => there.iter().any(|visit| of(visit) != b'r') || sent.tries.len() > 1,
                Answer::Rejected => there.iter().any(|visit| of(visit) == b'r'),
                Answer::None => true,
            };
            if !fits {
                broken.push(format!("signal {n} ({}) was answered {answer:?} in visits {there:?}", sent.name));
            }
        }
        let kept = |(from, until, answer): &(i64, i64, Answer)| {
            *answer != Answer::Rejected && there(*from, *until).iter().any(|visit| matches!(of(visit), b'a' | b'd'))
        };
        if taken.contains_key(&n) && !sent.tries.iter().any(kept) {
            broken.push(format!("signal {n} ({}) was taken, although it was not kept: {sent:?}", sent.name));
        }
        if let (Some(visit), Some(last)) =
            (taken.get(&n), sent.tries.iter().flat_map(|(from, until, _)| there(*from, *until)).max())
            && (last + 1..=*visit).any(|visit| of(&visit) == b'i')
        {
            broken.push(format!(
                "signal {n} ({}) was taken in visit {visit}, although a state had dropped it",
                sent.name
            ));
        }
        // Surely kept, and a later one of the name was taken: then it was, too, unless a state has dropped it.
        let [(from, until, Answer::Taken)] = sent.tries[..] else { continue };
        let there = there(from, until);
        let surely = there.iter().all(|visit| matches!(of(visit), b'a' | b'd'));
        let later = taken.iter().find(|(other, _)| **other > n && case.sent[**other as usize].name == sent.name);
        if let (true, false, Some((other, visit))) = (surely, taken.contains_key(&n), later) {
            let dropped = (there[0]..=*visit).any(|visit| of(&visit) == b'i');
            if !dropped {
                broken.push(format!("signal {n} ({}) is lost: {other} was taken in visit {visit}", sent.name));
            }
        }
    }
}

/// What was done stands, or is undone, as the walk says.
fn acts(case: &Case<'_>, broken: &mut Vec<String>) {
    let undone = matches!(case.end, End::Failed(_) | End::Cancelled);
    let last: BTreeMap<&str, bool> = case.acts.iter().map(|(label, done)| (label.as_str(), *done)).collect();
    let trail = &case.value.trail;
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for told in trail.iter().flat_map(|visit| &visit.told) {
        if let Told::Step(Ok(label)) = told {
            wanted.insert(label);
        }
    }
    for label in &wanted {
        let stays = label.contains("stays") || !undone;
        if last.get(label) != Some(&stays) {
            broken.push(format!("`{label}` is {:?} at the end, and should be {stays}", last.get(label)));
        }
    }
    for (label, done) in &last {
        let visit: usize = label[..2].parse().unwrap();
        let abandoned = case.end == End::Abandoned && visit == trail.len();
        if !wanted.contains(label) && *done && !label.contains("stays") && !abandoned {
            broken.push(format!("`{label}` stands, although nobody was told of it"));
        }
    }
    if undone {
        let labels: BTreeSet<&str> = wanted.iter().copied().filter(|label| label.contains("undone")).collect();
        let mut order: Vec<&str> = Vec::new();
        for (label, done) in &case.acts {
            if !done && labels.contains(label.as_str()) {
                order.retain(|known| known != label);
                order.push(label);
            }
        }
        if !order.is_sorted_by(|a, b| a > b) {
            broken.push(format!("undone in the order {order:?}"));
        }
    }
}
