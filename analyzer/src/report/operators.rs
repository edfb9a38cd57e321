//! The operators that take one trace's time.

use super::material::{Material, TOP, TraceMaterial};
use super::model::{Bar, Block, Chart, Figure, Section, phrase};
use crate::analysis::ops::{self, OpRow};
use crate::table::Table;
use crate::units::Nanoseconds;

/// The section.
pub(super) fn sections(_: &Material<'_>, trace: &TraceMaterial<'_>) -> Vec<Section> {
    if trace.ops.is_empty() {
        return Vec::new();
    }
    let top: Vec<OpRow> = trace.ops.iter().take(TOP).cloned().collect();
    let table = Table::new("ops", ops::COLUMNS, &top);
    let order = if trace.has_device() { "device self time" } else { "host self time" };
    let blocks = vec![
        Block::Figure(ranking(trace, order)),
        Block::Table {
            caption: phrase![format!("Operators by {order}")],
            table,
            of_rows: trace.ops.len(),
            inputs: vec![trace.trace.input],
        },
    ];
    vec![Section { title: phrase!["Operators"], level: 2, blocks }]
}

fn ranking(trace: &TraceMaterial<'_>, order: &str) -> Figure {
    let bars = trace.ops.iter().filter(|row| !row.is_annotation()).map(bar);
    Figure {
        file: format!("{}_top_ops", trace.file_stem),
        title: format!("{}: top operators", trace.label.raw()),
        caption: phrase![format!(
            "The {TOP} operators and runtime calls with the most {order}, with their share of the sum over all rows; annotations are left out."
        )],
        chart: Chart::Ranking {
            bars: bars.filter(|bar| bar.time > Nanoseconds::ZERO).take(TOP).collect(),
            axis: order.to_owned(),
        },
    }
}

fn bar(row: &OpRow) -> Bar {
    let (time, share) = row.ranked_by();
    Bar { label: row.name.clone(), category: row.category.name(), time, share }
}
