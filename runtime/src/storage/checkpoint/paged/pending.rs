//! Pages that were written and are not in the file yet.
//!
//! redb writes the pages of a commit in no order. They are kept until they must be in the file, and go there in runs of
//! neighbours: that is fewer and longer writes of the same bytes.

use uuid::Uuid;

use super::layout::{STRIDE, seal_page};

/// So many are kept at most.
const PENDING: usize = 4096;
/// So many are written at once, at most.
const RUN: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Pending {
    pages: Vec<u64>,
    /// The bytes of those pages, with their checksums.
    sealed: Vec<u8>,
}

impl Pending {
    pub(super) fn add(&mut self, uuid: Uuid, page: u64, contents: &[u8]) {
        self.pages.push(page);
        seal_page(&mut self.sealed, uuid, page, contents);
    }

    pub(super) fn is_full(&self) -> bool {
        self.pages.len() >= PENDING
    }

    /// Gives runs of neighbours to `write`, each with the number of its first page; of a page that was written twice
    /// what was written last. Then nothing is kept.
    pub(super) fn drain<E>(&mut self, mut write: impl FnMut(u64, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let Pending { pages, sealed } = std::mem::take(self);
        let mut order: Vec<(u64, usize)> = pages.into_iter().zip(0..).collect();
        order.sort_unstable();
        let newest = order.chunk_by(|(one, _), (other, _)| one == other).filter_map(<[_]>::last);
        let newest: Vec<(u64, usize)> = newest.copied().collect();
        for run in newest.chunk_by(|(one, _), (other, _)| one + 1 == *other).flat_map(|run| run.chunks(RUN)) {
            let bytes: Vec<&[u8]> = run.iter().map(|(_, at)| &sealed[at * STRIDE..(at + 1) * STRIDE]).collect();
            write(run[0].0, &bytes.concat())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{PAGE, check_page};
    use super::*;

    #[test]
    fn neighbours_are_written_together_and_each_page_as_it_was_written_last() {
        const UUID: Uuid = Uuid::from_u128(7);
        let mut pending = Pending::default();
        for (page, byte) in [(9, 1), (4, 2), (5, 3), (9, 4), (3, 5), (7, 6)] {
            pending.add(UUID, page, &[byte; PAGE]);
        }
        for page in 100..100 + RUN as u64 + 1 {
            pending.add(UUID, page, &[0; PAGE]);
        }
        let mut runs = Vec::new();
        let written: Result<(), ()> = pending.drain(|first, bytes| {
            let pages = (first..).zip(bytes.chunks(STRIDE));
            runs.push(
                pages.map(|(page, sealed)| (page, check_page(UUID, page, sealed).unwrap()[0])).collect::<Vec<_>>(),
            );
            Ok(())
        });
        assert_eq!(written, Ok(()));
        assert_eq!(runs[..3], [vec![(3, 5), (4, 2), (5, 3)], vec![(7, 6)], vec![(9, 4)]]);
        assert_eq!(runs[3..].iter().map(Vec::len).collect::<Vec<_>>(), [RUN, 1]);
        let nothing = pending.drain(|first, _| Err(first));
        assert_eq!(nothing, Ok(()));
    }
}
