//! One run from plan to folder: check the device, train or go on training, profile, write everything down.

use crate::cli::args::{ModelKind, Plan};
use crate::data::{reviews, shapes};
use crate::error::Error;
use crate::progress::Display;
use crate::results::{
    ConfigResults, DeviceResults, HostResults, MetricName, PeakMemoryResults, ProfileResults, Results, SoftwareResults,
};
use crate::run_folder::{CHECKPOINT, RESULTS, RunFolder};
use crate::training::{Training, score};
use crate::{checkpoint, host, profile, shim, tensorboard};
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tch::Device;

/// How a run ended.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Everything is in this folder.
    Complete(PathBuf),
    /// What there was is in this folder; `--resume` goes on.
    Interrupted(PathBuf),
}

/// Runs `plan`.
///
/// # Errors
/// Where the device is not there, torch refuses, or the folder cannot be written: then nothing of the run is left.
pub(crate) fn run(plan: &Plan) -> Result<Outcome, Error> {
    let software = prepare_device(plan)?;
    let folder = if plan.resume {
        RunFolder::interrupted(&plan.out, &plan.run_name())?
    } else {
        RunFolder::fresh(&plan.out, &plan.run_name())?
    };
    let metric: MetricName = score(plan.model).into();
    let display = Display::new(plan.quiet, metric.word(), plan.epochs);
    display.say(&format!("{} on {}, into {}", plan.model.name(), software.device.name, folder.path().display()));

    let mut training = Training::new(plan)?;
    if plan.resume {
        resume(plan, &folder, &mut training)?;
    }
    let is_complete = training.run(&display)?;
    let mut results = results(plan, &training, software, metric)?;
    results.complete = is_complete;
    if !is_complete {
        checkpoint::save(&folder, &training.model, &training.adam, &training.progress)?;
        write(&folder, &results)?;
        display.say("interrupted: the same command with --resume goes on");
        return Ok(Outcome::Interrupted(folder.path().to_owned()));
    }
    // Written before the profile too: a trace that fails takes no training with it.
    write(&folder, &results)?;
    folder.remove(CHECKPOINT)?;
    if plan.profile_steps > 0 {
        display.say(&format!("profiling {} more steps, apart from the training", plan.profile_steps));
        let trace = format!("{}.{}.pt.trace.json.gz", plan.run_name(), unix_time().as_nanos());
        let step = |number| training.extra_step(number).map_err(Error::from);
        if profile::record(&folder, &trace, plan.device, plan.profile_steps, step)? {
            results.profile = Some(ProfileResults { steps: plan.profile_steps, trace });
            write(&folder, &results)?;
        }
    }
    Ok(Outcome::Complete(folder.path().to_owned()))
}

/// What the device and libtorch are.
struct Equipment {
    device: DeviceResults,
    software: SoftwareResults,
}

impl std::ops::Deref for Equipment {
    type Target = DeviceResults;
    fn deref(&self) -> &DeviceResults {
        &self.device
    }
}

/// Loads CUDA if the plan needs it, sets the precision, and says what there is.
fn prepare_device(plan: &Plan) -> Result<Equipment, Error> {
    let trainer = env!("CARGO_PKG_VERSION").to_owned();
    let software = SoftwareResults { torch: shim::torch_version(), cuda: None, cudnn: None, trainer };
    let Device::Cuda(number) = plan.device else {
        let device = DeviceResults {
            kind: "cpu".to_owned(),
            name: host::processor(),
            count: 1,
            memory_bytes: host::memory_bytes(),
        };
        return Ok(Equipment { device, software });
    };
    let missing = |why: String| Error::NoCuda { asked: format!("cuda:{number}"), why };
    shim::load_cuda().map_err(|_| missing("this libtorch has no CUDA".to_owned()))?;
    let count = tch::Cuda::device_count();
    if usize::try_from(count).is_ok_and(|count| number >= count) || count < 0 {
        let there = match count {
            0 => "torch sees no GPU".to_owned(),
            1 => "the only GPU is cuda:0".to_owned(),
            _ => format!("the GPUs are cuda:0 to cuda:{}", count - 1),
        };
        return Err(missing(there));
    }
    shim::allow_tf32(plan.precision == crate::cli::args::Precision::Tf32)?;
    let facts = shim::device_facts(number)?;
    let device =
        DeviceResults { kind: "cuda".to_owned(), name: facts.name, count: 1, memory_bytes: Some(facts.memory_bytes) };
    let software =
        SoftwareResults { cuda: Some(cuda_version(facts.cuda)), cudnn: Some(cudnn_version(facts.cudnn)), ..software };
    Ok(Equipment { device, software })
}

/// 13000 is 13.0.
pub(crate) fn cuda_version(number: i64) -> String {
    format!("{}.{}", number / 1000, number % 1000 / 10)
}

/// 91900 is 9.19.0.
pub(crate) fn cudnn_version(number: i64) -> String {
    format!("{}.{}.{}", number / 10_000, number % 10_000 / 100, number % 100)
}

/// Brings an interrupted run back: what it was told must be what it is told now, but for more epochs.
fn resume(plan: &Plan, folder: &RunFolder, training: &mut Training<'_>) -> Result<(), Error> {
    let path = folder.file(RESULTS);
    let unfit = |problem: String| Error::Resume { path: path.clone(), problem };
    let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
    let before: Results = serde_json::from_slice(&bytes)
        .map_err(|error| unfit(format!("is no results file of this trainer ({error})")))?;
    let now = config(plan);
    if (ConfigResults { epochs: now.epochs, ..before.config.clone() }) != now || plan.epochs < before.config.epochs {
        let options = "the interrupted run had other options: repeat them with --resume (--epochs may be greater)";
        return Err(unfit(options.to_owned()));
    }
    training.progress = checkpoint::load(folder, &training.model, &training.adam)?;
    let steps_per_epoch = plan.train_samples.div_ceil(plan.batch_size);
    let steps = u64::try_from(steps_per_epoch).unwrap_or(u64::MAX) * training.progress.epochs + training.progress.steps;
    let recorded = (u64::try_from(before.epochs.len()).ok(), u64::try_from(before.step_seconds.len()).ok());
    if recorded != (Some(training.progress.epochs), Some(steps)) {
        return Err(unfit("does not belong to the checkpoint beside it: start again without --resume".to_owned()));
    }
    training.epochs = before.epochs;
    training.step_seconds = before.step_seconds;
    Ok(())
}

fn config(plan: &Plan) -> ConfigResults {
    let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let side = |is: ModelKind, size: i64| (plan.model == is).then(|| size.unsigned_abs());
    ConfigResults {
        epochs: plan.epochs,
        batch_size: size(plan.batch_size),
        train_samples: size(plan.train_samples),
        test_samples: size(plan.test_samples),
        learning_rate: plan.learning_rate,
        seed: plan.seed,
        precision: plan.precision,
        channels_last: plan.channels_last,
        image_size: side(ModelKind::Unet, shapes::SIDE),
        sequence_length: side(ModelKind::Lstm, reviews::LENGTH),
    }
}

/// Everything but the profile; to be taken before it, so that its memory does not count.
fn results(plan: &Plan, training: &Training<'_>, equipment: Equipment, metric: MetricName) -> Result<Results, Error> {
    let peak = shim::peak_memory(plan.device)?;
    Ok(Results {
        schema_version: 1,
        model: plan.model.name().to_owned(),
        parameters: training.model.parameter_count(),
        device: equipment.device,
        host: HostResults {
            cpu: host::processor(),
            cores: host::cores(),
            threads: u64::try_from(tch::get_num_threads()).unwrap_or(0),
        },
        software: equipment.software,
        config: config(plan),
        metric,
        epochs: training.epochs.clone(),
        step_seconds: training.step_seconds.clone(),
        warmup_steps: plan.warmup_steps,
        total_seconds: training.total_seconds(),
        peak_memory: PeakMemoryResults {
            host_bytes: host::peak_resident_bytes(),
            device_allocated_bytes: peak.map(|peak| peak.allocated_bytes),
            device_reserved_bytes: peak.map(|peak| peak.reserved_bytes),
        },
        profile: None,
        complete: false,
    })
}

/// Writes results.json and the event file, in place of those of an earlier part of the run.
fn write(folder: &RunFolder, results: &Results) -> Result<(), Error> {
    let time = unix_time();
    let events = tensorboard::file_name(time.as_secs(), &host::name());
    folder.write(&events, |out| tensorboard::write(results, time.as_secs_f64(), out))?;
    let entries = fs::read_dir(folder.path()).map_err(Error::file("read the folder", folder.path()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != events && name.starts_with(tensorboard::PREFIX) && name.ends_with(tensorboard::SUFFIX) {
            folder.remove(&name)?;
        }
    }
    folder.write(RESULTS, |out| {
        serde_json::to_writer_pretty(&mut *out, results)?;
        out.write_all(b"\n")
    })
}

fn unix_time() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_people_write_them() {
        assert_eq!(cuda_version(13_000), "13.0");
        assert_eq!(cuda_version(12_080), "12.8");
        assert_eq!(cudnn_version(91_900), "9.19.0");
        assert_eq!(cudnn_version(90_102), "9.1.2");
    }
}
