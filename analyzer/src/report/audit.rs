//! What was wrong with the inputs: one row per input and code.

use super::material::Material;
use super::model::{Block, InputFacts, Piece, Section, phrase};
use crate::audit::{Finding, Weight};
use crate::table::{Cell, Column, Table, Unit, Why};
use crate::text::Untrusted;
use crate::units::{count, signed};

/// A finding with the input that it was found in.
struct AuditRow {
    input: usize,
    run: Option<Untrusted>,
    rank: Option<i64>,
    finding: Finding,
}

/// The columns of the audit table.
const COLUMNS: &[Column<AuditRow>] = &[
    Column {
        key: "run",
        unit: Unit::Text,
        shown: true,
        says: "the run's folder, where the input belongs to one",
        cell: |row| row.run.clone().into(),
    },
    Column {
        key: "input",
        unit: Unit::Count,
        shown: true,
        says: "position of the file among the inputs",
        cell: |row| Cell::Whole(signed(count(row.input))),
    },
    Column {
        key: "rank",
        unit: Unit::Count,
        shown: false,
        says: "the rank in a distributed run",
        cell: |row| row.rank.map_or(Cell::Absent(Why::NotInTrace), Cell::Whole),
    },
    Column {
        key: "code",
        unit: Unit::Text,
        shown: true,
        says: "E- the file gives no numbers, W- the numbers it touches carry a mark, N- worth knowing",
        cell: |row| row.finding.code.text().into(),
    },
    Column {
        key: "count",
        unit: Unit::Count,
        shown: true,
        says: "events, bytes or places",
        cell: |row| row.finding.count.into(),
    },
    Column {
        key: "time",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "the time concerned, where there is one",
        cell: |row| row.finding.time.into(),
    },
    Column {
        key: "share",
        unit: Unit::Share,
        shown: true,
        says: "of the whole that the time belongs to",
        cell: |row| row.finding.share.into(),
    },
    Column {
        key: "first_byte",
        unit: Unit::Count,
        shown: false,
        says: "offset of the first place in the uncompressed text; codes of reading only",
        cell: |row| row.finding.first_byte.into(),
    },
    Column {
        key: "touches",
        unit: Unit::Nested,
        shown: false,
        says: "the metrics whose numbers it touches",
        cell: |row| Cell::List(row.finding.code.touches().iter().map(|metric| Cell::Word(metric)).collect()),
    },
    Column {
        key: "message",
        unit: Unit::Text,
        shown: true,
        says: "what was found, and the consequence",
        cell: |row| row.finding.message.clone().into(),
    },
];

/// All findings of all inputs: by code (errors, warnings, notes), then by input.
#[must_use]
pub fn table(inputs: &[InputFacts]) -> Table {
    let mut rows: Vec<AuditRow> = inputs
        .iter()
        .enumerate()
        .flat_map(|(input, facts)| {
            facts.findings.iter().map(move |finding| AuditRow {
                input,
                run: facts.run.clone(),
                rank: facts.rank,
                finding: finding.clone(),
            })
        })
        .collect();
    rows.sort_by(|left, right| {
        let key = |row: &AuditRow| (row.finding.code, row.input);
        key(left).cmp(&key(right)).then_with(|| left.finding.message.cmp(&right.finding.message))
    });
    Table::new("audit", COLUMNS, &rows)
}

/// The audit's section.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let table = table(&material.facts);
    let warnings = material.facts.iter().flat_map(|facts| &facts.findings);
    let warned = warnings.filter(|finding| finding.code.weight() > Weight::Note).count();
    let opening = if warned == 0 {
        phrase!["No warning: every number of this report is what the recordings say."]
    } else {
        phrase![Piece::Counted(count(warned), "warning"), ": the columns that they touch carry a mark."]
    };
    let mut blocks = vec![Block::Paragraph(opening), Block::Inputs];
    for path in &material.inputs.passed_over {
        let path = Untrusted::from(path.to_string_lossy().as_ref());
        blocks.push(Block::Paragraph(phrase![path, " holds neither results nor a trace and was passed over."]));
    }
    if !table.rows.is_empty() {
        let of_rows = table.rows.len();
        let inputs = Vec::new();
        blocks.push(Block::Table { caption: phrase!["What was found in the inputs"], table, of_rows, inputs });
    }
    vec![Section { title: phrase!["Inputs and audit"], level: 1, blocks }]
}
