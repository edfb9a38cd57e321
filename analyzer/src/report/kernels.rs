//! The kernels of one GPU trace.

use super::material::{Material, TOP, TraceMaterial};
use super::model::{Block, Phrase, Piece, Section, phrase};
use crate::analysis::kernels::{self, KernelRow};
use crate::catalog::kernel_names::uses_tensor_cores;
use crate::table::Table;
use crate::units::{Nanoseconds, share};

/// The section; none for a trace without kernels.
pub(super) fn sections(_: &Material<'_>, trace: &TraceMaterial<'_>) -> Vec<Section> {
    if trace.kernels.is_empty() {
        return Vec::new();
    }
    let top: Vec<KernelRow> = trace.kernels.iter().take(TOP).cloned().collect();
    let mut blocks: Vec<Block> = tensor_cores(trace.kernels).map(Block::Paragraph).into_iter().collect();
    blocks.push(Block::Table {
        caption: phrase!["Kernels by total time"],
        table: Table::new("kernels", kernels::COLUMNS, &top),
        of_rows: trace.kernels.len(),
        inputs: vec![trace.trace.input],
    });
    vec![Section { title: phrase!["Kernels"], level: 2, blocks }]
}

/// How much of the kernels' time is that of Tensor Core kernels, and of how much the names do not tell.
fn tensor_cores(kernels: &[KernelRow]) -> Option<Phrase> {
    let time = |wanted: Option<bool>| -> Nanoseconds {
        kernels.iter().filter(|kernel| uses_tensor_cores(kernel.name.raw()) == wanted).map(|kernel| kernel.total).sum()
    };
    let all: Nanoseconds = kernels.iter().map(|kernel| kernel.total).sum();
    let mut phrase =
        phrase!["Tensor Core kernels take ", Piece::Share(share(time(Some(true)), all)?), " of kernel time"];
    let unknown = time(None);
    if unknown > Nanoseconds::ZERO {
        phrase.extend(phrase![" (of ", Piece::Share(share(unknown, all)?), " the names do not tell)"]);
    }
    phrase.extend(phrase!["."]);
    Some(phrase)
}
