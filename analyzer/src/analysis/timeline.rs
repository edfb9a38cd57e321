//! What each device did over time (METRICS 5): unions of its events, why it was idle, its streams, how busy it was when.

use super::context::Context;
use super::idle::{HostView, IdleCauses};
use super::intervals::Span;
use super::nearly::sort_nearly_sorted;
use super::{Analysis, Question};
use crate::table::{Cell, Column, Table, Unit, Why, headings};
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, NO_DEVICE_ID};
use crate::units::{Nanoseconds, Timestamp, count, narrow, round_places, share, to_f64, widen};
use std::collections::BTreeMap;

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "timeline",
    about: "each device over time: busy, idle and why, computation, communication, copies, streams",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: false,
};

/// How many buckets the utilisation over time has.
pub const BUCKETS: i64 = 100;

/// One device.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceRow {
    /// The trace's id of the device.
    pub device: i64,
    /// Start of its first event.
    pub start: Timestamp,
    /// End of its last event.
    pub end: Timestamp,
    /// Time in which any event ran.
    pub busy: Nanoseconds,
    /// Time of computation: kernels that are no communication, fills, packets.
    pub computation: Nanoseconds,
    /// Communication that no computation hides.
    pub exposed_communication: Nanoseconds,
    /// Copies that neither computation nor communication hides.
    pub exposed_memcpy: Nanoseconds,
    /// All communication.
    pub communication: Nanoseconds,
    /// All copies.
    pub memcpy: Nanoseconds,
    /// Busy share of the steps' spans.
    pub steps_busy_share: Option<f64>,
    /// Why it was idle.
    pub idle_causes: IdleCauses,
    /// Its streams.
    pub streams: Vec<StreamRow>,
    /// Busy share of each of [`BUCKETS`] equal parts: start, share.
    pub utilisation: Vec<(Timestamp, Option<f64>)>,
    /// The zero of printed points in time.
    pub origin: Timestamp,
}

impl DeviceRow {
    /// Last end minus first start.
    #[must_use]
    pub fn total(&self) -> Nanoseconds {
        self.end - self.start
    }

    /// Total minus busy.
    #[must_use]
    pub fn idle(&self) -> Nanoseconds {
        self.total() - self.busy
    }
}

/// One stream of a device.
#[derive(Clone, PartialEq, Debug)]
pub struct StreamRow {
    /// The trace's id.
    pub stream: i64,
    /// Events on it.
    pub events: u64,
    /// Time in which any of them ran.
    pub busy: Nanoseconds,
    /// Event start minus launch end, not below 0: median, 95th percentile (nearest rank) and maximum over the events whose
    /// launch is in the file.
    pub delay: Option<[Nanoseconds; 3]>,
    /// Launched and not started: mean over time and maximum.
    pub depth: Option<(f64, u64)>,
}

/// The columns.
pub const COLUMNS: &[Column<DeviceRow>] = &[
    Column {
        key: "device",
        unit: Unit::Count,
        shown: true,
        says: "the trace's id of the device (args.device)",
        cell: |row| id_cell(row.device),
    },
    Column {
        key: "total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "end of the last device event minus start of the first",
        cell: |row| row.total().into(),
    },
    Column {
        key: "busy",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of all device events (kernels, copies, fills)",
        cell: |row| row.busy.into(),
    },
    Column {
        key: "idle",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "total minus busy",
        cell: |row| row.idle().into(),
    },
    Column {
        key: "computation",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of kernels that are no communication, and fills",
        cell: |row| row.computation.into(),
    },
    Column {
        key: "exposed_comm",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of communication kernels (nccl, rccl, cross_device_reduce) where no computation runs",
        cell: |row| row.exposed_communication.into(),
    },
    Column {
        key: "exposed_memcpy",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of copies where neither computation nor communication runs",
        cell: |row| row.exposed_memcpy.into(),
    },
    Column {
        key: "total_comm",
        unit: Unit::Nanoseconds,
        shown: false,
        says: "union of communication kernels",
        cell: |row| row.communication.into(),
    },
    Column {
        key: "total_memcpy",
        unit: Unit::Nanoseconds,
        shown: false,
        says: "union of copies",
        cell: |row| row.memcpy.into(),
    },
    Column {
        key: "steps_busy",
        unit: Unit::Share,
        shown: true,
        says: "busy time inside the steps' spans, of these spans",
        cell: |row| row.steps_busy_share.into(),
    },
    Column {
        key: "idle_causes",
        unit: Unit::Nested,
        shown: false,
        says: "idle time by cause: what the launching thread was in until it launched the event that ended the gap, then launch latency (launched inside the gap) or queued (launched before); unknown: no launch in the file; nanoseconds",
        cell: |row| Cell::Record(row.idle_causes.named().map(|(key, time)| (key, time.into())).to_vec()),
    },
    Column {
        key: "streams",
        unit: Unit::Nested,
        shown: false,
        says: "per stream: events, busy time, launch delay (event start minus launch end), queue depth (launched and not started)",
        cell: |row| Cell::List(row.streams.iter().map(stream_cell).collect()),
    },
    Column {
        key: "utilisation",
        unit: Unit::Nested,
        shown: false,
        says: "busy share of each hundredth of the total",
        cell: |row| {
            Cell::List(row.utilisation.iter().map(|&(start, share)| bucket_cell(row.origin, start, share)).collect())
        },
    },
];

/// An id of a device or stream; absent where the events name none.
fn id_cell(id: i64) -> Cell {
    if id == NO_DEVICE_ID { Cell::Absent(Why::NotInTrace) } else { Cell::Whole(id) }
}

fn bucket_cell(origin: Timestamp, start: Timestamp, share: Option<f64>) -> Cell {
    Cell::Record(vec![("start_ns", (start - origin).into()), ("busy_share", share.into())])
}

fn stream_cell(stream: &StreamRow) -> Cell {
    let delay = stream.delay.map(|[median, p95, max]| {
        Cell::Record(vec![("median_ns", median.into()), ("p95_ns", p95.into()), ("max_ns", max.into())])
    });
    let depth =
        stream.depth.map(|(mean, max)| Cell::Record(vec![("mean", round_places(mean, 6).into()), ("max", max.into())]));
    let absent = Cell::Absent(Why::NotInTrace);
    Cell::Record(vec![
        ("stream", id_cell(stream.stream)),
        ("events", stream.events.into()),
        ("busy_ns", stream.busy.into()),
        ("launch_delay", delay.unwrap_or_else(|| absent.clone())),
        ("queue_depth", depth.unwrap_or(absent)),
    ])
}

fn table(question: &Question<'_>) -> Table {
    Table::new("timeline", COLUMNS, question.context.devices()).or_empty_because(Why::NoDevice)
}

/// One row per device, by id.
#[must_use]
pub fn rows(context: &Context<'_>) -> Vec<DeviceRow> {
    let by_device = by_device(context.trace);
    if by_device.is_empty() {
        return Vec::new();
    }
    let (host, communication) = (HostView::new(context), Communication::of(context.trace));
    by_device.into_iter().filter_map(|(device, rows)| row(context, (&host, &communication), device, &rows)).collect()
}

/// Total and busy time of every device, by id: as in its row, for whoever needs no more of it.
#[must_use]
pub fn total_and_busy(trace: &Trace) -> Vec<(Nanoseconds, Nanoseconds)> {
    let times = by_device(trace).into_values().filter_map(|rows| {
        let (start, end) = extent(trace, &rows)?;
        Some((end - start, busy(trace, &rows).length()))
    });
    times.collect()
}

/// The rows of each device in order of time, so that every union of them is one pass.
fn by_device(trace: &Trace) -> BTreeMap<i64, Vec<u32>> {
    let mut by_device: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for row in 0..trace.device.len() {
        by_device.entry(trace.device.device(row)).or_default().push(narrow(row));
    }
    let key = |row: u32| (trace.device.start(widen(row)), trace.device.end(widen(row)));
    for rows in by_device.values_mut() {
        sort_nearly_sorted(rows, |&left, &right| key(left).cmp(&key(right)));
    }
    by_device
}

/// The first start and the last end.
fn extent(trace: &Trace, rows: &[u32]) -> Option<(Timestamp, Timestamp)> {
    let start = ids(rows).map(|row| trace.device.start(row)).min()?;
    let end = ids(rows).map(|row| trace.device.end(row)).max()?;
    Some((start, end))
}

/// When any of the events ran.
fn busy(trace: &Trace, rows: &[u32]) -> Span {
    Span::union(ids(rows).map(|row| (trace.device.start(row), trace.device.end(row))))
}

fn row(
    context: &Context<'_>,
    (host, names): (&HostView<'_, '_>, &Communication),
    device: i64,
    rows: &[u32],
) -> Option<DeviceRow> {
    let trace = context.trace;
    let span = |keep: &dyn Fn(usize) -> bool| {
        Span::union(ids(rows).filter(|&row| keep(row)).map(|row| (trace.device.start(row), trace.device.end(row))))
    };
    let communicates = |row| names.has(trace, row);
    let copies = |row| trace.device.kind(row) == DeviceKind::Memcpy;
    let all = busy(trace, rows);
    let communication = span(&communicates);
    let memcpy = span(&copies);
    let computation = span(&|row| !communicates(row) && !copies(row));
    let (start, end) = extent(trace, rows)?;
    let steps = context.steps.span();
    Some(DeviceRow {
        device,
        start,
        end,
        busy: all.length(),
        computation: computation.length(),
        exposed_communication: communication.minus(&computation).length(),
        exposed_memcpy: memcpy.minus(&computation).minus(&communication).length(),
        communication: communication.length(),
        memcpy: memcpy.length(),
        steps_busy_share: share(all.and(&steps).length(), steps.length()),
        idle_causes: host.causes(rows, &all),
        streams: streams(context, rows),
        utilisation: utilisation(&all, start, end),
        origin: trace.origin,
    })
}

/// Which device events are communication: kernels, by their names, which are asked once each.
pub struct Communication {
    by_name: Vec<bool>,
}

impl Communication {
    /// That of `trace`.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        // (Without a device nobody asks.)
        Self { by_name: if trace.has_device_events() { trace.names.each(is_communication) } else { Vec::new() } }
    }

    /// Whether the device event `row` is.
    #[must_use]
    pub fn has(&self, trace: &Trace, row: usize) -> bool {
        let named = || self.by_name.get(trace.device.name(row).index()) == Some(&true);
        trace.device.kind(row) == DeviceKind::Kernel && named()
    }
}

/// Whether a kernel's name is one of communication (METRICS 5: `/nccl|rccl|cross_device_reduce/i`).
#[must_use]
fn is_communication(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["nccl", "rccl", "cross_device_reduce"].iter().any(|word| name.contains(word))
}

fn utilisation(busy: &Span, start: Timestamp, end: Timestamp) -> Vec<(Timestamp, Option<f64>)> {
    let total = i128::from((end - start).get());
    let edge = |bucket: i64| {
        let offset = total * i128::from(bucket) / i128::from(BUCKETS);
        start + Nanoseconds::new(i64::try_from(offset).unwrap_or(0))
    };
    (0..BUCKETS)
        .map(|bucket| {
            let (from, to) = (edge(bucket), edge(bucket + 1));
            (from, share(busy.within((from, to)), to - from))
        })
        .collect()
}

fn ids(rows: &[u32]) -> impl Iterator<Item = usize> + '_ {
    rows.iter().copied().map(widen)
}

fn streams(context: &Context<'_>, rows: &[u32]) -> Vec<StreamRow> {
    let trace = context.trace;
    let mut by_stream: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for &row in rows {
        by_stream.entry(trace.device.stream(widen(row))).or_default().push(row);
    }
    by_stream
        .into_iter()
        .map(|(stream, rows)| {
            let launched: Vec<(Timestamp, Timestamp)> = ids(&rows)
                .filter_map(|row| Some((trace.host.end(context.launches.call_of(row)?), trace.device.start(row))))
                .collect();
            StreamRow {
                stream,
                events: count(rows.len()),
                busy: busy(trace, &rows).length(),
                delay: delays(&launched),
                depth: queue_depth(&launched),
            }
        })
        .collect()
}

/// Median, 95th percentile and maximum of the delays, by nearest rank.
fn delays(launched: &[(Timestamp, Timestamp)]) -> Option<[Nanoseconds; 3]> {
    let mut delays: Vec<Nanoseconds> =
        launched.iter().map(|&(launch, start)| (start - launch).max(Nanoseconds::ZERO)).collect();
    let last = delays.len().checked_sub(1)?;
    let mut nearest = |percent: usize| {
        let rank = (delays.len() * percent).div_ceil(100).saturating_sub(1);
        *delays.select_nth_unstable(rank.min(last)).1
    };
    Some([nearest(50), nearest(95), nearest(100)])
}

/// +1 at the launch's end, -1 at the event's start; mean over the time from the first launch to the last start.
fn queue_depth(launched: &[(Timestamp, Timestamp)]) -> Option<(f64, u64)> {
    let first = launched.iter().map(|&(launch, start)| launch.min(start)).min()?;
    let last = launched.iter().map(|&(_, start)| start).max()?;
    let waiting = launched.iter().filter(|(launch, start)| launch < start);
    let (mut launches, mut starts): (Vec<Timestamp>, Vec<Timestamp>) = waiting.copied().unzip();
    sort_nearly_sorted(&mut launches, Ord::cmp);
    sort_nearly_sorted(&mut starts, Ord::cmp);
    let (mut depth, mut deepest, mut area, mut at) = (0i64, 0i64, 0i128, first);
    let mut launches = launches.into_iter().peekable();
    for start in starts {
        // At one instant, starts come before launches.
        let mut changes = std::iter::from_fn(|| launches.next_if(|launch| *launch < start)).map(|launch| (launch, 1));
        for (time, change) in changes.by_ref().chain([(start, -1)]) {
            area += i128::from(depth) * i128::from((time - at).get());
            at = time;
            depth += change;
            deepest = deepest.max(depth);
        }
    }
    let span = (last - first).get();
    let mean = if span > 0 { crate::units::wide_to_f64(area) / to_f64(span) } else { 0.0 };
    Some((mean, u64::try_from(deepest).unwrap_or(0)))
}
