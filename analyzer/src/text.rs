//! Text that came out of a file. Nothing in it is trusted: it has no `Display`, so whoever prints it must choose an
//! escape (`render::escape`).

use std::sync::Arc;

/// A name, path or message from an input. Cheap to clone; ordered by bytes, which is every table's last tie-break.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Untrusted(Arc<str>);

impl Untrusted {
    /// Marks `text` as having come from outside.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The text itself, for comparing, classifying and escaping; never for printing as it is.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

/// What `error` and its causes say, joined by colons. A cause that its parent has quoted already is left out.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
