//! Host events -> trees, one per thread (METRICS 1).
//!
//! Sort by (thread, start, -end, kind, External id, correlation, name), sweep with a stack, then fold recursion. The key is
//! total, so the file's order never matters (R65). A plain loop, not polars: a forest is walked.

use super::nearly::sort_nearly_sorted;
use super::times::Times;
use crate::trace::Trace;
use crate::trace::events::HostKind;
use crate::trace::tracks::{Place, TrackId};
use crate::units::{Nanoseconds, Timestamp, narrow, widen};
use hashbrown::HashMap;
use rayon::prelude::*;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::ops::Range;

/// No node.
const NONE: u32 = u32::MAX;

/// Events that cross the end of the event they started in (R64).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Straddles {
    /// How many.
    pub count: u64,
    /// How far the worst reaches beyond.
    pub longest: Nanoseconds,
    /// The earliest of them, by (start, row of the sort order).
    pub first: Option<usize>,
}

/// How the host events of a trace nest. Nodes are rows of `Trace::host`.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    /// Rows, parents before children.
    order: Vec<u32>,
    /// The direct parent, after folding; `NONE` for roots. Of a folded row: the node that it became part of.
    parent: Vec<u32>,
    is_folded: Vec<bool>,
    /// Total minus the union of direct children.
    own: Times,
    /// Straddles of more than 1 µs.
    pub straddles: Straddles,
    /// Straddles of up to 1 µs: clock granularity.
    pub tiny_straddles: Straddles,
}

/// Straddles up to here are clock granularity (R64).
const TINY: Nanoseconds = Nanoseconds::from_micros(1);

impl Forest {
    /// Nests the host events of `trace`.
    #[must_use]
    pub fn grow(trace: &Trace) -> Self {
        let (order, thread_ends) = sorted(trace);
        let mut forest = Self {
            parent: vec![NONE; order.len()],
            is_folded: vec![false; order.len()],
            own: Times::default(),
            order,
            straddles: Straddles::default(),
            tiny_straddles: Straddles::default(),
        };
        forest.nest(trace, &thread_ends);
        forest.fold(trace);
        forest.own = forest.self_times(trace);
        forest
    }

    /// Rows, parents before children, each thread in one run. Folded rows are left out.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.order.iter().copied().map(widen).filter(|&row| self.is_node(row))
    }

    /// Whether `row` was not folded into its parent.
    #[must_use]
    pub fn is_node(&self, row: usize) -> bool {
        self.is_folded.get(row) == Some(&false)
    }

    /// The node that `row` was folded into, or itself.
    #[must_use]
    pub fn node_of(&self, row: usize) -> usize {
        if self.is_folded.get(row) == Some(&true) { self.parent(row).unwrap_or(row) } else { row }
    }

    /// The parent of the node `row`.
    #[must_use]
    pub fn parent(&self, row: usize) -> Option<usize> {
        self.parent.get(row).filter(|&&parent| parent != NONE).copied().map(widen)
    }

    /// The time of the node `row` in none of its direct children; never negative.
    #[must_use]
    pub fn own_time(&self, row: usize) -> Nanoseconds {
        self.own.get(row)
    }

    /// The innermost operator around `row`, itself included.
    #[must_use]
    pub fn enclosing_op(&self, trace: &Trace, row: usize) -> Option<usize> {
        let mut at = Some(self.node_of(row));
        while let Some(row) = at {
            if trace.host.kind(row) == HostKind::Op {
                return Some(row);
            }
            at = self.parent(row);
        }
        None
    }

    /// A walk along every thread, not begun yet: whoever walks several times takes copies.
    #[must_use]
    pub fn walks(&self, trace: &Trace) -> HashMap<TrackId, Walk> {
        let mut walks: HashMap<TrackId, Walk> = HashMap::new();
        let track = |at: usize| self.order.get(at).map(|&row| trace.host.track(widen(row)));
        let is_walked =
            |at: &usize| self.order.get(*at).is_some_and(|&row| trace.host.kind(widen(row)) != HostKind::Overhead);
        let mut at = (0..self.order.len()).find(is_walked);
        while let Some(first) = at {
            let mine = track(first);
            // (Overhead that a thread adopted stands among its rows, with a track of its own.)
            at = (first + 1..self.order.len()).filter(is_walked).find(|&row| track(row) != mine);
            if let Some(mine) = mine {
                walks.insert(mine, Walk { rows: first..at.unwrap_or(self.order.len()), ..Walk::default() });
            }
        }
        walks
    }

    fn nest(&mut self, trace: &Trace, thread_ends: &[usize]) {
        let host = &trace.host;
        // Each with its end.
        let mut open: Vec<(u32, Timestamp)> = Vec::new();
        let mut thread_ends = thread_ends.iter().copied().peekable();
        for (place, &row) in self.order.iter().enumerate() {
            while thread_ends.next_if(|&end| end <= place).is_some() {
                open.clear();
            }
            let (start, end) = (host.start(widen(row)), host.end(widen(row)));
            let mut overhang = Nanoseconds::ZERO;
            while let Some(&(_, top_end)) = open.last() {
                if start < top_end && end <= top_end {
                    break;
                }
                if start < top_end {
                    overhang = overhang.max(end - top_end);
                }
                open.pop();
            }
            if overhang > Nanoseconds::ZERO {
                let tally = if overhang > TINY { &mut self.straddles } else { &mut self.tiny_straddles };
                tally.count += 1;
                tally.longest = tally.longest.max(overhang);
                let earlier = tally.first.is_none_or(|first| start < host.start(first));
                tally.first = if earlier { Some(widen(row)) } else { tally.first };
            }
            if let (Some(&(top, _)), Some(parent)) = (open.last(), self.parent.get_mut(widen(row))) {
                *parent = top;
            }
            open.push((row, end));
        }
    }

    /// A node whose parent has the same name and no other child becomes part of the parent, to a fixpoint. Parents come
    /// first in `order`, so one pass sees each chain from its top.
    fn fold(&mut self, trace: &Trace) {
        // None, one, or more.
        let mut children = vec![0u8; self.order.len()];
        for &parent in &self.parent {
            if let Some(count) = children.get_mut(widen(parent)) {
                *count = (*count + 1).min(2);
            }
        }
        for &row in &self.order {
            let row = widen(row);
            let Some(raw_parent) = self.parent(row) else { continue };
            let parent = self.node_of(raw_parent);
            if let Some(slot) = self.parent.get_mut(row) {
                *slot = narrow(parent);
            }
            let is_only_child = children.get(parent) == Some(&1);
            if is_only_child && trace.host.name(row) == trace.host.name(parent) {
                if let Some(is_folded) = self.is_folded.get_mut(row) {
                    *is_folded = true;
                }
                let grandchildren = children.get(row).copied().unwrap_or(0);
                if let Some(count) = children.get_mut(parent) {
                    *count = grandchildren;
                }
            }
        }
    }

    /// Total minus the union of the direct children. Children come in order of start behind their parent, so the end of
    /// what is covered so far is all that has to be remembered.
    fn self_times(&self, trace: &Trace) -> Times {
        let host = &trace.host;
        let mut own = Times::new(host.len());
        // The open nodes, each with the end of what is covered of it so far: nodes come parents first, and all inside of
        // one before the next.
        let mut open: Vec<Open> = Vec::new();
        for row in self.nodes() {
            let parent = self.parent(row);
            while let Some(done) = open.pop_if(|top| Some(top.row) != parent) {
                own.set(done.row, done.own);
            }
            let (start, end) = (host.start(row), host.end(row));
            if let Some(parent) = open.last_mut() {
                let (from, to) = (start.max(parent.covered), end.min(parent.end));
                if to > from {
                    parent.own -= to - from;
                    parent.covered = to;
                }
            }
            open.push(Open { row, end, covered: start, own: end - start });
        }
        open.into_iter().for_each(|done| own.set(done.row, done.own));
        own
    }
}

/// A node among whose children the sweep is.
struct Open {
    row: usize,
    end: Timestamp,
    /// The end of what its children cover so far.
    covered: Timestamp,
    own: Nanoseconds,
}

/// A thread walked once in order of time: which event is innermost, without keeping what was passed.
#[derive(Clone, Default)]
pub struct Walk {
    /// What of the forest's order is still to come.
    rows: Range<usize>,
    sweep: Sweep,
    /// Segments before this one were passed.
    passed: usize,
}

impl Walk {
    /// The segments that matter from `from` to `to`, the one that holds `from` first where there is one. No time may be
    /// before that of an earlier call.
    pub fn over(&mut self, trace: &Trace, forest: &Forest, (from, to): (Timestamp, Timestamp)) -> &[Segment] {
        self.walk(trace, forest, from, |last| last.from >= to);
        self.sweep.segments.get(self.passed..).unwrap_or_default()
    }

    /// The segment that holds `time`, and the one before it. No time may be before that of an earlier call.
    pub fn at(&mut self, trace: &Trace, forest: &Forest, time: Timestamp) -> [Option<Segment>; 2] {
        self.walk(trace, forest, time, |last| last.from > time);
        let holds = self.sweep.segments.get(self.passed).copied().filter(|segment| segment.from <= time);
        let before = holds.and_then(|_| self.sweep.segments.get(self.passed.checked_sub(1)?)).copied();
        [holds, before]
    }

    /// Goes on until the last segment is `enough`, and passes those before the one that holds `from`.
    fn walk(&mut self, trace: &Trace, forest: &Forest, from: Timestamp, enough: impl Fn(&Segment) -> bool) {
        const KEPT: usize = 1024;
        while !self.sweep.segments.last().is_some_and(&enough) {
            let Some(row) = self.rows.next() else {
                self.sweep.leave(trace, None);
                break;
            };
            let row = forest.order.get(row).copied().map_or(0, widen);
            if trace.host.kind(row) != HostKind::Overhead {
                self.sweep.enter(trace, row);
            }
            self.pass(from);
            // What was passed is of no use to anybody but for the latest.
            if self.passed > KEPT {
                self.sweep.segments.drain(..self.passed - 1);
                self.passed = 1;
            }
        }
        self.pass(from);
    }

    fn pass(&mut self, from: Timestamp) {
        while self.sweep.segments.get(self.passed + 1).is_some_and(|next| next.from <= from) {
            self.passed += 1;
        }
    }
}

/// From `from` on, until the next segment of the thread, `innermost` is the innermost open event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The start of the segment.
    pub from: Timestamp,
    /// The row, or `NONE`: there are about two segments to an event, so their size counts.
    innermost: u32,
}

impl Segment {
    fn new(from: Timestamp, innermost: Option<usize>) -> Self {
        Self { from, innermost: innermost.map_or(NONE, narrow) }
    }

    /// The row of the innermost open event; `None` where nothing is open.
    #[must_use]
    pub fn innermost(self) -> Option<usize> {
        (self.innermost != NONE).then_some(widen(self.innermost))
    }
}

/// A thread being swept in the forest's order.
#[derive(Clone, Default)]
struct Sweep {
    open: Vec<usize>,
    segments: Vec<Segment>,
}

impl Sweep {
    fn enter(&mut self, trace: &Trace, row: usize) {
        self.leave(trace, Some(trace.host.start(row)));
        while self.open.last().is_some_and(|&top| trace.host.end(row) > trace.host.end(top)) {
            self.open.pop(); // straddled: METRICS 1
        }
        self.open.push(row);
        self.segments.push(Segment::new(trace.host.start(row), Some(row)));
    }

    /// Closes what has ended by `until` (everything without one).
    fn leave(&mut self, trace: &Trace, until: Option<Timestamp>) {
        while let Some(&top) = self.open.last() {
            let end = trace.host.end(top);
            if until.is_some_and(|until| end > until) {
                break;
            }
            self.open.pop();
            self.segments.push(Segment::new(end, self.open.last().copied()));
        }
    }
}

/// The thread of every row: its track, but for overhead, which joins the thread of the innermost event that contains it,
/// or stands alone.
fn adopt_overhead(trace: &Trace) -> Vec<u32> {
    let host = &trace.host;
    let mut threads: Vec<u32> = (0..host.len()).map(|row| host.track(row).column()).collect();
    let mut overhead: Vec<usize> = (0..host.len()).filter(|&row| host.kind(row) == HostKind::Overhead).collect();
    if overhead.is_empty() {
        return threads;
    }
    sort_nearly_sorted(&mut overhead, |&left, &right| host.start(left).cmp(&host.start(right)));
    let homes = homes(trace, &overhead);
    // Lone ones get threads of their own, behind all real ones.
    let mut lone = narrow(trace.tracks.len());
    for (&row, home) in overhead.iter().zip(&homes) {
        let track = home.and_then(|Home { place: Reverse(place), .. }| trace.tracks.find(place?));
        if let Some(thread) = threads.get_mut(row) {
            *thread = track.map_or(lone, TrackId::column);
            lone += u32::from(track.is_none());
        }
    }
    threads
}

/// An event that may adopt an overhead row: the one with the latest start does, then the earliest end; a tie between
/// threads goes by their place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    start: Timestamp,
    end: Reverse<Timestamp>,
    place: Reverse<Option<Place>>,
}

/// The home of each overhead row (sorted by start), where an event contains it. One sweep in order of time, with a stack
/// of open events per thread.
fn homes(trace: &Trace, overhead: &[usize]) -> Vec<Option<Home>> {
    let host = &trace.host;
    let others = (0..host.len()).filter(|&row| host.kind(row) != HostKind::Overhead);
    let mut others: Vec<u32> = others.map(narrow).collect();
    let key = |row: u32| (host.start(widen(row)), Reverse(host.end(widen(row))));
    sort_nearly_sorted(&mut others, |&left, &right| key(left).cmp(&key(right)));
    let mut others = others.into_iter().map(widen).peekable();
    let mut open: BTreeMap<TrackId, Vec<usize>> = BTreeMap::new();
    let mut homes = Vec::with_capacity(overhead.len());
    for &inner in overhead {
        let (start, end) = (host.start(inner), host.end(inner));
        while let Some(row) = others.next_if(|&row| host.start(row) <= start) {
            let stack = open.entry(host.track(row)).or_default();
            // What ended before this event cannot hold anything that starts later.
            stack.truncate(stack.iter().rposition(|&top| host.end(top) >= host.start(row)).map_or(0, |last| last + 1));
            stack.push(row);
        }
        open.retain(|_, stack| {
            stack.truncate(stack.iter().rposition(|&top| host.end(top) >= start).map_or(0, |last| last + 1));
            !stack.is_empty()
        });
        let holder = |(&track, stack): (&TrackId, &Vec<usize>)| {
            let row = stack.iter().rev().copied().find(|&row| host.end(row) >= end)?;
            let place = Reverse(trace.tracks.place(track));
            Some(Home { start: host.start(row), end: Reverse(host.end(row)), place })
        };
        homes.push(open.iter().filter_map(holder).max());
    }
    homes
}

/// All rows in order of the forest, and where each thread's end.
fn sorted(trace: &Trace) -> (Vec<u32>, Vec<usize>) {
    let threads = adopt_overhead(trace);
    let mut counts = vec![0usize; threads.iter().max().map_or(0, |&last| widen(last) + 1)];
    for &thread in &threads {
        counts[widen(thread)] += 1;
    }
    let mut end = 0;
    let mut next: Vec<usize> = Vec::with_capacity(counts.len());
    for count in &counts {
        next.push(end);
        end += count;
    }
    let mut order = vec![0; threads.len()];
    for (row, &thread) in threads.iter().enumerate() {
        let place = &mut next[widen(thread)];
        order[*place] = narrow(row);
        *place += 1;
    }
    let ends = next;
    drop(threads);
    let mut rest = order.as_mut_slice();
    let mut parts: Vec<&mut [u32]> = Vec::with_capacity(counts.len());
    for count in counts {
        let (part, others) = rest.split_at_mut(count);
        parts.push(part);
        rest = others;
    }
    parts.into_par_iter().for_each(|rows| {
        sort_nearly_sorted(rows, |&left, &right| compare(trace, widen(left), widen(right)));
    });
    (order, ends)
}

/// The sort key of METRICS 1 within a thread.
#[must_use]
pub fn compare(trace: &Trace, left: usize, right: usize) -> Ordering {
    let host = &trace.host;
    host.start(left)
        .cmp(&host.start(right))
        .then_with(|| host.end(right).cmp(&host.end(left)))
        .then_with(|| host.kind(left).cmp(&host.kind(right)))
        .then_with(|| host.external_id(left).cmp(&host.external_id(right)))
        .then_with(|| host.correlation(left).cmp(&host.correlation(right)))
        .then_with(|| trace.names.get(host.name(left)).cmp(trace.names.get(host.name(right))))
}
