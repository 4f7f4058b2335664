//! Copies of the segments of a live arena.

use std::path::Path;

use super::collect::Hold;
use super::segment;
use crate::storage::StorageError;

/// How much is copied at once.
const CHUNK: u64 = 1 << 20;

impl Hold {
    /// Copies the segments, as far as they are written, into the data directory `to`; durable when it returns. Blocks.
    ///
    /// # Errors
    /// IO. The copy is not whole then.
    pub(crate) fn copy_to(&self, to: &Path) -> Result<(), StorageError> {
        let disk = self.disk();
        let dir = to.join(segment::DIR);
        disk.create_dir_all(&dir)?;
        for copy in self.segments() {
            let Some(name) = copy.path.file_name() else { continue };
            let (from, file) = (disk.open(&copy.path)?, disk.create(&dir.join(name))?);
            file.allocate(copy.size)?;
            let mut chunk = vec![0; CHUNK as usize];
            let mut at = 0;
            while at < copy.used {
                let some = (copy.used - at).min(CHUNK) as usize;
                let read = from.read_at(&mut chunk[..some], at)?;
                if read < some {
                    return Err(StorageError::Damaged {
                        file: copy.path,
                        offset: at + read as u64,
                        expected: format!("{} bytes", copy.used),
                        found: (at + read as u64).to_string(),
                    });
                }
                file.write_all_at(&chunk[..some], at)?;
                at += some as u64;
            }
            file.sync_data()?;
        }
        disk.sync_dir(&dir)?;
        disk.sync_dir(to)?;
        Ok(())
    }
}
