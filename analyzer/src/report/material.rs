//! Every number of the report, worked out once, before anything is said.

use super::inputs::{ReportInputs, ReportRun, RunTrace};
use super::model::{Block, InputFacts, Phrase, phrase};
use crate::analysis::Context;
use crate::analysis::categories::CategoryRow;
use crate::analysis::kernels::KernelRow;
use crate::analysis::memory::MemoryRow;
use crate::analysis::ops::OpRow;
use crate::analysis::per_step::{PerStep, per_step};
use crate::analysis::summary::{self, SummaryRow};
use crate::analysis::timeline::DeviceRow;
use crate::audit::Weight;
use crate::compare::speedup::{RunNumbers, Speedups, TraceNumbers, speedups, unprofiled_step};
use crate::compare::variants::{self, VariantRow};
use crate::run::RunFolder;
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use crate::units::Nanoseconds;
use rayon::prelude::*;

/// How many rows people's tables and rankings show.
pub(super) const TOP: usize = 10;

/// More sentences of one kind than this say less than a table.
pub(super) const MOST_SENTENCES: usize = 4;

/// The inputs and all answers about them.
pub(super) struct Material<'a> {
    pub(super) inputs: &'a ReportInputs<'a>,
    /// The inputs' facts with the findings that the report itself adds.
    pub(super) facts: Vec<InputFacts>,
    pub(super) traces: Vec<TraceMaterial<'a>>,
    pub(super) speedups: Speedups,
    pub(super) variants: Vec<VariantRow>,
    /// The median step of each run that timed its steps without the profiler.
    unprofiled_steps: Vec<(&'a RunFolder, Nanoseconds)>,
}

/// One trace and the answers about it.
pub(super) struct TraceMaterial<'a> {
    pub(super) run: &'a ReportRun<'a>,
    pub(super) trace: &'a RunTrace<'a>,
    /// The run's name, with the rank where the run has several.
    pub(super) label: Untrusted,
    /// The same for file names: unique in the report.
    pub(super) file_stem: String,
    pub(super) summary: SummaryRow,
    pub(super) ops: &'a [OpRow],
    pub(super) kernels: &'a [KernelRow],
    pub(super) categories: &'a [CategoryRow],
    pub(super) devices: &'a [DeviceRow],
    pub(super) memory: &'a [MemoryRow],
    pub(super) per_step: Option<PerStep>,
    /// What kernel names say against the run's precision.
    pub(super) precision: Option<super::precision::Contradiction>,
}

impl<'a> Material<'a> {
    pub(super) fn gather(inputs: &'a ReportInputs<'a>) -> Self {
        let parts: Vec<(&ReportRun<'_>, &RunTrace<'_>)> =
            inputs.runs.iter().flat_map(|run| run.traces.iter().map(move |trace| (run, trace))).collect();
        let mut traces: Vec<TraceMaterial<'_>> =
            parts.into_par_iter().map(|(run, trace)| TraceMaterial::of(run, trace)).collect();
        name_files(&mut traces);
        let mut facts = inputs.inputs.clone();
        for trace in &traces {
            if let (Some(contradiction), Some(facts)) = (&trace.precision, facts.get_mut(trace.trace.input)) {
                facts.findings.push(contradiction.finding());
            }
        }
        let (numbers, folders): (Vec<RunNumbers>, Vec<&RunFolder>) = run_numbers(inputs, &traces).into_iter().unzip();
        let runs: Vec<(&RunNumbers, &RunFolder)> = numbers.iter().zip(folders.iter().copied()).collect();
        let speedups = speedups(&numbers, inputs.allow_mismatch);
        let variants = variants::rows(&runs, &speedups.rows);
        let steps = numbers.iter().map(unprofiled_step);
        let unprofiled_steps =
            folders.into_iter().zip(steps).filter_map(|(run, step)| Some((run, step.value()?))).collect();
        Self { inputs, facts, traces, speedups, variants, unprofiled_steps }
    }

    /// The median step of a trace's run without the profiler, where results.json has one.
    pub(super) fn unprofiled_step(&self, trace: &TraceMaterial<'_>) -> Option<Nanoseconds> {
        let of_run = |(folder, _): &&(&RunFolder, Nanoseconds)| std::ptr::eq(*folder, &trace.run.folder);
        self.unprofiled_steps.iter().find(of_run).map(|(_, step)| *step)
    }
}

impl<'a> TraceMaterial<'a> {
    fn of(run: &'a ReportRun<'a>, trace: &'a RunTrace<'a>) -> Self {
        let context = &trace.context;
        let devices = context.devices();
        let kernels = context.kernels();
        let label = match trace.rank.filter(|_| run.traces.len() > 1) {
            Some(rank) => format!("{}, rank {rank}", run.folder.name.raw()).into(),
            None => run.folder.name.clone(),
        };
        Self {
            run,
            trace,
            label,
            file_stem: String::new(),
            summary: summary::row(context),
            ops: context.operators(),
            precision: super::precision::check(&run.folder, kernels),
            kernels,
            categories: context.categories(),
            memory: context.memory(),
            per_step: per_step(context, devices),
            devices,
        }
    }

    pub(super) fn context(&self) -> &Context<'a> {
        &self.trace.context
    }

    pub(super) fn has_device(&self) -> bool {
        self.context().trace.has_device_events()
    }

    /// Starts of the annotated steps since the trace's start, with their names: marks in charts over time.
    pub(super) fn step_marks(&self) -> Vec<(Nanoseconds, String)> {
        let origin = self.context().trace.origin;
        let steps = self.context().steps.steps.iter();
        steps.filter_map(|step| Some((step.start - origin, format!("step {}", step.number?)))).collect()
    }

    /// The warnings of the trace's input, as a mark in front of what is said of it; nothing where there is none.
    pub(super) fn warning(&self, material: &Material<'_>) -> Phrase {
        let findings = material.facts.get(self.trace.input).map_or(&[][..], |facts| &facts.findings);
        let warned = findings.iter().filter(|finding| finding.code.weight() == Weight::Warning);
        let codes: Vec<&str> = warned.map(|finding| finding.code.text()).collect();
        if codes.is_empty() { Phrase::new() } else { phrase![format!("⚠ degraded ({}): ", codes.join(", "))] }
    }

    /// What stands at the head of the run's chapter.
    pub(super) fn opening(&self, material: &Material<'_>) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut warning = self.warning(material);
        if !warning.is_empty() {
            warning.extend(phrase!["what follows, the charts too, is of what was kept; totals are lower bounds, and idle times and shares may be off."]);
            blocks.push(Block::Paragraph(warning));
        }
        if let Some(contradiction) = &self.precision {
            blocks.push(Block::Paragraph(contradiction.phrase()));
        }
        if !self.has_device() {
            blocks.push(Block::Paragraph(phrase![
                "A CPU trace: it has no device events, so times are the host's self times."
            ]));
        }
        blocks
    }
}

/// File names from labels: lower case letters, digits, `_` and `-`, made unique by a number.
fn name_files(traces: &mut [TraceMaterial<'_>]) {
    let mut taken = std::collections::BTreeSet::new();
    for trace in traces {
        let mut stem: String = trace
            .label
            .raw()
            .to_lowercase()
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' })
            .take(60)
            .collect();
        if stem.is_empty() {
            stem.push_str("trace");
        }
        let mut unique = stem.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{stem}-{number}");
            number += 1;
        }
        trace.file_stem = unique;
    }
}

/// What each run brings to a speedup: its results, and its first rank's trace.
fn run_numbers<'a>(inputs: &'a ReportInputs<'_>, traces: &[TraceMaterial<'_>]) -> Vec<(RunNumbers, &'a RunFolder)> {
    inputs
        .runs
        .iter()
        .filter_map(|run| {
            let trace = traces.iter().find(|trace| std::ptr::eq(trace.run, run));
            let numbers = trace.and_then(|trace| trace.per_step.as_ref()).map(trace_numbers);
            Some((RunNumbers::of(&run.folder, Recorded::from_option(numbers, Why::NoTrace))?, &run.folder))
        })
        .collect()
}

fn trace_numbers(per_step: &PerStep) -> TraceNumbers {
    TraceNumbers {
        steps: per_step.steps.clone(),
        categories: per_step.categories.clone(),
        ops: per_step.ops.clone(),
        device_busy: Recorded::from_option(per_step.device_busy, Why::NoDevice),
        category_busy: per_step.category_busy.clone(),
        transfer: Recorded::from_option(per_step.transfer, Why::NoDevice),
        launch_latency: Recorded::from_option(per_step.launch_latency, Why::NoDevice),
    }
}
