//! The command line as typed, and what it means once decided.
//!
//! [`Arguments`] is clap's; [`Plan`] is one run with every default filled in and every impossible wish refused.

use crate::error::Error;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tch::Device;

/// Trains a U-Net and a BiLSTM on synthetic data, on the CPU and on CUDA, and records profiler traces of them.
#[derive(Parser, Debug)]
#[command(name = "trainer", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Train the U-Net: 3-class segmentation of 128x128 images
    Unet(RunArguments),
    /// Train the bidirectional LSTM: sentiment of texts of up to 100 tokens
    Lstm(RunArguments),
    /// Train both models on the CPU and, where there is one, on the GPU
    All(AllArguments),
    /// Say what libtorch, CUDA and GPU there are, and what to do where one is missing
    Doctor,
}

fn at_least_one() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

#[derive(Args, Debug, Clone)]
pub(crate) struct RunArguments {
    /// Where to train: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: String,
    /// How often the training set is seen
    #[arg(long, default_value = "5", value_name = "N", allow_negative_numbers = true, value_parser = at_least_one())]
    pub(crate) epochs: u64,
    /// Samples per step [default: 16 for unet, 64 for lstm]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one())]
    pub(crate) batch_size: Option<u64>,
    /// Samples of the training set [default: 1600 for unet, 12800 for lstm]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one())]
    pub(crate) train_samples: Option<u64>,
    /// Samples of the test set [default: 320 for unet, 2560 for lstm]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one())]
    pub(crate) test_samples: Option<u64>,
    /// Adam's learning rate
    #[arg(long, default_value = "0.001", value_name = "RATE", allow_negative_numbers = true)]
    pub(crate) learning_rate: f64,
    /// Seed of the data, of their order and of the initial weights
    #[arg(long, default_value = "1", value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Number format: fp32, tf32 (CUDA alone) or bf16 (autocast)
    #[arg(long, value_enum, default_value = "fp32")]
    pub(crate) precision: Precision,
    /// Lay images out with the channels innermost (unet alone)
    #[arg(long)]
    pub(crate) channels_last: bool,
    /// Steps to profile after the training, 0 for none
    #[arg(long, default_value = "4", value_name = "N", allow_negative_numbers = true)]
    pub(crate) profile_steps: u64,
    /// First steps that are no sample of the speed: they are recorded, and counted as warm-up
    #[arg(long, default_value = "5", value_name = "N", allow_negative_numbers = true)]
    pub(crate) warmup_steps: u64,
    /// Folder that the run's folder goes into
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Go on with the interrupted run of the same model, device and variant
    #[arg(long)]
    pub(crate) resume: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct AllArguments {
    /// The full sizes: 5 epochs of the defaults of `unet` and `lstm`; hours on a small CPU
    #[arg(long)]
    pub(crate) full: bool,
    /// Seed of the data, of their order and of the initial weights
    #[arg(long, default_value = "1", value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Folder that the runs' folders go into
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Which model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ModelKind {
    Unet,
    Lstm,
}

/// How numbers are represented in matrix products, convolutions and recurrent layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    /// 32-bit floating point throughout; TF32 off, in cuDNN too
    Fp32,
    /// TF32 in matrix products and in cuDNN
    Tf32,
    /// bf16 autocast; weights and optimizer stay fp32
    Bf16,
}

/// One run, decided.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) model: ModelKind,
    pub(crate) device: Device,
    pub(crate) epochs: u64,
    pub(crate) batch_size: usize,
    pub(crate) train_samples: usize,
    pub(crate) test_samples: usize,
    pub(crate) learning_rate: f64,
    pub(crate) seed: u64,
    pub(crate) precision: Precision,
    pub(crate) channels_last: bool,
    pub(crate) profile_steps: u64,
    pub(crate) warmup_steps: u64,
    pub(crate) out: PathBuf,
    pub(crate) resume: bool,
    pub(crate) quiet: bool,
}

impl ModelKind {
    /// As in commands, folder names and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::Lstm => "lstm",
        }
    }

    /// Samples per step, for training, for testing: what a GPU does in well under a minute.
    fn default_sizes(self) -> [u64; 3] {
        match self {
            Self::Unet => [16, 1_600, 320],
            Self::Lstm => [64, 12_800, 2_560],
        }
    }

    /// The same for `trainer all` without --full: both models on 2 CPU cores in well under 15 minutes.
    pub(crate) fn small_sizes(self) -> [u64; 3] {
        match self {
            Self::Unet => [4, 240, 48],
            Self::Lstm => [64, 6_400, 640],
        }
    }
}

impl Plan {
    /// Decides what `arguments` mean for `model`.
    ///
    /// # Errors
    /// For options that do not go together, or a device that is not one.
    pub(crate) fn new(model: ModelKind, arguments: RunArguments) -> Result<Self, Error> {
        let device = device(&arguments.device)?;
        let usage = |message: &str| Err(Error::Usage(message.to_owned()));
        if arguments.precision == Precision::Tf32 && !device.is_cuda() {
            return usage("--precision tf32 is a mode of NVIDIA GPUs: add --device cuda, or take fp32");
        }
        if arguments.channels_last && model == ModelKind::Lstm {
            return usage("--channels-last is a layout of images, which lstm has none of: leave it out");
        }
        if !(arguments.learning_rate.is_finite() && arguments.learning_rate > 0.0) {
            return usage("--learning-rate must be a number above 0");
        }
        let [batch_size, train_samples, test_samples] = model.default_sizes();
        let size = |given: Option<u64>, default: u64, option: &str| {
            let size = given.unwrap_or(default);
            // What indices can count; whether memory has room for them is asked when the run starts.
            match usize::try_from(size) {
                Ok(size) if size <= 10_000_000 => Ok(size),
                _ => Err(Error::Usage(format!("{option} {size} is too many: 10000000 is the most"))),
            }
        };
        Ok(Self {
            model,
            device,
            epochs: arguments.epochs,
            batch_size: size(arguments.batch_size, batch_size, "--batch-size")?,
            train_samples: size(arguments.train_samples, train_samples, "--train-samples")?,
            test_samples: size(arguments.test_samples, test_samples, "--test-samples")?,
            learning_rate: arguments.learning_rate,
            seed: arguments.seed,
            precision: arguments.precision,
            channels_last: arguments.channels_last,
            profile_steps: arguments.profile_steps,
            warmup_steps: arguments.warmup_steps,
            out: arguments.out,
            resume: arguments.resume,
            quiet: arguments.quiet,
        })
    }

    /// The command that goes on with this run after an interrupt.
    pub(crate) fn resume_command(&self) -> String {
        let device = match self.device {
            Device::Cuda(number) => format!("cuda:{number}"),
            _ => "cpu".to_owned(),
        };
        let precision =
            self.precision.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let layout = if self.channels_last { " --channels-last" } else { "" };
        let program = std::env::args_os().next().unwrap_or_else(|| "trainer".into());
        format!(
            "{} {} --device {device} --epochs {} --batch-size {} --train-samples {} --test-samples {} \
             --learning-rate {} --seed {} --precision {precision}{layout} --profile-steps {} --warmup-steps {} \
             --out {} --resume",
            program.to_string_lossy(),
            self.model.name(),
            self.epochs,
            self.batch_size,
            self.train_samples,
            self.test_samples,
            self.learning_rate,
            self.seed,
            self.profile_steps,
            self.warmup_steps,
            self.out.display(),
        )
    }

    /// `unet_cuda_bf16-channels_last`: model, device, and what differs from fp32 and the default layout.
    pub(crate) fn run_name(&self) -> String {
        let device = if self.device.is_cuda() { "cuda" } else { "cpu" };
        let precision = match self.precision {
            Precision::Fp32 => None,
            Precision::Tf32 => Some("tf32"),
            Precision::Bf16 => Some("bf16"),
        };
        let layout = self.channels_last.then_some("channels_last");
        let variant: Vec<&str> = precision.into_iter().chain(layout).collect();
        let tail = if variant.is_empty() { String::new() } else { format!("_{}", variant.join("-")) };
        format!("{}_{device}{tail}", self.model.name())
    }
}

/// `cpu`, `cuda`, `cuda:1`.
fn device(text: &str) -> Result<Device, Error> {
    match text {
        "cpu" => Ok(Device::Cpu),
        "cuda" => Ok(Device::Cuda(0)),
        _ => text
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
            .map(Device::Cuda)
            .ok_or_else(|| Error::Usage(format!("--device '{text}' is none of cpu, cuda, cuda:N"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &[&str]) -> Result<Plan, Error> {
        let arguments = Arguments::try_parse_from(["trainer"].iter().chain(words)).unwrap();
        match arguments.command {
            Command::Unet(run) => Plan::new(ModelKind::Unet, run),
            Command::Lstm(run) => Plan::new(ModelKind::Lstm, run),
            _ => panic!("no run"),
        }
    }

    #[test]
    fn names_are_those_of_the_contract() {
        let name = |words: &[&str]| plan(words).unwrap().run_name();
        assert_eq!(name(&["unet"]), "unet_cpu");
        assert_eq!(name(&["unet", "--device", "cuda:1", "--precision", "tf32"]), "unet_cuda_tf32");
        assert_eq!(name(&["unet", "--device", "cuda", "--channels-last"]), "unet_cuda_channels_last");
        assert_eq!(
            name(&["unet", "--device", "cuda", "--precision", "bf16", "--channels-last"]),
            "unet_cuda_bf16-channels_last"
        );
        assert_eq!(name(&["lstm", "--precision", "bf16"]), "lstm_cpu_bf16");
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_a_way_out() {
        let refused = |words: &[&str]| plan(words).unwrap_err().to_string();
        assert!(refused(&["unet", "--precision", "tf32"]).contains("add --device cuda"));
        assert!(refused(&["lstm", "--channels-last"]).contains("leave it out"));
        assert!(refused(&["unet", "--device", "tpu"]).contains("none of cpu, cuda, cuda:N"));
        assert!(refused(&["unet", "--learning-rate", "nan"]).contains("above 0"));
        assert!(refused(&["unet", "--train-samples", "99999999999"]).contains("too many"));
    }

    #[test]
    fn the_command_that_resumes_means_the_same_run() {
        let typed =
            ["unet", "--device", "cuda:1", "--precision", "bf16", "--channels-last", "--epochs", "7", "--seed", "3"];
        let first = plan(&typed).unwrap();
        let command = first.resume_command();
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let again = plan(&words).unwrap();
        assert!(again.resume);
        assert_eq!(format!("{again:?}"), format!("{:?}", Plan { resume: true, ..first }));
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_definitions() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
