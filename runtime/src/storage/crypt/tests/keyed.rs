//! The cipher by itself.

use std::sync::Arc;

use super::*;
use crate::platform::Entropy;
use crate::storage::crypt::listed::MAX_KEYS;

const UUID: [u8; 16] = [7; 16];

fn id(name: &str) -> KeyId {
    KeyId::new(name).unwrap()
}

fn keys(name: &str, byte: u8) -> StaticKeys {
    StaticKeys::new(id(name), EncryptionKey::new([byte; 32]))
}

fn unlock(keys: impl KeyProvider, uuid: [u8; 16], listed: Option<&Encryption>) -> Result<Unlocked, StorageError> {
    Provider::new(keys).unlock(&real::entropy(), uuid, listed, "MANIFEST".to_owned())
}

fn cipher(keys: impl KeyProvider) -> Cipher {
    unlock(keys, UUID, None).unwrap().into_cipher()
}

fn encrypt(cipher: &Cipher, of: &Of<'_>, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let nonce = cipher.nonces(1).unwrap()[0];
    cipher.encrypt(nonce, of, &mut out, |out| out.extend_from_slice(bytes)).unwrap();
    out
}

const RECORD: Of<'static> = Of::Record { run: 1, lsn: Lsn(2), time: 3, kind: 4 };

#[test]
fn what_was_encrypted_opens_where_it_stood_and_nowhere_else() {
    let cipher = cipher(keys("k", 1));
    let places = [
        RECORD,
        Of::Record { run: 2, lsn: Lsn(2), time: 3, kind: 4 },
        Of::Record { run: 1, lsn: Lsn(3), time: 3, kind: 4 },
        Of::Record { run: 1, lsn: Lsn(2), time: 4, kind: 4 },
        Of::Record { run: 1, lsn: Lsn(2), time: 3, kind: 5 },
        Of::Row { table: "run", key: b"ab" },
        Of::Row { table: "runa", key: b"b" },
        Of::Row { table: "run", key: b"a" },
        Of::Blob { id: 1, schema: 2 },
        Of::Blob { id: 2, schema: 2 },
        Of::Blob { id: 2, schema: 1 },
        Of::Check { from: Lsn(1) },
        Of::Check { from: Lsn(2) },
    ];
    for (i, of) in places.iter().enumerate() {
        let encrypted = encrypt(&cipher, of, b"a secret");
        assert_eq!(encrypted.len() as u64, 8 + cipher.extra());
        assert_eq!(key_of(&encrypted), Ok(id("k")));
        assert!(!encrypted.windows(6).any(|bytes| bytes == b"secret"));
        for (j, other) in places.iter().enumerate() {
            match cipher.decrypt(other, &encrypted) {
                Ok(plain) => assert_eq!((i, &plain[..]), (j, &b"a secret"[..])),
                Err(error) => assert_eq!((i != j, error), (true, CryptError::Forged { key: id("k") })),
            }
        }
    }
    let elsewhere = unlock(keys("k", 1), [8; 16], None).unwrap().into_cipher();
    assert!(elsewhere.decrypt(&RECORD, &encrypt(&cipher, &RECORD, b"x")).is_err(), "another directory");
}

#[test]
fn every_byte_counts() {
    let cipher = cipher(keys("key", 1));
    let encrypted = encrypt(&cipher, &RECORD, b"bytes");
    for at in 0..encrypted.len() {
        let mut changed = encrypted.clone();
        changed[at] ^= 1;
        assert!(cipher.decrypt(&RECORD, &changed).is_err(), "byte {at}");
    }
    for len in 0..encrypted.len() {
        assert!(cipher.decrypt(&RECORD, &encrypted[..len]).is_err(), "{len} bytes");
    }
    assert_eq!(cipher.decrypt(&RECORD, &[]), Err(CryptError::Malformed));
    let twice = encrypt(&cipher, &RECORD, b"bytes");
    assert_ne!(encrypted, twice, "a nonce is used once");
}

#[test]
fn older_keys_read_and_the_current_one_writes() {
    let one = keys("one", 1);
    let old = encrypt(&cipher(one.clone()), &RECORD, b"x");
    let both = cipher(keys("two", 2).older(id("one"), EncryptionKey::new([1; 32])));
    assert_eq!(
        both.decrypt(&RECORD, &old),
        Err(CryptError::MissingKey { key: id("one") }),
        "only keys that are listed"
    );
    let listed = cipher(one).settle(Lsn(0)).unwrap().unwrap();
    let both = unlock(keys("two", 2).older(id("one"), EncryptionKey::new([1; 32])), UUID, Some(&listed)).unwrap();
    assert!(both.absent.is_empty());
    let both = both.into_cipher();
    assert_eq!(both.decrypt(&RECORD, &old).unwrap(), b"x");
    assert_eq!(key_of(&encrypt(&both, &RECORD, b"y")), Ok(id("two")));
    let settled = both.settle(Lsn(9)).unwrap().unwrap();
    assert_eq!(settled.keys().cloned().collect::<Vec<_>>(), [id("one"), id("two")]);
    assert_eq!((listed.from, settled.from), (Lsn(1), Lsn(1)), "since when is never another one");
    assert_eq!(Encryption::decode(&settled.encode()), Some(settled.clone()));
    for len in 0..settled.encode().len() {
        assert_eq!(Encryption::decode(&settled.encode()[..len]), None);
    }
}

#[test]
fn keys_that_are_missing_or_others_are_named() {
    let listed = cipher(keys("one", 1)).settle(Lsn(0)).unwrap().unwrap();
    let without = unlock(keys("two", 2), UUID, Some(&listed)).unwrap();
    assert_eq!(without.absent, [id("one")]);
    let settled = without.into_cipher().settle(Lsn(5)).unwrap().unwrap();
    assert_eq!(settled.keys().cloned().collect::<Vec<_>>(), [id("two")], "an absent key is forgotten");
    let wrong = unlock(keys("one", 2), UUID, Some(&listed)).unwrap_err();
    assert_eq!(wrong.to_string(), "MANIFEST cannot be had: what the key provider has for the key `one` is another key");
    let later = Encryption { from: Lsn(2), ..listed.clone() };
    assert_eq!(
        source(unlock(keys("one", 1), UUID, Some(&later)).unwrap_err()),
        CryptError::WrongKey { key: id("one") }
    );

    struct Broken;
    impl KeyProvider for Broken {
        fn current(&self) -> Result<KeyId, KeyError> {
            Err("the safe is shut".into())
        }
        fn key(&self, _: &KeyId) -> Result<Option<EncryptionKey>, KeyError> {
            Ok(None)
        }
    }
    let error = source(unlock(Broken, UUID, None).unwrap_err());
    assert_eq!(error.to_string(), "the key provider cannot name its current key: the safe is shut");

    struct Nothing;
    impl KeyProvider for Nothing {
        fn current(&self) -> Result<KeyId, KeyError> {
            Ok(id("none"))
        }
        fn key(&self, _: &KeyId) -> Result<Option<EncryptionKey>, KeyError> {
            Ok(None)
        }
    }
    assert_eq!(source(unlock(Nothing, UUID, None).unwrap_err()), CryptError::MissingKey { key: id("none") });
}

#[test]
fn as_many_keys_are_listed_as_there_is_room_for() {
    let mut listed = None;
    for n in 0..MAX_KEYS + 1 {
        // Only the newest key is there: the others are absent, and kept.
        let vault = unlock(keys(&n.to_string(), 1), UUID, None).unwrap();
        let Cipher(vault) = vault.into_cipher();
        let mut vault = Arc::into_inner(vault.unwrap()).unwrap();
        vault.was(listed.clone());
        match vault.settle(Lsn(0)) {
            Ok(settled) => listed = Some(settled),
            Err(error) => {
                assert_eq!((n, error), (MAX_KEYS, CryptError::TooManyKeys { limit: MAX_KEYS }));
                return;
            }
        }
    }
    panic!("there is no end to the list");
}

#[test]
fn names_of_keys_are_short_texts() {
    for name in ["", "a\nb", &"x".repeat(65)] {
        assert_eq!(KeyId::new(name), Err(InvalidKeyId));
    }
    assert_eq!("x".repeat(64).parse::<KeyId>().unwrap().to_string().len(), 64);
    assert_eq!(format!("{:?}", EncryptionKey::new([0x41; 32])), "EncryptionKey(..)");
    let shown = format!("{:?} {:?}", keys("k", 0x41), cipher(keys("k", 0x41)));
    assert!(!shown.contains("65") && !shown.contains("AA") && !shown.contains("0x41"), "{shown}");
}

#[test]
fn without_chance_nothing_is_encrypted() {
    #[derive(Debug)]
    struct NoChance;
    impl Entropy for NoChance {
        fn fill(&self, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::Error::other("no chance"))
        }
    }
    let entropy: Arc<dyn Entropy> = Arc::new(NoChance);
    let cipher = Provider::new(keys("k", 1)).unlock(&entropy, UUID, None, String::new()).unwrap().into_cipher();
    assert_eq!(cipher.nonces(1), Err(CryptError::NoEntropy { reason: "no chance".to_owned() }));
    assert!(cipher.settle(Lsn(0)).is_err());
}
