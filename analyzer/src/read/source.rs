//! Bytes of one input, uncompressed and as UTF-8, block by block.

use super::gzip::{Gunzip, GzipFacts};
use std::io::{Chain, Cursor, Read};

/// One block of text: enough to be worth handing out, and still in the cache of who inflated it when he reads it.
pub(super) const BLOCK_BYTES: usize = 512 << 10;
/// Room in front of a block's text, for what is left of the block before: so that no text is ever copied but the event
/// that a block's end cuts.
const HEADROOM: usize = 64 << 10;

/// What the layers below the text say once it has ended.
#[derive(Debug, Default)]
pub(super) struct SourceFacts {
    pub(super) gzip: GzipFacts,
    /// A byte order mark was there, or the text was UTF-16.
    pub(super) encoding: Option<&'static str>,
    /// UTF-16 units without partner.
    pub(super) bad_units: u64,
    /// The read error that ended the text.
    pub(super) error: Option<std::io::Error>,
}

/// A piece of text with room in front of it.
#[derive(Default)]
pub(super) struct Block {
    /// Room ([`HEADROOM`] bytes at first), then the text, then what is left of a block before.
    bytes: Vec<u8>,
    from: usize,
    end: usize,
    /// Its memory is one of the few that go round, whose number bounds how much of the text is held.
    in_ring: bool,
}

impl Block {
    /// The text.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(self.from..self.end).unwrap_or_default()
    }

    /// Drops the first `count` bytes of the text.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.from = (self.from + count).min(self.end);
    }

    /// Drops the text from `length` on.
    pub(super) fn truncate(&mut self, length: usize) {
        self.end = (self.from + length).min(self.end);
    }

    /// This text and that of `next` behind it. Where both are of the ring, the memory that is left over is returned, to be
    /// given back: the shorter text is copied, as a rule.
    pub(super) fn joined(mut self, mut next: Self) -> (Self, Option<Vec<u8>>) {
        let (in_ring, both) = (self.in_ring || next.in_ring, self.in_ring && next.in_ring);
        let length = self.text().len();
        if let Some(from) = next.from.checked_sub(length)
            && let Some(room) = next.bytes.get_mut(from..next.from)
        {
            room.copy_from_slice(self.text());
            return (Self { from, in_ring, ..next }, both.then_some(self.bytes));
        }
        self.bytes.truncate(self.end);
        self.bytes.drain(..self.from);
        self.bytes.extend_from_slice(next.text());
        (Self { from: 0, end: self.bytes.len(), in_ring, bytes: self.bytes }, both.then_some(next.bytes))
    }

    /// The memory, if it is of the ring.
    pub(super) fn into_ring(self) -> Option<Vec<u8>> {
        self.in_ring.then_some(self.bytes)
    }

    /// A copy of the text from `from` on, in memory of its own.
    pub(super) fn copy_from(&self, from: usize) -> Self {
        let bytes = self.text().get(from..).unwrap_or_default().to_vec();
        Self { from: 0, end: bytes.len(), in_ring: false, bytes }
    }
}

/// The text of one input, produced as it is asked for.
pub(super) struct Source<'r> {
    input: Input<'r>,
    encoding: Option<Encoding>,
    block_bytes: usize,
    facts: SourceFacts,
}

/// The input, at its start and further on.
enum Input<'r> {
    Unopened(Box<dyn Read + Send + 'r>),
    Open(Bytes<Box<dyn Read + Send + 'r>>),
    Ended,
}

impl<'r> Source<'r> {
    /// The text of `input` in blocks of `block_bytes`.
    pub(super) fn new(input: Box<dyn Read + Send + 'r>, block_bytes: usize) -> Self {
        Self { input: Input::Unopened(input), encoding: None, block_bytes, facts: SourceFacts::default() }
    }

    /// The next block, in `memory`; `None` once the text has ended.
    pub(super) fn next(&mut self, memory: Vec<u8>, in_ring: bool) -> Option<Block> {
        let mut block = Block { bytes: memory, from: HEADROOM, end: HEADROOM, in_ring };
        while block.text().is_empty() && !self.ended() {
            if let Err(error) = self.fill(&mut block) {
                self.facts.error = Some(error);
                self.input = Input::Ended;
            }
        }
        (!block.text().is_empty()).then_some(block)
    }

    /// Whether the text has ended.
    pub(super) fn ended(&self) -> bool {
        matches!(self.input, Input::Ended)
    }

    /// Nothing more is wanted.
    pub(super) fn stop(&mut self) {
        self.input = Input::Ended;
    }

    /// What the layers below said.
    pub(super) fn take_facts(&mut self) -> SourceFacts {
        std::mem::take(&mut self.facts)
    }

    fn fill(&mut self, block: &mut Block) -> std::io::Result<()> {
        let mut bytes = match std::mem::replace(&mut self.input, Input::Ended) {
            Input::Unopened(mut input) => {
                let head = read_head(&mut input)?;
                let is_gzip = head.starts_with(&[0x1f, 0x8b]);
                let bytes = Cursor::new(head).chain(input);
                if is_gzip { Bytes::Gzip(Box::new(Gunzip::new(bytes))) } else { Bytes::Plain(bytes) }
            }
            Input::Open(bytes) => bytes,
            Input::Ended => return Ok(()),
        };
        block.bytes.resize(HEADROOM + self.block_bytes, 0);
        let text = block.bytes.get_mut(HEADROOM..).unwrap_or_default();
        let mut length = 0;
        let filled = bytes.fill(text, &mut length);
        self.facts.gzip = bytes.facts();
        self.facts.error = filled.err(); // what came before it counts
        let is_last = length < self.block_bytes;
        let facts = &mut self.facts;
        let encoding = self.encoding.get_or_insert_with(|| {
            let (encoding, mark) = Encoding::of(text.get(..length).unwrap_or_default());
            facts.encoding = encoding.finding(mark);
            text.copy_within(mark..length, 0);
            length -= mark;
            encoding
        });
        (block.from, block.end) = (HEADROOM, HEADROOM + length);
        encoding.transcode(block, facts);
        if !is_last {
            self.input = Input::Open(bytes);
        }
        Ok(())
    }
}

/// The first bytes of the input, enough to recognise gzip.
fn read_head<R: Read>(input: &mut R) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(2);
    input.take(2).read_to_end(&mut head)?;
    Ok(head)
}

/// The uncompressed bytes.
enum Bytes<R: Read> {
    Plain(Chain<Cursor<Vec<u8>>, R>),
    Gzip(Box<Gunzip<Chain<Cursor<Vec<u8>>, R>>>),
}

impl<R: Read> Bytes<R> {
    /// Fills `out` unless the bytes end; `length` says how much of it.
    fn fill(&mut self, out: &mut [u8], length: &mut usize) -> std::io::Result<()> {
        match self {
            Self::Gzip(gunzip) => gunzip.fill(out, length),
            Self::Plain(plain) => {
                while let Some(space) = out.get_mut(*length..).filter(|space| !space.is_empty()) {
                    match plain.read(space) {
                        Ok(0) => break,
                        Ok(count) => *length += count,
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }

    fn facts(&self) -> GzipFacts {
        match self {
            Self::Gzip(gunzip) => gunzip.facts(),
            Self::Plain(_) => GzipFacts::default(),
        }
    }
}

/// How the text is encoded (R10).
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool, carried: Carried },
}

/// What a block's end cut in two: half a unit, and the first half of a surrogate pair.
#[derive(Default)]
struct Carried {
    byte: Option<u8>,
    high: Option<u16>,
}

impl Encoding {
    /// The encoding by the first bytes, and the length of the byte order mark.
    fn of(head: &[u8]) -> (Self, usize) {
        let utf16 = |big_endian| Self::Utf16 { big_endian, carried: Carried::default() };
        match head {
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8, 3),
            [0xff, 0xfe, ..] => (utf16(false), 2),
            [0xfe, 0xff, ..] => (utf16(true), 2),
            [b'{' | b'[', 0, ..] => (utf16(false), 0),
            [0, b'{' | b'[', ..] => (utf16(true), 0),
            _ => (Self::Utf8, 0),
        }
    }

    fn finding(&self, mark: usize) -> Option<&'static str> {
        match self {
            Self::Utf8 => (mark > 0).then_some("a UTF-8 byte order mark"),
            Self::Utf16 { big_endian: false, .. } => Some("UTF-16 (little endian)"),
            Self::Utf16 { big_endian: true, .. } => Some("UTF-16 (big endian)"),
        }
    }

    fn transcode(&mut self, block: &mut Block, facts: &mut SourceFacts) {
        let Self::Utf16 { big_endian, carried } = self else { return };
        let raw = carried.byte.take().into_iter().chain(block.text().iter().copied());
        let mut units = Vec::with_capacity(block.text().len() / 2 + 2);
        units.extend(carried.high.take());
        let mut first = None;
        for byte in raw {
            match first.take() {
                None => first = Some(byte),
                Some(low) if !*big_endian => units.push(u16::from_le_bytes([low, byte])),
                Some(high) => units.push(u16::from_be_bytes([high, byte])),
            }
        }
        carried.byte = first;
        carried.high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
        block.bytes.truncate(HEADROOM);
        for character in char::decode_utf16(units) {
            facts.bad_units += u64::from(character.is_err());
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            block.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        block.end = block.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(input: &[u8]) -> (Vec<u8>, SourceFacts) {
        let mut source = Source::new(Box::new(input), BLOCK_BYTES);
        let mut all = Vec::new();
        while let Some(block) = source.next(Vec::new(), false) {
            all.extend_from_slice(block.text());
        }
        (all, source.take_facts())
    }

    #[test]
    fn utf16_and_marks_become_utf8() {
        let text = "{\"é\": \"😀\"}";
        for (mark, big_endian) in [(true, false), (true, true), (false, false), (false, true)] {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            let bytes: Vec<u8> =
                units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            let (all, facts) = text_of(&bytes);
            assert_eq!(all, text.as_bytes());
            assert!(facts.encoding.is_some());
        }
    }

    #[test]
    fn blocks_join_to_the_input() {
        let input: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
        let input = [b"{ ".to_vec(), input].concat();
        let (all, facts) = text_of(&input);
        assert!(all == input && facts.encoding.is_none() && facts.error.is_none());
    }
}
