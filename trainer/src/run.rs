//! One run from plan to folder: check the device, train or go on training, profile, write everything down.

use crate::cli::args::{ModelKind, Plan};
use crate::data::{Dataset, reviews, shapes};
use crate::error::Error;
use crate::profile::Recording;
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
/// Where the device is not there, torch refuses, or the folder cannot be written: what was written whole stays.
pub(crate) fn run(plan: &Plan) -> Result<Outcome, Error> {
    room_for_data(plan)?;
    let equipment = prepare_device(plan)?;
    let metric: MetricName = score(plan.model).into();
    let display = Display::new(plan.quiet, metric.word(), plan.epochs);
    let (folder, before) = if plan.resume {
        let (folder, results) = interrupted(plan, &equipment)?;
        (folder, Some(results))
    } else {
        (RunFolder::fresh(&plan.out, &plan.run_name())?, None)
    };
    display.say(&format!("{} on {}, into {}", plan.model.name(), equipment.device.name, folder.path().display()));

    let mut training = Training::new(plan)?;
    let before = before.map(|before| resume(&folder, &mut training, before)).transpose()?;
    let is_complete = training.run(&display)?;
    let mut results = results(plan, &training, equipment, metric)?;
    if let Some(before) = before {
        results.resumed_at_steps = before.resumed_at_steps;
        results.peak_memory = results.peak_memory.max(before.peak_memory);
    }
    results.complete = is_complete;
    if !is_complete {
        interrupt_run(&folder, &training, &results)?;
        display.say(&format!("interrupted; to go on: {}", plan.resume_command()));
        return Ok(Outcome::Interrupted(folder.path().to_owned()));
    }
    // Written before the profile too: a trace that fails takes no training with it.
    write(&folder, &results)?;
    folder.remove(CHECKPOINT)?;
    if plan.profile_steps > 0 {
        display.say(&format!("profiling {} more steps, apart from the training", plan.profile_steps));
        let trace = format!("{}.{}.pt.trace.json.gz", plan.run_name(), unix_time().as_nanos());
        let step = |number| training.extra_step(number).map_err(Error::from);
        match profile::record(&folder, &trace, plan.device, plan.profile_steps, step)? {
            Recording::Interrupted => {
                display.say("interrupted while profiling: the training is complete, and has no profile");
                return Ok(Outcome::Interrupted(folder.path().to_owned()));
            }
            Recording::WithoutKernels => {
                display.say("warning: the trace has no GPU kernels, CUPTI did not start: is another profiler running?");
            }
            Recording::Whole => {}
        }
        results.profile = Some(ProfileResults { steps: plan.profile_steps, trace });
        write(&folder, &results)?;
    }
    Ok(Outcome::Complete(folder.path().to_owned()))
}

/// Refuses more samples than the machine has memory for, before the kernel does it with a kill.
fn room_for_data(plan: &Plan) -> Result<(), Error> {
    let needed = Dataset::bytes(plan.model, plan.train_samples.saturating_add(plan.test_samples));
    match host::available_bytes() {
        Some(available) if needed > available => Err(Error::Usage(format!(
            "{} training and {} test samples take {} MiB of memory, {} MiB are available: take fewer",
            plan.train_samples,
            plan.test_samples,
            needed >> 20,
            available >> 20
        ))),
        _ => Ok(()),
    }
}

/// Writes what an interrupted run needs. Checkpoint and results belong together: with an earlier pair there, either both are
/// replaced or neither; without one, the results are kept even where the checkpoint finds no room.
fn interrupt_run(folder: &RunFolder, training: &Training<'_>, results: &Results) -> Result<(), Error> {
    let staged = checkpoint::stage(folder, &training.model, &training.adam, &training.progress);
    if staged.is_ok() || !folder.file(CHECKPOINT).exists() {
        write(folder, results)?;
    }
    staged?.commit()
}

/// What the device and libtorch are.
struct Equipment {
    device: DeviceResults,
    software: SoftwareResults,
}

/// Loads CUDA if the plan needs it, sets the precision, and says what there is.
fn prepare_device(plan: &Plan) -> Result<Equipment, Error> {
    shim::keep_host_memory();
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

/// The interrupted run that `plan` goes on with: of several the latest that was told the same, but for more epochs.
fn interrupted(plan: &Plan, equipment: &Equipment) -> Result<(RunFolder, Results), Error> {
    let name = plan.run_name();
    let mut problem = format!("holds no interrupted run {name} to go on with: start it without --resume");
    for folder in RunFolder::interrupted(&plan.out, &name) {
        let path = folder.file(RESULTS);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let Ok(before) = serde_json::from_slice::<Results>(&bytes) else {
            problem = format!("the results of the interrupted run {name} are none of this trainer's");
            continue;
        };
        let now = config(plan);
        if (ConfigResults { epochs: now.epochs, ..before.config.clone() }) != now || plan.epochs < before.config.epochs
        {
            problem = format!(
                "the interrupted run in {} had other options: {} (--epochs may be greater)",
                folder.path().display(),
                differences(&before.config, &now)
            );
        } else if before.device != equipment.device || before.host != host() || before.software != equipment.software {
            problem = format!(
                "the interrupted run {name} was on another machine or another libtorch: its times would be mixed"
            );
        } else {
            return Ok((folder, before));
        }
    }
    Err(Error::Resume { path: plan.out.clone(), problem })
}

/// "seed 1, now 9": the options in which two configurations differ.
fn differences(before: &ConfigResults, now: &ConfigResults) -> String {
    let fields = |config| match serde_json::to_value(config) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, now) = (fields(before), fields(now));
    let different = before.iter().filter(|(name, value)| now.get(*name) != Some(value));
    let said = different.map(|(name, value)| format!("{name} {value}, now {}", now.get(name).unwrap_or(value)));
    said.collect::<Vec<_>>().join("; ")
}

/// Brings the run in `folder` back to where it was.
fn resume(folder: &RunFolder, training: &mut Training<'_>, mut before: Results) -> Result<Results, Error> {
    training.progress = checkpoint::load(folder, &training.model, &training.adam)?;
    // What loading took is not what training takes.
    host::forget_peak_resident();
    let steps = training.steps_done();
    let recorded = (u64::try_from(before.epochs.len()).ok(), u64::try_from(before.step_seconds.len()).ok());
    if recorded != (Some(training.progress.epochs), Some(steps)) {
        let problem = "does not belong to the checkpoint beside it: start again without --resume".to_owned();
        return Err(Error::Resume { path: folder.file(RESULTS), problem });
    }
    training.epochs = std::mem::take(&mut before.epochs);
    training.step_seconds = std::mem::take(&mut before.step_seconds);
    before.resumed_at_steps.push(steps);
    Ok(before)
}

fn host() -> HostResults {
    HostResults {
        cpu: host::processor(),
        cores: host::cores(),
        threads: u64::try_from(tch::get_num_threads()).unwrap_or(0),
    }
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
        host: host(),
        software: equipment.software,
        config: config(plan),
        metric,
        epochs: training.epochs.clone(),
        step_seconds: training.step_seconds.clone(),
        warmup_steps: plan.warmup_steps,
        resumed_at_steps: Vec::new(),
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
    folder.write(RESULTS, |out| {
        serde_json::to_writer_pretty(&mut *out, results)?;
        out.write_all(b"\n")
    })?;
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
    Ok(())
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
