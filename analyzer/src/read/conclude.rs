//! The end of reading: what the layers say becomes findings, and the builder's rows become a [`Trace`].

use super::builder::Builder;
use super::document::{Damage, Document};
use super::source::SourceFacts;
use super::{ErrorKind, ReadTrace};
use crate::audit::{Code, Finding};
use crate::trace::Trace;
use crate::trace::metadata::Metadata;
use crate::units::Timestamp;

/// An event further than this from the median start is no event of this recording (R38).
const OUTLIER_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// Timestamps beyond this are Unix nanoseconds: 2001 and later.
const ABSOLUTE_FROM_NS: i64 = 1_000_000_000_000_000_000;

/// The trace with its findings, or why there is none.
pub(super) fn conclude(document: Document, outcome: Result<(), ErrorKind>) -> Result<ReadTrace, ErrorKind> {
    let Document { mut window, mut builder, top, damage, .. } = document;
    if outcome.is_ok() {
        window.drain();
    }
    let mut facts = window.finish();
    if facts.gzip.bomb {
        return Err(ErrorKind::Bomb);
    }
    if let Some(error) = facts.error.take_if(|_| builder.kept == 0) {
        return Err(ErrorKind::Io(error));
    }
    if let Err(error) = outcome {
        let nothing_inflated = facts.gzip.truncated && matches!(error, ErrorKind::Empty);
        return Err(if nothing_inflated { ErrorKind::BadGzip } else { error });
    }
    let mut findings = source_findings(&facts, builder.kept);
    findings.extend(damage_findings(&damage, &builder, &top.metadata));
    let outliers = Outliers::find(&builder);
    let origin = outliers.origin;
    findings.extend(event_findings(&builder, &outliers));
    let events_kept = builder.kept;
    let names = std::mem::take(&mut builder.names);
    let mut metadata = top.metadata;
    metadata.absolute_times = metadata.base_time_ns.is_none() && origin >= ABSOLUTE_FROM_NS;
    let mut trace = Trace {
        names,
        tracks: builder.tracks,
        host: builder.host.finish(),
        device: builder.device.finish(),
        configs: builder.configs,
        python: builder.python.finish(),
        syncs: builder.syncs.finish(),
        memory: builder.memory.finish(),
        metadata,
        origin: Timestamp::from_nanoseconds(origin),
    };
    if outliers.count > 0 {
        outliers.remove_from(&mut trace);
    }
    let events_skipped = damage.bad_event.count + damage.depth.count;
    Ok(ReadTrace { trace, findings, events_kept, events_skipped })
}

fn source_findings(facts: &SourceFacts, kept: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |code, count, message: String| findings.push(Finding::new(code, count, message));
    if facts.gzip.trailing_bytes > 0 {
        let bytes = facts.gzip.trailing_bytes;
        add(Code::GzTrailing, bytes, format!("{bytes} bytes after the gzip data were ignored"));
    }
    if facts.gzip.truncated {
        let message = "gzip data end early or are damaged (profiled process killed while writing?)";
        add(Code::GzTruncated, 1, format!("{message}; {kept} complete events kept, the rest is lost"));
    }
    if facts.gzip.mismatch {
        add(Code::GzCrc, 1, "the gzip checksum or length does not match: the content may be damaged".to_owned());
    }
    if let Some(encoding) = facts.encoding {
        add(Code::Encoding, 1, format!("the text starts with {encoding}: it was re-saved by another program"));
    }
    if let Some(error) = &facts.error {
        add(
            Code::Truncated,
            1,
            format!("reading stopped ({error}); {kept} complete events kept; totals are lower bounds"),
        );
    }
    findings
}

fn damage_findings(damage: &Damage, builder: &Builder, metadata: &Metadata) -> Vec<Finding> {
    let kept = builder.kept;
    let no_base = if metadata.base_time_ns.is_none() { "; no base time was seen" } else { "" };
    [
        damage.truncated.finding(Code::Truncated, |_| {
            format!(
                "input ends inside event {}; {kept} complete events kept; totals are lower bounds{no_base}",
                kept + 1
            )
        }),
        damage.extra_document.finding(Code::ExtraDocument, |_| {
            "text behind the first JSON document was ignored (two traces in one file?)".to_owned()
        }),
        damage.utf8.finding(Code::Utf8, |count| format!("{count} byte sequences were not UTF-8 and were replaced")),
        damage.control.finding(Code::Ctrl, |count| format!("{count} raw control characters in strings")),
        damage.escape.finding(Code::RepairEscape, |count| {
            format!("{count} escapes that JSON does not know (Windows paths?) were kept literally")
        }),
        damage.quote.finding(Code::RepairQuote, |count| {
            format!("{count} unescaped quotes inside of strings were repaired (pytorch/kineto#1459)")
        }),
        damage.bad_event.finding(Code::BadEvent, |count| {
            format!("{count} events or values could not be read and were skipped; totals are lower bounds")
        }),
        damage.non_finite.finding(Code::NonFinite, |count| {
            format!("{count} bare NaN or infinite values were taken as missing (pytorch/kineto#105)")
        }),
        damage.comma.finding(Code::TrailingComma, |count| format!("{count} commas out of place were ignored")),
        damage
            .duplicate_key
            .finding(Code::DupKey, |count| format!("{count} objects have a key twice; the last one counts")),
        damage
            .depth
            .finding(Code::Depth, |count| format!("{count} events nest deeper than 512 levels and were skipped")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn event_findings(builder: &Builder, outliers: &Outliers) -> Vec<Finding> {
    let (names, origin) = (&builder.names, outliers.origin);
    let bound = (builder.longest_span_ns + builder.longest_span_ns / 10).max(builder.longest_span_ns + 1_000_000);
    let mut too_long = super::tally::ContentTally::default();
    if builder.longest_span_ns > 0 {
        for &(_, start, name) in builder.long_events.iter().filter(|(length, ..)| *length > bound) {
            too_long.add(start, name, names);
        }
    }
    let mut findings: Vec<Finding> = [
        builder.negative_durations.finding(Code::NegDur, names, origin, |count, first| {
            format!("{count} events have a negative duration, taken as 0 ({first})")
        }),
        builder.missing_durations.finding(Code::MissingDur, names, origin, |count, first| {
            format!("{count} complete events have no duration, taken as 0 ({first})")
        }),
        builder.unfinished.finding(Code::Unfinished, names, origin, |count, first| {
            format!("{count} events were still running when profiling stopped: their times are lower bounds ({first})")
        }),
        too_long.finding(Code::DurOutlier, names, origin, |count, first| {
            format!("{count} events are longer than the recording itself: their durations are not reliable ({first})")
        }),
        builder.unknown_categories.finding(Code::UnknownCat, names, origin, |count, first| {
            format!("{count} events are of categories that no analysis uses ({first})")
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if outliers.count > 0 {
        let message =
            "events lie more than 24 h away from all others and were left out of every time (pytorch/kineto#109)";
        findings.push(Finding::new(Code::TsOutlier, outliers.count, format!("{} {message}", outliers.count)));
    }
    if builder.unknown_phases > 0 {
        let message = format!("{} events are of kinds (ph) that no analysis uses", builder.unknown_phases);
        findings.push(Finding::new(Code::UnknownPh, builder.unknown_phases, message));
    }
    findings
}

/// Events far away from the median, and the earliest start of the others (R38).
struct Outliers {
    around: Option<i64>,
    count: u64,
    origin: i64,
}

impl Outliers {
    fn find(builder: &Builder) -> Self {
        let starts = || {
            let columns = [builder.host.starts(), builder.device.starts(), builder.python.starts()];
            columns.into_iter().flatten().chain(&builder.other_starts).copied()
        };
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else {
            return Self { around: None, count: 0, origin: 0 };
        };
        if last.saturating_sub(first) <= OUTLIER_NS {
            return Self { around: None, count: 0, origin: first };
        }
        let mut all: Vec<i64> = starts().collect();
        let middle = all.len() / 2;
        let median = *all.select_nth_unstable(middle).1;
        let count = crate::units::count(starts().filter(|&start| is_far(start, median)).count());
        let origin = starts().filter(|&start| !is_far(start, median)).min().unwrap_or(first);
        Self { around: Some(median), count, origin }
    }

    fn remove_from(&self, trace: &mut Trace) {
        let Some(median) = self.around else { return };
        let near = |start: Timestamp| !is_far(start.nanoseconds(), median);
        trace.host = trace.host.filter(|row| near(trace.host.start(row)));
        trace.device = trace.device.filter(|row| near(trace.device.start(row)));
        trace.python = trace.python.filter(|row| near(trace.python.start(row)));
        trace.memory = trace.memory.filter(|row| near(trace.memory.start(row)));
    }
}

fn is_far(start: i64, median: i64) -> bool {
    start.saturating_sub(median).saturating_abs() > OUTLIER_NS
}
