//! What a report is made of: the runs that were found, their traces as contexts, and what was wrong with any of them.
//!
//! `cli` fills this in, in the order in which things were found; [`super::build`] decides what to say.

use super::model::InputFacts;
use crate::analysis::Context;
use crate::analysis::select::StepRange;
use crate::run::RunFolder;
use std::path::PathBuf;

/// Everything that a report may speak of.
pub struct ReportInputs<'t> {
    /// The runs, in the order found: by argument, then by path.
    pub runs: Vec<ReportRun<'t>>,
    /// Every file, usable or not, with all findings: of reading, of the analyses, of the company that it was given in.
    /// A path that could not be used at all is among them, and no run's.
    pub inputs: Vec<InputFacts>,
    /// Sub-folders that hold neither results nor a trace, as typed.
    pub passed_over: Vec<PathBuf>,
    /// Whether runs are paired although their configurations differ.
    pub allow_mismatch: bool,
    /// The steps that the contexts were cut to, where some were asked for.
    pub steps: Option<StepRange>,
}

/// One run and its usable traces.
pub struct ReportRun<'t> {
    /// What its folder and its results say; `results_error` says why results.json cannot be used.
    pub folder: RunFolder,
    /// Its traces, by rank; none where it has only results.
    pub traces: Vec<RunTrace<'t>>,
}

/// One usable trace of a run.
pub struct RunTrace<'t> {
    /// Its position among [`ReportInputs::inputs`].
    pub input: usize,
    /// Its rank, where known.
    pub rank: Option<i64>,
    /// The trace, cut to the steps asked for, and what is known of it.
    pub context: Context<'t>,
}
