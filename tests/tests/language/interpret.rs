//! The one saga that does what a tree says.

use factum::prelude::*;

use crate::tree::{Does, Kind, Node};
use crate::world::{Go, Oops, World, aborted, by_output, ignored, looked, plain, undone};

/// Does one thing after the other, until one fails whose error is not handled.
#[saga(app = World)]
pub async fn interpret(nodes: Vec<Node>) -> Result<(), Oops> {
    for Node { handled, does } in nodes {
        let result = match does {
            Does::Step(Kind::Plain, work) => plain(work).await.map(drop),
            Does::Step(Kind::Undone, work) => undone(work).await.map(drop),
            Does::Step(Kind::Aborted, work) => aborted(work).await.map(drop),
            Does::Step(Kind::ByOutput, work) => by_output(work).await.map(drop),
            Does::Step(Kind::Ignored, work) => ignored(work).await.map(drop),
            Does::Step(Kind::Looked, work) => looked(work).await.map(drop),
            Does::Nested(nodes) => interpret(nodes).await,
            Does::Join(mut branches) => {
                let third = (branches.len() == 3).then(|| branches.pop()).flatten();
                let (second, first) = (branches.pop().unwrap_or_default(), branches.pop().unwrap_or_default());
                match third {
                    Some(third) => {
                        let (a, b, c) = join((interpret(first), interpret(second), interpret(third))).await;
                        a.and(b).and(c)
                    }
                    None => {
                        let (a, b) = join((interpret(first), interpret(second))).await;
                        a.and(b)
                    }
                }
            }
            Does::All(branches, limit) => {
                let results = all(branches.into_iter().map(interpret)).concurrency(limit).await;
                results.into_iter().collect()
            }
            Does::TryAll(branches, limit) => {
                let results = try_all(branches.into_iter().map(interpret)).concurrency(limit).await;
                results.map(drop)
            }
            Does::Race(mut branches) => {
                let third = (branches.len() == 3).then(|| branches.pop()).flatten();
                let (second, first) = (branches.pop().unwrap_or_default(), branches.pop().unwrap_or_default());
                match third {
                    Some(third) => match race((interpret(first), interpret(second), interpret(third))).await {
                        First(result) | Second(result) | Third(result) => result,
                        _ => Ok(()),
                    },
                    None => match race((interpret(first), interpret(second))).await {
                        First(result) | Second(result) => result,
                        _ => Ok(()),
                    },
                }
            }
            Does::AllSteps(works) => {
                let results = all(works.into_iter().map(undone)).await;
                results.into_iter().collect::<Result<Vec<String>, Oops>>().map(drop)
            }
            Does::TrySteps(works) => try_all(works.into_iter().map(undone)).await.map(drop),
            Does::StepOrSleep(work, limit) => match race((aborted(work), sleep(millis(limit)))).await {
                First(result) => result.map(drop),
                _ => Ok(()),
            },
            Does::SignalOrSleep(limit) => match race((signal::<Go>(), sleep(millis(limit)))).await {
                First(_) => Ok(()),
                _ => Err(Oops::Elapsed),
            },
            Does::Sleep(limit) => {
                sleep(millis(limit)).await;
                Ok(())
            }
            Does::Wait(None) => {
                signal::<Go>().await;
                Ok(())
            }
            Does::Wait(Some(limit)) => signal::<Go>().timeout(millis(limit)).await.map(drop).map_err(|_| Oops::Elapsed),
        };
        if !handled {
            result?;
        }
    }
    Ok(())
}
