//! Counting what was wrong while reading, and saying it once per file.

use crate::audit::{Code, Finding};
use crate::trace::names::{NameId, Names};

/// How often something was met, and where first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    first_byte: Option<u64>,
}

impl Tally {
    /// Adds `count` at `offset` of the text.
    pub(super) fn add(&mut self, count: u64, offset: u64) {
        if count > 0 {
            self.count += count;
            self.first_byte.get_or_insert(offset);
        }
    }

    /// Adds what another lane met.
    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.first_byte = self.first_byte.into_iter().chain(other.first_byte).min();
    }

    /// The finding, where there is something to find.
    pub(super) fn finding(&self, code: Code, message: impl FnOnce(u64) -> String) -> Option<Finding> {
        let first_byte = self.first_byte.filter(|_| self.count > 0)?;
        Some(Finding::new(code, self.count, message(self.count)).at(first_byte))
    }
}

/// How often something was met, naming the first by content (start, then name): independent of the file's order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ContentTally {
    pub(super) count: u64,
    first: Option<(i64, NameId)>,
}

impl ContentTally {
    /// Adds an event.
    pub(super) fn add(&mut self, start_ns: i64, name: NameId, names: &Names) {
        self.count += 1;
        self.see(start_ns, name, names);
    }

    /// Adds what another lane met; `renamed` gives its names' ids in `names`.
    pub(super) fn join(&mut self, other: Self, renamed: impl Fn(NameId) -> NameId, names: &Names) {
        self.count += other.count;
        if let Some((start_ns, name)) = other.first {
            self.see(start_ns, renamed(name), names);
        }
    }

    fn see(&mut self, start_ns: i64, name: NameId, names: &Names) {
        let is_first = self
            .first
            .is_none_or(|(first_start, first_name)| (start_ns, names.get(name)) < (first_start, names.get(first_name)));
        if is_first {
            self.first = Some((start_ns, name));
        }
    }

    /// The finding, where there is something to find; `message` gets the count and the first event in words.
    pub(super) fn finding(
        &self,
        code: Code,
        names: &Names,
        origin_ns: i64,
        message: impl FnOnce(u64, &str) -> String,
    ) -> Option<Finding> {
        let (start_ns, name) = self.first?;
        let after = start_ns.saturating_sub(origin_ns);
        let first = format!("first: {} at {after} ns", names.get(name));
        Some(Finding::new(code, self.count, message(self.count, &first)))
    }
}
