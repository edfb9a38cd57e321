//! One row that says the most: device, steps, busy and idle, top operators, memory.

use super::context::Context;
use super::ops::RankedOp;
use super::{Analysis, Question, memory, steps};
use crate::table::{Cell, Column, Recorded, Table, Unit, Why, headings};
use crate::text::Untrusted;
use crate::trace::Trace;
use crate::units::{Bytes, Nanoseconds, count, round_places, share};

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "summary",
    about: "one screen: device, steps, busy and idle time, top operators, memory, audit verdict",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: false,
};

/// How many operators the summary names.
pub const TOP_OPS: usize = 10;

/// The row of one trace.
#[derive(Clone, PartialEq, Debug)]
pub struct SummaryRow {
    /// The device's name as the trace gives it; `cpu` for a CPU trace.
    pub device: Recorded<Untrusted>,
    /// Steps used for the mean; absent without step annotations.
    pub steps: Recorded<u64>,
    /// Mean duration of the used steps.
    pub step_mean: Recorded<f64>,
    /// The devices' totals, summed; on a CPU trace the span of the host events.
    pub total: Nanoseconds,
    /// The devices' busy times, summed.
    pub busy: Recorded<Nanoseconds>,
    /// Durations of all device events, summed.
    pub device_time: Recorded<Nanoseconds>,
    /// Host self times, summed.
    pub host_self: Nanoseconds,
    /// The highest peak of a device; of the host on a CPU trace.
    pub peak_allocated: Recorded<Bytes>,
    /// The operators and calls with the most self time (annotations aside).
    pub top_ops: Vec<RankedOp>,
}

/// The columns. `model`, `torch`, `events` and `verdict` are known to whoever opened the file, and filled in there.
pub const COLUMNS: &[Column<SummaryRow>] = &[
    Column {
        key: "model",
        unit: Unit::Text,
        shown: true,
        says: "the run's model, by its results.json or folder name",
        cell: |_| Cell::Absent(Why::NotInTrace),
    },
    Column {
        key: "device",
        unit: Unit::Text,
        shown: true,
        says: "the device's name (deviceProperties); cpu where the trace has no device event",
        cell: |row| row.device.clone().into(),
    },
    Column {
        key: "torch",
        unit: Unit::Text,
        shown: true,
        says: "the torch version, by results.json",
        cell: |_| Cell::Absent(Why::NotInTrace),
    },
    Column {
        key: "steps",
        unit: Unit::Count,
        shown: true,
        says: "ProfilerStep annotations used for the mean (warm-up left out)",
        cell: |row| row.steps.into(),
    },
    Column {
        key: "step_mean",
        unit: Unit::DecimalNanoseconds,
        shown: true,
        says: "mean duration of the used steps",
        cell: |row| row.step_mean.map(|mean| round_places(mean, 3)).into(),
    },
    Column {
        key: "total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "last end minus first start of the device's events, summed over devices; of the host's events on a CPU trace",
        cell: |row| row.total.into(),
    },
    Column {
        key: "busy",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of the device's events, summed over devices",
        cell: |row| row.busy.into(),
    },
    Column {
        key: "idle",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "total minus busy",
        cell: |row| row.busy.map(|busy| row.total - busy).into(),
    },
    Column {
        key: "busy",
        unit: Unit::Share,
        shown: true,
        says: "busy of total",
        cell: |row| match row.busy {
            Recorded::Yes(busy) => share(busy, row.total).into(),
            Recorded::No(why) => Cell::Absent(why),
        },
    },
    Column {
        key: "device_time",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "durations of all device events, summed: what the operators' device self times add up to",
        cell: |row| row.device_time.into(),
    },
    Column {
        key: "host_self",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "host self times of all rows of the operator table, summed",
        cell: |row| row.host_self.into(),
    },
    Column {
        key: "peak_allocated",
        unit: Unit::Bytes,
        shown: true,
        says: "highest peak of a device's allocator; of the host's on a CPU trace",
        cell: |row| row.peak_allocated.into(),
    },
    Column {
        key: "events",
        unit: Unit::Count,
        shown: true,
        says: "events kept, whatever they are",
        cell: |_| Cell::Absent(Why::NotComputed),
    },
    Column {
        key: "top_ops",
        unit: Unit::Nested,
        shown: true,
        says: "operators and calls with the most device self time (CPU trace: host self time), annotations aside; share of the sum over all rows",
        cell: |row| Cell::List(row.top_ops.iter().map(top_op).collect()),
    },
    Column {
        key: "verdict",
        unit: Unit::Text,
        shown: true,
        says: "the audit's verdict: ok, degraded or unusable",
        cell: |_| Cell::Absent(Why::NotComputed),
    },
];

fn top_op(op: &RankedOp) -> Cell {
    Cell::Record(vec![("name", op.name.clone().into()), ("self_ns", op.time.into()), ("share", op.share.into())])
}

fn table(question: &Question<'_>) -> Table {
    Table::new("summary", COLUMNS, &[row(question.context)])
}

/// The row of `context`'s trace.
#[must_use]
pub fn row(context: &Context<'_>) -> SummaryRow {
    let trace = context.trace;
    let has_device = trace.has_device_events();
    let on_device = |value| if has_device { Recorded::Yes(value) } else { Recorded::No(Why::NoDevice) };
    let (devices, ((ops, host_self), peak_allocated)) =
        rayon::join(|| context.device_times(), || rayon::join(|| context.ranking(), || peak(context)));
    let top_ops = ops.into_iter().filter(|op| !op.is_annotation).take(TOP_OPS).collect();
    SummaryRow {
        device: device_name(trace),
        steps: if context.steps.annotated {
            Recorded::Yes(count(context.steps.used().count()))
        } else {
            Recorded::No(Why::NoSteps)
        },
        step_mean: match steps::statistics(&context.steps).filter(|_| context.steps.annotated) {
            Some(statistics) => Recorded::Yes(statistics.mean),
            None => Recorded::No(Why::NoSteps),
        },
        total: if has_device { devices.iter().map(|(total, _)| *total).sum() } else { host_extent(trace) },
        busy: on_device(devices.iter().map(|(_, busy)| *busy).sum()),
        device_time: on_device(super::launches::device_time(trace)),
        host_self,
        peak_allocated,
        top_ops,
    }
}

/// First start to last end of the host events.
fn host_extent(trace: &Trace) -> Nanoseconds {
    let start = (0..trace.host.len()).map(|row| trace.host.start(row)).min();
    let end = (0..trace.host.len()).map(|row| trace.host.end(row)).max();
    start.zip(end).map_or(Nanoseconds::ZERO, |(start, end)| end - start)
}

/// The name of the device that has events: by its id where the file lists it (ROCm's ids do not match), else the only one
/// listed.
fn device_name(trace: &Trace) -> Recorded<Untrusted> {
    if !trace.has_device_events() {
        return Recorded::Yes("cpu".into());
    }
    let used = (0..trace.device.len()).map(|row| trace.device.device(row)).min();
    let listed = &trace.metadata.devices;
    let named =
        listed.iter().find(|device| device.id == used).or_else(|| listed.first()).map(|device| device.name.clone());
    Recorded::from_option(named.filter(|name| !name.is_empty()), Why::NotInTrace)
}

fn peak(context: &Context<'_>) -> Recorded<Bytes> {
    if let Recorded::No(why) = memory::recorded(context.trace) {
        return Recorded::No(why);
    }
    let wants_host = !context.trace.has_device_events();
    let peaks = context.memory().iter().filter(|row| row.device.is_host() == wants_host && !row.relative);
    Recorded::from_option(peaks.map(|row| row.peak).max(), Why::NotInTrace)
}
