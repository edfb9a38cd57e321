//! Interned names: millions of events share thousands of names.

use crate::text::Untrusted;
use crate::units::widen;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// A name of one `Trace`. Valid for the [`Names`] that made it; its number means nothing and never orders anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NameId(u32);

impl NameId {
    /// No name: the argument was not in the event.
    pub const NONE: Self = Self(u32::MAX);

    /// The id as it is stored in a column.
    #[must_use]
    pub const fn column(self) -> u32 {
        self.0
    }

    /// The id out of a column.
    #[must_use]
    pub const fn from_column(value: u32) -> Self {
        Self(value)
    }

    /// The id as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        widen(self.0)
    }
}

/// What the names are called for which there is no room.
const OTHER_NAMES: &str = "(other names)";
/// All names together may be this long: one name can be 64 MiB.
const MOST_TEXT_BYTES: usize = 2 << 30;

/// All names of one trace, end to end in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Names {
    text: String,
    /// Where each name ends in `text`; it starts where the one before ends.
    ends: Vec<usize>,
    lookup: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// How many there may be, if not as many as there are ids.
    most: Option<u32>,
    /// What all further names are, once there are too many.
    other: Option<NameId>,
}

impl Names {
    /// Room for so many names; all others become one.
    pub(crate) fn with_room_for(most: u32) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// Whether there were more names than there was room for.
    #[must_use]
    pub fn has_overflowed(&self) -> bool {
        self.other.is_some()
    }

    /// The id of `text`, made where it is new; that of all other names where there is no room for more.
    pub fn intern(&mut self, text: &str) -> NameId {
        self.known(text.as_bytes()).unwrap_or_else(|hash| self.insert(text, hash))
    }

    /// The same for text that is UTF-8, which is looked at only where it is new; `None` where it is not.
    pub(crate) fn intern_bytes(&mut self, text: &[u8]) -> Option<NameId> {
        match self.known(text) {
            Ok(id) => Some(id),
            Err(hash) => Some(self.insert(std::str::from_utf8(text).ok()?, hash)),
        }
    }

    /// The id of `text`, where it is a name.
    pub(crate) fn find_bytes(&self, text: &[u8]) -> Option<NameId> {
        self.known(text).ok()
    }

    /// The id of `text`, or its hash.
    fn known(&self, text: &[u8]) -> Result<NameId, u64> {
        let hash = self.hasher.hash_one(text);
        let found = self.lookup.find(hash, |&id| self.get(NameId(id)).as_bytes() == text);
        found.map(|&id| NameId(id)).ok_or(hash)
    }

    fn insert(&mut self, text: &str, hash: u64) -> NameId {
        if let Some(other) = self.other {
            return other;
        }
        let is_full = crate::units::narrow(self.ends.len()) >= self.most.unwrap_or(u32::MAX - 1)
            || self.text.len() + text.len() > MOST_TEXT_BYTES;
        if !is_full {
            return self.append(text, hash);
        }
        let other = self.known(OTHER_NAMES.as_bytes()).unwrap_or_else(|hash| self.append(OTHER_NAMES, hash));
        self.other = Some(other);
        other
    }

    fn append(&mut self, text: &str, hash: u64) -> NameId {
        let id = crate::units::narrow(self.ends.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let (ends, all, hasher) = (&self.ends, &self.text, &self.hasher);
        self.lookup.insert_unique(hash, id, |&other| hasher.hash_one(slice(all, ends, other).as_bytes()));
        NameId(id)
    }

    /// The text of `id`; empty for [`NameId::NONE`].
    #[must_use]
    pub fn get(&self, id: NameId) -> &str {
        slice(&self.text, &self.ends, id.0)
    }

    /// The text of `id`, to be carried into a table.
    #[must_use]
    pub fn untrusted(&self, id: NameId) -> Untrusted {
        Untrusted::new(self.get(id))
    }

    /// What `says` says of every name, by id: asked once each, however many events have it.
    pub fn each<T>(&self, says: impl Fn(&str) -> T) -> Vec<T> {
        (0..crate::units::narrow(self.len())).map(|id| says(self.get(NameId(id)))).collect()
    }

    /// How many distinct names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rank of every name in byte order, by id: turns name comparisons in sorts into integer comparisons.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..crate::units::narrow(self.len())).collect();
        order.sort_unstable_by_key(|&id| self.get(NameId(id)));
        let mut ranks = vec![0; order.len()];
        for (rank, id) in order.into_iter().enumerate() {
            if let Some(slot) = ranks.get_mut(widen(id)) {
                *slot = crate::units::narrow(rank);
            }
        }
        ranks
    }

    /// The id of `text`, where it is a name of this trace.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<NameId> {
        self.find_bytes(text.as_bytes())
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let index = widen(id);
    let Some(&end) = ends.get(index) else { return "" };
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    text.get(start..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stored_once_and_found_again() {
        let mut names = Names::default();
        let first = names.intern("aten::mm");
        let empty = names.intern("");
        assert_eq!(names.intern("aten::mm"), first);
        assert_ne!(first, empty);
        assert_eq!((names.get(first), names.get(empty), names.get(NameId::NONE)), ("aten::mm", "", ""));
        assert_eq!(names.len(), 2);
        assert_eq!(names.find("aten::mm"), Some(first));
    }

    #[test]
    fn beyond_the_room_all_names_are_one() {
        let mut names = Names::with_room_for(2);
        let known = ["a", "b"].map(|name| names.intern(name));
        assert!(!names.has_overflowed());
        let other = names.intern("c");
        assert_eq!((names.intern("d"), names.intern("a"), names.get(other)), (other, known[0], "(other names)"));
        assert!(names.has_overflowed() && names.len() == 3);
    }

    #[test]
    fn ranks_follow_byte_order() {
        let mut names = Names::default();
        for name in ["b", "a", "B"] {
            names.intern(name);
        }
        assert_eq!(names.ranks(), [2, 1, 0]);
    }
}
