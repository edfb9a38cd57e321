//! What a report says, before anyone draws it: sections of sentences, tables and figures as typed values.
//!
//! Numbers stay numbers ([`Piece::Duration`], [`Piece::Share`] ...) and names stay [`Untrusted`] until a renderer formats
//! or escapes them, so every format says the same thing.

use crate::audit::Finding;
use crate::table::Table;
use crate::text::Untrusted;
use crate::units::{Bytes, Nanoseconds};

/// A part of a sentence.
#[derive(Clone, PartialEq, Debug)]
pub enum Piece {
    /// Our own words.
    Plain(String),
    /// Text from a file; the renderer escapes it.
    Name(Untrusted),
    /// A length of time.
    Duration(Nanoseconds),
    /// A number of bytes.
    Size(Bytes),
    /// A part of a whole, 0..1, drawn in percent.
    Share(f64),
    /// A whole number.
    Count(u64),
    /// A number of things: `1 step`, `2 steps`.
    Counted(u64, &'static str),
    /// How many times as fast, drawn as `2.5x`.
    Ratio(f64),
    /// A plain decimal (a loss, a score).
    Decimal(f64),
}

impl From<&str> for Piece {
    fn from(words: &str) -> Self {
        Self::Plain(words.to_owned())
    }
}
impl From<String> for Piece {
    fn from(words: String) -> Self {
        Self::Plain(words)
    }
}
impl From<Untrusted> for Piece {
    fn from(name: Untrusted) -> Self {
        Self::Name(name)
    }
}
impl From<Nanoseconds> for Piece {
    fn from(length: Nanoseconds) -> Self {
        Self::Duration(length)
    }
}
impl From<Bytes> for Piece {
    fn from(size: Bytes) -> Self {
        Self::Size(size)
    }
}
impl From<u64> for Piece {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

/// A phrase from its pieces, each of a type that says how it is drawn.
macro_rules! phrase {
    ($($piece:expr),* $(,)?) => { vec![$($crate::report::model::Piece::from($piece)),*] };
}
pub(crate) use phrase;

/// A sentence or a phrase.
pub type Phrase = Vec<Piece>;

/// Something that stands in a section.
#[derive(Clone, PartialEq, Debug)]
pub enum Block {
    /// A paragraph.
    Paragraph(Phrase),
    /// Short statements, one a line.
    Bullets(Vec<Phrase>),
    /// A table as people read it: already cut to its top rows.
    Table {
        /// What it shows.
        caption: Phrase,
        /// The rows, cut.
        table: Table,
        /// How many rows the full table has.
        of_rows: usize,
        /// The inputs that the rows speak of, as positions in [`Report::inputs`]: their warnings mark the columns.
        inputs: Vec<usize>,
    },
    /// A chart.
    Figure(Figure),
    /// What went in, with verdicts and warnings.
    Inputs,
}

/// A titled part of the report.
#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    /// The heading.
    pub title: Phrase,
    /// 1 for a part of the report, 2 for a part of a part.
    pub level: u8,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A chart with its file name and the sentence below it.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// The file's name without folder and ending: lower case letters, digits, `_`, `-`.
    pub file: String,
    /// Drawn above the chart.
    pub title: String,
    /// What is shown: event set, denominator, steps.
    pub caption: Phrase,
    /// The data.
    pub chart: Chart,
}

/// Which side a series belongs to: its colour is the same in every chart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// Host.
    Cpu,
    /// Device.
    Gpu,
}

/// One slice of a pie or one bar of a breakdown.
#[derive(Clone, PartialEq, Debug)]
pub struct Slice {
    /// The category's name; its colour is the same in every chart (`render::chart::theme`).
    pub category: &'static str,
    /// Its time.
    pub time: Nanoseconds,
}

/// One bar of a ranking.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// The operator's or kernel's name, to be shortened by the drawer.
    pub label: Untrusted,
    /// The category, which gives the colour.
    pub category: &'static str,
    /// The length of the bar.
    pub time: Nanoseconds,
    /// The share of the whole, printed at the bar's end.
    pub share: Option<f64>,
}

/// A named line of points.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// In the legend.
    pub label: String,
    /// The colour's meaning, with `variant`.
    pub side: Side,
    /// What differs from fp32 and default layout; empty for nothing.
    pub variant: String,
    /// Drawn dashed (a test curve beside its training curve).
    pub dashed: bool,
    /// `(x, y)`.
    pub points: Vec<(f64, f64)>,
}

/// A group of bars with one value per side: `None` where it was not recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Below the bars.
    pub label: String,
    /// The CPU's value.
    pub cpu: Option<Nanoseconds>,
    /// The GPU's value.
    pub gpu: Option<Nanoseconds>,
}

/// One bar of the speedup chart.
#[derive(Clone, PartialEq, Debug)]
pub struct SpeedupBar {
    /// Beside the bar: model, variant and metric.
    pub label: String,
    /// CPU time over GPU time.
    pub ratio: f64,
    /// The two ends of the 95 % interval, where there is one.
    pub interval: Option<(f64, f64)>,
}

/// The data of a chart, by kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Chart {
    /// Shares of a whole, largest first.
    Pie {
        /// The slices; they sum to the whole.
        slices: Vec<Slice>,
    },
    /// A ranking, largest first.
    Ranking {
        /// The bars.
        bars: Vec<Bar>,
        /// What the length means.
        axis: String,
    },
    /// CPU beside GPU.
    Grouped {
        /// One group per model, step or epoch.
        groups: Vec<Group>,
        /// What the height means; the unit is chosen by the drawer.
        axis: String,
    },
    /// Speedups.
    Speedups {
        /// The bars, in the order drawn.
        bars: Vec<SpeedupBar>,
    },
    /// Allocated and reserved memory over time.
    Memory {
        /// `(time since the trace's start, bytes)`: holds until the next point.
        allocated: Vec<(Nanoseconds, Bytes)>,
        /// The same for what the caching allocator held; empty where it does not apply.
        reserved: Vec<(Nanoseconds, Bytes)>,
        /// Where the peak is.
        peak: (Nanoseconds, Bytes),
        /// Starts of steps, drawn as thin lines, with their names.
        steps: Vec<(Nanoseconds, String)>,
    },
    /// How busy the device was over time.
    Utilisation {
        /// `(start of the bucket, busy share of it)`.
        buckets: Vec<(Nanoseconds, f64)>,
        /// The end of the last bucket.
        end: Nanoseconds,
        /// Starts of steps, drawn as thin lines, with their names.
        steps: Vec<(Nanoseconds, String)>,
        /// Busy share of the whole span, drawn as a line.
        mean_share: f64,
    },
    /// Curves over epochs.
    Curves {
        /// The lines.
        series: Vec<Series>,
        /// What x means.
        x_axis: String,
        /// What y means.
        y_axis: String,
        /// Whether y lies in 0..1 (accuracy, Dice).
        unit_interval: bool,
        /// What solid and dashed lines mean, where there are both.
        dashed_means: Option<(&'static str, &'static str)>,
    },
}

/// One input as every JSON envelope names it.
#[derive(Clone, PartialEq, Debug)]
pub struct InputFacts {
    /// As typed (or the folder as typed joined with the file's name).
    pub path: Untrusted,
    /// The run's folder name, where it belongs to one.
    pub run: Option<Untrusted>,
    /// The rank, where known.
    pub rank: Option<i64>,
    /// Size on disk; `None` for standard input.
    pub bytes: Option<u64>,
    /// Events kept.
    pub events_kept: u64,
    /// Events that were lost.
    pub events_skipped: u64,
    /// The trace's start in Unix nanoseconds, where a base time was recorded.
    pub start_unix_ns: Option<i64>,
    /// SHA-256 of the file, hexadecimal; only where asked for.
    pub sha256: Option<String>,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

impl InputFacts {
    /// Those of an input of which nothing was read yet.
    #[must_use]
    pub const fn unread(path: Untrusted, run: Option<Untrusted>) -> Self {
        Self {
            path,
            run,
            rank: None,
            bytes: None,
            events_kept: 0,
            events_skipped: 0,
            start_unix_ns: None,
            sha256: None,
            findings: Vec::new(),
        }
    }
}

/// A whole report.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The title.
    pub title: String,
    /// What went in.
    pub inputs: Vec<InputFacts>,
    /// What it says, in order.
    pub sections: Vec<Section>,
    /// Every table in full, with `run`, `input` and `rank` in front: for `tables/*.csv` and report.json.
    pub tables: Vec<Table>,
}
