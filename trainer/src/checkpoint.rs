//! An interrupted run, so that it can go on as if nothing had happened: weights, running statistics, the optimizer's
//! state, and how far the epoch was. In safetensors, which any tool reads. What else a run knows is in its results.json.

use crate::error::{Error, TorchError};
use crate::metrics::Tally;
use crate::model::Model;
use crate::optimizer::Adam;
use crate::run_folder::{CHECKPOINT, RunFolder};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tch::{Device, Kind, Tensor, no_grad};

/// How far an epoch is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Progress {
    /// Epochs that are complete.
    pub(crate) epochs: u64,
    /// Steps of the next one that are done.
    pub(crate) steps: u64,
    /// Wall time of those steps, with all around them.
    pub(crate) seconds: f64,
    /// What they gave.
    pub(crate) tally: Tally,
}

/// Every tensor of a run, under the name that it has in the file.
fn tensors<'a>(model: &'a Model, adam: &'a Adam) -> Vec<(String, &'a Tensor)> {
    let of_parameters = |prefix: &'static str, tensors: &'a [Tensor]| {
        model.parameter_names.iter().map(move |name| format!("{prefix}.{name}")).zip(tensors)
    };
    let buffers = model.buffers.iter().map(|named| (format!("model.{}", named.name), &named.tensor));
    of_parameters("model", &model.parameters)
        .chain(buffers)
        .chain(of_parameters("adam.mean", &adam.means))
        .chain(of_parameters("adam.square", &adam.squares))
        .chain([("adam.step".to_owned(), &adam.step)])
        .collect()
}

const PROGRESS: &str = "progress";

/// A checkpoint on disk that does not count yet; dropped before it does, it goes away.
pub(crate) struct Staged {
    staging: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Makes it the run's checkpoint, in place of an earlier one.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn commit(self) -> Result<(), Error> {
        fs::rename(&self.staging, &self.path).map_err(Error::file("write", &self.path))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove.
        drop(fs::remove_file(&self.staging));
    }
}

/// Writes the checkpoint of a run beside the one that may be there.
///
/// # Errors
/// Where it cannot be written; a full disk is one way.
pub(crate) fn stage(folder: &RunFolder, model: &Model, adam: &Adam, progress: &Progress) -> Result<Staged, Error> {
    let mut all = Vec::new();
    for (name, tensor) in tensors(model, adam) {
        let plain = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        all.push((name, plain));
    }
    #[expect(clippy::cast_precision_loss, reason = "epochs and steps are far below 2^53")]
    let mut numbers = vec![progress.epochs as f64, progress.steps as f64, progress.seconds];
    numbers.extend(progress.tally.to_numbers());
    all.push((PROGRESS.to_owned(), Tensor::f_from_slice(&numbers)?));

    let staged = Staged { staging: folder.file(".checkpoint.tmp"), path: folder.file(CHECKPOINT) };
    let written = Tensor::write_safetensors(&all, &staged.staging).map_err(std::io::Error::other);
    let synced = written.and_then(|()| fs::File::open(&staged.staging)?.sync_all());
    synced.map_err(Error::file("write", &staged.path))?;
    Ok(staged)
}

/// Brings a checkpoint back into `model` and `adam`, which have the shapes of the run that wrote it.
///
/// # Errors
/// Where it cannot be read, or is another model's.
pub(crate) fn load(folder: &RunFolder, model: &Model, adam: &Adam) -> Result<Progress, Error> {
    let path = folder.file(CHECKPOINT);
    let unfit = |problem: String| Error::Resume { path: path.clone(), problem };
    let read = Tensor::read_safetensors(&path).map_err(|error| unfit(format!("is no checkpoint ({error})")))?;
    let mut read: BTreeMap<String, Tensor> = read.into_iter().collect();
    for (name, tensor) in tensors(model, adam) {
        let saved = read.remove(&name).ok_or_else(|| unfit(format!("lacks {name}: it is of another model")))?;
        if saved.size() != tensor.size() {
            return Err(unfit(format!("has another shape of {name}: it is of another model")));
        }
        no_grad(|| tensor.shallow_clone().f_copy_(&saved).map(drop)).map_err(TorchError::from)?;
    }
    let numbers = read.remove(PROGRESS).filter(|tensor| tensor.kind() == Kind::Double);
    let numbers = numbers.and_then(|tensor| Vec::<f64>::try_from(tensor).ok()).unwrap_or_default();
    progress(model, &numbers).ok_or_else(|| unfit("does not say how far the run was".to_owned()))
}

fn progress(model: &Model, numbers: &[f64]) -> Option<Progress> {
    let [epochs, steps, seconds, tally @ ..] = numbers else { return None };
    let tally = Tally::from_numbers(model.classes(), tally)?;
    Some(Progress { epochs: whole(*epochs)?, steps: whole(*steps)?, seconds: *seconds, tally })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(number: f64) -> Option<u64> {
    ((0.0..9e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}
