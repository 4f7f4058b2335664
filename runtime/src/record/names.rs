//! The names that the code knows: what is read from disk takes no memory for one of them.

use std::fmt;

use super::Name;

/// Names of workflows and steps, found by their text.
#[derive(Default)]
pub(crate) struct Names {
    /// Open addressing: as many places as a power of two says, at most half of them taken.
    places: Vec<Option<&'static str>>,
}

impl Names {
    pub(crate) fn new(names: impl IntoIterator<Item = &'static str>) -> Names {
        let names: Vec<_> = names.into_iter().collect();
        let mut places = vec![None; (names.len() * 2).next_power_of_two()];
        for name in names {
            let place = probe(&places, name);
            places[place] = Some(name);
        }
        Names { places }
    }

    /// The name that this text is.
    pub(crate) fn name(&self, text: &str) -> Name {
        let known = if self.places.is_empty() { None } else { self.places[probe(&self.places, text)] };
        known.map_or_else(|| Name::Owned(text.to_owned()), Name::Borrowed)
    }
}

/// Where a text is, or would be.
fn probe(places: &[Option<&'static str>], text: &str) -> usize {
    let mask = places.len() - 1;
    let mut place = hash(text.as_bytes()) as usize & mask;
    while places[place].is_some_and(|known| known != text) {
        place = (place + 1) & mask;
    }
    place
}

/// Nobody from outside chooses the names: their length, beginning and end tell most of them apart.
fn hash(text: &[u8]) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let some = text.len().min(8);
    let (first, last) = (word(&text[..some]), word(&text[text.len() - some..]));
    let mixed = (first ^ last.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 32
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.places.iter().flatten()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_borrowed_and_what_is_not_is_kept() {
        let known = ["", "a", "charge", "charge_card", "charge_cord", "release", "relea\u{e9}se", "a"];
        let names = Names::new(known);
        for name in known {
            assert!(matches!(names.name(name), Name::Borrowed(found) if found == name), "{name}");
        }
        for name in ["b", "charge_", "charge_curd", "chargecharge"] {
            assert_eq!(names.name(name), Name::Owned(name.to_owned()));
            assert!(matches!(Names::default().name(name), Name::Owned(_)));
        }
    }
}
