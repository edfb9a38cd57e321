//! `--steps A..B`: a trace of which only some steps are kept, so that every analysis answers for them unchanged; and who is
//! kept, for `slice`, which cuts the file itself.
//!
//! A host event is kept where it starts inside the host span of such a step, a device event where it belongs to one
//! (METRICS 6), so the parts add up to what the steps have together. Memory is kept whole: what is live in a step may
//! have been allocated long before; the peak is looked for inside the steps.

use super::context::Context;
use super::intervals::Span;
use super::steps::Steps;
use crate::trace::Trace;
use crate::units::{Nanoseconds, Timestamp};
use hashbrown::HashMap;
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

impl StepRange {
    /// Whether the step of this number is asked for.
    #[must_use]
    pub fn holds(self, number: i64) -> bool {
        self.first.is_none_or(|first| number >= first) && self.last.is_none_or(|last| number <= last)
    }
}

/// What is kept of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// These steps.
    Steps(StepRange),
    /// From one point in time to just before another, counted from the trace's origin.
    Time {
        /// The first point.
        from: Nanoseconds,
        /// The first that is left out.
        to: Nanoseconds,
    },
}

/// Who is kept of a trace, by where events start and who launched them: the rule of [`select`], without the tables.
pub struct Kept {
    /// On the host.
    host: Span,
    /// On devices, for events whose launch is not in the file.
    device: Span,
    /// Of every correlation whose launch is in the file: whether it is kept.
    launched: HashMap<i64, bool>,
}

impl Kept {
    /// Who is kept of `context`'s trace.
    ///
    /// # Errors
    /// Where no step of the trace lies in the range.
    pub fn of(context: &Context<'_>, part: Part) -> Result<Self, NoSuchSteps> {
        let trace = context.trace;
        let (host, device) = match part {
            Part::Time { from, to } => {
                let span = Span::union([(trace.origin + from, trace.origin + to)]);
                (span.clone(), span)
            }
            Part::Steps(range) => {
                let steps = wanted_steps(context, range)?;
                (Span::union(steps.steps.iter().map(|step| (step.host_start, step.host_end))), steps.span())
            }
        };
        let launched = (0..trace.device.len()).filter_map(|row| {
            let call = context.launches.call_of(row)?;
            Some((trace.device.correlation(row), host.holds(trace.host.start(call))))
        });
        let launched = launched.collect();
        Ok(Self { host, device, launched })
    }

    /// Whether a host event that starts at `time` is kept.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.host.holds(time)
    }

    /// Whether some of the kept host time lies between `start` and `end`, or at `start`.
    #[must_use]
    pub fn touches(&self, start: Timestamp, end: Timestamp) -> bool {
        self.holds(start) || self.host.within((start, end)) > Nanoseconds::ZERO
    }

    /// Whether a device event that starts at `time` and carries `correlation` is kept.
    #[must_use]
    pub fn holds_device(&self, time: Timestamp, correlation: i64) -> bool {
        self.launched(correlation).unwrap_or_else(|| self.device.holds(time))
    }

    /// Whether what was launched under `correlation` is kept; `None` where its launch is not in the file.
    #[must_use]
    pub fn launched(&self, correlation: i64) -> Option<bool> {
        self.launched.get(&correlation).copied()
    }
}

fn wanted_steps(context: &Context<'_>, range: StepRange) -> Result<Steps, NoSuchSteps> {
    let steps = context.steps.filtered(|number| range.holds(number));
    if steps.steps.is_empty() { Err(NoSuchSteps { available: context.steps.in_words() }) } else { Ok(steps) }
}

/// Cuts `context`'s trace to `range`.
///
/// # Errors
/// Where no step of the trace lies in the range.
pub fn select(context: &Context<'_>, range: StepRange) -> Result<Selected, NoSuchSteps> {
    let steps = wanted_steps(context, range)?;
    let trace = context.trace;
    let is_kept = |index: Option<usize>| {
        let step = index.and_then(|index| context.steps.steps.get(index));
        step.and_then(|step| step.number).is_some_and(|number| range.holds(number))
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
