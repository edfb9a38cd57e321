//! results.json: what a run measured about itself, in the shape that `docs/results.schema.json` describes.
//!
//! The schema is made from these types: their comments are its descriptions. A loss that is not a number is null.

use crate::cli::args::Precision;
use crate::metrics::Score;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The results of one training run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "results.json")]
pub(crate) struct Results {
    /// The shape of this file.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) schema_version: u64,
    /// The model: unet or lstm.
    pub(crate) model: String,
    /// Trainable parameters.
    pub(crate) parameters: u64,
    /// Where the model ran.
    pub(crate) device: DeviceResults,
    /// The machine.
    pub(crate) host: HostResults,
    /// The versions.
    pub(crate) software: SoftwareResults,
    /// What the run was told to do.
    pub(crate) config: ConfigResults,
    /// What train_metric and test_metric are.
    pub(crate) metric: MetricName,
    /// The epochs that are complete, in order.
    pub(crate) epochs: Vec<EpochResults>,
    /// Wall time of every training step that was not profiled, in order, warm-up included: from gathering the batch to the
    /// optimizer, with the GPU synchronised before and after.
    pub(crate) step_seconds: Vec<f64>,
    /// How many of the first steps are warm-up.
    pub(crate) warmup_steps: u64,
    /// Positions in step_seconds at which an interrupted run went on in a new process: steps from there on are warm-up too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resumed_at_steps: Vec<u64>,
    /// Wall time of all training and testing; without making the data, profiling and writing files.
    pub(crate) total_seconds: f64,
    /// Peak memory before any profiling.
    pub(crate) peak_memory: PeakMemoryResults,
    /// What was profiled, after the training and apart from its times; null for nothing.
    pub(crate) profile: Option<ProfileResults>,
    /// False after an interrupt: `--resume` goes on.
    pub(crate) complete: bool,
}

/// Where a model ran.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeviceResults {
    /// cpu or cuda.
    pub(crate) kind: String,
    /// The GPU's name, or the processor's.
    pub(crate) name: String,
    /// How many devices the run used.
    pub(crate) count: u64,
    /// Memory of one; the machine's, on a CPU.
    pub(crate) memory_bytes: Option<u64>,
}

/// The machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HostResults {
    /// The processor's name.
    pub(crate) cpu: String,
    /// Logical processors that this process may use.
    pub(crate) cores: u64,
    /// Threads that torch used within one operator.
    pub(crate) threads: u64,
}

/// The versions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SoftwareResults {
    /// libtorch.
    pub(crate) torch: String,
    /// CUDA's runtime; null on a CPU.
    pub(crate) cuda: Option<String>,
    /// cuDNN; null on a CPU.
    pub(crate) cudnn: Option<String>,
    /// The program that trained.
    pub(crate) trainer: String,
}

/// What a run was told to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ConfigResults {
    /// How often the training set is seen.
    pub(crate) epochs: u64,
    /// Samples per step.
    pub(crate) batch_size: u64,
    /// Samples of the training set.
    pub(crate) train_samples: u64,
    /// Samples of the test set.
    pub(crate) test_samples: u64,
    /// Adam's learning rate.
    pub(crate) learning_rate: f64,
    /// Seed of data, order and initial weights.
    pub(crate) seed: u64,
    /// fp32 (TF32 off, in cuDNN too), tf32 or bf16 (autocast).
    pub(crate) precision: Precision,
    /// Whether images lie with the channels innermost.
    pub(crate) channels_last: bool,
    /// Height and width of an image in pixels (unet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_size: Option<u64>,
    /// Tokens of a text, padding included (lstm).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sequence_length: Option<u64>,
}

/// How a model is scored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricName {
    /// The mean over the classes of their Dice coefficient, over all pixels, 0..1.
    Dice,
    /// The share of right answers, 0..1.
    Accuracy,
}

/// One epoch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EpochResults {
    /// Its number, from 1.
    pub(crate) epoch: u64,
    /// Mean loss over the training set, as each batch was met.
    pub(crate) train_loss: Option<f64>,
    /// Mean loss over the test set at the epoch's end.
    pub(crate) test_loss: Option<f64>,
    /// Score on the training set, as each batch was met.
    pub(crate) train_metric: Option<f64>,
    /// Score on the test set at the epoch's end.
    pub(crate) test_metric: Option<f64>,
    /// Wall time of its training and testing.
    pub(crate) seconds: f64,
}

/// Peak memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PeakMemoryResults {
    /// Resident memory of the process.
    pub(crate) host_bytes: Option<u64>,
    /// Allocated by tensors on the GPU; null on a CPU.
    pub(crate) device_allocated_bytes: Option<u64>,
    /// Held by torch's caching allocator on the GPU; null on a CPU.
    pub(crate) device_reserved_bytes: Option<u64>,
}

/// What was profiled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProfileResults {
    /// How many steps, after all others.
    pub(crate) steps: u64,
    /// The trace's file name, in the same folder.
    pub(crate) trace: String,
}

impl MetricName {
    /// As in the file.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dice => "dice",
            Self::Accuracy => "accuracy",
        }
    }
}

impl From<Score> for MetricName {
    fn from(score: Score) -> Self {
        match score {
            Score::Dice => Self::Dice,
            Score::Accuracy => Self::Accuracy,
        }
    }
}

impl PeakMemoryResults {
    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            host_bytes: self.host_bytes.max(other.host_bytes),
            device_allocated_bytes: self.device_allocated_bytes.max(other.device_allocated_bytes),
            device_reserved_bytes: self.device_reserved_bytes.max(other.device_reserved_bytes),
        }
    }
}

/// A number as JSON can hold it.
pub(crate) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn at_root(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    /// The committed schema is the one that these types make; `BLESS=1` rewrites it.
    #[test]
    fn the_committed_schema_is_made_from_these_types() {
        let path = at_root("docs/results.schema.json");
        let made = serde_json::to_string_pretty(&schemars::schema_for!(Results)).unwrap() + "\n";
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            made,
            "`make bless` rewrites {}",
            path.display()
        );
    }

    #[test]
    fn every_recorded_run_is_valid_by_the_schema() {
        let schema = serde_json::to_value(schemars::schema_for!(Results)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut seen = 0;
        for folder in ["fixtures/runs", "fixtures/repeats/results", "fixtures/learned"] {
            for run in std::fs::read_dir(at_root(folder)).unwrap() {
                let path = run.unwrap().path().join("results.json");
                let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 0);
        let wrong = serde_json::json!({ "schema_version": 2, "model": "unet" });
        assert!(!validator.is_valid(&wrong), "the schema accepts anything");
    }
}
