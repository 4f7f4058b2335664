//! What tells a request from others and is never recorded, as [`Transport::withheld`](super::Transport::withheld) gives it.
//!
//! What must always hold: different parts give different bytes, however they are cut.

/// Parts of it, one behind the other, each with its length before it.
#[derive(Default)]
pub(super) struct Withheld(Vec<u8>);

impl Withheld {
    /// Adds one.
    pub(super) fn part(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.extend((part.len() as u64).to_be_bytes());
        self.0.extend(part);
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Withheld;

    fn of(parts: &[&str]) -> Vec<u8> {
        let mut all = Withheld::default();
        for part in parts {
            all.part(part);
        }
        all.bytes()
    }

    #[test]
    fn parts_that_are_cut_elsewhere_are_others() {
        assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
        for other in [&["ab", "c"][..], &["abc"], &["a", "bc", ""], &["a", "b", "c"], &["bc", "a"], &[]] {
            assert_ne!(of(other), of(&["a", "bc"]), "{other:?}");
        }
    }
}
