//! One event: where each value that the analyses use stands in its text. Nothing is decoded here.

use super::lexer::{Beyond, Stop, skip_blank, skip_value};
use super::seams::{Meaning, Seams};

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
#[derive(Debug)]
pub(super) struct Slots {
    spans: [(u32, u32); FIELDS],
    present: u32,
    /// A used key stood twice; the last one counts (R17).
    pub(super) duplicate_key: bool,
    /// No string of the event has an escape.
    pub(super) is_plain: bool,
    seams: Seams,
}

impl Default for Slots {
    fn default() -> Self {
        Self { spans: [(0, 0); FIELDS], present: 0, duplicate_key: false, is_plain: false, seams: Seams::default() }
    }
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

    /// See [`Seams::started_elsewhere`].
    pub(super) fn started_elsewhere(&mut self) {
        self.seams.started_elsewhere();
    }

    /// The key, with its quotes, by which the first event of the file starts.
    pub(super) fn first_key(&self) -> Option<&[u8]> {
        self.seams.first_key()
    }
}

/// The event with its strings spelled without needless escapes (`"\\u0058"` is `"X"`), where a used value has an escape that
/// is not decoded anyway; whoever decodes then need not know that there are any.
pub(super) fn unescaped(text: &[u8], slots: &Slots) -> Option<Vec<u8>> {
    const DECODED: u32 = 1 << Field::Name as u32 | 1 << Field::Module as u32;
    let spans = slots.spans.iter().enumerate().filter(|(field, _)| slots.present & !DECODED & 1 << field != 0);
    let mut spans: Vec<(usize, usize)> = spans.map(|(_, &(from, to))| (from as usize, to as usize)).collect();
    spans.retain(|&(from, to)| {
        let value = text.get(from..to).unwrap_or_default();
        value.starts_with(b"\"") && memchr::memchr(b'\\', value).is_some()
    });
    spans.sort_unstable();
    let (mut spelled, mut at) = (Vec::new(), 0);
    for &(from, to) in &spans {
        let value: String = serde_json::from_slice(text.get(from..to)?).ok()?;
        spelled.extend_from_slice(text.get(at..from)?);
        serde_json::to_writer(&mut spelled, &value).ok()?;
        at = to;
    }
    spelled.extend_from_slice(text.get(at..)?);
    (!spans.is_empty()).then_some(spelled)
}

/// Finds the end of the event at the start of `text` and fills `slots`. `text` starts with `{`.
pub(super) fn scan(text: &[u8], slots: &mut Slots) -> Result<usize, Stop> {
    let mut beyond = Beyond::default();
    let end = members(text, slots, &mut beyond)?;
    slots.is_plain = !beyond.escapes;
    if beyond.is_ascii() || std::str::from_utf8(text.get(..end).unwrap_or_default()).is_ok() {
        Ok(end)
    } else {
        Err(Stop::Broken)
    }
}

/// Walks the members of the event and of its `args`; returns the end of the event.
fn members(text: &[u8], slots: &mut Slots, beyond: &mut Beyond) -> Result<usize, Stop> {
    slots.present = 0;
    slots.duplicate_key = false;
    slots.seams.begin();
    let (mut at, mut in_args, mut saw_args) = (0, false, false);
    loop {
        let (value, then) = slots.seams.pass(text, at, in_args, beyond)?;
        in_args = then.in_args;
        if then.args_begun > 0 {
            slots.duplicate_key |= saw_args || then.args_begun > 1;
            slots.present &= EVENT_MASK;
            saw_args = true;
        }
        let Some(meaning) = then.value else { return Ok(value) };
        at = skip_value(text, value, beyond)?;
        if let Meaning::Use(field) = meaning {
            slots.set(field, value, at);
            if field == Field::Phase
                && !in_args
                && is_flow(text, value, at)
                && let Some(end) = plain_flow_end(text, at)?
            {
                return Ok(end);
            }
        }
    }
}

/// The end of a flow event (half of all events where kernels are small), of which nothing but its being there is used:
/// found without reading its members, where its text is plain. Plain is: no escape, container, control character or byte
/// beyond ASCII, no word outside of a string, all strings closed. Anything else takes the usual way.
fn plain_flow_end(text: &[u8], end: usize) -> Result<Option<usize>, Stop> {
    let rest = text.get(end..).unwrap_or_default();
    // (Without a bracket there is more to come, whatever stands here: what is decided must not depend on where a block ends.)
    let rest = rest.get(..memchr::memchr(b'}', rest).ok_or(Stop::NeedMore)?).unwrap_or_default();
    let mut quotes = 0u8;
    let mut odd = 0u8;
    // Few comparisons a byte: this loop is compiled to vector code.
    for (&byte, &next) in rest.iter().zip(rest.get(1..).unwrap_or_default()) {
        quotes ^= u8::from(byte == b'"');
        odd |= u8::from(byte == b'{') | u8::from(byte.wrapping_sub(b'[') <= 1); // [ and the backslash
        odd |= u8::from(byte.wrapping_sub(b' ') >= 0x60 && byte != b'\n'); // control characters, beyond ASCII
        let is_outside = byte == b' ' || byte == b':' || byte == b'-';
        odd |= u8::from(is_outside && (next | 0x20).wrapping_sub(b'a') < 26);
    }
    quotes ^= u8::from(rest.last() == Some(&b'"'));
    let is_ended = rest.last().is_some_and(|last| matches!(last, b'"' | b'0'..=b'9' | b' ' | b'\n' | b'\t' | b'\r'));
    Ok((quotes == 0 && odd == 0 && is_ended).then_some(end + rest.len() + 1))
}

/// Whether the phase is that of a flow event.
fn is_flow(text: &[u8], value: usize, end: usize) -> bool {
    matches!(text.get(value..end), Some(b"\"s\"" | b"\"f\"" | b"\"t\""))
}

/// What a member of an event is for.
pub(super) fn member(key: &[u8]) -> Meaning {
    Meaning::Use(match key {
        b"ph" => Field::Phase,
        b"cat" => Field::Category,
        b"name" => Field::Name,
        b"pid" => Field::Process,
        b"tid" => Field::Thread,
        b"ts" => Field::Start,
        b"dur" => Field::Duration,
        b"args" => return Meaning::Args,
        _ => return Meaning::Skip,
    })
}

/// What a member of `args` is for.
pub(super) fn argument(key: &[u8]) -> Meaning {
    Meaning::Use(match key {
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
        _ => return Meaning::Skip,
    })
}

/// Keys by which an event may start; where one follows a `{` that is no member's value, an event starts (R14).
pub(super) const FIRST_KEYS: [&[u8]; 8] =
    [b"\"ph\"", b"\"name\"", b"\"cat\"", b"\"pid\"", b"\"tid\"", b"\"ts\"", b"\"dur\"", b"\"args\""];

/// The next position after `from` at which an event seems to start: where reading goes on behind a broken one. `own` is
/// the key (with its quotes) by which the file's first event starts.
pub(super) fn next_start(text: &[u8], from: usize, own: Option<&[u8]>) -> Option<usize> {
    let rest = text.get(from..)?;
    memchr::memchr_iter(b'{', rest).map(|found| from + found).find(|&at| {
        let before = text.get(..at).unwrap_or_default().trim_ascii_end().last();
        matches!(before, None | Some(b',' | b'[' | b'}')) && starts_event(text, at, own)
    })
}

/// The last position behind a comma at which an event seems to start.
pub(super) fn last_start(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'{', text)
        .find(|&at| text.get(..at).unwrap_or_default().trim_ascii_end().ends_with(b",") && starts_event(text, at, None))
}

fn starts_event(text: &[u8], at: usize, own: Option<&[u8]>) -> bool {
    let key = text.get(skip_blank(text, at + 1)..).unwrap_or_default();
    FIRST_KEYS.into_iter().chain(own).any(|first| key.starts_with(first))
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
    fn plain_flows_are_passed_over_and_others_are_not() {
        let flow =
            br#"{ "ph": "f", "id": 1, "pid": 2, "tid": 3, "ts": 4.5, "cat": "ac2g", "name": "ac2g", "bp": "e" }, "#;
        assert_eq!(scan(flow, &mut Slots::default()), Ok(flow.len() - 2));
        assert!(is_flow(flow, 8, 11));
        assert_eq!(plain_flow_end(flow, 11), Ok(Some(flow.len() - 2)));
        assert_eq!(plain_flow_end(&flow[..40], 11), Err(Stop::NeedMore));
        for odd in [
            &br#"{ "ph": "f", "name": "a}b" }"#[..],
            br#"{ "ph": "f", "ts": NaN }"#,
            br#"{ "ph": "f", "ts":-inf }"#,
            b"{ \"ph\": \"f\", \"name\": \"a\x01b\" }",
            br#"{ "ph": "f", "name": "a\"b" }"#,
            br#"{ "ph": "f", "args": {"a": 1} }"#,
        ] {
            assert_eq!(plain_flow_end(odd, 11), Ok(None), "{}", String::from_utf8_lossy(odd));
        }
        assert!(!is_flow(br#"{ "ph": "X", "ts": 1 }"#, 8, 11));
        assert_eq!(scan(br#"{"ph": "f", "name": "a}b"}"#, &mut Slots::default()), Ok(26));
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
        assert_eq!(next_start(text, 1, None), Some(41));
        assert_eq!(next_start(text, 42, None), None);
        assert_eq!(next_start(b"{}, {\"level\": 1}", 1, Some(b"\"level\"")), Some(4));
    }
}
