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
    /// All of `trace`, or `range` of it.
    ///
    /// # Errors
    /// Where the trace has no step in the range.
    pub(super) fn of(trace: Trace, range: Option<StepRange>) -> Result<Self, NoSuchSteps> {
        let Some(range) = range else { return Ok(Self { trace, steps: None }) };
        let selected = select(&Context::new(&trace), range)?;
        Ok(Self { trace: selected.trace, steps: Some(selected.steps) })
    }

    /// What is known of it.
    pub(super) fn context(&self) -> Context<'_> {
        match &self.steps {
            None => Context::new(&self.trace),
            Some(steps) => Context::with_steps(&self.trace, steps.clone()),
        }
    }
}
