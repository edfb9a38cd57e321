//! Why a device was idle (METRICS 5): each gap is cut by the launch call of the event that ends it.
//!
//! ```text
//! device  ====|          gap            |====
//!            g0                        g1
//! host        ... what it did ... |launch|
//!                                 l
//!             |--- host-bound ----|lat.. |     the launch came inside the gap: launch latency
//! host  |launch|                               the launch was there before: queued
//! ```
//! Host-bound time is split by the innermost thing that the launching thread was in. The causes sum to idle exactly.

use super::context::Context;
use super::forest::Walk;
use super::intervals::{Interval, Span};
use super::nearly::sort_nearly_sorted;
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, HostKind};
use crate::trace::tracks::TrackId;
use crate::units::{Nanoseconds, Timestamp, widen};
use hashbrown::{HashMap, HashSet};
use std::ops::AddAssign;

/// Idle time by cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdleCauses {
    /// The launching thread waited for the device.
    pub synchronisation: Nanoseconds,
    /// It was loading data.
    pub data_loading: Nanoseconds,
    /// It was in an operator's own code.
    pub operator: Nanoseconds,
    /// It was in a runtime call.
    pub runtime: Nanoseconds,
    /// It was outside of any operator (Python, annotations).
    pub outside_op: Nanoseconds,
    /// From the launch call's start to the event's start.
    pub launch_latency: Nanoseconds,
    /// The launch was there; the event waited for a dependency or the scheduler.
    pub queued: Nanoseconds,
    /// No launch in the file.
    pub unknown: Nanoseconds,
}

impl IdleCauses {
    /// The causes with their keys, in the order of the table.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Nanoseconds); 8] {
        [
            ("synchronisation", self.synchronisation),
            ("data_loading", self.data_loading),
            ("operator", self.operator),
            ("runtime", self.runtime),
            ("outside_op", self.outside_op),
            ("launch_latency", self.launch_latency),
            ("queued", self.queued),
            ("unknown", self.unknown),
        ]
    }
}

impl AddAssign for IdleCauses {
    fn add_assign(&mut self, other: Self) {
        self.synchronisation += other.synchronisation;
        self.data_loading += other.data_loading;
        self.operator += other.operator;
        self.runtime += other.runtime;
        self.outside_op += other.outside_op;
        self.launch_latency += other.launch_latency;
        self.queued += other.queued;
        self.unknown += other.unknown;
    }
}

/// What the host threads were in, ready to be asked about any interval.
pub struct HostView<'c, 't> {
    context: &'c Context<'t>,
    /// Along every thread, not begun: a device takes a copy.
    walks: HashMap<TrackId, Walk>,
    loading: HashMap<TrackId, Span>,
    /// Whether a host row waited.
    waiting: Vec<bool>,
}

impl<'c, 't> HostView<'c, 't> {
    /// The view of `context`'s host threads.
    #[must_use]
    pub fn new(context: &'c Context<'t>) -> Self {
        let walks = context.forest.walks(context.trace);
        Self { context, walks, loading: loading_spans(context.trace), waiting: waiting_calls(context) }
    }

    /// The causes of the gaps of `device`, whose events are `rows` and busy time is `busy`.
    #[must_use]
    pub fn causes(&self, rows: &[u32], busy: &Span) -> IdleCauses {
        let device = &self.context.trace.device;
        // The event that ends a gap is the first at its end: earliest start, then smallest correlation.
        let mut starters: Vec<u32> = rows.to_vec();
        let key = |row: usize| (device.start(row), device.correlation(row), device.end(row));
        sort_nearly_sorted(&mut starters, |&left, &right| key(widen(left)).cmp(&key(widen(right))));
        let mut causes = IdleCauses::default();
        let mut starters = starters.into_iter().map(widen).peekable();
        let mut walks = self.walks.clone();
        for pair in busy.pieces().windows(2) {
            let &[(_, from), (to, _)] = pair else { continue };
            while starters.next_if(|&row| device.start(row) < to).is_some() {}
            if let Some(&ender) = starters.peek() {
                causes += self.gap(ender, (from, to), &mut walks);
            }
        }
        causes
    }

    fn gap(&self, ender: usize, (from, to): Interval, walks: &mut HashMap<TrackId, Walk>) -> IdleCauses {
        let Some(call) = self.context.launches.call_of(ender) else {
            return IdleCauses { unknown: to - from, ..IdleCauses::default() };
        };
        let launch = self.context.trace.host.start(call);
        let turn = from.max(launch.min(to));
        let track = self.context.trace.host.track(call);
        let mut causes = self.host_bound(track, (from, turn), walks);
        if launch >= from {
            causes.launch_latency += to - turn;
        } else {
            causes.queued += to - turn;
        }
        causes
    }

    /// Splits `[from, to)` by what `track` was in. Gaps come in order of time.
    fn host_bound(&self, track: TrackId, (from, to): Interval, walks: &mut HashMap<TrackId, Walk>) -> IdleCauses {
        let mut causes = IdleCauses::default();
        let (trace, forest) = (self.context.trace, &self.context.forest);
        let segments = walks.get_mut(&track).map_or(&[][..], |walk| walk.over(trace, forest, (from, to)));
        let mut index = usize::from(segments.first().is_some_and(|first| first.from <= from));
        let mut at = from;
        while at < to {
            let until = segments.get(index).map_or(to, |segment| segment.from.min(to));
            let inside =
                index.checked_sub(1).and_then(|before| segments.get(before)).and_then(|segment| segment.innermost());
            self.book(&mut causes, track, inside, (at, until));
            at = until;
            index += 1;
        }
        causes
    }

    fn is_in_op(&self, row: usize) -> bool {
        let forest = &self.context.forest;
        forest.enclosing_op(self.context.trace, row).is_some()
    }

    fn book(&self, causes: &mut IdleCauses, track: TrackId, inside: Option<usize>, piece: Interval) {
        let length = piece.1 - piece.0;
        if inside.is_some_and(|row| self.waiting.get(row) == Some(&true)) {
            causes.synchronisation += length;
            return;
        }
        let loading = self.loading.get(&track).map_or(Nanoseconds::ZERO, |span| span.within(piece));
        causes.data_loading += loading;
        let slot = match inside.map(|row| (row, self.context.trace.host.kind(row))) {
            Some((_, HostKind::Op)) => &mut causes.operator,
            Some((_, HostKind::Runtime | HostKind::Overhead)) => &mut causes.runtime,
            // An annotation inside of an operator (a collective's) is that operator's own code.
            Some((row, HostKind::Annotation)) if self.is_in_op(row) => &mut causes.operator,
            Some((_, HostKind::Annotation)) | None => &mut causes.outside_op,
        };
        *slot += length - loading;
    }
}

/// Whether a runtime call of this name returns only when the device has done what it asks: synchronisation, and copies that
/// are not asynchronous. Suffixes of versions and of default streams aside.
fn waits_by_name(name: &str) -> bool {
    let name =
        ["_ptsz", "_ptds", "_spt", "_v2"].iter().fold(name, |name, suffix| name.strip_suffix(suffix).unwrap_or(name));
    let is_copy = ["cudaMemcpy", "cuMemcpy", "hipMemcpy"].iter().any(|copy| name.starts_with(copy));
    name.ends_with("Synchronize") || is_copy && !name.contains("Async")
}

/// Where each thread was loading data: annotations and `DataLoader` frames (METRICS 12, class `data`).
fn loading_spans(trace: &Trace) -> HashMap<TrackId, Span> {
    let mut pieces: HashMap<TrackId, Vec<(Timestamp, Timestamp)>> = HashMap::new();
    let mut is_loader: HashMap<u32, bool> = HashMap::new();
    for row in (0..trace.host.len()).filter(|&row| trace.host.kind(row) == HostKind::Annotation) {
        if super::categories::names_data_loading(trace.names.get(trace.host.name(row))) {
            pieces.entry(trace.host.track(row)).or_default().push((trace.host.start(row), trace.host.end(row)));
        }
    }
    for frame in 0..trace.python.len() {
        let name = trace.python.name(frame);
        if *is_loader.entry(name.column()).or_insert_with(|| is_loader_frame(trace.names.get(name))) {
            let piece = (trace.python.start(frame), trace.python.end(frame));
            pieces.entry(trace.python.track(frame)).or_default().push(piece);
        }
    }
    pieces.drain().map(|(track, pieces)| (track, Span::union(pieces))).collect()
}

/// `utils/data/dataloader.py(N): __next__` or `_next_data`.
fn is_loader_frame(name: &str) -> bool {
    name.contains("utils/data/dataloader.py")
        && ["__next__", "_next_data"].iter().any(|function| name.ends_with(function))
}

/// Calls that make the host wait: `...Synchronize`, blocking copies, and calls that the profiler's synchronisation rows
/// name.
fn waiting_calls(context: &Context<'_>) -> Vec<bool> {
    let trace = context.trace;
    let named: HashSet<i64> =
        (0..trace.syncs.len()).map(|row| trace.syncs.correlation(row)).filter(|&id| id != 0).collect();
    let by_name = trace.names.each(waits_by_name);
    let waits = |row: usize| {
        trace.host.kind(row) == HostKind::Runtime
            && (by_name.get(trace.host.name(row).index()) == Some(&true)
                || named.contains(&trace.host.correlation(row)))
    };
    let mut waiting: Vec<bool> = (0..trace.host.len()).map(waits).collect();
    // A copy to or from pageable memory holds its call until it is done.
    for row in (0..trace.device.len()).filter(|&row| trace.device.kind(row) == DeviceKind::Memcpy) {
        let is_pageable = trace.names.get(trace.device.name(row)).contains("Pageable");
        let call = context.launches.call_of(row).filter(|_| is_pageable);
        let held = call.filter(|&call| trace.device.start(row) < trace.host.end(call));
        if let Some(slot) = held.and_then(|call| waiting.get_mut(call)) {
            *slot = true;
        }
    }
    waiting
}
