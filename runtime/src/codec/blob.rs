//! Large bytes that stand beside the records: what a value holds of them.
//!
//! A [`Blob`] in a value is written as `{"$blob":<id>}`; the payload that it
//! stands in keeps the blob itself. Where a blob lies is said in the record
//! ([`BlobAt`]) and may change; its id does not. What must always hold: a
//! `Blob` that exists was checked, so that its bytes can be had without an error.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::thread::LocalKey;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a blob lies in the arena, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobAt {
    /// Counted up from 1 in a data directory; a blob that moves keeps it.
    pub(crate) id: u64,
    /// The number of the arena's segment.
    pub(crate) segment: u64,
    /// Where its header is, in bytes from the segment's start.
    pub(crate) offset: u64,
    /// How many bytes stand there, without its header: if it is encrypted some more than it has.
    pub(crate) len: u64,
    /// CRC-32 of the bytes that stand there.
    pub(crate) crc: u32,
    /// A hash of the name of the type that the bytes encode; 0 for plain bytes.
    pub(crate) schema: u64,
    /// Whether what stands there is encrypted.
    pub(crate) encrypted: bool,
}

/// What is set in a checksum, as records and rows write it, of a blob that is encrypted.
const ENCRYPTED: u64 = 1 << 32;

impl BlobAt {
    /// What stays the same wherever the blob moves: length, checksum and schema of what stands there, and whether it
    /// is encrypted.
    pub(crate) fn content(&self) -> (u64, u32, u64, bool) {
        (self.len, self.crc, self.schema, self.encrypted)
    }

    /// The checksum as records and rows write it: it says, too, whether the blob is encrypted.
    pub(crate) fn crc_word(&self) -> u64 {
        u64::from(self.crc) | if self.encrypted { ENCRYPTED } else { 0 }
    }

    /// The checksum of a record or a row, and whether the blob is encrypted; none if the number is neither.
    pub(crate) fn split_crc(word: u64) -> Option<(u32, bool)> {
        let crc = u32::try_from(word & !ENCRYPTED).ok()?;
        Some((crc, word & ENCRYPTED != 0))
    }
}

/// What stands for a blob in a text that is to be the same wherever the blob lies: its length and checksum.
pub(super) fn content(blobs: &[NamedBlob], id: u64) -> Option<String> {
    let blob = blobs.iter().find(|blob| blob.at().id == id)?;
    let (len, crc) = match blob.at() {
        // What is said of it is said of what was made of its bytes.
        at if at.encrypted => blob.open().map(|blob| (blob.len() as u64, blob.crc())).ok()?,
        at => (at.len, at.crc),
    };
    Some(format!("\"{len}-{crc:08x}\""))
}

/// Why a blob cannot be had: it is damaged, missing, or cannot be read.
pub(crate) type BlobError = Arc<dyn Error + Send + Sync>;

/// Where blobs are opened.
pub(crate) trait BlobSource: Send + Sync + fmt::Debug {
    /// The blob that lies there, or where it has moved to, checked.
    fn open(&self, at: &BlobAt) -> Result<Blob, BlobError>;
}

/// Large or binary bytes, written once and read in place (decrypted into memory, if the data directory is encrypted).
/// Cheap to clone.
///
/// Made by [`Io::put`](crate::Io::put) in a step and by
/// [`Engine::put`](crate::Engine::put); derefs to `[u8]`. In a value that is
/// recorded it takes a few bytes: the blob itself stands in the arena, once.
/// A run keeps every blob that its records name for as long as it is known itself.
///
/// Only what factum records can be decoded again: a `Blob` in JSON from
/// elsewhere is an error. Two blobs are equal when their bytes are.
#[derive(Clone)]
pub struct Blob {
    at: BlobAt,
    /// CRC-32 of the bytes.
    crc: u32,
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
}

impl Blob {
    /// A blob whose bytes were checked; `crc` is their CRC-32.
    pub(crate) fn new(at: BlobAt, crc: u32, bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Blob {
        Blob { at, crc, bytes }
    }

    /// The CRC-32 of the bytes.
    pub(crate) fn crc(&self) -> u32 {
        self.crc
    }

    /// Where it lay when it was opened.
    pub(crate) fn at(&self) -> BlobAt {
        self.at
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        **self == **other
    }
}

impl Eq for Blob {}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.at.id, self.len())
    }
}

/// A blob that a record names; opened when it is first wanted.
#[derive(Clone)]
pub(crate) struct NamedBlob {
    at: BlobAt,
    source: Option<Arc<dyn BlobSource>>,
    opened: Arc<OnceLock<Blob>>,
}

impl NamedBlob {
    /// The blob that a record says lies there. Without a source it cannot be opened.
    pub(crate) fn new(at: BlobAt, source: Option<Arc<dyn BlobSource>>) -> NamedBlob {
        NamedBlob { at, source, opened: Arc::default() }
    }

    pub(crate) fn at(&self) -> BlobAt {
        self.opened.get().map_or(self.at, Blob::at)
    }

    /// The blob itself.
    pub(crate) fn open(&self) -> Result<&Blob, BlobError> {
        if let Some(blob) = self.opened.get() {
            return Ok(blob);
        }
        let Some(source) = &self.source else {
            return Err(format!("blob {} was not to be read here", self.at.id).into_error());
        };
        let blob = source.open(&self.at)?;
        Ok(self.opened.get_or_init(|| blob))
    }
}

trait IntoError {
    fn into_error(self) -> BlobError;
}

impl IntoError for String {
    fn into_error(self) -> BlobError {
        Arc::from(Box::<dyn Error + Send + Sync>::from(self))
    }
}

impl From<Blob> for NamedBlob {
    fn from(blob: Blob) -> NamedBlob {
        NamedBlob { at: blob.at, source: None, opened: Arc::new(OnceLock::from(blob)) }
    }
}

impl fmt::Debug for NamedBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedBlob").field(&self.at).finish()
    }
}

/// The one member of a blob's JSON object.
pub(super) const MEMBER: &str = "$blob";

/// What serde cannot carry along: the blobs of the value that this thread is encoding or decoding.
#[derive(Default)]
struct Carried {
    decoding: Vec<NamedBlob>,
    /// Why a blob could not be opened.
    failed: Option<BlobError>,
}

thread_local! {
    /// How many values this thread is encoding, one inside the other.
    static ENCODING: Cell<u32> = const { Cell::new(0) };
    /// Their blobs, with those values' depths.
    static ENCODED: RefCell<Vec<(u32, NamedBlob)>> = const { RefCell::new(Vec::new()) };
    static CARRIED: RefCell<Carried> = const { RefCell::new(Carried { decoding: Vec::new(), failed: None }) };
}

/// Puts back what was there before, however the closure ends.
struct Restore<T: 'static>(&'static LocalKey<RefCell<T>>, Option<T>);

impl<T> Restore<T> {
    fn replace(local: &'static LocalKey<RefCell<T>>, fresh: T) -> Restore<T> {
        Restore(local, Some(local.replace(fresh)))
    }
}

impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        if let Some(before) = self.1.take() {
            self.0.set(before);
        }
    }
}

/// Runs `encode`, and gives with its result the blobs that it wrote.
pub(super) fn collect<T>(encode: impl FnOnce() -> T) -> (T, Vec<NamedBlob>) {
    /// Ends the encoding of one value, and drops what it has left behind.
    struct Depth(u32);

    impl Drop for Depth {
        fn drop(&mut self) {
            ENCODING.set(self.0 - 1);
            if std::thread::panicking() {
                drop(taken(self.0));
            }
        }
    }

    let depth = Depth(ENCODING.get() + 1);
    ENCODING.set(depth.0);
    let value = encode();
    (value, taken(depth.0))
}

/// The blobs that were encoded at a depth.
fn taken(depth: u32) -> Vec<NamedBlob> {
    ENCODED.with_borrow_mut(|encoded| {
        // Most values have none.
        let from = encoded.iter().rposition(|(of, _)| *of < depth).map_or(0, |at| at + 1);
        encoded.drain(from..).map(|(_, blob)| blob).collect()
    })
}

/// Runs `decode`, which may ask for these blobs. Gives with its result why one could not be opened.
pub(super) fn offer<T>(blobs: &[NamedBlob], decode: impl FnOnce() -> T) -> (T, Option<BlobError>) {
    let _restore = Restore::replace(&CARRIED, Carried { decoding: blobs.to_vec(), failed: None });
    let value = decode();
    let failed = CARRIED.with_borrow_mut(|carried| carried.failed.take());
    (value, failed)
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let depth = ENCODING.get();
        ENCODED.with_borrow_mut(|encoded| {
            let mut known = encoded.iter().rev().take_while(|(of, _)| *of == depth);
            if depth > 0 && !known.any(|(_, known)| known.at.id == self.at.id) {
                encoded.push((depth, self.clone().into()));
            }
        });
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(MEMBER, &self.at.id)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        struct Member;

        impl<'de> Visitor<'de> for Member {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a blob, as `{{\"{MEMBER}\":<id>}}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Blob, A::Error> {
                let Some(MEMBER) = map.next_key::<String>()?.as_deref() else {
                    return Err(A::Error::missing_field(MEMBER));
                };
                let id: u64 = map.next_value()?;
                if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    return Err(A::Error::custom(format!("a blob has the member `{MEMBER}` alone")));
                }
                let named = CARRIED.with_borrow(|carried| carried.decoding.iter().find(|b| b.at.id == id).cloned());
                let named = named.ok_or_else(|| A::Error::custom(format!("blob {id} is not one of this value's")))?;
                named.open().cloned().map_err(|error| {
                    let text = error.to_string();
                    CARRIED.with_borrow_mut(|carried| carried.failed = Some(error));
                    A::Error::custom(text)
                })
            }
        }

        deserializer.deserialize_map(Member)
    }
}
