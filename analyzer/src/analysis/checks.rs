//! What the analyses found to be wrong with a trace, or worth knowing (METRICS 8, TRACE-FORMAT 6.3 and 6.4).

use super::context::Context;
use super::forest::Straddles;
use super::launches::device_time;
use super::memory;
use crate::audit::{Code, Finding, counted};
use crate::table::{Recorded, Why};
use crate::trace::Trace;
use crate::trace::events::HostKind;
use crate::units::{Nanoseconds, count, share, to_f64};

/// All findings of `context`'s trace.
#[must_use]
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(orphans(context));
    findings.extend(skew(context));
    findings.extend(straddles(context.trace, &context.forest.straddles, Code::Overlap));
    findings.extend(memory_findings(context));
    findings.extend(launches(context));
    findings.extend(steps(context));
    findings.extend(straddles(context.trace, &context.forest.tiny_straddles, Code::Straddle));
    findings.extend(overhead(context));
    findings.extend(no_events(context.trace));
    findings.extend(kineto_log(context.trace));
    findings
}

fn readable(time: Nanoseconds) -> String {
    match time.get() {
        length @ ..1_000_000 => format!("{:.3} µs", to_f64(length) / 1e3),
        length => format!("{:.3} ms", to_f64(length) / 1e6),
    }
}

/// R55.
fn orphans(context: &Context<'_>) -> Option<Finding> {
    let device = &context.trace.device;
    let orphans = || (0..device.len()).filter(|&row| context.launches.call_of(row).is_none());
    let lost = count(orphans().count());
    let time: Nanoseconds = orphans().map(|row| device.duration(row)).sum();
    let share = share(time, device_time(context.trace));
    if lost == 0 {
        return None;
    }
    let code = if share.is_none_or(|share| share >= 0.01) { Code::OrphanGpu } else { Code::OrphanGpuNote };
    let percent = share.map_or(String::new(), |share| format!(" ({:.1} % of device time)", share * 100.0));
    let message = format!(
        "{lost} of {} device events{percent} launched before recording began or by calls that are not in the file: in device totals, and in the operator table only as [no launch recorded]",
        device.len()
    );
    Some(Finding::new(code, lost, message).with_time(time, share))
}

/// R57.
fn skew(context: &Context<'_>) -> Option<Finding> {
    let trace = context.trace;
    let early = |row: usize| {
        let launch = trace.host.start(context.launches.call_of(row)?);
        let start = trace.device.start(row);
        (start < launch).then(|| launch - start)
    };
    let all = (0..trace.device.len()).filter_map(early);
    let (events, worst) = all.fold((0, None), |(events, worst), early| (events + 1, worst.max(Some(early))));
    let worst = worst?;
    let message = format!(
        "{} starting before the launch (at most {}): host and device clocks differ; queue delays are not reliable",
        counted(events, "device event"),
        readable(worst)
    );
    Some(Finding::new(Code::LaunchSkew, events, message).with_time(worst, None))
}

/// R64.
fn straddles(trace: &Trace, straddles: &Straddles, code: Code) -> Option<Finding> {
    let first = straddles.first?;
    let name = trace.names.get(trace.host.name(first));
    let message = format!(
        "{} crossing the end of the event around it (at most {}; first: {name} at {} ns); both are kept whole",
        counted(straddles.count, "host event"),
        readable(straddles.longest),
        (trace.host.start(first) - trace.origin).get(),
    );
    Some(Finding::new(code, straddles.count, message).with_time(straddles.longest, None))
}

/// R70 and R72.
fn memory_findings(context: &Context<'_>) -> Vec<Finding> {
    if let Recorded::No(why) = memory::recorded(context.trace) {
        let message = match why {
            Why::MemoryOff => "memory was not recorded; use profile_memory=True",
            _ => "profile_memory was on, but the trace holds no allocator event",
        };
        return vec![Finding::new(Code::NoMemory, 1, message)];
    }
    let rows = context.memory();
    let mut findings = Vec::new();
    let gaps: u64 = rows.iter().map(|row| row.gaps).sum();
    if gaps > 0 {
        let message = format!("{} in the allocator's totals: some allocator events were lost", counted(gaps, "gap"));
        findings.push(Finding::new(Code::MemGap, gaps, message));
    }
    let relative = count(rows.iter().filter(|row| row.relative).count());
    if relative > 0 {
        let message = "the producer gives no allocator totals: memory is relative to an unknown start";
        findings.push(Finding::new(Code::MemRelative, relative, message));
    }
    findings
}

/// R56, and calls that share a correlation.
fn launches(context: &Context<'_>) -> Vec<Finding> {
    let (lonely, doubled) = (context.launches.calls_without_event, context.launches.duplicate_correlations);
    let lonely = (lonely > 0 && context.trace.has_device_events()).then(|| {
        let message = format!(
            "{} without device event (graph captures, calls at the recording's end)",
            counted(lonely, "launch call")
        );
        Finding::new(Code::LaunchNoGpu, lonely, message)
    });
    let doubled = (doubled > 0).then(|| {
        let message =
            format!("{} repeating a correlation; the first call owns the device events", counted(doubled, "host call"));
        Finding::new(Code::DupCorrelation, doubled, message)
    });
    lonely.into_iter().chain(doubled).collect()
}

fn steps(context: &Context<'_>) -> Option<Finding> {
    let steps = &context.steps;
    let mut empty = steps.steps.iter().filter(|step| step.duration() == Nanoseconds::ZERO);
    let others = steps.on_other_threads;
    let lost = count(empty.clone().count()) + others;
    if lost == 0 || !steps.annotated {
        return None;
    }
    let mut parts = Vec::new();
    if let Some(first) = empty.next() {
        let (number, start) = (first.number.unwrap_or_default(), (first.start - context.trace.origin).get());
        let empty = counted(count(empty.count()) + 1, "step");
        parts.push(format!("{empty} without length, left out of means (first: ProfilerStep#{number} at {start} ns)"));
    }
    if others > 0 {
        parts.push(format!("{} of other threads, not used", counted(others, "step annotation")));
    }
    Some(Finding::new(Code::StepIncomplete, lost, parts.join("; ")))
}

fn overhead(context: &Context<'_>) -> Option<Finding> {
    let host = &context.trace.host;
    let rows = || (0..host.len()).filter(|&row| host.kind(row) == HostKind::Overhead);
    let events = count(rows().count());
    let time: Nanoseconds = rows().map(|row| host.duration(row)).sum();
    let host_self: Nanoseconds = context.forest.nodes().map(|row| context.forest.own_time(row)).sum();
    (events > 0).then(|| {
        let message = format!("{} of the profiler's own overhead, {} in all", counted(events, "row"), readable(time));
        Finding::new(Code::Overhead, events, message).with_time(time, share(time, host_self))
    })
}

/// R79.
fn no_events(trace: &Trace) -> Option<Finding> {
    let has_ops = (0..trace.host.len()).any(|row| trace.host.kind(row) == HostKind::Op);
    (!has_ops && !trace.has_device_events()).then(|| {
        let message = "no operator and no GPU events: was the step reached? (wait + warmup consumed all steps)";
        Finding::new(Code::NoEvents, 1, message)
    })
}

fn kineto_log(trace: &Trace) -> Option<Finding> {
    let lines = &trace.metadata.log_lines;
    let first = lines.first()?;
    let message = format!("{} in the profiler's own log; first: {}", counted(count(lines.len()), "line"), first.raw());
    Some(Finding::new(Code::KinetoLog, count(lines.len()), message))
}
