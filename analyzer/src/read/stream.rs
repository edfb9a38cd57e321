//! The elements of `traceEvents`: strict events go through lanes, and what is not strict is repaired or lost alone.
//!
//! Where an event is damaged, the next places at which an event starts bound what may be repaired, so that a repair never
//! swallows its neighbours, and the whole pass stays linear. What is decided depends on the text alone, not on how much
//! of it the window holds: before deciding, the window grows until it holds what the decision looks at.

use super::builder::Builder;
use super::document::{Document, VALUE_LIMIT_BYTES};
use super::event::{next_start, scan};
use super::landmark::{self, Undecided};
use super::lane::{Before, Pause};
use super::lexer::{Beyond, Stop, skip_blank, skip_value};
use super::readers::Found;
use super::repair::{Lost, Outer, repair};
use super::rows::News;

/// An event longer than this is looked at for others inside it.
const LONG_EVENT_BYTES: usize = 4 << 20;
/// So many starts are tried as the end of a damaged event.
const STARTS_TRIED: usize = 4;
/// What must stay in the window to recognise a start that its end cuts.
const START_BYTES: usize = 256;

impl Document<'_> {
    /// The elements of `traceEvents`, to its closing bracket or the end of the text.
    pub(super) fn events(&mut self, is_root: bool) {
        if let Some(visitor) = &mut self.lane.visitor {
            visitor.events(is_root);
        }
        self.elements(is_root);
        if let Some(visitor) = &mut self.lane.visitor {
            visitor.events_ended();
        }
    }

    fn elements(&mut self, is_root: bool) {
        let mut before = Before::Nothing;
        loop {
            let broken = match self.run(&mut before) {
                Pause::End if self.is_real_end(is_root) => return,
                Pause::End => self.resume(),
                // (Whoever meets the next piece goes on with it.)
                Pause::NeedMore | Pause::Met => match self.short_of_text(is_root) {
                    None => continue,
                    Some(broken) => broken,
                },
                Pause::Broken => self.broken_event(),
                Pause::Junk => self.junk(),
            };
            before = match broken {
                Broken::Repaired => Before::Event,
                Broken::Lost => Before::Nothing,
                Broken::Ended => return,
            };
        }
    }

    /// Whether the bracket before the cursor closes `traceEvents`: the text, the object and no more of it, or its next key must
    /// follow. (A bracket between events, or one of a broken event, is damage, and costs no more than what stands at it.)
    fn is_real_end(&mut self, is_root: bool) -> bool {
        let Some(follower) = self.peek() else { return true };
        match follower {
            b'}' => !matches!(self.behind_next(), Some(b',' | b']' | b'}')),
            b',' => matches!(self.behind_next(), None | Some(b'"' | b'}')),
            _ => is_root,
        }
    }

    /// The first byte behind the one at the cursor and the blanks behind it.
    fn behind_next(&mut self) -> Option<u8> {
        loop {
            let rest = self.window.rest();
            if let Some(&byte) = rest.get(skip_blank(rest, 1)) {
                return Some(byte);
            }
            if !self.window.grow() {
                return None;
            }
        }
    }

    /// Behind damage between events: counts it, and goes on at the next landmark.
    fn resume(&mut self) -> Broken {
        self.lane.damage.bad_event.add(1, self.window.offset());
        let (mut from, mut is_all) = (0, false);
        loop {
            let rest = self.window.rest();
            match landmark::first(rest, from, is_all || rest.len() >= VALUE_LIMIT_BYTES) {
                Ok(landmark) => {
                    self.window.advance(landmark);
                    return Broken::Lost;
                }
                Err(Undecided { keep_from, search_from }) => {
                    self.window.advance(keep_from);
                    from = search_from - keep_from;
                }
            }
            if is_all {
                return self.lose_rest();
            }
            is_all = !self.window.grow();
        }
    }

    /// The window ends inside an event (or between two): more text, or what the end of it means. `None` to go on.
    fn short_of_text(&mut self, is_root: bool) -> Option<Broken> {
        let length = self.window.rest().len();
        if length > VALUE_LIMIT_BYTES {
            self.discard_huge();
            return Some(Broken::Lost);
        }
        // An event of this size is either huge, or lost its end and swallows those behind it.
        if length > LONG_EVENT_BYTES && self.next_start(1).is_some() {
            return Some(self.broken_event());
        }
        if self.window.grow() { None } else { Some(self.at_end(is_root)) }
    }

    /// The last of two `traceEvents` counts (R17).
    pub(super) fn forget_events(&mut self) {
        self.lane.builder.rows.clear();
    }

    pub(super) fn kept(&self) -> u64 {
        self.lane.builder.rows.odd.kept
    }

    /// Reads strict events: what is at the cursor here, what is behind it by the readers.
    fn run(&mut self, before: &mut Before) -> Pause {
        loop {
            self.window.share();
            let pause = match self.window.next_read() {
                Some((found, pause, its_before)) => {
                    *before = its_before;
                    self.append(found);
                    pause
                }
                None if self.window.rest().is_empty() => Pause::NeedMore,
                None => {
                    let next = self.window.next_piece();
                    let (consumed, pause) = self.lane.run(self.window.rest(), self.window.offset(), before, next);
                    self.window.advance(consumed);
                    pause
                }
            };
            if pause != Pause::Met {
                return pause;
            }
        }
    }

    /// Takes over what a reader found in the piece at the cursor.
    fn append(&mut self, found: Found) {
        for (reader, news) in self.window.dropped_news() {
            self.learn(reader, news);
        }
        self.learn(found.reader, found.news);
        self.lane.slots.started_elsewhere();
        let Builder { ids, rows, .. } = &mut self.lane.builder;
        let mut more = found.rows;
        if let Some(translation) = self.translations.get(found.reader) {
            rows.append(&mut more, translation, &ids.names);
        }
        self.window.refill(more);
        self.lane.damage.join(&found.damage);
    }

    fn learn(&mut self, reader: usize, news: News) {
        if let Some(translation) = self.translations.get_mut(reader) {
            self.lane.builder.ids.learn(news, translation);
        }
    }

    /// The next start of an event behind `from`, by the keys with which events of any file or of this file start.
    fn next_start(&self, from: usize) -> Option<usize> {
        next_start(self.window.rest(), from, self.lane.slots.first_key())
    }

    /// The text has ended inside `traceEvents`.
    fn at_end(&mut self, is_root: bool) -> Broken {
        let offset = self.window.offset();
        if self.window.rest().is_empty() {
            // The Trace Event format lets a bare array end without its bracket.
            self.lane.damage.truncated.add(u64::from(!is_root), offset);
            return Broken::Ended;
        }
        // A broken quote can make the scanner run over whole events: then this one is damaged, not the last.
        if self.next_start(1).is_some() || self.event_to_end() {
            return self.broken_event();
        }
        self.lane.damage.truncated.add(1, offset);
        self.lose_rest()
    }

    /// Whether the rest holds a whole event after repair.
    fn event_to_end(&mut self) -> bool {
        matches!(repair(self.window.rest(), Outer::None, &mut self.strict), Ok(_) | Err(Lost::TooDeep(_)))
    }

    /// The event at the cursor is not strict: repairs it, or loses it alone. It ends before one of the next starts: the
    /// first, unless what looks like a start is an object inside of it.
    fn broken_event(&mut self) -> Broken {
        let limits = self.limits();
        let offset = self.window.offset();
        let rest = self.window.rest();
        let ends = limits.iter().copied().chain((limits.len() < STARTS_TRIED).then_some(rest.len()));
        let mut outcome = Err(Lost::Unreadable);
        for end in ends {
            outcome = repair(rest.get(..end).unwrap_or_default(), Outer::None, &mut self.strict);
            // Over a start it may reach for an object inside, not for the event behind: whose keys would be there again.
            let reaches_over = |length| limits.first().is_some_and(|&start| start < length);
            if outcome.is_ok_and(|(length, _)| reaches_over(length))
                && (scan(&self.strict, &mut self.lane.slots).is_err() || self.lane.slots.has_duplicate_key())
            {
                outcome = Err(Lost::Unreadable);
            }
            if outcome != Err(Lost::Unreadable) {
                break;
            }
        }
        match outcome {
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
                let start = limits.first().copied();
                match landmark::end_before(rest, start.unwrap_or(rest.len())).or(start) {
                    Some(next) => {
                        self.window.advance(next);
                        Broken::Lost
                    }
                    None => self.lose_rest(),
                }
            }
        }
    }

    /// The next few starts behind the cursor; fewer only where the text (or the longest event) ends before.
    fn limits(&mut self) -> Vec<usize> {
        loop {
            let mut limits = Vec::new();
            let mut from = 1;
            while let Some(start) = self.next_start(from).filter(|_| limits.len() < STARTS_TRIED) {
                limits.push(start);
                from = start + 1;
            }
            let is_enough = limits.len() == STARTS_TRIED || self.window.rest().len() >= VALUE_LIMIT_BYTES;
            if is_enough || !self.window.grow() {
                return limits;
            }
        }
    }

    /// Something in `traceEvents` that is no object: skipped and counted. It does not reach over an event.
    fn junk(&mut self) -> Broken {
        let offset = self.window.offset();
        loop {
            let start = self.next_start(1);
            let rest = self.window.rest();
            match skip_value(rest.get(..start.unwrap_or(rest.len())).unwrap_or_default(), 0, &mut Beyond::default()) {
                Ok(length) => {
                    self.lane.damage.bad_event.add(1, offset);
                    self.window.advance(length);
                    return Broken::Repaired;
                }
                Err(Stop::NeedMore)
                    if start.is_none() && self.window.rest().len() < VALUE_LIMIT_BYTES && self.window.grow() => {}
                Err(Stop::NeedMore) if start.is_none() => {
                    self.lane.damage.truncated.add(1, offset);
                    return self.lose_rest();
                }
                Err(_) => return self.resume(),
            }
        }
    }

    /// Nothing more is to be read.
    pub(super) fn lose_rest(&mut self) -> Broken {
        self.window.drain();
        self.window.advance(usize::MAX / 2);
        Broken::Ended
    }

    /// The event at the cursor is longer than any event may be: drops it without keeping its text.
    fn discard_huge(&mut self) {
        self.lane.damage.bad_event.add(1, self.window.offset());
        loop {
            if let Some(next) = self.next_start(1) {
                self.window.advance(next);
                return;
            }
            let rest = self.window.rest();
            let keep = rest.len().min(START_BYTES);
            self.window.advance(rest.len() - keep);
            if !self.window.grow() {
                self.window.advance(keep);
                return;
            }
        }
    }
}

/// What became of a broken event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// It was read or skipped whole: a separator follows.
    Repaired,
    /// It was lost, and reading goes on at the next event.
    Lost,
    /// Nothing more can be read.
    Ended,
}
