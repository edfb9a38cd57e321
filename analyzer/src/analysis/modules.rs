//! The module (`nn.Module`) that a node ran in: its `Module Hierarchy`, else the innermost Python frame of a module around
//! it.

use super::context::Context;
use super::forest::compare;
use crate::trace::names::NameId;
use crate::trace::tracks::TrackId;
use crate::units::Timestamp;
use std::collections::BTreeMap;

/// How Python frames of modules are named.
const FRAME: &str = "nn.Module: ";

/// The module of every host row; `NONE` where none is known.
#[must_use]
pub fn of_nodes(context: &Context<'_>) -> Vec<NameId> {
    let trace = context.trace;
    let mut modules = vec![NameId::NONE; trace.host.len()];
    let mut frames: BTreeMap<TrackId, Vec<usize>> = BTreeMap::new();
    for frame in 0..trace.python.len() {
        if trace.names.get(trace.python.name(frame)).starts_with(FRAME) {
            frames.entry(trace.python.track(frame)).or_default().push(frame);
        }
    }
    let mut rows: BTreeMap<TrackId, Vec<usize>> = BTreeMap::new();
    for row in context.forest.nodes() {
        rows.entry(trace.host.track(row)).or_default().push(row);
    }
    for (track, mut rows) in rows {
        rows.sort_by(|&left, &right| compare(trace, left, right));
        let mut frames = frames.remove(&track).unwrap_or_default();
        frames.sort_by_key(|&frame| {
            (
                trace.python.start(frame),
                std::cmp::Reverse(trace.python.end(frame)),
                trace.names.get(trace.python.name(frame)),
            )
        });
        fill(context, &rows, &frames, &mut modules);
    }
    // What a node does not know, its parent may: nodes come parents first.
    for row in context.forest.nodes() {
        let above = context.forest.parent(row).and_then(|parent| modules.get(parent)).copied();
        let unknown = modules.get_mut(row).filter(|slot| **slot == NameId::NONE);
        if let (Some(slot), Some(above)) = (unknown, above) {
            *slot = above;
        }
    }
    modules
}

/// One thread: frames and nodes in order of start, frames on a stack.
fn fill(context: &Context<'_>, rows: &[usize], frames: &[usize], modules: &mut [NameId]) {
    let trace = context.trace;
    let mut open: Vec<(Timestamp, NameId)> = Vec::new();
    let mut frames = frames.iter().copied().peekable();
    for &row in rows {
        let start = trace.host.start(row);
        while let Some(frame) = frames.next_if(|&frame| trace.python.start(frame) <= start) {
            open.push((trace.python.end(frame), trace.python.name(frame)));
        }
        open.retain(|(end, _)| *end > start);
        let own = trace.host.module(row);
        let around = open.last().map_or(NameId::NONE, |(_, name)| *name);
        if let Some(slot) = modules.get_mut(row) {
            *slot = if own == NameId::NONE { around } else { own };
        }
    }
}
