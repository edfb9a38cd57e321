//! What stands between two values that vary in an event: separators, keys, colons, blanks, and values that few events differ in.
//!
//! ```text
//! { "ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 5, "args": { "External id": 7 } }
//! ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~          ~~~~~~~~~~~~~~~~~~~~~~~~~~~~ ~~~~~~~~~~~~~~~~~~~~~~~~~~  ~~~  seams
//! ```
//! They repeat, event after event. So a seam is first compared, byte for byte, with those that followed the same ones in
//! earlier events; only where it is none of them is it read. An event laid out like an earlier one costs a comparison a value
//! that varies. A value may be part of a seam where its key says that few differ (`is_steady`), and as long as few do.

use super::event::{Field, Values, argument, is_flow, is_steady, known_number, member};
use super::lexer::{Beyond, Stop, byte, skip_blank, skip_string, skip_value};
use super::strings::decode;
use crate::units::widen;

/// What a value is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Use(Field),
    /// The same for a time, in microseconds.
    UseTime(Field),
    /// The same for a whole number.
    UseWhole(Field),
    /// The event's `args`, where it is an object.
    Args,
    Skip,
}

impl Meaning {
    /// The field that the value is, where it is used.
    pub(super) fn field(self) -> Option<Field> {
        match self {
            Self::Use(field) | Self::UseTime(field) | Self::UseWhole(field) => Some(field),
            Self::Args | Self::Skip => None,
        }
    }
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

/// A used value that is part of a seam, and where it stands in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Steady {
    pub(super) field: Field,
    pub(super) from: u8,
    pub(super) to: u8,
    /// What it comes to ([`known_number`]), where it is decoded.
    pub(super) number: i64,
    pub(super) is_decoded: bool,
}

/// So many seams are remembered; what is new beyond them is read one by one. (A trace has a few dozen kinds of events.)
const MOST_KNOWN: usize = 2048;
/// Longer seams are not remembered.
const SEAM_BYTES: usize = 64;
/// So many used values may be part of one.
const MOST_STEADY: usize = 4;
/// So many seams that follow one are remembered.
const MOST_FOLLOWERS: usize = 32;
/// So many ways in which the event before may have ended are told apart.
const CONTEXTS: usize = 1 << CONTEXT_BITS;
const CONTEXT_BITS: u32 = 4;
/// Those that hold values leave some room to those that do not: any value is matched by these.
const MOST_STEADY_FOLLOWERS: usize = MOST_FOLLOWERS - 2;
/// The end of nothing.
const NOWHERE: Then = Then { value: None, in_args: false, args_begun: 0 };
/// The entry that stands for the start of an event.
const START: u32 = 0;
/// No entry, or one that is not remembered.
const NONE: u32 = u32::MAX;

/// A seam as it stood before, behind certain others: entries form a tree of the layouts that events have.
#[derive(Clone, Debug)]
struct Seam {
    words: [u64; SEAM_BYTES / 8],
    /// Which bytes of these are the seam's.
    masks: [u64; SEAM_BYTES / 8],
    length: u8,
    then: Then,
    steady: [Steady; MOST_STEADY],
    steady_count: u8,
    /// The seams that followed, those that did so often first.
    followers: Vec<u32>,
    /// What followed the latest time, by how the event before ended: events come in patterns, of operators, calls, arrows
    /// and kernels. (Here, not in a table of their own: the way to the next seam is what each step waits for.)
    guesses: [u16; CONTEXTS],
}

impl Steady {
    /// Whether it is the phase of a flow event, in the seam at `from`.
    fn is_phase_of_flow(self, text: &[u8], from: usize) -> bool {
        let value = text.get(from + usize::from(self.from)..from + usize::from(self.to));
        self.field == Field::Phase && value.is_some_and(is_flow)
    }
}

impl Seam {
    fn new(text: &[u8], then: Then, values: &[Steady]) -> Self {
        let (mut words, mut masks) = ([0; SEAM_BYTES / 8], [0; SEAM_BYTES / 8]);
        for ((word, mask), chunk) in words.iter_mut().zip(&mut masks).zip(text.chunks(8)) {
            (*word, *mask) = (word_of(chunk), u64::MAX >> (64 - 8 * chunk.len()));
        }
        let mut steady = [Steady { field: Field::Phase, from: 0, to: 0, number: 0, is_decoded: false }; MOST_STEADY];
        steady.iter_mut().zip(values).for_each(|(place, value)| *place = *value);
        Self {
            words,
            masks,
            length: u8::try_from(text.len()).unwrap_or(0),
            then,
            steady,
            steady_count: u8::try_from(values.len().min(MOST_STEADY)).unwrap_or(0),
            followers: Vec::new(),
            guesses: [0; CONTEXTS],
        }
    }

    /// The used values in it.
    #[inline]
    fn steady(&self) -> &[Steady] {
        self.steady.get(..usize::from(self.steady_count)).unwrap_or_default()
    }

    /// Whether `text` is this seam.
    fn is(&self, text: &[u8]) -> bool {
        let mut words = text.chunks(8).map(word_of);
        text.len() == usize::from(self.length) && self.words.iter().all(|word| words.next().unwrap_or(0) == *word)
    }

    /// Whether `head` starts with this seam.
    #[inline]
    fn starts(&self, head: &[u8; SEAM_BYTES]) -> bool {
        let (chunks, _) = head.as_chunks::<8>();
        let seam = self.words.iter().zip(&self.masks);
        // All of it whatever the length: a loop without branches, compiled to vector code.
        let odd = seam.zip(chunks).map(|((word, mask), chunk)| (word ^ u64::from_le_bytes(*chunk)) & mask);
        odd.fold(0, |odd, word| odd | word) == 0
    }
}

/// Up to eight bytes as a word.
fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// What was passed of an event.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    /// The latest seam.
    seam: u32,
    /// Whether what follows is a member of `args`.
    in_args: bool,
}

impl Passed {
    /// Nothing yet.
    pub(super) const NOTHING: Self = Self { seam: START, in_args: false };
}

/// What `ended`, the last seam of an event, says of those that follow.
fn context(ended: u32) -> usize {
    widen(ended.wrapping_mul(0x9e37_79b1) >> (32 - CONTEXT_BITS))
}

/// The seams of a file.
#[derive(Debug)]
pub(super) struct Seams {
    known: Vec<Seam>,
    /// How the event before ended.
    context: usize,
    /// The key, with its quotes, that started the first event.
    first_key: Option<Vec<u8>>,
}

impl Default for Seams {
    fn default() -> Self {
        let start = Seam::new(b"", NOWHERE, &[]);
        Self { known: vec![start], context: 0, first_key: None }
    }
}

/// Where a seam may end as well: at a value that is part of it.
#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    then: Then,
    /// How many used values stand before it.
    steady: usize,
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

    /// Where the seam at `at` ends, and where it leads; it follows `last`. The first one of an event starts with its brace. The
    /// used values that are part of it go to `values`.
    #[inline]
    pub(super) fn pass(
        &mut self,
        text: &[u8],
        at: usize,
        last: Passed,
        (values, beyond): (&mut Values, &mut Beyond),
    ) -> Result<(usize, Option<Meaning>, Passed), Stop> {
        let head = text.get(at..).and_then(<[u8]>::first_chunk::<SEAM_BYTES>);
        let Some((index, seam)) = head.and_then(|head| self.follower(last.seam, head)) else {
            // (Taken apart, so that what is known stays in registers.)
            let (at, value, passed) = self.read(text, at, last, (values, beyond))?;
            return Ok((at, value, passed));
        };
        let (end, then) = (at + usize::from(seam.length), seam.then);
        values.begin_args(then.args_begun);
        values.set_steady(seam.steady(), at);
        let passed = Passed { seam: index, in_args: then.in_args };
        // More blanks than the last time are as good.
        if then.value.is_some() {
            return Ok((skip_blank(text, end), then.value, passed));
        }
        self.context = context(index);
        Ok((end, None, passed))
    }

    /// The seam behind `last` with which `head` starts.
    #[inline]
    fn follower(&mut self, last: u32, head: &[u8; SEAM_BYTES]) -> Option<(u32, &Seam)> {
        let guess = u32::from(*self.known.get(widen(last))?.guesses.get(self.context)?);
        let is_right = guess != START && self.known.get(widen(guess)).is_some_and(|seam| seam.starts(head));
        let index = if is_right { guess } else { self.other(last, head)? };
        Some((index, self.known.get(widen(index))?))
    }

    /// The same where it was not guessed.
    #[inline(never)]
    fn other(&mut self, last: u32, head: &[u8; SEAM_BYTES]) -> Option<u32> {
        let followers = &self.known.get(widen(last))?.followers;
        let starts = |index: u32| self.known.get(widen(index)).is_some_and(|seam| seam.starts(head));
        let rank = followers.iter().position(|&index| starts(index))?;
        let index = *followers.get(rank)?;
        let last = self.known.get_mut(widen(last))?;
        last.followers.swap(rank, rank.saturating_sub(1));
        *last.guesses.get_mut(self.context)? = u16::try_from(index).unwrap_or(0);
        Some(index)
    }

    /// Reads a seam token by token.
    #[cold]
    fn read(
        &mut self,
        text: &[u8],
        from: usize,
        last: Passed,
        (values, beyond): (&mut Values, &mut Beyond),
    ) -> Result<(usize, Option<Meaning>, Passed), Stop> {
        let mut then = Then { value: None, in_args: last.in_args, args_begun: 0 };
        let mut at = from;
        let mut at_brace = last.seam == START;
        let mut cuts: Vec<Cut> = Vec::new();
        let mut steady: Vec<Steady> = Vec::new();
        let mut is_odd = false;
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
            let quoted = text.get(at..key_end).unwrap_or_default();
            let meaning = meaning(quoted, then.in_args);
            if last.seam == START && self.first_key.is_none() && key_end - at <= SEAM_BYTES {
                self.first_key = Some(quoted.to_vec());
            }
            if meaning == Meaning::Args && byte(text, value)? == b'{' {
                // What the `args` before held counts no more.
                is_odd |= steady.iter().any(|value| value.field.is_argument());
                then.args_begun = then.args_begun.saturating_add(1);
                then.in_args = true;
                (at, at_brace) = (value, true);
                continue;
            }
            then.value = Some(meaning);
            let is_flow = values.get(text, Field::Phase).is_some_and(is_flow)
                || steady.iter().any(|value| value.is_phase_of_flow(text, from));
            if !is_steady(quoted, then.in_args, is_flow) || !matches!(byte(text, value)?, b'"' | b'0'..=b'9') {
                break value;
            }
            let value_end = skip_value(text, value, beyond)?;
            if text.get(value..value_end).unwrap_or_default().contains(&b'\\') {
                break value;
            }
            // Where it is must fit.
            let (Ok(place_from), Ok(place_to)) = (u8::try_from(value - from), u8::try_from(value_end - from)) else {
                break value;
            };
            cuts.push(Cut { at: value, then, steady: steady.len() });
            if let Some(field) = meaning.field() {
                let known = known_number(field, text.get(value..value_end).unwrap_or_default());
                let (number, is_decoded) = (known.unwrap_or(0), known.is_some());
                steady.push(Steady { field, from: place_from, to: place_to, number, is_decoded });
            }
            then.value = None;
            (at, at_brace) = (value_end, false);
        };
        cuts.push(Cut { at: end, then, steady: steady.len() });
        cuts.truncate(if is_odd { 1 } else { cuts.len() });
        let (cut, seam) = self.remember(text, (last.seam, from), &cuts, &steady);
        values.begin_args(cut.then.args_begun);
        values.set_steady(steady.get(..cut.steady).unwrap_or_default(), from);
        if cut.then.value.is_none() {
            self.context = context(seam);
        }
        Ok((cut.at, cut.then.value, Passed { seam, in_args: cut.then.in_args }))
    }

    /// Makes the seam a follower of the one before it, where that is remembered too. It ends at the last of the cuts that
    /// can be remembered, which is returned, with its entry or `NONE`.
    fn remember(&mut self, text: &[u8], (before, from): (u32, usize), cuts: &[Cut], steady: &[Steady]) -> (Cut, u32) {
        let seam = |cut: &Cut| text.get(from..cut.at).unwrap_or_default();
        // (`args` that is no object: what is one starts with the same bytes.)
        let may_be_known = |cut: &Cut| {
            (1..=SEAM_BYTES).contains(&(cut.at - from))
                && seam(cut).is_ascii()
                && cut.then.value != Some(Meaning::Args)
                && cut.steady <= MOST_STEADY
        };
        let whole = cuts.last().copied().unwrap_or(Cut { at: from, then: NOWHERE, steady: 0 });
        let Some(before_seam) = self.known.get(widen(before)) else { return (whole, NONE) };
        let followers = before_seam.followers.iter().copied();
        let count = followers.len();
        // Near the end of the text nothing is compared but all is read: it may be known.
        for cut in cuts.iter().rev().filter(|cut| may_be_known(cut)) {
            let is_same = |index: &u32| self.known.get(widen(*index)).is_some_and(|known| known.is(seam(cut)));
            if let Some(index) = followers.clone().find(is_same) {
                return (*cut, index);
            }
        }
        let most = if count < MOST_STEADY_FOLLOWERS { cuts.len() } else { 1 };
        let cut = cuts.iter().take(most).rfind(|cut| may_be_known(cut));
        let Some(cut) = cut.filter(|_| self.known.len() < MOST_KNOWN) else { return (whole, NONE) };
        let index = crate::units::narrow(self.known.len());
        if let Some(before_seam) = self.known.get_mut(widen(before)) {
            before_seam.followers.truncate(MOST_FOLLOWERS - 1);
            before_seam.followers.push(index);
        }
        self.known.push(Seam::new(seam(cut), cut.then, steady.get(..cut.steady).unwrap_or_default()));
        (*cut, index)
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

#[cfg(test)]
mod tests {
    use super::super::event::{Slots, scan};
    use super::*;
    use proptest::prelude::*;

    const TOKENS: [&str; 18] = [
        "{",
        "}",
        "}}",
        ", ",
        ",",
        " ",
        r#""ph": "X""#,
        r#""ph": "f""#,
        r#""ph":"X""#,
        r#""args": {"#,
        r#""args": 1"#,
        r#""name": "ac2g""#,
        r#""pid": 1"#,
        r#""pid": 2"#,
        r#""device": 0"#,
        r#""stream": 7"#,
        r#""other": [1, 2]"#,
        r#""ts": 1.500"#,
    ];

    /// An event of up to ten tokens, most of them members with commas between.
    fn event() -> impl Strategy<Value = String> {
        proptest::collection::vec((prop::sample::select(&TOKENS[..]), prop::bool::weighted(0.8)), 0..10).prop_map(
            |parts| {
                let inner: String =
                    parts.iter().map(|(token, comma)| format!("{token}{}", if *comma { ", " } else { "" })).collect();
                let opened = inner.matches('{').count().saturating_sub(inner.matches('}').count());
                format!("{{{}{}}}{}", inner.trim_end_matches(", "), "}".repeat(opened), " ".repeat(64))
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_learnt_changes_nothing(events in proptest::collection::vec(event(), 1..120)) {
            const FIELDS: [Field; 7] =
                [Field::Phase, Field::Name, Field::Process, Field::Device, Field::Stream, Field::Start, Field::Category];
            let mut learnt = Slots::default();
            for text in events.iter().chain(&events) {
                let text = text.as_bytes();
                let mut fresh = Slots::default();
                let told = |slots: &mut Slots| {
                    let end = scan(text, slots);
                    let values = FIELDS.map(|field| slots.get(text, field).filter(|_| end.is_ok()));
                    let numbers = FIELDS.map(|field| slots.number(field).filter(|_| end.is_ok()));
                    (end, values, end.is_ok() && slots.has_duplicate_key(), numbers)
                };
                let ((end, values, is_twice, numbers), other) = (told(&mut learnt), told(&mut fresh));
                prop_assert_eq!((end, values, is_twice), (other.0, other.1, other.2), "{}", String::from_utf8_lossy(text));
                // Not every value is decoded each time; what is is the same.
                let mut pairs = numbers.into_iter().zip(other.3);
                prop_assert!(pairs.all(|(one, other)| one.is_none() || other.is_none() || one == other));
            }
        }
    }

    #[test]
    fn values_that_vary_leave_the_seams() {
        let mut slots = Slots::default();
        for thread in 0..1000 {
            let text = format!("{{\"ph\": \"X\", \"tid\": {thread}, \"ts\": 5.125}}{}", " ".repeat(64));
            assert_eq!(scan(text.as_bytes(), &mut slots), Ok(text.trim_end().len()));
            assert_eq!(slots.number(Field::Start), Some(5_125));
            assert_eq!(slots.get(text.as_bytes(), Field::Thread), Some(thread.to_string().as_bytes()));
        }
        assert!(slots.seams().known.len() < 5 * MOST_FOLLOWERS, "{}", slots.seams().known.len());
    }
}
