//! `trainer all`: both models on the CPU and, where there is one, on the GPU.
//!
//! Each run is a process of its own, so that none inherits the memory, the threads or the warm caches of another.

use super::args::{AllArguments, ModelKind};
use crate::error::Error;
use crate::{interrupt, shim};
use std::process::Command;

/// Starts the runs one after the other.
///
/// # Errors
/// When one of them fails; the runs before it stay.
pub(super) fn run(all: &AllArguments) -> Result<u8, Error> {
    let has_gpu = shim::load_cuda().is_ok() && tch::Cuda::device_count() > 0;
    let devices: &[&[&str]] = if has_gpu {
        &[
            &["--device", "cpu"],
            &["--device", "cuda"],
            &["--device", "cuda", "--precision", "tf32"],
            &["--device", "cuda", "--precision", "bf16"],
        ]
    } else {
        &[&["--device", "cpu"]]
    };
    let program = std::env::current_exe().map_err(Error::file("find the program", "trainer".as_ref()))?;
    for model in [ModelKind::Unet, ModelKind::Lstm] {
        for device in devices {
            let mut command = Command::new(&program);
            command.arg(model.name()).args(*device).arg("--out").arg(&all.out).arg("--seed").arg(all.seed.to_string());
            if !all.full {
                let [batch_size, train_samples, test_samples] = model.small_sizes();
                command.args(["--batch-size", &batch_size.to_string()]);
                command.args(["--train-samples", &train_samples.to_string()]);
                command.args(["--test-samples", &test_samples.to_string()]);
            }
            if all.quiet {
                command.arg("--quiet");
            }
            let status = command.status().map_err(Error::file("start", &program))?;
            // Ctrl-C reaches the run as well as us: it has written what it had.
            if interrupt::asked() || status.code() == Some(i32::from(interrupt::EXIT_CODE)) {
                return Ok(interrupt::EXIT_CODE);
            }
            if !status.success() {
                let name = format!("trainer {} {}", model.name(), device.join(" "));
                return Err(Error::Child(name, format!("the runs before it are in {}", all.out.display())));
            }
        }
    }
    Ok(0)
}
