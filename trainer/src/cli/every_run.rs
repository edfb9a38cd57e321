//! `trainer all`: both models on the CPU and, where there is one, on the GPU.
//!
//! Each run is a process of its own, so that none inherits the memory, the threads or the warm caches of another.

use super::args::{AllArguments, ModelKind};
use crate::error::Error;
use crate::{interrupt, shim};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

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
            let status = wait(command.spawn().map_err(Error::file("start", &program))?, &program)?;
            if interrupt::asked() || status.code() == Some(i32::from(interrupt::EXIT_CODE)) {
                return Ok(interrupt::EXIT_CODE);
            }
            if !status.success() {
                let name = format!("trainer {} {}", model.name(), device.join(" "));
                return Err(Error::Child { name, status, out: all.out.clone() });
            }
        }
    }
    Ok(0)
}

/// Waits for a run. Ctrl-C reaches it as well as us; a SIGTERM to us is passed on, once.
fn wait(mut child: Child, program: &Path) -> Result<ExitStatus, Error> {
    let mut is_passed_on = false;
    loop {
        if let Some(status) = child.try_wait().map_err(Error::file("wait for", program))? {
            return Ok(status);
        }
        if interrupt::is_termination() && !is_passed_on {
            interrupt::terminate(child.id());
            is_passed_on = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
