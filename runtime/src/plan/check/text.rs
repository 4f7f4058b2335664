//! Text that the compiler puts together.

/// The most bytes of a text.
const MOST: usize = 768;

/// A text of a limited length; what does not fit is cut off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    bytes: [u8; MOST],
    len: usize,
}

impl Text {
    /// No text.
    pub(crate) const EMPTY: Text = Text { bytes: [0; MOST], len: 0 };

    /// The text with another one behind it.
    pub(crate) const fn with(mut self, more: &str) -> Text {
        let more = more.as_bytes();
        let mut count = more.len();
        if count > MOST - self.len {
            count = MOST - self.len;
            // Not in the middle of a character: those bytes begin with 10.
            while count > 0 && more[count] & 0xc0 == 0x80 {
                count -= 1;
            }
        }
        let mut i = 0;
        while i < count {
            self.bytes[self.len + i] = more[i];
            i += 1;
        }
        self.len += count;
        self
    }

    /// The text with a name in backticks behind it.
    pub(crate) const fn name(self, name: &str) -> Text {
        self.with("`").with(name).with("`")
    }

    pub(crate) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Only whole characters were put in.
            Err(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "ä".repeat(MOST);
        let text = Text::EMPTY.with("a").with(&long);
        assert_eq!(text.as_str().len(), MOST - 1);
        assert_eq!(text.as_str(), &format!("a{long}")[..MOST - 1]);
        assert_eq!(Text::EMPTY.name("a").with(" b").as_str(), "`a` b");
    }
}
