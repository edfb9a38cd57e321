//! The memory of one trace: curve, peak, and what was live at it.

use super::material::{Material, TOP, TraceMaterial};
use super::model::{Block, Chart, Figure, Phrase, Piece, Section, phrase};
use crate::analysis::memory::{self, MemoryRow, since_start};
use crate::table::{Recorded, Table};
use crate::units::{Nanoseconds, share};

/// The section.
pub(super) fn sections(_: &Material<'_>, trace: &TraceMaterial<'_>) -> Vec<Section> {
    let mut blocks = Vec::new();
    if let Recorded::No(why) = memory::recorded(trace.context().trace) {
        blocks.push(Block::Paragraph(phrase![format!("Memory: not recorded ({}).", why.text())]));
    } else if trace.memory.is_empty() {
        blocks.push(Block::Paragraph(phrase!["Memory was recorded, and nothing was allocated or freed."]));
    }
    for row in trace.memory {
        // Where nothing was allocated or freed to speak of, a curve would be a line.
        let lowest = row.curve.iter().map(|(_, allocated, _)| *allocated).min();
        if lowest.is_some_and(|lowest| lowest < row.peak) {
            blocks.push(Block::Figure(curve(trace, row)));
        }
        blocks.push(Block::Bullets(live(row)));
    }
    if !trace.memory.is_empty() {
        let table = Table::new("memory", memory::COLUMNS, trace.memory);
        let of_rows = table.rows.len();
        let caption = phrase!["Memory by allocator"];
        blocks.push(Block::Table { caption, table, of_rows, inputs: vec![trace.trace.input] });
    }
    vec![Section { title: phrase!["Memory"], level: 2, blocks }]
}

fn curve(trace: &TraceMaterial<'_>, row: &MemoryRow) -> Figure {
    let device = row.device.name();
    let allocated = row.curve.iter().map(|&(time, allocated, _)| (since_start(row, time), allocated));
    let reserved = row.curve.iter().filter_map(|&(time, _, reserved)| Some((since_start(row, time), reserved?)));
    // A caching allocator that holds many times what is used would press the curve to the floor: then it is said instead.
    let is_shown = row.peak_reserved.is_some_and(|held| held.get() / 3 <= row.peak.get());
    let held = row.peak_reserved.filter(|_| !is_shown);
    let relative = if row.relative { ", relative to an unknown start" } else { "" };
    Figure {
        file: format!("{}_memory_{}", trace.file_stem, device.replace(':', "_")),
        title: format!("{}: memory of {device}", trace.label.raw()),
        caption: phrase![format!("Bytes allocated after each allocator event{relative}; the peak is marked.")]
            .into_iter()
            .chain(held.into_iter().flat_map(|held| phrase![" The caching allocator held up to ", held, "."]))
            .collect(),
        chart: Chart::Memory {
            allocated: allocated.collect(),
            reserved: if is_shown { reserved.collect() } else { Vec::new() },
            peak: (since_start(row, row.peak_time), row.peak),
            steps: trace.step_marks(),
        },
    }
}

/// What was live at the peak, largest first.
fn live(row: &MemoryRow) -> Vec<Phrase> {
    let of_peak = |bytes: crate::units::Bytes| share(Nanoseconds::new(bytes.get()), Nanoseconds::new(row.peak.get()));
    let mut bullets =
        vec![phrase![format!("{}: peak ", row.device.name()), row.peak, " at ", since_start(row, row.peak_time)]];
    bullets.extend(row.live.iter().take(TOP).map(|live| {
        let mut phrase = phrase!["live at the peak: ", live.bytes, " by ", live.op.clone()];
        if let Some(step) = live.step {
            phrase.extend(phrase![format!(" in step {step}")]);
        }
        if live.allocations > 0 {
            phrase.extend(phrase![" (", Piece::Counted(live.allocations, "allocation"), ")"]);
        }
        phrase.extend(of_peak(live.bytes).into_iter().flat_map(|part| phrase![", ", Piece::Share(part)]));
        phrase
    }));
    if row.live.len() > TOP {
        bullets.push(phrase![crate::units::count(row.live.len() - TOP), " smaller ones are in tables/memory.csv"]);
    }
    bullets
}
