//! A saga that uses every operation. Each of its steps can be the one that fails.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

use crate::world::{Go, How, Oops, Work, World, by_output, ignored, plain, undone};

/// The steps that can fail, in the order in which the saga comes to them. With 0 none does.
pub const FAULTS: [&str; 17] = [
    "",
    "first",
    "by output",
    "part 1",
    "part 2",
    "joined",
    "joined part 1",
    "all 1",
    "all 2",
    "try 1",
    "try 2",
    "race 1",
    "turn",
    "child 1",
    "child 2",
    "last",
    "ship",
];

/// What a step does; it fails if it is the one that is to.
fn w(label: &str, fault: u32) -> Work {
    let fails = FAULTS.get(fault as usize) == Some(&label);
    Work { label: label.to_owned(), how: if fails { How::Refused } else { How::Well }, millis: 0 }
}

fn slow(label: &str, fault: u32) -> Work {
    Work { millis: 200, ..w(label, fault) }
}

#[factum::signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Nobody;

#[saga(app = World)]
pub async fn part(name: String, fault: u32) -> Result<(), Oops> {
    undone(w(&format!("{name} 1"), fault)).await?;
    ignored(w(&format!("{name} 2"), fault)).await?;
    Ok(())
}

/// It does something, and then takes too long.
#[saga(app = World)]
async fn loser(fault: u32) -> Result<(), Oops> {
    undone(w("race 1", fault)).await?;
    sleep(hours(1)).await;
    plain(w("never", fault)).await?;
    Ok(())
}

#[saga(app = World)]
pub async fn child(fault: u32) -> Result<u32, Oops> {
    undone(w("child 1", fault)).await?;
    sleep(seconds(1)).await;
    undone(w("child 2", fault)).await?;
    Ok(fault)
}

#[saga(app = World)]
pub async fn alone() -> Result<(), Oops> {
    sleep(seconds(1)).await;
    undone(w("alone", 0)).await?;
    Ok(())
}

/// Behind it nothing is undone.
#[step(pivot)]
async fn ship(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    if of.how == How::Refused {
        return Err(Oops::Refused(of.label));
    }
    io.app().did(io, &of.label);
    Ok(of.label)
}

/// Two turns of everything. With `pivot` the last step is one.
#[saga(app = World)]
pub async fn whole(fault: u32, pivot: bool, turn: u32) -> Result<String, Oops> {
    if turn == 0 {
        undone(w("first", fault)).await?;
        by_output(Work { how: if fault == 2 { How::Refused } else { How::Flaky }, ..w("by output", fault) }).await?;
        part("part".to_owned(), fault).await?;
        let moment = now().await;
        let chance = random::<u64>().await;
        let id = uuid().await;
        // A replay with other values would be another label.
        let drawn = undone(w(&format!("drawn {moment:?} {chance} {id}"), fault)).await?;
        publish(&drawn).await;
        let (step, saga) = join((undone(slow("joined", fault)), part("joined part".to_owned(), fault))).await;
        step?;
        saga?;
        let three = ["all 1", "all 2", "all 3"].map(|label| undone(slow(label, fault)));
        all(three).concurrency(2).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let three = ["try 1", "try 2", "try 3"].map(|label| undone(slow(label, fault)));
        try_all(three).await?;
        if let First(result) = race((loser(fault), sleep(seconds(1)))).await {
            result?;
        }
        sleep(seconds(4)).await;
        sleep_until(moment + seconds(20)).await;
        pause("a look by hand").await;
        return again(whole(fault, pivot, 1)).await;
    }
    let Go { n } = signal::<Go>().await;
    let nobody = signal::<Nobody>().timeout(millis(500)).await.is_err();
    undone(w("turn", fault)).await?;
    let own = spawn(alone()).id("alone").await;
    let linked = spawn(child(fault)).linked().id("linked").await;
    let told = (&linked).await.map_err(|error| Oops::Child(format!("{error:?}")))?;
    // Still at work when this fails.
    let _more = spawn(child(0)).linked().id("more").await;
    undone(w("last", fault)).await?;
    let _ended = own.await;
    if pivot {
        ship(w("ship", fault)).await?;
    } else {
        plain(w("ship", fault)).await?;
    }
    Ok(format!("{n} {nobody} {told}"))
}
