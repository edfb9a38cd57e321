//! Events into columns.
//!
//! Takes strict events one by one, decodes just the values that the analyses use, and pushes rows. What cannot be a row
//! is rejected (the caller counts it); what is odd but usable is counted here and becomes a finding at the end.

use super::categories::{Category, category};
use super::event::{Field, Slots, known_number};
use super::number::{decimal_scaled, integer, nanoseconds_from_micros};
use super::rows::{Ids, Rows};
use super::spellings::Spellings;
use super::strings::{decode, inner};
use crate::trace::events::{
    ABSENT, DeviceEvent, DeviceKind, HostEvent, HostKind, LaunchConfig, MemoryRecord, NO_DEVICE_ID,
};
use crate::trace::names::NameId;
use crate::trace::tracks::{Identity, Place, TrackId};
use crate::units::{Bytes, Nanoseconds, Timestamp};

/// The event is no event: without `ph`, or without a usable time where one is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rejected;

/// Tables being filled.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) ids: Ids,
    pub(super) rows: Rows,
    /// Shapes and launch configurations as they were written, with their ids.
    shapes: Spellings,
    configs: Spellings,
    /// The fields that the latter have.
    config_fields: u32,
    /// The latest track, by how it was spelled: events come in runs of one thread.
    last_track: LastTrack,
}

/// A track, by how its process and thread were spelled.
#[derive(Debug, Default)]
struct LastTrack {
    process: Vec<u8>,
    thread: Vec<u8>,
    track: Option<TrackId>,
}

impl LastTrack {
    fn set(&mut self, (process, thread): (&[u8], &[u8]), track: TrackId) {
        for (kept, spelled) in [(&mut self.process, process), (&mut self.thread, thread)] {
            kept.clear();
            kept.extend_from_slice(spelled);
        }
        self.track = Some(track);
    }
}

/// A duration as the file says it.
struct Length {
    nanoseconds: i64,
    unfinished: bool,
}

/// Finished events are remembered for the check against the profiler's span only from this length on.
const LONG_EVENT_NS: i64 = 1_000_000;

impl Builder {
    /// With room for so many names.
    pub(super) fn with_room_for(most_names: u32) -> Self {
        Self { ids: Ids::with_room_for(most_names), ..Self::default() }
    }

    /// Forgets all names, tracks and configurations.
    pub(super) fn forget(&mut self) {
        self.ids = Ids::default();
        (self.shapes, self.configs) = Default::default();
        self.last_track = LastTrack::default();
    }

    /// Takes one strict event.
    pub(super) fn event(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        let phase = slots.number(Field::Phase).or_else(|| {
            let phase = slots.get(text, Field::Phase).filter(|value| inner(value).is_some_and(|phase| phase != b""))?;
            Some(known_number(Field::Phase, phase).unwrap_or(0))
        });
        match phase.map(|letter| u8::try_from(letter).unwrap_or(0)).ok_or(Rejected)? {
            b'X' => self.complete(text, slots)?,
            b'i' | b'I' => self.instant(text, slots)?,
            b'M' | b's' | b'f' | b't' => {}
            _ => self.rows.odd.unknown_phases += 1,
        }
        self.rows.odd.kept += 1;
        Ok(())
    }

    fn complete(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        let start_ns = time_of(text, slots, Field::Start).ok_or(Rejected)?;
        let name = self.name(slots.get(text, Field::Name), slots.is_plain);
        let length = self.length(text, slots, start_ns, name)?;
        let start = Timestamp::from_nanoseconds(start_ns);
        let end = start + Nanoseconds::new(length.nanoseconds);
        let category = slots
            .number(Field::Category)
            .and_then(Category::of_code)
            .unwrap_or_else(|| category(slots.get(text, Field::Category).and_then(inner).unwrap_or_default()));
        if category == Category::Span {
            self.rows.odd.longest_span_ns = self.rows.odd.longest_span_ns.max(length.nanoseconds);
        } else if !length.unfinished && length.nanoseconds > LONG_EVENT_NS {
            self.remember_long(length.nanoseconds, start_ns, name);
        }
        match category {
            Category::Host(kind) => self.host_event(text, slots, (start, end), name, kind),
            Category::Device(kind) => self.device_event(text, slots, (start, end), name, kind),
            Category::Python => {
                let track = self.track(text, slots);
                self.rows.python.push(start, end, name, track);
            }
            Category::Sync => {
                let waits = slots
                    .get(text, Field::SyncKind)
                    .and_then(inner)
                    .is_some_and(|kind| memchr::memmem::find(kind, b"Wait").is_none());
                if waits {
                    self.rows.syncs.push(start, number(text, slots, Field::Correlation).unwrap_or(0));
                }
                self.rows.other_starts.push(start_ns);
            }
            Category::Span | Category::Aside => self.rows.other_starts.push(start_ns),
            Category::Unknown => {
                self.rows.odd.unknown_categories.add(start_ns, name, &self.ids.names);
                self.rows.other_starts.push(start_ns);
            }
        }
        Ok(())
    }

    /// Keeps the list short: only the longest can exceed the span, and a file has few of them.
    fn remember_long(&mut self, length: i64, start: i64, name: NameId) {
        if self.rows.odd.longest_span_ns == 0 || length > self.rows.odd.longest_span_ns {
            self.rows.long_events.push((length, start, name));
        }
    }

    /// `dur` (R36, R40). An absent or empty one is length 0 and counted; a wrong type rejects the event.
    fn length(&mut self, text: &[u8], slots: &Slots, start_ns: i64, name: NameId) -> Result<Length, Rejected> {
        let mut unfinished = slots.get(text, Field::Finished) == Some(b"false");
        let nanoseconds = match slots.get(text, Field::Duration) {
            Some(_) if let Some(length) = slots.number(Field::Duration) => length, // never negative
            None | Some(b"null") => {
                self.rows.odd.missing_durations.add(start_ns, name, &self.ids.names);
                0
            }
            Some(value) => match time(value) {
                Some(-1_000) => {
                    unfinished = true;
                    0
                }
                Some(..0) => {
                    self.rows.odd.negative_durations.add(start_ns, name, &self.ids.names);
                    0
                }
                Some(length) => length,
                None if inner(value).is_some_and(is_non_finite) => {
                    self.rows.odd.missing_durations.add(start_ns, name, &self.ids.names);
                    0
                }
                None => return Err(Rejected),
            },
        };
        if unfinished {
            self.rows.odd.unfinished.add(start_ns, name, &self.ids.names);
        }
        Ok(Length { nanoseconds, unfinished })
    }

    fn host_event(
        &mut self,
        text: &[u8],
        slots: &Slots,
        (start, end): (Timestamp, Timestamp),
        name: NameId,
        kind: HostKind,
    ) {
        let track = self.track(text, slots);
        let external_id = number(text, slots, Field::ExternalId)
            .or_else(|| number(text, slots, Field::ExternalIdLower))
            .unwrap_or(ABSENT);
        let correlation = match kind {
            HostKind::Runtime => number(text, slots, Field::Correlation).unwrap_or(0),
            _ => 0,
        };
        let dims = slots.get(text, Field::InputDims).or_else(|| slots.get(text, Field::InputDimsLower));
        let shapes = dims.filter(|_| kind == HostKind::Op).map_or(NameId::NONE, |dims| self.shapes(dims));
        let module = slots
            .get(text, Field::Module)
            .filter(|value| inner(value).is_some_and(|text| !text.is_empty()))
            .map_or(NameId::NONE, |value| self.name(Some(value), slots.is_plain));
        self.rows.host.push(HostEvent { start, end, name, track, kind, external_id, correlation, shapes, module });
    }

    fn device_event(
        &mut self,
        text: &[u8],
        slots: &Slots,
        (start, end): (Timestamp, Timestamp),
        name: NameId,
        kind: DeviceKind,
    ) {
        let device = number(text, slots, Field::Device).or_else(|| ordinal(slots.get(text, Field::Process)));
        let stream = number(text, slots, Field::Stream)
            .or_else(|| ordinal(slots.get(text, Field::Stream)))
            .or_else(|| number(text, slots, Field::StreamId))
            .or_else(|| ordinal(slots.get(text, Field::Thread)));
        let config = self.config(text, slots);
        self.rows.device.push(DeviceEvent {
            start,
            end,
            name,
            kind,
            device: device.unwrap_or(NO_DEVICE_ID),
            stream: stream.unwrap_or(NO_DEVICE_ID),
            correlation: number(text, slots, Field::Correlation).unwrap_or(0),
            bytes: number(text, slots, Field::CopyBytes).unwrap_or(ABSENT),
            config,
        });
    }

    /// A kernel is launched alike many times, and then written alike.
    fn config(&mut self, text: &[u8], slots: &Slots) -> u32 {
        const FIELDS: [Field; 6] =
            [Field::Registers, Field::SharedMemory, Field::BlocksPerSm, Field::Grid, Field::Block, Field::Occupancy];
        let (present, stretch) = slots.stretch(text, &FIELDS);
        let ids = &mut self.ids;
        let mut decode = || ids.config(launch_config(text, slots));
        // The stretch starts behind the first key: it says the same only where it starts with the same field.
        if self.config_fields == 0 {
            self.config_fields = present;
        }
        if present == self.config_fields || present == 0 { self.configs.of(stretch, decode) } else { decode() }
    }

    /// `[memory]` by name (R70); every other instant is counted and not used.
    fn instant(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        if slots.get(text, Field::Name) != Some(b"\"[memory]\"") {
            return Ok(());
        }
        let time = time_of(text, slots, Field::Start).ok_or(Rejected)?;
        let (Some(bytes), Some(device_type)) =
            (number(text, slots, Field::Bytes), number(text, slots, Field::DeviceType))
        else {
            return Ok(());
        };
        let track = self.track(text, slots);
        let field = |field| number(text, slots, field).unwrap_or(ABSENT);
        self.rows.memory.push(MemoryRecord {
            time: Timestamp::from_nanoseconds(time),
            track,
            device_type,
            device_id: number(text, slots, Field::DeviceId).unwrap_or(-1),
            address: field(Field::Address),
            bytes: Bytes::new(bytes),
            allocated: field(Field::TotalAllocated),
            reserved: field(Field::TotalReserved),
            index: field(Field::EventIndex),
        });
        Ok(())
    }

    /// The name in `value`, which is a string or none. Nearly all stood before: a plain one is not looked at but for that.
    fn name(&mut self, value: Option<&[u8]>, is_plain: bool) -> NameId {
        let plain = value.filter(|_| is_plain).and_then(inner).and_then(|text| self.ids.names.intern_bytes(text));
        plain.unwrap_or_else(|| match value.and_then(decode) {
            Some(name) => self.ids.names.intern(&name),
            None => self.ids.names.intern(""),
        })
    }

    /// `Input Dims` without its white space, so that one shape has one text whoever wrote the file.
    fn shapes(&mut self, dims: &[u8]) -> NameId {
        let names = &mut self.ids.names;
        NameId::from_column(self.shapes.of(dims, || {
            let plain = dims.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            names.intern(&String::from_utf8(plain).unwrap_or_default()).column()
        }))
    }

    fn track(&mut self, text: &[u8], slots: &Slots) -> TrackId {
        let (process, thread) = (slots.get(text, Field::Process), slots.get(text, Field::Thread));
        let spelled = (process.unwrap_or_default(), thread.unwrap_or_default());
        let last = &self.last_track;
        if let Some(track) = last.track.filter(|_| spelled == (&last.process, &last.thread)) {
            return track;
        }
        let place = Place { process: self.identity(process), thread: self.identity(thread) };
        let track = self.ids.tracks.intern(place);
        self.last_track.set(spelled, track);
        track
    }

    /// A process or thread: numeric text is the number, other text is itself without the spaces around it (R52).
    fn identity(&mut self, value: Option<&[u8]>) -> Identity {
        let Some(value) = value else { return Identity::Whole(ABSENT) };
        if let Some(number) = integer(inner(value).unwrap_or(value)) {
            return Identity::Whole(number);
        }
        let name = decode(value).unwrap_or_default();
        Identity::text(self.ids.names.intern(name.trim()))
    }
}

/// The time that `field` is.
fn time_of(text: &[u8], slots: &Slots, field: Field) -> Option<i64> {
    slots.number(field).or_else(|| slots.get(text, field).and_then(time))
}

/// A time: decimal microseconds, quoted or not.
fn time(value: &[u8]) -> Option<i64> {
    nanoseconds_from_micros(inner(value).unwrap_or(value).trim_ascii())
}

/// A whole number, quoted or not (R35).
fn number(text: &[u8], slots: &Slots, field: Field) -> Option<i64> {
    if let Some(number) = slots.number(field) {
        return Some(number);
    }
    let value = slots.get(text, field)?;
    integer(inner(value).unwrap_or(value))
}

/// The number of "stream 7" or "7" (R52).
fn ordinal(value: Option<&[u8]>) -> Option<i64> {
    let value = value?;
    let text = inner(value).unwrap_or(value).trim_ascii();
    integer(text).or_else(|| integer(text.strip_prefix(b"stream ")?))
}

/// How the kernel was launched.
fn launch_config(text: &[u8], slots: &Slots) -> LaunchConfig {
    LaunchConfig {
        grid: slots.get(text, Field::Grid).and_then(triple),
        block: slots.get(text, Field::Block).and_then(triple),
        registers: number(text, slots, Field::Registers),
        shared_memory_bytes: number(text, slots, Field::SharedMemory),
        blocks_per_sm_millionths: slots
            .get(text, Field::BlocksPerSm)
            .and_then(|value| decimal_scaled(inner(value).unwrap_or(value), 6)),
        occupancy_percent: number(text, slots, Field::Occupancy),
    }
}

fn triple(value: &[u8]) -> Option<[i64; 3]> {
    let list = value.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut parts = list.split(|&byte| byte == b',').map(integer);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(x)), Some(Some(y)), Some(Some(z)), None) => Some([x, y, z]),
        _ => None,
    }
}

fn is_non_finite(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text).to_ascii_lowercase();
    matches!(text.as_slice(), b"nan" | b"inf" | b"infinity" | b"n/a" | b"")
}
