//! Markdown: one table for a command, or the whole report.md. Everything that is said passes through the escape, our own
//! words too, so that no sentence has to be trusted to be harmless.

use super::people::View;
use super::{ABSENT, Printed, escape, number};
use crate::audit::{self, Weight};
use crate::report::model::{Block, Figure, InputFacts, Phrase, Piece, Report, Section};
use crate::table::{Table, Why};
use crate::units::count;
use std::fmt::Write as _;
use std::io::{self, Write};

/// The longest a name may be in a table; the CSV beside the report has it in full.
const WIDTH: usize = 80;
/// The longest that the last column may be: it holds messages, and nothing stands behind it.
const LAST_WIDTH: usize = 400;

/// Stands in the heading of a column whose numbers a warning touches.
const MARK: &str = "⚠";

/// Writes the table of one command, cut to its top rows, with the notes that belong to it.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn print(printed: &Printed, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(printed.table, printed.inputs, printed.top);
    let mut text = String::new();
    grid(&view, &mut text);
    notes(&view, &mut text);
    if let Some(why) = printed.table.note {
        put(&mut text, format_args!("({})\n\n", escape::markdown(why.text())));
    }
    if printed.with_input {
        legend(printed.inputs, &mut text);
    }
    out.write_all(text.trim_end().as_bytes())?;
    out.write_all(b"\n")
}

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let mut text = format!("# {}\n\n", escape::markdown(&report.title));
    for section in &report.sections {
        self::section(section, &report.inputs, &mut text);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Where a figure lies, seen from report.md.
pub(super) fn figure_path(figure: &Figure) -> String {
    format!("charts/{}.png", escape::file_name(&figure.file))
}

fn section(section: &Section, inputs: &[InputFacts], text: &mut String) {
    let hashes = "#".repeat(usize::from(section.level.clamp(1, 5)) + 1);
    put(text, format_args!("{hashes} {}\n\n", phrase(&section.title)));
    for block in &section.blocks {
        self::block(block, inputs, text);
    }
}

fn block(block: &Block, inputs: &[InputFacts], text: &mut String) {
    match block {
        Block::Paragraph(words) => paragraph(words, text),
        Block::Bullets(items) => {
            for item in items {
                put(text, format_args!("- {}\n", escape::markdown_line(&phrase(item))));
            }
            text.push('\n');
        }
        Block::Table { caption, table, of_rows, inputs: of } => {
            captioned(caption, table, *of_rows, &concerned(inputs, of), text);
        }
        Block::Inputs => self::inputs(inputs, text),
        Block::Figure(figure) => {
            put(text, format_args!("![{}]({})\n\n", escape::markdown(&figure.title), figure_path(figure)));
            paragraph(&figure.caption, text);
        }
    }
}

/// The inputs at their positions, with findings only where a table speaks of them.
fn concerned(inputs: &[InputFacts], of: &[usize]) -> Vec<InputFacts> {
    let silent = |facts: &InputFacts| InputFacts { findings: Vec::new(), ..facts.clone() };
    let positions = inputs.iter().enumerate();
    positions.map(|(index, facts)| if of.contains(&index) { facts.clone() } else { silent(facts) }).collect()
}

fn paragraph(words: &Phrase, text: &mut String) {
    let line = escape::markdown_line(&phrase(words));
    if !line.is_empty() {
        put(text, format_args!("{line}\n\n"));
    }
}

/// A table of the report: caption and size above, notes and definitions below.
fn captioned(caption: &Phrase, table: &Table, of_rows: usize, inputs: &[InputFacts], text: &mut String) {
    let view = View::new(table, inputs, None);
    let (shown, all) = (number::count(count(table.rows.len())), number::count(count(of_rows)));
    let size = match (table.rows.len(), of_rows) {
        (rows, of_rows) if rows < of_rows => format!("{shown} of {all} rows"),
        (1, _) => "1 row".to_owned(),
        _ => format!("{shown} rows"),
    };
    let caption = phrase(caption).trim().to_owned();
    let caption = if caption.is_empty() { size } else { format!("**{caption}** ({size})") };
    put(text, format_args!("{caption}\n\n"));
    grid(&view, text);
    notes(&view, text);
    definitions(&view, text);
}

/// The table itself.
fn grid(view: &View, text: &mut String) {
    if view.columns.is_empty() {
        return;
    }
    let headings = view.columns.iter().map(|column| {
        let mark = if column.marks.is_empty() { String::new() } else { format!(" {MARK}") };
        escape::markdown(&column.name()) + &mark
    });
    line(headings, text);
    line(view.columns.iter().map(|column| if column.is_number() { "---:" } else { "---" }.to_owned()), text);
    for cells in view.rows() {
        let widths = (1..=cells.len()).map(|number| if number == cells.len() { LAST_WIDTH } else { WIDTH });
        line(cells.iter().zip(widths).map(|(cell, width)| escape::markdown(&escape::cut(cell, width))), text);
    }
    text.push('\n');
}

fn line(cells: impl Iterator<Item = String>, text: &mut String) {
    text.push('|');
    for cell in cells {
        put(text, format_args!(" {cell} |"));
    }
    text.push('\n');
}

/// Which warnings touch the marked columns, and why cells are empty.
fn notes(view: &View, text: &mut String) {
    let codes: Vec<&str> = view.codes().into_iter().map(audit::Code::text).collect();
    if !codes.is_empty() {
        put(text, format_args!("{MARK} touched by {}\n\n", codes.join(", ")));
    }
    for (why, columns) in view.absences() {
        let columns = escape::markdown(&columns.join(", "));
        put(text, format_args!("`{ABSENT}` {}: {columns}\n\n", escape::markdown(&reason(why))));
    }
}

fn reason(why: Why) -> String {
    match why {
        Why::NotDefined | Why::NotComputed => why.text().to_owned(),
        _ => format!("not recorded ({})", why.text()),
    }
}

fn definitions(view: &View, text: &mut String) {
    let defined: Vec<_> = view.columns.iter().filter(|column| !column.says().is_empty()).collect();
    if defined.is_empty() {
        return;
    }
    text.push_str("<details>\n<summary>Definitions</summary>\n\n");
    for column in defined {
        let (name, says) = (escape::markdown(&column.name()), escape::markdown(column.says()));
        put(text, format_args!("- **{name}**: {says}\n"));
    }
    text.push_str("\n</details>\n\n");
}

/// Which file an `input` number means.
fn legend(inputs: &[InputFacts], text: &mut String) {
    for (index, facts) in inputs.iter().enumerate() {
        put(text, format_args!("- input {index}: {}\n", escape::markdown(facts.path.raw())));
    }
}

/// What went in, and what was wrong with it. Notes stay in the audit's own table.
fn inputs(inputs: &[InputFacts], text: &mut String) {
    if inputs.is_empty() {
        return;
    }
    text.push_str("| input | path | run | rank | size | events kept | events skipped | verdict |\n");
    text.push_str("| ---: | --- | --- | ---: | ---: | ---: | ---: | --- |\n");
    let absent = || ABSENT.to_owned();
    for (index, facts) in inputs.iter().enumerate() {
        let cells = [
            index.to_string(),
            escape::markdown(facts.path.raw()),
            facts.run.as_ref().map_or_else(absent, |run| escape::markdown(run.raw())),
            facts.rank.map_or_else(absent, |rank| rank.to_string()),
            facts
                .bytes
                .map_or_else(absent, |bytes| number::bytes(crate::units::Bytes::new(crate::units::signed(bytes)))),
            number::count(facts.events_kept),
            number::count(facts.events_skipped),
            audit::verdict(&facts.findings).word().to_owned(),
        ];
        line(cells.into_iter(), text);
    }
    text.push('\n');
    let before = text.len();
    for (index, facts) in inputs.iter().enumerate() {
        for finding in facts.findings.iter().filter(|finding| finding.code.weight() > Weight::Note) {
            let (code, message) = (finding.code.text(), escape::markdown(finding.message.raw()));
            put(text, format_args!("- input {index}: **{code}** {message}\n"));
        }
    }
    if text.len() > before {
        text.push('\n');
    }
}

/// A sentence: numbers formatted, words and names escaped.
fn phrase(words: &Phrase) -> String {
    let mut text = String::new();
    for piece in words {
        let piece = match piece {
            Piece::Plain(words) => words.clone(),
            Piece::Name(name) => escape::cut(name.raw(), WIDTH),
            Piece::Duration(length) => number::duration(*length),
            Piece::Size(bytes) => number::bytes(*bytes),
            Piece::Share(share) => number::share(*share),
            Piece::Count(items) => number::count(*items),
            Piece::Counted(items, thing) => {
                format!("{} {thing}{}", number::count(*items), if *items == 1 { "" } else { "s" })
            }
            Piece::Ratio(ratio) => number::ratio(*ratio),
            Piece::Decimal(decimal) => number::decimal(*decimal),
        };
        text.push_str(&piece);
    }
    // Escaped as a whole: two harmless halves ("www" and ".") may not meet unseen.
    escape::markdown(&text)
}

/// Appends formatted text. Writing to a string cannot fail.
fn put(text: &mut String, words: std::fmt::Arguments) {
    let _ = text.write_fmt(words);
}
