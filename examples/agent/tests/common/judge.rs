//! The judge: the server's log, and what is on disk.

use std::collections::{BTreeMap, BTreeSet};

use agent::api::{Advice, Message, Reply};
use agent::server::{Asked, End, Line, Operation, read_lines};

use super::{Bound, Lives, TOKEN, bound, with_bytes};

/// What the lives of an agent have left, when it is done.
pub(crate) async fn judge(lives: &Lives, keeps_keys: bool) {
    let lines = read_lines(&lives.log()).unwrap();
    let bound = bound(&lives.engine()).await;
    what_is_known_is_not_asked_again(lives, &lines);
    a_call_has_one_key(&lines, &bound);
    what_was_answered_is_on_disk_before_the_next_call(lives, &lines, &bound);
    if keeps_keys {
        nothing_is_done_twice(&lines);
    }
    let runs: BTreeSet<&str> = bound.iter().map(|bound| bound.run.as_str()).collect();
    for run in runs {
        what_is_done_follows_from_what_is_recorded(run, &lines, &bound, &lives.said());
    }
    assert!(with_bytes(&lives.data(), TOKEN.as_bytes()).is_empty(), "the token is on disk");
    assert!(!with_bytes(&lives.data(), b"api.agent.example").is_empty(), "nothing would be found");
}

/// No process asks for what was a fact on disk when it began, or for what it has been answered itself.
fn what_is_known_is_not_asked_again(lives: &Lives, lines: &[Line]) {
    for (process, known) in &lives.known {
        let mut keys: BTreeSet<&str> = known.iter().map(|line| key(lines, *line)).collect();
        let by = format!("(process {process})");
        for line in lines.iter().filter(|line| line.by.ends_with(&by)) {
            assert!(!keys.contains(line.key.as_str()), "process {process} asks again: {line:#?}\n{known:?}");
            if line.end.binds() {
                keys.insert(&line.key);
            }
        }
    }
}

/// Whoever makes a call has everything on disk that its run was answered before.
fn what_was_answered_is_on_disk_before_the_next_call(lives: &Lives, lines: &[Line], bound: &[Bound]) {
    let runs: BTreeMap<&str, &str> = bound.iter().map(|bound| (key(lines, bound.line), bound.run.as_str())).collect();
    let last: BTreeSet<u64> = bound.iter().map(|bound| bound.line).collect();
    let after = lives.known.iter().skip(1).map(|(_, known)| known).chain([&last]);
    for ((process, _), known) in lives.known.iter().zip(after) {
        let by = format!("(process {process})");
        let mut answered: BTreeMap<&str, u64> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.by.ends_with(&by)) {
            let run = runs[line.key.as_str()];
            if let Some(before) = answered.get(run) {
                assert!(known.contains(before), "{run}: line {} follows {before}, which is not on disk", line.line);
            }
            if line.end.binds() {
                answered.insert(run, line.line);
            }
        }
    }
}

/// A key stands for one request, and each that was ever sent for one that has an answer in the end: whichever process
/// asked, it was under the key of the fact.
fn a_call_has_one_key(lines: &[Line], bound: &[Bound]) {
    let mut asked: BTreeMap<&str, &Asked> = BTreeMap::new();
    for line in lines {
        let first = *asked.entry(&line.key).or_insert(&line.asked);
        assert_eq!(first, &line.asked, "one key for two requests");
    }
    let facts: BTreeSet<&str> = bound.iter().map(|bound| key(lines, bound.line)).collect();
    assert_eq!(facts.len(), bound.len(), "two facts of one key");
    let sent: BTreeSet<&str> = asked.into_keys().collect();
    assert_eq!(sent, facts, "a call that was made under another key than its fact's");
}

fn nothing_is_done_twice(lines: &[Line]) {
    let mut done = BTreeSet::new();
    for line in lines.iter().filter(|line| line.end.did()) {
        assert!(done.insert(&line.key), "done twice: {line:#?}");
    }
}

/// The model is told what the tools have said, the voucher and the letter are those of its last words, and what the
/// agent says in the end is what was sent.
fn what_is_done_follows_from_what_is_recorded(run: &str, lines: &[Line], bound: &[Bound], said: &str) {
    let facts: Vec<&Line> = bound.iter().filter(|bound| bound.run == run).map(|bound| of(lines, bound.line)).collect();
    let of = |operation| facts.iter().copied().filter(move |line| line.asked.operation() == operation);
    let keys: BTreeSet<&str> = facts.iter().map(|line| line.key.as_str()).collect();
    let advice: Advice = of(Operation::Chat)
        .find_map(|line| match serde_json::from_value(line.answer.clone()).unwrap() {
            Reply::Answer(advice) => Some(advice),
            Reply::Use(_) => None,
        })
        .unwrap();
    let code = of(Operation::Give).next().map(|line| match &line.asked {
        Asked::Give(voucher) => voucher.code.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(code.is_some(), advice.voucher_cents > 0);
    // Whatever was asked for this run, by whichever process, and whether it was answered or not.
    for line in lines.iter().filter(|line| keys.contains(line.key.as_str())) {
        match &line.asked {
            Asked::Chat(chat) => {
                for message in &chat.messages {
                    let Message::Used { tool, gave } = message else { continue };
                    let tool = Asked::Tool(tool.clone());
                    assert!(facts.iter().any(|fact| fact.asked == tool && fact.answer == *gave), "{run}: {line:#?}");
                }
            }
            Asked::Give(voucher) => assert_eq!(voucher.cents, advice.voucher_cents, "{run}"),
            Asked::Send(letter) => assert_eq!((&letter.text, &letter.voucher), (&advice.text, &code), "{run}"),
            Asked::Tool(_) | Asked::Withdraw(_) => {}
        }
    }
    let sent = of(Operation::Send).next().unwrap();
    let said = said.lines().find(|line| line.starts_with(run)).unwrap();
    if sent.end == End::Refused {
        assert!(said.contains("undone: refused with status 422"), "{said}");
        assert_eq!(of(Operation::Withdraw).count(), 1, "{run}: its voucher is withdrawn");
    } else {
        assert!(said.contains(&format!("letter {}", sent.answer["number"])) && said.ends_with(&advice.text), "{said}");
        assert_eq!(of(Operation::Withdraw).count(), 0, "{run}");
    }
}

fn of(lines: &[Line], number: u64) -> &Line {
    lines.iter().find(|line| line.line == number).unwrap()
}

fn key(lines: &[Line], number: u64) -> &str {
    &of(lines, number).key
}
