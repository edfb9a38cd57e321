//! The part of a trace that a command asks about: all of it, or the steps of `--steps`.

use crate::analysis::Context;
use crate::analysis::select::{NoSuchSteps, StepRange, select};
use crate::analysis::steps::Steps;
use crate::trace::Trace;

/// A trace, cut where steps were asked for.
#[derive(Debug)]
pub(super) struct Selection {
    trace: Trace,
    /// The steps that were kept, as the whole trace has them; `None` where nothing was cut.
    steps: Option<Steps>,
}

impl Selection {
    /// All of `trace`, or `range` of it; nothing of an input without trace.
    ///
    /// # Errors
    /// Where the trace has no step in the range.
    pub(super) fn of(trace: Option<Trace>, range: Option<StepRange>) -> Result<Option<Self>, NoSuchSteps> {
        let Some(trace) = trace else { return Ok(None) };
        let Some(range) = range else { return Ok(Some(Self { trace, steps: None })) };
        let selected = select(&Context::new(&trace), range)?;
        Ok(Some(Self { trace: selected.trace, steps: Some(selected.steps) }))
    }

    /// What is known of it.
    pub(super) fn context(&self) -> Context<'_> {
        match &self.steps {
            None => Context::new(&self.trace),
            Some(steps) => Context::with_steps(&self.trace, steps.clone()),
        }
    }
}

/// Sound inputs that have none of the steps asked for, each with its index.
pub(super) type WithoutSteps = Vec<(usize, NoSuchSteps)>;

/// What came of all inputs, in their order, and apart from it those that have none of the steps asked for.
pub(super) fn set_apart<T>(results: Vec<Result<Option<T>, NoSuchSteps>>) -> (Vec<Option<T>>, WithoutSteps) {
    let mut without_steps = Vec::new();
    let given = results.into_iter().enumerate().map(|(index, result)| {
        result.unwrap_or_else(|no_steps| {
            without_steps.push((index, no_steps));
            None
        })
    });
    (given.collect(), without_steps)
}
