//! What was wrong with the input, and which numbers that touches (METRICS 8, TRACE-FORMAT 6).
//!
//! Findings are values: the reader and the analyses return them, the report shows them, only `cli` prints them. Each code
//! appears once per file, with a count.

use crate::text::Untrusted;
use crate::units::Nanoseconds;

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weight {
    /// Worth knowing; no number suffers.
    Note,
    /// The numbers that it touches carry a mark.
    Warning,
    /// The file gives no numbers.
    Error,
}

/// The one-word judgement of an input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// No warning.
    Ok,
    /// At least one warning: some numbers carry a mark.
    Degraded,
    /// An error: no numbers.
    Unusable,
}

impl Verdict {
    /// The word used in every format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Unusable => "unusable",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident $text:literal $touches:expr;)*) => {
        /// The code of a finding: `E-` unusable, `W-` degraded, `N-` note.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $($(#[doc = $doc])* $variant,)* }

        impl Code {
            /// Every code, for tests and documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as printed.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The metrics whose numbers a finding of this code touches: a command, or `command.key`.
            #[must_use]
            pub const fn touches(self) -> &'static [&'static str] {
                match self { $(Self::$variant => $touches),* }
            }
        }
    };
}

/// Lost events: every sum is a lower bound.
const EVERYTHING: &[&str] = &["summary", "ops", "kernels", "categories", "timeline", "steps", "memory"];
/// Names or metadata only.
const NAMES: &[&str] = &["ops.name", "kernels.name"];
const HOST_TIMES: &[&str] = &["ops.host_total", "ops.host_self", "summary.host_self", "categories"];
const DURATIONS: &[&str] = &["ops", "kernels", "categories", "timeline", "steps", "summary"];
const NOTHING: &[&str] = &[];

codes! {
    /// Not JSON at all.
    NotJson "E-NOT-JSON" EVERYTHING;
    /// Nothing in the file.
    Empty "E-EMPTY" EVERYTHING;
    /// JSON, but no profiler trace.
    NotTrace "E-NOT-TRACE" EVERYTHING;
    /// Two writers interleaved in one file.
    CorruptMix "E-CORRUPT-MIX" EVERYTHING;
    /// Nesting too deep outside of an event.
    TooDeep "E-DEPTH" EVERYTHING;
    /// Over `--max-bytes`.
    TooLarge "E-TOO-LARGE" EVERYTHING;
    /// A decompression bomb.
    Bomb "E-BOMB" EVERYTHING;
    /// The file cannot be opened or read.
    Unreadable "E-UNREADABLE" EVERYTHING;
    /// Bytes after the gzip data.
    GzTrailing "W-GZ-TRAILING" NOTHING;
    /// The gzip data end early.
    GzTruncated "W-GZ-TRUNCATED" EVERYTHING;
    /// The gzip checksum or length does not match.
    GzCrc "W-GZ-CRC" EVERYTHING;
    /// The JSON text ends early.
    Truncated "W-TRUNCATED" EVERYTHING;
    /// A second JSON document.
    ExtraDocument "W-EXTRA-DOCUMENT" EVERYTHING;
    /// A byte order mark or UTF-16.
    Encoding "W-ENCODING" NOTHING;
    /// Byte sequences that are not UTF-8.
    Utf8 "W-UTF8" NAMES;
    /// Raw control characters in strings.
    Ctrl "W-CTRL" NAMES;
    /// Escapes that JSON does not know.
    RepairEscape "W-REPAIR-ESCAPE" NAMES;
    /// Unescaped quotes.
    RepairQuote "W-REPAIR-QUOTE" NAMES;
    /// Events that could not be read.
    BadEvent "W-BAD-EVENT" EVERYTHING;
    /// Bare `NaN`, `inf` and the like.
    NonFinite "W-NONFINITE" NOTHING;
    /// Trailing or double commas.
    TrailingComma "W-TRAILING-COMMA" NOTHING;
    /// A key twice in one object.
    DupKey "W-DUP-KEY" NAMES;
    /// An event nested too deeply.
    Depth "W-DEPTH" EVERYTHING;
    /// More names than are told apart.
    Names "W-NAMES" NAMES;
    /// Negative durations.
    NegDur "W-NEG-DUR" DURATIONS;
    /// Complete events without a duration.
    MissingDur "W-MISSING-DUR" DURATIONS;
    /// Events far away in time from all others.
    TsOutlier "W-TS-OUTLIER" DURATIONS;
    /// Events longer than the recording.
    DurOutlier "W-DUR-OUTLIER" DURATIONS;
    /// Events still running when profiling stopped.
    Unfinished "W-UNFINISHED" HOST_TIMES;
    /// Device events whose launch is not in the file, 1 % of the device's time or more.
    OrphanGpu "W-ORPHAN-GPU" &["ops.device_self", "ops.device_total", "timeline.idle_causes", "timeline.streams", "steps.launches"];
    /// Device events that start before their launch.
    LaunchSkew "W-LAUNCH-SKEW" &["timeline.streams", "timeline.idle_causes"];
    /// Host events that cross their parent's end by more than 1 µs.
    Overlap "W-OVERLAP" HOST_TIMES;
    /// Allocator events were lost.
    MemGap "W-MEM-GAP" &["memory"];
    /// Ranks were given by input order.
    RankMissing "W-RANK-MISSING" NOTHING;
    /// Two files with one rank.
    RankDup "W-RANK-DUP" NOTHING;
    /// Categories that no analysis knows.
    UnknownCat "N-UNKNOWN-CAT" NOTHING;
    /// Event phases that are counted and not used.
    UnknownPh "N-UNKNOWN-PH" NOTHING;
    /// Device events whose launch is not in the file, under 1 % of the device's time.
    OrphanGpuNote "N-ORPHAN-GPU" NOTHING;
    /// Launches without a device event.
    LaunchNoGpu "N-LAUNCH-NO-GPU" NOTHING;
    /// Several host calls with one correlation.
    DupCorrelation "N-DUP-CORRELATION" NOTHING;
    /// Steps that were left out, and why.
    StepIncomplete "N-STEP-INCOMPLETE" NOTHING;
    /// The profiler's own overhead.
    Overhead "N-OVERHEAD" NOTHING;
    /// Memory was not recorded.
    NoMemory "N-NO-MEMORY" NOTHING;
    /// Lines of Kineto's own log.
    KinetoLog "N-KINETO-LOG" NOTHING;
    /// No operator and no device event.
    NoEvents "N-NO-EVENTS" NOTHING;
    /// The rank was taken from the file's name.
    RankFromName "N-RANK-FROM-NAME" NOTHING;
    /// Fewer files than ranks.
    RanksMissing "N-RANKS-MISSING" NOTHING;
    /// Host events that cross their parent's end by up to 1 µs.
    Straddle "N-STRADDLE" NOTHING;
    /// Memory counts relative to an unknown start.
    MemRelative "N-MEM-RELATIVE" NOTHING;
    /// A trace of a run folder that was not used.
    TraceNotUsed "N-TRACE-NOT-USED" NOTHING;
    /// Kernel names contradict the precision of the folder's name.
    Precision "N-PRECISION" NOTHING;
}

impl Code {
    /// The weight, from the code's letter.
    #[must_use]
    pub fn weight(self) -> Weight {
        match self.text().as_bytes().first() {
            Some(b'E') => Weight::Error,
            Some(b'W') => Weight::Warning,
            _ => Weight::Note,
        }
    }
}

/// One finding of one input.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How many events, bytes or places.
    pub count: u64,
    /// The time concerned, where a time is concerned.
    pub time: Option<Nanoseconds>,
    /// `time` as a share of the whole that it belongs to.
    pub share: Option<f64>,
    /// Offset in the uncompressed text of the first place; codes of reading only.
    pub first_byte: Option<u64>,
    /// One sentence: what, and the consequence. Holds text from the file.
    pub message: Untrusted,
}

impl Finding {
    /// A finding without time and place.
    #[must_use]
    pub fn new(code: Code, count: u64, message: impl Into<Untrusted>) -> Self {
        Self { code, count, time: None, share: None, first_byte: None, message: message.into() }
    }

    /// The same, at a byte of the uncompressed text.
    #[must_use]
    pub fn at(mut self, first_byte: u64) -> Self {
        self.first_byte = Some(first_byte);
        self
    }

    /// The same, with the time concerned and its share.
    #[must_use]
    pub fn with_time(mut self, time: Nanoseconds, share: Option<f64>) -> Self {
        self.time = Some(time);
        self.share = share;
        self
    }
}

/// `1 event`, `2 events`: how every message counts.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// The verdict over `findings`.
#[must_use]
pub fn verdict<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Verdict {
    match findings.into_iter().map(|finding| finding.code.weight()).max() {
        Some(Weight::Error) => Verdict::Unusable,
        Some(Weight::Warning) => Verdict::Degraded,
        _ => Verdict::Ok,
    }
}

/// The codes among `findings` that put a mark on `command`'s column `key` (its name without unit), in code order.
#[must_use]
pub fn marks<'a>(findings: impl IntoIterator<Item = &'a Finding>, command: &str, key: &str) -> Vec<Code> {
    let mut codes: Vec<Code> = findings
        .into_iter()
        .map(|finding| finding.code)
        .filter(|code| code.weight() == Weight::Warning)
        .filter(|code| {
            code.touches().iter().any(|metric| match metric.split_once('.') {
                Some((table, column)) => table == command && column == key,
                None => *metric == command,
            })
        })
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_unique_and_weighted() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(texts.iter().all(|text| ["E-", "W-", "N-"].iter().any(|letter| text.starts_with(letter))));
    }

    #[test]
    fn the_worst_finding_is_the_verdict() {
        let note = Finding::new(Code::NoMemory, 1, "");
        let warning = Finding::new(Code::Truncated, 1, "");
        let error = Finding::new(Code::Empty, 1, "");
        assert_eq!(verdict([&note]), Verdict::Ok);
        assert_eq!(verdict([&note, &warning]), Verdict::Degraded);
        assert_eq!(verdict([&error, &warning]), Verdict::Unusable);
    }

    #[test]
    fn a_mark_names_the_codes_that_touch_a_column() {
        let findings = [Finding::new(Code::Overlap, 1, ""), Finding::new(Code::Truncated, 1, "")];
        assert_eq!(marks(&findings, "ops", "host_self"), [Code::Truncated, Code::Overlap]);
        assert_eq!(marks(&findings, "ops", "calls"), [Code::Truncated]);
    }
}
