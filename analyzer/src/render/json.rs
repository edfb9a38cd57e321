//! The JSON that scripts rely on (CONTRACT, "analyzer"): members in a fixed order, one row a line, so that two outputs
//! diff by row.
//!
//! Written by hand over `serde_json`'s strings and shortest decimals: the order of members is the contract's, not a
//! map's. Inside strings everything that acts without being seen is written as a `\u` escape, so that a name read back
//! is the name of the trace, and a terminal that shows the file is safe.

use super::escape::is_unseen;
use super::{Printed, worst};
use crate::audit;
use crate::report::model::{InputFacts, Report};
use crate::table::{Cell, Table};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The version of the envelope.
const SCHEMA_VERSION: u32 = 1;

/// Writes the envelope of one command.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn print(printed: &Printed, out: &mut dyn Write) -> io::Result<()> {
    // SHA-256 is there where it was asked for (`baseline`, `check`).
    head(printed.command, printed.inputs, |facts| facts.sha256.is_some(), out)?;
    out.write_all(b",\n  \"rows\": ")?;
    rows(printed.table, "  ", out)?;
    if let Some((key, aside)) = &printed.table.aside {
        write!(out, ",\n  {}: {}", string(key), spaced(aside))?;
    }
    out.write_all(b"\n}\n")
}

/// Writes report.json: every table in full, and the names of all `files` of the report.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn report(report: &Report, files: &[String], out: &mut dyn Write) -> io::Result<()> {
    head("report", &report.inputs, |_| true, out)?;
    out.write_all(b",\n  \"tables\": {")?;
    for (index, table) in report.tables.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        write!(out, "{separator}\n    {}: ", string(table.command))?;
        rows(table, "    ", out)?;
    }
    out.write_all(if report.tables.is_empty() { b"},\n" } else { b"\n  },\n" })?;
    out.write_all(b"  \"files\": ")?;
    lines(files.iter().map(|file| string(file)), "  ", out)?;
    out.write_all(b"\n}\n")
}

/// A cell without blanks: what stands in a CSV field.
pub(super) fn compact(cell: &Cell) -> String {
    let mut text = String::new();
    value(cell, Blanks::None, &mut text);
    text
}

/// From the opening brace to the end of `audit`.
fn head(
    command: &str,
    inputs: &[InputFacts],
    with_sha256: impl Fn(&InputFacts) -> bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{{\n  \"schema_version\": {SCHEMA_VERSION},\n  \"command\": {},\n  \"inputs\": ", string(command))?;
    lines(inputs.iter().map(|facts| input(facts, with_sha256(facts))), "  ", out)?;
    write!(out, ",\n  \"audit\": {{\n    \"verdict\": {},\n    \"findings\": ", string(worst(inputs).word()))?;
    let mut findings: Vec<_> =
        inputs.iter().enumerate().flat_map(|(index, facts)| facts.findings.iter().map(move |f| (index, f))).collect();
    findings.sort_by_key(|(index, finding)| (*index, finding.code));
    let findings = findings.into_iter().map(|(index, finding)| {
        let (code, message) = (string(finding.code.text()), string(finding.message.raw()));
        format!("{{\"input\": {index}, \"code\": {code}, \"count\": {}, \"message\": {message}}}", finding.count)
    });
    lines(findings, "    ", out)?;
    out.write_all(b"\n  }")
}

fn input(facts: &InputFacts, with_sha256: bool) -> String {
    let mut members = vec![
        ("path", string(facts.path.raw())),
        ("bytes", facts.bytes.map_or_else(null, |bytes| bytes.to_string())),
        ("events_kept", facts.events_kept.to_string()),
        ("events_skipped", facts.events_skipped.to_string()),
        // A string: beyond 2^53 a reader that knows only doubles would change it.
        ("start_unix_ns", facts.start_unix_ns.map_or_else(null, |start| string(&start.to_string()))),
        ("verdict", string(audit::verdict(&facts.findings).word())),
    ];
    if with_sha256 {
        members.push(("sha256", facts.sha256.as_deref().map_or_else(null, string)));
    }
    object(members)
}

fn object(members: Vec<(&str, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(key, value)| format!("{}: {value}", string(key))).collect();
    format!("{{{}}}", members.join(", "))
}

fn null() -> String {
    "null".to_owned()
}

fn rows(table: &Table, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let keys: Vec<String> = table.headings.iter().map(|heading| string(&heading.wire_key())).collect();
    let rows = table.rows.iter().map(|row| {
        let mut text = String::from("{");
        for (index, (key, cell)) in keys.iter().zip(row).enumerate() {
            text.push_str(if index == 0 { "" } else { ", " });
            text.push_str(key);
            text.push_str(": ");
            value(cell, Blanks::AfterMarks, &mut text);
        }
        text.push('}');
        text
    });
    lines(rows, indent, out)
}

/// A list with one element a line, below `indent`; `[]` where there is none.
fn lines(elements: impl Iterator<Item = String>, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut is_empty = true;
    for element in elements {
        let separator = if is_empty { "[" } else { "," };
        write!(out, "{separator}\n{indent}  {element}")?;
        is_empty = false;
    }
    if is_empty { out.write_all(b"[]") } else { write!(out, "\n{indent}]") }
}

/// Whether a blank follows a comma and a colon.
#[derive(Clone, Copy)]
enum Blanks {
    None,
    AfterMarks,
}

impl Blanks {
    fn comma(self) -> &'static str {
        match self {
            Self::None => ",",
            Self::AfterMarks => ", ",
        }
    }

    fn colon(self) -> &'static str {
        match self {
            Self::None => ":",
            Self::AfterMarks => ": ",
        }
    }
}

fn spaced(cell: &Cell) -> String {
    let mut text = String::new();
    value(cell, Blanks::AfterMarks, &mut text);
    text
}

fn value(cell: &Cell, blanks: Blanks, text: &mut String) {
    match cell {
        Cell::Absent(_) => text.push_str("null"),
        Cell::Name(name) => text.push_str(&string(name.raw())),
        Cell::Word(word) => text.push_str(&string(word)),
        Cell::Whole(whole) => text.push_str(&whole.to_string()),
        Cell::Decimal(decimal) => text.push_str(&shortest(*decimal)),
        Cell::Flag(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Cell::List(cells) => {
            text.push('[');
            for (index, cell) in cells.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { blanks.comma() });
                value(cell, blanks, text);
            }
            text.push(']');
        }
        Cell::Record(fields) => {
            text.push('{');
            for (index, (key, cell)) in fields.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { blanks.comma() });
                text.push_str(&string(key));
                text.push_str(blanks.colon());
                value(cell, blanks, text);
            }
            text.push('}');
        }
    }
}

/// The shortest digits that give the same number back; `null` for infinities and not-a-number.
fn shortest(decimal: f64) -> String {
    serde_json::to_string(&decimal).unwrap_or_else(|_| null())
}

/// A JSON string. `serde_json` escapes what JSON demands; the rest of what is unseen follows in the same form.
fn string(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
    if !quoted.chars().any(is_unseen) {
        return quoted;
    }
    let mut safe = String::with_capacity(quoted.len() * 2);
    for character in quoted.chars() {
        if is_unseen(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}
