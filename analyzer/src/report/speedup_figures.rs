//! The charts of CPU against GPU: whole times, time per step and per epoch, and each pair by category.

use super::model::{Block, Chart, Figure, Group, Phrase, SpeedupBar, phrase};
use super::speedup::title;
use crate::compare::speedup::{Metric, SpeedupRow};
use crate::table::Recorded;
use crate::text::Untrusted;
use crate::units::{Nanoseconds, share};

/// All charts of `rows`; what cannot be drawn is said.
pub(super) fn figures(rows: &[SpeedupRow]) -> Vec<Block> {
    let mut blocks: Vec<Block> = whole_times(rows).into_iter().collect();
    blocks.extend(grouped(rows, Metric::Step, "time_per_step", "Time per step"));
    blocks.extend(grouped(rows, Metric::Epoch, "time_per_epoch", "Time per epoch"));
    let pairs = rows.chunk_by(|left, right| (&left.model, &left.variant) == (&right.model, &right.variant));
    blocks.extend(pairs.enumerate().filter_map(|(number, rows)| by_category(number, rows)));
    blocks
}

fn bar(row: &SpeedupRow, label: String) -> Option<SpeedupBar> {
    let Recorded::Yes(ratio) = row.ratio else { return None };
    Some(SpeedupBar { label, ratio, interval: row.interval })
}

fn figure(file: String, title: String, caption: Phrase, chart: Chart) -> Block {
    Block::Figure(Figure { file, title, caption, chart })
}

/// Step, epoch and total of every pair.
fn whole_times(rows: &[SpeedupRow]) -> Option<Block> {
    let whole = rows.iter().filter(|row| matches!(row.metric, Metric::Total | Metric::Epoch | Metric::Step));
    let bars: Vec<SpeedupBar> =
        whole.filter_map(|row| bar(row, format!("{}, {}", title(row), row.metric.word()))).collect();
    let caption = "CPU time over GPU time; whiskers are 95 % intervals where both sides have at least 3 runs.";
    let title = "How many times as fast as the CPU".to_owned();
    (!bars.is_empty()).then(|| figure("speedup".to_owned(), title, phrase![caption], Chart::Speedups { bars }))
}

/// One metric, CPU beside GPU; a sentence where no run recorded it.
fn grouped(rows: &[SpeedupRow], metric: Metric, file: &str, what: &str) -> Option<Block> {
    let of_metric = rows.iter().filter(|row| row.metric == metric);
    let groups: Vec<Group> = of_metric
        .map(|row| Group { label: title(row), cpu: row.cpu.value(), gpu: row.gpu.value() })
        .filter(|group| group.cpu.is_some() || group.gpu.is_some())
        .collect();
    if groups.is_empty() {
        let missing = phrase![format!("{what}: not recorded (no results.json).")];
        return (!rows.is_empty()).then_some(Block::Paragraph(missing));
    }
    let caption = phrase![format!("{what}: of several runs of a side, the geometric mean.")];
    let chart = Chart::Grouped { groups, axis: what.to_lowercase() };
    Some(figure(file.to_owned(), format!("{what}, CPU against GPU"), caption, chart))
}

/// The categories of one pair, largest on the CPU first, with the weight that each has there.
fn by_category(number: usize, rows: &[SpeedupRow]) -> Option<Block> {
    let categories = || rows.iter().filter(|row| row.metric == Metric::Category);
    let all: Nanoseconds = categories().filter_map(|row| row.cpu.value()).sum();
    let label = |row: &SpeedupRow| {
        let name = row.name.as_ref().map_or("", Untrusted::raw);
        let part = row.cpu.value().and_then(|cpu| share(cpu, all)).map_or(0.0, |part| part * 100.0);
        format!("{name} ({part:.1} % of CPU time)")
    };
    let bars: Vec<SpeedupBar> = categories().filter_map(|row| bar(row, label(row))).collect();
    let first = rows.first().filter(|_| !bars.is_empty())?;
    let caption =
        "Host self time per step on the CPU over device self time per step on the GPU, for categories on both sides.";
    let title = format!("{}: speedup by category", title(first));
    Some(figure(format!("speedup_by_category_{number}"), title, phrase![caption], Chart::Speedups { bars }))
}
