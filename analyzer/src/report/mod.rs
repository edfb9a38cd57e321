//! What a report says, before anyone draws it.
//!
//! [`build`] works out every number once (`material`), then lets each section speak. Adding a section is a file here and
//! a line in `SECTIONS`.

pub mod audit;
pub mod inputs;
pub mod model;
pub mod summary_cells;

mod glance;
mod kernels;
mod material;
mod memory;
mod operators;
mod precision;
mod speedup;
mod speedup_figures;
mod steps;
mod tables;
mod time;
mod training;

use inputs::ReportInputs;
use material::Material;
use model::{Report, Section};

/// A section writer: what it has to say, nothing where it has nothing to say.
type Writer = fn(&Material<'_>) -> Vec<Section>;

/// The parts that speak of all runs together, before the runs one by one.
const SECTIONS: &[Writer] = &[glance::sections, speedup::sections, training::sections, runs, audit::sections];

/// The parts of one trace's chapter.
type TraceWriter = fn(&Material<'_>, &material::TraceMaterial<'_>) -> Vec<Section>;

/// What is said of each trace, in order.
const TRACE_SECTIONS: &[TraceWriter] =
    &[time::sections, operators::sections, kernels::sections, steps::sections, memory::sections];

/// The report on `inputs`. Notes about the runs' precision are added to the inputs' findings.
#[must_use]
pub fn build(inputs: &ReportInputs<'_>) -> Report {
    let material = Material::gather(inputs);
    Report {
        title: "PyTorch training report".to_owned(),
        inputs: material.facts.clone(),
        sections: SECTIONS.iter().flat_map(|write| write(&material)).collect(),
        tables: tables::all(&material),
    }
}

/// One chapter per trace.
fn runs(material: &Material<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    for trace in &material.traces {
        let mut blocks = trace.opening(material);
        blocks.extend(glance::in_short(material, trace).map(|short| {
            let opening = model::phrase!["In short: "];
            model::Block::Paragraph(opening.into_iter().chain(short).collect())
        }));
        sections.push(Section { title: model::phrase!["Run ", trace.label.clone()], level: 1, blocks });
        sections.extend(TRACE_SECTIONS.iter().flat_map(|write| write(material, trace)));
    }
    sections
}
