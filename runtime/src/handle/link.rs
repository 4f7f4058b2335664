//! An engine as its runs' handles hold it: they do not keep it going.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crate::engine::{Core, Error, Result};

/// The way from a run's handle to its engine.
pub(super) struct Link {
    core: Weak<Core>,
    dir: PathBuf,
}

impl Link {
    pub(super) fn new(core: &Arc<Core>) -> Arc<Link> {
        Arc::new(Link { core: Arc::downgrade(core), dir: core.dir.clone() })
    }

    /// The engine, if somebody still has it.
    pub(super) fn core(&self) -> Result<Arc<Core>> {
        self.core.upgrade().ok_or_else(|| Error::Stopped { dir: self.dir.clone() })
    }
}
