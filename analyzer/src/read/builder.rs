//! Events into columns.
//!
//! Takes strict events one by one, decodes just the values that the analyses use, and pushes rows. What cannot be a row
//! is rejected (the caller counts it); what is odd but usable is counted here and becomes a finding at the end.

use super::categories::{Category, category};
use super::event::{Field, Slots};
use super::number::{decimal_scaled, integer, nanoseconds_from_micros};
use super::strings::{decode, inner};
use super::tally::ContentTally;
use crate::trace::events::{
    ABSENT, DeviceBuilder, DeviceEvent, DeviceKind, HostBuilder, HostEvent, HostKind, LaunchConfig, MemoryBuilder,
    MemoryRecord, NO_DEVICE_ID, PythonBuilder, SyncBuilder, Translation,
};
use crate::trace::names::{NameId, Names};
use crate::trace::tracks::{Identity, Place, TrackId, Tracks};
use crate::units::{Bytes, Nanoseconds, Timestamp};
use hashbrown::HashMap;

/// The event is no event: without `ph`, or without a usable time where one is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rejected;

/// Tables being filled, and what was odd on the way.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) names: Names,
    pub(super) tracks: Tracks,
    pub(super) host: HostBuilder,
    pub(super) device: DeviceBuilder,
    pub(super) python: PythonBuilder,
    pub(super) syncs: SyncBuilder,
    pub(super) memory: MemoryBuilder,
    pub(super) configs: Vec<LaunchConfig>,
    config_ids: HashMap<LaunchConfig, u32>,
    /// Starts of complete events that are in no table: they count for the extent.
    pub(super) other_starts: Vec<i64>,
    /// Length of the longest span of the profiler.
    pub(super) longest_span_ns: i64,
    /// Events kept, whatever they are.
    pub(super) kept: u64,
    pub(super) negative_durations: ContentTally,
    pub(super) missing_durations: ContentTally,
    pub(super) unfinished: ContentTally,
    /// The longest finished events, for the check against the profiler's span: `(length, start, name)`.
    pub(super) long_events: Vec<(i64, i64, NameId)>,
    pub(super) unknown_categories: ContentTally,
    pub(super) unknown_phases: u64,
    scratch: Vec<u8>,
    /// The latest track, by how it was spelled: events come in runs of one thread.
    last_track: Option<(Vec<u8>, Vec<u8>, TrackId)>,
}

/// A state of a builder to go back to. Names, tracks and configurations stay: what nothing refers to harms nothing.
pub(super) struct BuilderMark {
    rows: [usize; 7],
    longest_span_ns: i64,
    kept: u64,
    tallies: [ContentTally; 4],
    unknown_phases: u64,
}

/// A duration as the file says it.
struct Length {
    nanoseconds: i64,
    unfinished: bool,
}

/// Finished events are remembered for the check against the profiler's span only from this length on.
const LONG_EVENT_NS: i64 = 1_000_000;

impl Builder {
    /// Takes one strict event.
    pub(super) fn event(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        let phase = slots.get(text, Field::Phase).and_then(inner).ok_or(Rejected)?;
        match phase {
            b"X" => self.complete(text, slots)?,
            b"i" | b"I" => self.instant(text, slots)?,
            b"M" | b"s" | b"f" | b"t" => {}
            b"" => return Err(Rejected),
            _ => self.unknown_phases += 1,
        }
        self.kept += 1;
        Ok(())
    }

    /// The state now.
    pub(super) fn mark(&self) -> BuilderMark {
        BuilderMark {
            rows: [
                self.host.len(),
                self.device.len(),
                self.python.len(),
                self.syncs.len(),
                self.memory.len(),
                self.other_starts.len(),
                self.long_events.len(),
            ],
            longest_span_ns: self.longest_span_ns,
            kept: self.kept,
            tallies: [self.negative_durations, self.missing_durations, self.unfinished, self.unknown_categories],
            unknown_phases: self.unknown_phases,
        }
    }

    /// Forgets every event since `mark`.
    pub(super) fn go_back(&mut self, mark: &BuilderMark) {
        let [host, device, python, syncs, memory, other_starts, long_events] = mark.rows;
        self.host.truncate(host);
        self.device.truncate(device);
        self.python.truncate(python);
        self.syncs.truncate(syncs);
        self.memory.truncate(memory);
        self.other_starts.truncate(other_starts);
        self.long_events.truncate(long_events);
        self.longest_span_ns = mark.longest_span_ns;
        self.kept = mark.kept;
        [self.negative_durations, self.missing_durations, self.unfinished, self.unknown_categories] = mark.tallies;
        self.unknown_phases = mark.unknown_phases;
    }

    /// Takes over all rows of another builder, whose ids are translated to this one's.
    pub(super) fn absorb(&mut self, other: Self) {
        let names = self.names.absorb(&other.names);
        let ids = Translation {
            tracks: other.tracks.places().map(|place| self.tracks.intern(place.renamed(&names)).column()).collect(),
            configs: other.configs.iter().map(|config| self.config_id(*config)).collect(),
            names,
        };
        let renamed = |name: NameId| NameId::from_column(ids.name(name.column()));
        self.negative_durations.join(other.negative_durations, renamed, &self.names);
        self.missing_durations.join(other.missing_durations, renamed, &self.names);
        self.unfinished.join(other.unfinished, renamed, &self.names);
        self.unknown_categories.join(other.unknown_categories, renamed, &self.names);
        self.long_events.extend(other.long_events.iter().map(|&(length, start, name)| (length, start, renamed(name))));
        self.host.append(other.host, &ids);
        self.device.append(other.device, &ids);
        self.python.append(other.python, &ids);
        self.syncs.append(other.syncs, &ids);
        self.memory.append(other.memory, &ids);
        self.other_starts.extend(other.other_starts);
        self.longest_span_ns = self.longest_span_ns.max(other.longest_span_ns);
        self.kept += other.kept;
        self.unknown_phases += other.unknown_phases;
    }

    fn complete(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        let start_ns = slots.get(text, Field::Start).and_then(time).ok_or(Rejected)?;
        let name = self.name(slots.get(text, Field::Name));
        let length = self.length(text, slots, start_ns, name)?;
        let start = Timestamp::from_nanoseconds(start_ns);
        let end = start + Nanoseconds::new(length.nanoseconds);
        let category = category(slots.get(text, Field::Category).and_then(inner).unwrap_or_default());
        if category == Category::Span {
            self.longest_span_ns = self.longest_span_ns.max(length.nanoseconds);
        } else if !length.unfinished && length.nanoseconds > LONG_EVENT_NS {
            self.remember_long(length.nanoseconds, start_ns, name);
        }
        match category {
            Category::Host(kind) => self.host_event(text, slots, (start, end), name, kind),
            Category::Device(kind) => self.device_event(text, slots, (start, end), name, kind),
            Category::Python => {
                let track = self.track(text, slots);
                self.python.push(start, end, name, track);
            }
            Category::Sync => {
                let waits = slots
                    .get(text, Field::SyncKind)
                    .and_then(inner)
                    .is_some_and(|kind| memchr::memmem::find(kind, b"Wait").is_none());
                if waits {
                    self.syncs.push(start, number(text, slots, Field::Correlation).unwrap_or(0));
                }
                self.other_starts.push(start_ns);
            }
            Category::Span | Category::Aside => self.other_starts.push(start_ns),
            Category::Unknown => {
                self.unknown_categories.add(start_ns, name, &self.names);
                self.other_starts.push(start_ns);
            }
        }
        Ok(())
    }

    /// Keeps the list short: only the longest can exceed the span, and a file has few of them.
    fn remember_long(&mut self, length: i64, start: i64, name: NameId) {
        if self.longest_span_ns == 0 || length > self.longest_span_ns {
            self.long_events.push((length, start, name));
        }
    }

    /// `dur` (R36, R40). An absent or empty one is length 0 and counted; a wrong type rejects the event.
    fn length(&mut self, text: &[u8], slots: &Slots, start_ns: i64, name: NameId) -> Result<Length, Rejected> {
        let mut unfinished = slots.get(text, Field::Finished) == Some(b"false");
        let nanoseconds = match slots.get(text, Field::Duration) {
            None | Some(b"null") => {
                self.missing_durations.add(start_ns, name, &self.names);
                0
            }
            Some(value) => match time(value) {
                Some(-1_000) => {
                    unfinished = true;
                    0
                }
                Some(..0) => {
                    self.negative_durations.add(start_ns, name, &self.names);
                    0
                }
                Some(length) => length,
                None if inner(value).is_some_and(is_non_finite) => {
                    self.missing_durations.add(start_ns, name, &self.names);
                    0
                }
                None => return Err(Rejected),
            },
        };
        if unfinished {
            self.unfinished.add(start_ns, name, &self.names);
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
            .map_or(NameId::NONE, |value| self.name(Some(value)));
        self.host.push(HostEvent { start, end, name, track, kind, external_id, correlation, shapes, module });
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
        self.device.push(DeviceEvent {
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

    fn config(&mut self, text: &[u8], slots: &Slots) -> u32 {
        let config = LaunchConfig {
            grid: slots.get(text, Field::Grid).and_then(triple),
            block: slots.get(text, Field::Block).and_then(triple),
            registers: number(text, slots, Field::Registers),
            shared_memory_bytes: number(text, slots, Field::SharedMemory),
            blocks_per_sm_millionths: slots
                .get(text, Field::BlocksPerSm)
                .and_then(|value| decimal_scaled(inner(value).unwrap_or(value), 6)),
            occupancy_percent: number(text, slots, Field::Occupancy),
        };
        self.config_id(config)
    }

    fn config_id(&mut self, config: LaunchConfig) -> u32 {
        if let Some(&id) = self.config_ids.get(&config) {
            return id;
        }
        let id = crate::units::narrow(self.configs.len());
        self.configs.push(config);
        self.config_ids.insert(config, id);
        id
    }

    /// `[memory]` by name (R70); every other instant is counted and not used.
    fn instant(&mut self, text: &[u8], slots: &Slots) -> Result<(), Rejected> {
        if slots.get(text, Field::Name) != Some(b"\"[memory]\"") {
            return Ok(());
        }
        let time = slots.get(text, Field::Start).and_then(time).ok_or(Rejected)?;
        let (Some(bytes), Some(device_type)) =
            (number(text, slots, Field::Bytes), number(text, slots, Field::DeviceType))
        else {
            return Ok(());
        };
        let track = self.track(text, slots);
        let field = |field| number(text, slots, field).unwrap_or(ABSENT);
        self.memory.push(MemoryRecord {
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

    fn name(&mut self, value: Option<&[u8]>) -> NameId {
        match value.and_then(decode) {
            Some(name) => self.names.intern(&name),
            None => self.names.intern(""),
        }
    }

    /// `Input Dims` without its white space, so that one shape has one text whoever wrote the file.
    fn shapes(&mut self, dims: &[u8]) -> NameId {
        self.scratch.clear();
        self.scratch.extend(dims.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        self.names.intern(std::str::from_utf8(&self.scratch).unwrap_or_default())
    }

    fn track(&mut self, text: &[u8], slots: &Slots) -> TrackId {
        let (process, thread) = (slots.get(text, Field::Process), slots.get(text, Field::Thread));
        let spelled = (process.unwrap_or_default(), thread.unwrap_or_default());
        if let Some((last_process, last_thread, track)) = &self.last_track
            && (last_process.as_slice(), last_thread.as_slice()) == spelled
        {
            return *track;
        }
        let place = Place { process: self.identity(process), thread: self.identity(thread) };
        let track = self.tracks.intern(place);
        self.last_track = Some((spelled.0.to_vec(), spelled.1.to_vec(), track));
        track
    }

    /// A process or thread: numeric text is the number, other text is itself without the spaces around it (R52).
    fn identity(&mut self, value: Option<&[u8]>) -> Identity {
        let Some(value) = value else { return Identity::Whole(ABSENT) };
        if let Some(number) = integer(inner(value).unwrap_or(value)) {
            return Identity::Whole(number);
        }
        let name = decode(value).unwrap_or_default();
        Identity::text(self.names.intern(name.trim()))
    }
}

/// A time: decimal microseconds, quoted or not.
fn time(value: &[u8]) -> Option<i64> {
    nanoseconds_from_micros(inner(value).unwrap_or(value).trim_ascii())
}

/// A whole number, quoted or not (R35).
fn number(text: &[u8], slots: &Slots, field: Field) -> Option<i64> {
    let value = slots.get(text, field)?;
    integer(inner(value).unwrap_or(value))
}

/// The number of "stream 7" or "7" (R52).
fn ordinal(value: Option<&[u8]>) -> Option<i64> {
    let value = value?;
    let text = inner(value).unwrap_or(value).trim_ascii();
    integer(text).or_else(|| integer(text.strip_prefix(b"stream ")?))
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
