//! `audit`: everything that was found wrong with the inputs, by reading and by every analysis, as a table.

use super::answers::answers;
use super::args::Manner;
use super::exit::Outcome;
use super::inputs::{Found, Repeated};
use super::io::Io;
use super::load::{Reading, load};
use super::{Error, messages, printing};
use crate::analysis::select::StepRange;
use crate::render::Format;
use crate::report::audit;
use crate::report::model::InputFacts;
use crate::table::{Heading, Table};
use std::ffi::OsString;

/// The command.
pub(super) const NAME: &str = "audit";
/// One line for `--help`.
pub(super) const ABOUT: &str = "what was found wrong with the trace, and which numbers that touches";

/// What to do, decided.
pub(super) struct Plan {
    /// Of what.
    pub(super) traces: Vec<OsString>,
    /// How it is printed.
    pub(super) format: Format,
    /// A column's key, checked.
    pub(super) sort: Option<String>,
    /// What the analyses find is of these steps.
    pub(super) steps: Option<StepRange>,
    /// How to read and to speak.
    pub(super) manner: Manner,
}

/// The columns of one input's findings.
pub(super) fn headings() -> Vec<Heading> {
    table(&[]).headings
}

/// Lists what was found.
pub(super) fn run(plan: &Plan, io: &mut Io) -> Result<Outcome, Error> {
    let mut found = Found::by(&plan.traces, Repeated::Kept);
    found.explain_emptiness();
    let reading =
        Reading { limits: plan.manner.limits(), with_sha256: false, progress: &io.progress("reading", plan.manner) };
    let loaded = load(&found, &reading, io.take_input());
    let answers = answers(loaded, plan.steps, |_| (), |(), _, _| ());
    let mut table = table(&answers.facts);
    sort(&mut table, plan.sort.as_deref());
    messages::tell_results(&found.runs, true, plan.manner, io);
    messages::tell_passed_over(&found.passed_over, plan.manner, io);
    printing::publish(table, &answers.facts, &answers.without_steps, plan.format, plan.manner, io)
}

/// The report's table of all findings, with the columns that every command's table has.
fn table(facts: &[InputFacts]) -> Table {
    let mut table = audit::table(facts);
    let unwanted: &[&str] = if facts.len() > 1 { &["run"] } else { &["run", "input", "rank"] };
    for key in unwanted {
        if let Some(position) = table.headings.iter().position(|heading| heading.key == *key) {
            table.headings.remove(position);
            table.rows.iter_mut().for_each(|row| drop(row.remove(position)));
        }
    }
    table
}

/// By a column. Codes are in order already: the gravest first, each by input.
fn sort(table: &mut Table, key: Option<&str>) {
    if let Some(position) = key.filter(|key| *key != "code").and_then(|key| table.position(key)) {
        table.sort_by_column(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Code, Finding};
    use crate::table::Cell;

    fn facts(codes: &[Code]) -> InputFacts {
        let findings = codes.iter().map(|code| Finding::new(*code, 1, "")).collect();
        InputFacts { findings, ..InputFacts::unread("t.json".into(), Some("unet_cpu".into())) }
    }

    fn keys(table: &Table) -> Vec<String> {
        table.headings.iter().map(Heading::wire_key).collect()
    }

    fn codes(table: &Table) -> Vec<Cell> {
        let position = table.position("code").unwrap();
        table.rows.iter().map(|row| row[position].clone()).collect()
    }

    #[test]
    fn columns_are_the_contract_s() {
        let own = ["code", "count", "time_ns", "share", "first_byte", "touches", "message"];
        let one = table(&[facts(&[Code::Empty])]);
        assert_eq!(keys(&one), own);
        assert_eq!(one.rows[0].len(), own.len());
        let two = table(&[facts(&[Code::Empty]), facts(&[Code::Empty])]);
        assert_eq!(keys(&two), [&["input", "rank"][..], &own].concat());
        assert_eq!(two.rows[1][0], Cell::Whole(1));
    }

    #[test]
    fn the_gravest_comes_first_whatever_its_letter() {
        let mut table = table(&[facts(&[Code::NoMemory, Code::Overlap, Code::Empty, Code::Truncated])]);
        sort(&mut table, Some("code"));
        assert_eq!(codes(&table), ["E-EMPTY", "W-TRUNCATED", "W-OVERLAP", "N-NO-MEMORY"].map(Cell::Word));
    }
}
