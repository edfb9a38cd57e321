//! One question to every input, side by side: each trace is cut, understood, asked and let go.

use super::load::Loaded;
use super::selection::Selection;
use crate::analysis::Context;
use crate::analysis::select::{NoSuchSteps, StepRange};
use crate::report::model::InputFacts;
use rayon::prelude::*;

/// What came of all inputs, in their order.
pub(super) struct Answers<T> {
    /// What every envelope says of them, with all findings.
    pub(super) facts: Vec<InputFacts>,
    /// The answers, each where its input gave one.
    pub(super) given: Vec<Option<T>>,
    /// Sound inputs that have none of the steps asked for, by index.
    pub(super) without_steps: Vec<(usize, NoSuchSteps)>,
}

/// Asks every trace of `loaded`, or `steps` of it, while the audit looks at it too; `complete` adds what only the file's
/// facts and its run say.
pub(super) fn answers<T: Send>(
    loaded: Vec<Loaded>,
    steps: Option<StepRange>,
    ask: impl Fn(&Context<'_>) -> T + Sync,
    complete: impl Fn(&mut T, &InputFacts, Option<usize>) + Sync,
) -> Answers<T> {
    let asked: Vec<_> = loaded
        .into_par_iter()
        .map(|Loaded { mut facts, trace, run }| {
            let selection = trace.map(|trace| Selection::of(trace, steps)).transpose();
            let given = selection.map(|selection| {
                selection.map(|selection| {
                    let context = selection.context();
                    let (findings, mut answer) = rayon::join(|| context.findings(), || ask(&context));
                    facts.findings.extend(findings);
                    complete(&mut answer, &facts, run);
                    answer
                })
            });
            facts.findings.sort_by_key(|finding| finding.code);
            (facts, given)
        })
        .collect();
    let mut answers = Answers { facts: Vec::new(), given: Vec::new(), without_steps: Vec::new() };
    for (index, (facts, given)) in asked.into_iter().enumerate() {
        answers.facts.push(facts);
        let given = given.unwrap_or_else(|no_steps| {
            answers.without_steps.push((index, no_steps));
            None
        });
        answers.given.push(given);
    }
    answers
}
