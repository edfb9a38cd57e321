//! CPU against GPU: how many times as fast, and what is worth saying about each pair.

use super::material::{Material, TOP};
use super::model::{Block, Phrase, Piece, Section, phrase};
use crate::compare::speedup::{COLUMNS, GpuStep, Metric, PairFacts, Side, SpeedupRow};
use crate::run::config::{Mismatch, Setting};
use crate::table::{Recorded, Table};
use crate::text::Untrusted;

/// The section; what is missing is said.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let speedups = &material.speedups;
    let mut blocks = Vec::new();
    if speedups.pairs.is_empty() {
        blocks.push(Block::Paragraph(phrase![
            "No CPU run and GPU run of one model are among the inputs: there is nothing to compare."
        ]));
    }
    blocks.extend(super::speedup_figures::figures(&speedups.rows));
    for facts in &speedups.pairs {
        blocks.extend(Some(pair(facts)).filter(|bullets| !bullets.is_empty()).map(Block::Bullets));
    }
    if !speedups.unpaired.is_empty() {
        blocks.push(Block::Bullets(
            speedups
                .unpaired
                .iter()
                .map(|group| {
                    let missing = if group.side == Side::Cpu { "GPU" } else { "CPU" };
                    phrase![named(&group.model, &group.variant), format!(": no {missing} run to compare with.")]
                })
                .collect(),
        ));
    }
    if !speedups.rows.is_empty() {
        let shown = shown_rows(&speedups.rows);
        let of_rows = speedups.rows.len();
        blocks.push(Block::Table {
            caption: phrase!["CPU time against GPU time"],
            table: Table::new("speedup", COLUMNS, &shown),
            of_rows,
            inputs: Vec::new(),
        });
    }
    vec![Section { title: phrase!["CPU against GPU"], level: 1, blocks }]
}

/// Everything but operators, and of these the largest of each pair that both sides run.
fn shown_rows(rows: &[SpeedupRow]) -> Vec<SpeedupRow> {
    let mut shown: Vec<SpeedupRow> = Vec::new();
    let mut ops_of_pair = 0;
    let mut pair = None;
    for row in rows {
        let key = (&row.model, &row.variant);
        if pair != Some(key) {
            pair = Some(key);
            ops_of_pair = 0;
        }
        let has_ratio = matches!(row.ratio, Recorded::Yes(_));
        ops_of_pair += usize::from(row.metric == Metric::Op && has_ratio);
        if row.metric != Metric::Op || has_ratio && ops_of_pair <= TOP {
            shown.push(row.clone());
        }
    }
    shown
}

/// The pair that a row is of, as charts and sentences call it.
pub(super) fn title(row: &SpeedupRow) -> String {
    named(&row.model, &row.variant).raw().to_owned()
}

fn named(model: &Untrusted, variant: &Untrusted) -> Untrusted {
    if variant.is_empty() { model.clone() } else { format!("{} {}", model.raw(), variant.raw()).into() }
}

/// What is worth saying about one pair.
fn pair(facts: &PairFacts) -> Vec<Phrase> {
    let name = named(&facts.model, &facts.variant);
    let mut bullets = Vec::new();
    if !facts.variant.is_empty() {
        bullets.push(phrase![
            name.clone(),
            ": the GPU runs in ",
            facts.variant.clone(),
            ", the CPU in fp32 and default layout."
        ]);
    }
    if !facts.mismatches.is_empty() {
        let fate = if facts.dropped { "not compared" } else { "compared although they differ" };
        let mut phrase = phrase![name.clone(), format!(": the configurations differ, so the runs are {fate}: ")];
        for (index, mismatch) in facts.mismatches.iter().enumerate() {
            phrase.extend(phrase![if index > 0 { ", " } else { "" }]);
            phrase.extend(differs(mismatch));
        }
        bullets.push(phrase);
    }
    if !facts.config_not_recorded.is_empty() {
        bullets.push(phrase![
            name.clone(),
            ": config not recorded, so whether both sides did the same work is not checked."
        ]);
    }
    if !facts.fields_not_compared.is_empty() {
        let fields = facts.fields_not_compared.join(", ");
        bullets.push(phrase![name.clone(), format!(": recorded on one side only and not compared: {fields}.")]);
    }
    if let Recorded::Yes(step) = &facts.gpu_step {
        bullets.extend(gpu_step(&name, step));
    }
    bullets
}

/// What the GPU's step is made of, and what bounds a further speedup.
fn gpu_step(name: &Untrusted, step: &GpuStep) -> Vec<Phrase> {
    let mut bullets = Vec::new();
    let mut parts = Vec::new();
    let mut say = |what: &str, share: Recorded<f64>| {
        if let Recorded::Yes(share) = share {
            parts.extend(phrase![if parts.is_empty() { "" } else { ", " }, format!("{what} "), Piece::Share(share)]);
        }
    };
    say("copies take", step.transfer_share);
    say("launch latency", step.launch_latency_share);
    if !parts.is_empty() {
        let mut phrase = phrase![name.clone(), ": of the GPU step, "];
        phrase.extend(parts);
        phrase.extend(phrase!["."]);
        bullets.push(phrase);
    }
    bullets.extend(step.device.as_ref().and_then(|headroom| {
        Some(phrase![
            name.clone(),
            ": if all device work took no time (Amdahl), a step would be at most ",
            Piece::Ratio(headroom.limit?),
            " as fast: the rest is the host's."
        ])
    }));
    bullets.extend(step.largest.as_ref().and_then(|headroom| {
        Some(phrase![
            name.clone(),
            ": without any ",
            headroom.category.unwrap_or("device work"),
            " time, a step would be at most ",
            Piece::Ratio(headroom.limit?),
            " as fast."
        ])
    }));
    bullets
}

fn differs(mismatch: &Mismatch) -> Phrase {
    phrase![
        format!("{} ", mismatch.field),
        setting(&mismatch.first),
        " on the CPU, ",
        setting(&mismatch.second),
        " on the GPU"
    ]
}

fn setting(setting: &Setting) -> Piece {
    match setting {
        Setting::Whole(whole) => Piece::Count(*whole),
        Setting::Decimal(decimal) => Piece::Decimal(*decimal),
        Setting::Word(word) => Piece::Name(word.clone()),
        Setting::Flag(flag) => Piece::from(if *flag { "on" } else { "off" }),
    }
}
