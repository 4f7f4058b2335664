//! One machine from its start to its end, with everything that comes from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::body::{A, Drawn, Exit, Value, Visit, World, aborts, finishes};
use super::draw::{Machine, SIGNALS};
use super::judge::{self, Answer, Case, End, SECOND, Sent};
use crate::codec::{self, Recordable};
use crate::engine::{Core, Error, Held, NewRun, Result, StartWith};
use crate::handle::{Builder, Engine};
use crate::id::RunId;
use crate::platform::sim::{Dice, Loss, Sim};
use crate::record::{Cause, Name, Reason};
use crate::run::Phase;

const DIR: &str = "/data";
const RUN: &str = "r";
/// So many signals bring every machine to its end.
const MOST: usize = 600;

/// What came of one machine.
pub(super) struct Tried {
    pub(super) visits: usize,
    pub(super) timeouts: usize,
    pub(super) crashes: usize,
}

/// What was done from outside until now.
struct Outside {
    dice: Dice,
    sent: Vec<Sent>,
    /// The walk as it was seen last.
    seen: Vec<Visit>,
    cancel_at: Option<usize>,
    pause_at: Option<usize>,
    park_at: Option<usize>,
    away: i64,
    was_stuck: bool,
    /// When the start was acknowledged.
    began: Option<i64>,
}

fn builder(sim: &Sim, machine: &Arc<Machine>, world: &World) -> Builder<World> {
    let drawn = Drawn { machine: machine.clone(), world: Arc::new(world.clone()) };
    let small = Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10);
    let eager = small.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3));
    eager.app(world.clone()).step(finishes).step(aborts).workflow(Arc::new(drawn)).sim(sim)
}

/// What is durable of the walk; it only grows.
fn look(run: &Held, machine: &Machine, outside: &mut Outside) -> Value {
    let seen = run.seen().state;
    let value: Value = codec::decode(&seen.value).unwrap();
    // What the record says beside the value.
    assert_eq!(seen.visit as usize, value.trail.len(), "{value:?}");
    let said = seen.state.as_ref().map(|(name, reason)| (&**name, matches!(reason, Reason::Timeout { .. })));
    let name = machine.graph.states[value.state].name;
    let wanted = value.trail.last().map(|visit| (name, matches!(visit.exit, Exit::Timeout(_))));
    assert_eq!(said, wanted, "{value:?}");
    assert!(value.trail.starts_with(&outside.seen), "{:?} was seen before {:?}", outside.seen, value.trail);
    outside.seen.clone_from(&value.trail);
    value
}

async fn send(core: &Arc<Core>, sim: &Sim, n: usize, outside: &Mutex<Outside>) -> Result<()> {
    let name = {
        let sent = &mut outside.lock().unwrap().sent[n];
        sent.tries.push((sim.now().0, i64::MAX, Answer::None));
        sent.name
    };
    let payload = A(n as u32).record().unwrap().0;
    let answer = match core.signal(RUN, name, payload, Some(n.to_string())).await {
        Ok(()) => Answer::Taken,
        Err(Error::Rejected { .. }) => Answer::Rejected,
        Err(Error::NotActive { .. }) => Answer::None,
        Err(other) => return Err(other),
    };
    if let Some((_, until, known)) = outside.lock().unwrap().sent[n].tries.last_mut() {
        (*until, *known) = (sim.now().0, answer);
    }
    Ok(())
}

/// One process. The run's end, if it comes to it.
async fn work(
    sim: &Sim,
    machine: &Arc<Machine>,
    world: &World,
    outside: &Mutex<Outside>,
) -> Result<Option<(Value, End)>> {
    let engine = builder(sim, machine, world).open().await?;
    let core = engine.core().clone();
    let input = codec::encode(&Value { state: 0, trail: Vec::new() }).unwrap();
    let new = NewRun {
        id: Some(RunId::from(RUN)),
        workflow: Name::Borrowed(machine.meta.name),
        version: 1,
        input,
        options: StartWith::default(),
    };
    drop(core.start(new).await?);
    outside.lock().unwrap().began.get_or_insert(sim.now().0);
    // What was not answered is sent again.
    let unknown: Vec<usize> = {
        let sent = &outside.lock().unwrap().sent;
        let open = |sent: &Sent| sent.tries.last().is_some_and(|(.., answer)| *answer == Answer::None);
        (0..sent.len()).filter(|n| open(&sent[*n])).collect()
    };
    for n in unknown {
        send(&core, sim, n, outside).await?;
    }
    loop {
        let run = core.obtain(RUN).await?;
        let (value, shown) = {
            let outside = &mut outside.lock().unwrap();
            (look(&run, machine, outside), run.seen())
        };
        let end = match &shown.phase {
            Phase::Completed { output } => {
                assert_eq!(codec::decode::<Value>(output).unwrap(), value, "it ends with another state than it is in");
                Some(End::Completed)
            }
            Phase::Failed { cause: Cause::Abandoned { .. } } => Some(End::Abandoned),
            Phase::Failed { cause: Cause::Error { error } } => Some(End::Failed(codec::decode(error).unwrap())),
            Phase::Cancelled => Some(End::Cancelled),
            Phase::Stuck { .. } => {
                let first = !std::mem::replace(&mut outside.lock().unwrap().was_stuck, true);
                match first {
                    true => core.retry(RUN).await?,
                    false => core.abandon(RUN, "enough".to_owned()).await?,
                }
                None
            }
            Phase::Forward | Phase::RollingBack { .. } if shown.paused.is_some() => {
                sim.sleep(Duration::from_secs(7)).await;
                core.resume(RUN).await?;
                None
            }
            Phase::Forward | Phase::RollingBack { .. } => None,
            other => panic!("{other:?}"),
        };
        drop(run);
        if let Some(end) = end {
            engine.shutdown().await?;
            return Ok(Some((value, end)));
        }
        let (n, gap, verb) = {
            let mut outside = outside.lock().unwrap();
            let outside = &mut *outside;
            let n = outside.sent.len();
            assert!(n < MOST, "it does not come to its end; it is in {}", machine.graph.states[value.state].name);
            outside.sent.push(Sent { name: SIGNALS[outside.dice.below(SIGNALS.len())], tries: Vec::new() });
            let gap = [0, 1, 300, 1_000, 3_000, 12_000][outside.dice.below(6)];
            let verb = (outside.cancel_at == Some(n), outside.pause_at == Some(n), outside.park_at == Some(n));
            (n, gap, verb)
        };
        sim.sleep(Duration::from_millis(gap)).await;
        send(&core, sim, n, outside).await?;
        // Now and then the last one is delivered twice.
        if n % 5 == 0
            && outside.lock().unwrap().sent[n].tries.last().is_some_and(|(.., answer)| *answer == Answer::Taken)
        {
            send(&core, sim, n, outside).await?;
        }
        let answer = match verb {
            (true, ..) => core.cancel(RUN).await,
            (_, true, _) => {
                // Its deadlines go by.
                outside.lock().unwrap().away += 8 * SECOND;
                core.pause(RUN, "a while".to_owned()).await
            }
            (.., true) => {
                engine.shutdown().await?;
                return Ok(None);
            }
            _ => Ok(()),
        };
        match answer {
            Ok(()) | Err(Error::NotActive { .. } | Error::PastPivot { .. }) => {}
            Err(other) => return Err(other),
        }
    }
}

fn attempt(seed: u64, machine: &Arc<Machine>, sim: &Sim, world: &World) -> (Vec<String>, Tried) {
    let mut dice = Dice(seed ^ 0x5eed);
    let some = |dice: &mut Dice, of: usize| (dice.below(of) == 0).then(|| dice.below(25));
    let (cancel_at, pause_at, park_at) = (some(&mut dice, 6), some(&mut dice, 4), some(&mut dice, 3));
    let ends: Vec<(u64, Option<Loss>, u64)> = (0..dice.below(6))
        .map(|_| {
            let loss = Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied();
            (dice.below(150) as u64, loss, [0, 0, 1, 9, 40, 100][dice.below(6)])
        })
        .collect();
    let outside = Mutex::new(Outside {
        dice,
        sent: Vec::new(),
        seen: Vec::new(),
        cancel_at,
        pause_at,
        park_at,
        away: 0,
        was_stuck: false,
        began: None,
    });
    let mut crashes = 0;
    let mut ends = ends.into_iter();
    let (value, end) = loop {
        let end = ends.next();
        sim.disk().crash_at(end.map_or(u64::MAX, |(at, ..)| at));
        match sim.run_until_down(work(sim, machine, world, &outside)) {
            Some(Ok(Some(done))) => break done,
            Some(Ok(None)) => {}
            Some(Err(error)) => panic!("{error}"),
            None => {
                crashes += 1;
                match end.and_then(|(_, loss, _)| loss) {
                    Some(loss) => sim.crash(loss),
                    None => sim.kill(),
                }
            }
        }
        // Nobody is there for a while.
        let away = end.map_or(0, |(.., away)| away);
        sim.jump(Duration::from_secs(away));
        outside.lock().unwrap().away += away as i64 * SECOND;
    };
    sim.disk().crash_at(u64::MAX);
    let report = sim.run(async { builder(sim, machine, world).verify().await.unwrap() });
    let Outside { sent, away, was_stuck, began, .. } = outside.into_inner().unwrap();
    let timeouts = value.trail.iter().filter(|visit| matches!(visit.exit, Exit::Timeout(_))).count();
    let tried = Tried { visits: value.trail.len(), timeouts, crashes };
    let acts = world.acts.lock().unwrap().clone();
    let case = Case { machine, value, end, sent, acts, away, was_stuck, began: began.unwrap() };
    let mut broken = judge::broken(&case);
    broken.extend(report.problems.iter().map(|problem| format!("{problem:?}")));
    if !broken.is_empty() {
        broken.push(format!("{case:?}"));
    }
    (broken, tried)
}

#[expect(clippy::print_stderr, reason = "for whoever reads why the test failed")]
pub(super) fn try_one(seed: u64) -> Tried {
    let mut dice = Dice(seed);
    let machine = Arc::new(Machine::draw(&mut dice));
    let sim = Sim::new(dice.draw());
    sim.set_patience(Duration::from_secs(6 * 3_600));
    let world = World { acts: Arc::default(), sim: sim.clone() };
    match catch_unwind(AssertUnwindSafe(|| attempt(seed, &machine, &sim, &world))) {
        Ok((broken, tried)) if broken.is_empty() => tried,
        Ok((broken, _)) => {
            eprintln!("{}", broken.join("\n"));
            panic!("FACTUM_MACHINE={seed}: {}", broken[0])
        }
        Err(panic) => {
            eprintln!("FACTUM_MACHINE={seed}: {:?} {:?}", machine.graph.states, machine.scripts);
            std::panic::resume_unwind(panic)
        }
    }
}
