//! The flat shape that Python training scripts write, without a `schema_version` (CONTRACT, "runs/"): every field may be
//! missing, and each quantity is a list of its own with one entry per epoch.

use super::fields::Fields;
use super::{Device, DeviceKind, Epoch, PeakMemory, Problem, Results, Score};
use crate::run::config::Config;
use crate::table::{Recorded, Why};
use crate::units::{Bytes, count, round_to_i64};

/// One of these makes an object a results file.
const KNOWN: [&str; 10] = [
    "train_losses",
    "test_losses",
    "train_dice",
    "test_dice",
    "train_accuracies",
    "test_accuracies",
    "epoch_times",
    "total_time",
    "peak_memory_mb",
    "batch_size",
];
/// `peak_memory_mb` counts these.
const MEBIBYTE: f64 = 1_048_576.0;

/// Reads this shape.
pub(super) fn read(fields: &Fields<'_>) -> Result<Results, Problem> {
    if !KNOWN.iter().any(|key| fields.has(key)) {
        return Err(Problem::Foreign);
    }
    let device = device(fields)?;
    let score = score(fields);
    Ok(Results {
        model: fields.text("model")?,
        parameters: absent(),
        config: config(fields)?,
        score,
        epochs: epochs(fields, score)?,
        steps: absent(),
        warm_up_steps: absent(),
        total: fields.seconds("total_time")?,
        peak_memory: peak_memory(fields, &device)?,
        device,
        host: absent(),
        software: absent(),
        profile: absent(),
        complete: absent(),
    })
}

const fn absent<T>() -> Recorded<T> {
    Recorded::No(Why::NotInResults)
}

fn device(fields: &Fields<'_>) -> Result<Recorded<Device>, Problem> {
    let kind = fields.text("device")?.map(|name| DeviceKind::from_torch(name.raw()));
    Ok(kind.map(|kind| Device { kind, name: absent(), count: absent(), memory: absent() }))
}

fn config(fields: &Fields<'_>) -> Result<Recorded<Config>, Problem> {
    let config =
        Config { epochs: fields.whole("epochs")?, batch_size: fields.whole("batch_size")?, ..Config::UNRECORDED };
    Ok(if config == Config::UNRECORDED { absent() } else { Recorded::Yes(config) })
}

fn score(fields: &Fields<'_>) -> Recorded<Score> {
    if fields.has("train_dice") || fields.has("test_dice") {
        Recorded::Yes(Score::Dice)
    } else if fields.has("train_accuracies") || fields.has("test_accuracies") {
        Recorded::Yes(Score::Accuracy)
    } else {
        absent()
    }
}

/// The lists side by side. A run that was interrupted may have lists of different lengths: what is missing is absent.
fn epochs(fields: &Fields<'_>, score: Recorded<Score>) -> Result<Recorded<Vec<Epoch>>, Problem> {
    let (train_key, test_key) = match score {
        Recorded::Yes(Score::Accuracy) => ("train_accuracies", "test_accuracies"),
        _ => ("train_dice", "test_dice"),
    };
    let numbers = |key| Ok(fields.all_numbers(key)?.value().unwrap_or_default());
    let train_loss: Vec<Recorded<f64>> = numbers("train_losses")?;
    let (test_loss, train_score, test_score) = (numbers("test_losses")?, numbers(train_key)?, numbers(test_key)?);
    let times = fields.all_seconds("epoch_times")?.value().unwrap_or_default();
    let lengths = [train_loss.len(), test_loss.len(), train_score.len(), test_score.len(), times.len()];
    let length = lengths.into_iter().max().unwrap_or(0);
    let at = |list: &[Recorded<f64>], index: usize| list.get(index).copied().unwrap_or(absent());
    let epochs: Vec<Epoch> = (0..length)
        .map(|index| Epoch {
            number: count(index) + 1,
            train_loss: at(&train_loss, index),
            test_loss: at(&test_loss, index),
            train_score: at(&train_score, index),
            test_score: at(&test_score, index),
            time: Recorded::from_option(times.get(index).copied(), Why::NotInResults),
        })
        .collect();
    Ok(if epochs.is_empty() { absent() } else { Recorded::Yes(epochs) })
}

/// One number for whatever the script measured: of the process on a CPU, of the allocator elsewhere. Scripts write 0
/// where they measured nothing, and no run has a peak of 0.
fn peak_memory(fields: &Fields<'_>, device: &Recorded<Device>) -> Result<PeakMemory, Problem> {
    let peak = match fields.number("peak_memory_mb")? {
        Recorded::Yes(mebibytes) if mebibytes < 0.0 => {
            return Err(fields.wrong("peak_memory_mb", "MiB of at least 0"));
        }
        Recorded::Yes(mebibytes) if mebibytes > 0.0 => Recorded::Yes(Bytes::new(round_to_i64(mebibytes * MEBIBYTE))),
        _ => absent(),
    };
    let on_cpu = device.as_ref().value().is_some_and(|device| device.kind == DeviceKind::Cpu);
    Ok(if on_cpu {
        PeakMemory { host: peak, ..PeakMemory::UNRECORDED }
    } else {
        PeakMemory { device_allocated: peak, ..PeakMemory::UNRECORDED }
    })
}
