//! What stands between two values of an event: the separator, the next key, its colon, and the blanks around them.
//!
//! ```text
//! { "ph": "X", "name": "aten::mm", "ts": 5, "args": { "External id": 7 } }
//! ~~~~~~~~   ~~~~~~~~~~          ~~~~~~~~ ~~~~~~~~~~~~~~~~~~~~~~~~~~~~  ~~~  seams
//! ```
//! They repeat, event after event. So a seam is first compared, byte for byte, with those that followed the same ones in
//! earlier events; only where it is none of them is it read. An event laid out like an earlier one costs a comparison a value.

use super::event::{Field, argument, member};
use super::lexer::{Beyond, Stop, byte, skip_blank, skip_string};
use super::strings::decode;
use crate::units::widen;

/// What a value is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Use(Field),
    /// The event's `args`, where it is an object.
    Args,
    Skip,
}

/// Where a seam leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Then {
    /// What the value behind it is for; `None` at the end of the event.
    pub(super) value: Option<Meaning>,
    /// Whether that is a member of `args`.
    pub(super) in_args: bool,
    /// How many times `args` begins within the seam: once, unless the event is odd.
    pub(super) args_begun: u8,
}

/// So many seams are remembered; what is new beyond them is read one by one. (A trace has a few dozen kinds of events.)
const MOST_KNOWN: usize = 2048;
/// Longer seams are not remembered.
const SEAM_BYTES: usize = 64;
/// The entry that stands for the start of an event.
const START: u32 = 0;
/// No entry, or one that is not remembered.
const NONE: u32 = u32::MAX;

/// A seam as it stood before, behind certain others: entries form a tree of the layouts that events have.
#[derive(Clone, Copy, Debug)]
struct Seam {
    words: [u64; SEAM_BYTES / 8],
    /// The last eight bytes, or all where there are fewer.
    tail: u64,
    length: u8,
    then: Then,
    /// The seam that followed first is the next entry, so that walking a layout needs no look at where to go: this says
    /// whether it is.
    has_next: bool,
    /// The others that followed, those that did so often first.
    others: [u32; 5],
}

impl Seam {
    fn new(text: &[u8], then: Then) -> Self {
        let mut words = [0; SEAM_BYTES / 8];
        for (word, chunk) in words.iter_mut().zip(text.chunks(8)) {
            *word = word_of(chunk);
        }
        let tail = word_of(text.get(text.len().saturating_sub(8)..).unwrap_or_default());
        Self { words, tail, length: u8::try_from(text.len()).unwrap_or(0), then, has_next: false, others: [NONE; 5] }
    }

    /// Whether `text` is this seam.
    fn is(&self, text: &[u8]) -> bool {
        let mut words = text.chunks(8).map(word_of);
        text.len() == usize::from(self.length) && self.words.iter().all(|word| words.next().unwrap_or(0) == *word)
    }

    /// Whether `head` starts with this seam.
    #[inline]
    fn starts(&self, head: &[u8; SEAM_BYTES]) -> bool {
        let length = usize::from(self.length);
        let (chunks, _) = head.as_chunks::<8>();
        let Some(tail) = length.checked_sub(8).and_then(|at| head.get(at..)?.first_chunk::<8>()) else {
            let unused = 64 - 8 * (u32::from(self.length) & 7);
            return chunks.first().is_some_and(|chunk| (u64::from_le_bytes(*chunk) ^ self.tail) << unused == 0);
        };
        let whole = self.words.iter().zip(chunks).take((length - 1) / 8);
        let odd = whole.fold(0, |odd, (word, chunk)| odd | (word ^ u64::from_le_bytes(*chunk)));
        odd | (self.tail ^ u64::from_le_bytes(*tail)) == 0
    }
}

/// Up to eight bytes as a word.
fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The seams of a file.
#[derive(Debug)]
pub(super) struct Seams {
    known: Vec<Seam>,
    last: u32,
    /// The key, with its quotes, that started the first event.
    first_key: Option<Vec<u8>>,
}

impl Default for Seams {
    fn default() -> Self {
        let start = Seam::new(b"", Then { value: None, in_args: false, args_begun: 0 });
        Self { known: vec![start], last: START, first_key: None }
    }
}

impl Seams {
    /// The key, with its quotes, by which the first event of the file starts.
    pub(super) fn first_key(&self) -> Option<&[u8]> {
        self.first_key.as_deref()
    }

    /// An event by which the file may start was read elsewhere: with one of the keys that start events in all files.
    pub(super) fn started_elsewhere(&mut self) {
        self.first_key.get_or_insert_with(|| b"\"ph\"".to_vec());
    }

    /// Begins an event.
    pub(super) fn begin(&mut self) {
        self.last = START;
    }

    /// Where the seam at `at` ends, and where it leads. The first one of an event starts with its brace.
    #[inline]
    pub(super) fn pass(
        &mut self,
        text: &[u8],
        at: usize,
        in_args: bool,
        beyond: &mut Beyond,
    ) -> Result<(usize, Then), Stop> {
        let head = text.get(at..).and_then(<[u8]>::first_chunk::<SEAM_BYTES>);
        let (Some(head), Some(last)) = (head, self.known.get(widen(self.last))) else {
            return self.read(text, at, in_args, beyond);
        };
        let next = self.last + 1;
        let found = match self.known.get(widen(next)) {
            Some(seam) if last.has_next && seam.starts(head) => Some((next, seam)),
            _ => self.other(head),
        };
        let Some((index, seam)) = found else { return self.read(text, at, in_args, beyond) };
        let (end, then) = (at + usize::from(seam.length), seam.then);
        self.last = index;
        // More blanks than the last time are as good.
        Ok((if then.value.is_some() { skip_blank(text, end) } else { end }, then))
    }

    /// A follower that was not the first to follow.
    fn other(&mut self, head: &[u8; SEAM_BYTES]) -> Option<(u32, &Seam)> {
        let others = self.known.get(widen(self.last))?.others;
        let starts = |index: u32| self.known.get(widen(index)).is_some_and(|seam| seam.starts(head));
        let rank = others.iter().take_while(|index| **index != NONE).position(|&index| starts(index))?;
        if rank > 0 {
            self.known.get_mut(widen(self.last))?.others.swap(rank, rank - 1);
        }
        let index = *others.get(rank)?;
        Some((index, self.known.get(widen(index))?))
    }

    /// Reads a seam token by token.
    #[cold]
    fn read(&mut self, text: &[u8], from: usize, in_args: bool, beyond: &mut Beyond) -> Result<(usize, Then), Stop> {
        let mut then = Then { value: None, in_args, args_begun: 0 };
        let mut at = from;
        let mut at_brace = self.last == START;
        let end = loop {
            at = skip_blank(text, at);
            match byte(text, at)? {
                b'}' if then.in_args && !at_brace => {
                    then.in_args = false;
                    at += 1;
                    continue;
                }
                b'}' if !at_brace => break at + 1,
                b'{' if at_brace => {}
                b',' if !at_brace => {}
                _ => return Err(Stop::Broken),
            }
            at = skip_blank(text, at + 1);
            if at_brace && byte(text, at)? == b'}' {
                at_brace = false;
                continue;
            }
            let (key_end, value) = key(text, at, beyond)?;
            let meaning = meaning(text.get(at..key_end).unwrap_or_default(), then.in_args);
            if self.last == START && self.first_key.is_none() && key_end - at <= SEAM_BYTES {
                self.first_key = text.get(at..key_end).map(<[u8]>::to_vec);
            }
            if meaning == Meaning::Args && byte(text, value)? == b'{' {
                then.args_begun = then.args_begun.saturating_add(1);
                then.in_args = true;
                (at, at_brace) = (value, true);
                continue;
            }
            then.value = Some(meaning);
            break value;
        };
        self.remember(text.get(from..end).unwrap_or_default(), then);
        Ok((end, then))
    }

    /// Makes the seam a follower of the one before it, where that is remembered too.
    fn remember(&mut self, text: &[u8], then: Then) {
        // (`args` that is no object: what is one starts with the same bytes.)
        let may_be_known =
            (1..=SEAM_BYTES).contains(&text.len()) && text.is_ascii() && then.value != Some(Meaning::Args);
        let index = crate::units::narrow(self.known.len());
        let before = std::mem::replace(&mut self.last, NONE);
        // Near the end of the text nothing is compared but all is read: it may be known.
        if let Some(known) = self.known.get(widen(before)).filter(|_| may_be_known) {
            let next = known.has_next.then_some(before + 1);
            let is_same = |index: &u32| self.known.get(widen(*index)).is_some_and(|seam| seam.is(text));
            if let Some(index) = next.into_iter().chain(known.others).find(is_same) {
                self.last = index;
                return;
            }
        }
        let room = self.known.len() < MOST_KNOWN;
        let Some(before_seam) = self.known.get_mut(widen(before)).filter(|_| may_be_known && room) else { return };
        let seam = Seam::new(text, then);
        if before + 1 == index {
            before_seam.has_next = true;
        } else {
            let [a, b, c, d, _] = before_seam.others;
            before_seam.others = [index, a, b, c, d];
        }
        self.known.push(seam);
        self.last = index;
    }
}

/// Where the key at `at` ends, and where its value starts.
fn key(text: &[u8], at: usize, beyond: &mut Beyond) -> Result<(usize, usize), Stop> {
    if byte(text, at)? != b'"' {
        return Err(Stop::Broken);
    }
    let end = skip_string(text, at, beyond)?;
    let colon = skip_blank(text, end);
    if byte(text, colon)? != b':' {
        return Err(Stop::Broken);
    }
    let value = skip_blank(text, colon + 1);
    byte(text, value)?;
    Ok((end, value))
}

/// What the value of `quoted` is for.
fn meaning(quoted: &[u8], in_args: bool) -> Meaning {
    let plain = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let decoded = memchr::memchr(b'\\', plain).and_then(|_| decode(quoted));
    let key = decoded.as_deref().map_or(plain, str::as_bytes);
    if in_args { argument(key) } else { member(key) }
}
