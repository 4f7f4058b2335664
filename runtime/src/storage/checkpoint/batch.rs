//! What is applied at once.

use std::borrow::Cow;
use std::sync::Arc;

use super::CheckpointError;

/// The most bytes that a key of a table may have.
pub const MAX_KEY: usize = 2 << 10;
/// The most bytes that a row or a value may have.
pub const MAX_VALUE: usize = 64 << 20;
/// The most bytes that a table's name may have.
pub const MAX_TABLE_NAME: usize = 64;

/// One change of a checkpoint store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Adds a row to a run's journal; refused when the run has a row of this sequence.
    Append {
        /// The run.
        run: u64,
        /// The row's place in the journal.
        sequence: u64,
        /// The row.
        row: Vec<u8>,
    },
    /// Forgets a run's rows.
    Clear {
        /// The run.
        run: u64,
    },
    /// Sets the value of a key.
    Put {
        /// The table.
        table: Cow<'static, str>,
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Removes a key; one that is not there is no error.
    Remove {
        /// The table.
        table: Cow<'static, str>,
        /// The key.
        key: Vec<u8>,
    },
}

/// Changes that are made together, in the order in which they were added. Cheap to clone: clones share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    ops: Arc<Vec<Op>>,
}

impl Batch {
    /// A batch that changes nothing.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds a row to a run's journal.
    pub fn append(&mut self, run: u64, sequence: u64, row: impl Into<Vec<u8>>) -> &mut Batch {
        self.push(Op::Append { run, sequence, row: row.into() })
    }

    /// Forgets a run's rows.
    pub fn clear(&mut self, run: u64) -> &mut Batch {
        self.push(Op::Clear { run })
    }

    /// Sets the value of a key in a table.
    pub fn put(
        &mut self,
        table: impl Into<Cow<'static, str>>,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Batch {
        self.push(Op::Put { table: table.into(), key: key.into(), value: value.into() })
    }

    /// Removes a key from a table.
    pub fn remove(&mut self, table: impl Into<Cow<'static, str>>, key: impl Into<Vec<u8>>) -> &mut Batch {
        self.push(Op::Remove { table: table.into(), key: key.into() })
    }

    fn push(&mut self, op: Op) -> &mut Batch {
        Arc::make_mut(&mut self.ops).push(op);
        self
    }

    /// The changes, in order.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The changes, in order.
    #[must_use]
    pub fn into_ops(self) -> Vec<Op> {
        Arc::unwrap_or_clone(self.ops)
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Checks names and sizes. A store calls this before it changes anything.
    ///
    /// # Errors
    /// [`CheckpointError::TooLarge`] and [`CheckpointError::BadTable`].
    pub fn check(&self) -> Result<(), CheckpointError> {
        for op in self.ops() {
            match op {
                Op::Append { row, .. } => bounded("row", row, MAX_VALUE)?,
                Op::Clear { .. } => {}
                Op::Put { table, key, value } => {
                    check_name(table)?;
                    bounded("key", key, MAX_KEY)?;
                    bounded("value", value, MAX_VALUE)?;
                }
                Op::Remove { table, key } => {
                    check_name(table)?;
                    bounded("key", key, MAX_KEY)?;
                }
            }
        }
        Ok(())
    }
}

impl Extend<Op> for Batch {
    fn extend<I: IntoIterator<Item = Op>>(&mut self, ops: I) {
        Arc::make_mut(&mut self.ops).extend(ops);
    }
}

impl FromIterator<Op> for Batch {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> Batch {
        Batch { ops: Arc::new(ops.into_iter().collect()) }
    }
}

fn bounded(what: &'static str, bytes: &[u8], limit: usize) -> Result<(), CheckpointError> {
    if bytes.len() > limit {
        return Err(CheckpointError::TooLarge { what, bytes: bytes.len() as u64, limit: limit as u64 });
    }
    Ok(())
}

/// A table's name is one or more printable ASCII bytes, at most [`MAX_TABLE_NAME`].
fn check_name(name: &str) -> Result<(), CheckpointError> {
    let short = (1..=MAX_TABLE_NAME).contains(&name.len());
    if short && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(CheckpointError::BadTable { name: name.chars().take(MAX_TABLE_NAME).collect() })
}
