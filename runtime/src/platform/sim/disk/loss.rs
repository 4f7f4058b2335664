//! What a loss of power takes, as pure functions from what is not synced to what of it survives.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::names::Change;
use super::node::{Unsynced, What};
use crate::platform::sim::Dice;

/// What of all that was not synced is lost when the power fails.
///
/// *Contents* are the bytes and lengths of files, *names* what directories hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: all of it happened to be on the medium.
    Nothing,
    /// All of it.
    Everything,
    /// Any subset, as the dice fall: for each file all, nothing, any writes, any sectors, or all up to a torn one; for
    /// each directory all, nothing, all up to one, or any that do not depend on one that is lost.
    Any,
    /// The newest change; a write is torn.
    Last,
    /// All but the newest change, which overtook the others.
    AllButLast,
    /// The names, and no contents.
    Names,
    /// The contents, and no names.
    Contents,
}

impl Loss {
    /// Every pattern; [`Any`](Loss::Any) is to be tried with several dice.
    pub const ALL: [Loss; 7] =
        [Loss::Nothing, Loss::Everything, Loss::Any, Loss::Last, Loss::AllButLast, Loss::Names, Loss::Contents];
}

/// What becomes of one unsynced change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Lost,
    /// Each sector is kept or lost.
    Torn,
}

/// Decides what survives.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) loss: Loss,
    /// The number of the newest unsynced operation.
    pub(super) newest: u64,
    pub(super) dice: &'a mut Dice,
}

impl Judge<'_> {
    /// What becomes of each of one file's changes.
    pub(super) fn contents(&mut self, unsynced: &[Unsynced]) -> Vec<Fate> {
        let newest = self.newest;
        let by = |fate: &dyn Fn(&Unsynced) -> Fate| unsynced.iter().map(fate).collect();
        match self.loss {
            Loss::Nothing | Loss::Names => by(&|_| Fate::Kept),
            Loss::Everything | Loss::Contents => by(&|_| Fate::Lost),
            Loss::Last => by(&|one| if one.number == newest { Fate::Torn } else { Fate::Kept }),
            Loss::AllButLast => by(&|one| if one.number == newest { Fate::Kept } else { Fate::Lost }),
            Loss::Any => self.any_contents(unsynced),
        }
    }

    fn any_contents(&mut self, unsynced: &[Unsynced]) -> Vec<Fate> {
        let dice = &mut *self.dice;
        let style = dice.below(5);
        // Changes of the length are kept in order, up to some.
        let lens = unsynced.iter().filter(|one| matches!(one.what, What::Len(_))).count();
        let mut lens_kept = dice.below(lens + 1);
        let torn = dice.below(unsynced.len());
        let mut fate = |(i, one): (usize, &Unsynced)| match style {
            0 => Fate::Lost,
            1 => Fate::Kept,
            2 => match i.cmp(&torn) {
                std::cmp::Ordering::Less => Fate::Kept,
                std::cmp::Ordering::Equal => Fate::Torn,
                std::cmp::Ordering::Greater => Fate::Lost,
            },
            _ => match &one.what {
                What::Len(_) if lens_kept > 0 => {
                    lens_kept -= 1;
                    Fate::Kept
                }
                What::Len(_) => Fate::Lost,
                What::Data { .. } if style == 3 => Fate::Torn,
                What::Data { .. } if dice.coin() => Fate::Kept,
                What::Data { .. } => Fate::Lost,
            },
        };
        unsynced.iter().enumerate().map(&mut fate).collect()
    }

    /// Which changes of names are kept.
    pub(super) fn names(&mut self, changes: &[Change]) -> Vec<bool> {
        let newest = self.newest;
        let wanted = match self.loss {
            Loss::Nothing | Loss::Contents => vec![true; changes.len()],
            Loss::Everything | Loss::Names => vec![false; changes.len()],
            Loss::Last => changes.iter().map(|one| one.number != newest).collect(),
            Loss::AllButLast => changes.iter().map(|one| one.number == newest).collect(),
            Loss::Any => self.any_names(changes),
        };
        possible(changes, wanted)
    }

    fn any_names(&mut self, changes: &[Change]) -> Vec<bool> {
        let mut of_dir: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for (i, change) in changes.iter().enumerate() {
            of_dir.entry(change.dir()).or_default().push(i);
        }
        let mut kept = vec![false; changes.len()];
        for ours in of_dir.values() {
            let style = self.dice.below(4);
            let some = self.dice.below(ours.len() + 1);
            for (nth, &i) in ours.iter().enumerate() {
                kept[i] = match style {
                    0 => false,
                    1 => true,
                    2 => nth < some,
                    _ => self.dice.coin(),
                };
            }
        }
        kept
    }
}

/// Takes away what cannot be without something that is lost: a change of a name that was changed before.
fn possible(changes: &[Change], mut kept: Vec<bool>) -> Vec<bool> {
    for later in 0..changes.len() {
        let blocked = (0..later).any(|before| !kept[before] && changes[before].shares_a_name(&changes[later]));
        kept[later] &= !blocked;
    }
    kept
}
