//! Whether the kernels of a run ran in the precision that its name or results say (CONTRACT, "runs/").

use super::model::{Phrase, phrase};
use crate::analysis::kernels::KernelRow;
use crate::audit::{Code, Finding};
use crate::catalog::categories::OpCategory;
use crate::catalog::kernel_names::{kernel_precision, uses_tensor_cores};
use crate::run::RunFolder;
use crate::run::results::DeviceKind;
use crate::units::Nanoseconds;

/// A run said one precision, its matrix kernels another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Contradiction {
    said: &'static str,
    found: &'static str,
    time: Nanoseconds,
}

/// Precisions that use Tensor Cores, and the word in a variant that asks for each.
const REDUCED: [&str; 4] = ["tf32", "bf16", "fp16", "fp8"];

/// Looks at the kernels of a CUDA run: an fp32 run must have no matrix kernel of a reduced precision, a run of a reduced
/// precision must have at least one.
pub(super) fn check(folder: &RunFolder, kernels: &[KernelRow]) -> Option<Contradiction> {
    if folder.device != Some(DeviceKind::Cuda) {
        return None;
    }
    let time_of = |precision: &str| -> Nanoseconds {
        kernels
            .iter()
            .filter(|kernel| is_matrix_kernel(kernel) && kernel_precision(kernel.name.raw()) == Some(precision))
            .map(|kernel| kernel.total)
            .sum()
    };
    let heaviest = |among: &[&'static str]| {
        among
            .iter()
            .map(|&precision| (time_of(precision), precision))
            .filter(|(time, _)| *time > Nanoseconds::ZERO)
            .max()
    };
    let said = REDUCED.into_iter().find(|word| folder.variant.raw().split('-').any(|part| part == *word));
    let (time, found) = match said {
        None => heaviest(&REDUCED)?,
        Some(said) if time_of(said) == Nanoseconds::ZERO => heaviest(&["fp32", "tf32", "bf16", "fp16", "fp8"])?,
        Some(_) => return None,
    };
    Some(Contradiction { said: said.unwrap_or("fp32"), found, time })
}

/// Kernels whose precision is the run's: matrix products and convolutions on Tensor Cores, or those that could have been.
fn is_matrix_kernel(kernel: &KernelRow) -> bool {
    uses_tensor_cores(kernel.name.raw()) == Some(true)
        || matches!(kernel.category, OpCategory::Gemm | OpCategory::Convolution)
            && uses_tensor_cores(kernel.name.raw()) == Some(false)
}

impl Contradiction {
    /// For the audit.
    pub(super) fn finding(&self) -> Finding {
        let message = format!(
            "the run says {}, but by their names its matrix kernels ran in {}: compare it as what it was",
            self.said, self.found
        );
        Finding::new(Code::Precision, 1, message).with_time(self.time, None)
    }

    /// For the run's chapter.
    pub(super) fn phrase(&self) -> Phrase {
        phrase![
            "The run says ",
            self.said,
            ", but by their names its matrix kernels ran in ",
            self.found,
            " (",
            self.time,
            " of device time)."
        ]
    }
}
