//! The hot loop: strict events of a piece of text, one after another, into a builder.
//!
//! Several lanes may work on pieces of the text at once (`readers`). Where a piece starts is a guess (`last_start`), which
//! the lane before confirms by arriving exactly there behind a comma; what was read from a start that is not confirmed is
//! dropped. So the result is that of one lane, whatever the text and the number of lanes.

use super::builder::Builder;
use super::document::Damage;
use super::event::{Slots, scan, unescaped};
use super::lexer::{Stop, skip_blank};
use super::visit::{RawEvent, Visit};

/// What stood before the cursor inside `traceEvents`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// The opening bracket, or damage.
    Nothing,
    Event,
    Comma,
}

/// Why a lane stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pause {
    /// The text ends here, maybe inside an event.
    NeedMore,
    /// Behind the closing bracket.
    End,
    /// At an event that is not strict.
    Broken,
    /// At something that is no object.
    Junk,
    /// At the start of the next lane's piece.
    Met,
}

/// One reader of strict events.
#[derive(Default)]
pub(super) struct Lane<'v> {
    pub(super) builder: Builder,
    pub(super) damage: Damage,
    pub(super) slots: Slots,
    /// Who is shown the events, in place of the builder.
    pub(super) visitor: Option<&'v mut dyn Visit>,
}

impl Lane<'_> {
    /// Reads events from the start of `text`, whose offset in the whole text is `offset`, until it must stop, or meets
    /// `next`. Returns how much was consumed.
    pub(super) fn run(&mut self, text: &[u8], offset: u64, before: &mut Before, next: Option<usize>) -> (usize, Pause) {
        let place = |at: usize| offset + crate::units::count(at);
        let mut at = 0;
        let pause = loop {
            at = skip_blank(text, at);
            if next == Some(at) && *before == Before::Comma {
                break Pause::Met;
            }
            match text.get(at) {
                None => break Pause::NeedMore,
                Some(b'{') => match self.event(text.get(at..).unwrap_or_default(), place(at), *before) {
                    Ok(length) => {
                        at += length;
                        *before = Before::Event;
                    }
                    Err(Stop::NeedMore) => break Pause::NeedMore,
                    Err(Stop::Broken) => break Pause::Broken,
                },
                Some(b',') => {
                    self.damage.comma.add(u64::from(*before != Before::Event), place(at));
                    *before = Before::Comma;
                    at += 1;
                }
                Some(b']') => {
                    self.damage.comma.add(u64::from(*before == Before::Comma), place(at));
                    at += 1;
                    break Pause::End;
                }
                Some(_) => break Pause::Junk,
            }
        };
        (at, pause)
    }

    fn event(&mut self, text: &[u8], offset: u64, before: Before) -> Result<usize, Stop> {
        let length = scan(text, &mut self.slots)?;
        let event = text.get(..length).unwrap_or_default();
        self.damage.comma.add(u64::from(before == Before::Event), offset);
        self.take(event, offset);
        Ok(length)
    }

    /// Takes a strict event that was scanned into the slots.
    pub(super) fn take(&mut self, event: &[u8], offset: u64) {
        let spelled = if self.slots.is_plain { None } else { unescaped(event, &self.slots) };
        let Some(spelled) = spelled else { return self.take_spelled(event, offset, false) };
        let is_twice = self.slots.has_duplicate_key();
        if scan(&spelled, &mut self.slots).is_err() {
            return self.damage.bad_event.add(1, offset); // cannot be: it is as sound as it was
        }
        self.take_spelled(&spelled, offset, is_twice);
    }

    /// The same where no used value has escapes but those that its decoding knows.
    fn take_spelled(&mut self, event: &[u8], offset: u64, is_twice: bool) {
        if let Some(visitor) = &mut self.visitor {
            visitor.event(&RawEvent::new(event, &self.slots));
            self.builder.rows.odd.kept += 1;
        } else if self.builder.event(event, &self.slots).is_err() {
            self.damage.bad_event.add(1, offset);
        } else {
            let is_twice = is_twice || self.slots.has_duplicate_key();
            self.damage.duplicate_key.add(u64::from(is_twice), offset);
        }
    }
}
