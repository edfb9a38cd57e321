//! The training steps of one trace.

use super::material::{Material, TraceMaterial};
use super::model::{Block, Phrase, Section, phrase};
use crate::analysis::steps::{ANALYSIS, Step, statistics};
use crate::analysis::{Grouping, Question};
use crate::units::{Nanoseconds, count, round_to_i64};

/// How many steps the table shows.
const MOST_ROWS: usize = 20;

/// The section.
pub(super) fn sections(_: &Material<'_>, trace: &TraceMaterial<'_>) -> Vec<Section> {
    let mut table = (ANALYSIS.table)(&Question { context: trace.context(), grouping: Grouping::Name });
    if table.rows.is_empty() {
        return Vec::new();
    }
    let of_rows = table.rows.len();
    table.rows.truncate(MOST_ROWS);
    let blocks = vec![
        Block::Paragraph(used(trace)),
        Block::Table { caption: phrase!["Steps in order"], table, of_rows, inputs: vec![trace.trace.input] },
    ];
    vec![Section { title: phrase!["Steps"], level: 2, blocks }]
}

/// Which steps were used and why any was not.
fn used(trace: &TraceMaterial<'_>) -> Phrase {
    let steps = &trace.context().steps;
    if !steps.annotated {
        return phrase!["The trace has no ProfilerStep annotations: it is taken as one step."];
    }
    let of = |keep: fn(&Step) -> bool| count(steps.steps.iter().filter(|step| keep(step)).count());
    let (all, warm_up) = (count(steps.steps.len()), of(|step| step.warm_up));
    let empty = of(|step| step.duration() == Nanoseconds::ZERO);
    let mut phrase = phrase![count(steps.used().count()), " of ", all, " steps are used for means"];
    if warm_up > 0 {
        phrase.extend(phrase![", ", warm_up, " were warm-up"]);
    }
    if empty > 0 {
        phrase.extend(phrase![", ", empty, " have no length"]);
    }
    if let Some(statistics) = statistics(steps) {
        phrase.extend(phrase![": mean ", decimal(statistics.mean), ", median ", decimal(statistics.median)]);
        if let Some(deviation) = statistics.deviation {
            phrase.extend(phrase![", standard deviation ", decimal(deviation)]);
        }
    }
    phrase.extend(phrase![". They are profiled: the profiler slows the host."]);
    phrase
}

fn decimal(nanoseconds: f64) -> Nanoseconds {
    Nanoseconds::new(round_to_i64(nanoseconds))
}
