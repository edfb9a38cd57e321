//! One metric of a pair: the time of either group, their ratio, and its interval.
//!
//! A run gives one measurement per metric; a group's time is the geometric mean over the runs that gave one, so that the
//! ratio of the two times is the ratio printed.

use super::{Metric, PairedRuns, RunNumbers, Side, SpeedupRow, TraceNumbers};
use crate::stats::interval::{Difference, Interval};
use crate::stats::{self, Value, warm_up};
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use crate::units::{Nanoseconds, count, round_to_i64, to_f64};
use std::collections::BTreeMap;

/// The fewest runs on each side for an interval (METRICS 10).
pub(super) const FEWEST_RUNS: u64 = 3;
/// The interval's confidence.
const CONFIDENCE: f64 = 0.95;

/// Why a ratio has no interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoInterval {
    /// One side has this many runs, which are fewer than three.
    Runs(u64),
    /// Only this side has the time, so there is no ratio either.
    OneSide(Side),
    /// Neither side has the time.
    NoSide,
    /// A run took no time at all, so there is no ratio either.
    NoTime,
    /// One side's steps were profiled and the other's were not: no ratio, as profiling slows the host.
    Profiled,
}

impl NoInterval {
    /// The reason as a short phrase, without full stop.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Runs(1) => "1 run: no interval".to_owned(),
            Self::Runs(runs) => format!("{runs} runs: no interval"),
            Self::OneSide(Side::Cpu) => "on the CPU side only".to_owned(),
            Self::OneSide(Side::Gpu) => "on the GPU side only".to_owned(),
            Self::NoSide => "not recorded on either side".to_owned(),
            Self::NoTime => "a run without time: no ratio".to_owned(),
            Self::Profiled => "profiled against unprofiled steps: no ratio".to_owned(),
        }
    }
}

/// What one run measured.
#[derive(Clone, Copy)]
struct Measurement {
    nanoseconds: f64,
    /// In logs; `None` of a time of 0.
    value: Option<Value>,
}

/// What the runs of one group measured, or why none did.
type Sample = Result<Vec<Measurement>, Why>;

/// Where a pair's step times come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StepSource {
    Unprofiled,
    Profiled,
}

/// All rows of a pair.
pub(super) fn rows(pair: &PairedRuns<'_>, mismatch: bool) -> Vec<SpeedupRow> {
    let mut rows = vec![whole(pair, Metric::Total, total), whole(pair, Metric::Epoch, epoch), step(pair)];
    if has_trace(&pair.cpu) && has_trace(&pair.gpu) {
        let word = |(name, time): &(&'static str, f64)| (Untrusted::new(name), *time);
        rows.extend(named(pair, Metric::Category, |trace| trace.categories.iter().map(word).collect()));
        rows.extend(named(pair, Metric::Op, |trace| trace.ops.clone()));
    }
    for row in &mut rows {
        row.mismatch = mismatch;
    }
    rows
}

fn total(run: &RunNumbers) -> Recorded<Option<Measurement>> {
    run.total.map(|total| measured(to_f64(total.get())))
}

fn epoch(run: &RunNumbers) -> Recorded<Option<Measurement>> {
    run.epochs.as_ref().map(|epochs| median(epochs))
}

/// The whole times of one group by itself, as its rows in a pair have them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::compare) struct GroupTimes {
    /// Wall time of the training.
    pub(in crate::compare) total: Recorded<Nanoseconds>,
    /// Median epoch.
    pub(in crate::compare) epoch: Recorded<Nanoseconds>,
    /// Median unprofiled step after warm-up, or of the traces where none was recorded.
    pub(in crate::compare) step: Recorded<Nanoseconds>,
}

/// The times of the repeats `runs`, each the geometric mean over the runs that have it.
pub(in crate::compare) fn group_times(runs: &[&RunNumbers]) -> GroupTimes {
    let steps = steps(runs, StepSource::Unprofiled);
    let steps = steps.or_else(|why| self::steps(runs, StepSource::Profiled).map_err(|_| why));
    GroupTimes { total: centre(&sample(runs, total)), epoch: centre(&sample(runs, epoch)), step: centre(&steps) }
}

/// The median step of one run without the profiler, after warm-up.
#[must_use]
pub fn unprofiled_step(run: &RunNumbers) -> Recorded<Nanoseconds> {
    centre(&steps(&[run], StepSource::Unprofiled))
}

/// Whether any run of a group has a trace.
pub(super) fn has_trace(runs: &[&RunNumbers]) -> bool {
    traces(runs).next().is_some()
}

/// The traces of a group's runs.
pub(super) fn traces<'runs>(runs: &[&'runs RunNumbers]) -> impl Iterator<Item = &'runs TraceNumbers> {
    runs.iter().filter_map(|run| run.trace.as_ref().value())
}

/// The row of one whole time, which `take` finds in a run.
fn whole(pair: &PairedRuns<'_>, metric: Metric, take: fn(&RunNumbers) -> Recorded<Option<Measurement>>) -> SpeedupRow {
    row(pair, metric, None, &sample(&pair.cpu, take), &sample(&pair.gpu, take))
}

/// The row of the step time: unprofiled steps on both sides, else profiled ones on both. One of each is no comparison.
fn step(pair: &PairedRuns<'_>) -> SpeedupRow {
    let sides = |source| (steps(&pair.cpu, source), steps(&pair.gpu, source));
    let (unprofiled, profiled) = (sides(StepSource::Unprofiled), sides(StepSource::Profiled));
    if unprofiled.0.is_ok() && unprofiled.1.is_ok() {
        return row(pair, Metric::Step, None, &unprofiled.0, &unprofiled.1);
    }
    if profiled.0.is_ok() && profiled.1.is_ok() {
        return SpeedupRow { profiled: true, ..row(pair, Metric::Step, None, &profiled.0, &profiled.1) };
    }
    let from_trace = (unprofiled.0.is_err() && profiled.0.is_ok()) || (unprofiled.1.is_err() && profiled.1.is_ok());
    let cpu = unprofiled.0.or_else(|why| profiled.0.map_err(|_| why));
    let gpu = unprofiled.1.or_else(|why| profiled.1.map_err(|_| why));
    let shown = SpeedupRow { profiled: from_trace, ..row(pair, Metric::Step, None, &cpu, &gpu) };
    if cpu.is_err() || gpu.is_err() {
        return shown;
    }
    let why_no_interval = Some(NoInterval::Profiled);
    SpeedupRow { ratio: Recorded::No(Why::NotDefined), interval: None, why_no_interval, ..shown }
}

fn steps(runs: &[&RunNumbers], source: StepSource) -> Sample {
    sample(runs, |run| match source {
        StepSource::Unprofiled => run.steps.as_ref().map(|steps| {
            let series = warm_up::series_value(&decimal(steps)).ok()?;
            Some(Measurement { nanoseconds: series.value.log.exp(), value: Some(series.value) })
        }),
        StepSource::Profiled => run.trace.as_ref().map(|trace| median(&trace.steps)),
    })
}

/// One row per name that either side's traces have.
fn named(
    pair: &PairedRuns<'_>,
    metric: Metric,
    take: impl Fn(&TraceNumbers) -> Vec<(Untrusted, f64)>,
) -> Vec<SpeedupRow> {
    let (mut cpu, mut gpu) = (by_name(&pair.cpu, &take), by_name(&pair.gpu, &take));
    let mut names: Vec<Untrusted> = cpu.keys().chain(gpu.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let cpu = cpu.remove(&name).ok_or(Why::NotInTrace);
            let gpu = gpu.remove(&name).ok_or(Why::NotInTrace);
            row(pair, metric, Some(name), &cpu, &gpu)
        })
        .collect()
}

/// The measurements of each name over a group's traces. A name twice in one trace is one name.
fn by_name(
    runs: &[&RunNumbers],
    take: impl Fn(&TraceNumbers) -> Vec<(Untrusted, f64)>,
) -> BTreeMap<Untrusted, Vec<Measurement>> {
    let mut all: BTreeMap<Untrusted, Vec<Measurement>> = BTreeMap::new();
    for trace in traces(runs) {
        let mut times: BTreeMap<Untrusted, f64> = BTreeMap::new();
        for (name, time) in take(trace) {
            *times.entry(name).or_default() += time;
        }
        for (name, time) in times {
            all.entry(name).or_default().extend(measured(time));
        }
    }
    all.retain(|_, measurements| !measurements.is_empty());
    all
}

fn sample(runs: &[&RunNumbers], take: impl Fn(&RunNumbers) -> Recorded<Option<Measurement>>) -> Sample {
    let mut measurements = Vec::new();
    let mut why = None;
    for run in runs {
        match take(run) {
            Recorded::Yes(measurement) => measurements.extend(measurement),
            Recorded::No(reason) => why = why.or(Some(reason)),
        }
    }
    if measurements.is_empty() { Err(why.unwrap_or(Why::NotDefined)) } else { Ok(measurements) }
}

/// A measurement of this length; `None` of one that is no length at all.
fn measured(nanoseconds: f64) -> Option<Measurement> {
    (nanoseconds.is_finite() && nanoseconds >= 0.0)
        .then(|| Measurement { nanoseconds, value: Value::single(nanoseconds) })
}

/// The median in logs of one run's times, of which none may be 0.
fn median(times: &[Nanoseconds]) -> Option<Measurement> {
    Value::median_of(&decimal(times)).map(|value| Measurement { nanoseconds: value.log.exp(), value: Some(value) })
}

/// Lengths as the statistics take them.
pub(super) fn decimal(times: &[Nanoseconds]) -> Vec<f64> {
    times.iter().map(|time| to_f64(time.get())).collect()
}

fn row(pair: &PairedRuns<'_>, metric: Metric, name: Option<Untrusted>, cpu: &Sample, gpu: &Sample) -> SpeedupRow {
    let (cpu_runs, gpu_runs) = (runs_in(cpu), runs_in(gpu));
    let difference = compared(cpu, gpu);
    let fewest = cpu_runs.min(gpu_runs);
    let interval = match &difference {
        Ok(difference) if fewest >= FEWEST_RUNS => difference.interval(CONFIDENCE).ok_or(NoInterval::Runs(fewest)),
        Ok(_) => Err(NoInterval::Runs(fewest)),
        Err(why) => Err(*why),
    };
    SpeedupRow {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        metric,
        name,
        cpu: centre(cpu),
        gpu: centre(gpu),
        ratio: Recorded::from_option(difference.ok().map(|difference| difference.ratio()), Why::NotDefined),
        interval: interval.ok().map(|Interval { low, high }| (low, high)),
        cpu_runs,
        gpu_runs,
        why_no_interval: interval.err(),
        profiled: matches!(metric, Metric::Category | Metric::Op),
        mismatch: false,
    }
}

fn runs_in(sample: &Sample) -> u64 {
    sample.as_ref().map_or(0, |measurements| count(measurements.len()))
}

/// The difference of the CPU's logs from the GPU's: its ratio is the speedup.
fn compared(cpu: &Sample, gpu: &Sample) -> Result<Difference, NoInterval> {
    let (cpu, gpu) = match (cpu, gpu) {
        (Ok(cpu), Ok(gpu)) => (cpu, gpu),
        (Ok(_), Err(_)) => return Err(NoInterval::OneSide(Side::Cpu)),
        (Err(_), Ok(_)) => return Err(NoInterval::OneSide(Side::Gpu)),
        (Err(_), Err(_)) => return Err(NoInterval::NoSide),
    };
    let (cpu, gpu) = values(cpu).zip(values(gpu)).ok_or(NoInterval::NoTime)?;
    Difference::between(&gpu, &cpu).ok_or(NoInterval::NoSide)
}

/// The logs of a group; `None` where a time of 0 has none.
fn values(measurements: &[Measurement]) -> Option<Vec<Value>> {
    measurements.iter().map(|measurement| measurement.value).collect()
}

/// A group's time: one run's own, else the geometric mean; with a run of time 0 the arithmetic one.
fn centre(sample: &Sample) -> Recorded<Nanoseconds> {
    let measurements = match sample {
        Ok(measurements) => measurements,
        Err(why) => return Recorded::No(*why),
    };
    let times: Vec<f64> = measurements.iter().map(|measurement| measurement.nanoseconds).collect();
    let geometric =
        |values: Vec<Value>| stats::mean(&values.iter().map(|value| value.log).collect::<Vec<_>>()).map(f64::exp);
    let time = match (times.as_slice(), values(measurements)) {
        ([only], _) => Some(*only),
        (_, Some(values)) => geometric(values),
        (times, None) => stats::mean(times),
    };
    Recorded::from_option(time.map(|time| Nanoseconds::new(round_to_i64(time))), Why::NotDefined)
}
