//! `--steps A..B`: a trace of which only some steps are kept, so that every analysis answers for them unchanged.
//!
//! A host event is kept where it starts inside the host span of such a step, a device event where it belongs to one
//! (METRICS 6), so the parts add up to what the steps have together. Memory is kept whole: what is live in a step may
//! have been allocated long before; the peak is looked for inside the steps.

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
    if steps.steps.is_empty() {
        return Err(NoSuchSteps { available: context.steps.in_words() });
    }
    let trace = context.trace;
    let is_kept = |index: Option<usize>| {
        let step = index.and_then(|index| context.steps.steps.get(index));
        step.and_then(|step| step.number).is_some_and(wanted)
    };
    let inside = |time| is_kept(context.steps.of_host_time(time));
    let cut = Trace {
        names: trace.names.clone(),
        tracks: trace.tracks.clone(),
        host: trace.host.filter(|row| inside(trace.host.start(row))),
        device: trace.device.filter(|row| is_kept(context.steps.of_device(row))),
        configs: trace.configs.clone(),
        python: trace.python.clone(),
        syncs: trace.syncs.clone(),
        memory: trace.memory.clone(),
        metadata: trace.metadata.clone(),
        origin: trace.origin,
    };
    Ok(Selected { trace: cut, steps })
}
