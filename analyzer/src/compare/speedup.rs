//! How many times as fast the GPU is: CPU runs beside GPU runs of one model (METRICS 10).
//!
//! The flow: runs -> groups of repeats -> each GPU group beside the plain CPU group of its model ([`pairing`]) -> do the
//! configurations agree (`facts`)? -> one [`SpeedupRow`] per metric (`measure`), and what else is worth saying about the
//! pair ([`PairFacts`]). A ratio is CPU time over GPU time: above 1 the GPU is faster.

mod facts;
mod measure;

pub use facts::{GpuStep, Headroom, OneSided, PairFacts, RunSteps};
pub(super) use measure::group_times;
pub use measure::{NoInterval, unprofiled_step};

use crate::run::config::Config;
use crate::run::pairing::{self, GroupKey};
use crate::run::results::{DeviceKind, Epoch};
use crate::run::{Results, RunFolder};
use crate::table::{Cell, Column, Recorded, Unit, Why};
use crate::text::Untrusted;
use crate::units::{Nanoseconds, round_places};
use std::cmp::Reverse;

/// Which side of a speedup a run is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// Ran on the CPU.
    Cpu,
    /// Ran on a GPU.
    Gpu,
}

/// What one run brings to a speedup.
#[derive(Clone, PartialEq, Debug)]
pub struct RunNumbers {
    /// The model.
    pub model: Untrusted,
    /// The side.
    pub side: Side,
    /// What differs from fp32 and default layout; empty for nothing.
    pub variant: Untrusted,
    /// The run's name.
    pub run: Untrusted,
    /// What it was told to do.
    pub config: Recorded<Config>,
    /// Wall time of the training.
    pub total: Recorded<Nanoseconds>,
    /// Wall times of its epochs.
    pub epochs: Recorded<Vec<Nanoseconds>>,
    /// Times of its unprofiled steps, in order, warm-up included.
    pub steps: Recorded<Vec<Nanoseconds>>,
    /// What its trace says.
    pub trace: Recorded<TraceNumbers>,
}

/// What the trace of one run brings to a speedup. Times per step are totals over the used steps divided by their number,
/// in decimal nanoseconds: host self time on the CPU side, device self time on the GPU side.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceNumbers {
    /// Durations of the used steps.
    pub steps: Vec<Nanoseconds>,
    /// Time per step of each category that has time.
    pub categories: Vec<(&'static str, f64)>,
    /// Time per step of each operator that has time on this side.
    pub ops: Vec<(Untrusted, f64)>,
    /// Time per step in which the device was busy at all, and with each category: unions, for events overlap. GPU side.
    pub device_busy: Recorded<f64>,
    /// See `device_busy`; only categories that have time.
    pub category_busy: Vec<(&'static str, f64)>,
    /// Time per step of gpu_memcpy events; GPU side.
    pub transfer: Recorded<f64>,
    /// Idle time per step that is launch latency (METRICS 5); GPU side.
    pub launch_latency: Recorded<f64>,
}

/// What a row measures, in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Metric {
    /// Wall time of the training.
    Total,
    /// Median epoch.
    Epoch,
    /// The run's step time.
    Step,
    /// One category per step.
    Category,
    /// One operator per step.
    Op,
}

/// One metric of one pair.
#[derive(Clone, PartialEq, Debug)]
pub struct SpeedupRow {
    /// The model.
    pub model: Untrusted,
    /// The GPU group's variant; empty for fp32 in default layout.
    pub variant: Untrusted,
    /// What is measured.
    pub metric: Metric,
    /// The category or operator; `None` for the others.
    pub name: Option<Untrusted>,
    /// The CPU group's time: the geometric mean of its runs, rounded.
    pub cpu: Recorded<Nanoseconds>,
    /// The GPU group's time.
    pub gpu: Recorded<Nanoseconds>,
    /// CPU time over GPU time.
    pub ratio: Recorded<f64>,
    /// The 95 % interval of the ratio: lower and upper end.
    pub interval: Option<(f64, f64)>,
    /// Runs that gave the CPU's time.
    pub cpu_runs: u64,
    /// Runs that gave the GPU's time.
    pub gpu_runs: u64,
    /// Why there is no interval; `None` where there is one.
    pub why_no_interval: Option<NoInterval>,
    /// Whether a time comes from a trace: the profiler slows the host, so the CPU side and short GPU steps suffer.
    pub profiled: bool,
    /// Whether the configurations differ: shown on request only, and to be marked.
    pub mismatch: bool,
}

/// A group of runs without a counterpart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unpaired {
    /// The model.
    pub model: Untrusted,
    /// Its side; the other one is missing.
    pub side: Side,
    /// Its variant.
    pub variant: Untrusted,
}

/// All speedups of a set of runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Speedups {
    /// By model, variant, metric, CPU time descending, name.
    pub rows: Vec<SpeedupRow>,
    /// Every pair, also those that were dropped, by model and variant.
    pub pairs: Vec<PairFacts>,
    /// Groups that no pair could be made of, by model, side and variant.
    pub unpaired: Vec<Unpaired>,
}

impl Metric {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Epoch => "epoch",
            Self::Step => "step",
            Self::Category => "category",
            Self::Op => "op",
        }
    }
}

impl Side {
    fn device(self) -> DeviceKind {
        match self {
            Self::Cpu => DeviceKind::Cpu,
            Self::Gpu => DeviceKind::Cuda,
        }
    }
}

impl RunNumbers {
    /// The numbers of a run folder beside those of its trace; `None` where it ran neither on a CPU nor on a CUDA device,
    /// or where nothing says on which. A run that was interrupted has no total: it did less than it was told to.
    #[must_use]
    pub fn of(run: &RunFolder, trace: Recorded<TraceNumbers>) -> Option<Self> {
        let side = match run.device {
            Some(DeviceKind::Cpu) => Side::Cpu,
            Some(DeviceKind::Cuda) => Side::Gpu,
            Some(DeviceKind::Other(_)) | None => return None,
        };
        Some(Self {
            model: run.model.clone(),
            side,
            variant: run.variant.clone(),
            run: run.name.clone(),
            config: from_results(run, |results| results.config.clone()),
            total: from_results(run, total_of_complete),
            epochs: from_results(run, |results| epoch_times(&results.epochs)),
            steps: from_results(run, |results| results.steps.clone()),
            trace,
        })
    }
}

fn from_results<T>(run: &RunFolder, take: impl FnOnce(&Results) -> Recorded<T>) -> Recorded<T> {
    match &run.results {
        Recorded::Yes(results) => take(results),
        Recorded::No(why) => Recorded::No(*why),
    }
}

fn total_of_complete(results: &Results) -> Recorded<Nanoseconds> {
    match results.complete {
        Recorded::Yes(false) => Recorded::No(Why::NotDefined),
        _ => results.total,
    }
}

/// The epochs' times; absent where no epoch has one.
fn epoch_times(epochs: &Recorded<Vec<Epoch>>) -> Recorded<Vec<Nanoseconds>> {
    let times = epochs.as_ref().map(|epochs| epochs.iter().filter_map(|epoch| epoch.time.value()).collect::<Vec<_>>());
    match times {
        Recorded::Yes(times) if times.is_empty() => Recorded::No(Why::NotInResults),
        times => times,
    }
}

/// The two groups of a pair, each sorted by the runs' names.
struct PairedRuns<'runs> {
    model: &'runs Untrusted,
    variant: &'runs Untrusted,
    cpu: Vec<&'runs RunNumbers>,
    gpu: Vec<&'runs RunNumbers>,
}

/// The speedups of every GPU group of `runs` over the plain CPU group of its model. A pair whose configurations differ
/// has no rows, unless `allow_mismatch` asks for them: then they are marked.
#[must_use]
pub fn speedups(runs: &[RunNumbers], allow_mismatch: bool) -> Speedups {
    let pairing = pairing::pair(runs.iter().map(|run| GroupKey {
        model: run.model.clone(),
        device: Some(run.side.device()),
        variant: run.variant.clone(),
    }));
    let members = |group: usize| {
        let positions = pairing.groups.get(group).map_or(&[][..], |group| &group.members);
        let mut members: Vec<&RunNumbers> = positions.iter().filter_map(|&position| runs.get(position)).collect();
        members.sort_by(|left, right| left.run.cmp(&right.run));
        members
    };
    let mut found = Speedups::default();
    for pair in &pairing.pairs {
        let (cpu, gpu) = (members(pair.cpu), members(pair.gpu));
        let Some(first) = gpu.first() else { continue };
        let pair = PairedRuns { model: &first.model, variant: &first.variant, cpu, gpu };
        let facts = facts::of(&pair, allow_mismatch);
        if !facts.dropped {
            found.rows.extend(measure::rows(&pair, !facts.mismatches.is_empty()));
        }
        found.pairs.push(facts);
    }
    let unpaired = pairing.unpaired.iter().filter_map(|&group| members(group).first().copied());
    found.unpaired = unpaired
        .map(|run| Unpaired { model: run.model.clone(), side: run.side, variant: run.variant.clone() })
        .collect();
    found.rows.sort_by(|left, right| sort_key(left).cmp(&sort_key(right)));
    found
}

/// The order of the table. An absent CPU time is `None` and thereby last when reversed.
fn sort_key(row: &SpeedupRow) -> impl Ord {
    let cpu = Reverse(row.cpu.value());
    (row.model.clone(), row.variant.clone(), row.metric, cpu, row.name.clone())
}

/// The columns of the speedup table.
pub const COLUMNS: &[Column<SpeedupRow>] = &[
    Column {
        key: "model",
        unit: Unit::Text,
        shown: true,
        says: "The model, from results.json or the folder's name.",
        cell: |row| row.model.clone().into(),
    },
    Column {
        key: "variant",
        unit: Unit::Text,
        shown: true,
        says: "How the GPU run differs from fp32 and default layout; empty for not at all.",
        cell: |row| row.variant.clone().into(),
    },
    Column {
        key: "metric",
        unit: Unit::Text,
        shown: true,
        says: "total: wall time of the training; epoch: median epoch; step: median unprofiled step after warm-up, or of \
               the trace where none was recorded; category and op: self time per step.",
        cell: |row| row.metric.word().into(),
    },
    Column {
        key: "name",
        unit: Unit::Text,
        shown: true,
        says: "The category or operator that is compared; absent for whole times.",
        cell: |row| row.name.clone().into(),
    },
    Column {
        key: "cpu",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "Time on the CPU side, geometric mean over its runs; host self time per step for categories and operators.",
        cell: |row| row.cpu.into(),
    },
    Column {
        key: "gpu",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "Time on the GPU side, geometric mean over its runs; device self time per step for categories and operators.",
        cell: |row| row.gpu.into(),
    },
    Column {
        key: "ratio",
        unit: Unit::Ratio,
        shown: true,
        says: "CPU time over GPU time: above 1 the GPU is faster. Absent for names on one side only.",
        cell: |row| row.ratio.map(rounded).into(),
    },
    Column {
        key: "ratio_low",
        unit: Unit::Ratio,
        shown: true,
        says: "Lower end of the two-sided 95 % t interval of the ratio, over runs, in logs.",
        cell: |row| row.interval.map(|(low, _)| rounded(low)).into(),
    },
    Column {
        key: "ratio_high",
        unit: Unit::Ratio,
        shown: true,
        says: "Upper end of the two-sided 95 % t interval of the ratio, over runs, in logs.",
        cell: |row| row.interval.map(|(_, high)| rounded(high)).into(),
    },
    Column {
        key: "cpu_runs",
        unit: Unit::Count,
        shown: true,
        says: "How many CPU runs gave the time.",
        cell: |row| row.cpu_runs.into(),
    },
    Column {
        key: "gpu_runs",
        unit: Unit::Count,
        shown: true,
        says: "How many GPU runs gave the time.",
        cell: |row| row.gpu_runs.into(),
    },
    Column {
        key: "why_no_interval",
        unit: Unit::Text,
        shown: true,
        says: "Why the ratio has no interval: it takes three runs on each side. Absent where there is one.",
        cell: |row| row.why_no_interval.as_ref().map(|why| Untrusted::from(why.text())).map_or(ABSENT, Cell::Name),
    },
];

const ABSENT: Cell = Cell::Absent(Why::NotDefined);

/// A decimal as tables hold it: the last digits of a logarithm differ between machines.
pub(super) fn rounded(ratio: f64) -> f64 {
    round_places(ratio, 6)
}

#[cfg(test)]
mod tests;
