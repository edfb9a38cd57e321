//! Memory (METRICS 7): the allocator's curve per device, its peak and who held it, and net bytes per operator.

use super::context::Context;
use super::forest::{Segment, Walk};
use super::nearly::sort_nearly_sorted;
use super::{Analysis, Question};
use crate::table::{Cell, Column, Recorded, Table, Unit, Why, headings};
use crate::text::Untrusted;
use crate::trace::Trace;
use crate::trace::events::{ABSENT, HostKind, MemoryRecord};
use crate::trace::tracks::TrackId;
use crate::units::{Bytes, Nanoseconds, Timestamp, narrow, to_f64, widen};
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "memory",
    about: "memory per device: peaks, growth per step, what was live at the peak",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: false,
};

/// The row of what was live before recording began.
pub const BEFORE_RECORDING: &str = "[before recording]";

/// A device as the allocator names it: `Device Type` and `Device Id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AllocatorDevice {
    device_type: i64,
    device_id: i64,
}

impl AllocatorDevice {
    /// `cpu`, `cuda:0`, `hip:0` ...: the names of c10's device types.
    #[must_use]
    pub fn name(self) -> String {
        let kind = match self.device_type {
            0 => return "cpu".to_owned(),
            1 => "cuda",
            6 => "hip",
            12 => "xpu",
            13 => "mps",
            15 => "hpu",
            19 => "mtia",
            20 => "privateuse1",
            other => return format!("device_type_{other}:{}", self.device_id),
        };
        format!("{kind}:{}", self.device_id)
    }

    /// Whether it is the host's memory.
    #[must_use]
    pub const fn is_host(self) -> bool {
        self.device_type == 0
    }
}

/// One allocation that was live at the peak, summed over its operator and step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveRow {
    /// The operator that allocated it.
    pub op: Untrusted,
    /// The step it was made in.
    pub step: Option<i64>,
    /// Its size.
    pub bytes: Bytes,
    /// How many allocations; 0 for what was live before recording began.
    pub allocations: u64,
}

/// One device's memory.
#[derive(Clone, PartialEq, Debug)]
pub struct MemoryRow {
    /// The device.
    pub device: AllocatorDevice,
    /// The curve: time, allocated, reserved (`None` where the allocator does not say).
    pub curve: Vec<(Timestamp, Bytes, Option<Bytes>)>,
    /// The most that was allocated.
    pub peak: Bytes,
    /// When first.
    pub peak_time: Timestamp,
    /// The most that the caching allocator held; absent for the host.
    pub peak_reserved: Option<Bytes>,
    /// What was live at the peak and not allocated inside the recording.
    pub before_recording: Bytes,
    /// How much more is allocated at the end of a step than at the end of the step before, on average.
    pub growth_per_step: Option<f64>,
    /// What was live at the peak, largest first.
    pub live: Vec<LiveRow>,
    /// Records after which the allocator's total was not what the one before and the record's bytes give.
    pub gaps: u64,
    /// The producer gives no totals: all numbers are relative to an unknown start.
    pub relative: bool,
    /// The zero of printed points in time.
    pub origin: Timestamp,
}

/// The columns.
pub const COLUMNS: &[Column<MemoryRow>] = &[
    Column {
        key: "device",
        unit: Unit::Text,
        shown: true,
        says: "the allocator's device, which is no id of the timeline",
        cell: |row| Untrusted::from(row.device.name()).into(),
    },
    Column {
        key: "peak_allocated",
        unit: Unit::Bytes,
        shown: true,
        says: "most bytes allocated after any allocator event",
        cell: |row| row.peak.into(),
    },
    Column {
        key: "peak_reserved",
        unit: Unit::Bytes,
        shown: true,
        says: "most bytes held by the caching allocator; absent for the host",
        cell: |row| row.peak_reserved.into(),
    },
    Column {
        key: "peak_time",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "first time of the peak since the trace's earliest complete event",
        cell: |row| (row.peak_time - row.origin).into(),
    },
    Column {
        key: "before_recording",
        unit: Unit::Bytes,
        shown: true,
        says: "live at the peak and not allocated inside the recording: peak minus what paired allocations explain",
        cell: |row| row.before_recording.into(),
    },
    Column {
        key: "growth_per_step",
        unit: Unit::DecimalBytes,
        shown: true,
        says: "bytes allocated at the last step's host end minus those at the first one's, per step in between",
        cell: |row| row.growth_per_step.into(),
    },
    Column {
        key: "live_at_peak",
        unit: Unit::Nested,
        shown: false,
        says: "what was live at the peak, by the innermost operator on the allocating thread (allocation helpers aside) and the step",
        cell: |row| Cell::List(row.live.iter().map(live_cell).collect()),
    },
];

fn live_cell(live: &LiveRow) -> Cell {
    Cell::Record(vec![
        ("op", live.op.clone().into()),
        ("step", live.step.into()),
        ("bytes", live.bytes.into()),
        ("allocations", live.allocations.into()),
    ])
}

fn table(question: &Question<'_>) -> Table {
    let why = match recorded(question.context.trace) {
        Recorded::No(why) => why,
        Recorded::Yes(()) => Why::NoMemoryEvents,
    };
    Table::new("memory", COLUMNS, question.context.memory()).or_empty_because(why)
}

/// Whether memory was recorded, and if not, why.
#[must_use]
pub fn recorded(trace: &Trace) -> Recorded<()> {
    match (trace.memory.is_empty(), trace.metadata.profile_memory) {
        (false, _) => Recorded::Yes(()),
        (true, true) => Recorded::No(Why::NoMemoryEvents),
        (true, false) => Recorded::No(Why::MemoryOff),
    }
}

/// One row per allocator device: the host first, then by name.
#[must_use]
pub fn rows(context: &Context<'_>) -> Vec<MemoryRow> {
    let mut by_device: BTreeMap<AllocatorDevice, Vec<u32>> = BTreeMap::new();
    for row in 0..context.trace.memory.len() {
        let record = context.trace.memory.record(row);
        let device = AllocatorDevice { device_type: record.device_type, device_id: record.device_id };
        by_device.entry(device).or_default().push(narrow(row));
    }
    if by_device.is_empty() {
        return Vec::new();
    }
    let owners = Owners::new(context);
    by_device.into_iter().filter_map(|(device, rows)| row(context, owners.clone(), device, rows)).collect()
}

fn row(context: &Context<'_>, owners: Owners, device: AllocatorDevice, mut rows: Vec<u32>) -> Option<MemoryRow> {
    let memory = &context.trace.memory;
    let by_time = |left: usize, right: usize| memory.start(left).cmp(&memory.start(right));
    let key = |row: usize| {
        let record = memory.record(row);
        (record.index, record.address, record.bytes, record.allocated, record.reserved)
    };
    sort_nearly_sorted(&mut rows, |&left, &right| {
        let (left, right) = (widen(left), widen(right));
        by_time(left, right).then_with(|| key(left).cmp(&key(right)))
    });
    let records = || rows.iter().map(|&row| memory.record(widen(row)));
    let relative = records().all(|record| record.allocated == ABSENT);
    let (curve, gaps) = curve(records(), relative);
    let (peak_at, peak_time) = looked_at(context, &curve)
        .min_by_key(|(index, time)| (Reverse(curve.get(*index).map(|(_, allocated, _)| *allocated)), *time, *index))?;
    let &(_, peak, _) = curve.get(peak_at)?;
    let reserved =
        looked_at(context, &curve).filter_map(|(index, _)| curve.get(index)?.2).max().filter(|_| !device.is_host());
    // Records before the first total have no point on the curve.
    let mut live = live_at(context, owners, records().take(peak_at + (rows.len() - curve.len()) + 1));
    let explained: Bytes = live.iter().map(|live| live.bytes).sum();
    let before_recording = peak - explained;
    if before_recording != Bytes::ZERO {
        live.push(LiveRow { op: BEFORE_RECORDING.into(), step: None, bytes: before_recording, allocations: 0 });
    }
    live.sort_by(|left, right| {
        (Reverse(left.bytes), &left.op, left.step).cmp(&(Reverse(right.bytes), &right.op, right.step))
    });
    Some(MemoryRow {
        device,
        peak,
        peak_time,
        peak_reserved: reserved,
        before_recording,
        growth_per_step: growth(context, &curve),
        live,
        gaps,
        relative,
        origin: context.trace.origin,
        curve,
    })
}

/// The points of the curve among which the peak is, each with the time from which it counts: all of them, or where steps
/// were asked for those inside, and what is live when such a step begins.
fn looked_at<'c>(context: &Context<'_>, curve: &'c Curve) -> Box<dyn Iterator<Item = (usize, Timestamp)> + 'c> {
    if !context.steps.selected {
        return Box::new(curve.iter().enumerate().map(|(index, (time, ..))| (index, *time)));
    }
    let mut points = Vec::new();
    for step in &context.steps.steps {
        let first = curve.partition_point(|(time, ..)| *time < step.start);
        points.extend(first.checked_sub(1).map(|before| (before, step.start)));
        let inside = curve.iter().enumerate().skip(first).take_while(|(_, (time, ..))| *time < step.end);
        points.extend(inside.map(|(index, (time, ..))| (index, *time)));
    }
    Box::new(points.into_iter())
}

type Curve = Vec<(Timestamp, Bytes, Option<Bytes>)>;

/// The curve of the sorted records, and how often a total is not what the one before it and the bytes give.
fn curve(records: impl ExactSizeIterator<Item = MemoryRecord>, relative: bool) -> (Curve, u64) {
    let mut total: Option<Bytes> = relative.then_some(Bytes::ZERO);
    let mut gaps = 0;
    let mut curve = Curve::with_capacity(records.len());
    for record in records {
        let expected = total.map(|before| before + record.bytes);
        let said = (record.allocated != ABSENT).then(|| Bytes::new(record.allocated));
        // A total that is not there among others is a gap as much as one that does not follow.
        gaps += u64::from(!relative && (said.is_none() || expected.is_some_and(|expected| said != Some(expected))));
        total = said.or(expected);
        let reserved = (record.reserved != ABSENT).then(|| Bytes::new(record.reserved));
        curve.extend(total.map(|total| (record.time, total, reserved)));
    }
    (curve, gaps)
}

/// Allocated at the end of the last step minus at the end of the first, per step in between.
fn growth(context: &Context<'_>, curve: &Curve) -> Option<f64> {
    let at = |time: Timestamp| {
        let after = curve.partition_point(|(when, ..)| *when <= time);
        after.checked_sub(1).and_then(|index| curve.get(index)).map(|(_, allocated, _)| *allocated)
    };
    let steps = &context.steps.steps;
    let (first, last) = (steps.first()?, steps.last()?);
    let between = to_f64(i64::try_from(steps.len()).ok()?.checked_sub(1).filter(|&between| between > 0)?);
    let grown = at(last.host_end)? - at(first.host_end)?;
    Some(to_f64(grown.get()) / between)
}

/// Allocations that are live behind the last of `records`, by operator and step.
fn live_at(context: &Context<'_>, mut owners: Owners, records: impl Iterator<Item = MemoryRecord>) -> Vec<LiveRow> {
    let mut live: HashMap<i64, MemoryRecord> = HashMap::new();
    // What was allocated at an address that was not free: as a rule, nothing.
    let mut below: HashMap<i64, Vec<MemoryRecord>> = HashMap::new();
    for record in records.filter(|record| record.address != ABSENT) {
        let address = record.address;
        if record.bytes > Bytes::ZERO {
            if let Some(before) = live.insert(address, record) {
                below.entry(address).or_default().push(before);
            }
        } else if let Some(before) = below.get_mut(&address).and_then(Vec::pop) {
            live.insert(address, before);
        } else {
            live.remove(&address);
        }
    }
    let mut rows: BTreeMap<(Untrusted, Option<i64>), (Bytes, u64)> = BTreeMap::new();
    let mut held: Vec<MemoryRecord> = live.drain().map(|(_, record)| record).collect();
    held.extend(below.drain().flat_map(|(_, records)| records));
    held.sort_unstable_by_key(|record| (record.time, record.index, record.address));
    for record in held {
        let op = owners.of(context, &record);
        let step = context.steps.of_host_time(record.time).and_then(|index| context.steps.steps.get(index)?.number);
        let row = rows.entry((op, step)).or_default();
        row.0 += record.bytes;
        row.1 += 1;
    }
    rows.into_iter().map(|((op, step), (bytes, allocations))| LiveRow { op, step, bytes, allocations }).collect()
}

/// Finds the operators that allocations go to, in order of time.
#[derive(Clone)]
struct Owners {
    walks: HashMap<TrackId, Walk>,
}

/// The row of allocations outside of any operator.
const NO_OP: &str = "[outside of any operator]";

impl Owners {
    fn new(context: &Context<'_>) -> Self {
        Self { walks: context.forest.walks(context.trace) }
    }

    /// The innermost operator on the record's own thread that is no allocation helper.
    fn of(&mut self, context: &Context<'_>, record: &MemoryRecord) -> Untrusted {
        let trace = context.trace;
        // Both ends of an operator are closed: an instant at its very end still belongs to it.
        let candidates = self
            .walks
            .get_mut(&record.track)
            .map(|walk| walk.at(trace, &context.forest, record.time))
            .unwrap_or_default();
        let holds = |row: usize| trace.host.end(row) >= record.time;
        let inside = candidates.into_iter().flatten().filter_map(Segment::innermost).find(|&row| holds(row));
        let mut helper = None;
        let mut at = inside.map(|row| context.forest.node_of(row));
        while let Some(row) = at {
            if trace.host.kind(row) == HostKind::Op {
                let name = trace.names.get(trace.host.name(row));
                if !is_allocation_helper(name) {
                    return name.into();
                }
                helper = helper.or(Some(name));
            }
            at = context.forest.parent(row);
        }
        helper.unwrap_or(NO_OP).into()
    }
}

/// Operators that allocate for others (METRICS 7).
fn is_allocation_helper(name: &str) -> bool {
    const EXACT: [&str; 8] = [
        "aten::resize_",
        "aten::zeros",
        "aten::clone",
        "aten::contiguous",
        "aten::to",
        "aten::_to_copy",
        "aten::detach",
        "detach",
    ];
    const VIEWS: [&str; 14] = [
        "aten::view",
        "aten::reshape",
        "aten::as_strided",
        "aten::t",
        "aten::transpose",
        "aten::permute",
        "aten::expand",
        "aten::squeeze",
        "aten::unsqueeze",
        "aten::select",
        "aten::slice",
        "aten::narrow",
        "aten::_unsafe_view",
        "aten::alias",
    ];
    EXACT.contains(&name) || VIEWS.contains(&name) || name.starts_with("aten::empty") || name.starts_with("aten::new_")
}

/// Net bytes of the host and of the devices while a host event ran, by torch's rule: on any thread.
pub struct NetBytes<'t> {
    trace: &'t Trace,
    host: Running,
    device: Running,
}

impl<'t> NetBytes<'t> {
    /// Of the events of `trace`; `None` where memory was not recorded.
    #[must_use]
    pub fn of(trace: &'t Trace) -> Option<Self> {
        recorded(trace).value()?;
        Some(Self { trace, host: Running::of(trace, true), device: Running::of(trace, false) })
    }

    /// Of the host event `row`: host, device. Cheapest when asked in order of time.
    pub fn during(&mut self, row: usize) -> [Bytes; 2] {
        let interval = (self.trace.host.start(row), self.trace.host.end(row));
        [self.host.between(interval), self.device.between(interval)]
    }
}

/// Sums of bytes over time, for differences.
struct Running {
    times: Vec<Timestamp>,
    /// `sums[n]`: bytes of the first n records.
    sums: Vec<Bytes>,
    /// The first record not before the last interval that was asked for: the next mostly starts a little later.
    first: usize,
}

impl Running {
    fn of(trace: &Trace, of_host: bool) -> Self {
        let mut records: Vec<(Timestamp, Bytes)> = (0..trace.memory.len())
            .map(|row| trace.memory.record(row))
            .filter(|record| (record.device_type == 0) == of_host)
            .map(|record| (record.time, record.bytes))
            .collect();
        sort_nearly_sorted(&mut records, Ord::cmp);
        let mut sum = Bytes::ZERO;
        let sums = records.iter().map(|(_, bytes)| {
            sum += *bytes;
            sum
        });
        let sums = std::iter::once(Bytes::ZERO).chain(sums).collect();
        Self { times: records.into_iter().map(|(time, _)| time).collect(), sums, first: 0 }
    }

    /// Bytes of the records in the closed interval.
    fn between(&mut self, (from, to): (Timestamp, Timestamp)) -> Bytes {
        if self.first.checked_sub(1).and_then(|before| self.times.get(before)).is_some_and(|time| *time >= from) {
            self.first = self.times.partition_point(|time| *time < from);
        }
        while self.times.get(self.first).is_some_and(|time| *time < from) {
            self.first += 1;
        }
        let first = self.first;
        // Most operators allocate nothing: one search shows it.
        if self.times.get(first).is_none_or(|time| *time > to) {
            return Bytes::ZERO;
        }
        let inside = self.times.get(first..).unwrap_or_default().partition_point(|time| *time <= to);
        let sum = |index: usize| self.sums.get(index).copied().unwrap_or_default();
        sum(first + inside) - sum(first)
    }
}

/// Time since the trace's start, for curves.
#[must_use]
pub fn since_start(row: &MemoryRow, time: Timestamp) -> Nanoseconds {
    time - row.origin
}
