//! One event: where each value that the analyses use stands in its text. Nothing is decoded here.

use super::lexer::{Stop, byte, skip_blank, skip_string, skip_value};
use super::strings::decode;

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
    keys: Keys,
}

impl Default for Slots {
    fn default() -> Self {
        Self { spans: [(0, 0); FIELDS], present: 0, duplicate_key: false, keys: Keys::default() }
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
}

impl Slots {
    /// The key, with its quotes, by which the first event of the file starts.
    pub(super) fn first_key(&self) -> Option<&[u8]> {
        self.keys.first_key()
    }
}

/// Finds the end of the event at the start of `text` and fills `slots`. `text` starts with `{`.
pub(super) fn scan(text: &[u8], slots: &mut Slots) -> Result<usize, Stop> {
    slots.present = 0;
    slots.duplicate_key = false;
    slots.keys.begin();
    let end = members(text, slots)?;
    match text.get(..end) {
        Some(event) if event.is_ascii() || std::str::from_utf8(event).is_ok() => Ok(end),
        _ => Err(Stop::Broken),
    }
}

/// Walks the members of the event and of its `args`; returns the end of the event.
fn members(text: &[u8], slots: &mut Slots) -> Result<usize, Stop> {
    let mut at = skip_blank(text, 1);
    if byte(text, at)? == b'}' {
        return Ok(at + 1);
    }
    let (mut in_args, mut saw_args) = (false, false);
    loop {
        let (meaning, value) = slots.keys.read(text, at, in_args)?;
        let mut end = match meaning {
            Meaning::Args if byte(text, value)? == b'{' => {
                slots.duplicate_key |= saw_args;
                slots.present &= EVENT_MASK;
                (in_args, saw_args) = (true, true);
                at = skip_blank(text, value + 1);
                if byte(text, at)? != b'}' {
                    continue;
                }
                at
            }
            Meaning::Use(field) => {
                let end = skip_value(text, value)?;
                slots.set(field, value, end);
                if field == Field::Phase
                    && !in_args
                    && let Some(end) = plain_flow_end(text, value, end)
                {
                    return Ok(end);
                }
                end
            }
            Meaning::Args | Meaning::Skip => skip_value(text, value)?,
        };
        // A separator: a comma, or the end of `args`, or of the event.
        loop {
            end = skip_blank(text, end);
            match byte(text, end)? {
                b',' => {
                    at = skip_blank(text, end + 1);
                    break;
                }
                b'}' if in_args => {
                    in_args = false;
                    end += 1;
                }
                b'}' => return Ok(end + 1),
                _ => return Err(Stop::Broken),
            }
        }
    }
}

/// The end of a flow event (half of all events where kernels are small), of which nothing but its being there is used:
/// found without reading its members, where its text is plain. Plain is: no escape, container, control character or byte
/// beyond ASCII, no word outside of a string, all strings closed. Anything else takes the usual way.
fn plain_flow_end(text: &[u8], value: usize, end: usize) -> Option<usize> {
    if !matches!(text.get(value..end), Some(b"\"s\"" | b"\"f\"" | b"\"t\"")) {
        return None;
    }
    let rest = text.get(end..)?;
    let rest = rest.get(..memchr::memchr(b'}', rest)?)?;
    let mut quotes = 0u8;
    let mut odd = 0u8;
    // Few comparisons a byte: this loop is compiled to vector code.
    for (&byte, &next) in rest.iter().zip(rest.get(1..)?) {
        quotes ^= u8::from(byte == b'"');
        odd |= u8::from(byte == b'{') | u8::from(byte.wrapping_sub(b'[') <= 1); // [ and the backslash
        odd |= u8::from(byte.wrapping_sub(b' ') >= 0x60 && byte != b'\n'); // control characters, beyond ASCII
        let is_outside = byte == b' ' || byte == b':' || byte == b'-';
        odd |= u8::from(is_outside && (next | 0x20).wrapping_sub(b'a') < 26);
    }
    quotes ^= u8::from(rest.last() == Some(&b'"'));
    let is_ended = rest.last().is_some_and(|last| matches!(last, b'"' | b'0'..=b'9' | b' ' | b'\n' | b'\t' | b'\r'));
    (quotes == 0 && odd == 0 && is_ended).then_some(end + rest.len() + 1)
}

/// What a key's value is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    Use(Field),
    /// The event's `args`, where it is an object.
    Args,
    Skip,
}

/// A key as it stood before: from its opening quote to the first byte of its value.
#[derive(Clone, Debug)]
struct KnownKey {
    text: Vec<u8>,
    /// The first bytes of `text` as two words, and which bytes of these it has: most keys are compared in two steps.
    head: [u64; 2],
    mask: [u64; 2],
    in_args: bool,
    meaning: Meaning,
    /// The keys that followed it, the latest first.
    followers: [usize; 2],
}

impl KnownKey {
    fn new(text: &[u8], in_args: bool, meaning: Meaning) -> Self {
        let mut head = [0; 16];
        let mut mask = [0; 16];
        for ((head, mask), &byte) in head.iter_mut().zip(&mut mask).zip(text) {
            (*head, *mask) = (byte, 0xff);
        }
        Self { text: text.to_vec(), head: words(&head), mask: words(&mask), in_args, meaning, followers: [0; 2] }
    }

    /// Whether `rest` starts with this key and what stands around it.
    #[inline]
    fn starts(&self, rest: &[u8]) -> bool {
        let Some(first) = rest.first_chunk::<16>() else { return rest.starts_with(&self.text) };
        let [low, high] = words(first);
        let is_head = (low ^ self.head[0]) & self.mask[0] == 0 && (high ^ self.head[1]) & self.mask[1] == 0;
        is_head && (self.text.len() <= 16 || rest.starts_with(&self.text))
    }
}

/// Sixteen bytes as two words.
#[inline]
const fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
}

/// The keys of a file repeat in the same order, event after event. So the next key is first compared with those that
/// followed the last time, byte for byte with what stands around it; only where it is neither is it read.
#[derive(Debug)]
struct Keys {
    known: Vec<KnownKey>,
    last: usize,
    /// The key that started the first event.
    first: Option<usize>,
}

/// More different keys than this are read one by one: counters have keys of their own for every event.
const KNOWN_KEYS: usize = 64;
/// Longer keys (with the blanks around them) are not remembered.
const KNOWN_KEY_BYTES: usize = 64;

impl Default for Keys {
    /// The first entry stands for the start of an event.
    fn default() -> Self {
        Self { known: vec![KnownKey::new(b"", true, Meaning::Skip)], last: 0, first: None }
    }
}

impl Keys {
    fn first_key(&self) -> Option<&[u8]> {
        let text = self.known.get(self.first?)?.text.as_slice();
        let end = memchr::memrchr(b'"', text)?;
        text.get(..=end)
    }

    fn begin(&mut self) {
        self.last = 0;
    }

    /// The meaning of the key at `at`, and where its value starts.
    #[inline]
    fn read(&mut self, text: &[u8], at: usize, in_args: bool) -> Result<(Meaning, usize), Stop> {
        let rest = text.get(at..).unwrap_or_default();
        let followers = self.known.get(self.last).map_or([0; 2], |last| last.followers);
        for follower in followers {
            if let Some(key) = self.known.get(follower)
                && key.in_args == in_args
                && follower != 0
                && key.starts(rest)
            {
                self.last = follower;
                // More blanks than the last time are as good.
                return Ok((key.meaning, skip_blank(text, at + key.text.len())));
            }
        }
        self.read_new(text, at, in_args)
    }

    fn read_new(&mut self, text: &[u8], at: usize, in_args: bool) -> Result<(Meaning, usize), Stop> {
        if byte(text, at)? != b'"' {
            return Err(Stop::Broken);
        }
        let end = skip_string(text, at)?;
        let key = text.get(at + 1..end - 1).unwrap_or_default();
        let colon = skip_blank(text, end);
        if byte(text, colon)? != b':' {
            return Err(Stop::Broken);
        }
        let value = skip_blank(text, colon + 1);
        byte(text, value)?;
        let decoded = memchr::memchr(b'\\', key).and_then(|_| decode(text.get(at..end)?));
        let key = decoded.as_deref().map_or(key, str::as_bytes);
        let meaning = if in_args { argument(key) } else { member(key) };
        self.remember(text.get(at..value).unwrap_or_default(), in_args, meaning);
        Ok((meaning, value))
    }

    /// Makes the key the latest follower of the one before it.
    fn remember(&mut self, text: &[u8], in_args: bool, meaning: Meaning) {
        let found = self.known.iter().skip(1).position(|key| key.in_args == in_args && key.text == text);
        let index = match found {
            Some(index) => index + 1,
            None if self.known.len() < KNOWN_KEYS && text.len() <= KNOWN_KEY_BYTES => {
                self.known.push(KnownKey::new(text, in_args, meaning));
                self.known.len() - 1
            }
            None => 0,
        };
        if self.last == 0 && index != 0 {
            self.first.get_or_insert(index);
        }
        if let Some(last) = self.known.get_mut(self.last).filter(|_| index != 0) {
            last.followers = [index, last.followers[0]];
        }
        self.last = index;
    }
}

fn member(key: &[u8]) -> Meaning {
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

fn argument(key: &[u8]) -> Meaning {
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
const FIRST_KEYS: [&[u8]; 8] =
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

/// The same from the first byte on, whatever stands before it: behind junk.
pub(super) fn start_anywhere(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|&at| {
        text.get(..at).unwrap_or_default().trim_ascii_end().last() != Some(&b':') && starts_event(text, at, None)
    })
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
        let end = plain_flow_end(flow, 8, 11);
        assert_eq!(end, Some(flow.len() - 2));
        for odd in [
            &br#"{ "ph": "f", "name": "a}b" }"#[..],
            br#"{ "ph": "f", "ts": NaN }"#,
            br#"{ "ph": "f", "ts":-inf }"#,
            b"{ \"ph\": \"f\", \"name\": \"a\x01b\" }",
            br#"{ "ph": "f", "name": "a\"b" }"#,
            br#"{ "ph": "f", "args": {"a": 1} }"#,
            br#"{ "ph": "X", "ts": 1 }"#,
        ] {
            assert_eq!(plain_flow_end(odd, 8, 11), None, "{}", String::from_utf8_lossy(odd));
        }
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
