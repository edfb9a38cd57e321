//! What texts came to, so that what is written the same again is not decoded again.

use crate::trace::names::Names;

/// So many texts are remembered: whoever writes more differs in each.
const MOST_KNOWN: usize = 1 << 16;
/// Longer ones are not.
const MOST_BYTES: usize = 4096;

/// Texts with what they came to.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    texts: Names,
    /// By the number of the text.
    ids: Vec<u32>,
}

impl Spellings {
    /// What `text` came to, or comes to by `decode`.
    pub(super) fn of(&mut self, text: &[u8], decode: impl FnOnce() -> u32) -> u32 {
        if let Some(known) = self.texts.find_bytes(text).and_then(|known| self.ids.get(known.index())) {
            return *known;
        }
        let id = decode();
        if self.ids.len() < MOST_KNOWN && text.len() <= MOST_BYTES && self.texts.intern_bytes(text).is_some() {
            self.ids.push(id);
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decoded_once() {
        let mut spellings = Spellings::default();
        assert_eq!([b"a", b"b", b"a"].map(|text| spellings.of(text, || u32::from(text[0]))), [97, 98, 97]);
        assert_eq!(spellings.of(b"a", || unreachable!()), 97);
        assert_eq!(spellings.of(b"", || 7), 7);
        assert_eq!(spellings.of(b"", || unreachable!()), 7);
        assert_eq!([1, 2].map(|id| spellings.of(b"\xff", || id)), [1, 2], "no text");
    }
}
