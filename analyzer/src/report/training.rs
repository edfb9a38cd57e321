//! How the training went: losses, scores, time per epoch, peak memory, by results.json.

use super::inputs::ReportRun;
use super::material::{MOST_SENTENCES, Material};
use super::model::{Block, Chart, Figure, Phrase, Piece, Section, Series, Side, phrase};
use crate::compare::variants::{epoch_means, partition};
use crate::run::results::{DeviceKind, Epoch, Results, Score};
use crate::table::Recorded;
use crate::text::Untrusted;
use crate::units::count_to_f64;
use std::collections::BTreeMap;

/// The section.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let mut blocks = Vec::new();
    let mut bullets: Vec<Phrase> = Vec::new();
    let is_few = material.inputs.runs.len() <= MOST_SENTENCES;
    for run in &material.inputs.runs {
        match &run.folder.results {
            // Of many runs the table of variants says it, and here stands what it cannot hold.
            Recorded::Yes(results) if is_few || is_wanting(results) => bullets.push(outcome(run, results)),
            Recorded::Yes(_) => {}
            Recorded::No(why) => {
                bullets.push(phrase![
                    run.folder.name.clone(),
                    format!(": losses, scores and epochs not recorded ({}).", why.text())
                ]);
            }
        }
    }
    let mut by_model: BTreeMap<&Untrusted, Vec<(&ReportRun<'_>, &Results)>> = BTreeMap::new();
    for run in &material.inputs.runs {
        if let Recorded::Yes(results) = &run.folder.results {
            by_model.entry(&run.folder.model).or_default().push((run, results));
        }
    }
    for (index, (model, runs)) in by_model.into_iter().enumerate() {
        blocks.extend(curves(index, model, &runs));
    }
    if !bullets.is_empty() {
        blocks.insert(0, Block::Bullets(bullets));
    }
    vec![Section { title: phrase!["Training"], level: 1, blocks }]
}

/// Whether a run did not end, or does not say all that a run can.
fn is_wanting(results: &Results) -> bool {
    results.complete == Recorded::Yes(false) || !missing_parts(results).is_empty()
}

/// "unet_cuda: 5 epochs, test Dice 0.91, 41.2 s in all; peak 1.77 GiB on the device."
fn outcome(run: &ReportRun<'_>, results: &Results) -> Phrase {
    let mut phrase = phrase![run.folder.name.clone(), ": "];
    match &results.epochs {
        Recorded::Yes(epochs) => {
            phrase.extend(phrase![Piece::Counted(crate::units::count(epochs.len()), "epoch")]);
            if let Some(last) = epochs.last() {
                let score = score_name(results);
                phrase.extend(value(", final train loss ", last.train_loss));
                phrase.extend(value(", test loss ", last.test_loss));
                phrase.extend(value(&format!(", test {score} "), last.test_score));
            }
        }
        Recorded::No(why) => phrase.extend(phrase![format!("epochs not recorded ({})", why.text())]),
    }
    phrase.extend(match results.total {
        Recorded::Yes(total) => phrase![", ", total, " in all"],
        Recorded::No(why) => phrase![format!(", total time not recorded ({})", why.text())],
    });
    phrase.extend(peaks(results));
    if results.complete == Recorded::Yes(false) {
        phrase.extend(phrase!["; interrupted, so incomplete"]);
    }
    let missing = missing_parts(results);
    if !missing.is_empty() {
        phrase.extend(phrase![format!("; not recorded: {}", missing.join(", "))]);
    }
    phrase.extend(phrase!["."]);
    phrase
}

/// The parts that results.json does not have and no sentence names.
fn missing_parts(results: &Results) -> Vec<&'static str> {
    let absent = [
        ("parameters", results.parameters.value().is_none()),
        ("device", results.device.as_ref().value().is_none()),
        ("host", results.host.as_ref().value().is_none()),
        ("software", results.software.as_ref().value().is_none()),
        ("config", results.config.as_ref().value().is_none()),
        ("step times", results.steps.as_ref().value().is_none()),
    ];
    absent.into_iter().filter(|(_, is_absent)| *is_absent).map(|(part, _)| part).collect()
}

/// Peak memory on both sides; the device's only of a run that has one.
fn peaks(results: &Results) -> Phrase {
    let on_gpu = results.device.as_ref().value().is_some_and(|device| device.kind != DeviceKind::Cpu);
    let sides = [("host", results.peak_memory.host), ("device", results.peak_memory.device_allocated)];
    let shown = sides.into_iter().filter(|(side, peak)| *side == "host" || on_gpu || peak.value().is_some());
    shown
        .flat_map(|(side, peak)| match peak {
            Recorded::Yes(peak) => phrase!["; peak ", peak, format!(" on the {side}")],
            Recorded::No(why) => phrase![format!("; peak memory of the {side} not recorded ({})", why.text())],
        })
        .collect()
}

fn value(words: &str, value: Recorded<f64>) -> Phrase {
    value.value().map(|value| phrase![words, Piece::Decimal(value)]).unwrap_or_default()
}

fn score_name(results: &Results) -> &'static str {
    match results.score {
        Recorded::Yes(Score::Dice) => "Dice",
        Recorded::Yes(Score::Accuracy) => "accuracy",
        Recorded::No(_) => "score",
    }
}

/// Loss, score and time per epoch of one model's runs.
fn curves(index: usize, model: &Untrusted, runs: &[(&ReportRun<'_>, &Results)]) -> Vec<Block> {
    let score = runs.first().map_or("score", |(_, results)| score_name(results));
    let groups = groups(runs);
    let repeats = if groups.iter().any(|group| group.members.len() > 1) { " Of repeats, the mean." } else { "" };
    let (train, test) = (false, true);
    let loss = series(&groups, &[(train, |epoch| epoch.train_loss), (test, |epoch| epoch.test_loss)]);
    let scores = series(&groups, &[(train, |epoch| epoch.train_score), (test, |epoch| epoch.test_score)]);
    let times = series(&groups, &[(train, |epoch| epoch.time.map(crate::units::Nanoseconds::as_seconds))]);
    let mut blocks = Vec::new();
    for (what, file, y_axis, series, unit_interval) in [
        ("loss", "loss", "loss", loss, false),
        (score, "score", score, scores, true),
        ("time", "epochs", "seconds", times, false),
    ] {
        if series.is_empty() {
            blocks.push(Block::Paragraph(phrase![model.clone(), format!(": {what} per epoch not recorded.")]));
            continue;
        }
        let dashed_means = series.iter().any(|series| series.dashed).then_some(("train", "test"));
        blocks.push(Block::Figure(Figure {
            file: format!("training{index}_{file}"),
            title: format!("{}: {what} per epoch", model.raw()),
            caption: phrase![format!("The {what} of each epoch, as the runs' results.json say.{repeats}")],
            chart: Chart::Curves {
                series,
                x_axis: "epoch".to_owned(),
                y_axis: y_axis.to_owned(),
                unit_interval,
                dashed_means,
            },
        }));
    }
    blocks
}

/// Repeats of one run, under the first one's name.
struct Repeats<'a> {
    name: &'a Untrusted,
    side: Side,
    variant: &'a Untrusted,
    members: Vec<&'a [Epoch]>,
}

/// The runs of a model by device, variant and what they were told; runs without epochs are none.
fn groups<'a>(runs: &[(&'a ReportRun<'_>, &'a Results)]) -> Vec<Repeats<'a>> {
    let mut by_key: BTreeMap<_, Vec<(&'a ReportRun<'_>, &'a [Epoch])>> = BTreeMap::new();
    for (run, results) in runs {
        if let Recorded::Yes(epochs) = &results.epochs {
            by_key.entry(run.folder.key()).or_default().push((run, epochs));
        }
    }
    let parts = by_key.into_values().flat_map(|runs| partition(runs, |(run, _)| &run.folder));
    let repeats = parts.filter_map(|part| {
        let folder = &part.first()?.0.folder;
        let side = if folder.device == Some(DeviceKind::Cpu) { Side::Cpu } else { Side::Gpu };
        let members = part.iter().map(|(_, epochs)| *epochs).collect();
        Some(Repeats { name: &folder.name, side, variant: &folder.variant, members })
    });
    repeats.collect()
}

type Value = (bool, fn(&Epoch) -> Recorded<f64>);

fn series(groups: &[Repeats<'_>], values: &[Value]) -> Vec<Series> {
    let mut all = Vec::new();
    for group in groups {
        for (dashed, value) in values {
            let means = epoch_means(&group.members, *value).into_iter();
            let points: Vec<(f64, f64)> = means.map(|(epoch, mean)| (count_to_f64(epoch), mean)).collect();
            if !points.is_empty() {
                let (label, variant) = (group.name.raw().to_owned(), group.variant.raw().to_owned());
                all.push(Series { label, side: group.side, variant, dashed: *dashed, points });
            }
        }
    }
    all
}
