//! A session with redb on top, and what is made of redb's errors and panics.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Builder, Database};

use super::backend::Backend;
use super::layout::PAGES_AT;
use super::session::{Place, Session, refused};
use super::tables;
use crate::storage::checkpoint::CheckpointError;

/// What ended a piece of work early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The call was refused and changed nothing; redb is well.
    Refused(CheckpointError),
    /// redb said so.
    Redb(redb::Error),
    /// redb panicked.
    Panicked(String),
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        Trouble::Redb(error.into())
    }
}

/// What redb may keep in memory of a copy in the making.
const COPY_CACHE: usize = 8 << 20;

fn in_the_making(place: &Place) -> PathBuf {
    place.path.with_extension("redb.new")
}

/// An open database. Dropped, it is closed if nothing went wrong in it, and else left as it is.
#[derive(Debug)]
pub(super) struct Live {
    /// Gone only while it is dropped.
    database: Option<Database>,
    session: Arc<Session>,
    path: PathBuf,
}

impl Live {
    /// Opens the file, which is made if it is not there.
    pub(super) fn open(place: &Place, cache_bytes: usize) -> Result<Live, CheckpointError> {
        // One that was never finished only takes room. Where it cannot be removed nothing is made, either.
        let _: io::Result<()> = place.fs.remove(&in_the_making(place));
        match Session::open(place) {
            Ok(session) => Live::over(session, &place.path, cache_bytes),
            Err(CheckpointError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Live::create(place, cache_bytes)?;
                let session = Session::open(place).inspect_err(|_| {
                    // Its name may be on disk or not, and nothing is in it: the next process makes it anew, if it can.
                    let _: io::Result<()> = place.fs.remove(&place.path);
                })?;
                Live::over(session, &place.path, cache_bytes)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes an empty store under another name, and gives it its own once it is whole. The name becomes durable when
    /// it is opened.
    fn create(place: &Place, cache_bytes: usize) -> Result<(), CheckpointError> {
        Live::make(place, cache_bytes)?.close()?;
        Live::give_name(place)
    }

    /// An empty store under the name of one in the making.
    fn make(place: &Place, cache_bytes: usize) -> Result<Live, CheckpointError> {
        let made = in_the_making(place);
        match place.fs.remove(&made) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(refused("remove", &made, e)),
        }
        let session = Session::create(place, &made)?;
        Live::over(session, &made, cache_bytes)
    }

    /// Makes a copy under the name of one in the making: whole, closed and synced.
    pub(super) fn copy(&self, place: &Place, cache_bytes: usize) -> Result<(), CheckpointError> {
        // What is copied is written once, in order.
        let made = Live::make(place, cache_bytes.min(COPY_CACHE));
        let copied = made.and_then(|made| {
            self.work(|from| made.commit(|to| tables::copy(from, to)).map_err(Trouble::Refused))
                // What failed may have been a read of this one.
                .map_err(|error| self.fault().unwrap_or(error))?;
            made.shrink()?.close()
        });
        copied.inspect_err(|_| {
            let _: io::Result<()> = place.fs.remove(&in_the_making(place));
        })
    }

    /// Moves pages from the file's end to where there is room, and cuts it.
    fn shrink(mut self) -> Result<Live, CheckpointError> {
        if let Some(mut database) = self.database.take() {
            guarded(|| Ok(database.compact()?)).map_err(|trouble| self.verdict(trouble))?;
            self.database = Some(database);
        }
        Ok(self)
    }

    /// What was made becomes the store. The name becomes durable when it is opened.
    pub(super) fn give_name(place: &Place) -> Result<(), CheckpointError> {
        let made = in_the_making(place);
        place.fs.rename(&made, &place.path).map_err(|e| {
            let _: io::Result<()> = place.fs.remove(&made);
            refused("rename", &made, e)
        })
    }

    /// Puts redb on a session.
    pub(super) fn over(session: Session, path: &Path, cache_bytes: usize) -> Result<Live, CheckpointError> {
        let mut live = Live { database: None, session: Arc::new(session), path: path.to_owned() };
        let backend = Backend(live.session.clone());
        let opened = guarded(|| Ok(Builder::new().set_cache_size(cache_bytes).create_with_backend(backend)?));
        live.database = Some(opened.map_err(|trouble| live.verdict(trouble))?);
        live.session.mirror()?;
        Ok(live)
    }

    /// Does something with the database. An error that is no refusal ends the session.
    pub(super) fn work<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, CheckpointError> {
        let done = guarded(|| match &self.database {
            Some(database) => work(database),
            None => Err(Trouble::Redb(redb::Error::DatabaseClosed)),
        });
        done.map_err(|trouble| self.verdict(trouble))
    }

    /// As [`work`](Self::work); what it committed is then the same in both slots of the header.
    pub(super) fn commit<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, CheckpointError> {
        let done = self.work(work)?;
        self.session.mirror()?;
        Ok(done)
    }

    /// What ended it, after which nothing more can be done with it.
    pub(super) fn fault(&self) -> Option<CheckpointError> {
        self.session.fault()
    }

    /// Another file has taken this one's name.
    pub(super) fn replaced(&self) {
        self.session.replaced();
    }

    /// After its end, and before the file is opened again.
    pub(super) fn give_back(&self) {
        self.session.give_back();
    }

    /// From now on nothing is written, unless all is well; gives whether it is.
    pub(super) fn leave_unless(&self, well: bool) -> bool {
        if !well {
            self.session.end(CheckpointError::other("the engine has failed"));
        }
        well
    }

    /// Looks at every page that is in use.
    pub(super) fn check(mut self) -> Result<(), CheckpointError> {
        let Some(mut database) = self.database.take() else { return Ok(()) };
        let sound = guarded(|| Ok(database.check_integrity()?)).map_err(|trouble| self.verdict(trouble))?;
        self.database = Some(database);
        match sound {
            true => Ok(()),
            false => Err(self.unfit("a store that had to be repaired".to_owned())),
        }
    }

    /// Closes it and says whether all went well.
    pub(super) fn close(mut self) -> Result<(), CheckpointError> {
        match self.database.take() {
            Some(database) => guarded(|| Ok(database.close()?)).map_err(|trouble| self.verdict(trouble)),
            None => Ok(()),
        }
    }

    /// The error that trouble amounts to. What the session saw counts more than what redb made of it.
    fn verdict(&self, trouble: Trouble) -> CheckpointError {
        let error = match trouble {
            Trouble::Refused(error) => return error,
            Trouble::Panicked(message) => CheckpointError::Panicked { message },
            Trouble::Redb(redb::Error::Corrupted(found)) => self.unfit(found),
            // The disk refuses nothing in these words: redb looked for a page behind the file's end.
            Trouble::Redb(redb::Error::Io(source)) if source.kind() == io::ErrorKind::UnexpectedEof => {
                self.unfit("a file that ends before them".to_owned())
            }
            Trouble::Redb(redb::Error::Io(source)) => refused("use", &self.path, source),
            Trouble::Redb(error) => CheckpointError::other(error),
        };
        self.session.end(error)
    }
}

impl Live {
    /// Every page is as it was written, and yet they are no store.
    fn unfit(&self, found: String) -> CheckpointError {
        let expected = "pages that fit together".to_owned();
        CheckpointError::Damaged { file: self.path.clone(), offset: PAGES_AT, expected, found }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(database) = self.database.take() {
            // What fails here fails after all that was answered; the next one to open the file recovers it.
            let _: Result<(), Trouble> = guarded(|| {
                drop(database);
                Ok(())
            });
        }
    }
}

/// Does something in which redb may panic. It is used no more when it did.
fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Trouble::Panicked(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
