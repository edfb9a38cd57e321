//! Draws what the report says: one file per format, no number computed here.
//!
//! `number` and `escape` are the only formatting. `people` is what terminal and Markdown share; `folder` makes a report
//! appear all at once, `scratch` does that for one file, `unfinished` cleans up after Ctrl-C.

pub mod escape;
pub mod folder;
pub mod number;

/// Figures as PNG.
pub mod chart;

mod audit_line;
mod csv;
mod json;
mod markdown;
mod people;
mod scratch;
mod terminal;
pub mod unfinished;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use audit_line::{verdict_line, worst};
pub use folder::{DiskFolder, Folder, FolderError, MemoryFolder};
pub use scratch::Scratch;

use crate::report::model::{Block, Figure, InputFacts, Report};
use crate::table::Table;
use rayon::prelude::*;
use std::io::{self, Write};
use thiserror::Error;

/// Stands in people's tables where there is no number.
pub const ABSENT: &str = "-";

/// How a command's table is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For the terminal.
    Table,
    /// The envelope for scripts.
    Json,
    /// Every row and column.
    Csv,
    /// A GitHub table.
    Md,
}

impl Format {
    /// Every format, in the order of `--help`.
    pub const ALL: &'static [Self] = &[Self::Table, Self::Json, Self::Csv, Self::Md];

    /// The word after `--format`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Md => "md",
        }
    }
}

/// What a command prints.
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    /// The command, as in the envelope.
    pub command: &'static str,
    /// What went in.
    pub inputs: &'a [InputFacts],
    /// All rows.
    pub table: &'a Table,
    /// How many rows people see (`table` and `md`); `None` for all. Scripts always get all.
    pub top: Option<usize>,
    /// Whether the rows come from several traces: the headings then begin with `input` and `rank`, and Markdown says
    /// which input is which.
    pub with_input: bool,
}

/// Why a report could not be rendered.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A chart could not be drawn; its error names the file.
    #[error(transparent)]
    Chart(#[from] chart::ChartError),
    /// A table could not be put into its format.
    #[error("cannot write the contents of {name}")]
    Contents {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Two parts of the report want the same file.
    #[error("two parts of the report are named {name}; give one of them another name")]
    SameName {
        /// The file.
        name: String,
    },
    /// The folder could not be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Prints one table.
///
/// # Errors
/// Whatever `out` reports.
pub fn print(format: Format, printed: &Printed, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => terminal::print(printed, out),
        Format::Json => json::print(printed, out),
        Format::Csv => csv::print(printed.table, out),
        Format::Md => markdown::print(printed, out),
    }
}

/// Writes report.md, report.json, `charts/*.png` and `tables/*.csv`, and commits the folder.
///
/// # Errors
/// Where a chart cannot be drawn or the folder cannot be written; nothing is changed then.
pub fn report(report: &Report, out: &mut dyn Folder) -> Result<(), RenderError> {
    let mut files = vec![("report.md".to_owned(), markdown::report(report).into_bytes())];
    files.extend(charts(report)?);
    files.extend(tables(report)?);

    let mut names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    names.push("report.json".to_owned());
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
        return Err(RenderError::SameName { name: name.clone() });
    }
    let list = contents("report.json", |bytes| json::report(report, &names, bytes))?;
    files.push(list);

    for (name, bytes) in &files {
        out.write(name, bytes)?;
    }
    Ok(out.commit()?)
}

/// The charts, drawn side by side; their order is the report's.
fn charts(report: &Report) -> Result<Vec<(String, Vec<u8>)>, RenderError> {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let figures: Vec<&Figure> = blocks
        .filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
        .collect();
    let drawn: Vec<_> = figures.par_iter().map(|figure| chart::draw(figure)).collect();
    // Gathered before judged: with several failures the first in the report is named, not the first in time.
    figures.into_iter().zip(drawn).map(|(figure, png)| Ok((markdown::figure_path(figure), png?))).collect()
}

fn tables(report: &Report) -> Result<Vec<(String, Vec<u8>)>, RenderError> {
    let named = report.tables.iter().map(|table| {
        let name = format!("tables/{}.csv", escape::file_name(table.command));
        contents(&name, |bytes| csv::print(table, bytes))
    });
    named.collect()
}

/// A file's name and what `write` puts into it.
fn contents(name: &str, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<(String, Vec<u8>), RenderError> {
    let mut bytes = Vec::new();
    match write(&mut bytes) {
        Ok(()) => Ok((name.to_owned(), bytes)),
        Err(source) => Err(RenderError::Contents { name: name.to_owned(), source }),
    }
}
