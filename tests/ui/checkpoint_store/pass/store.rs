//! A store with plain `async fn`s, generic, that waits, returns early and asks with `?`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use factum::{
    Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Lsn, Op, TableRow, checkpoint_store,
};

trait Lock: Debug + Send + Sync + 'static {
    fn check(&self) -> Result<(), Busy>;
}

#[derive(Debug)]
struct Busy;

impl From<Busy> for CheckpointError {
    fn from(_: Busy) -> CheckpointError {
        CheckpointError::transient("busy")
    }
}

#[derive(Debug)]
struct Free;

impl Lock for Free {
    fn check(&self) -> Result<(), Busy> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Rows {
    journals: BTreeMap<(u64, u64), Vec<u8>>,
    values: BTreeMap<(String, Vec<u8>), Vec<u8>>,
    applied: u64,
}

/// Its names are those that the expansion could take for its own.
#[derive(Debug)]
struct Store<L> {
    lock: L,
    rows: Mutex<Rows>,
}

#[derive(Debug)]
#[allow(dead_code, reason = "that it compiles is the test")]
enum Option {
    None,
}

/// What a store does before anything else.
async fn turn<L: Lock>(lock: &L) -> Result<(), Busy> {
    std::future::ready(lock.check()).await
}

#[checkpoint_store]
impl<L: Lock> CheckpointStore for Store<L> {
    /// Documented.
    async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError> {
        turn(&self.lock).await?;
        let mut rows = self.rows.lock().unwrap();
        if rows.journals.contains_key(&(run, sequence)) {
            return Err(CheckpointError::DuplicateSequence { run, sequence });
        }
        rows.journals.insert((run, sequence), row.to_vec());
        Ok(())
    }

    async fn load_run(&self, run: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        let rows = self.rows.lock().unwrap();
        let found = rows.journals.range((run, 0)..=(run, u64::MAX));
        Ok(found.map(|((_, sequence), row)| JournalRow { sequence: *sequence, row: row.clone() }).collect())
    }

    async fn clear(&self, run: u64) -> Result<(), CheckpointError> {
        self.rows.lock().unwrap().journals.retain(|(of, _), _| *of != run);
        Ok(())
    }

    async fn apply(&self, mut batch: Batch, lsn: Lsn) -> Result<(), CheckpointError> {
        batch.put("applied", "count", [1]);
        for op in batch.into_ops() {
            match op {
                Op::Append { run, sequence, row } => self.append(run, sequence, &row).await?,
                Op::Clear { run } => self.clear(run).await?,
                Op::Put { table, key, value } => {
                    self.rows.lock().unwrap().values.insert((table.into_owned(), key), value);
                }
                Op::Remove { table, key } => {
                    self.rows.lock().unwrap().values.remove(&(table.into_owned(), key));
                }
                _ => return Err(CheckpointError::other("an operation that it does not know")),
            }
        }
        self.rows.lock().unwrap().applied = lsn.0;
        Ok(())
    }

    async fn applied_lsn(&self) -> Result<Lsn, CheckpointError> {
        Ok(Lsn(self.rows.lock().unwrap().applied))
    }

    async fn get(&self, table: &str, key: &[u8]) -> Result<std::option::Option<Vec<u8>>, CheckpointError> {
        let rows = self.rows.lock().unwrap();
        Ok(rows.values.get(&(table.to_owned(), key.to_vec())).cloned())
    }

    async fn scan(&self, table: &str, range: KeyRange, limit: usize) -> Result<Vec<TableRow>, CheckpointError> {
        let rows = self.rows.lock().unwrap();
        let found = rows.values.iter().filter(|((of, key), _)| of == table && range.contains(key));
        let mut found: Vec<TableRow> = found.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        if range.descending {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    let store: Arc<dyn CheckpointStore> = Arc::new(Store { lock: Free, rows: Mutex::default() });
    now(store.append(1, 1, b"row")).unwrap();
    assert!(matches!(
        now(store.append(1, 1, b"row")),
        Err(CheckpointError::DuplicateSequence { run: 1, sequence: 1 })
    ));
    let mut batch = Batch::new();
    batch.append(1, 2, "row").put("t", "k", "v");
    now(store.apply(batch, Lsn(7))).unwrap();
    assert_eq!(now(store.applied_lsn()).unwrap(), Lsn(7));
    assert_eq!(now(store.load_run(1)).unwrap().len(), 2);
    assert_eq!(now(store.get("t", b"k")).unwrap().unwrap(), b"v");
    assert_eq!(now(store.scan("t", KeyRange::all(), 9)).unwrap().len(), 1);
    now(store.clear(1)).unwrap();
    assert_eq!(now(store.load_run(1)).unwrap(), []);
}
