//! `#[fsm]`: its checks against a count by brute force, and its speed.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use proc_macro2::{TokenStream, TokenTree};

use super::{fsm_of, parse};

/// A generator of numbers that are the same in every run of the tests.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

/// A machine as somebody might write it, wrong or not.
#[derive(Debug)]
struct Written {
    endless: bool,
    states: Vec<State>,
    groups: Vec<Level>,
}

#[derive(Debug)]
struct State {
    initial: bool,
    terminal: bool,
    level: Level,
}

/// What a state or a group says. A target that there is not is past the last state.
#[derive(Debug, Default)]
struct Level {
    next: Vec<usize>,
    late: Option<usize>,
    parent: Option<usize>,
}

fn written(chance: &mut Chance) -> Written {
    let count = 1 + chance.below(7);
    let groups = chance.below(3);
    let first = chance.below(count);
    let dense = 2 + chance.below(4);
    let target = |chance: &mut Chance| if chance.one_in(40) { count } else { chance.below(count) };
    let level = |chance: &mut Chance, parents: usize| {
        let mut next = Vec::new();
        while next.len() < count && !chance.one_in(dense) {
            let to = target(chance);
            if !next.contains(&to) {
                next.push(to);
            }
        }
        Level {
            next,
            late: chance.one_in(5).then(|| target(chance)),
            parent: (parents > 0 && chance.one_in(3)).then(|| chance.below(parents)),
        }
    };
    let states = (0..count)
        .map(|at| {
            let terminal = chance.one_in(3);
            let goes_on = !terminal || chance.one_in(12);
            State {
                initial: (at == first) != chance.one_in(25),
                terminal,
                level: if goes_on { level(chance, groups) } else { Level::default() },
            }
        })
        .collect();
    // A group is only ever inside an earlier one: circles have tests of their own.
    let groups = (0..groups).map(|at| level(chance, at)).collect();
    Written { endless: chance.one_in(4), states, groups }
}

impl Written {
    fn tokens(&self) -> TokenStream {
        let name = |at: usize| if at == self.states.len() { "Nowhere".to_owned() } else { format!("S{at}") };
        let level = |level: &Level| {
            let mut said = Vec::new();
            if !level.next.is_empty() {
                said.push(format!("next({})", level.next.iter().map(|&at| name(at)).collect::<Vec<_>>().join(", ")));
            }
            said.extend(level.late.map(|at| format!("timeout(\"1s\" => {})", name(at))));
            said.extend(level.parent.map(|at| format!("parent(G{at})")));
            said
        };
        let mut text = String::new();
        for (at, group) in self.groups.iter().enumerate() {
            let said = level(group).into_iter().map(|said| format!(", {said}")).collect::<String>();
            let _ = writeln!(text, "#[group(G{at}{said})]");
        }
        text.push_str("#[derive(Serialize, Deserialize)]\nenum M {\n");
        for (at, state) in self.states.iter().enumerate() {
            let flags = [(state.initial, "initial"), (state.terminal, "terminal")];
            let flags = flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag.to_owned());
            let said = flags.chain(level(&state.level)).map(|said| format!("#[{said}] ")).collect::<String>();
            let _ = writeln!(text, "    {said}S{at},");
        }
        text.push('}');
        parse(&text)
    }

    /// The levels that hold for a state.
    fn levels(&self, at: usize) -> Vec<&Level> {
        let mut levels = vec![&self.states[at].level];
        while let Some(group) = levels.last().and_then(|level| level.parent) {
            levels.push(&self.groups[group]);
        }
        levels
    }

    /// What is wrong with it.
    fn faults(&self) -> BTreeSet<String> {
        let count = self.states.len();
        let mut faults = BTreeSet::new();
        let mut say = |text: String| assert!(faults.insert(text.clone()) || text.contains("Nowhere"), "{text}");

        let initial: Vec<usize> = (0..count).filter(|&at| self.states[at].initial).collect();
        match initial.as_slice() {
            [] => say("no state of `M` is the first".to_owned()),
            [first, others @ ..] => {
                others.iter().for_each(|other| say(format!("`S{other}` and `S{first}` are both `initial`")));
            }
        }
        for level in self.groups.iter().chain(self.states.iter().map(|state| &state.level)) {
            level
                .next
                .iter()
                .chain(&level.late)
                .filter(|&&to| to == count)
                .for_each(|_| say("`Nowhere` is not a state".to_owned()));
        }
        for group in 0..self.groups.len() {
            let inside = |at: usize| self.levels(at).iter().any(|level| level.parent == Some(group));
            if !(0..count).any(inside) {
                say(format!("no state is in the group `G{group}`"));
            }
        }
        for (at, state) in self.states.iter().enumerate().filter(|(_, state)| state.terminal) {
            let said = [
                (!state.level.next.is_empty(), "next"),
                (state.level.late.is_some(), "timeout"),
                (state.level.parent.is_some(), "parent"),
            ];
            said.iter()
                .filter(|(is, _)| *is)
                .for_each(|(_, key)| say(format!("a run ends in `S{at}`, which is terminal; leave `{key}` out")));
        }

        // What nobody knows may be anything: such a state is no reason for a fault elsewhere.
        let silent = |at: usize| {
            !self.states[at].terminal
                && self.levels(at).iter().all(|level| level.next.is_empty() && level.late.is_none())
        };
        let arrow = |from: usize, to: usize| {
            let said = |target: usize| {
                self.levels(from).iter().any(|level| level.next.contains(&target) || level.late == Some(target))
            };
            silent(from) || said(count) || said(to)
        };
        // Ways of any length, the empty one, too.
        let mut way: Vec<Vec<bool>> =
            (0..count).map(|from| (0..count).map(|to| from == to || arrow(from, to)).collect()).collect();
        for over in 0..count {
            for from in 0..count {
                for to in 0..count {
                    way[from][to] |= way[from][over] && way[over][to];
                }
            }
        }
        (0..count).filter(|&at| silent(at)).for_each(|at| say(format!("`S{at}` says neither")));
        let lost: Vec<usize> =
            (0..count).filter(|&to| !initial.is_empty() && !initial.iter().any(|&from| way[from][to])).collect();
        for (at, others) in told_once(&lost, |from, to| way[from][to]) {
            say(format!("no way from the initial state leads to `S{at}`{}", others_of("to", &others)));
        }
        if self.endless {
            return faults;
        }
        let ends = |at: usize| self.states[at].terminal || silent(at);
        if !(0..count).any(|at| {
            ends(at)
                || (0..count).all(|to| arrow(at, to))
                    && self.levels(at).iter().any(|level| level.next.contains(&count) || level.late == Some(count))
        }) {
            say("no state of `M` is terminal".to_owned());
            return faults;
        }
        let stuck: Vec<usize> = (0..count).filter(|&from| !(0..count).any(|to| way[from][to] && ends(to))).collect();
        for (at, others) in told_once(&stuck, |from, to| way[to][from]) {
            if !lost.contains(&at) {
                say(format!("no way from `S{at}` leads to a terminal state{}", others_of("from", &others)));
            }
        }
        faults
    }
}

fn others_of(word: &str, others: &[usize]) -> String {
    let names: Vec<_> = others.iter().map(|at| format!("`S{at}`")).collect();
    if names.is_empty() { ";".to_owned() } else { format!(", nor {word} {},", names.join(", ")) }
}

/// Of each set of states that have a fault in common the first that none outside the set gives it to,
/// with all that it gives it to and that were not told of before.
fn told_once(faulty: &[usize], gives: impl Fn(usize, usize) -> bool) -> Vec<(usize, Vec<usize>)> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for &at in faulty {
        let is_source = faulty.iter().all(|&other| !gives(other, at) || gives(at, other));
        if is_source && !told.contains(&at) {
            let others: Vec<usize> = faulty
                .iter()
                .copied()
                .filter(|&other| other != at && gives(at, other) && !told.contains(&other))
                .collect();
            told.extend(others.iter().copied().chain([at]));
            found.push((at, others));
        }
    }
    found
}

/// The messages of the errors in an expansion.
fn errors(expanded: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = false;
    for token in expanded {
        match token {
            TokenTree::Ident(ident) => after = ident == "compile_error",
            TokenTree::Group(group) if after => {
                let text = group.stream().to_string();
                found.push(text.trim_matches('"').replace("\\\"", "\""));
                after = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == '!' => {}
            _ => after = false,
        }
    }
    found
}

#[test]
fn what_is_wrong_with_a_graph_is_what_a_count_by_brute_force_finds() {
    let mut chance = Chance(7);
    let (mut right, mut kinds) = (0, BTreeSet::new());
    for round in 0..3_000 {
        let machine = written(&mut chance);
        let tokens = machine.tokens();
        let errors: BTreeSet<String> =
            errors(fsm_of(if machine.endless { parse("endless") } else { TokenStream::new() }, tokens.clone()))
                .into_iter()
                .collect();
        let faults = machine.faults();
        let unexpected: Vec<_> =
            errors.iter().filter(|error| !faults.iter().any(|fault| error.starts_with(fault))).collect();
        let missing: Vec<_> =
            faults.iter().filter(|fault| !errors.iter().any(|error| error.starts_with(*fault))).collect();
        assert!(
            unexpected.is_empty() && missing.is_empty(),
            "round {round}: {tokens}\nnot wrong: {unexpected:#?}\nnot told: {missing:#?}"
        );
        right += usize::from(faults.is_empty());
        kinds.extend(
            faults.into_iter().map(|fault| fault.replace(|c: char| c.is_ascii_digit(), "").replace("`S`, ", "")),
        );
    }
    // The machines are not all wrong, and wrong in every way.
    assert!(right > 100, "{right}");
    assert!(kinds.len() >= 13, "{kinds:#?}");
}

/// A machine of many states, each with three fields, three targets, two signals and some with a timeout.
fn large(count: usize) -> TokenStream {
    let mut text = String::from("/// Large.\n#[group(All, accepts(Stop), timeout(\"30 days\" => End {}))] #[reject]\n");
    text.push_str("#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]\npub enum Large {\n");
    for at in 0..count {
        let initial = if at == 0 { "#[initial] " } else { "" };
        let timeout = if at % 3 == 0 { "#[timeout(\"3 days\" => End)] " } else { "" };
        let (next, far) = ((at + 1) % count, (at * 7 + 3) % count);
        let targets = BTreeSet::from([next, far, at]).into_iter().map(|at| format!("State{at}, ")).collect::<String>();
        let _ = writeln!(
            text,
            "    /// One of many.\n    {initial}{timeout}#[parent(All)] #[next({targets}End)] #[accepts(Go{at}, Halt)] State{at} {{ cart: Cart, #[serde(default)] notes: Vec<String>, count: Option<u32> }},"
        );
    }
    text.push_str("    #[terminal] End,\n}");
    parse(&text)
}

#[test]
#[allow(clippy::print_stderr, reason = "how long it took is of interest also when it was not too long")]
fn a_machine_of_two_hundred_states_expands_in_well_under_a_second() {
    let item = large(200);
    let expand = || {
        let begun = Instant::now();
        let expanded = fsm_of(TokenStream::new(), item.clone());
        (begun.elapsed(), expanded)
    };
    // The machine that this runs on may be busy with something else for a while.
    let (took, expanded) = (0..3).map(|_| expand()).min_by_key(|(took, _)| *took).unwrap_or_else(expand);
    let count = |tokens: TokenStream| {
        fn count(tokens: TokenStream) -> usize {
            tokens
                .into_iter()
                .map(|token| if let TokenTree::Group(group) = token { 1 + count(group.stream()) } else { 1 })
                .sum()
        }
        count(tokens)
    };
    assert_eq!(errors(expanded.clone()), Vec::<String>::new());
    let (small, large) = (count(fsm_of(TokenStream::new(), large(50))), count(expanded));
    eprintln!("200 states: {took:?}, {large} tokens; 50 states: {small} tokens");
    assert!(took < Duration::from_secs(1), "{took:?}");
    // What is written grows with the number of states alone.
    assert!(large < small * 5, "{large} tokens for 200 states, {small} for 50");
}

#[test]
fn what_is_said_of_a_variant_and_its_fields_is_said_of_its_struct() {
    let item = "/// M.\n#[derive(Serialize, Deserialize)] enum M { \
        /** Of A. */ #[initial] #[next(B)] A { /** Of n. */ n: u8 }, #[terminal] B }";
    let text = fsm_of(TokenStream::new(), parse(item)).to_string();
    // The enum before it says so in any case.
    let (_, module) = text.split_once("mod m ").unwrap_or_default();
    for said in ["Of A.", "Of n."] {
        assert_eq!(module.matches(said).count(), 1, "{said}: {module}");
    }
}
