//! One seam: what each of its bytes may be, and the values that are part of it.
//!
//! ```text
//! , "pid": 7, "tid": 7, "ts": 4588166208741.898, "dur":
//! , "pid": 0, "tid": 0, "ts": 1000000000000.000, "dur":     the least that each byte may be
//! , "pid": 9, "tid": 9, "ts": 9999999999999.999, "dur":     the most
//! ```

use super::event::{Field, Steadiness, is_flow, known_number};
use super::number::{micros_of, plain_end, plain_micros, whole_of};
use super::seams::{Meaning, Then};
use wide::u8x16;

/// Longer seams are not remembered.
pub(super) const SEAM_BYTES: usize = 192;
/// So many used values may be part of one.
pub(super) const MOST_STEADY: usize = 8;
/// So many bytes are compared at a time.
const BLOCK_BYTES: usize = 32;
const BLOCKS: usize = SEAM_BYTES / BLOCK_BYTES;
/// So many lengths of names are told apart.
pub(super) const NAME_LENGTHS: usize = 16;

/// Where the number is that a value comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    /// Not here: whoever asks decodes the text.
    Unknown,
    /// It is always this ([`known_number`]).
    Always(i64),
    /// In its digits.
    Whole,
    /// In its digits: a time in microseconds, three of them behind a point.
    Micros,
}

/// A used value that is part of a seam, and where it stands in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Steady {
    pub(super) field: Field,
    pub(super) from: u8,
    pub(super) to: u8,
    number: Number,
}

impl Steady {
    /// What the value comes to in `text`, where it stands at `at`.
    #[inline(always)]
    pub(super) fn number_in(&self, text: &[u8], at: usize) -> Option<i64> {
        let bytes = usize::from(self.to - self.from);
        match self.number {
            Number::Unknown => None,
            Number::Always(number) => Some(number),
            Number::Whole => whole_of(text, at, bytes),
            Number::Micros => micros_of(text, at, bytes - 4),
        }
    }
}

/// The used values that are part of a seam.
#[derive(Clone, Copy, Debug)]
pub(super) struct SteadyValues {
    values: [Steady; MOST_STEADY],
    count: u8,
    /// Which fields they are, a bit each.
    pub(super) fields: u32,
    /// Whether one is there twice.
    pub(super) is_twice: bool,
}

impl SteadyValues {
    /// The first [`MOST_STEADY`] of these that are used.
    pub(super) fn of(parts: &[Part]) -> Self {
        let none = Steady { field: Field::Phase, from: 0, to: 0, number: Number::Unknown };
        let mut all = Self { values: [none; MOST_STEADY], count: 0, fields: 0, is_twice: false };
        for (place, value) in all.values.iter_mut().zip(parts.iter().filter_map(|part| part.used)) {
            *place = value;
            all.count += 1;
            all.is_twice |= all.fields & value.field.bit() != 0;
            all.fields |= value.field.bit();
        }
        all
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Steady] {
        self.values.get(..usize::from(self.count)).unwrap_or_default()
    }
}

/// A value that is part of a seam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) used: Option<Steady>,
    from: u8,
    to: u8,
    /// Whether its digits may be any.
    is_open: bool,
}

impl Part {
    /// The value from `value` to `end` as part of the seam at `seam`, if it can be one.
    pub(super) fn new(
        text: &[u8],
        (seam, value, end): (usize, usize, usize),
        (meaning, steadiness, is_flow): (Meaning, Steadiness, bool),
    ) -> Option<Self> {
        let place = |at: usize| u8::try_from(at - seam).ok();
        let (from, to) = (place(value)?, place(end)?);
        let written = text.get(value..end).filter(|written| !written.contains(&b'\\'))?;
        let (number, is_open) = match steadiness {
            Steadiness::Varies => return None,
            Steadiness::Value => {
                let known = meaning.field().and_then(|field| known_number(field, written));
                (known.map_or(Number::Unknown, Number::Always), false)
            }
            Steadiness::Width => {
                let is_whole = plain_end(text, value) == Some(end);
                let is_micros = plain_micros(text, value).is_some_and(|(_, ended)| ended == end);
                let number = match meaning {
                    _ if !is_whole && !is_micros => return None,
                    _ if is_flow => Number::Unknown, // of which nobody asks for numbers
                    Meaning::UseTime(_) if is_micros => Number::Micros,
                    Meaning::UseWhole(_) if is_whole => Number::Whole,
                    _ => Number::Unknown,
                };
                (number, true)
            }
        };
        let used = meaning.field().map(|field| Steady { field, from, to, number });
        Some(Self { used, from, to, is_open })
    }

    /// Whether it is the phase of a flow event, in the seam at `from`.
    pub(super) fn is_phase_of_flow(self, text: &[u8], from: usize) -> bool {
        let value = text.get(from + usize::from(self.from)..from + usize::from(self.to));
        self.used.is_some_and(|used| used.field == Field::Phase) && value.is_some_and(is_flow)
    }
}

/// What some of its bytes may be: one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block {
    /// The least that each may be.
    least: [u8; BLOCK_BYTES],
    /// By how much it may be more.
    more: [u8; BLOCK_BYTES],
}

impl Block {
    /// What is beyond the most that `bytes` may be; below the least the difference wraps around.
    #[inline(always)]
    fn odd(&self, bytes: &[u8; BLOCK_BYTES]) -> u8x16 {
        let halves = |bytes: &[u8; BLOCK_BYTES]| match bytes.as_chunks::<16>().0 {
            [first, second] => [u8x16::new(*first), u8x16::new(*second)],
            _ => [u8x16::splat(0); 2], // cannot be
        };
        let ([bytes, bytes_behind], [least, least_behind]) = (halves(bytes), halves(&self.least));
        let [more, more_behind] = halves(&self.more);
        (bytes - least).saturating_sub(more) | (bytes_behind - least_behind).saturating_sub(more_behind)
    }
}

/// A seam as it stood before, behind certain others: entries form a tree of the layouts that events have.
#[derive(Clone, Debug)]
pub(super) struct Seam {
    blocks: [Block; BLOCKS],
    pub(super) length: u8,
    block_count: u8,
    pub(super) then: Then,
    pub(super) steady: SteadyValues,
    /// What followed the latest time, by the length of the event's name: an operator or a call goes on like its namesakes.
    /// (Here, not in a table of their own: the way to the next seam is what each step waits for.)
    pub(super) guesses: [u16; NAME_LENGTHS],
    /// The seams that followed, those that did so often first.
    pub(super) followers: Vec<u32>,
}

impl Seam {
    /// The seam that `text` is, with values in it.
    pub(super) fn new(text: &[u8], then: Then, parts: &[Part]) -> Self {
        let any = Block { least: [0; BLOCK_BYTES], more: [u8::MAX; BLOCK_BYTES] };
        let mut blocks = [any; BLOCKS];
        for (block, text) in blocks.iter_mut().zip(text.chunks(BLOCK_BYTES)) {
            for ((least, more), byte) in block.least.iter_mut().zip(&mut block.more).zip(text) {
                (*least, *more) = (*byte, 0);
            }
        }
        let digits = parts.iter().filter(|part| part.is_open).flat_map(|part| part.from..part.to).map(usize::from);
        for at in digits.filter(|&at| text.get(at).is_some_and(u8::is_ascii_digit)) {
            // A number of many digits starts with no zero.
            let is_inner = text.get(..at).and_then(<[u8]>::last).is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'.'));
            let is_first = !is_inner && text.get(at + 1).is_some_and(u8::is_ascii_digit);
            if let Some(block) = blocks.get_mut(at / BLOCK_BYTES) {
                let place = at % BLOCK_BYTES;
                (block.least[place], block.more[place]) = if is_first { (b'1', 8) } else { (b'0', 9) };
            }
        }
        Self {
            blocks,
            length: u8::try_from(text.len()).unwrap_or(0),
            block_count: u8::try_from(text.len().div_ceil(BLOCK_BYTES)).unwrap_or(0),
            then,
            steady: SteadyValues::of(parts),
            guesses: [0; NAME_LENGTHS],
            followers: Vec::new(),
        }
    }

    /// Whether `text` is this seam.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        if text.len() != usize::from(self.length) {
            return false;
        }
        let mut padded = [0; SEAM_BYTES];
        padded.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        self.starts(&padded)
    }

    /// Whether `text` starts with this seam (and is as long as its last block).
    #[inline(always)]
    pub(super) fn starts(&self, text: &[u8]) -> bool {
        let count = usize::from(self.block_count);
        let (text, blocks) = (text.as_chunks::<BLOCK_BYTES>().0.get(..count), self.blocks.get(..count));
        let (Some(text), Some(blocks)) = (text, blocks) else { return false };
        let odd = text.iter().zip(blocks).fold(u8x16::splat(0), |odd, (bytes, block)| odd | block.odd(bytes));
        odd.simd_eq(u8x16::splat(0)).all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The seam `, "ts": <number>, ` with its number as a time or as a whole one.
    fn seam(number: &str, meaning: Meaning) -> Option<Seam> {
        let (value, text) = (8, format!(", \"ts\": {number}, {}", " ".repeat(32)));
        let (text, end) = (text.as_bytes(), value + number.len());
        let part = Part::new(text, (0, value, end), (meaning, Steadiness::Width, false))?;
        let then = Then { value: None, in_args: false, args_begun: 0 };
        Some(Seam::new(&text[..end + 2], then, &[part]))
    }

    /// What the number comes to in `text`, if that starts with the seam.
    fn number(seam: &Seam, text: &str) -> Option<i64> {
        let text = format!("{text}{}", " ".repeat(64));
        let value = seam.steady.as_slice().first()?;
        seam.starts(text.as_bytes()).then(|| value.number_in(text.as_bytes(), value.from.into()))?
    }

    #[test]
    fn only_the_digits_may_differ() {
        let time = seam("4588.125", Meaning::UseTime(Field::Start)).unwrap();
        assert_eq!(number(&time, ", \"ts\": 9000.001, "), Some(9_000_001));
        for other in ["0588.125", "588.125", "14588.125", "4588.12", "4588,125", "4588.1250", "458e.125"] {
            assert_eq!(number(&time, &format!(", \"ts\": {other}, ")), None, "{other}");
        }
        assert_eq!(number(&time, ", \"tS\": 9000.001, "), None);
        let digit = seam("7", Meaning::UseWhole(Field::Stream)).unwrap();
        assert_eq!(number(&digit, ", \"ts\": 0, "), Some(0));
        assert!(seam("1e3", Meaning::UseWhole(Field::Stream)).is_none());
        assert!(seam("-7", Meaning::UseWhole(Field::Stream)).is_none());
    }

    proptest! {
        #[test]
        fn numbers_of_one_width_are_read_as_others_are(first in 0u64..10u64.pow(15), spread in 0u64..10u64.pow(15)) {
            let width = first.checked_ilog10().unwrap_or(0) + 1;
            let second = 10u64.pow(width - 1).min(first) + spread % (9 * 10u64.pow(width - 1));
            let whole = seam(&first.to_string(), Meaning::UseWhole(Field::Correlation)).unwrap();
            prop_assert_eq!(number(&whole, &format!(", \"ts\": {second}, ")), Some(second as i64));
            let time = seam(&format!("{first}.017"), Meaning::UseTime(Field::Start)).unwrap();
            let written = format!(", \"ts\": {second}.{:03}, ", spread % 1000);
            prop_assert_eq!(number(&time, &written), Some((second * 1000 + spread % 1000) as i64));
        }
    }
}
