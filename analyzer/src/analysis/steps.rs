//! The training steps (METRICS 6): `ProfilerStep#N` annotations, laid end to end.
//!
//! ```text
//! host   |--- step 2 ---|      |--- step 3 ---|
//! device      |==== launched in 2 ====|  |=== launched in 3 ===|
//! steps  |--------- 2 ---------|------------ 3 ----------------|     (start = the later of host start and previous end)
//! ```

use super::intervals::{Interval, Span};
use super::launches::Launches;
use super::{Analysis, Question};
use crate::stats::warm_up;
use crate::table::{Cell, Column, Table, Unit, Why, headings};
use crate::trace::Trace;
use crate::trace::events::HostKind;
use crate::trace::tracks::{Identity, Place};
use crate::units::{Nanoseconds, Timestamp, count, narrow, round_places, round_to_i64, share, to_f64, widen};
use std::collections::BTreeMap;

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "steps",
    about: "training steps: duration, host duration, backlog, busy time, launches, warm-up",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: false,
};

/// No step.
const NONE: u32 = u32::MAX;

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The N of `ProfilerStep#N`; `None` for the whole trace.
    pub number: Option<i64>,
    /// Where the host entered it.
    pub host_start: Timestamp,
    /// Where the host left it.
    pub host_end: Timestamp,
    /// Its start: not before the end of the step before.
    pub start: Timestamp,
    /// Its end: with the device work launched inside.
    pub end: Timestamp,
    /// Calls inside that launched device work.
    pub launches: u64,
    /// Time inside in which any device was busy.
    pub busy: Nanoseconds,
    /// Left out of means: the run had not settled.
    pub warm_up: bool,
}

impl Step {
    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Nanoseconds {
        self.end - self.start
    }

    /// Whether it counts in means.
    #[must_use]
    pub fn is_used(&self) -> bool {
        !self.warm_up && self.duration() > Nanoseconds::ZERO
    }
}

/// The steps of a trace, in order of time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Steps {
    /// The steps.
    pub steps: Vec<Step>,
    /// Whether they are annotations; otherwise the one step is the whole trace.
    pub annotated: bool,
    /// Step annotations of other threads, which are not used.
    pub on_other_threads: u64,
    /// Whether these are some of the trace's steps, by request.
    pub selected: bool,
    /// The step of each device event, as an index into `steps`, or `NONE`.
    step_of_device: Vec<u32>,
}

impl Steps {
    /// Finds the steps of `trace`.
    #[must_use]
    pub fn find(trace: &Trace, launches: &Launches) -> Self {
        let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        let is_step_name = trace.names.each(|name| step_number(name).is_some());
        for row in 0..trace.host.len() {
            let is_step = is_step_name.get(trace.host.name(row).index()) == Some(&true)
                && matches!(trace.host.kind(row), HostKind::Annotation | HostKind::Op);
            if let Some(place) = trace.tracks.place(trace.host.track(row)).filter(|_| is_step) {
                by_place.entry(place).or_default().push(row);
            }
        }
        let all: usize = by_place.values().map(Vec::len).sum();
        let chosen = by_place.into_iter().min_by_key(|(place, rows)| {
            let first = rows.iter().map(|&row| trace.host.start(row)).min();
            (std::cmp::Reverse(rows.len()), first, trace.spelled(*place))
        });
        let Some((place, mut rows)) = chosen else { return Self::whole_trace(trace, launches) };
        rows.sort_by(|&left, &right| super::forest::compare(trace, left, right));
        let mut steps = Self { annotated: true, on_other_threads: count(all - rows.len()), ..Self::default() };
        steps.steps = rows
            .iter()
            .map(|&row| Step {
                number: step_number(trace.names.get(trace.host.name(row))),
                host_start: trace.host.start(row),
                host_end: trace.host.end(row),
                start: trace.host.start(row),
                end: trace.host.end(row),
                launches: 0,
                busy: Nanoseconds::ZERO,
                warm_up: false,
            })
            .collect();
        steps.lay_out(trace, launches, place.process);
        steps
    }

    fn whole_trace(trace: &Trace, launches: &Launches) -> Self {
        let (host, device) = (&trace.host, &trace.device);
        let starts = (0..host.len()).map(|row| host.start(row)).chain((0..device.len()).map(|row| device.start(row)));
        let ends = (0..host.len()).map(|row| host.end(row)).chain((0..device.len()).map(|row| device.end(row)));
        let (Some(start), Some(end)) = (starts.min(), ends.max()) else { return Self::default() };
        let step = Step {
            number: None,
            host_start: start,
            host_end: end,
            start,
            end,
            launches: count((0..host.len()).filter(|&row| launches.is_launch(row)).count()),
            busy: busy_span(trace).within((start, end)),
            warm_up: false,
        };
        Self { steps: vec![step], step_of_device: vec![0; device.len()], ..Self::default() }
    }

    /// Assigns launches and device events to steps and lays the steps end to end.
    fn lay_out(&mut self, trace: &Trace, launches: &Launches, process: Identity) {
        let host = &trace.host;
        let in_process = |row: usize| trace.tracks.place(host.track(row)).is_some_and(|place| place.process == process);
        let mut times = HostTimes::of(self);
        let mut launched = vec![0; self.steps.len()];
        for row in (0..host.len()).filter(|&row| launches.is_launch(row) && in_process(row)) {
            if let Some(count) = times.at(host.start(row)).and_then(|index| launched.get_mut(index)) {
                *count += 1;
            }
        }
        for (step, count) in self.steps.iter_mut().zip(launched) {
            step.launches = count;
        }
        self.assign_launched(trace, launches, in_process);
        for (row, step) in self.step_of_device.iter().enumerate() {
            if let Some(step) = self.steps.get_mut(widen(*step)) {
                step.end = step.end.max(trace.device.end(row));
            }
        }
        let mut previous_end = None;
        for step in &mut self.steps {
            step.start = previous_end.map_or(step.host_start, |end| step.host_start.max(end));
            step.end = step.end.max(step.start);
            previous_end = Some(step.end);
        }
        self.assign_orphans(trace, launches);
        let busy = busy_span(trace);
        for step in &mut self.steps {
            step.busy = busy.within((step.start, step.end));
        }
        self.mark_warm_up();
    }

    fn assign_launched(&mut self, trace: &Trace, launches: &Launches, in_process: impl Fn(usize) -> bool) {
        let mut steps = HostTimes::of(self);
        self.step_of_device = (0..trace.device.len())
            .map(|row| {
                let call = launches.call_of(row).filter(|&call| in_process(call));
                call.and_then(|call| steps.at(trace.host.start(call))).map_or(NONE, narrow)
            })
            .collect();
    }

    /// Without a launch in the file, a device event belongs to the step that holds its start.
    fn assign_orphans(&mut self, trace: &Trace, launches: &Launches) {
        for row in (0..trace.device.len()).filter(|&row| launches.call_of(row).is_none()) {
            let start = trace.device.start(row);
            let after = self.steps.partition_point(|step| step.start <= start);
            let holds =
                after.checked_sub(1).filter(|&index| self.steps.get(index).is_some_and(|step| start < step.end));
            if let Some(slot) = self.step_of_device.get_mut(row) {
                *slot = holds.map_or(NONE, narrow);
            }
        }
    }

    /// The same steps for a trace of which only they were kept.
    #[must_use]
    pub fn bound_to(mut self, trace: &Trace, launches: &Launches) -> Self {
        self.assign_launched(trace, launches, |_| true);
        self.assign_orphans(trace, launches);
        self
    }

    /// Section 11's rule, where there are enough steps for it.
    fn mark_warm_up(&mut self) {
        const FEWEST: usize = 10;
        let durations: Vec<f64> = self
            .steps
            .iter()
            .filter(|step| step.duration() > Nanoseconds::ZERO)
            .map(|step| step.duration().as_seconds())
            .collect();
        if durations.len() < FEWEST {
            return;
        }
        if let Ok(warm_up) = warm_up::warm_up(&durations) {
            let timed = self.steps.iter_mut().filter(|step| step.duration() > Nanoseconds::ZERO);
            timed.take(warm_up.dropped).for_each(|step| step.warm_up = true);
        }
    }

    /// The steps that count in means.
    pub fn used(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_used())
    }

    /// The index of the step of the device event `row`.
    #[must_use]
    pub fn of_device(&self, row: usize) -> Option<usize> {
        self.step_of_device.get(row).filter(|&&step| step != NONE).copied().map(widen)
    }

    /// The index of the step in which the host was at `time`.
    #[must_use]
    pub fn of_host_time(&self, time: Timestamp) -> Option<usize> {
        let after = self.steps.partition_point(|step| step.host_start <= time);
        // Steps of one thread nest only by mistake: the latest that still holds the time wins.
        self.steps.get(..after)?.iter().rposition(|step| time < step.host_end)
    }

    /// The time that the steps take.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::union(self.steps.iter().map(|step| (step.start, step.end)))
    }

    /// The steps whose number `wanted` says yes to (METRICS 6 computed on the whole trace).
    #[must_use]
    pub fn filtered(&self, wanted: impl Fn(i64) -> bool) -> Self {
        let steps: Vec<Step> = self.steps.iter().filter(|step| step.number.is_some_and(&wanted)).copied().collect();
        Self { steps, annotated: self.annotated, on_other_threads: 0, selected: true, step_of_device: Vec::new() }
    }

    /// Which steps there are, for a message.
    #[must_use]
    pub fn in_words(&self) -> String {
        let numbers: Vec<i64> = self.steps.iter().filter_map(|step| step.number).collect();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if first < last => format!("steps {first} to {last}"),
            (Some(only), _) => format!("step {only}"),
            _ => "no ProfilerStep annotations".to_owned(),
        }
    }
}

/// The steps by when the host was in them, for who asks about one time after another.
struct HostTimes<'s> {
    steps: &'s Steps,
    /// From here to there every time is in the latest step that was found.
    found: (Timestamp, Timestamp, usize),
}

impl<'s> HostTimes<'s> {
    fn of(steps: &'s Steps) -> Self {
        let never = Timestamp::from_nanoseconds(i64::MAX);
        Self { steps, found: (never, never, 0) }
    }

    /// As [`Steps::of_host_time`].
    fn at(&mut self, time: Timestamp) -> Option<usize> {
        let (from, until, index) = self.found;
        if from <= time && time < until {
            return Some(index);
        }
        let index = self.steps.of_host_time(time)?;
        let step = self.steps.steps.get(index)?;
        // Where the next one starts inside of it, that one is the latest.
        let next = self.steps.steps.get(index + 1).map_or(step.host_end, |next| next.host_start);
        self.found = (step.host_start, step.host_end.min(next), index);
        Some(index)
    }
}

/// The N of `ProfilerStep#N`.
#[must_use]
pub fn step_number(name: &str) -> Option<i64> {
    name.strip_prefix("ProfilerStep#")?.parse().ok()
}

/// The time in which any device is busy.
#[must_use]
pub fn busy_span(trace: &Trace) -> Span {
    let interval = |row| -> Interval { (trace.device.start(row), trace.device.end(row)) };
    Span::union((0..trace.device.len()).map(interval))
}

/// One row of the table.
struct StepRow {
    step: Step,
    origin: Timestamp,
    has_device: bool,
}

impl StepRow {
    fn on_device<T: Into<Cell>>(&self, value: T) -> Cell {
        if self.has_device { value.into() } else { Cell::Absent(Why::NoDevice) }
    }
}

const COLUMNS: &[Column<StepRow>] = &[
    Column {
        key: "step",
        unit: Unit::Count,
        shown: true,
        says: "N of the ProfilerStep#N annotation, or the whole trace where there is none",
        cell: |row| row.step.number.map_or(Cell::Word("whole trace"), Cell::Whole),
    },
    Column {
        key: "start",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "start of the step since the trace's earliest complete event: the later of its host start and the end of the step before",
        cell: |row| (row.step.start - row.origin).into(),
    },
    Column {
        key: "duration",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "from the step's start to the later of its host end and the end of the last device event launched inside it",
        cell: |row| row.step.duration().into(),
    },
    Column {
        key: "host_duration",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "length of the annotation on the host",
        cell: |row| (row.step.host_end - row.step.host_start).into(),
    },
    Column {
        key: "backlog",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "step end minus host end: device work still running when the host had left the step",
        cell: |row| row.on_device(row.step.end - row.step.host_end),
    },
    Column {
        key: "busy",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "union of all device events inside the step's span, over all devices",
        cell: |row| row.on_device(row.step.busy),
    },
    Column {
        key: "launches",
        unit: Unit::Count,
        shown: true,
        says: "runtime and driver calls that start inside the step's host span and own a device event",
        cell: |row| row.on_device(row.step.launches),
    },
    Column {
        key: "warm_up",
        unit: Unit::Flag,
        shown: true,
        says: "left out of means: one of the first steps, before durations settle (only where there are at least 10 steps)",
        cell: |row| row.step.warm_up.into(),
    },
];

fn table(question: &Question<'_>) -> Table {
    let context = question.context;
    let has_device = context.trace.has_device_events();
    let rows: Vec<StepRow> =
        context.steps.steps.iter().map(|&step| StepRow { step, origin: context.trace.origin, has_device }).collect();
    let mut table = Table::new("steps", COLUMNS, &rows);
    table.aside = Some(("summary", summary(context.trace, &context.steps)));
    table
}

/// Statistics over the used steps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepStatistics {
    /// Mean duration in nanoseconds.
    pub mean: f64,
    /// Median duration in nanoseconds.
    pub median: f64,
    /// Standard deviation (n - 1) in nanoseconds; `None` for one step.
    pub deviation: Option<f64>,
}

/// Mean, median and deviation of the used steps; `None` where there is none.
#[must_use]
pub fn statistics(steps: &Steps) -> Option<StepStatistics> {
    let mut durations: Vec<i64> = steps.used().map(|step| step.duration().get()).collect();
    durations.sort_unstable();
    let samples = i128::try_from(durations.len()).ok().filter(|&samples| samples > 0)?;
    let sum: i128 = durations.iter().map(|&length| i128::from(length)).sum();
    let squares: i128 = durations.iter().map(|&length| i128::from(length) * i128::from(length)).sum();
    let middle = durations.len() / 2;
    let upper = durations.get(middle).copied()?;
    let lower = if durations.len().is_multiple_of(2) { durations.get(middle - 1).copied()? } else { upper };
    Some(StepStatistics {
        mean: crate::units::wide_to_f64(sum) / crate::units::wide_to_f64(samples),
        median: f64::midpoint(to_f64(lower), to_f64(upper)),
        deviation: super::kernels::deviation(samples, sum, squares),
    })
}

/// Device time of events that belong to no step.
#[must_use]
pub fn outside_steps(trace: &Trace, steps: &Steps) -> Nanoseconds {
    (0..trace.device.len()).filter(|&row| steps.of_device(row).is_none()).map(|row| trace.device.duration(row)).sum()
}

fn summary(trace: &Trace, steps: &Steps) -> Cell {
    let statistics = statistics(steps);
    let decimal = |value: Option<f64>| value.map(|value| round_places(value, 3)).into();
    let deviation = statistics.and_then(|statistics| statistics.deviation);
    let variation = statistics.zip(deviation).map(|(statistics, deviation)| deviation / statistics.mean);
    let outside = outside_steps(trace, steps);
    let on_device = |cell: Cell| if trace.has_device_events() { cell } else { Cell::Absent(Why::NoDevice) };
    Cell::Record(vec![
        ("mean_ns", decimal(statistics.map(|statistics| statistics.mean))),
        ("median_ns", statistics.map(|statistics| round_to_i64(statistics.median)).into()),
        ("std_ns", decimal(deviation)),
        ("cv", variation.map(|value| round_places(value, 6)).into()),
        ("outside_steps_ns", on_device(outside.into())),
        ("outside_steps_share", on_device(share(outside, super::launches::device_time(trace)).into())),
    ])
}
