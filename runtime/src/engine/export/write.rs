//! From a run's durable records to lines.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::lines::{End, FORMAT, Head, Line, PART, Part, WHAT};
use crate::codec::BlobAt;
use crate::engine::Error;
use crate::engine::core::Core;
use crate::id::{Lsn, RunId};
use crate::record::Event;
use crate::record::json::{AsJson, Aside};
use crate::time::Timestamp;

/// A run as it is to be exported.
pub(crate) struct Export {
    id: RunId,
    workflow: String,
    version: u32,
    now: Timestamp,
    records: Vec<(Lsn, Timestamp, Event)>,
}

type Failure = Arc<dyn StdError + Send + Sync>;

impl Core {
    /// What a run has recorded until now, durably.
    pub(crate) async fn export(self: &Arc<Self>, id: &str) -> Result<Export, Error> {
        let run = self.obtain(id).await?;
        let (last, workflow, version) = {
            let inner = run.lock();
            (inner.last, inner.state.start.workflow.clone().into_owned(), inner.state.start.version)
        };
        self.journal.durable(last).await?;
        let mut records = Vec::new();
        for record in self.records_of(&run).await? {
            let event = self.journal.decoder().event(&record.stored(run.number));
            let event = event.map_err(|error| Error::Internal { reason: error.to_string() })?;
            if matches!(event, Event::RunDeleted {}) {
                return Err(Error::Forgotten { id: run.id.clone() });
            }
            records.push((record.lsn, record.time, event));
        }
        if records.is_empty() {
            return Err(Error::Forgotten { id: run.id.clone() });
        }
        Ok(Export { id: run.id.clone(), workflow, version, now: self.now(), records })
    }
}

impl Export {
    /// Writes the lines, and reads the blobs meanwhile.
    ///
    /// # Errors
    /// When a blob cannot be read, and when `out` fails.
    pub(crate) fn write(&self, out: &mut dyn io::Write) -> Result<(), Error> {
        self.lines(out).map_err(|source| Error::NotExported { id: self.id.clone(), source })
    }

    fn lines(&self, out: &mut dyn io::Write) -> Result<(), Failure> {
        let head = Head {
            factum: Cow::Borrowed(WHAT),
            format: FORMAT,
            id: Cow::Borrowed(self.id.as_str()),
            workflow: Cow::Borrowed(&self.workflow),
            version: self.version,
            exported: self.now,
        };
        line(out, &head)?;
        let mut written = BTreeSet::new();
        for (lsn, time, event) in &self.records {
            for blob in event.payloads().flat_map(|payload| payload.blobs()) {
                if written.insert(blob.at().id) {
                    parts(out, blob.at(), blob.open()?)?;
                }
            }
            for payload in event.payloads() {
                let bytes = payload.bytes().map_err(|error| error.0)?;
                if let (Event::ArtifactPut { .. }, Some(at)) = (event, payload.json_blob())
                    && written.insert(at.id)
                {
                    parts(out, at, bytes)?;
                }
            }
            line(out, &Line::new(*lsn, *time, AsJson(event), Aside::of(event)))?;
        }
        line(out, &End { end: true, records: self.records.len() as u64 })?;
        out.flush().map_err(failure)
    }
}

/// The lines of a blob that lies there and has these bytes, which an export says as they are.
fn parts(out: &mut dyn io::Write, at: BlobAt, bytes: &[u8]) -> Result<(), Failure> {
    let at = BlobAt { len: bytes.len() as u64, crc: crc32fast::hash(bytes), encrypted: false, ..at };
    let mut offset = 0;
    // An empty blob has one part, too.
    for part in bytes.chunks(PART).chain(bytes.is_empty().then_some(&[][..])) {
        line(out, &Part::new(&at, offset, BASE64_STANDARD.encode(part)))?;
        offset += part.len() as u64;
    }
    Ok(())
}

fn line(out: &mut dyn io::Write, line: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec(line).map_err(failure)?;
    text.push(b'\n');
    out.write_all(&text).map_err(failure)
}

fn failure(error: impl StdError + Send + Sync + 'static) -> Failure {
    Arc::new(error)
}
