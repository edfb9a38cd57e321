//! One question to every input, side by side: each trace is cut, understood, asked and let go.

use super::load::Loaded;
use super::selection::{Selection, WithoutSteps, set_apart};
use crate::analysis::Context;
use crate::analysis::select::StepRange;
use crate::report::model::InputFacts;
use rayon::prelude::*;

/// What came of all inputs, in their order.
pub(super) struct Answers<T> {
    /// What every envelope says of them, with all findings.
    pub(super) facts: Vec<InputFacts>,
    /// The answers, each where its input gave one.
    pub(super) given: Vec<Option<T>>,
    /// Those that have none of the steps asked for.
    pub(super) without_steps: WithoutSteps,
}

/// Asks every trace of `loaded`, or `steps` of it, while the audit looks at it too; `complete` adds what only the file's
/// facts and its run say.
pub(super) fn answers<T: Send>(
    loaded: Vec<Loaded>,
    steps: Option<StepRange>,
    ask: impl Fn(&Context<'_>) -> T + Sync,
    complete: impl Fn(&mut T, &InputFacts, Option<usize>) + Sync,
) -> Answers<T> {
    let (facts, results): (Vec<_>, Vec<_>) = loaded
        .into_par_iter()
        .map(|Loaded { mut facts, trace, run }| {
            let result = Selection::of(trace, steps).map(|selection| {
                selection.map(|selection| {
                    let context = selection.context();
                    let (findings, mut answer) = rayon::join(|| context.findings(), || ask(&context));
                    facts.findings.extend(findings);
                    complete(&mut answer, &facts, run);
                    answer
                })
            });
            facts.findings.sort_by_key(|finding| finding.code);
            (facts, result)
        })
        .unzip();
    let (given, without_steps) = set_apart(results);
    Answers { facts, given, without_steps }
}
