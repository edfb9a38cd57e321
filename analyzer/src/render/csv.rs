//! A table as CSV: every row and column, keys as on the wire, plain digits, absent cells empty, nested cells as compact
//! JSON. Text is made safe for spreadsheets and terminals; who needs the exact name reads JSON.

use super::{escape, json};
use crate::table::{Cell, Table};
use ::csv::WriterBuilder;
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes all of `table`.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn print(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(out);
    if !table.headings.is_empty() {
        writer.write_record(table.headings.iter().map(crate::table::Heading::wire_key))?;
        for row in &table.rows {
            writer.write_record(row.iter().map(|cell| field(cell).into_owned()))?;
        }
    }
    writer.flush()
}

fn field(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Name(name) => escape::csv(name.raw()),
        Cell::Word(word) => escape::csv(word),
        // What `null` would be in JSON, infinities included, is an empty field.
        Cell::Absent(_) => Cow::Borrowed(""),
        Cell::Decimal(decimal) if !decimal.is_finite() => Cow::Borrowed(""),
        Cell::Whole(_) | Cell::Decimal(_) | Cell::Flag(_) | Cell::List(_) | Cell::Record(_) => {
            Cow::Owned(json::compact(cell))
        }
    }
}
