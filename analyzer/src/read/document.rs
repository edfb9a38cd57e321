//! The text into events and metadata: the top level of the document, and what to do where it is damaged.
//!
//! `object` reads keys and small values; at `traceEvents` it hands over to `stream`. Damage in one value never costs the
//! events: reading goes on at `"traceEvents": [`. Nothing here recurses, and every loop either consumes text, makes the
//! window grow, or ends.

use super::builder::Builder;
use super::lane::Lane;
use super::lexer::{Beyond, Stop, skip_blank, skip_value};
use super::metadata::TopLevel;
use super::repair::{Lost, Outer, Repairs, repair};
use super::sniff;
use super::tally::Tally;
use super::window::Window;
use super::{ErrorKind, Limits};
use crate::trace::events::Translation;

/// One event (or one top-level value) may be this long: a string of 64 MiB (R20) and what stands around it.
pub(super) const VALUE_LIMIT_BYTES: usize = 68 << 20;

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

    pub(super) fn repaired(&mut self, repairs: Repairs, offset: u64) {
        self.utf8.add(repairs.utf8, offset);
        self.control.add(repairs.control, offset);
        self.escape.add(repairs.escape, offset);
        self.quote.add(repairs.quote, offset);
        self.non_finite.add(repairs.non_finite, offset);
        self.comma.add(repairs.comma, offset);
    }
}

/// A document being read.
pub(super) struct Document<'r> {
    pub(super) window: Window<'r>,
    pub(super) top: TopLevel,
    /// The lane that reads what is not strict, and whatever no reader has; what readers find is appended to its rows.
    pub(super) lane: Lane<'r>,
    /// The readers' ids as the lane's, by reader.
    pub(super) translations: Vec<Translation>,
    /// The latest repaired text.
    pub(super) strict: Vec<u8>,
    max_bytes: u64,
}

impl<'r> Document<'r> {
    pub(super) fn new(window: Window<'r>, limits: &Limits) -> Self {
        let translations = (0..window.readers()).map(|_| Translation::default()).collect();
        Self {
            window,
            top: TopLevel::default(),
            lane: Lane { builder: Builder::with_room_for(limits.max_names), ..Lane::default() },
            translations,
            strict: Vec::new(),
            max_bytes: limits.max_bytes,
        }
    }

    /// Everything that was read.
    pub(super) fn finish(self) -> (Window<'r>, TopLevel, Builder, Damage) {
        (self.window, self.top, self.lane.builder, self.lane.damage)
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
    pub(super) fn peek(&mut self) -> Option<u8> {
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
                    // One bracket too many does not end a document whose events are still to come.
                    if self.top.saw_events || !self.recover() {
                        break;
                    }
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
            return Err(ErrorKind::NotTrace { what: sniff::cut_object(&self.top.keys) });
        }
        // The text ends once: where it ended inside of the events, that was said there.
        if self.lane.damage.truncated.count == 0 {
            self.lane.damage.truncated.add(1, self.window.offset());
        }
        Ok(())
    }

    /// One key and its value.
    fn member(&mut self) -> Result<Member, ErrorKind> {
        let Some(key) = self.value(Outer::Key)? else { return Ok(Member::Truncated) };
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
        Ok(match self.value(Outer::Member)? {
            None => Member::Truncated,
            Some(Value::Lost) => Member::Damaged,
            Some(Value::Strict(value)) => {
                if let Some(visitor) = &mut self.lane.visitor {
                    visitor.member(&key, &value);
                }
                self.top.take(&key, &value);
                Member::Read
            }
        })
    }

    /// The value at the cursor as strict JSON, consumed. `None` where the text ends inside it. What must stand behind it
    /// depends on `outer`: a string with something else behind it went on (R14).
    fn value(&mut self, outer: Outer) -> Result<Option<Value>, ErrorKind> {
        let followers: &[u8] = if outer == Outer::Key { b":" } else { b",}" };
        loop {
            match skip_value(self.window.rest(), 0, &mut Beyond::default()) {
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
                    return self.repaired_value(outer);
                }
                Err(Stop::NeedMore) if self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() => {}
                // It swallowed the events, or is longer than any value may be.
                Err(Stop::NeedMore) if self.events_key().is_some() || !self.window.ended() => {
                    return Ok(Some(Value::Lost));
                }
                Err(Stop::NeedMore) => return Ok(None),
                Err(Stop::Broken) => return self.repaired_value(outer),
            }
        }
    }

    /// The same where it is not strict. The events bound it: no value reaches over them.
    fn repaired_value(&mut self, outer: Outer) -> Result<Option<Value>, ErrorKind> {
        loop {
            let offset = self.window.offset();
            let events = self.events_key();
            let rest = self.window.rest();
            let text = rest.get(..events.unwrap_or(rest.len())).unwrap_or_default();
            match repair(text, outer, &mut self.strict) {
                Ok((length, repairs)) => {
                    self.lane.damage.repaired(repairs, offset);
                    self.window.advance(length);
                    return Ok(Some(Value::Strict(self.strict.clone())));
                }
                Err(Lost::TooDeep(_)) => return Err(ErrorKind::TooDeep { offset }),
                Err(Lost::Unreadable)
                    if events.is_none() && self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() => {}
                Err(Lost::Unreadable) => return Ok(Some(Value::Lost)),
            }
        }
    }

    /// Where `"traceEvents": [` stands in the window, if it is still to come.
    fn events_key(&self) -> Option<usize> {
        let rest = self.window.rest();
        let mut keys = memchr::memmem::find_iter(rest, b"\"traceEvents\"").filter(|_| !self.top.saw_events);
        keys.find(|&at| {
            let colon = skip_blank(rest, at + b"\"traceEvents\"".len());
            rest.get(colon) == Some(&b':') && rest.get(skip_blank(rest, colon + 1)) == Some(&b'[')
        })
    }

    /// Behind damage at the top level: goes on at `"traceEvents": [`. `false` where the document ends here.
    fn recover(&mut self) -> bool {
        self.lane.damage.bad_event.add(1, self.window.offset());
        if self.top.saw_events {
            self.lose_rest();
            return false;
        }
        if self.window.rest().first() == Some(&b'"') {
            self.window.advance(1); // not the same key again
        }
        loop {
            if let Some(at) = self.events_key() {
                self.window.advance(at);
                return true;
            }
            let rest = self.window.rest();
            // Keep what could be the start of the key, cut by the window's end.
            let keep = rest.len().min(256);
            self.window.advance(rest.len() - keep);
            if !self.window.grow() {
                self.window.advance(keep);
                return false;
            }
        }
    }
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

fn foreign(head: &[u8]) -> ErrorKind {
    let foreign = sniff::foreign(head);
    if foreign.is_json { ErrorKind::NotTrace { what: foreign.what } } else { ErrorKind::NotJson { what: foreign.what } }
}
