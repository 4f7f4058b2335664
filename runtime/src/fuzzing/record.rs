//! Bodies of records and rows of the checkpoint.

use crate::engine::reread;
use crate::record::Event;

/// The first byte from which on the bytes are a row; below it is the kind of a record.
const ROWS: u8 = 250;

/// Reads a record's body, of the kind that the first byte says, or a row of the checkpoint.
///
/// # Panics
/// When what could be read is not written as it stood.
pub fn record(bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    let again = if kind < ROWS {
        Event::decode(kind, body, None, None).ok().map(|event| {
            let mut again = Vec::new();
            event.encode(&mut again);
            // What a user is shown of it can be shown.
            drop((event.to_string(), format!("{event:?}")));
            again
        })
    } else {
        reread(kind - ROWS, body)
    };
    if let Some(again) = again {
        assert_eq!(again, body, "it was read, and is written otherwise");
    }
}
