//! Runs beside each other: one row per model, device and variant, its repeats taken together. Runs that were told other
//! things, and runs that were interrupted, are no repeats of the others: they have rows of their own.
//!
//! What a reader compares first: how long a step, an epoch and the whole take, how far that is from the plain CPU run, what
//! memory it takes, and whether it learns as well. Times are those of the speedups, group by group.

use super::speedup::{Metric, RunNumbers, Side, SpeedupRow, group_times, rounded};
use crate::run::RunFolder;
use crate::run::config::{self, Agreement, Config};
use crate::run::pairing;
use crate::run::results::{Epoch, PeakMemory, Results};
use crate::stats;
use crate::table::{Column, Recorded, Unit, Why};
use crate::text::Untrusted;
use crate::units::{Bytes, Nanoseconds, count, count_to_f64, round_places, to_f64};
use std::collections::BTreeMap;

/// Repeats of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct VariantRow {
    /// The model.
    pub model: Untrusted,
    /// Where it ran.
    pub side: Side,
    /// What differs from fp32 and default layout; empty for nothing.
    pub variant: Untrusted,
    /// How many runs.
    pub runs: u64,
    /// How often they were to see the training set.
    pub epochs: Recorded<u64>,
    /// Samples per step.
    pub batch_size: Recorded<u64>,
    /// Samples of the training set.
    pub train_samples: Recorded<u64>,
    /// False for interrupted runs.
    pub complete: Recorded<bool>,
    /// Median step.
    pub step: Recorded<Nanoseconds>,
    /// Samples of a batch over the step's time.
    pub samples_per_second: Recorded<f64>,
    /// Median epoch.
    pub epoch: Recorded<Nanoseconds>,
    /// Wall time of the training.
    pub total: Recorded<Nanoseconds>,
    /// CPU step over this step.
    pub speedup: Recorded<f64>,
    /// The 95 % interval of the speedup.
    pub interval: Option<(f64, f64)>,
    /// Test loss after the last epoch.
    pub test_loss: Recorded<f64>,
    /// Test score after the last epoch.
    pub test_score: Recorded<f64>,
    /// Peak memory, the largest of the runs.
    pub peak: PeakMemory,
}

/// The rows of `runs`, each with the folder that it is of, by model, side and variant. `speedups` are those of the runs.
#[must_use]
pub fn rows(runs: &[(&RunNumbers, &RunFolder)], speedups: &[SpeedupRow]) -> Vec<VariantRow> {
    let keys = runs.iter().map(|(_, folder)| folder.key());
    let groups = pairing::pair(keys).groups;
    let members =
        groups.iter().map(|group| group.members.iter().filter_map(|at| runs.get(*at).copied()).collect::<Vec<_>>());
    members
        .flat_map(|members| {
            let repeats = partition(members, |(_, folder)| folder);
            // A speedup is that of all runs of a variant: with several kinds of them it is of none.
            let speedups = if repeats.len() == 1 { speedups } else { &[] };
            repeats.into_iter().filter_map(|members| row(&members, speedups)).collect::<Vec<_>>()
        })
        .collect()
}

/// Splits runs of one model, device and variant into those that did the same work, in the order given.
#[must_use]
pub fn partition<T>(runs: Vec<T>, folder: impl Fn(&T) -> &RunFolder) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    for run in runs {
        let part = parts.iter_mut().find(|part| part.first().is_some_and(|one| same_work(folder(one), folder(&run))));
        match part {
            Some(part) => part.push(run),
            None => parts.push(vec![run]),
        }
    }
    parts
}

/// Whether two runs were told the same and both did it; runs that do not say count as the same.
fn same_work(one: &RunFolder, other: &RunFolder) -> bool {
    let (Recorded::Yes(one), Recorded::Yes(other)) = (&one.results, &other.results) else { return true };
    let agree = match config::compare(&one.config, &other.config) {
        Agreement::Compared { mismatches, .. } => mismatches.is_empty(),
        Agreement::NotRecorded => true,
    };
    agree && (one.complete == Recorded::Yes(false)) == (other.complete == Recorded::Yes(false))
}

fn row(members: &[(&RunNumbers, &RunFolder)], speedups: &[SpeedupRow]) -> Option<VariantRow> {
    let (first, folder) = members.first()?;
    let times = group_times(&members.iter().map(|(run, _)| *run).collect::<Vec<_>>());
    let results: Vec<&Results> = members.iter().filter_map(|(_, folder)| folder.results.as_ref().value()).collect();
    let why = if let Recorded::No(why) = folder.results { why } else { Why::NotInResults };
    let of_pair = speedups.iter().find(|row| {
        first.side == Side::Gpu
            && (row.metric, &row.model, &row.variant) == (Metric::Step, &first.model, &first.variant)
    });
    let last = |take: fn(&Epoch) -> Recorded<f64>| {
        let of_runs = results.iter().filter_map(|results| take(results.epochs.as_ref().value()?.last()?).value());
        Recorded::from_option(stats::mean(&of_runs.collect::<Vec<_>>()), why)
    };
    let peak = |take: fn(&PeakMemory) -> Recorded<Bytes>| {
        Recorded::from_option(results.iter().filter_map(|results| take(&results.peak_memory).value()).max(), why)
    };
    Some(VariantRow {
        model: first.model.clone(),
        side: first.side,
        variant: first.variant.clone(),
        runs: count(members.len()),
        epochs: of_config(&first.config, |config| config.epochs),
        batch_size: of_config(&first.config, |config| config.batch_size),
        train_samples: of_config(&first.config, |config| config.train_samples),
        complete: results.first().map_or(Recorded::No(why), |results| results.complete),
        step: times.step,
        samples_per_second: samples_per_second(&first.config, times.step),
        epoch: times.epoch,
        total: times.total,
        speedup: of_pair.map_or(Recorded::No(Why::NotDefined), |row| row.ratio),
        interval: of_pair.and_then(|row| row.interval),
        test_loss: last(|epoch| epoch.test_loss),
        test_score: last(|epoch| epoch.test_score),
        peak: PeakMemory {
            host: peak(|peak| peak.host),
            device_allocated: peak(|peak| peak.device_allocated),
            device_reserved: peak(|peak| peak.device_reserved),
        },
    })
}

/// One value of every epoch that any of `repeats` has, by the epoch's number: the mean of those that recorded it.
#[must_use]
pub fn epoch_means(repeats: &[&[Epoch]], value: fn(&Epoch) -> Recorded<f64>) -> Vec<(u64, f64)> {
    let mut by_epoch: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for epoch in repeats.iter().copied().flatten() {
        by_epoch.entry(epoch.number).or_default().extend(value(epoch).value());
    }
    by_epoch.into_iter().filter_map(|(number, values)| Some((number, stats::mean(&values)?))).collect()
}

/// The batch over the step: what "images a second" means.
fn samples_per_second(config: &Recorded<Config>, step: Recorded<Nanoseconds>) -> Recorded<f64> {
    match (of_config(config, |config| config.batch_size), step) {
        (Recorded::Yes(batch), Recorded::Yes(step)) if step > Nanoseconds::ZERO => {
            Recorded::Yes(count_to_f64(batch) * 1e9 / to_f64(step.get()))
        }
        (Recorded::No(why), _) | (_, Recorded::No(why)) => Recorded::No(why),
        _ => Recorded::No(Why::NotDefined),
    }
}

fn of_config<T>(config: &Recorded<Config>, take: fn(&Config) -> Recorded<T>) -> Recorded<T> {
    match config {
        Recorded::Yes(config) => take(config),
        Recorded::No(why) => Recorded::No(*why),
    }
}

/// The columns of the table.
pub const COLUMNS: &[Column<VariantRow>] = &[
    Column {
        key: "model",
        unit: Unit::Text,
        shown: true,
        says: "The model, from results.json or the folder's name.",
        cell: |row| row.model.clone().into(),
    },
    Column {
        key: "device",
        unit: Unit::Text,
        shown: true,
        says: "Where it ran.",
        cell: |row| if row.side == Side::Cpu { "cpu".into() } else { "cuda".into() },
    },
    Column {
        key: "variant",
        unit: Unit::Text,
        shown: true,
        says: "What differs from fp32 and default layout; empty for nothing.",
        cell: |row| row.variant.clone().into(),
    },
    Column {
        key: "runs",
        unit: Unit::Count,
        shown: true,
        says: "Repeats taken together: runs that were told the same and did it.",
        cell: |row| row.runs.into(),
    },
    Column {
        key: "epochs",
        unit: Unit::Count,
        shown: true,
        says: "How often the training set was to be seen.",
        cell: |row| row.epochs.into(),
    },
    Column {
        key: "batch_size",
        unit: Unit::Count,
        shown: true,
        says: "Samples per step.",
        cell: |row| row.batch_size.into(),
    },
    Column {
        key: "train_samples",
        unit: Unit::Count,
        shown: true,
        says: "Samples of the training set.",
        cell: |row| row.train_samples.into(),
    },
    Column {
        key: "complete",
        unit: Unit::Flag,
        shown: true,
        says: "No for runs that were interrupted.",
        cell: |row| row.complete.into(),
    },
    Column {
        key: "step",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "Median unprofiled step after warm-up, or of the trace where none was recorded; geometric mean of the runs.",
        cell: |row| row.step.into(),
    },
    Column {
        key: "samples_per_second",
        unit: Unit::Decimal,
        shown: true,
        says: "Batch size over the step's time.",
        cell: |row| row.samples_per_second.map(|rate| round_places(rate, 4)).into(),
    },
    Column {
        key: "epoch",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "Median epoch; geometric mean of the runs.",
        cell: |row| row.epoch.into(),
    },
    Column {
        key: "total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "Wall time of the training; geometric mean of the runs.",
        cell: |row| row.total.into(),
    },
    Column {
        key: "speedup",
        unit: Unit::Ratio,
        shown: true,
        says: "The CPU's step (fp32, default layout) over this one.",
        cell: |row| row.speedup.map(rounded).into(),
    },
    Column {
        key: "speedup_low",
        unit: Unit::Ratio,
        shown: true,
        says: "Lower end of the speedup's 95 % interval; it takes three runs on each side.",
        cell: |row| row.interval.map(|(low, _)| rounded(low)).into(),
    },
    Column {
        key: "speedup_high",
        unit: Unit::Ratio,
        shown: true,
        says: "Upper end of the speedup's 95 % interval.",
        cell: |row| row.interval.map(|(_, high)| rounded(high)).into(),
    },
    Column {
        key: "test_loss",
        unit: Unit::Decimal,
        shown: true,
        says: "Loss on the test set after the last epoch, mean of the runs.",
        cell: |row| row.test_loss.map(rounded).into(),
    },
    Column {
        key: "test_metric",
        unit: Unit::Decimal,
        shown: true,
        says: "Score on the test set (Dice or accuracy) after the last epoch, mean of the runs.",
        cell: |row| row.test_score.map(rounded).into(),
    },
    Column {
        key: "peak_host",
        unit: Unit::Bytes,
        shown: true,
        says: "Most resident memory of the process, largest of the runs.",
        cell: |row| row.peak.host.into(),
    },
    Column {
        key: "peak_device_allocated",
        unit: Unit::Bytes,
        shown: true,
        says: "Most memory of the GPU in tensors, largest of the runs.",
        cell: |row| row.peak.device_allocated.into(),
    },
    Column {
        key: "peak_device_reserved",
        unit: Unit::Bytes,
        shown: true,
        says: "Most memory of the GPU in the caching allocator, largest of the runs.",
        cell: |row| row.peak.device_reserved.into(),
    },
];
