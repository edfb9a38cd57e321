//! What a table is, before anyone draws it.
//!
//! A column is declared once, beside its analysis: key, unit, definition and how to take its cell from a row. From that
//! come the terminal table, Markdown, CSV, the JSON key (the unit writes the suffix), the `--sort` keys and the
//! definitions printed in the report.

use crate::text::Untrusted;
use crate::units::{Bytes, Nanoseconds};
use std::cmp::Ordering;

/// Why a number is not there. Travels to the page as "not recorded (why)"; 0 always means measured and zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// `profile_memory` was off.
    MemoryOff,
    /// `profile_memory` was on, and no allocator event was recorded.
    NoMemoryEvents,
    /// `record_shapes` was off.
    ShapesOff,
    /// The run has no results.json.
    NoResults,
    /// results.json does not have this part.
    NotInResults,
    /// The run has no trace.
    NoTrace,
    /// The trace has no device event: it is a CPU trace.
    NoDevice,
    /// The trace has no `ProfilerStep#N` annotation.
    NoSteps,
    /// No module was recorded.
    ModulesOff,
    /// The producer does not write this.
    NotInTrace,
    /// The number does not exist for this row (a deviation of one call, a share of nothing).
    NotDefined,
    /// Computed by a later version.
    NotComputed,
}

impl Why {
    /// The reason as a short phrase, without full stop.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::MemoryOff => "profile_memory was off",
            Self::NoMemoryEvents => "no allocator event",
            Self::ShapesOff => "no shapes: record_shapes was off",
            Self::NoResults => "no results.json",
            Self::NotInResults => "not in results.json",
            Self::NoTrace => "no trace",
            Self::NoDevice => "no device events",
            Self::NoSteps => "no ProfilerStep annotations",
            Self::ModulesOff => "no modules: record with_stack or with_modules",
            Self::NotInTrace => "not in the trace",
            Self::NotDefined => "not defined here",
            Self::NotComputed => "not computed yet",
        }
    }
}

/// A value that may be absent, with the reason.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Recorded<T> {
    /// Measured.
    Yes(T),
    /// Not there, and why.
    No(Why),
}

impl<T> Recorded<T> {
    /// `value`, or `why` where there is none.
    pub fn from_option(value: Option<T>, why: Why) -> Self {
        value.map_or(Self::No(why), Self::Yes)
    }

    /// The value, where it was recorded.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No(_) => None,
        }
    }

    /// The value by reference, where it was recorded.
    pub fn as_ref(&self) -> Recorded<&T> {
        match self {
            Self::Yes(value) => Recorded::Yes(value),
            Self::No(why) => Recorded::No(*why),
        }
    }

    /// The value changed by `change`, where it was recorded.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Recorded<U> {
        match self {
            Self::Yes(value) => Recorded::Yes(change(value)),
            Self::No(why) => Recorded::No(why),
        }
    }
}

/// What a column counts. The unit writes the ending of the key on the wire and decides how a cell is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A name.
    Text,
    /// A whole number without unit.
    Count,
    /// Integer nanoseconds, `_ns`.
    Nanoseconds,
    /// Decimal nanoseconds (means, deviations), `_ns`.
    DecimalNanoseconds,
    /// Integer bytes, `_bytes`.
    Bytes,
    /// Decimal bytes (a rate per step), `_bytes`.
    DecimalBytes,
    /// A part of a whole, 0..1, `_share`.
    Share,
    /// A part of a whole, 0..1, whose key says what of: no ending.
    Fraction,
    /// A ratio of two times.
    Ratio,
    /// A decimal number without unit.
    Decimal,
    /// True, false or unknown.
    Flag,
    /// A nested value: lists and records, JSON only in full.
    Nested,
}

impl Unit {
    /// The ending that this unit gives to a JSON key.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Nanoseconds | Self::DecimalNanoseconds => "_ns",
            Self::Bytes | Self::DecimalBytes => "_bytes",
            Self::Share => "_share",
            Self::Text | Self::Count | Self::Fraction | Self::Ratio | Self::Decimal | Self::Flag | Self::Nested => "",
        }
    }

    /// Whether cells of this unit line up on the right.
    #[must_use]
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Flag | Self::Nested)
    }
}

/// One value of a table.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    /// Not there: `null`, empty, or "not recorded (why)".
    Absent(Why),
    /// Text from a file.
    Name(Untrusted),
    /// A word of our own vocabulary (a category, a metric).
    Word(&'static str),
    /// An exact whole number.
    Whole(i64),
    /// A decimal number.
    Decimal(f64),
    /// Yes or no.
    Flag(bool),
    /// Several values in order.
    List(Vec<Cell>),
    /// Named values in order.
    Record(Vec<(&'static str, Cell)>),
}

impl Cell {
    /// Order for `--sort`: numbers descending, text ascending, absent last.
    #[must_use]
    pub fn sort_order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Absent(_), Self::Absent(_)) => Ordering::Equal,
            (Self::Absent(_), _) => Ordering::Greater,
            (_, Self::Absent(_)) => Ordering::Less,
            _ => match (self.number(), other.number()) {
                (Some(mine), Some(theirs)) => theirs.total_cmp(&mine),
                _ => self.word().cmp(other.word()),
            },
        }
    }

    /// The cell as a decimal number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(crate::units::to_f64(*whole)),
            Self::Decimal(decimal) => Some(*decimal),
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            _ => None,
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Name(name) => name.raw(),
            Self::Word(word) => word,
            _ => "",
        }
    }
}

impl From<Nanoseconds> for Cell {
    fn from(length: Nanoseconds) -> Self {
        Self::Whole(length.get())
    }
}
impl From<Bytes> for Cell {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes.get())
    }
}
impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Whole(crate::units::signed(count))
    }
}
impl From<i64> for Cell {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}
impl From<f64> for Cell {
    fn from(decimal: f64) -> Self {
        Self::Decimal(decimal)
    }
}
impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl From<&'static str> for Cell {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}
impl From<Untrusted> for Cell {
    fn from(name: Untrusted) -> Self {
        Self::Name(name)
    }
}
impl<T: Into<Cell>> From<Recorded<T>> for Cell {
    fn from(recorded: Recorded<T>) -> Self {
        match recorded {
            Recorded::Yes(value) => value.into(),
            Recorded::No(why) => Self::Absent(why),
        }
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    /// `None` is a number that is not defined for this row; use [`Recorded`] where the reason is another.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent(Why::NotDefined), Into::into)
    }
}
impl<T: Into<Cell>> From<Vec<T>> for Cell {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// One column of the rows `R`: declared once, used by every format.
pub struct Column<R: 'static> {
    /// The key without its unit, in snake case.
    pub key: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Whether people's tables (terminal, Markdown) show it; JSON and CSV have every column.
    pub shown: bool,
    /// The definition: event set, denominator, source.
    pub says: &'static str,
    /// Takes the cell from a row.
    pub cell: fn(&R) -> Cell,
}

/// A column without its rows: what a renderer needs to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heading {
    /// The key without its unit.
    pub key: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Whether people's tables show it.
    pub shown: bool,
    /// The definition.
    pub says: &'static str,
}

impl Heading {
    /// The key on the wire: `device_self` in nanoseconds is `device_self_ns`; `share` stays `share`.
    #[must_use]
    pub fn wire_key(&self) -> String {
        let suffix = self.unit.suffix();
        if suffix.trim_start_matches('_') == self.key { self.key.to_owned() } else { format!("{}{suffix}", self.key) }
    }
}

/// A table: headings, rows of cells in the same order, and nothing about how it looks.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    /// The command that prints it, and the name of its CSV.
    pub command: &'static str,
    /// What the columns are.
    pub headings: Vec<Heading>,
    /// One vector of cells per row, as long as `headings`.
    pub rows: Vec<Vec<Cell>>,
    /// What stands beside the rows in JSON (`steps` has its `summary`).
    pub aside: Option<(&'static str, Cell)>,
    /// Why there are no rows, or none of the kind that was asked for; said in people's formats.
    pub note: Option<Why>,
}

impl Table {
    /// The table of `rows` by their `columns`.
    #[must_use]
    pub fn new<R>(command: &'static str, columns: &[Column<R>], rows: &[R]) -> Self {
        Self {
            command,
            headings: headings(columns),
            rows: rows.iter().map(|row| columns.iter().map(|column| (column.cell)(row)).collect()).collect(),
            aside: None,
            note: None,
        }
    }

    /// The same table, with the reason why it has no rows, where it has none.
    #[must_use]
    pub fn or_empty_because(mut self, why: Why) -> Self {
        self.note = self.rows.is_empty().then_some(why);
        self
    }

    /// The position of the column with this key, with or without its unit.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<usize> {
        self.headings.iter().position(|heading| heading.key == key || heading.wire_key() == key)
    }

    /// Sorts by the column at `position` (numbers descending, text ascending); equal rows by their name, where they have
    /// one, and then as they were.
    pub fn sort_by_column(&mut self, position: usize) {
        let compare = |left: &[Cell], right: &[Cell], position: usize| match (left.get(position), right.get(position)) {
            (Some(left), Some(right)) => left.sort_order(right),
            _ => Ordering::Equal,
        };
        let name = self.position("name");
        self.rows.sort_by(|left, right| {
            compare(left, right, position).then_with(|| name.map_or(Ordering::Equal, |name| compare(left, right, name)))
        });
    }
}

/// The headings of `columns`.
#[must_use]
pub fn headings<R>(columns: &[Column<R>]) -> Vec<Heading> {
    columns
        .iter()
        .map(|column| Heading { key: column.key, unit: column.unit, shown: column.shown, says: column.says })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(key: &'static str, unit: Unit) -> Heading {
        Heading { key, unit, shown: true, says: "" }
    }

    #[test]
    fn the_unit_writes_the_suffix_once() {
        assert_eq!(heading("device_self", Unit::Nanoseconds).wire_key(), "device_self_ns");
        assert_eq!(heading("busy", Unit::Share).wire_key(), "busy_share");
        assert_eq!(heading("share", Unit::Share).wire_key(), "share");
        assert_eq!(heading("calls", Unit::Count).wire_key(), "calls");
    }

    #[test]
    fn absent_sorts_last_and_numbers_descend() {
        let mut cells = [Cell::Absent(Why::NotDefined), Cell::Whole(1), Cell::Whole(9)];
        cells.sort_by(Cell::sort_order);
        assert_eq!(cells[0], Cell::Whole(9));
        assert_eq!(cells[2], Cell::Absent(Why::NotDefined));
    }
}
