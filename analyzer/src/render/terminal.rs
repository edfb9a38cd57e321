//! A table for the terminal: no frame, numbers on the right, one line under the headings, and nothing below it.

use super::people::{Shown, View};
use super::{Printed, escape};
use prettytable::format::{Alignment, FormatBuilder, LinePosition, LineSeparator};
use prettytable::{Cell as Field, Row, Table as Drawing};
use std::io::{self, Write};

/// The longest a cell may be: a table of ten columns still fits a wide terminal.
const WIDTH: usize = 48;
/// The longest that the last column may be, where it is text: nothing stands behind it.
const LAST_WIDTH: usize = 240;

/// Stands in the heading of a column whose numbers a warning touches; the warning itself goes to stderr.
const MARK: &str = " !";

/// Writes the table, cut to its top rows. A summary, which has many columns and a row per trace, stands on its side.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn print(printed: &Printed, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(printed.table, printed.inputs, printed.top);
    if view.columns.is_empty() {
        return Ok(());
    }
    let drawing = if printed.table.command == "summary" { sheet(&view) } else { grid(&view) };
    // The drawer fills every line up to the table's width; what ends in blanks is a nuisance in a diff and in a paste.
    let mut drawn = Vec::new();
    drawing.print(&mut drawn)?;
    for line in String::from_utf8_lossy(&drawn).lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if let Some(why) = printed.table.note {
        writeln!(out, "({})", why.text())?;
    }
    Ok(())
}

fn grid(view: &View) -> Drawing {
    let rule = LineSeparator::new('─', '─', '─', '─');
    let mut drawing = Drawing::new();
    drawing.set_format(columns().separator(LinePosition::Title, rule).build());
    let alignments: Vec<Alignment> = view.columns.iter().map(|column| alignment(column.is_number())).collect();
    drawing.set_titles(row(view.columns.iter().map(heading), &alignments));
    for cells in view.rows() {
        let widths = (1..=cells.len()).map(|number| if number == cells.len() { LAST_WIDTH } else { WIDTH });
        drawing.add_row(row(cells.iter().zip(widths).map(|(cell, width)| escape::cut(cell, width)), &alignments));
    }
    drawing
}

fn sheet(view: &View) -> Drawing {
    let mut drawing = Drawing::new();
    drawing.set_format(columns().build());
    for (column, cells) in view.sheet() {
        // One trace has the screen to itself; several stand beside each other.
        let width = if cells.len() > 1 { WIDTH } else { 2 * WIDTH };
        // Lines are joined after the escape: these are the only line ends in a cell.
        let cells =
            cells.iter().map(|lines| lines.iter().map(|line| escape::cut(line, width)).collect::<Vec<_>>().join("\n"));
        drawing
            .add_row(Row::new(std::iter::once(heading(column)).chain(cells).map(|text| Field::new(&text)).collect()));
    }
    drawing
}

fn columns() -> FormatBuilder {
    FormatBuilder::new().padding(0, 2)
}

fn heading(column: &Shown) -> String {
    escape::terminal(&column.name()).into_owned() + if column.marks.is_empty() { "" } else { MARK }
}

fn alignment(is_number: bool) -> Alignment {
    if is_number { Alignment::RIGHT } else { Alignment::LEFT }
}

fn row(texts: impl Iterator<Item = String>, alignments: &[Alignment]) -> Row {
    Row::new(texts.zip(alignments).map(|(text, alignment)| Field::new_align(&text, *alignment)).collect())
}
