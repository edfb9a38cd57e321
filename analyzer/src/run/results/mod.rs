//! results.json: what a training run measured about itself.
//!
//! The flow: bytes -> JSON -> which shape is it? -> that shape's file -> [`Results`], the same for every shape. Unknown
//! fields are ignored, a part that is absent stays absent with its reason, a part of the wrong type is an error that
//! names it. One file per shape ever written; a new one is one file and one line of `read_shape`.

mod fields;
mod nonfinite;
mod seed;
mod v1;

use super::config::Config;
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use crate::units::{Bytes, Nanoseconds};
use fields::Fields;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The newest shape that this version reads.
pub const NEWEST_SCHEMA: u64 = 1;
/// A results file larger than this is not one: a million steps take a quarter of it.
const MOST_BYTES: u64 = 64 << 20;

/// What a run measured about itself, whichever shape its file has.
#[derive(Clone, PartialEq, Debug)]
pub struct Results {
    /// The model's name.
    pub model: Recorded<Untrusted>,
    /// Trainable parameters.
    pub parameters: Recorded<u64>,
    /// Where it ran.
    pub device: Recorded<Device>,
    /// The machine.
    pub host: Recorded<Host>,
    /// The versions.
    pub software: Recorded<Software>,
    /// What it was told to do.
    pub config: Recorded<Config>,
    /// What `train_metric` and `test_metric` are.
    pub score: Recorded<Score>,
    /// The epochs, in order.
    pub epochs: Recorded<Vec<Epoch>>,
    /// Times of the unprofiled steps, in order, warm-up included.
    pub steps: Recorded<Vec<Nanoseconds>>,
    /// How many steps the trainer itself took as warm-up.
    pub warm_up_steps: Recorded<u64>,
    /// Wall time of the whole training.
    pub total: Recorded<Nanoseconds>,
    /// Peak memory.
    pub peak_memory: PeakMemory,
    /// What was profiled.
    pub profile: Recorded<Profile>,
    /// False after an interrupt.
    pub complete: Recorded<bool>,
}

/// The kind of device that a run used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU that torch calls `cuda` (NVIDIA, or AMD under ROCm).
    Cuda,
    /// Another that torch knows (`mps`, `xpu`): shown, never paired.
    Other(Untrusted),
}

/// Where a run ran.
#[derive(Clone, PartialEq, Debug)]
pub struct Device {
    /// Its kind.
    pub kind: DeviceKind,
    /// Its name.
    pub name: Recorded<Untrusted>,
    /// How many.
    pub count: Recorded<u64>,
    /// Memory of one.
    pub memory: Recorded<Bytes>,
}

/// The machine of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Host {
    /// The processor's name.
    pub cpu: Untrusted,
    /// Its cores.
    pub cores: u64,
    /// Threads that torch used.
    pub threads: u64,
}

/// The versions of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Software {
    /// libtorch.
    pub torch: Untrusted,
    /// CUDA.
    pub cuda: Recorded<Untrusted>,
    /// cuDNN.
    pub cudnn: Recorded<Untrusted>,
    /// The program that trained.
    pub trainer: Untrusted,
}

/// How a model is scored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Score {
    /// Overlap of masks, 0..1.
    Dice,
    /// Share of right answers, 0..1.
    Accuracy,
}

/// One epoch.
#[derive(Clone, PartialEq, Debug)]
pub struct Epoch {
    /// Its number as recorded; shapes without numbers count from 1.
    pub number: u64,
    /// Mean loss over the training set.
    pub train_loss: Recorded<f64>,
    /// Mean loss over the test set.
    pub test_loss: Recorded<f64>,
    /// Score on the training set.
    pub train_score: Recorded<f64>,
    /// Score on the test set.
    pub test_score: Recorded<f64>,
    /// Wall time.
    pub time: Recorded<Nanoseconds>,
}

/// Peak memory of a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PeakMemory {
    /// Resident memory of the process.
    pub host: Recorded<Bytes>,
    /// Allocated by tensors on the device.
    pub device_allocated: Recorded<Bytes>,
    /// Held by the device's caching allocator.
    pub device_reserved: Recorded<Bytes>,
}

/// What was profiled.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// How many steps.
    pub steps: u64,
    /// The trace's file name.
    pub trace: Recorded<Untrusted>,
}

/// Why a results.json cannot be used.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// It cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is far too large.
    #[error("{} is over {} MiB, which no results file is: remove or rename it", path.display(), MOST_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not JSON.
    #[error("{} is not valid JSON: write it again, or remove it to use the trace alone", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// It is of a later version.
    #[error("{} has schema_version {found}, this analyzer reads up to {NEWEST_SCHEMA}: use a newer analyzer", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A field is missing or has a wrong value.
    #[error("{}: {field}: expected {expected}, found {found}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, as `epochs[2].seconds`.
        field: String,
        /// What would be right.
        expected: &'static str,
        /// What is there, escaped and cut.
        found: String,
    },
    /// It is JSON, but nothing in it is a result.
    #[error("{} holds none of the fields of a results file: rename it, or give it a schema_version", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl DeviceKind {
    /// The kind in torch's notation: `cuda` and `cuda:1` are of one kind.
    #[must_use]
    pub fn from_torch(device: &str) -> Self {
        let kind = device.split(':').next().unwrap_or(device);
        match kind.to_ascii_lowercase().as_str() {
            "cpu" => Self::Cpu,
            "cuda" => Self::Cuda,
            _ => Self::Other(kind.into()),
        }
    }
}

impl PeakMemory {
    const UNRECORDED: Self = Self {
        host: Recorded::No(Why::NotInResults),
        device_allocated: Recorded::No(Why::NotInResults),
        device_reserved: Recorded::No(Why::NotInResults),
    };
}

/// Reads a results.json of any known shape.
///
/// # Errors
/// See [`ResultsError`].
pub fn read(path: &Path) -> Result<Results, ResultsError> {
    let unreadable = |source| ResultsError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if crate::units::count(bytes.len()) > MOST_BYTES {
        return Err(ResultsError::TooLarge { path: path.to_owned() });
    }
    parse(path, &bytes)
}

/// As [`read`], of a file's `bytes`; `path` is for messages.
///
/// # Errors
/// See [`ResultsError`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Results, ResultsError> {
    let json: Value = serde_json::from_slice(bytes)
        .or_else(|strict| serde_json::from_slice(&nonfinite::to_null(bytes)).map_err(|_| strict))
        .map_err(|source| ResultsError::NotJson { path: path.to_owned(), source })?;
    read_shape(&json).map_err(|problem| problem.at(path))
}

fn read_shape(json: &Value) -> Result<Results, Problem> {
    let fields = Fields::root(json)?;
    match fields.whole("schema_version")? {
        Recorded::No(_) => seed::read(&fields),
        Recorded::Yes(1) => v1::read(&fields),
        Recorded::Yes(0) => Err(fields.wrong("schema_version", "1")),
        Recorded::Yes(found) => Err(Problem::TooNew(found)),
    }
}

/// What is wrong with the content, before the file's path is known.
#[derive(PartialEq, Debug)]
enum Problem {
    TooNew(u64),
    Foreign,
    Field { field: String, expected: &'static str, found: String },
}

impl Problem {
    fn at(self, path: &Path) -> ResultsError {
        let path = path.to_owned();
        match self {
            Self::TooNew(found) => ResultsError::TooNew { path, found },
            Self::Foreign => ResultsError::Foreign { path },
            Self::Field { field, expected, found } => ResultsError::Field { path, field, expected, found },
        }
    }
}

#[cfg(test)]
mod tests;
