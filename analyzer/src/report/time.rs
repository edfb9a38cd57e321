//! Where one trace's time goes: categories, the steps' partition, the device over time and why it was idle.

use super::material::{Material, TraceMaterial};
use super::model::{Block, Chart, Figure, Phrase, Piece, Section, Slice, phrase};
use crate::analysis::categories::{self, Kind};
use crate::analysis::timeline::{self, DeviceRow};
use crate::table::Table;
use crate::units::{Nanoseconds, share};

/// The section.
pub(super) fn sections(_: &Material<'_>, trace: &TraceMaterial<'_>) -> Vec<Section> {
    let mut blocks = Vec::new();
    if trace.categories.iter().any(|row| row.kind == Kind::Op) {
        blocks.push(pie(trace));
    } else {
        blocks.push(Block::Paragraph(phrase!["No operator and no device event: there is no time to break down."]));
    }
    if !trace.categories.is_empty() {
        let table = Table::new("categories", categories::COLUMNS, trace.categories);
        let of_rows = table.rows.len();
        let caption = phrase!["By category, and the steps' time by what was going on"];
        blocks.push(Block::Table { caption, table, of_rows, inputs: vec![trace.trace.input] });
    }
    for device in trace.devices {
        blocks.push(Block::Figure(utilisation(trace, device)));
        blocks.push(Block::Bullets(idle(device)));
    }
    if !trace.devices.is_empty() {
        let table = Table::new("timeline", timeline::COLUMNS, trace.devices);
        let of_rows = table.rows.len();
        let caption = phrase!["Each device over time"];
        blocks.push(Block::Table { caption, table, of_rows, inputs: vec![trace.trace.input] });
    }
    vec![Section { title: phrase!["Where the time goes"], level: 2, blocks }]
}

fn pie(trace: &TraceMaterial<'_>) -> Block {
    let side = if trace.has_device() { "device self time" } else { "host self time" };
    let rows = trace.categories.iter().filter(|row| row.kind == Kind::Op);
    Block::Figure(Figure {
        file: format!("{}_categories", trace.file_stem),
        title: format!("{}: {side} by category", trace.label.raw()),
        caption: phrase![format!("All {side} of the trace by operator category; the shares sum to 100 %.")],
        chart: Chart::Pie { slices: rows.map(|row| Slice { category: row.category, time: row.time }).collect() },
    })
}

fn utilisation(trace: &TraceMaterial<'_>, device: &DeviceRow) -> Figure {
    let origin = device.origin;
    let buckets = device.utilisation.iter().filter_map(|&(start, busy)| Some((start - origin, busy?)));
    Figure {
        file: format!("{}_busy_{}", trace.file_stem, device.device),
        title: format!("{}: device {} busy over time", trace.label.raw(), device.device),
        caption: phrase![
            "Share of each hundredth of the time from the first to the last device event in which any kernel, copy or fill ran."
        ],
        chart: Chart::Utilisation {
            buckets: buckets.collect(),
            end: device.end - origin,
            steps: trace.step_marks(),
            mean_share: share(device.busy, device.total()).unwrap_or(0.0),
        },
    }
}

/// Idle time by cause, largest first.
fn idle(device: &DeviceRow) -> Vec<Phrase> {
    let mut causes = device.idle_causes.named().to_vec();
    causes.retain(|(_, time)| *time > Nanoseconds::ZERO);
    causes.sort_by_key(|(cause, time)| (std::cmp::Reverse(*time), *cause));
    let mut bullets = vec![phrase![
        format!("device {}: busy ", device.device),
        device.busy,
        ", idle ",
        device.idle(),
        " of ",
        device.total()
    ]];
    bullets.extend(causes.into_iter().filter_map(|(cause, time)| {
        let part = share(time, device.idle())?;
        Some(phrase![words(cause), ": ", time, " (", Piece::Share(part), " of idle)"])
    }));
    bullets
}

/// What a cause of idle time means, in words.
pub(super) fn words(cause: &str) -> &'static str {
    match cause {
        "synchronisation" => "the host waited for the device (synchronisation)",
        "data_loading" => "the host was loading data",
        "operator" => "the host was in an operator's own code",
        "runtime" => "the host was in a runtime call",
        "outside_op" => "the host was outside of any operator (Python, annotations)",
        "launch_latency" => "launch latency (from the launch call to the start on the device)",
        "queued" => "queued (launched before, but waiting for a dependency or the scheduler)",
        _ => "unknown (no launch in the file)",
    }
}
