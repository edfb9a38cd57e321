//! Every kind of chart, with usual data and with data that should not exist.

use super::*;
use crate::report::model::{Bar, Group, Series, Side, Slice, SpeedupBar};
use crate::units::{Bytes, Nanoseconds};
use std::collections::BTreeSet;

/// METRICS 4: categories of operators.
const CATEGORIES: [&str; 17] = [
    "Convolution",
    "GEMM",
    "Normalization",
    "RNN",
    "Attention",
    "Activation/Elementwise",
    "Pooling",
    "Reduction",
    "Loss/Softmax",
    "Optimizer",
    "Embedding/Indexing",
    "Memory copy",
    "Layout conversion",
    "Communication",
    "Data loading",
    "Framework",
    "Other",
];
/// METRICS 4: roles of the step partition.
const ROLES: [&str; 8] = ["Kernel", "Communication", "Memcpy", "Memset", "Runtime", "DataLoader", "CPU exec", "Idle"];

const EDGES: [i64; 7] = [0, 1, -1, 999, 1_000_000_000_000_000_000, i64::MAX, i64::MIN];
const ODD: [f64; 9] =
    [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE];

fn ns(count: i64) -> Nanoseconds {
    Nanoseconds::new(count)
}

fn bytes(count: i64) -> Bytes {
    Bytes::new(count)
}

/// Names that no chart may trip over.
fn names() -> Vec<String> {
    ["", "aten::add", "é漢字", "\0\n\t\u{1b}[31m", "\u{202e}שלום", "👩‍👩‍👧"]
        .into_iter()
        .map(str::to_owned)
        .chain(["wide ".repeat(1_000)])
        .collect()
}

fn steps(count: i64) -> Vec<(Nanoseconds, String)> {
    (0..count).map(|step| (ns(step * 1_000), format!("ProfilerStep#{step}"))).collect()
}

fn figure(title: &str, chart: Chart) -> Figure {
    Figure { file: "chart".to_owned(), title: title.to_owned(), caption: Vec::new(), chart }
}

fn memory(points: &[(i64, i64)], steps: Vec<(Nanoseconds, String)>) -> Chart {
    let allocated: Vec<_> = points.iter().map(|(time, size)| (ns(*time), bytes(*size))).collect();
    let peak = allocated.iter().copied().max_by_key(|point| point.1).unwrap_or_default();
    Chart::Memory { reserved: allocated.clone(), allocated, peak, steps }
}

/// One chart of every kind, with data as reports have them.
fn usual() -> Vec<Chart> {
    let times = || CATEGORIES.into_iter().zip(1i64..);
    let ratio =
        |ratio| SpeedupBar { label: "cnn, epoch".to_owned(), ratio, interval: Some((ratio * 0.9, ratio * 1.1)) };
    let series = |side, dashed| Series {
        label: "loss".to_owned(),
        side,
        variant: String::new(),
        dashed,
        points: vec![(1.0, 2.0), (2.0, 1.0)],
    };
    vec![
        Chart::Pie { slices: times().map(|(category, time)| Slice { category, time: ns(time * time) }).collect() },
        Chart::Ranking {
            bars: times()
                .map(|(category, time)| Bar { label: "aten::mm".into(), category, time: ns(time), share: Some(0.1) })
                .collect(),
            axis: "device self time".to_owned(),
        },
        Chart::Grouped {
            groups: vec![Group { label: "cnn".to_owned(), cpu: Some(ns(9_000)), gpu: Some(ns(100)) }],
            axis: "time per step".to_owned(),
        },
        Chart::Speedups { bars: vec![ratio(0.5), ratio(12.3)] },
        memory(&[(0, 5), (1_000, 1 << 30), (3_000, 4)], steps(4)),
        Chart::Utilisation {
            buckets: vec![(ns(0), 0.2), (ns(1_000), 0.9)],
            end: ns(2_000),
            steps: steps(2),
            mean_share: 0.55,
        },
        Chart::Curves {
            series: vec![series(Side::Cpu, false), series(Side::Gpu, true)],
            x_axis: "epoch".to_owned(),
            y_axis: "loss".to_owned(),
            unit_interval: false,
            dashed_means: Some(("train", "test")),
        },
    ]
}

/// Every kind without data.
fn empty() -> Vec<Chart> {
    let axis = String::new();
    vec![
        Chart::Pie { slices: Vec::new() },
        Chart::Ranking { bars: Vec::new(), axis: axis.clone() },
        Chart::Grouped { groups: Vec::new(), axis: axis.clone() },
        Chart::Speedups { bars: Vec::new() },
        memory(&[], Vec::new()),
        Chart::Utilisation { buckets: Vec::new(), end: ns(0), steps: Vec::new(), mean_share: 0.0 },
        Chart::Curves {
            series: Vec::new(),
            x_axis: axis.clone(),
            y_axis: axis,
            unit_interval: true,
            dashed_means: None,
        },
    ]
}

/// Every kind, `count` times the values and names of no good trace.
fn extreme(count: usize) -> Vec<Chart> {
    let names = names();
    let name = |index: usize| names[index % names.len()].clone();
    let time = |index: usize| ns(EDGES[index % EDGES.len()]);
    let odd = |index: usize| ODD[index % ODD.len()];
    let all = 0..count;
    vec![
        Chart::Pie { slices: all.clone().map(|i| Slice { category: CATEGORIES[i % 17], time: time(i) }).collect() },
        Chart::Ranking {
            bars: all
                .clone()
                .map(|i| Bar { label: name(i).into(), category: "no category", time: time(i), share: Some(odd(i)) })
                .collect(),
            axis: name(6),
        },
        Chart::Grouped {
            groups: all
                .clone()
                .map(|i| Group { label: name(i), cpu: Some(time(i)), gpu: (i % 3 > 0).then(|| time(i + 1)) })
                .collect(),
            axis: name(6),
        },
        Chart::Speedups {
            bars: all
                .clone()
                .map(|i| SpeedupBar { label: name(i), ratio: odd(i), interval: Some((odd(i + 1), odd(i + 2))) })
                .collect(),
        },
        memory(
            &all.clone().map(|i| (EDGES[i % 7], EDGES[(i + 2) % 7])).collect::<Vec<_>>(),
            all.clone().map(|i| (time(i), name(i))).collect(),
        ),
        Chart::Utilisation {
            buckets: all.clone().map(|i| (time(i), odd(i))).collect(),
            end: time(count),
            steps: all.clone().map(|i| (time(i), name(i))).collect(),
            mean_share: odd(count),
        },
        Chart::Curves {
            series: all
                .map(|i| Series {
                    label: name(i),
                    side: Side::Cpu,
                    variant: name(i),
                    dashed: i % 2 == 0,
                    points: (0..=i).map(|j| (odd(i + j), odd(j))).collect(),
                })
                .collect(),
            x_axis: name(6),
            y_axis: name(3),
            unit_interval: false,
            dashed_means: Some(("train", "test")),
        },
    ]
}

/// The width, the height and the pixels of a PNG file.
fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

/// Whether `color` is somewhere among `pixels`.
fn shows(pixels: &[u8], plotters::style::RGBColor(red, green, blue): plotters::style::RGBColor) -> bool {
    pixels.chunks_exact(3).any(|pixel| pixel == [red, green, blue])
}

#[test]
fn every_kind_is_drawn_and_twice_the_same() {
    for chart in usual() {
        let figure = figure("Title", chart);
        let file = draw(&figure).unwrap();
        assert_eq!(file, draw(&figure).unwrap());
        let (width, height, pixels) = decode(&file);
        assert!((1_000..=1_200).contains(&width) && (200..=1_300).contains(&height));
        assert!(shows(&pixels, theme::PAPER) && shows(&pixels, theme::INK));
    }
}

#[test]
fn the_colors_mean_the_same_everywhere() {
    let charts = usual();
    let pixels = |kind: usize| decode(&draw(&figure("", charts[kind].clone())).unwrap()).2;
    let (pie, ranking, grouped, curves) = (pixels(0), pixels(1), pixels(2), pixels(6));
    assert!(shows(&pie, theme::category("Other")) && shows(&ranking, theme::category("Other")));
    for side in [Side::Cpu, Side::Gpu] {
        assert!(shows(&grouped, theme::side(side)) && shows(&curves, theme::side(side)));
    }
}

#[test]
fn variants_have_colors_of_their_own() {
    let names = ["", "tf32", "bf16", "channels_last", "tf32-channels_last", "bf16-channels_last"];
    let color = |side, name| format!("{:?}", theme::variant(side, name));
    let mut colors: Vec<String> = names.iter().map(|name| color(Side::Gpu, *name)).collect();
    colors.push(color(Side::Cpu, ""));
    colors.sort();
    colors.dedup();
    assert_eq!(colors.len(), names.len() + 1);
    assert_eq!(color(Side::Gpu, "fp8-experiment"), color(Side::Gpu, ""), "unknown variants have the side's colour");
}

#[test]
fn no_data_is_said() {
    for chart in empty() {
        let with_title = figure("Title", chart.clone());
        let pixels = decode(&draw(&with_title).unwrap()).2;
        // Without a title, what is not white can only be the words.
        let words = decode(&draw(&figure("", chart)).unwrap()).2;
        assert!(words.iter().any(|channel| *channel < 0x80));
        assert_ne!(pixels, words);
    }
}

#[test]
fn data_that_should_not_exist_is_drawn_without_panic() {
    for count in [1, 2, 7, 40, 130] {
        for chart in extreme(count) {
            assert!(draw(&figure(&names().concat(), chart)).is_ok());
        }
    }
}

#[test]
fn each_extreme_alone_is_drawn() {
    for (edge, odd) in EDGES.into_iter().zip(ODD) {
        let label = "one".to_owned();
        let charts = [
            Chart::Pie { slices: vec![Slice { category: "GEMM", time: ns(edge) }] },
            Chart::Grouped {
                groups: vec![Group { label: label.clone(), cpu: Some(ns(edge)), gpu: None }],
                axis: label.clone(),
            },
            Chart::Speedups { bars: vec![SpeedupBar { label: label.clone(), ratio: odd, interval: None }] },
            memory(&[(edge, edge)], Vec::new()),
            Chart::Utilisation { buckets: vec![(ns(edge), odd)], end: ns(edge), steps: Vec::new(), mean_share: odd },
            Chart::Curves {
                series: vec![Series {
                    label: label.clone(),
                    side: Side::Gpu,
                    variant: label.clone(),
                    dashed: true,
                    points: vec![(odd, odd)],
                }],
                x_axis: label.clone(),
                y_axis: label,
                unit_interval: false,
                dashed_means: Some(("train", "test")),
            },
        ];
        for chart in charts {
            assert!(draw(&figure("", chart)).is_ok());
        }
    }
}

#[test]
fn every_category_has_its_own_color() {
    for words in [&CATEGORIES[..], &ROLES[..]] {
        let colors: BTreeSet<_> = words.iter().map(|word| theme::category(word)).map(|c| (c.0, c.1, c.2)).collect();
        assert_eq!(colors.len(), words.len());
        for word in words {
            assert!(theme::CATEGORY_COLORS.iter().any(|(name, _)| name == word), "{word} has no color");
        }
    }
}

#[test]
fn long_rankings_grow_and_end() {
    let heights = [10, 40, 500].map(|count| {
        let bar = Bar { label: "aten::mm".into(), category: "GEMM", time: ns(5), share: None };
        let chart = Chart::Ranking { bars: vec![bar; count], axis: "time".to_owned() };
        decode(&draw(&figure("", chart)).unwrap()).1
    });
    assert!(heights[0] <= theme::HEIGHT && heights[1] > theme::HEIGHT && heights[2] < 2_000);
}
