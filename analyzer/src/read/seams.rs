//! What stands between two values that vary in an event: separators, keys, colons, blanks, and values that few events differ in.
//!
//! ```text
//! { "ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 8.125, "dur": 4, "args": { "External id": 7 } }
//! ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~          ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~  seams
//! ```
//! They repeat, event after event. So a seam is first compared, byte for byte (but for digits, which may be any), with those
//! that followed the same ones in earlier events; only where it is none of them is it read. An event laid out like an
//! earlier one costs a comparison a value that varies. A value may be part of a seam where its key says that few differ in
//! it, or in the number of its digits (`steadiness`), and as long as few do.

use super::event::{Field, Steadiness, Values, argument, is_flow, member, steadiness};
use super::lexer::{Beyond, Stop, byte, skip_blank, skip_string, skip_value};
use super::number::FORM_BYTES;
use super::seam::{MOST_STEADY, NAME_LENGTHS, Part, SEAM_BYTES, Seam, SteadyValues};
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

/// So many seams are remembered; what is new beyond them is read one by one. (A trace has a few dozen kinds of events.)
const MOST_KNOWN: usize = 2048;
/// So many seams that follow one are remembered.
const MOST_FOLLOWERS: usize = 32;
/// Those that hold values leave some room to those that do not: any value is matched by these.
const MOST_STEADY_FOLLOWERS: usize = MOST_FOLLOWERS - 2;
/// The end of nothing.
const NOWHERE: Then = Then { value: None, in_args: false, args_begun: 0 };
/// The entry that stands for the start of an event.
const START: u32 = 0;
/// No entry, or one that is not remembered.
const NONE: u32 = u32::MAX;

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

/// What came before a seam, as far as guesses at it are told apart by it: events come in patterns, of operators, calls,
/// arrows and kernels.
#[derive(Debug, Default)]
struct Past {
    /// What the latest events were, 16 bits each: how they ended, and how long their names were.
    events: u64,
    /// How long the name of the event at hand is.
    name_bytes: usize,
}

impl Past {
    /// The event at hand ends with this seam.
    fn end_event(&mut self, seam: u32) {
        let event = u64::from(seam).wrapping_mul(37).wrapping_add(crate::units::count(self.name_bytes));
        self.events = self.events << 16 | event & 0xffff;
    }

    /// The place of what follows the three latest events, among [`STARTS`].
    fn place(&self) -> usize {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 by the golden ratio: neighbours go far from each other
        usize::try_from((self.events << 16).wrapping_mul(SPREAD) >> (64 - STARTS_BITS)).unwrap_or(0)
    }
}

/// So many guesses at the first seam of an event are remembered.
const STARTS: usize = 1 << STARTS_BITS;
const STARTS_BITS: u32 = 12;

/// The seams of a file.
#[derive(Debug)]
pub(super) struct Seams {
    known: Vec<Seam>,
    past: Past,
    /// The first seam of an event, by what came before.
    starts: Vec<u16>,
    /// The key, with its quotes, that started the first event.
    first_key: Option<Vec<u8>>,
}

impl Default for Seams {
    fn default() -> Self {
        let start = Seam::new(b"", NOWHERE, &[]);
        Self { known: vec![start], past: Past::default(), starts: vec![0; STARTS], first_key: None }
    }
}

/// Where a seam may end as well: at a value that is part of it.
#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    then: Then,
    /// How many values stand before it.
    parts: usize,
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

    /// The event's name is so long.
    pub(super) const fn saw_name(&mut self, bytes: usize) {
        self.past.name_bytes = bytes;
    }

    /// An event begins.
    pub(super) const fn begin(&mut self) {
        self.past.name_bytes = 0;
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
        let head = text.get(at..).unwrap_or_default();
        let Some((index, seam)) = self.follower(last.seam, head) else {
            // (Taken apart, so that what is known stays in registers.)
            let (at, value, passed) = self.read(text, at, last, (values, beyond))?;
            return Ok((at, value, passed));
        };
        let (end, then) = (at + usize::from(seam.length), seam.then);
        values.begin_args(then.args_begun);
        values.set_steady(&seam.steady, text, at);
        let passed = Passed { seam: index, in_args: then.in_args };
        // More blanks than the last time are as good.
        if then.value.is_some() {
            return Ok((skip_blank(text, end), then.value, passed));
        }
        self.past.end_event(index);
        Ok((end, None, passed))
    }

    /// The seam behind `last` with which `head` starts.
    #[inline]
    fn follower(&mut self, last: u32, head: &[u8]) -> Option<(u32, &Seam)> {
        let guess = u32::from(*self.guess(last)?);
        let is_right = guess != START && self.known.get(widen(guess)).is_some_and(|seam| seam.starts(head));
        let index = if is_right { guess } else { self.other(last, head)? };
        Some((index, self.known.get(widen(index))?))
    }

    /// The same where it was not guessed.
    #[inline(never)]
    fn other(&mut self, last: u32, head: &[u8]) -> Option<u32> {
        let followers = &self.known.get(widen(last))?.followers;
        let starts = |index: u32| self.known.get(widen(index)).is_some_and(|seam| seam.starts(head));
        let rank = followers.iter().position(|&index| starts(index))?;
        let index = *followers.get(rank)?;
        self.known.get_mut(widen(last))?.followers.swap(rank, rank.saturating_sub(1));
        *self.guess(last)? = u16::try_from(index).unwrap_or(0);
        Some(index)
    }

    /// Which seam followed `last` the latest time that all was as it is now.
    #[inline(always)]
    fn guess(&mut self, last: u32) -> Option<&mut u16> {
        if last == START {
            self.starts.get_mut(self.past.place())
        } else {
            self.known.get_mut(widen(last))?.guesses.get_mut(self.past.name_bytes % NAME_LENGTHS)
        }
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
        let (mut cuts, mut parts): (Vec<Cut>, Vec<Part>) = Default::default();
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
                is_odd |= parts.iter().any(|part| part.used.is_some_and(|used| used.field.is_argument()));
                then.args_begun = then.args_begun.saturating_add(1);
                then.in_args = true;
                (at, at_brace) = (value, true);
                continue;
            }
            then.value = Some(meaning);
            let is_flow = values.get(text, Field::Phase).is_some_and(is_flow)
                || parts.iter().any(|part| part.is_phase_of_flow(text, from));
            let steadiness = steadiness(quoted, then.in_args, is_flow);
            let may_be_part = match byte(text, value)? {
                b'0'..=b'9' => steadiness != Steadiness::Varies,
                b'"' | b't' | b'f' => steadiness == Steadiness::Value,
                _ => false,
            };
            if !may_be_part {
                break value;
            }
            let value_end = skip_value(text, value, beyond)?;
            let Some(part) = Part::new(text, (from, value, value_end), (meaning, steadiness, is_flow)) else {
                break value;
            };
            cuts.push(Cut { at: value, then, parts: parts.len() });
            parts.push(part);
            then.value = None;
            (at, at_brace) = (value_end, false);
        };
        cuts.push(Cut { at: end, then, parts: parts.len() });
        cuts.truncate(if is_odd { 1 } else { cuts.len() });
        let (cut, seam) = self.remember(text, (last.seam, from), &cuts, &parts);
        values.begin_args(cut.then.args_begun);
        // (One that is not remembered may hold more of them.)
        for parts in parts.get(..cut.parts).unwrap_or_default().chunks(MOST_STEADY) {
            values.set_steady(&SteadyValues::of(parts), text, from);
        }
        if cut.then.value.is_none() {
            self.past.end_event(seam);
        }
        Ok((cut.at, cut.then.value, Passed { seam, in_args: cut.then.in_args }))
    }

    /// Makes the seam a follower of the one before it, where that is remembered too. It ends at the last of the cuts that
    /// can be remembered, which is returned, with its entry or `NONE`.
    fn remember(&mut self, text: &[u8], (before, from): (u32, usize), cuts: &[Cut], parts: &[Part]) -> (Cut, u32) {
        let seam = |cut: &Cut| text.get(from..cut.at).unwrap_or_default();
        // (`args` that is no object: what is one starts with the same bytes.)
        let may_be_known = |cut: &Cut| {
            (1..=SEAM_BYTES).contains(&(cut.at - from))
                && seam(cut).is_ascii()
                && cut.then.value != Some(Meaning::Args)
                && parts.iter().take(cut.parts).filter(|part| part.used.is_some()).count() <= MOST_STEADY
        };
        let whole = cuts.last().copied().unwrap_or(Cut { at: from, then: NOWHERE, parts: 0 });
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
        // Near the end of the text a number is no part (who reads it looks so far ahead): less would be remembered than could be.
        if text.len() - whole.at < FORM_BYTES {
            return (whole, NONE);
        }
        let most = if count < MOST_STEADY_FOLLOWERS { cuts.len() } else { 1 };
        let cut = cuts.iter().take(most).rfind(|cut| may_be_known(cut));
        let Some(cut) = cut.filter(|_| self.known.len() < MOST_KNOWN) else { return (whole, NONE) };
        let index = crate::units::narrow(self.known.len());
        if let Some(before_seam) = self.known.get_mut(widen(before)) {
            before_seam.followers.truncate(MOST_FOLLOWERS - 1);
            before_seam.followers.push(index);
        }
        self.known.push(Seam::new(seam(cut), cut.then, parts.get(..cut.parts).unwrap_or_default()));
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
    use super::super::event::{Slots, known_number, scan};
    use super::super::number::{integer, nanoseconds_from_micros};
    use super::*;
    use proptest::prelude::*;

    const TOKENS: [&str; 32] = [
        "{",
        "}",
        "}}",
        ", ",
        ",",
        " ",
        r#""ph": "X""#,
        r#""ph": "f""#,
        r#""ph":"X""#,
        r#""cat": "kernel""#,
        r#""args": {"#,
        r#""args": 1"#,
        r#""name": "ac2g""#,
        r#""pid": 1"#,
        r#""pid": 2"#,
        r#""pid": "Spans""#,
        r#""tid": 31"#,
        r#""device": 0"#,
        r#""stream": 7"#,
        r#""stream": 9"#,
        r#""stream": 10"#,
        r#""External id": 512"#,
        r#""External id": 1024"#,
        r#""correlation": 999999999999999"#,
        r#""External id": 012"#,
        r#""finished": true"#,
        r#""finished": maybe"#,
        r#""other": [1, 2]"#,
        r#""ts": 1.500"#,
        r#""ts": 2.750"#,
        r#""ts": 0"#,
        r#""ts": 1e3"#,
    ];
    const FIELDS: [Field; 10] = [
        Field::Phase,
        Field::Name,
        Field::Process,
        Field::Device,
        Field::Stream,
        Field::Start,
        Field::Category,
        Field::ExternalId,
        Field::Correlation,
        Field::Finished,
    ];

    /// An event of up to ten tokens, most of them members with commas between; cut somewhere, one time in five.
    fn event() -> impl Strategy<Value = String> {
        let tokens = proptest::collection::vec((prop::sample::select(&TOKENS[..]), prop::bool::weighted(0.8)), 0..10);
        (tokens, prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(|(tokens, cut)| {
            let inner: String =
                tokens.iter().map(|(token, comma)| format!("{token}{}", if *comma { ", " } else { "" })).collect();
            let opened = inner.matches('{').count().saturating_sub(inner.matches('}').count());
            let mut text = format!("{{{}{}}}", inner.trim_end_matches(", "), "}".repeat(opened));
            match cut {
                Some(cut) => text.truncate(cut.index(text.len()).max(1)),
                None => text += &" ".repeat(2 * SEAM_BYTES),
            }
            text
        })
    }

    /// What decoding the text of a value comes to.
    fn decoded(field: Field, value: &[u8]) -> Option<i64> {
        match field {
            Field::Start => nanoseconds_from_micros(value),
            Field::Phase | Field::Category => known_number(field, value),
            _ => integer(value),
        }
    }

    proptest! {
        #[test]
        fn what_was_learnt_changes_nothing(events in proptest::collection::vec(event(), 1..120)) {
            let mut learnt = Slots::default();
            for text in events.iter().chain(&events) {
                let text = text.as_bytes();
                let told = |slots: &mut Slots| {
                    let end = scan(text, slots);
                    let values = FIELDS.map(|field| slots.get(text, field).filter(|_| end.is_ok()));
                    (end, values, end.is_ok() && slots.has_duplicate_key())
                };
                let (one, other) = (told(&mut learnt), told(&mut Slots::default()));
                prop_assert_eq!(one, other, "{}", String::from_utf8_lossy(text));
                // Not every value is decoded each time; what is is what its text says.
                for field in FIELDS.into_iter().filter(|_| one.0.is_ok()) {
                    if let (Some(number), Some(value)) = (learnt.number(field), learnt.get(text, field)) {
                        prop_assert_eq!(Some(number), decoded(field, value), "{:?}", field);
                    }
                }
            }
        }
    }

    #[test]
    fn values_that_vary_leave_the_seams() {
        let mut slots = Slots::default();
        for number in 0..1000 {
            let text =
                format!("{{\"ph\": \"X\", \"cat\": \"c{number}\", \"ts\": 5.125}}{}", " ".repeat(2 * SEAM_BYTES));
            assert_eq!(scan(text.as_bytes(), &mut slots), Ok(text.trim_end().len()));
            assert_eq!(slots.number(Field::Start), Some(5_125));
            assert_eq!(slots.get(text.as_bytes(), Field::Category), Some(format!("\"c{number}\"").as_bytes()));
        }
        assert!(slots.seams().known.len() < 5 * MOST_FOLLOWERS, "{}", slots.seams().known.len());
    }
}
