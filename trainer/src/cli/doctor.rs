//! `trainer doctor`: what libtorch, CUDA and GPU there are, and what to do where one is missing.

use crate::run::{cuda_version, cudnn_version};
use crate::{host, shim};
use std::io::Write;

/// Prints what was found, and ends with what to do.
pub(super) fn run() {
    let mut lines = vec![
        format!("libtorch   {}, {} threads", shim::torch_version(), tch::get_num_threads()),
        format!("processor  {}, {} logical cores", host::processor(), host::cores()),
    ];
    if let Some(bytes) = host::memory_bytes() {
        lines.push(format!("memory     {} MiB", bytes >> 20));
    }
    let advice = match shim::load_cuda() {
        Ok(()) => gpus(&mut lines),
        Err(why) => {
            let why = why.to_string();
            let is_absent = why.contains("No such file");
            let what = if is_absent { "this is the light set of libtorch, for CPUs".to_owned() } else { why };
            lines.push(format!("CUDA       no: {what}"));
            if std::path::Path::new("/proc/driver/nvidia").exists() {
                "a GPU's driver is there, but libtorch's CUDA half is not: `trainer/libtorch/setup.sh full` fetches it"
            } else {
                "CPU training works: `trainer unet --device cpu`; for a GPU run `make setup` on a machine with one"
            }
        }
    };
    lines.push(String::new());
    lines.push(advice.to_owned());
    for line in lines {
        drop(writeln!(std::io::stdout(), "{line}"));
    }
}

fn gpus(lines: &mut Vec<String>) -> &'static str {
    let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
    if count == 0 {
        lines.push("CUDA       in this libtorch, but torch sees no GPU".to_owned());
        return "CPU training works; for CUDA check the NVIDIA driver (`nvidia-smi`) and CUDA_VISIBLE_DEVICES";
    }
    let mut is_known = false;
    for number in 0..count {
        let facts = shim::device_facts(number);
        is_known |= facts.is_ok();
        match facts {
            Ok(facts) => lines.push(format!(
                "GPU        cuda:{number} {}, {} MiB, CUDA {} (driver up to {}), cuDNN {}",
                facts.name,
                facts.memory_bytes >> 20,
                cuda_version(facts.cuda),
                cuda_version(facts.driver),
                cudnn_version(facts.cudnn)
            )),
            Err(why) => lines.push(format!("GPU        cuda:{number}: {why}")),
        }
    }
    if is_known {
        "everything is there: `trainer unet --device cuda`"
    } else {
        "no GPU answers: check the NVIDIA driver (`nvidia-smi`)"
    }
}
