//! The end of reading: what the layers say becomes findings, and the builder's rows become a [`Trace`].

use super::builder::Builder;
use super::document::{Damage, Document};
use super::rows::Rows;
use super::source::SourceFacts;
use super::{ErrorKind, ReadTrace};
use crate::audit::{Code, Finding, counted};
use crate::trace::Trace;
use crate::trace::metadata::Metadata;
use crate::units::Timestamp;

/// An event further than this from the median start is no event of this recording (R38).
const OUTLIER_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// Timestamps beyond this are Unix nanoseconds: 2001 and later.
const ABSOLUTE_FROM_NS: i64 = 1_000_000_000_000_000_000;

/// The trace with its findings, or why there is none.
pub(super) fn conclude(document: Document<'_>, outcome: Result<(), ErrorKind>) -> Result<ReadTrace, ErrorKind> {
    let (mut window, top, builder, damage) = document.finish();
    if outcome.is_ok() {
        window.drain();
    }
    let mut facts = window.finish();
    if facts.gzip.bomb {
        return Err(ErrorKind::Bomb);
    }
    if let Some(error) = facts.error.take_if(|_| builder.rows.odd.kept == 0) {
        return Err(ErrorKind::Io(error));
    }
    if let Err(error) = outcome {
        let nothing_inflated = facts.gzip.truncated && matches!(error, ErrorKind::Empty);
        return Err(if nothing_inflated { ErrorKind::BadGzip } else { error });
    }
    let mut findings = source_findings(&facts, builder.rows.odd.kept);
    findings.extend(damage_findings(&damage, &builder, &top.metadata));
    let outliers = Outliers::find(&builder.rows);
    let origin = outliers.origin;
    findings.extend(event_findings(&builder, &outliers));
    let events_kept = builder.rows.odd.kept;
    let (ids, rows) = (builder.ids, builder.rows);
    let mut metadata = top.metadata;
    metadata.absolute_times = metadata.base_time_ns.is_none() && origin >= ABSOLUTE_FROM_NS;
    let mut trace = Trace {
        names: ids.names,
        tracks: ids.tracks,
        host: rows.host.finish(),
        device: rows.device.finish(),
        configs: ids.configs,
        python: rows.python.finish(),
        syncs: rows.syncs.finish(),
        memory: rows.memory.finish(),
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
        add(Code::GzTrailing, bytes, format!("{} after the gzip data, ignored", counted(bytes, "byte")));
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
    if facts.bad_units > 0 {
        add(
            Code::Utf8,
            facts.bad_units,
            format!("{} without partner, replaced by U+FFFD", counted(facts.bad_units, "UTF-16 unit")),
        );
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
    let kept = builder.rows.odd.kept;
    let no_base = if metadata.base_time_ns.is_none() { "; no base time was seen" } else { "" };
    [
        damage.truncated.finding(Code::Truncated, |_| {
            format!(
                "input ends inside event {}; {kept} complete events kept; totals are lower bounds, shares and idle times are of what was kept{no_base}",
                kept + 1
            )
        }),
        damage.extra_document.finding(Code::ExtraDocument, |_| {
            "text behind the first JSON document was ignored (two traces in one file?)".to_owned()
        }),
        damage.utf8.finding(Code::Utf8, |count| {
            format!("{} not in UTF-8, replaced by U+FFFD", counted(count, "byte sequence"))
        }),
        damage.control.finding(Code::Ctrl, |count| format!("{} in strings", counted(count, "raw control character"))),
        damage.escape.finding(Code::RepairEscape, |count| {
            format!("{} unknown to JSON (Windows paths?), kept literally", counted(count, "escape"))
        }),
        damage.quote.finding(Code::RepairQuote, |count| {
            format!("{} inside of strings, repaired (pytorch/kineto#1459)", counted(count, "unescaped quote"))
        }),
        damage.bad_event.finding(Code::BadEvent, |count| {
            format!("{} unreadable and skipped; totals are lower bounds{no_base}", counted(count, "event"))
        }),
        damage.non_finite.finding(Code::NonFinite, |count| {
            format!("{} taken as missing (pytorch/kineto#105)", counted(count, "bare NaN or infinite value"))
        }),
        damage.comma.finding(Code::TrailingComma, |count| format!("{} out of place, ignored", counted(count, "comma"))),
        damage.duplicate_key.finding(Code::DupKey, |count| {
            format!("{} with a key twice; the last one counts", counted(count, "object"))
        }),
        damage.depth.finding(Code::Depth, |count| {
            format!("{} nested deeper than 512 levels, skipped", counted(count, "event"))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn event_findings(builder: &Builder, outliers: &Outliers) -> Vec<Finding> {
    let (names, odd, origin) = (&builder.ids.names, &builder.rows.odd, outliers.origin);
    let bound = (odd.longest_span_ns + odd.longest_span_ns / 10).max(odd.longest_span_ns + 1_000_000);
    let mut too_long = super::tally::ContentTally::default();
    if odd.longest_span_ns > 0 {
        for &(_, start, name) in builder.rows.long_events.iter().filter(|(length, ..)| *length > bound) {
            too_long.add(start, name, names);
        }
    }
    let mut findings: Vec<Finding> = [
        odd.negative_durations.finding(Code::NegDur, names, origin, |count, first| {
            format!("{} with a negative duration, taken as 0 ({first})", counted(count, "event"))
        }),
        odd.missing_durations.finding(Code::MissingDur, names, origin, |count, first| {
            format!("{} without a duration, taken as 0 ({first})", counted(count, "complete event"))
        }),
        odd.unfinished.finding(Code::Unfinished, names, origin, |count, first| {
            format!(
                "{} still running when profiling stopped: times are lower bounds ({first})",
                counted(count, "event")
            )
        }),
        too_long.finding(Code::DurOutlier, names, origin, |count, first| {
            format!(
                "{} longer than the recording itself: durations are not reliable ({first})",
                counted(count, "event")
            )
        }),
        odd.unknown_categories.finding(Code::UnknownCat, names, origin, |count, first| {
            format!("{} of categories that no analysis uses ({first})", counted(count, "event"))
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if outliers.count > 0 {
        let message = "more than 24 h away from all others, left out of every time (pytorch/kineto#109)";
        let events = counted(outliers.count, "event");
        findings.push(Finding::new(Code::TsOutlier, outliers.count, format!("{events} {message}")));
    }
    if names.has_overflowed() {
        let message = "more names, shapes and modules than are told apart: all further ones are '(other names)'";
        findings.push(Finding::new(Code::Names, 1, message));
    }
    if odd.unknown_phases > 0 {
        let message = format!("{} of kinds (ph) that no analysis uses", counted(odd.unknown_phases, "event"));
        findings.push(Finding::new(Code::UnknownPh, odd.unknown_phases, message));
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
    fn find(rows: &Rows) -> Self {
        let columns = [rows.host.starts(), rows.device.starts(), rows.python.starts(), &rows.other_starts];
        let starts = || columns.into_iter().flatten().copied();
        let first = columns.into_iter().filter_map(|starts| starts.iter().min()).min();
        let last = columns.into_iter().filter_map(|starts| starts.iter().max()).max();
        let (Some(&first), Some(&last)) = (first, last) else {
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
