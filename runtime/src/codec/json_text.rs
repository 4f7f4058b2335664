//! Tokens of a JSON text.

/// The length of the string that a text starts with, quotes included.
pub(crate) fn string_len(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().skip(1).position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of the number or word that a text starts with.
pub(crate) fn scalar_len(text: &[u8]) -> usize {
    text.iter().take_while(|byte| !b",]}".contains(byte)).count()
}
