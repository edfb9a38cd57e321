//! The section of BENCHMARKS.md: one column per trace, and the marks below.

use crate::measure::Cost;
use std::error::Error;
use std::fmt::Write;
use std::{fs, thread};

/// B takes at most so many times as long as A.
const MOST_GZIP: f64 = 1.75;
/// C takes at most so many times as long as A.
const MOST_JSON: f64 = 1.0;
/// D takes at most so many seconds more than B.
const MOST_REPORT: f64 = 1.0;
/// Peak memory is at most this part of the uncompressed text.
const MOST_MEMORY: f64 = 0.25;
/// B's time per byte grows at most to this from the smallest size of a trace to the largest.
const MOST_GROWTH: f64 = 1.1;

/// One trace, measured: A, B and C, one cost per round.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) text_bytes: u64,
    pub(crate) gzip_bytes: u64,
    pub(crate) events: u64,
    pub(crate) verdict: String,
    pub(crate) inflate: Vec<Cost>,
    pub(crate) summary_gzip: Vec<Cost>,
    pub(crate) summary_json: Vec<Cost>,
    pub(crate) report: Vec<Cost>,
    pub(crate) rounds: usize,
    pub(crate) peak_gzip: u64,
    pub(crate) peak_json: u64,
}

impl Measured {
    fn gzip_ratio(&self) -> f64 {
        wall(&self.summary_gzip) / wall(&self.inflate)
    }

    fn json_ratio(&self) -> f64 {
        wall(&self.summary_json) / wall(&self.inflate)
    }

    fn report_more(&self) -> f64 {
        wall(&self.report) - wall(&self.summary_gzip)
    }

    /// Seconds of B for a gigabyte of text.
    fn per_gigabyte(&self) -> f64 {
        wall(&self.summary_gzip) / megabytes(self.text_bytes) * 1e3
    }

    /// The trace, without its size.
    fn kind(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    fn memory_ratio(&self) -> f64 {
        megabytes(self.peak_gzip.max(self.peak_json)) / megabytes(self.text_bytes)
    }
}

/// A line of the table.
type Row = (&'static str, fn(&Measured) -> String);

const ROWS: &[Row] = &[
    ("events", |trace| trace.events.to_string()),
    ("audit verdict", |trace| trace.verdict.clone()),
    ("uncompressed, MB", |trace| format!("{:.1}", megabytes(trace.text_bytes))),
    ("gzip, MB", |trace| format!("{:.1}", megabytes(trace.gzip_bytes))),
    ("A: inflate, s (CPU s)", |trace| seconds(&trace.inflate)),
    ("B: summary of .json.gz, s (CPU s)", |trace| seconds(&trace.summary_gzip)),
    ("C: summary of .json, s (CPU s)", |trace| seconds(&trace.summary_json)),
    ("D: report of .json.gz, s (CPU s)", |trace| seconds(&trace.report)),
    ("rounds", |trace| trace.rounds.to_string()),
    ("B/A", |trace| format!("{:.2}", trace.gzip_ratio())),
    ("C/A", |trace| format!("{:.2}", trace.json_ratio())),
    ("D - B, s", |trace| format!("{:.2}", trace.report_more())),
    ("B per GB of text, s", |trace| format!("{:.3}", trace.per_gigabyte())),
    ("peak memory of B, MB", |trace| format!("{:.1}", megabytes(trace.peak_gzip))),
    ("peak memory of C, MB", |trace| format!("{:.1}", megabytes(trace.peak_json))),
    ("larger peak / uncompressed", |trace| format!("{:.3}", trace.memory_ratio())),
];

/// The section on `traces`.
pub(crate) fn section(date: &str, traces: &[Measured]) -> Result<String, Box<dyn Error>> {
    let mut page = format!("## `analyzer summary` beside plain decompression, {date}\n\n");
    writeln!(page, "{}. Medians over rounds of A, B, C, D in turn, each run a process of its own.\n", machine()?)?;
    let width = ROWS.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
    line(&mut page, width, "", traces.iter().map(|trace| trace.name.clone()))?;
    line(&mut page, width, &"-".repeat(width), traces.iter().map(|_| "--:".to_owned()))?;
    for (what, cell) in ROWS {
        line(&mut page, width, what, traces.iter().map(cell))?;
    }
    page.push('\n');
    mark(&mut page, "B/A", traces.iter().map(Measured::gzip_ratio), MOST_GZIP)?;
    mark(&mut page, "C/A", traces.iter().map(Measured::json_ratio), MOST_JSON)?;
    mark(&mut page, "D - B, s,", traces.iter().map(Measured::report_more), MOST_REPORT)?;
    mark(&mut page, "larger peak / uncompressed", traces.iter().map(Measured::memory_ratio), MOST_MEMORY)?;
    let growth = traces.iter().map(|trace| {
        let smallest = traces.iter().find(|other| other.kind() == trace.kind());
        smallest.map_or(f64::NAN, |smallest| trace.per_gigabyte() / smallest.per_gigabyte())
    });
    mark(&mut page, "B per GB of text, of the smallest's,", growth, MOST_GROWTH)?;
    Ok(page)
}

fn line(page: &mut String, width: usize, what: &str, cells: impl Iterator<Item = String>) -> std::fmt::Result {
    write!(page, "| {what:<width$} |")?;
    for cell in cells {
        write!(page, " {cell:>13} |")?;
    }
    writeln!(page)
}

/// The worst of all traces against its mark.
fn mark(page: &mut String, what: &str, ratios: impl Iterator<Item = f64>, most: f64) -> std::fmt::Result {
    let worst = ratios.fold(0.0, f64::max);
    let outcome = if worst <= most { "met" } else { "missed" };
    writeln!(page, "- {what} at most {most}: {outcome} ({worst:.3})")
}

/// Processor and cores, as Linux tells them.
fn machine() -> Result<String, Box<dyn Error>> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    Ok(format!("{}, {} cores", model.unwrap_or("unknown processor"), thread::available_parallelism()?))
}

fn seconds(costs: &[Cost]) -> String {
    format!("{:.3} ({:.3})", wall(costs), median(costs.iter().map(|cost| cost.cpu)))
}

fn wall(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.wall))
}

/// The middle value; of an even number of them the upper one.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people, far below 2^53")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
