//! A file that can be written without being changed: what is written stays in memory.
//!
//! redb repairs what it opens; an inspection must not.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::layout::BLOCK;
use crate::platform::{File, Map};

#[derive(Debug)]
pub(super) struct Overlay {
    below: Arc<dyn File>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    len: u64,
    /// How much of the file below is still seen.
    seen: u64,
    /// What was written, by block.
    written: BTreeMap<u64, Vec<u8>>,
}

impl Overlay {
    pub(super) fn over(below: Arc<dyn File>) -> io::Result<Overlay> {
        let len = below.len()?;
        Ok(Overlay { below, state: Mutex::new(State { len, seen: len, written: BTreeMap::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as it is now; what lies beyond the end is zero.
    fn block(&self, state: &State, number: u64) -> io::Result<Vec<u8>> {
        if let Some(written) = state.written.get(&number) {
            return Ok(written.clone());
        }
        let mut block = vec![0; BLOCK as usize];
        let at = number * BLOCK;
        let there = state.seen.saturating_sub(at).min(BLOCK) as usize;
        self.below.read_at(&mut block[..there], at)?;
        Ok(block)
    }
}

/// The block that holds the byte at `offset`, where in it that is, and how many of `len` bytes lie in it.
fn part(offset: u64, len: usize) -> (u64, usize, usize) {
    let within = (offset % BLOCK) as usize;
    (offset / BLOCK, within, len.min(BLOCK as usize - within))
}

impl File for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state();
        let read = state.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        let mut done = 0;
        while done < read {
            let (number, within, some) = part(offset + done as u64, read - done);
            let block = self.block(&state, number)?;
            buf[done..done + some].copy_from_slice(&block[within..within + some]);
            done += some;
        }
        Ok(read)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state();
        let mut done = 0;
        while done < buf.len() {
            let (number, within, some) = part(offset + done as u64, buf.len() - done);
            let mut block = self.block(&state, number)?;
            block[within..within + some].copy_from_slice(&buf[done..done + some]);
            state.written.insert(number, block);
            done += some;
        }
        state.len = state.len.max(offset + buf.len() as u64);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if len < state.len {
            let (number, within, _) = part(len, 0);
            let mut block = self.block(&state, number)?;
            block[within..].fill(0);
            state.written.split_off(&number);
            state.written.insert(number, block);
            state.seen = state.seen.min(len);
        }
        state.len = len;
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.len = state.len.max(len);
        Ok(())
    }

    fn map(&self, _: u64) -> io::Result<Arc<dyn Map>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
