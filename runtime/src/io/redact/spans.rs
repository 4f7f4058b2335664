//! The parts of a text that are hidden, found each by itself and hidden at once.

use std::ops::Range;

use super::HIDDEN;

/// Parts of a text.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Range<usize>>);

impl Spans {
    /// Adds some; what has no length hides nothing.
    pub(super) fn add(&mut self, spans: impl IntoIterator<Item = Range<usize>>) {
        self.0.extend(spans.into_iter().filter(|span| !span.is_empty()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with each part hidden, those that touch as one; `None` if that changes nothing.
    pub(super) fn hide(mut self, text: &str) -> Option<String> {
        self.0.sort_unstable_by_key(|span| (span.start, span.end));
        let mut hidden = String::with_capacity(text.len());
        let mut spans = self.0.into_iter().peekable();
        let mut shown = 0;
        while let Some(Range { start, mut end }) = spans.next() {
            while let Some(next) = spans.next_if(|next| next.start <= end) {
                end = end.max(next.end);
            }
            hidden.push_str(text.get(shown..start)?);
            hidden.push_str(HIDDEN);
            shown = end;
        }
        hidden.push_str(text.get(shown..)?);
        (hidden != text).then_some(hidden)
    }
}
