//! At a glance: what someone reads who reads one paragraph.

use super::material::{Material, TraceMaterial};
use super::model::{Block, Phrase, Piece, Section, phrase};
use super::tables;
use crate::analysis;
use crate::analysis::categories::Kind;
use crate::compare::speedup::{Metric, SpeedupRow};
use crate::table::Recorded;
use crate::units::Nanoseconds;
use crate::units::round_to_i64;

/// The section.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let mut bullets: Vec<Phrase> = material.speedups.rows.iter().filter_map(headline).collect();
    bullets.extend(material.traces.iter().filter_map(of_trace));
    bullets.extend(
        material
            .inputs
            .runs
            .iter()
            .filter(|run| run.traces.is_empty())
            .map(|run| phrase![run.folder.name.clone(), ": no trace, so only its results are reported."]),
    );
    bullets.extend(material.inputs.runs.iter().filter_map(|run| {
        let error = run.folder.results_error.as_ref()?;
        Some(phrase![
            run.folder.name.clone(),
            ": results.json cannot be used: ",
            crate::text::Untrusted::from(chain(error)),
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
    if let Some(analysis) = analysis::ALL.iter().find(|analysis| analysis.command == "summary") {
        let mut table = tables::over_traces(material, analysis);
        // The top operators have tables of their own below.
        for heading in table.headings.iter_mut().filter(|heading| heading.key == "top_ops") {
            heading.shown = false;
        }
        let of_rows = table.rows.len();
        if of_rows > 0 {
            let inputs = (0..material.facts.len()).collect();
            blocks.push(Block::Table { caption: phrase!["All runs"], table, of_rows, inputs });
        }
    }
    vec![Section { title: phrase!["At a glance"], level: 1, blocks }]
}

/// An error with its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// "unet tf32: one step takes 18.5 ms on the GPU and 1.85 s on the CPU: 99.9x."
fn headline(row: &SpeedupRow) -> Option<Phrase> {
    let (Recorded::Yes(cpu), Recorded::Yes(gpu), Recorded::Yes(ratio)) = (row.cpu, row.gpu, row.ratio) else {
        return None;
    };
    let what = match row.metric {
        Metric::Step => "one step",
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

/// What holds this trace's time.
fn of_trace(trace: &TraceMaterial<'_>) -> Option<Phrase> {
    let largest = trace.categories.iter().find(|row| row.kind == Kind::Op)?;
    let share = largest.share?;
    let mut phrase = phrase![trace.label.clone(), ": "];
    if let Recorded::Yes(mean) = trace.summary.step_mean {
        phrase.extend(phrase!["a step takes ", Nanoseconds::new(round_to_i64(mean)), "; "]);
    }
    phrase.extend(busy(trace));
    let side = if trace.has_device() { "device time" } else { "host time" };
    phrase.extend(phrase![largest.category, " takes ", Piece::Share(share), format!(" of {side}")]);
    if let Some(top) = trace.summary.top_ops.first() {
        phrase.extend(phrase![", and ", top.name.clone(), " is the top operator"]);
    }
    phrase.extend(phrase!["."]);
    Some(phrase)
}

/// "the GPU is busy 85.3 % of the time (idle mostly by operator, 60 % of idle); ".
fn busy(trace: &TraceMaterial<'_>) -> Phrase {
    let (Recorded::Yes(busy), Some(device)) = (trace.summary.busy, trace.devices.first()) else { return Phrase::new() };
    let Some(busy_share) = crate::units::share(busy, trace.summary.total) else { return Phrase::new() };
    let mut phrase = phrase!["the GPU is busy ", Piece::Share(busy_share), " of the time"];
    let causes = device.idle_causes.named().into_iter();
    if let Some((cause, time)) = causes.max_by_key(|(cause, time)| (*time, std::cmp::Reverse(*cause)))
        && let Some(of_idle) = crate::units::share(time, device.idle())
    {
        phrase.extend(phrase![" (idle mostly by ", cause.replace('_', " "), ", ", Piece::Share(of_idle), " of idle)"]);
    }
    phrase.extend(phrase!["; "]);
    phrase
}
