//! `ops` against torch's own `key_averages()` of the same run: the same rows, and every number to the nanosecond and byte.
//!
//! Two differences are known and kept on purpose (METRICS 2). Each is derived here from the trace, cell by cell, so that
//! a third kind fails.

use crate::corpus::{RUNS, fixture, gunzip, run_trace};
use crate::harness::{json, rows};
use crate::model::{Model, load, row_name};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Deserialize)]
struct TorchRow {
    key: String,
    device_type: String,
    count: i64,
    cpu: f64,
    self_cpu: f64,
    dev: f64,
    self_dev: f64,
    cpu_mem: i64,
    self_cpu_mem: i64,
    dev_mem: i64,
    self_dev_mem: i64,
}

/// Our column, torch's value for it, and what it depends on.
type Compared = (&'static str, fn(&TorchRow) -> i64, Needs);

const COLUMNS: [Compared; 9] = [
    ("calls", |row| row.count, Needs::Nothing),
    ("host_total_ns", |row| nanoseconds(row.cpu), Needs::Nothing),
    ("host_self_ns", |row| nanoseconds(row.self_cpu), Needs::Nothing),
    ("device_total_ns", |row| nanoseconds(row.dev), Needs::Device),
    ("device_self_ns", |row| nanoseconds(row.self_dev), Needs::Device),
    ("host_total_bytes", |row| row.cpu_mem, Needs::Memory),
    ("host_self_bytes", |row| row.self_cpu_mem, Needs::Memory),
    ("device_total_bytes", |row| row.dev_mem, Needs::DeviceMemory),
    ("device_self_bytes", |row| row.self_dev_mem, Needs::DeviceMemory),
];

/// What must be in a trace for a column to be there at all.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Device,
    Memory,
    DeviceMemory,
}

impl Needs {
    fn met_by(self, trace: &Model) -> bool {
        let (device, memory) = (!trace.device.is_empty(), !trace.memory.is_empty());
        match self {
            Self::Nothing => true,
            Self::Device => device,
            Self::Memory => memory,
            Self::DeviceMemory => device && memory,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "torch's sums are far below 2^53 ns")]
fn nanoseconds(microseconds: f64) -> i64 {
    (microseconds * 1000.0).round() as i64
}

/// What a comparison found: how many cells were equal, and how many differ for either known reason.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    rows: usize,
    overhead: usize,
    graph: usize,
}

fn compare(trace: &Path, reference: &Path) -> Tally {
    let model = load(trace).unwrap();
    let envelope = json("ops", [trace]);
    let ours: BTreeMap<&str, &Value> = rows(&envelope).iter().map(|row| (row["name"].as_str().unwrap(), row)).collect();
    assert_eq!(ours.len(), rows(&envelope).len(), "a name has two rows");
    let theirs: Vec<TorchRow> = serde_json::from_slice(&gunzip(&std::fs::read(reference).unwrap())).unwrap();
    // torch lists kernels as rows of their own device type; `[memory]` gathers what lies outside of every operator.
    let theirs: BTreeMap<&str, &TorchRow> = theirs
        .iter()
        .filter(|row| row.device_type == "DeviceType.CPU" && row.key != "[memory]")
        .map(|row| (row.key.as_str(), row))
        .collect();
    let extra: Vec<_> =
        ours.keys().filter(|name| !theirs.contains_key(*name) && **name != "[no launch recorded]").collect();
    let missing: Vec<_> = theirs.keys().filter(|name| !ours.contains_key(*name)).collect();
    assert!(extra.is_empty() && missing.is_empty(), "only ours: {extra:?}; only torch's: {missing:?}");

    let overhead = cells_inflated_by_overhead(&model);
    let graph = time_of_graph_launches_outside_operators(&model);
    let mut tally = Tally { rows: theirs.len(), overhead: 0, graph: 0 };
    let mut wrong = Vec::new();
    for (name, torch) in &theirs {
        for (column, value, needs) in COLUMNS {
            let cell = ours[name].get(column).unwrap_or(&Value::Null);
            assert_eq!(cell.is_i64(), needs.met_by(&model), "{name}.{column} of {} is {cell}", trace.display());
            let (mine, expected) = (cell.as_i64().unwrap_or(0), value(torch));
            let key = ((*name).to_owned(), column);
            let in_graphs = graph.get(&key).copied().unwrap_or(0);
            match mine - in_graphs - expected {
                0 => tally.graph += usize::from(in_graphs != 0),
                difference if difference < 0 && overhead.contains(&key) => tally.overhead += 1,
                _ => wrong.push(format!("{name}.{column}: ours {mine}, torch {expected}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {} cells differ:\n{}", trace.display(), wrong.len(), wrong.join("\n"));
    tally
}

type CellKey = (String, &'static str);

/// Where `overhead` rows' ids collide with kernels', torch gives them the kernels' time, and so every row around them.
fn cells_inflated_by_overhead(trace: &Model) -> BTreeSet<CellKey> {
    let mut cells = BTreeSet::new();
    for position in (0..trace.host.len()).filter(|position| trace.host[*position].event.category == "overhead") {
        cells.insert((row_name(&trace.host[position].event.name), "device_self_ns"));
        cells.extend(trace.ancestors(position).map(|node| (row_name(&trace.host[node].event.name), "device_total_ns")));
    }
    cells
}

/// Kernels of a graph launch with no operator around it: ours are the launch's, torch gives them to no row.
fn time_of_graph_launches_outside_operators(trace: &Model) -> BTreeMap<CellKey, i64> {
    let mut cells: BTreeMap<CellKey, i64> = BTreeMap::new();
    for (position, node) in trace.host.iter().enumerate() {
        if !node.event.name.contains("GraphLaunch") || trace.operator_around(position).is_some() {
            continue;
        }
        let time: i64 = node.launched.iter().map(|event| trace.device[*event].length()).sum();
        *cells.entry((node.event.name.clone(), "device_self_ns")).or_default() += time;
        for around in trace.ancestors(position) {
            *cells.entry((row_name(&trace.host[around].event.name), "device_total_ns")).or_default() += time;
        }
    }
    cells
}

#[test]
fn recorded_runs_equal_torch_in_every_cell() {
    let tallies: Vec<Tally> = RUNS
        .iter()
        .map(|run| compare(&run_trace(run), &fixture(&format!("torch-reference/{run}.key_averages.json.gz"))))
        .collect();
    assert!(tallies.iter().all(|tally| (tally.overhead, tally.graph) == (0, 0)), "{tallies:?}");
    assert_eq!(tallies.iter().map(|tally| tally.rows).collect::<Vec<_>>(), [74, 94, 86, 102]);
}

fn compare_h200(case: &str) -> Tally {
    compare(
        &fixture(&format!("h200-cases/{case}.pt.trace.json.gz")),
        &fixture(&format!("h200-cases/{case}.key_averages.json.gz")),
    )
}

#[test]
fn a_transformer_under_autocast_with_stacks_equals_torch_in_every_cell() {
    assert_eq!(compare_h200("encoder_amp_stack"), Tally { rows: 131, overhead: 0, graph: 0 });
}

#[test]
fn profiler_overhead_inflates_device_totals_in_torch_alone() {
    assert_eq!(compare_h200("cold_streams"), Tally { rows: 38, overhead: 19, graph: 0 });
}

#[test]
fn kernels_of_a_graph_launch_belong_to_the_launch() {
    assert_eq!(compare_h200("graph_mlp"), Tally { rows: 4, overhead: 0, graph: 3 });
}
