//! Reads all of a closed store and says what is wrong with it. Changes nothing.
//!
//! A page that nothing in use refers to may be torn: a write to it was interrupted. So what its checksum says counts
//! only if redb, which looks at every page in use, meets a page whose checksum is wrong.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use super::layout::{BadPage, Header, SLOTS_AT, STRIDE, check_page, logical, page_at};
use super::live::Live;
use super::overlay::Overlay;
use super::session::{Place, Session, check_stamp, read_slot, refused};
use crate::platform::{File, Fs, Open};
use crate::storage::checkpoint::CheckpointError;
use crate::storage::checkpoint::paged::layout::PAGE;
use crate::storage::problem::Problem;

/// What redb may take for its cache meanwhile.
const CACHE: usize = 4 << 20;

/// Where redb's header has its flags, and the one that says that it was not closed.
const FLAGS_AT: usize = 9;
const NOT_CLOSED: u8 = 2;

/// All that is wrong with the store in the file `path` of the data directory `uuid`.
pub(crate) fn verify(fs: &Arc<dyn Fs>, path: &Path, uuid: Uuid) -> Vec<Problem> {
    let place = Place { fs: fs.clone(), path: path.to_owned(), uuid, poison: Arc::new(OnceLock::new()) };
    match inspect(&place) {
        Ok(problems) => problems,
        Err(error) => vec![problem(path, error)],
    }
}

fn inspect(place: &Place) -> Result<Vec<Problem>, CheckpointError> {
    let path = &place.path;
    let file = place.fs.open(path, Open::Read).map_err(|e| refused("open", path, e))?;
    check_stamp(&*file, place)?;
    let mut problems = slots(&*file, place)?;
    let overlay = Overlay::over(file.clone()).map_err(|e| refused("read the length of", path, e))?;
    let opened = Session::over(Arc::new(overlay), place).and_then(|session| Live::over(session, path, CACHE));
    match opened.and_then(Live::check) {
        Ok(()) => {}
        Err(error @ CheckpointError::Damaged { .. }) => {
            let seen = problem(path, error);
            let pages = pages(&*file, place)?;
            if !pages.iter().chain(&problems).any(|problem| problem.offset == seen.offset) {
                problems.push(seen);
            }
            problems.extend(pages);
        }
        Err(error) => problems.push(problem(path, error)),
    }
    Ok(problems)
}

/// A slot of the header that is wrong although the store was closed.
fn slots(file: &dyn File, place: &Place) -> Result<Vec<Problem>, CheckpointError> {
    let slots = [read_slot(file, place, 0)?, read_slot(file, place, 1)?];
    let closed = slots.iter().flatten().all(is_closed);
    let wrong = slots.iter().zip(SLOTS_AT).filter(|(slot, _)| slot.is_none() && closed);
    let problems = wrong.map(|(_, offset)| Problem {
        file: place.path.clone(),
        offset,
        expected: "a header with its checksum".to_owned(),
        found: "none".to_owned(),
    });
    Ok(problems.collect())
}

fn is_closed(header: &Header) -> bool {
    header.contents.get(FLAGS_AT).is_some_and(|flags| flags & NOT_CLOSED == 0)
}

/// Every page whose checksum is wrong.
fn pages(file: &dyn File, place: &Place) -> Result<Vec<Problem>, CheckpointError> {
    let len = file.len().map_err(|e| refused("read the length of", &place.path, e))?;
    let mut sealed = vec![0; STRIDE];
    let mut problems = Vec::new();
    for page in 1..logical(len) / PAGE as u64 {
        let offset = page_at(page);
        let read = file.read_at(&mut sealed, offset).map_err(|e| refused("read", &place.path, e))?;
        let unwritten = sealed.iter().all(|byte| *byte == 0);
        if read < STRIDE || unwritten {
            continue; // nobody wrote it yet, or it is being cut off
        }
        if let Err(BadPage { expected, found }) = check_page(place.uuid, page, &sealed) {
            problems.push(Problem {
                file: place.path.clone(),
                offset,
                expected: format!("page {page} with the checksum {expected:#010x}"),
                found: format!("{found:#010x}"),
            });
        }
    }
    Ok(problems)
}

fn problem(path: &Path, error: CheckpointError) -> Problem {
    match error {
        CheckpointError::Damaged { file, offset, expected, found } => Problem { file, offset, expected, found },
        error => Problem {
            file: path.to_owned(),
            offset: 0,
            expected: "a checkpoint store of this data directory".to_owned(),
            found: error.to_string(),
        },
    }
}
