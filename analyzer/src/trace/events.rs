//! The event tables, column by column.
//!
//! A builder pushes rows into plain vectors; `finish` moves them into polars arrays without copying. Times are
//! nanoseconds on the trace's clock, ids are indices of this trace (`NameId`, `TrackId`), absent numbers are [`ABSENT`].

pub use super::columns::ABSENT;
use super::columns::{IdColumn, KindColumn, RareColumn, RareIds, WholeColumn, Wholes, WideColumn};
use super::names::NameId;
use super::tracks::TrackId;
use crate::units::{Bytes, Nanoseconds, Timestamp};
/// The device or stream of an event that names none.
pub const NO_DEVICE_ID: i64 = -1;

/// The four kinds of events in the host forest, in the order of METRICS 1's sort key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HostKind {
    /// `user_annotation`.
    Annotation,
    /// `cpu_op`.
    Op,
    /// `cuda_runtime`, `cuda_driver` and the like of other platforms.
    Runtime,
    /// The profiler's own `overhead`.
    Overhead,
}

impl HostKind {
    const ALL: [Self; Self::COUNT] = [Self::Annotation, Self::Op, Self::Runtime, Self::Overhead];
    /// How many kinds there are.
    pub const COUNT: usize = 4;

    fn from_column(value: u8) -> Self {
        Self::ALL.get(usize::from(value)).copied().unwrap_or(Self::Overhead)
    }
}

/// What a device event is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceKind {
    /// `kernel`.
    Kernel,
    /// `gpu_memcpy`.
    Memcpy,
    /// `gpu_memset`.
    Memset,
    /// `mtia_ccp_events`.
    Packet,
}

impl DeviceKind {
    const ALL: [Self; 4] = [Self::Kernel, Self::Memcpy, Self::Memset, Self::Packet];

    fn from_column(value: u8) -> Self {
        Self::ALL.get(usize::from(value)).copied().unwrap_or(Self::Packet)
    }
}

/// One host event, as a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostEvent {
    /// Its start.
    pub start: Timestamp,
    /// Its end; never before its start.
    pub end: Timestamp,
    /// Its name.
    pub name: NameId,
    /// Its thread.
    pub track: TrackId,
    /// Its kind.
    pub kind: HostKind,
    /// `External id`, or [`ABSENT`]: only a tie-break of the sort key.
    pub external_id: i64,
    /// `correlation`, or 0: not linkable.
    pub correlation: i64,
    /// `Input Dims` as text, or `NONE`.
    pub shapes: NameId,
    /// `Module Hierarchy`, or `NONE`.
    pub module: NameId,
}

/// Ids of one builder as ids of another: rows that were read apart come together in one trace.
#[derive(Debug, Default)]
pub(crate) struct Translation {
    pub(crate) names: Vec<u32>,
    pub(crate) tracks: Vec<u32>,
    pub(crate) configs: Vec<u32>,
}

impl Translation {
    /// The new id of a name; no name stays no name.
    pub(crate) fn name(&self, id: u32) -> u32 {
        self.names.get(id as usize).copied().unwrap_or(u32::MAX)
    }

    fn track(&self, id: u32) -> u32 {
        self.tracks.get(id as usize).copied().unwrap_or(u32::MAX)
    }

    fn config(&self, id: u32) -> u32 {
        self.configs.get(id as usize).copied().unwrap_or(u32::MAX)
    }
}

macro_rules! table {
    ($(#[doc = $doc:literal])* $table:ident, $builder:ident, { $($column:ident : $kind:ident = $key:literal),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $table { $(pub(crate) $column: table!(@column $kind)),* }

        /// Rows on their way into columns.
        #[derive(Clone, Debug, Default)]
        pub struct $builder { $($column: table!(@value $kind)),* }

        impl $builder {
            /// Moves the rows into columns.
            #[must_use]
            pub fn finish(self) -> $table {
                $table { $($column: <table!(@column $kind)>::from_vec($key, self.$column)),* }
            }

            /// Moves the rows of `other` behind these, with their ids translated; `other` keeps its memory for the next ones.
            pub(crate) fn append(&mut self, other: &mut Self, ids: &Translation) {
                let _ = ids; // a table may have no ids
                $(table!(@append $kind, self.$column, other.$column, ids);)*
            }

            /// Drops all rows, and keeps their memory.
            pub(crate) fn clear(&mut self) {
                $(self.$column.clear();)*
            }

            /// The starts of the rows so far, in nanoseconds.
            #[must_use]
            pub fn starts(&self) -> &[i64] {
                &self.start
            }

            /// How many rows there are.
            #[must_use]
            pub fn len(&self) -> usize {
                self.start.len()
            }

            /// Whether there is no row.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.start.is_empty()
            }
        }

        impl Default for $table {
            fn default() -> Self {
                $builder::default().finish()
            }
        }

        impl $table {
            /// How many rows there are.
            #[must_use]
            pub fn len(&self) -> usize {
                self.start.values().len()
            }

            /// Whether there is no row.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The start of `row`.
            #[must_use]
            pub fn start(&self, row: usize) -> Timestamp {
                Timestamp::from_nanoseconds(self.start.at(row))
            }

            /// The rows for which `keep` says yes, in the same order.
            #[must_use]
            pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Self {
                let rows: Vec<usize> = (0..self.len()).filter(|&row| keep(row)).collect();
                Self { $($column: <table!(@column $kind)>::from_vec(
                    $key, rows.iter().map(|&row| self.$column.at(row)).collect())),* }
            }
        }
    };
    (@column time) => { WideColumn };
    (@column whole) => { WholeColumn };
    (@column kind) => { KindColumn };
    (@column rare) => { RareColumn };
    (@column $id:ident) => { IdColumn };
    (@value time) => { Vec<i64> };
    (@value whole) => { Wholes };
    (@value kind) => { Vec<u8> };
    (@value rare) => { RareIds };
    (@value $id:ident) => { Vec<u32> };
    (@append name, $rows:expr, $more:expr, $ids:ident) => { $rows.extend($more.drain(..).map(|id| $ids.name(id))) };
    (@append rare, $rows:expr, $more:expr, $ids:ident) => { $rows.append(&mut $more, |id| $ids.name(id)) };
    (@append track, $rows:expr, $more:expr, $ids:ident) => { $rows.extend($more.drain(..).map(|id| $ids.track(id))) };
    (@append config, $rows:expr, $more:expr, $ids:ident) => { $rows.extend($more.drain(..).map(|id| $ids.config(id))) };
    (@append $kind:ident, $rows:expr, $more:expr, $ids:ident) => { $rows.append(&mut $more) };
}

table! {
    /// Annotations, operators, runtime calls and overhead.
    HostEvents, HostBuilder, {
        start: time = "start_ns", duration: whole = "duration_ns", name: name = "name", track: track = "track", kind: kind = "kind",
        external_id: whole = "external_id", correlation: whole = "correlation", shapes: name = "shapes", module: rare = "module",
    }
}

impl HostBuilder {
    /// Adds one event.
    pub fn push(&mut self, event: HostEvent) {
        self.start.push(event.start.nanoseconds());
        self.duration.push((event.end - event.start).get());
        self.name.push(event.name.column());
        self.track.push(event.track.column());
        self.kind.push(event.kind as u8);
        self.external_id.push(event.external_id);
        self.correlation.push(event.correlation);
        self.shapes.push(event.shapes.column());
        self.module.push(event.module.column());
    }
}

impl HostEvents {
    /// The end of `row`.
    #[must_use]
    pub fn end(&self, row: usize) -> Timestamp {
        self.start(row) + Nanoseconds::new(self.duration.at(row))
    }

    /// The length of `row`.
    #[must_use]
    pub fn duration(&self, row: usize) -> Nanoseconds {
        Nanoseconds::new(self.duration.at(row))
    }

    /// The name of `row`.
    #[must_use]
    pub fn name(&self, row: usize) -> NameId {
        NameId::from_column(self.name.at(row))
    }

    /// The thread of `row`.
    #[must_use]
    pub fn track(&self, row: usize) -> TrackId {
        TrackId::from_column(self.track.at(row))
    }

    /// The kind of `row`.
    #[must_use]
    pub fn kind(&self, row: usize) -> HostKind {
        HostKind::from_column(self.kind.at(row))
    }

    /// `External id` of `row`, or [`ABSENT`].
    #[must_use]
    pub fn external_id(&self, row: usize) -> i64 {
        self.external_id.at(row)
    }

    /// `correlation` of `row`, or 0.
    #[must_use]
    pub fn correlation(&self, row: usize) -> i64 {
        self.correlation.at(row)
    }

    /// `Input Dims` of `row` as text, or `NONE`.
    #[must_use]
    pub fn shapes(&self, row: usize) -> NameId {
        NameId::from_column(self.shapes.at(row))
    }

    /// `Module Hierarchy` of `row`, or `NONE`.
    #[must_use]
    pub fn module(&self, row: usize) -> NameId {
        NameId::from_column(self.module.at(row))
    }
}

/// How a kernel was launched. The same for thousands of launches, so stored once (`Trace::configs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LaunchConfig {
    /// Blocks in x, y, z.
    pub grid: Option<[i64; 3]>,
    /// Threads of a block in x, y, z.
    pub block: Option<[i64; 3]>,
    /// `registers per thread`.
    pub registers: Option<i64>,
    /// `shared memory` in bytes per block.
    pub shared_memory_bytes: Option<i64>,
    /// `blocks per SM`, in millionths: exact, so that duration-weighted means do not depend on the order of events.
    pub blocks_per_sm_millionths: Option<i64>,
    /// `est. achieved occupancy %`.
    pub occupancy_percent: Option<i64>,
}

/// One device event, as a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceEvent {
    /// Its start.
    pub start: Timestamp,
    /// Its end; never before its start.
    pub end: Timestamp,
    /// Its name.
    pub name: NameId,
    /// Its kind.
    pub kind: DeviceKind,
    /// `args.device`, else the process id of the track.
    pub device: i64,
    /// `args.stream`, else the thread id of the track.
    pub stream: i64,
    /// `correlation`, or 0: not linkable.
    pub correlation: i64,
    /// `bytes` of a copy, or [`ABSENT`].
    pub bytes: i64,
    /// Index into `Trace::configs`.
    pub config: u32,
}

table! {
    /// Kernels, copies, fills and accelerator packets.
    DeviceEvents, DeviceBuilder, {
        start: time = "start_ns", duration: whole = "duration_ns", name: name = "name", kind: kind = "kind", device: whole = "device",
        stream: whole = "stream", correlation: whole = "correlation", bytes: whole = "bytes", config: config = "config",
    }
}

impl DeviceBuilder {
    /// Adds one event.
    pub fn push(&mut self, event: DeviceEvent) {
        self.start.push(event.start.nanoseconds());
        self.duration.push((event.end - event.start).get());
        self.name.push(event.name.column());
        self.kind.push(event.kind as u8);
        self.device.push(event.device);
        self.stream.push(event.stream);
        self.correlation.push(event.correlation);
        self.bytes.push(event.bytes);
        self.config.push(event.config);
    }
}

impl DeviceEvents {
    /// The end of `row`.
    #[must_use]
    pub fn end(&self, row: usize) -> Timestamp {
        self.start(row) + Nanoseconds::new(self.duration.at(row))
    }

    /// The length of `row`.
    #[must_use]
    pub fn duration(&self, row: usize) -> Nanoseconds {
        Nanoseconds::new(self.duration.at(row))
    }

    /// The name of `row`.
    #[must_use]
    pub fn name(&self, row: usize) -> NameId {
        NameId::from_column(self.name.at(row))
    }

    /// The kind of `row`.
    #[must_use]
    pub fn kind(&self, row: usize) -> DeviceKind {
        DeviceKind::from_column(self.kind.at(row))
    }

    /// The device of `row`.
    #[must_use]
    pub fn device(&self, row: usize) -> i64 {
        self.device.at(row)
    }

    /// The stream of `row`.
    #[must_use]
    pub fn stream(&self, row: usize) -> i64 {
        self.stream.at(row)
    }

    /// `correlation` of `row`, or 0.
    #[must_use]
    pub fn correlation(&self, row: usize) -> i64 {
        self.correlation.at(row)
    }

    /// `bytes` of `row`, a copy, or [`ABSENT`].
    #[must_use]
    pub fn bytes(&self, row: usize) -> i64 {
        self.bytes.at(row)
    }

    /// Index of the launch configuration of `row` in `Trace::configs`.
    #[must_use]
    pub fn config(&self, row: usize) -> usize {
        self.config.at(row) as usize
    }
}

table! {
    /// Python stack frames: no part of the forest, they serve modules and data loading.
    PythonFrames, PythonBuilder, {
        start: time = "start_ns", duration: whole = "duration_ns", name: name = "name", track: track = "track",
    }
}

impl PythonBuilder {
    /// Adds one frame.
    pub fn push(&mut self, start: Timestamp, end: Timestamp, name: NameId, track: TrackId) {
        self.start.push(start.nanoseconds());
        self.duration.push((end - start).get());
        self.name.push(name.column());
        self.track.push(track.column());
    }
}

impl PythonFrames {
    /// The end of `row`.
    #[must_use]
    pub fn end(&self, row: usize) -> Timestamp {
        self.start(row) + Nanoseconds::new(self.duration.at(row))
    }

    /// The name of `row`.
    #[must_use]
    pub fn name(&self, row: usize) -> NameId {
        NameId::from_column(self.name.at(row))
    }

    /// The thread of `row`.
    #[must_use]
    pub fn track(&self, row: usize) -> TrackId {
        TrackId::from_column(self.track.at(row))
    }
}

table! {
    /// Synchronisation rows that made the host wait: start and the correlation of the call that waited.
    SyncCalls, SyncBuilder, { start: time = "start_ns", correlation: whole = "correlation" }
}

impl SyncBuilder {
    /// Adds one row.
    pub fn push(&mut self, start: Timestamp, correlation: i64) {
        self.start.push(start.nanoseconds());
        self.correlation.push(correlation);
    }
}

impl SyncCalls {
    /// `correlation` of `row`.
    #[must_use]
    pub fn correlation(&self, row: usize) -> i64 {
        self.correlation.at(row)
    }
}

/// One allocation (positive) or free (negative), as a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryRecord {
    /// When.
    pub time: Timestamp,
    /// The thread that called the allocator.
    pub track: TrackId,
    /// `Device Type`: 0 is the host.
    pub device_type: i64,
    /// `Device Id` within the process; -1 for the host.
    pub device_id: i64,
    /// `Addr`, or [`ABSENT`].
    pub address: i64,
    /// `Bytes`.
    pub bytes: Bytes,
    /// `Total Allocated` after the event, or [`ABSENT`] (the 2021 form).
    pub allocated: i64,
    /// `Total Reserved` after the event, or [`ABSENT`].
    pub reserved: i64,
    /// `Ev Idx`, or [`ABSENT`]: orders records of one instant.
    pub index: i64,
}

table! {
    /// Allocations and frees.
    MemoryRecords, MemoryBuilder, {
        start: time = "time_ns", track: track = "track", device_type: whole = "device_type", device_id: whole = "device_id",
        address: whole = "address", bytes: whole = "bytes", allocated: whole = "allocated_bytes",
        reserved: whole = "reserved_bytes", index: whole = "event_index",
    }
}

impl MemoryBuilder {
    /// Adds one record.
    pub fn push(&mut self, record: MemoryRecord) {
        self.start.push(record.time.nanoseconds());
        self.track.push(record.track.column());
        self.device_type.push(record.device_type);
        self.device_id.push(record.device_id);
        self.address.push(record.address);
        self.bytes.push(record.bytes.get());
        self.allocated.push(record.allocated);
        self.reserved.push(record.reserved);
        self.index.push(record.index);
    }
}

impl MemoryRecords {
    /// The record at `row`.
    #[must_use]
    pub fn record(&self, row: usize) -> MemoryRecord {
        MemoryRecord {
            time: self.start(row),
            track: TrackId::from_column(self.track.at(row)),
            device_type: self.device_type.at(row),
            device_id: self.device_id.at(row),
            address: self.address.at(row),
            bytes: Bytes::new(self.bytes.at(row)),
            allocated: self.allocated.at(row),
            reserved: self.reserved.at(row),
            index: self.index.at(row),
        }
    }
}
