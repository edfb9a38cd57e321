//! What a command says beside its data: which inputs could not be used, the verdict in one line, and on request
//! everything that was found.

use super::args::Manner;
use super::exit::Outcome;
use super::io::Io;
use super::load::is_usable;
use crate::analysis::select::NoSuchSteps;
use crate::audit::{Finding, Verdict, Weight};
use crate::render::{escape, verdict_line, worst};
use crate::report::model::InputFacts;
use crate::run::RunFolder;
use crate::text::error_chain;
use std::path::PathBuf;

/// Says what is to be said beside an answer from `inputs`, and how the command ends.
pub(super) fn conclude(inputs: &[InputFacts], manner: Manner, io: &mut Io) -> Outcome {
    if manner.verbose {
        tell_findings(inputs, io);
    }
    if !manner.quiet {
        tell_verdict(inputs, manner.verbose, io);
    }
    if manner.strict && worst(inputs) > Verdict::Ok {
        io.tell(&format!("error: the verdict is {} and --strict asks for ok", worst(inputs).word()));
        return Outcome::Unusable;
    }
    Outcome::Fine
}

/// Says why there is no answer: of every unusable input, why it is so.
pub(super) fn tell_nothing_usable(inputs: &[InputFacts], io: &mut Io) {
    for facts in inputs.iter().filter(|facts| !is_usable(facts)) {
        io.tell(&format!("error: {}", why_unusable(facts)));
    }
}

/// Says which results cannot be used: a warning beside an answer, an error where there is none for want of them.
pub(super) fn tell_results<'r>(
    runs: impl IntoIterator<Item = &'r RunFolder>,
    is_answered: bool,
    manner: Manner,
    io: &mut Io,
) {
    let weight = if is_answered { "warning" } else { "error" };
    for run in runs.into_iter().filter(|_| !manner.quiet || !is_answered) {
        if let Some(problem) = &run.results_error {
            io.tell(&format!("{weight}: results are not used: {}", one_line(&error_chain(problem))));
        }
    }
}

/// Says on request which folders were passed over.
pub(super) fn tell_passed_over(folders: &[PathBuf], manner: Manner, io: &mut Io) {
    for folder in folders.iter().filter(|_| manner.verbose) {
        let folder = folder.to_string_lossy();
        io.tell(&format!("note: {} holds neither results nor a trace", one_line(&folder)));
    }
}

/// Says which inputs have none of the steps asked for. Where none has, that is an error.
pub(super) fn tell_without_steps(
    inputs: &[InputFacts],
    without_steps: &[(usize, NoSuchSteps)],
    is_answered: bool,
    manner: Manner,
    io: &mut Io,
) {
    let weight = if is_answered { "warning" } else { "error" };
    for (index, problem) in without_steps.iter().filter(|_| !manner.quiet || !is_answered) {
        let path = inputs.get(*index).map_or("", |facts| facts.path.raw());
        io.tell(&format!("{weight}: {}: {}", one_line(path), one_line(&error_chain(problem))));
    }
}

/// One line over all inputs. Where several are unusable it could name but the first, so each has a line before it.
fn tell_verdict(inputs: &[InputFacts], was_told: bool, io: &mut Io) {
    let unusable: Vec<&InputFacts> = inputs.iter().filter(|facts| !is_usable(facts)).collect();
    if unusable.len() > 1 && !was_told {
        for facts in unusable {
            io.tell(&format!("warning: {}", why_unusable(facts)));
        }
    }
    if let Some(line) = verdict_line(inputs) {
        io.tell(&line);
    }
}

fn tell_findings(inputs: &[InputFacts], io: &mut Io) {
    for facts in inputs {
        for finding in &facts.findings {
            let weight = match finding.code.weight() {
                Weight::Note => "note",
                Weight::Warning | Weight::Error => "warning",
            };
            let (path, code, message) = (facts.path.raw(), finding.code.text(), finding.message.raw());
            io.tell(&format!("{weight}: {path}: {code}: {}", one_line(message)));
        }
    }
}

/// The reason with the path in front, unless it begins with it.
fn why_unusable(facts: &InputFacts) -> String {
    let path = facts.path.raw();
    let reason = facts.findings.iter().find(|finding| finding.code.weight() == Weight::Error);
    let reason = reason.map_or("nothing of it can be used", |Finding { message, .. }| message.raw());
    if reason.contains(path) {
        one_line(reason)
    } else {
        format!("cannot use {}: {}", one_line(path), one_line(reason))
    }
}

/// Text from a file stays on its line; the rest of the escape is the stream's.
fn one_line(text: &str) -> String {
    escape::terminal(text).into_owned()
}
