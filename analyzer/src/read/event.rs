//! One event: where each value that the analyses use stands in its text. Nothing is decoded here but what seams know, and plain
//! numbers, where they are passed anyway.

use super::categories::category;
use super::lexer::{Beyond, Stop, skip_blank, skip_value};
use super::number::{integer, plain_end, plain_micros, plain_whole};
use super::seam::SteadyValues;
use super::seams::{Meaning, Passed, Seams};
use super::strings::inner;

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
const EVENT_MASK: u32 = Field::ExternalId.bit() - 1;

impl Field {
    /// Whether it is a member of `args`.
    pub(super) const fn is_argument(self) -> bool {
        self.bit() & EVENT_MASK == 0
    }

    /// Its bit in a set of fields.
    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The used values of an event: where they stand, relative to its first byte, and what those are that were decoded on the way.
#[derive(Debug)]
pub(super) struct Values {
    spans: [(u32, u32); FIELDS],
    numbers: [i64; FIELDS],
    present: u32,
    decoded: u32,
    saw_args: bool,
    /// A used key stood twice; the last one counts (R17).
    duplicate_key: bool,
}

impl Default for Values {
    fn default() -> Self {
        let (spans, numbers) = ([(0, 0); FIELDS], [0; FIELDS]);
        Self { spans, numbers, present: 0, decoded: 0, saw_args: false, duplicate_key: false }
    }
}

impl Values {
    fn begin(&mut self) {
        (self.present, self.decoded, self.saw_args, self.duplicate_key) = (0, 0, false, false);
    }

    /// `args` begins, so many times; the last ones count.
    #[inline]
    pub(super) fn begin_args(&mut self, times: u8) {
        if times > 0 {
            self.duplicate_key |= self.saw_args || times > 1;
            self.present &= EVENT_MASK;
            self.saw_args = true;
        }
    }

    /// The text of `field`, quotes included.
    #[inline]
    pub(super) fn get<'t>(&self, text: &'t [u8], field: Field) -> Option<&'t [u8]> {
        if self.present & field.bit() == 0 {
            return None;
        }
        let (from, to) = *self.spans.get(field as usize)?;
        text.get(from as usize..to as usize)
    }

    #[inline]
    pub(super) fn set(&mut self, field: Field, from: usize, to: usize) {
        let bit = field.bit();
        self.duplicate_key |= self.present & bit != 0;
        self.present |= bit;
        self.decoded &= !bit;
        self.spans[field as usize] = (crate::units::narrow(from), crate::units::narrow(to));
    }

    /// The same for values that are part of the seam at `seam`.
    #[inline]
    pub(super) fn set_steady(&mut self, steady: &SteadyValues, text: &[u8], seam: usize) {
        self.duplicate_key |= self.present & steady.fields != 0 || steady.is_twice;
        self.present |= steady.fields;
        for value in steady.as_slice() {
            let from = seam + usize::from(value.from);
            let to = seam + usize::from(value.to);
            self.spans[value.field as usize] = (crate::units::narrow(from), crate::units::narrow(to));
            match value.number_in(text, from) {
                Some(number) => self.decode(value.field, number),
                None => self.decoded &= !value.field.bit(), // one before it, of the same key, may have been
            }
        }
    }

    /// The same for a number that is known.
    #[inline]
    fn set_number(&mut self, field: Field, (from, to): (usize, usize), number: i64) {
        self.set(field, from, to);
        self.decode(field, number);
    }

    #[inline]
    fn decode(&mut self, field: Field, number: i64) {
        self.decoded |= field.bit();
        self.numbers[field as usize] = number;
    }
}

/// The values of an event, and the layouts of those before. Reused for every event.
#[derive(Debug, Default)]
pub(super) struct Slots {
    values: Values,
    /// No string of the event has an escape.
    pub(super) is_plain: bool,
    seams: Seams,
}

impl Slots {
    /// The text of `field`, quotes included.
    #[inline]
    pub(super) fn get<'t>(&self, text: &'t [u8], field: Field) -> Option<&'t [u8]> {
        self.values.get(text, field)
    }

    /// The number that `field` is, where the scan has decoded it: a whole one, a time in nanoseconds, the letter of a phase, the
    /// code of a category.
    #[inline]
    pub(super) fn number(&self, field: Field) -> Option<i64> {
        let known = self.values.present & self.values.decoded & field.bit() != 0;
        self.values.numbers.get(field as usize).filter(|_| known).copied()
    }

    /// Which of `fields` are there, a bit each, and the text from the first of them to the last.
    pub(super) fn stretch<'t>(&self, text: &'t [u8], fields: &[Field]) -> (u32, &'t [u8]) {
        let (mut present, mut from, mut to) = (0, u32::MAX, 0);
        for &field in fields {
            if self.values.present & field.bit() != 0 {
                let span = self.values.spans[field as usize];
                (present, from, to) = (present | field.bit(), from.min(span.0), to.max(span.1));
            }
        }
        (present, text.get(from as usize..to as usize).unwrap_or_default())
    }

    /// Whether a used key stood twice.
    pub(super) fn has_duplicate_key(&self) -> bool {
        self.values.duplicate_key
    }

    /// The layouts of the events before.
    #[cfg(test)]
    pub(super) fn seams(&self) -> &Seams {
        &self.seams
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
    const DECODED: u32 = Field::Name.bit() | Field::Module.bit();
    let spans =
        slots.values.spans.iter().enumerate().filter(|(field, _)| slots.values.present & !DECODED & 1 << field != 0);
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
    let Slots { values, seams, .. } = slots;
    values.begin();
    seams.begin();
    let (mut at, mut passed) = (0, Passed::NOTHING);
    loop {
        let (value, meaning);
        (value, meaning, passed) = seams.pass(text, at, passed, (values, beyond))?;
        let Some(meaning) = meaning else { return Ok(value) };
        let known = match meaning {
            Meaning::UseTime(field) => plain_micros(text, value).map(|known| (field, known)),
            Meaning::UseWhole(field) => plain_whole(text, value).map(|known| (field, known)),
            Meaning::Skip if let Some(end) = plain_end(text, value) => {
                at = end;
                continue;
            }
            _ => None,
        };
        if let Some((field, (number, end))) = known {
            values.set_number(field, (value, end), number);
            at = end;
            continue;
        }
        at = skip_value(text, value, beyond)?;
        if let Some(field) = meaning.field() {
            values.set(field, value, at);
            if field == Field::Name {
                seams.saw_name(at - value);
            }
        }
    }
}

/// Whether a phase, in its quotes, is that of a flow event.
pub(super) fn is_flow(phase: &[u8]) -> bool {
    matches!(phase, b"\"s\"" | b"\"f\"" | b"\"t\"")
}

/// The number that a value, in its quotes if it has any, comes to: see [`Slots::number`].
pub(super) fn known_number(field: Field, value: &[u8]) -> Option<i64> {
    match field {
        Field::Phase => match inner(value)? {
            &[letter] => Some(letter.into()),
            _ => None,
        },
        Field::Category => Some(category(inner(value)?).code()),
        Field::Device | Field::DeviceId | Field::DeviceType => integer(inner(value).unwrap_or(value)),
        _ => None,
    }
}

/// How the values of a key differ from event to event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Steadiness {
    /// Little.
    Value,
    /// In their digits, of which most have as many.
    Width,
    /// Wholly.
    Varies,
}

/// How the values of a key (with its quotes) differ. Flows share few names.
pub(super) fn steadiness(key: &[u8], in_args: bool, is_flow: bool) -> Steadiness {
    match key {
        b"\"queued\""
        | b"\"device\""
        | b"\"context\""
        | b"\"Record function id\""
        | b"\"finished\""
        | b"\"Device Id\""
        | b"\"Device Type\""
            if in_args =>
        {
            Steadiness::Value
        }
        b"\"External id\""
        | b"\"external id\""
        | b"\"correlation\""
        | b"\"cbid\""
        | b"\"stream\""
        | b"\"registers per thread\""
        | b"\"Ev Idx\""
        | b"\"Sequence number\""
        | b"\"Fwd thread id\""
        | b"\"Python id\""
        | b"\"Python parent id\""
        | b"\"Total Allocated\""
        | b"\"Total Reserved\""
        | b"\"Addr\""
            if in_args =>
        {
            Steadiness::Width
        }
        _ if in_args => Steadiness::Varies,
        b"\"ph\"" | b"\"cat\"" | b"\"s\"" | b"\"bp\"" => Steadiness::Value,
        b"\"name\"" if is_flow => Steadiness::Value,
        b"\"ts\"" | b"\"id\"" | b"\"pid\"" | b"\"tid\"" => Steadiness::Width,
        _ => Steadiness::Varies,
    }
}

/// What a member of an event is for.
pub(super) fn member(key: &[u8]) -> Meaning {
    Meaning::Use(match key {
        b"ts" => return Meaning::UseTime(Field::Start),
        b"dur" => return Meaning::UseTime(Field::Duration),
        b"ph" => Field::Phase,
        b"cat" => Field::Category,
        b"name" => Field::Name,
        b"pid" => Field::Process,
        b"tid" => Field::Thread,
        b"args" => return Meaning::Args,
        _ => return Meaning::Skip,
    })
}

/// What a member of `args` is for.
pub(super) fn argument(key: &[u8]) -> Meaning {
    Meaning::UseWhole(match key {
        b"External id" => Field::ExternalId,
        b"external id" => Field::ExternalIdLower,
        b"correlation" => Field::Correlation,
        b"device" => Field::Device,
        b"stream" => Field::Stream,
        b"stream_id" => Field::StreamId,
        b"registers per thread" => Field::Registers,
        b"shared memory" => Field::SharedMemory,
        b"est. achieved occupancy %" => Field::Occupancy,
        b"bytes" => Field::CopyBytes,
        b"Device Type" => Field::DeviceType,
        b"Device Id" => Field::DeviceId,
        b"Addr" => Field::Address,
        b"Bytes" => Field::Bytes,
        b"Total Allocated" => Field::TotalAllocated,
        b"Total Reserved" => Field::TotalReserved,
        b"Ev Idx" => Field::EventIndex,
        _ => return text_argument(key),
    })
}

/// The same for those that are not whole numbers.
fn text_argument(key: &[u8]) -> Meaning {
    Meaning::Use(match key {
        b"blocks per SM" => Field::BlocksPerSm,
        b"grid" => Field::Grid,
        b"block" => Field::Block,
        b"Input Dims" => Field::InputDims,
        b"Input dims" => Field::InputDimsLower,
        b"finished" => Field::Finished,
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
        assert!(!slots.has_duplicate_key());
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
        assert!(scan(text, &mut slots).is_ok() && slots.has_duplicate_key());
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
