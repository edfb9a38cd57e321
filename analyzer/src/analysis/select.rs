//! `--steps A..B`: a trace of which only some steps are kept, so that every analysis answers for them unchanged.
//!
//! A host event is kept where it starts inside the span from the first step's host start to the last one's host end; a
//! device event where its launch is kept (without a launch: where it starts inside the span).

use super::context::Context;
use super::steps::Steps;
use crate::trace::Trace;
use thiserror::Error;

/// The steps asked for, by number; both ends are included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepRange {
    /// The first; `None` from the trace's first step.
    pub first: Option<i64>,
    /// The last; `None` to the trace's last step.
    pub last: Option<i64>,
}

/// The trace has no such steps.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no step in the range asked for; the trace has {available}")]
pub struct NoSuchSteps {
    /// The steps that there are, in words.
    pub available: String,
}

/// A trace cut to the asked steps, and those steps.
pub struct Selected {
    /// The tables, cut.
    pub trace: Trace,
    /// The steps, as in the whole trace.
    pub steps: Steps,
}

/// Cuts `context`'s trace to `range`.
///
/// # Errors
/// Where no step of the trace lies in the range.
pub fn select(context: &Context<'_>, range: StepRange) -> Result<Selected, NoSuchSteps> {
    let wanted =
        |number: i64| range.first.is_none_or(|first| number >= first) && range.last.is_none_or(|last| number <= last);
    let steps = context.steps.filtered(wanted);
    let (Some(from), Some(to)) = (steps.host_start(), steps.host_end()) else {
        return Err(NoSuchSteps { available: context.steps.in_words() });
    };
    let trace = context.trace;
    let inside = |time| from <= time && time < to;
    let host = trace.host.filter(|row| inside(trace.host.start(row)));
    let device = trace.device.filter(|row| match context.launches.call_of(row) {
        Some(call) => inside(trace.host.start(call)),
        None => inside(trace.device.start(row)),
    });
    let cut = Trace {
        names: trace.names.clone(),
        tracks: trace.tracks.clone(),
        host,
        device,
        configs: trace.configs.clone(),
        python: trace.python.filter(|row| inside(trace.python.start(row))),
        syncs: trace.syncs.clone(),
        memory: trace.memory.filter(|row| inside(trace.memory.start(row))),
        metadata: trace.metadata.clone(),
        origin: trace.origin,
    };
    Ok(Selected { trace: cut, steps })
}
