//! The text into events and metadata: the top level of the document, and what to do where it is damaged.
//!
//! The text flows through a window; strict events go straight from the scanner to the builder. Whatever the scanner
//! refuses is rewritten by `repair` (bounded by the next place where an event starts) or lost alone. Nothing here
//! recurses, and every loop either consumes text, makes the window grow, or ends.

use super::builder::Builder;
use super::event::{next_start, scan};
use super::lane::{Before, Lane, Pause};
use super::lexer::{Stop, skip_blank, skip_value};
use super::metadata::TopLevel;
use super::repair::{Lost, Repairs, repair};
use super::sniff;
use super::tally::Tally;
use super::window::Window;
use super::{ErrorKind, Limits};

/// One event (or one top-level value) may be this long: a string of 64 MiB (R20) and what stands around it.
const VALUE_LIMIT_BYTES: usize = 68 << 20;
/// A piece of the window that is worth a lane of its own.
const PIECE_BYTES: usize = 1 << 20;
/// More lanes than this wait for the decompressor.
const MOST_LANES: usize = 4;

/// What was wrong with the text, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Damage {
    pub(super) truncated: Tally,
    pub(super) extra_document: Tally,
    pub(super) utf8: Tally,
    pub(super) control: Tally,
    pub(super) escape: Tally,
    pub(super) quote: Tally,
    pub(super) bad_event: Tally,
    pub(super) non_finite: Tally,
    pub(super) comma: Tally,
    pub(super) duplicate_key: Tally,
    pub(super) depth: Tally,
}

impl Damage {
    /// Adds what another lane found.
    pub(super) fn join(&mut self, other: &Self) {
        self.truncated.join(other.truncated);
        self.extra_document.join(other.extra_document);
        self.utf8.join(other.utf8);
        self.control.join(other.control);
        self.escape.join(other.escape);
        self.quote.join(other.quote);
        self.bad_event.join(other.bad_event);
        self.non_finite.join(other.non_finite);
        self.comma.join(other.comma);
        self.duplicate_key.join(other.duplicate_key);
        self.depth.join(other.depth);
    }

    fn repaired(&mut self, repairs: Repairs, offset: u64) {
        self.utf8.add(repairs.utf8, offset);
        self.control.add(repairs.control, offset);
        self.escape.add(repairs.escape, offset);
        self.quote.add(repairs.quote, offset);
        self.non_finite.add(repairs.non_finite, offset);
        self.comma.add(repairs.comma, offset);
    }
}

/// A document being read.
pub(super) struct Document {
    pub(super) window: Window,
    pub(super) top: TopLevel,
    /// The lane that reads what is not strict, and whatever is not worth sharing.
    lane: Lane,
    /// More lanes, for pieces of the window that are read at the same time.
    others: Vec<Lane>,
    strict: Vec<u8>,
    max_bytes: u64,
}

impl Document {
    pub(super) fn new(window: Window, limits: &Limits) -> Self {
        let lanes = rayon::current_num_threads().min(MOST_LANES);
        Self {
            window,
            top: TopLevel::default(),
            lane: Lane::default(),
            others: (1..lanes).map(|_| Lane::default()).collect(),
            strict: Vec::new(),
            max_bytes: limits.max_bytes,
        }
    }

    /// Everything that was read.
    pub(super) fn finish(self) -> (Window, TopLevel, Builder, Damage) {
        let mut lane = self.lane;
        self.others.into_iter().for_each(|other| lane.absorb(other));
        (self.window, self.top, lane.builder, lane.damage)
    }

    /// Reads the whole text.
    pub(super) fn read(&mut self) -> Result<(), ErrorKind> {
        while self.window.rest().len() < 4096 && self.window.grow() {}
        let outcome = match self.peek() {
            None => Err(ErrorKind::Empty),
            Some(b'{') => self.object(),
            Some(b'[') => {
                self.window.advance(1);
                self.array()
            }
            Some(_) => Err(foreign(self.window.rest())),
        };
        if self.window.over_limit() {
            return Err(ErrorKind::TooLarge { max_bytes: self.max_bytes });
        }
        outcome?;
        if self.lane.damage.truncated.count == 0 && self.peek().is_some() {
            self.lane.damage.extra_document.add(1, self.window.offset());
        }
        self.window.drain();
        if self.window.over_limit() {
            return Err(ErrorKind::TooLarge { max_bytes: self.max_bytes });
        }
        Ok(())
    }

    /// Skips white space and gives the next byte; `None` at the end of the text.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let blank = skip_blank(self.window.rest(), 0);
            self.window.advance(blank);
            if let Some(&byte) = self.window.rest().first() {
                return Some(byte);
            }
            if !self.window.grow() {
                return None;
            }
        }
    }

    /// An array of events as the whole document: its closing bracket may be missing (TRACE-FORMAT 1.1).
    fn array(&mut self) -> Result<(), ErrorKind> {
        self.top.saw_events = true;
        self.events(true);
        if self.kept() == 0 && self.lane.damage.bad_event.count > 0 {
            return Err(ErrorKind::NotTrace { what: "a JSON array, but not of trace events (a memory timeline?)" });
        }
        Ok(())
    }

    fn object(&mut self) -> Result<(), ErrorKind> {
        self.window.advance(1);
        let mut after_comma = false;
        loop {
            match self.peek() {
                None => return self.ended_in_object(),
                Some(b'}') => {
                    self.lane.damage.comma.add(u64::from(after_comma), self.window.offset());
                    self.window.advance(1);
                    break;
                }
                Some(b',') => {
                    self.lane.damage.comma.add(u64::from(after_comma), self.window.offset());
                    after_comma = true;
                    self.window.advance(1);
                }
                Some(b'"') => {
                    after_comma = false;
                    match self.member()? {
                        Member::Read => {}
                        Member::Truncated => return self.ended_in_object(),
                        Member::Damaged => {
                            if !self.recover() {
                                break;
                            }
                        }
                    }
                }
                Some(_) => {
                    if !self.recover() {
                        break;
                    }
                }
            }
        }
        if self.top.saw_events { Ok(()) } else { Err(self.no_events()) }
    }

    fn no_events(&self) -> ErrorKind {
        ErrorKind::NotTrace { what: sniff::object_without_events(&self.top.keys) }
    }

    fn ended_in_object(&mut self) -> Result<(), ErrorKind> {
        if !self.top.saw_events && !self.top.looks_like_kineto() {
            return Err(self.no_events());
        }
        self.lane.damage.truncated.add(1, self.window.offset());
        Ok(())
    }

    /// One key and its value.
    fn member(&mut self) -> Result<Member, ErrorKind> {
        let Some(key) = self.value(b":")? else { return Ok(Member::Truncated) };
        let Value::Strict(key) = key else { return Ok(Member::Damaged) };
        let Ok(key) = serde_json::from_slice::<String>(&key) else { return Ok(Member::Damaged) };
        if self.peek() != Some(b':') {
            return Ok(if self.window.ended() && self.window.rest().is_empty() {
                Member::Truncated
            } else {
                Member::Damaged
            });
        }
        self.window.advance(1);
        let next = self.peek();
        let offset = self.window.offset();
        let is_new = self.top.note_key(&key);
        self.lane.damage.duplicate_key.add(u64::from(!is_new), offset);
        if key == "traceEvents" && next == Some(b'[') {
            if self.top.saw_events {
                self.forget_events(); // the last of two equal keys counts (R17)
            }
            self.top.saw_events = true;
            self.window.advance(1);
            self.events(false);
            return Ok(Member::Read);
        }
        Ok(match self.value(b",}")? {
            None => Member::Truncated,
            Some(Value::Lost) => Member::Damaged,
            Some(Value::Strict(value)) => {
                self.top.take(&key, &value);
                Member::Read
            }
        })
    }

    /// The value at the cursor as strict JSON, consumed. `None` where the text ends inside it. One of `followers` must
    /// stand behind it: a string with something else behind it went on (R14).
    fn value(&mut self, followers: &[u8]) -> Result<Option<Value>, ErrorKind> {
        loop {
            match skip_value(self.window.rest(), 0) {
                Ok(length) => {
                    let rest = self.window.rest();
                    let follower = rest.get(skip_blank(rest, length)).copied();
                    if follower.is_none() && self.window.grow() {
                        continue;
                    }
                    let is_followed = follower.is_none_or(|follower| followers.contains(&follower));
                    let value = self.window.rest().get(..length).unwrap_or_default();
                    if is_followed && (value.is_ascii() || std::str::from_utf8(value).is_ok()) {
                        let value = value.to_vec();
                        self.window.advance(length);
                        return Ok(Some(Value::Strict(value)));
                    }
                    return self.repaired_value();
                }
                Err(Stop::NeedMore) if self.window.rest().len() > VALUE_LIMIT_BYTES => return Ok(Some(Value::Lost)),
                Err(Stop::NeedMore) if self.window.grow() => {}
                Err(Stop::NeedMore) => return Ok(None),
                Err(Stop::Broken) => return self.repaired_value(),
            }
        }
    }

    fn repaired_value(&mut self) -> Result<Option<Value>, ErrorKind> {
        loop {
            let offset = self.window.offset();
            match repair(self.window.rest(), Some(true), &mut self.strict) {
                Ok((length, repairs)) => {
                    self.lane.damage.repaired(repairs, offset);
                    self.window.advance(length);
                    return Ok(Some(Value::Strict(self.strict.clone())));
                }
                Err(Lost::TooDeep(_)) => return Err(ErrorKind::TooDeep { offset }),
                Err(Lost::Unreadable) if self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() => {}
                Err(Lost::Unreadable) => return Ok(Some(Value::Lost)),
            }
        }
    }

    /// Behind damage at the top level: goes on at `"traceEvents": [`. `false` where the document ends here.
    fn recover(&mut self) -> bool {
        self.lane.damage.bad_event.add(1, self.window.offset());
        if self.top.saw_events {
            self.lose_rest();
            return false;
        }
        self.window.advance(1);
        loop {
            let rest = self.window.rest();
            let found = memchr::memmem::find_iter(rest, b"\"traceEvents\"").find(|&at| {
                let colon = skip_blank(rest, at + b"\"traceEvents\"".len());
                rest.get(colon) == Some(&b':') && rest.get(skip_blank(rest, colon + 1)) == Some(&b'[')
            });
            if let Some(at) = found {
                self.window.advance(at);
                return true;
            }
            // Keep what could be the start of the key, cut by the window's end.
            let keep = rest.len().min(256);
            self.window.advance(rest.len() - keep);
            if !self.window.grow() {
                self.window.advance(keep);
                return false;
            }
        }
    }

    /// The elements of `traceEvents`, to its closing bracket or the end of the text.
    fn events(&mut self, is_root: bool) {
        let mut before = Before::Nothing;
        loop {
            match self.run(&mut before) {
                Pause::End => return,
                // (Only a lane that has a next one meets it, and that one's pause is what counts.)
                Pause::NeedMore | Pause::Met => {
                    if self.window.rest().len() > VALUE_LIMIT_BYTES {
                        self.discard_huge();
                        before = Before::Nothing;
                    } else if !self.window.grow() && self.at_end(&mut before, is_root) {
                        return;
                    }
                }
                Pause::Broken => match self.broken_event() {
                    Broken::Repaired => before = Before::Event,
                    Broken::Lost => before = Before::Nothing,
                    Broken::Ended => return,
                },
                Pause::Junk => match self.junk() {
                    Broken::Repaired => before = Before::Event,
                    Broken::Lost => before = Before::Nothing,
                    Broken::Ended => return,
                },
            }
        }
    }

    /// The last of two `traceEvents` counts (R17).
    fn forget_events(&mut self) {
        self.lane.builder = Builder::default();
        self.others.iter_mut().for_each(|lane| lane.builder = Builder::default());
    }

    fn kept(&self) -> u64 {
        self.lane.builder.kept + self.others.iter().map(|lane| lane.builder.kept).sum::<u64>()
    }

    /// Reads strict events in the window, on all lanes where it is long enough.
    fn run(&mut self, before: &mut Before) -> Pause {
        let wanted = (self.others.len() + 1) * PIECE_BYTES;
        while !self.others.is_empty() && self.window.rest().len() < wanted && self.window.grow() {}
        let (text, offset) = (self.window.rest(), self.window.offset());
        let starts = piece_starts(text, self.others.len());
        let (consumed, pause) = if starts.is_empty() {
            self.lane.run(text, offset, before, None)
        } else {
            share(&mut self.lane, &mut self.others, text, offset, before, &starts)
        };
        self.window.advance(consumed);
        pause
    }

    /// The text has ended inside `traceEvents`. `true` where nothing more can be read.
    fn at_end(&mut self, before: &mut Before, is_root: bool) -> bool {
        let offset = self.window.offset();
        if self.window.rest().is_empty() {
            // The Trace Event format lets a bare array end without its bracket.
            self.lane.damage.truncated.add(u64::from(!is_root), offset);
            return true;
        }
        // A broken quote can make the scanner run over whole events: then this one is damaged, not the last.
        if next_start(self.window.rest(), 1).is_some() || self.event_to_end() {
            let broken = self.broken_event();
            *before = if broken == Broken::Repaired { Before::Event } else { Before::Nothing };
            return broken == Broken::Ended;
        }
        self.lane.damage.truncated.add(1, offset);
        self.lose_rest();
        true
    }

    /// Whether the rest holds a whole event after repair.
    fn event_to_end(&mut self) -> bool {
        matches!(repair(self.window.rest(), None, &mut self.strict), Ok(_) | Err(Lost::TooDeep(_)))
    }

    /// The event at the cursor is not strict: repairs it, or loses it alone.
    fn broken_event(&mut self) -> Broken {
        let mut limit = next_start(self.window.rest(), 1);
        while limit.is_none() && self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() {
            limit = next_start(self.window.rest(), 1);
        }
        let offset = self.window.offset();
        let rest = self.window.rest();
        let text = rest.get(..limit.unwrap_or(rest.len())).unwrap_or_default();
        match repair(text, None, &mut self.strict) {
            Ok((length, repairs)) => {
                let strict = std::mem::take(&mut self.strict);
                self.lane.damage.repaired(repairs, offset);
                match scan(&strict, &mut self.lane.slots) {
                    Ok(_) => self.lane.take(&strict, offset),
                    Err(_) => self.lane.damage.bad_event.add(1, offset),
                }
                self.strict = strict;
                self.window.advance(length);
                Broken::Repaired
            }
            Err(Lost::TooDeep(end)) => {
                self.lane.damage.depth.add(1, offset);
                self.window.advance(end);
                Broken::Repaired
            }
            Err(Lost::Unreadable) => {
                self.lane.damage.bad_event.add(1, offset);
                match limit.or_else(|| array_end(rest)) {
                    Some(next) => {
                        self.window.advance(next);
                        Broken::Lost
                    }
                    None => self.lose_rest(),
                }
            }
        }
    }

    /// Something in `traceEvents` that is no object: skipped and counted.
    fn junk(&mut self) -> Broken {
        let offset = self.window.offset();
        loop {
            match skip_value(self.window.rest(), 0) {
                Ok(length) => {
                    self.lane.damage.bad_event.add(1, offset);
                    self.window.advance(length);
                    return Broken::Repaired;
                }
                Err(Stop::NeedMore) if self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() => {}
                Err(Stop::NeedMore) => {
                    self.lane.damage.truncated.add(1, offset);
                    return self.lose_rest();
                }
                Err(Stop::Broken) => return self.broken_event(),
            }
        }
    }

    fn lose_rest(&mut self) -> Broken {
        self.window.drain();
        self.window.advance(usize::MAX / 2);
        Broken::Ended
    }

    /// The event at the cursor is longer than any event may be: drops it without keeping its text.
    fn discard_huge(&mut self) {
        self.lane.damage.bad_event.add(1, self.window.offset());
        loop {
            let rest = self.window.rest();
            if let Some(next) = next_start(rest, 1) {
                self.window.advance(next);
                return;
            }
            let keep = rest.len().min(256);
            self.window.advance(rest.len() - keep);
            if !self.window.grow() {
                self.window.advance(keep);
                return;
            }
        }
    }
}

/// What became of a broken event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// It was read or skipped whole: a separator follows.
    Repaired,
    /// It was lost, and reading goes on at the next event.
    Lost,
    /// Nothing more can be read.
    Ended,
}

/// What became of a member of the root object.
enum Member {
    Read,
    Truncated,
    Damaged,
}

/// What became of a value.
enum Value {
    /// As strict JSON.
    Strict(Vec<u8>),
    Lost,
}

/// The closing bracket of `traceEvents` behind a last event that cannot be read: one that starts a line, or has the rest
/// of the root object behind it.
fn array_end(rest: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b']', rest).find(|&at| {
        let behind = skip_blank(rest, at + 1);
        let starts_line = rest.get(..at).unwrap_or_default().trim_ascii_end().len() < at
            && rest.get(..at).unwrap_or_default().iter().rev().find(|byte| **byte != b' ') == Some(&b'\n');
        match rest.get(behind) {
            Some(b'}') => rest.get(skip_blank(rest, behind + 1)).is_none(),
            Some(b',') => starts_line && rest.get(skip_blank(rest, behind + 1)) == Some(&b'"'),
            _ => false,
        }
    })
}

fn foreign(head: &[u8]) -> ErrorKind {
    let foreign = sniff::foreign(head);
    if foreign.is_json { ErrorKind::NotTrace { what: foreign.what } } else { ErrorKind::NotJson { what: foreign.what } }
}

/// Where pieces of `text` for `more` further lanes may start: behind a comma, in order.
fn piece_starts(text: &[u8], more: usize) -> Vec<usize> {
    if text.len() < (more + 1) * PIECE_BYTES / 2 {
        return Vec::new();
    }
    let length = text.len() / (more + 1);
    let mut starts: Vec<usize> = Vec::new();
    for piece in 1..=more {
        let from = (piece * length).max(starts.last().map_or(0, |last| last + 1));
        let start = next_start(text, from);
        let is_behind_comma = |at: usize| text.get(..at).unwrap_or_default().trim_ascii_end().ends_with(b",");
        match start.filter(|&at| is_behind_comma(at)) {
            Some(start) => starts.push(start),
            None => break,
        }
    }
    starts
}

/// Reads `text` on several lanes at once. Returns how much was consumed and why reading stopped, as one lane would.
fn share(
    first: &mut Lane,
    others: &mut [Lane],
    text: &[u8],
    offset: u64,
    before: &mut Before,
    starts: &[usize],
) -> (usize, Pause) {
    let marks: Vec<_> = others.iter().map(Lane::mark).collect();
    let mut results: Vec<(usize, Pause, Before)> = vec![(0, Pause::NeedMore, *before); starts.len() + 1];
    let bounds =
        std::iter::once(0).chain(starts.iter().copied()).zip(starts.iter().map(|&next| Some(next)).chain([None]));
    let lanes = std::iter::once(first).chain(others.iter_mut());
    rayon::scope(|scope| {
        for ((lane, (from, next)), result) in lanes.zip(bounds).zip(&mut results) {
            // Behind the comma that a piece starts after; the first goes on where the window stood.
            let mut before = if from == 0 { result.2 } else { Before::Comma };
            scope.spawn(move |_| {
                let piece = text.get(from..).unwrap_or_default();
                let met = next.map(|next| next - from);
                let (consumed, pause) = lane.run(piece, offset + crate::units::count(from), &mut before, met);
                *result = (from + consumed, pause, before);
            });
        }
    });
    let confirmed = results.iter().take_while(|(_, pause, _)| *pause == Pause::Met).count();
    for (lane, mark) in others.iter_mut().zip(&marks).skip(confirmed) {
        lane.go_back(mark);
    }
    let (consumed, pause, last) = results.get(confirmed).copied().unwrap_or((0, Pause::NeedMore, *before));
    *before = last;
    (consumed, pause)
}
