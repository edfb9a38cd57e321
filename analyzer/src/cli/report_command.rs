//! `report`: runs -> traces -> contexts, all at hand -> the report -> a folder.
//!
//! The folder comes first: a place that cannot be written must not cost a minute of reading.

use super::args::Manner;
use super::exit::Outcome;
use super::inputs::{Found, Repeated};
use super::io::Io;
use super::load::{Loaded, Reading, load};
use super::selection::{Selection, set_apart};
use super::{Error, messages};
use crate::analysis::Context;
use crate::analysis::select::StepRange;
use crate::render::{self, DiskFolder, escape};
use crate::report;
use crate::report::inputs::{ReportInputs, ReportRun, RunTrace};
use crate::report::model::InputFacts;
use crate::run::RunFolder;
use crate::table::Recorded;
use rayon::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// The command.
pub(super) const NAME: &str = "report";
/// One line for `--help`.
pub(super) const ABOUT: &str = "everything about runs and their traces: report.md, charts, tables, report.json";

/// What to do, decided.
pub(super) struct Plan {
    /// On what.
    pub(super) runs: Vec<OsString>,
    /// Where to.
    pub(super) out: PathBuf,
    /// Whether unlike runs are paired.
    pub(super) allow_mismatch: bool,
    /// Which steps.
    pub(super) steps: Option<StepRange>,
    /// How to read and to speak.
    pub(super) manner: Manner,
}

/// Writes the report.
pub(super) fn run(plan: &Plan, io: &mut Io) -> Result<Outcome, Error> {
    let mut out = DiskFolder::create(&plan.out)?;
    let mut found = Found::by(&plan.runs, Repeated::Dropped);
    let reading =
        Reading { limits: plan.manner.limits(), with_sha256: true, progress: &io.progress("reading", plan.manner) };
    let loaded = load(&found, &reading, None);
    messages::tell_passed_over(&found.passed_over, plan.manner, io);

    let runs: Vec<Option<usize>> = loaded.iter().map(|loaded| loaded.run).collect();
    let (mut facts, cut): (Vec<_>, Vec<_>) =
        loaded.into_par_iter().map(|Loaded { facts, trace, .. }| (facts, Selection::of(trace, plan.steps))).unzip();
    let (selections, without_steps) = set_apart(cut);
    let contexts: Vec<Option<Context<'_>>> =
        selections.par_iter().map(|selection| selection.as_ref().map(Selection::context)).collect();
    add_findings(&mut facts, &contexts);

    let folders = std::mem::take(&mut found.runs);
    let runs = with_traces(folders, &facts, contexts, &runs);
    let is_answered = runs.iter().any(|run| matches!(run.folder.results, Recorded::Yes(_)) || !run.traces.is_empty());
    messages::tell_results(runs.iter().map(|run| &run.folder), is_answered, plan.manner, io);
    messages::tell_without_steps(&facts, &without_steps, is_answered, plan.manner, io);
    if !is_answered {
        messages::tell_nothing_usable(&facts, io);
        return Ok(Outcome::Unusable);
    }
    let inputs = ReportInputs {
        runs,
        inputs: facts,
        passed_over: found.passed_over,
        allow_mismatch: plan.allow_mismatch,
        steps: plan.steps,
    };
    let report = report::build(&inputs);
    render::report(&report, &mut out)?;
    if !plan.manner.quiet {
        let path = plan.out.join("report.md");
        io.tell(&format!("the report is {}", escape::terminal(&path.to_string_lossy())));
    }
    Ok(messages::conclude(&report.inputs, plan.manner, io))
}

/// Adds what the analyses find to what reading found. (A report asks them all.)
fn add_findings(facts: &mut [InputFacts], contexts: &[Option<Context<'_>>]) {
    facts.par_iter_mut().zip(contexts).for_each(|(facts, context)| {
        facts.findings.extend(context.iter().flat_map(Context::everything));
        facts.findings.sort_by_key(|finding| finding.code);
    });
}

/// The runs with their traces, which `runs` assigns by input.
fn with_traces<'t>(
    folders: Vec<RunFolder>,
    facts: &[InputFacts],
    contexts: Vec<Option<Context<'t>>>,
    runs: &[Option<usize>],
) -> Vec<ReportRun<'t>> {
    let mut reported: Vec<ReportRun<'t>> =
        folders.into_iter().map(|folder| ReportRun { folder, traces: Vec::new() }).collect();
    for (((input, facts), context), run) in facts.iter().enumerate().zip(contexts).zip(runs) {
        if let (Some(context), Some(run)) = (context, run.and_then(|run| reported.get_mut(run))) {
            run.traces.push(RunTrace { input, rank: facts.rank, context });
        }
    }
    for run in &mut reported {
        run.traces.sort_by_key(|trace| (trace.rank, trace.input));
    }
    reported
}
