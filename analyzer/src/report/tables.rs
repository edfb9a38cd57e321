//! The tables in full: every analysis over every trace, with `run`, `input` and `rank` in front.

use super::audit;
use super::material::{Material, TraceMaterial};
use crate::analysis::{self, Grouping, Question};
use crate::compare::speedup;
use crate::table::{Cell, Heading, Table, Unit, Why};
use crate::units::{count, signed};
use rayon::prelude::*;

/// The columns that say which trace a row speaks of.
const OF_TRACE: [Heading; 3] = [
    Heading { key: "run", unit: Unit::Text, shown: true, says: "the run's folder, or the lone trace's name" },
    Heading { key: "input", unit: Unit::Count, shown: false, says: "position of the trace among the inputs" },
    Heading { key: "rank", unit: Unit::Count, shown: false, says: "the rank in a distributed run" },
];

/// All tables: the analyses in their order, then the speedups and the audit.
pub(super) fn all(material: &Material<'_>) -> Vec<Table> {
    let mut tables: Vec<Table> = analysis::ALL.par_iter().map(|analysis| over_traces(material, analysis)).collect();
    tables.push(Table::new("speedup", speedup::COLUMNS, &material.speedups.rows));
    tables.push(audit::table(&material.facts));
    tables
}

/// One analysis over all traces.
pub(super) fn over_traces(material: &Material<'_>, analysis: &analysis::Analysis) -> Table {
    let headings = OF_TRACE.into_iter().chain((analysis.headings)()).collect();
    let mut rows = Vec::new();
    for trace in &material.traces {
        let mut table = (analysis.table)(&Question { context: trace.context(), grouping: Grouping::Name });
        if analysis.command == "summary" {
            complete_summary(material, trace, &mut table);
        }
        rows.extend(table.rows.into_iter().map(|row| of_trace(trace).into_iter().chain(row).collect()));
    }
    Table { command: analysis.command, headings, rows, aside: None }
}

fn of_trace(trace: &TraceMaterial<'_>) -> [Cell; 3] {
    let rank = trace.trace.rank.map_or(Cell::Absent(Why::NotInTrace), Cell::Whole);
    [trace.run.folder.name.clone().into(), Cell::Whole(signed(count(trace.trace.input))), rank]
}

/// What only the run and the file know.
fn complete_summary(material: &Material<'_>, trace: &TraceMaterial<'_>, table: &mut Table) {
    let facts = material.facts.get(trace.trace.input);
    let folder = &trace.run.folder;
    let torch = folder.results.as_ref().value().and_then(|results| results.software.as_ref().value()).map(|software| software.torch.clone());
    let cells = [
        ("model", Some(folder.model.clone()).filter(|model| !model.is_empty()).map(Cell::from)),
        ("torch", torch.map(Cell::from)),
        ("events", facts.map(|facts| facts.events_kept.into())),
        ("verdict", facts.map(|facts| crate::audit::verdict(&facts.findings).word().into())),
    ];
    for (key, cell) in cells {
        if let (Some(position), Some(cell)) = (table.position(key), cell) {
            for slot in table.rows.iter_mut().filter_map(|row| row.get_mut(position)) {
                *slot = cell.clone();
            }
        }
    }
}
