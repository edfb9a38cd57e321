//! `summary`, `ops` and every other analysis: one table of all inputs.
//!
//! arguments -> inputs -> traces -> (each by itself) rows and findings -> one table, sorted and cut -> printed

use super::answers::answers;
use super::args::Manner;
use super::exit::Outcome;
use super::inputs::{Found, Repeated};
use super::io::Io;
use super::load::{Reading, load};
use super::{Error, joining, messages, printing};
use crate::analysis::select::StepRange;
use crate::analysis::{Analysis, Grouping, Question};
use crate::render::Format;
use crate::report::summary_cells;
use crate::table::{Cell, Table};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What to do, decided.
pub(super) struct Plan {
    /// The question.
    pub(super) analysis: &'static Analysis,
    /// To what.
    pub(super) traces: Vec<OsString>,
    /// How it is printed.
    pub(super) format: Format,
    /// How many rows of each input people see.
    pub(super) top: Option<usize>,
    /// A column's key, checked.
    pub(super) sort: Option<String>,
    /// Which steps.
    pub(super) steps: Option<StepRange>,
    /// How operator rows are formed.
    pub(super) grouping: Grouping,
    /// How to read and to speak.
    pub(super) manner: Manner,
}

/// Answers the question for all inputs.
pub(super) fn run(plan: &Plan, io: &mut Io) -> Result<Outcome, Error> {
    let mut found = Found::by(&plan.traces, Repeated::Kept);
    found.explain_emptiness();
    let reading =
        Reading { limits: plan.manner.limits(), with_sha256: false, progress: &io.progress("reading", plan.manner) };
    let loaded = load(&found, &reading, io.take_input());
    let answers = answers(
        loaded,
        plan.steps,
        |context| (plan.analysis.table)(&Question { context, grouping: plan.grouping }),
        |table, facts, run| summary_cells::complete(table, facts, run.and_then(|run| found.runs.get(run))),
    );
    let mut table = joining::joined(plan.analysis.command, (plan.analysis.headings)(), &answers.facts, answers.given);
    if let Some(key) = &plan.sort {
        sort(&mut table, key);
    }
    if let (Some(top), Format::Table | Format::Md) = (plan.top, plan.format) {
        cut(&mut table, top);
    }
    messages::tell_results(&found.runs, true, plan.manner, io);
    messages::tell_passed_over(&found.passed_over, plan.manner, io);
    printing::publish(table, &answers.facts, &answers.without_steps, plan.format, plan.manner, io)
}

/// By the column `key`; equal rows by name where they have one, else in their default order.
fn sort(table: &mut Table, key: &str) {
    if let Some(position) = table.position(key) {
        table.sort_by_column(position);
    }
}

/// Leaves each input its first `top` rows.
fn cut(table: &mut Table, top: usize) {
    let input = table.position(joining::INPUT);
    let mut kept: BTreeMap<Option<i64>, usize> = BTreeMap::new();
    table.rows.retain(|row| {
        let input = match input.and_then(|position| row.get(position)) {
            Some(Cell::Whole(index)) => Some(*index),
            _ => None,
        };
        let rows = kept.entry(input).or_default();
        *rows += 1;
        *rows <= top
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Heading, Unit};

    #[test]
    fn every_input_keeps_its_first_rows() {
        let heading = Heading { key: joining::INPUT, unit: Unit::Count, shown: true, says: "" };
        let rows = [0, 1, 0, 0, 1].map(|input| vec![Cell::Whole(input)]).to_vec();
        let mut table = Table { command: "ops", headings: vec![heading], rows, aside: None, note: None };
        cut(&mut table, 2);
        assert_eq!(table.rows, [0, 1, 0, 1].map(|input| vec![Cell::Whole(input)]));
        table.headings.clear();
        cut(&mut table, 1);
        assert_eq!(table.rows.len(), 1, "without the column all rows are one input's");
    }
}
