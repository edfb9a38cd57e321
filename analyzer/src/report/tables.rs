//! The tables in full: every analysis over every trace, with `run`, `input` and `rank` in front.

use super::audit;
use super::material::{Material, TraceMaterial};
use super::summary_cells;
use crate::analysis::{self, Grouping, Question};
use crate::compare::{speedup, variants};
use crate::table::{Cell, Heading, Table, Unit, Why};
use crate::units::{count, signed};
use rayon::prelude::*;

/// The columns that say which trace a row speaks of.
const OF_TRACE: [Heading; 3] = [
    Heading { key: "run", unit: Unit::Text, shown: true, says: "the run's folder, or the lone trace's name" },
    Heading { key: "input", unit: Unit::Count, shown: false, says: "position of the trace among the inputs" },
    Heading { key: "rank", unit: Unit::Count, shown: false, says: "the rank in a distributed run" },
];

/// All tables: the analyses in their order, then the speedups, the variants and the audit.
pub(super) fn all(material: &Material<'_>) -> Vec<Table> {
    let mut tables: Vec<Table> = analysis::ALL.par_iter().map(|analysis| over_traces(material, analysis)).collect();
    tables.push(Table::new("speedup", speedup::COLUMNS, &material.speedups.rows));
    tables.push(variants(material));
    tables.push(audit::table(&material.facts));
    tables
}

/// The runs beside each other, repeats taken together.
pub(super) fn variants(material: &Material<'_>) -> Table {
    Table::new("variants", variants::COLUMNS, &material.variants)
}

/// One analysis over all traces.
pub(super) fn over_traces(material: &Material<'_>, analysis: &analysis::Analysis) -> Table {
    let headings = OF_TRACE.into_iter().chain((analysis.headings)()).collect();
    let mut rows = Vec::new();
    for trace in &material.traces {
        let mut table = (analysis.table)(&Question { context: trace.context(), grouping: Grouping::Name });
        if let Some(facts) = material.facts.get(trace.trace.input) {
            summary_cells::complete(&mut table, facts, Some(&trace.run.folder));
        }
        rows.extend(table.rows.into_iter().map(|row| of_trace(trace).into_iter().chain(row).collect()));
    }
    Table { command: analysis.command, headings, rows, aside: None, note: None }
}

fn of_trace(trace: &TraceMaterial<'_>) -> [Cell; 3] {
    let rank = trace.trace.rank.map_or(Cell::Absent(Why::NotInTrace), Cell::Whole);
    [trace.run.folder.name.clone().into(), Cell::Whole(signed(count(trace.trace.input))), rank]
}
