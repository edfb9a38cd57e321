//! A table as people read it, shared by the terminal and Markdown: the shown columns, the top rows, and every cell as
//! text that still has to be escaped.

use super::{ABSENT, number};
use crate::audit::{self, Code, Finding};
use crate::report::model::InputFacts;
use crate::table::{Cell, Heading, Table, Unit, Why};
use crate::units::{Bytes, Nanoseconds, round_to_i64, to_f64};

/// What people see of a table.
pub(super) struct View<'a> {
    /// The shown columns, in order.
    pub(super) columns: Vec<Shown<'a>>,
    /// The rows that are left after the cut, with all their cells.
    rows: &'a [Vec<Cell>],
}

/// One shown column.
pub(super) struct Shown<'a> {
    position: usize,
    heading: &'a Heading,
    /// The codes of the warnings that touch this column's numbers.
    pub(super) marks: Vec<Code>,
}

impl<'a> View<'a> {
    /// The shown part of `table`, marked by what was found in the inputs that it speaks of.
    pub(super) fn new(table: &'a Table, inputs: &[InputFacts], top: Option<usize>) -> Self {
        let rows = table.rows.get(..top.unwrap_or(usize::MAX)).unwrap_or(&table.rows);
        let findings = findings(table, inputs);
        let columns = table.headings.iter().enumerate().filter(|(_, heading)| heading.shown);
        let columns = columns.map(|(position, heading)| Shown {
            position,
            heading,
            marks: audit::marks(findings.iter().copied(), table.command, heading.key),
        });
        Self { columns: columns.collect(), rows }
    }

    /// The rows, each as the text of its shown cells.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        self.rows.iter().map(|row| self.columns.iter().map(|column| column.text(row)).collect())
    }

    /// The table on its side: every column with its cell of each row, a cell of several records in as many lines.
    pub(super) fn sheet(&self) -> impl Iterator<Item = (&Shown<'a>, Vec<Vec<String>>)> {
        self.columns.iter().map(|column| (column, self.rows.iter().map(|row| column.lines(row)).collect()))
    }

    /// The codes of all marks, each once, in code order.
    pub(super) fn codes(&self) -> Vec<Code> {
        let mut codes: Vec<Code> = self.columns.iter().flat_map(|column| column.marks.iter().copied()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Why cells are absent, each reason with the columns where it applies, in the order of the columns.
    pub(super) fn absences(&self) -> Vec<(Why, Vec<String>)> {
        let mut absences: Vec<(Why, Vec<String>)> = Vec::new();
        for column in &self.columns {
            for why in self.rows.iter().filter_map(|row| column.absence(row)) {
                let name = column.name();
                match absences.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, columns)) if columns.contains(&name) => {}
                    Some((_, columns)) => columns.push(name),
                    None => absences.push((why, vec![name])),
                }
            }
        }
        absences
    }
}

impl Shown<'_> {
    /// The heading in words: `device_self` is "device self". A share and a size say so, for a time of the same key may
    /// stand beside them.
    pub(super) fn name(&self) -> String {
        match self.heading.unit {
            Unit::Share | Unit::Bytes | Unit::DecimalBytes => self.heading.wire_key().replace('_', " "),
            _ => self.heading.key.replace('_', " "),
        }
    }

    /// The definition.
    pub(super) fn says(&self) -> &str {
        self.heading.says
    }

    /// Whether the cells line up on the right.
    pub(super) fn is_number(&self) -> bool {
        self.heading.unit.is_number()
    }

    fn text(&self, row: &[Cell]) -> String {
        row.get(self.position).map_or_else(|| ABSENT.to_owned(), |cell| text(self.heading.unit, cell))
    }

    fn lines(&self, row: &[Cell]) -> Vec<String> {
        match row.get(self.position) {
            Some(Cell::List(cells)) if cells.iter().any(|cell| matches!(cell, Cell::Record(_))) => {
                cells.iter().map(|cell| text(self.heading.unit, cell)).collect()
            }
            _ => vec![self.text(row)],
        }
    }

    fn absence(&self, row: &[Cell]) -> Option<Why> {
        match row.get(self.position) {
            Some(Cell::Absent(why)) => Some(*why),
            _ => None,
        }
    }
}

/// A cell as text, not escaped yet.
pub(super) fn text(unit: Unit, cell: &Cell) -> String {
    match cell {
        Cell::Absent(_) => ABSENT.to_owned(),
        Cell::Name(name) => name.raw().to_owned(),
        Cell::Word(word) => (*word).to_owned(),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Cell::Whole(whole) => match unit {
            Unit::Text | Unit::Nested => whole.to_string(),
            Unit::Nanoseconds | Unit::DecimalNanoseconds => number::duration(Nanoseconds::new(*whole)),
            Unit::Bytes | Unit::DecimalBytes => number::bytes(Bytes::new(*whole)),
            Unit::Share | Unit::Fraction => number::share(to_f64(*whole)),
            Unit::Ratio => number::ratio(to_f64(*whole)),
            Unit::Count | Unit::Decimal | Unit::Flag => number::whole(*whole),
        },
        Cell::Decimal(decimal) => match unit {
            Unit::Nanoseconds | Unit::DecimalNanoseconds => number::decimal_duration(*decimal),
            Unit::Bytes | Unit::DecimalBytes => number::decimal_bytes(*decimal),
            Unit::Share | Unit::Fraction => number::share(*decimal),
            Unit::Ratio => number::ratio(*decimal),
            Unit::Count if decimal.is_finite() => number::whole(round_to_i64(*decimal)),
            _ => number::decimal(*decimal),
        },
        Cell::List(cells) => {
            let separator = if cells.iter().any(|cell| matches!(cell, Cell::Record(_))) { "; " } else { ", " };
            cells.iter().map(|cell| text(unit, cell)).collect::<Vec<_>>().join(separator)
        }
        Cell::Record(fields) => fields.iter().map(|(key, cell)| field(key, cell)).collect::<Vec<_>>().join(", "),
    }
}

/// A field of a nested record. Its key carries the unit as on the wire; a name or a word needs no key.
fn field(key: &str, cell: &Cell) -> String {
    let (name, unit) = match key {
        "share" | "bytes" => (key, if key == "share" { Unit::Share } else { Unit::Bytes }),
        _ => [Unit::Nanoseconds, Unit::Bytes, Unit::Share]
            .into_iter()
            .find_map(|unit| key.strip_suffix(unit.suffix()).map(|name| (name, unit)))
            .unwrap_or((key, Unit::Decimal)),
    };
    match cell {
        Cell::Name(_) | Cell::Word(_) => text(unit, cell),
        _ => format!("{} {}", name.replace('_', " "), text(unit, cell)),
    }
}

/// The findings of the inputs that `table` speaks of: those named by its `input` or its `run` column, else of all.
fn findings<'i>(table: &Table, inputs: &'i [InputFacts]) -> Vec<&'i Finding> {
    let (by_index, by_run) = (table.position("input"), table.position("run"));
    let is_meant = |index: usize, facts: &InputFacts| {
        if table.rows.is_empty() {
            return true;
        }
        let names = |row: &Vec<Cell>| match (by_index.and_then(|at| row.get(at)), by_run.and_then(|at| row.get(at))) {
            (Some(Cell::Whole(whole)), _) => usize::try_from(*whole) == Ok(index),
            (_, Some(Cell::Name(run))) => facts.run.as_ref() == Some(run),
            _ => true,
        };
        table.rows.iter().any(names)
    };
    let meant = inputs.iter().enumerate().filter(|(index, facts)| is_meant(*index, facts));
    meant.flat_map(|(_, facts)| &facts.findings).collect()
}
