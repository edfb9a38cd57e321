//! One event: where each value that the analyses use stands in its text. Nothing is decoded here.

use super::lexer::{Stop, byte, skip_blank, skip_string, skip_value};

/// The values that are used, of the event and of its `args`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Field {
    Phase,
    Category,
    Name,
    Process,
    Thread,
    Start,
    Duration,
    // From here on: members of `args`.
    ExternalId,
    ExternalIdLower,
    Correlation,
    Device,
    Stream,
    StreamId,
    Registers,
    SharedMemory,
    BlocksPerSm,
    Grid,
    Block,
    Occupancy,
    CopyBytes,
    InputDims,
    InputDimsLower,
    Finished,
    DeviceType,
    DeviceId,
    Address,
    Bytes,
    TotalAllocated,
    TotalReserved,
    EventIndex,
    Module,
    SyncKind,
}

const FIELDS: usize = Field::SyncKind as usize + 1;
const EVENT_MASK: u32 = (1 << Field::ExternalId as u32) - 1;

/// Where the values stand, relative to the event's first byte. Reused for every event.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    spans: [(u32, u32); FIELDS],
    present: u32,
    /// A used key stood twice; the last one counts (R17).
    pub(super) duplicate_key: bool,
}

impl Slots {
    /// The text of `field`, quotes included.
    #[inline]
    pub(super) fn get<'t>(&self, text: &'t [u8], field: Field) -> Option<&'t [u8]> {
        if self.present & 1 << field as u32 == 0 {
            return None;
        }
        let (from, to) = *self.spans.get(field as usize)?;
        text.get(from as usize..to as usize)
    }

    #[inline]
    fn set(&mut self, field: Field, from: usize, to: usize) {
        let bit = 1 << field as u32;
        self.duplicate_key |= self.present & bit != 0;
        self.present |= bit;
        if let Some(span) = self.spans.get_mut(field as usize) {
            *span = (crate::units::narrow(from), crate::units::narrow(to));
        }
    }
}

/// Finds the end of the event at the start of `text` and fills `slots`. `text` starts with `{`.
pub(super) fn scan(text: &[u8], slots: &mut Slots) -> Result<usize, Stop> {
    slots.present = 0;
    slots.duplicate_key = false;
    let mut saw_args = false;
    let end = members(text, 0, |key, at| {
        if key == b"args" && byte(text, at)? == b'{' {
            slots.duplicate_key |= saw_args;
            saw_args = true;
            slots.present &= EVENT_MASK;
            return members(text, at, |key, at| {
                let end = skip_value(text, at)?;
                if let Some(field) = argument(key) {
                    slots.set(field, at, end);
                }
                Ok(end)
            });
        }
        let end = skip_value(text, at)?;
        if let Some(field) = member(key) {
            slots.set(field, at, end);
        }
        Ok(end)
    })?;
    match text.get(..end) {
        Some(event) if event.is_ascii() || std::str::from_utf8(event).is_ok() => Ok(end),
        _ => Err(Stop::Broken),
    }
}

/// Walks the members of the object at `at`; `value` gets a key and the position of its value, and returns its end.
#[inline]
fn members(text: &[u8], at: usize, mut value: impl FnMut(&[u8], usize) -> Result<usize, Stop>) -> Result<usize, Stop> {
    let mut at = skip_blank(text, at + 1);
    if byte(text, at)? == b'}' {
        return Ok(at + 1);
    }
    loop {
        if byte(text, at)? != b'"' {
            return Err(Stop::Broken);
        }
        let end = skip_string(text, at)?;
        let key = text.get(at + 1..end - 1).unwrap_or_default();
        at = skip_blank(text, end);
        if byte(text, at)? != b':' {
            return Err(Stop::Broken);
        }
        at = value(key, skip_blank(text, at + 1))?;
        at = skip_blank(text, at);
        match byte(text, at)? {
            b',' => at = skip_blank(text, at + 1),
            b'}' => return Ok(at + 1),
            _ => return Err(Stop::Broken),
        }
    }
}

fn member(key: &[u8]) -> Option<Field> {
    Some(match key {
        b"ph" => Field::Phase,
        b"cat" => Field::Category,
        b"name" => Field::Name,
        b"pid" => Field::Process,
        b"tid" => Field::Thread,
        b"ts" => Field::Start,
        b"dur" => Field::Duration,
        _ => return None,
    })
}

fn argument(key: &[u8]) -> Option<Field> {
    Some(match key {
        b"External id" => Field::ExternalId,
        b"external id" => Field::ExternalIdLower,
        b"correlation" => Field::Correlation,
        b"device" => Field::Device,
        b"stream" => Field::Stream,
        b"stream_id" => Field::StreamId,
        b"registers per thread" => Field::Registers,
        b"shared memory" => Field::SharedMemory,
        b"blocks per SM" => Field::BlocksPerSm,
        b"grid" => Field::Grid,
        b"block" => Field::Block,
        b"est. achieved occupancy %" => Field::Occupancy,
        b"bytes" => Field::CopyBytes,
        b"Input Dims" => Field::InputDims,
        b"Input dims" => Field::InputDimsLower,
        b"finished" => Field::Finished,
        b"Device Type" => Field::DeviceType,
        b"Device Id" => Field::DeviceId,
        b"Addr" => Field::Address,
        b"Bytes" => Field::Bytes,
        b"Total Allocated" => Field::TotalAllocated,
        b"Total Reserved" => Field::TotalReserved,
        b"Ev Idx" => Field::EventIndex,
        b"Module Hierarchy" => Field::Module,
        b"cuda_sync_kind" => Field::SyncKind,
        _ => return None,
    })
}

/// Keys by which an event may start; where one follows a `{` that is no member's value, an event starts (R14).
const FIRST_KEYS: [&[u8]; 11] = [b"ph", b"name", b"cat", b"pid", b"tid", b"ts", b"dur", b"id", b"args", b"s", b"bp"];

/// The next position after `from` at which an event seems to start: where reading goes on behind a broken one.
pub(super) fn next_start(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    memchr::memchr_iter(b'{', rest).map(|found| from + found).find(|&at| is_start(text, at))
}

fn is_start(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_ascii_end().last();
    if !matches!(before, None | Some(b',' | b'[' | b'}')) {
        return false;
    }
    let key = skip_blank(text, at + 1);
    let Some(rest) = text.get(key..).and_then(|rest| rest.strip_prefix(b"\"")) else { return false };
    FIRST_KEYS.iter().any(|first| rest.strip_prefix(*first).is_some_and(|rest| rest.first() == Some(&b'"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &[u8] = br#"{ "ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 1.5, "dur": 2,
        "args": { "External id": 9, "grid": [1, 2, 3], "unused": {"name": "inner"}, "stream": 7 } }"#;

    #[test]
    fn slots_hold_the_text_of_used_values() {
        let mut slots = Slots::default();
        assert_eq!(scan(EVENT, &mut slots), Ok(EVENT.len()));
        assert_eq!(slots.get(EVENT, Field::Name), Some(&b"\"k\""[..]));
        assert_eq!(slots.get(EVENT, Field::Grid), Some(&b"[1, 2, 3]"[..]));
        assert_eq!(slots.get(EVENT, Field::Correlation), None);
        assert!(!slots.duplicate_key);
    }

    #[test]
    fn any_cut_needs_more() {
        for cut in 1..EVENT.len() {
            assert_eq!(scan(&EVENT[..cut], &mut Slots::default()), Err(Stop::NeedMore), "cut at {cut}");
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let text = br#"{"name": "old", "name": "new"}"#;
        let mut slots = Slots::default();
        assert!(scan(text, &mut slots).is_ok() && slots.duplicate_key);
        assert_eq!(slots.get(text, Field::Name), Some(&b"\"new\""[..]));
    }

    #[test]
    fn an_event_starts_only_where_no_member_value_does() {
        let text = br#"{"ph": "M", "args": {"name": "python"}}, {"name": "x"}"#;
        assert_eq!(next_start(text, 1), Some(41));
        assert_eq!(next_start(text, 42), None);
    }
}
