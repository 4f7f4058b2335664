//! The secrets that live in this process.
//!
//! What must always hold: a secret can be found from before anybody can expose it until its last clone is dropped.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::MIN_SECRET;
use super::forms::Forms;

#[derive(Default)]
struct Live {
    forms: BTreeMap<u64, Forms>,
    last: u64,
}

static LIVE: RwLock<Live> = RwLock::new(Live { forms: BTreeMap::new(), last: 0 });

fn live() -> RwLockReadGuard<'static, Live> {
    LIVE.read().unwrap_or_else(PoisonError::into_inner)
}

fn change() -> RwLockWriteGuard<'static, Live> {
    LIVE.write().unwrap_or_else(PoisonError::into_inner)
}

/// A secret is known until this is dropped.
pub(super) struct Known(Option<u64>);

impl Known {
    pub(super) fn new(secret: &[u8]) -> Known {
        let secret = secret.trim_ascii();
        if secret.len() < MIN_SECRET {
            return Known(None);
        }
        let forms = Forms::of(secret);
        let mut live = change();
        live.last += 1;
        let number = live.last;
        live.forms.insert(number, forms);
        Known(Some(number))
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        let Some(number) = self.0 else { return };
        // Overwritten outside the lock.
        let forms = change().forms.remove(&number);
        drop(forms);
    }
}

/// Where a text has a secret in it, in some form.
pub(in crate::io) fn found(text: &str) -> Vec<Range<usize>> {
    let live = live();
    let mut found = Vec::new();
    for forms in live.forms.values() {
        for form in forms.texts() {
            found.extend(all(text, form));
        }
        found.extend(forms.plain().and_then(|plain| cut(text, plain)));
    }
    found
}

/// Where a JSON text has a secret in it as numbers, its bytes.
pub(in crate::io) fn found_numbers(json: &str) -> Vec<Range<usize>> {
    let ends = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_digit());
    let whole = |at: &Range<usize>| {
        let (before, after) = (&json.as_bytes()[..at.start], &json.as_bytes()[at.end..]);
        ends(before.last()) && ends(after.first())
    };
    live().forms.values().flat_map(|forms| all(json, forms.numbers()).filter(whole).collect::<Vec<_>>()).collect()
}

/// Every place of a form in a text, also those that overlap.
fn all<'t>(text: &'t str, form: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(form)?;
        from = start + form.chars().next().map_or(1, char::len_utf8);
        Some(start..start + form.len())
    })
}

/// The beginning of a secret at the end of a text that was cut.
fn cut(text: &str, plain: &str) -> Option<Range<usize>> {
    let text = text.strip_suffix('…').or_else(|| text.strip_suffix("..."))?;
    let ends = plain.char_indices().map(|(end, _)| end).filter(|end| *end >= MIN_SECRET).rev();
    ends.map(|end| &plain[..end]).find(|part| text.ends_with(part)).map(|part| text.len() - part.len()..text.len())
}
