//! What else is worth saying about a pair: whether the configurations agree, which steps were used, what the GPU step is
//! made of, and what bounds a further speedup.

use super::measure::{decimal, has_trace, traces};
use super::{PairedRuns, RunNumbers, Side, TraceNumbers};
use crate::run::config::{self, Agreement, Mismatch};
use crate::stats::warm_up::{SeriesValue, Unusable, series_value};
use crate::stats::{self, mean};
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use crate::units::{Nanoseconds, count};
use std::collections::{BTreeMap, BTreeSet};

/// What is worth saying about one pair.
#[derive(Clone, PartialEq, Debug)]
pub struct PairFacts {
    /// The model.
    pub model: Untrusted,
    /// The GPU group's variant.
    pub variant: Untrusted,
    /// The CPU runs, by name.
    pub cpu_runs: Vec<Untrusted>,
    /// The GPU runs, by name.
    pub gpu_runs: Vec<Untrusted>,
    /// The fields on which a CPU run (first) and a GPU run (second) differ, each pair of values once.
    pub mismatches: Vec<Mismatch>,
    /// Whether the mismatches kept the pair out of the rows.
    pub dropped: bool,
    /// The runs without a configuration ("config not recorded"), CPU runs first.
    pub config_not_recorded: Vec<Untrusted>,
    /// Fields that only one of two runs recorded, which were therefore not compared.
    pub fields_not_compared: Vec<&'static str>,
    /// What came of each run's unprofiled steps, CPU runs first.
    pub steps: Vec<RunSteps>,
    /// What the GPU step is made of.
    pub gpu_step: Recorded<GpuStep>,
    /// The names without ratio.
    pub one_sided: Recorded<OneSided>,
}

/// What came of one run's unprofiled steps (METRICS 11, "Run value").
#[derive(Clone, PartialEq, Debug)]
pub struct RunSteps {
    /// The run.
    pub run: Untrusted,
    /// Its side.
    pub side: Side,
    /// The value with the warm-up that was dropped, or why it has none.
    pub value: Recorded<Result<SeriesValue, Unusable>>,
}

/// What the GPU step is made of, mean over the GPU group's traces.
#[derive(Clone, PartialEq, Debug)]
pub struct GpuStep {
    /// Mean step in decimal nanoseconds, profiled.
    pub mean_step: f64,
    /// gpu_memcpy time as a share of the step.
    pub transfer_share: Recorded<f64>,
    /// Idle time that is launch latency (METRICS 5) as a share of the step.
    pub launch_latency_share: Recorded<f64>,
    /// Amdahl's bound by the largest category; `None` without categories.
    pub largest: Option<Headroom>,
    /// Amdahl's bound by all work of the device together: what is left is the host's, launches and waiting.
    pub device: Option<Headroom>,
}

/// How much faster the step could become at most if one part of it took no time at all (Amdahl).
#[derive(Clone, PartialEq, Debug)]
pub struct Headroom {
    /// The category; `None` for all work of the device.
    pub category: Option<&'static str>,
    /// The part's share of the step: time in which it ran at all.
    pub share: f64,
    /// 1 / (1 - share): the step would be so many times as fast. `None` where the part fills the step, so that this
    /// bounds nothing.
    pub limit: Option<f64>,
}

/// Names that one side alone has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OneSided {
    /// Categories of the CPU side.
    pub cpu_categories: Vec<Untrusted>,
    /// Categories of the GPU side.
    pub gpu_categories: Vec<Untrusted>,
    /// Operators of the CPU side.
    pub cpu_ops: Vec<Untrusted>,
    /// Operators of the GPU side.
    pub gpu_ops: Vec<Untrusted>,
}

/// The facts of a pair.
pub(super) fn of(pair: &PairedRuns<'_>, allow_mismatch: bool) -> PairFacts {
    let (mismatches, fields_not_compared) = configurations(pair);
    let names = |runs: &[&RunNumbers]| runs.iter().map(|run| run.run.clone()).collect::<Vec<_>>();
    let both = || pair.cpu.iter().chain(&pair.gpu);
    PairFacts {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        cpu_runs: names(&pair.cpu),
        gpu_runs: names(&pair.gpu),
        dropped: !mismatches.is_empty() && !allow_mismatch,
        mismatches,
        config_not_recorded: both()
            .filter(|run| matches!(run.config, Recorded::No(_)))
            .map(|run| run.run.clone())
            .collect(),
        fields_not_compared,
        steps: both().map(|run| run_steps(run)).collect(),
        gpu_step: gpu_step(&pair.gpu),
        one_sided: one_sided(pair),
    }
}

/// Every CPU run beside every GPU run: what differs, and what could not be compared.
fn configurations(pair: &PairedRuns<'_>) -> (Vec<Mismatch>, Vec<&'static str>) {
    let mut mismatches: Vec<Mismatch> = Vec::new();
    let mut not_compared = BTreeSet::new();
    for cpu in &pair.cpu {
        for gpu in &pair.gpu {
            let Agreement::Compared { mismatches: found, one_sided } = config::compare(&cpu.config, &gpu.config) else {
                continue;
            };
            not_compared.extend(one_sided);
            for mismatch in found {
                if !mismatches.contains(&mismatch) {
                    mismatches.push(mismatch);
                }
            }
        }
    }
    (mismatches, not_compared.into_iter().collect())
}

fn run_steps(run: &RunNumbers) -> RunSteps {
    let value = run.steps.as_ref().map(|steps| series_value(&decimal(steps)));
    RunSteps { run: run.run.clone(), side: run.side, value }
}

fn gpu_step(runs: &[&RunNumbers]) -> Recorded<GpuStep> {
    let traces: Vec<(&TraceNumbers, f64)> =
        traces(runs).filter_map(|trace| mean_step(trace).map(|step| (trace, step))).collect();
    let steps: Vec<f64> = traces.iter().map(|(_, step)| *step).collect();
    let Some(mean_step) = mean(&steps) else {
        return Recorded::No(if has_trace(runs) { Why::NotDefined } else { Why::NoTrace });
    };
    let shares = categories(&traces);
    let device = part_share(&traces, |trace| trace.device_busy).value();
    Recorded::Yes(GpuStep {
        mean_step,
        transfer_share: part_share(&traces, |trace| trace.transfer),
        launch_latency_share: part_share(&traces, |trace| trace.launch_latency),
        // ascending names: of equal shares `max_by` would take the last, so the walk is backwards
        largest: shares
            .iter()
            .rev()
            .max_by(|left, right| left.1.total_cmp(right.1))
            .map(|(category, share)| Headroom::of(Some(category), *share)),
        device: device.filter(|_| !shares.is_empty()).map(|share| Headroom::of(None, share)),
    })
}

impl Headroom {
    fn of(category: Option<&'static str>, share: f64) -> Self {
        Self { category, share, limit: (share < 1.0).then(|| 1.0 / (1.0 - share)) }
    }
}

/// Mean step of a trace; `None` without a step that takes time.
fn mean_step(trace: &TraceNumbers) -> Option<f64> {
    let total: Nanoseconds = trace.steps.iter().copied().sum();
    total.mean_over(count(trace.steps.len())).filter(|step| *step > 0.0)
}

/// The mean busy share of each category; one that a trace lacks takes no time there.
fn categories(traces: &[(&TraceNumbers, f64)]) -> BTreeMap<&'static str, f64> {
    let names: BTreeSet<&'static str> =
        traces.iter().flat_map(|(trace, _)| trace.category_busy.iter().map(|(name, _)| *name)).collect();
    let share_of = |name: &str| {
        let in_trace = |(trace, step): &(&TraceNumbers, f64)| {
            trace.category_busy.iter().filter(|(other, _)| *other == name).map(|(_, time)| time / step).sum()
        };
        stats::mean(&traces.iter().map(in_trace).collect::<Vec<f64>>())
    };
    names.into_iter().filter_map(|name| share_of(name).map(|share| (name, share))).collect()
}

/// The mean share of the step over the traces that recorded the part, else why none did.
fn part_share(traces: &[(&TraceNumbers, f64)], part: impl Fn(&TraceNumbers) -> Recorded<f64>) -> Recorded<f64> {
    let recorded: Vec<f64> =
        traces.iter().filter_map(|(trace, step)| part(trace).value().map(|time| time / step)).collect();
    let why = traces.iter().find_map(|(trace, _)| match part(trace) {
        Recorded::Yes(_) => None,
        Recorded::No(why) => Some(why),
    });
    Recorded::from_option(mean(&recorded), why.unwrap_or(Why::NoTrace))
}

fn one_sided(pair: &PairedRuns<'_>) -> Recorded<OneSided> {
    if !has_trace(&pair.cpu) || !has_trace(&pair.gpu) {
        return Recorded::No(Why::NoTrace);
    }
    let categories = |runs: &[&RunNumbers]| -> BTreeSet<Untrusted> {
        traces(runs).flat_map(|trace| trace.categories.iter().map(|(name, _)| Untrusted::new(name))).collect()
    };
    let ops = |runs: &[&RunNumbers]| -> BTreeSet<Untrusted> {
        traces(runs).flat_map(|trace| trace.ops.iter().map(|(name, _)| name.clone())).collect()
    };
    let less = |one: &BTreeSet<Untrusted>, other: &BTreeSet<Untrusted>| one.difference(other).cloned().collect();
    let (cpu_categories, gpu_categories) = (categories(&pair.cpu), categories(&pair.gpu));
    let (cpu_ops, gpu_ops) = (ops(&pair.cpu), ops(&pair.gpu));
    Recorded::Yes(OneSided {
        cpu_categories: less(&cpu_categories, &gpu_categories),
        gpu_categories: less(&gpu_categories, &cpu_categories),
        cpu_ops: less(&cpu_ops, &gpu_ops),
        gpu_ops: less(&gpu_ops, &cpu_ops),
    })
}
