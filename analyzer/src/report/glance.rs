//! At a glance: what someone reads who reads one paragraph.

use super::material::{MOST_SENTENCES, Material, TraceMaterial};
use super::model::{Block, Phrase, Piece, Section, phrase};
use super::tables;
use crate::analysis::categories::Kind;
use crate::analysis::idle::IdleCauses;
use crate::analysis::summary;
use crate::compare::speedup::{Metric, SpeedupRow};
use crate::table::Recorded;
use crate::text::error_chain;
use crate::units::{Nanoseconds, count, round_to_i64, share, to_f64};

/// The section.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let mut bullets: Vec<Phrase> = headlines(&material.speedups.rows);
    // Of many traces those of the plain GPU runs; every trace's chapter begins with its own.
    let is_few = material.traces.len() <= MOST_SENTENCES;
    let is_plain = |trace: &&TraceMaterial<'_>| trace.has_device() && trace.run.folder.variant.is_empty();
    let spoken_of = material.traces.iter().filter(|trace| is_few || is_plain(trace)).take(MOST_SENTENCES);
    bullets.extend(spoken_of.filter_map(|trace| of_trace(material, trace)));
    bullets.extend(without_trace(material));
    bullets.extend(material.inputs.runs.iter().filter_map(|run| {
        let error = run.folder.results_error.as_ref()?;
        Some(phrase![
            run.folder.name.clone(),
            ": results.json cannot be used: ",
            crate::text::Untrusted::from(error_chain(error)),
            "."
        ])
    }));
    let mut blocks = Vec::new();
    if !bullets.is_empty() {
        blocks.push(Block::Bullets(bullets));
    }
    if let Some(steps) = &material.inputs.steps {
        let end = |end: Option<i64>, none: &str| end.map_or(none.to_owned(), |number| number.to_string());
        let (first, last) = (end(steps.first, "the first"), end(steps.last, "the last"));
        blocks.push(Block::Paragraph(phrase![format!("Only steps {first} to {last} are reported.")]));
    }
    if material.variants.len() > 1 {
        let table = tables::variants(material);
        let of_rows = table.rows.len();
        blocks.push(Block::Table { caption: phrase!["Side by side"], table, of_rows, inputs: Vec::new() });
    }
    let mut table = tables::over_traces(material, &summary::ANALYSIS);
    // The top operators have tables of their own below.
    for heading in table.headings.iter_mut().filter(|heading| heading.key == "top_ops") {
        heading.shown = false;
    }
    let of_rows = table.rows.len();
    if of_rows > 0 {
        let inputs = (0..material.facts.len()).collect();
        blocks.push(Block::Table { caption: phrase!["All traces"], table, of_rows, inputs });
    }
    vec![Section { title: phrase!["At a glance"], level: 1, blocks }]
}

/// The runs that have no trace, in one sentence.
fn without_trace(material: &Material<'_>) -> Option<Phrase> {
    let mut phrase = Phrase::new();
    let without: Vec<_> = material.inputs.runs.iter().filter(|run| run.traces.is_empty()).collect();
    for run in without.iter().take(MOST_SENTENCES) {
        phrase.extend(phrase![if phrase.is_empty() { "Without a trace, reported by results alone: " } else { ", " }]);
        phrase.extend(phrase![run.folder.name.clone()]);
    }
    let more = without.len().saturating_sub(MOST_SENTENCES);
    if more > 0 {
        phrase.extend(phrase![" and ", Piece::Counted(count(more), "more run")]);
    }
    (!phrase.is_empty()).then(|| phrase.into_iter().chain(phrase!["."]).collect())
}

/// Step and total of every pair while they are few; of many pairs, for each model those of the plain one and of the
/// fastest step. The table below has them all.
fn headlines(rows: &[SpeedupRow]) -> Vec<Phrase> {
    let is_few = rows.iter().filter(|row| row.metric == Metric::Step).count() <= MOST_SENTENCES;
    let of_model = rows.chunk_by(|left, right| left.model == right.model);
    let shown = of_model.flat_map(|rows| {
        let steps = rows.iter().filter(|row| row.metric == Metric::Step);
        let fastest = steps.filter_map(|row| Some((row.gpu.value()?, &row.variant))).min().map(|(_, variant)| variant);
        rows.iter().filter(move |row| {
            is_few || row.variant.is_empty() || (row.metric == Metric::Step && Some(&row.variant) == fastest)
        })
    });
    shown.filter_map(headline).collect()
}

/// "unet tf32: one step takes 18.5 ms on the GPU and 1.85 s on the CPU: 99.9x."
fn headline(row: &SpeedupRow) -> Option<Phrase> {
    let (Recorded::Yes(cpu), Recorded::Yes(gpu), Recorded::Yes(ratio)) = (row.cpu, row.gpu, row.ratio) else {
        return None;
    };
    let what = match row.metric {
        Metric::Step => "one step (median)",
        Metric::Total => "the whole training",
        _ => return None,
    };
    let mut phrase = phrase![row.model.clone()];
    if !row.variant.is_empty() {
        phrase.extend(phrase![" ", row.variant.clone()]);
    }
    phrase.extend(phrase![
        format!(": {what} takes "),
        cpu,
        " on the CPU and ",
        gpu,
        " on the GPU, ",
        Piece::Ratio(ratio),
        " as fast"
    ]);
    match row.interval {
        Some((low, high)) => {
            phrase.extend(phrase![" (95 % interval ", Piece::Ratio(low), " to ", Piece::Ratio(high), ")"]);
        }
        None => phrase.extend(row.why_no_interval.map(|why| Piece::Plain(format!(" ({})", why.text())))),
    }
    phrase.push(Piece::Plain(if row.profiled { ", by profiled steps.".to_owned() } else { ".".to_owned() }));
    Some(phrase)
}

/// What holds this trace's time, with its name in front.
fn of_trace(material: &Material<'_>, trace: &TraceMaterial<'_>) -> Option<Phrase> {
    let mut phrase = phrase![trace.label.clone(), ": "];
    phrase.extend(trace.warning(material));
    phrase.extend(in_short(material, trace)?);
    Some(phrase)
}

/// What holds this trace's time.
pub(super) fn in_short(material: &Material<'_>, trace: &TraceMaterial<'_>) -> Option<Phrase> {
    let largest = trace.categories.iter().find(|row| row.kind == Kind::Op)?;
    let part = largest.share?;
    let mut phrase = Phrase::new();
    if let Recorded::Yes(mean) = trace.summary.step_mean {
        // The profiler slows the host: said where the run shows by how much.
        let step = if material.unprofiled_step(trace).is_some() { "a profiled step takes " } else { "a step takes " };
        phrase.extend(phrase![step, Nanoseconds::new(round_to_i64(mean)), " on average; "]);
    }
    phrase.extend(busy(material, trace));
    let side = if trace.has_device() { "device time" } else { "host time" };
    phrase.extend(phrase![largest.category, " takes ", Piece::Share(part), format!(" of {side}")]);
    if let Some(top) = trace.summary.top_ops.first() {
        phrase.extend(phrase![", and ", top.name.clone(), " is the top operator"]);
    }
    phrase.extend(phrase!["."]);
    Some(phrase)
}

/// "the GPU is busy 27.1 % of the time (largest part of idle, 42.9 %: the host was in an operator's own code); without any
/// waiting a step would take 8.078 ms, 3.7x as fast; ". Every device counts.
fn busy(material: &Material<'_>, trace: &TraceMaterial<'_>) -> Phrase {
    let Recorded::Yes(busy) = trace.summary.busy else { return Phrase::new() };
    let Some(busy_share) = share(busy, trace.summary.total) else { return Phrase::new() };
    let mut phrase = phrase!["the GPU is busy ", Piece::Share(busy_share), " of the time"];
    let mut causes = IdleCauses::default();
    trace.devices.iter().for_each(|device| causes += device.idle_causes);
    let largest = causes.named().into_iter().max_by_key(|(cause, time)| (*time, std::cmp::Reverse(*cause)));
    if let Some((cause, time)) = largest
        && let Some(of_idle) = share(time, trace.summary.total - busy)
    {
        let words = super::time::words(cause);
        phrase.extend(phrase![" (largest part of idle, ", Piece::Share(of_idle), format!(": {words})")]);
    }
    phrase.extend(without_waiting(material, trace));
    phrase.extend(phrase!["; "]);
    phrase
}

/// What a step would take if the device never waited, beside the step without the profiler where there is one: a profiled
/// step waits longer than a step does.
fn without_waiting(material: &Material<'_>, trace: &TraceMaterial<'_>) -> Phrase {
    let per_step = trace.per_step.as_ref().and_then(|per_step| per_step.device_busy);
    let (Some(busy), Recorded::Yes(profiled)) = (per_step, trace.summary.step_mean) else { return Phrase::new() };
    let unprofiled = material.unprofiled_step(trace);
    let step = unprofiled.map_or(profiled, |step| to_f64(step.get()));
    if busy <= 0.0 || busy >= step {
        return Phrase::new();
    }
    let busy_step = Nanoseconds::new(round_to_i64(busy));
    let mut phrase = phrase!["; without any waiting a step would take ", busy_step, ", ", Piece::Ratio(step / busy)];
    phrase.extend(match unprofiled {
        Some(step) => phrase![" as fast as the ", step, " that it takes without the profiler"],
        None => phrase![" as fast"],
    });
    phrase
}
