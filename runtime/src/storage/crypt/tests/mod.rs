//! What is encrypted, and the directory that it is in.

#[cfg(feature = "encrypt")]
mod keyed;

use super::*;
use crate::platform::real;
use crate::storage::{DataDir, StorageError};

fn source(error: StorageError) -> CryptError {
    match error {
        StorageError::Encrypted { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_manifest_that_lists_keys_opens_with_keys_alone() {
    let temp = tempfile::tempdir().unwrap();
    let (platform, dir) = (real::platform().unwrap(), temp.path());
    let mut data = DataDir::open(&platform, dir).unwrap();
    // Encrypted from LSN 0 on, with no key.
    data.manifest.encryption = Encryption::decode(&[0; 12]);
    data.manifest.store(&data.disk, dir).unwrap();
    drop(data);
    let data = DataDir::open(&platform, dir).unwrap();
    let error = data.unlock(&platform.entropy, None).unwrap_err();
    let shown = format!(
        "the data directory `{}` cannot be had: it is encrypted: build with feature `encrypt` and give \
         `Builder::encrypt(..)`",
        dir.display()
    );
    assert_eq!((error.to_string(), source(error)), (shown, CryptError::NoKeys));
    // A version that knows nothing of encryption reads up to format version 1.
    let mut bytes = [0; 80];
    let read = data.disk.open(&dir.join("MANIFEST")).unwrap().read_at(&mut bytes, 0).unwrap();
    assert_eq!((read, &bytes[8..12]), (76, &[2, 0, 0, 0][..]));
    let older = crate::storage::stamp::check(&bytes[..read], *b"FACTUMDB").unwrap_err();
    assert!(matches!(older.of(dir), StorageError::NewerFormat { found: 2, supported: 1, .. }));
}

#[test]
fn what_is_encrypted_is_none_without_keys() {
    let of = Of::Record { run: 1, lsn: Lsn(1), time: 1, kind: 1 };
    let none = Cipher::default();
    assert_eq!(none.body(&of, true, b"\x03key"), Err(CryptError::NoKeys));
    assert_eq!(none.body(&of, false, b"plain").unwrap(), &b"plain"[..]);
    assert_eq!((none.is_on(), none.extra(), none.nonces(9)), (false, 0, Ok(Vec::new())));
}
