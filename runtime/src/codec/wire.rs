//! Bytes of records: fixed and variable-length integers, length-prefixed bytes.
//!
//! A reader never trusts a length: it is compared with what is left before
//! anything is taken or allocated.

/// Writes a variable-length integer: seven bits a byte, lowest first, the high bit on all but the last.
pub(crate) fn varint(mut word: u64, mut put: impl FnMut(u8)) {
    while word >= 0x80 {
        put((word & 0x7f) as u8 | 0x80);
        word >>= 7;
    }
    put(word as u8);
}

/// Reads a variable-length integer; `None` when the bytes end early, the
/// number needs more than 64 bits, or it is not written in the fewest bytes.
pub(crate) fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut word = 0u64;
    for (i, &byte) in rest.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if i == 9 && bits > 1 {
            return None;
        }
        word |= bits << (7 * i);
        if byte & 0x80 == 0 {
            if byte == 0 && i > 0 {
                return None;
            }
            *rest = &rest[i + 1..];
            return Some(word);
        }
    }
    None
}

/// Writes the fields of a record's body, one after the other.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Writer { out }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.out.push(u8::from(flag));
    }

    pub(crate) fn number(&mut self, number: u64) {
        varint(number, |byte| self.out.push(byte));
    }

    /// A fixed field of 8 bytes, little-endian.
    pub(crate) fn fixed(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A byte that says whether there is one, then the value.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// What is wrong with a record's body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the body ends in the middle of its {field}")]
    Short { field: &'static str },
    #[error("{count} bytes are left over at the end of the body")]
    Long { count: usize },
    #[error("its {field} is {found}, which this version does not know")]
    Unknown { field: &'static str, found: u64 },
    #[error("its {field} is not {expected}")]
    Malformed { field: &'static str, expected: &'static str },
}

/// Reads what [`Writer`] wrote. Every length is checked before it is used.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body }
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Long { count: self.rest.len() }) }
    }

    fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(WireError::Short { field })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.take(field, 1).map(|byte| byte[0])
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, WireError> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Malformed { field, expected: "0 or 1" }),
        }
    }

    pub(crate) fn number(&mut self, field: &'static str) -> Result<u64, WireError> {
        if self.rest.is_empty() {
            return Err(WireError::Short { field });
        }
        read_varint(&mut self.rest).ok_or(WireError::Malformed { field, expected: "a whole number" })
    }

    pub(crate) fn small(&mut self, field: &'static str) -> Result<u32, WireError> {
        u32::try_from(self.number(field)?).map_err(|_| WireError::Malformed { field, expected: "a 32-bit number" })
    }

    pub(crate) fn fixed(&mut self, field: &'static str) -> Result<u64, WireError> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.number(field)?;
        // A length beyond the address space is beyond the body too.
        self.take(field, usize::try_from(len).unwrap_or(usize::MAX))
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes(field)?).map_err(|_| WireError::Malformed { field, expected: "UTF-8" })
    }

    pub(crate) fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.flag(field)? { read(self).map(Some) } else { Ok(None) }
    }
}
