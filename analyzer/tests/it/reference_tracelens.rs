//! `timeline`, `kernels` and `ops` against the tables that TraceLens made of the same traces.
//!
//! TraceLens counts a device event only if its launch left an `ac2g` flow or was a graph launch; we count all of them.
//! So every number goes two ways from one reading of the trace: by our rule to our output, by theirs to their table.

use crate::corpus::{envelope_of_all, position, rows_of, shared};
use crate::harness::whole;
use crate::model::{DeviceRow, Event, Model, Timeline, load, timeline};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of tables, beside a trace of the same name, and how many of its device events fail TraceLens' rule.
const CASES: [(&str, usize); 5] = [
    ("tracelens-h100/Falconsai_nsfw_image_detection__1016002", 0),
    ("tracelens-h100/Qwen_Qwen1.5-0.5B-Chat__1016005", 509),
    ("tracelens-h100/gaunernst_bert-small-uncased__1016001", 0),
    ("more/mi300-Falconsai_nsfw_image_detection__1016002", 0),
    ("more/torch_compile_triton-trace", 0),
];

struct Case {
    name: &'static str,
    folder: PathBuf,
    trace: Model,
    /// Positions of the device events that TraceLens counts.
    theirs: Vec<usize>,
}

fn cases() -> Vec<Case> {
    let Some(shared) = shared() else { return Vec::new() };
    let open = |(name, uncounted)| {
        let folder = shared.join(name);
        let trace = load(&folder.with_file_name(format!("{}.json.gz", last(name)))).unwrap();
        let theirs = counted_by_tracelens(&trace);
        assert_eq!(trace.device.len() - theirs.len(), uncounted, "{name}: events that fail the rule");
        Case { name, folder, trace, theirs }
    };
    CASES.into_iter().map(open).collect()
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').unwrap().1
}

fn counted_by_tracelens(trace: &Model) -> Vec<usize> {
    let launches = trace.launches();
    let counts = |position: &usize| {
        let flow = trace.device[*position].correlation().is_some_and(|id| trace.flow_starts.contains(&id));
        flow || launches[*position].is_some_and(|call| trace.host[call].event.name.contains("GraphLaunch"))
    };
    (0..trace.device.len()).filter(counts).collect()
}

/// 0.1 µs, or a millionth: their times have been through 32-bit floats.
fn agree(theirs: f64, nanoseconds: i64) -> bool {
    let exact = decimal(nanoseconds);
    (theirs - exact).abs() <= 100.0_f64.max(exact.abs() * 1e-6)
}

#[expect(clippy::cast_precision_loss, reason = "for a comparison within a millionth")]
fn decimal(nanoseconds: i64) -> f64 {
    nanoseconds as f64
}

fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// TraceLens takes ROCm's copy kernels for copies; for us a kernel is a kernel (R62).
fn is_copy_for_tracelens(event: &Event) -> bool {
    let copies = ["__amd_rocclr_copyBuffer", "MEMORY_COPY_"];
    event.category == "gpu_memcpy" || copies.iter().any(|prefix| event.name.starts_with(prefix))
}

fn is_copy_for_us(event: &Event) -> bool {
    event.category == "gpu_memcpy"
}

#[test]
fn gpu_timeline() {
    for Case { name, folder, trace, theirs } in cases() {
        let counted: Vec<&Event> = theirs.iter().map(|position| &trace.device[*position]).collect();
        let by_their_rule = timeline(&counted, is_copy_for_tracelens);
        let rows = table(&folder.join("gpu_timeline.csv"));
        assert_eq!(rows.len(), 8, "{name}");
        for row in &rows {
            let expected = figure(&by_their_rule, &row["type"]);
            let found = number(row, "time ms") * 1e6;
            assert!(agree(found, expected), "{name}: {} is {found} in the table, {expected} by its rule", row["type"]);
        }
        let all: Vec<&Event> = trace.device.iter().collect();
        check_timeline(name, &timeline(&all, is_copy_for_us));
    }
}

fn figure(timeline: &Timeline, row: &str) -> i64 {
    match row {
        "computation_time" => timeline.computation,
        "exposed_comm_time" => timeline.exposed_communication,
        "exposed_memcpy_time" => timeline.exposed_copies,
        "busy_time" => timeline.busy,
        "idle_time" => timeline.total - timeline.busy,
        "total_time" => timeline.total,
        "total_comm_time" => timeline.communication,
        "total_memcpy_time" => timeline.copies,
        _ => panic!("unknown row {row}"),
    }
}

fn check_timeline(name: &str, expected: &Timeline) {
    let rows = rows_of("timeline", position(&format!("{name}.json.gz")).unwrap());
    let [row] = &rows[..] else { panic!("{name}: one device, {} rows", rows.len()) };
    let found = Timeline {
        total: whole(row, "total_ns"),
        busy: whole(row, "busy_ns"),
        computation: whole(row, "computation_ns"),
        exposed_communication: whole(row, "exposed_comm_ns"),
        exposed_copies: whole(row, "exposed_memcpy_ns"),
        communication: whole(row, "total_comm_ns"),
        copies: whole(row, "total_memcpy_ns"),
    };
    assert_eq!(&found, expected, "{name}");
    assert_eq!(whole(row, "idle_ns"), expected.total - expected.busy, "{name}");
}

#[test]
fn kernel_summary_counts_every_kernel() {
    for Case { name, folder, trace, .. } in cases() {
        let theirs = grouped_by_name(&folder.join("kernel_summary.csv"));
        let mut expected: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for kernel in trace.device.iter().filter(|event| event.category == "kernel") {
            expected.entry(&kernel.name).or_default().push(kernel.length());
        }
        let ours = rows_of("kernels", position(&format!("{name}.json.gz")).unwrap());
        let names: Vec<&str> = ours.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(sorted(names), expected.keys().copied().collect::<Vec<_>>(), "{name}: our names");
        assert!(theirs.keys().map(String::as_str).eq(expected.keys().copied()), "{name}: their names");
        for row in &ours {
            let kernel = row["name"].as_str().unwrap();
            let durations = &expected[kernel];
            let numbers = ["calls", "total_ns", "min_ns", "max_ns"].map(|key| whole(row, key));
            let (least, most) = (durations.iter().min().unwrap(), durations.iter().max().unwrap());
            let count = i64::try_from(durations.len()).unwrap();
            assert_eq!(numbers, [count, durations.iter().sum(), *least, *most], "{name}: {kernel}");
            let [sum, count, least, most] = theirs[kernel];
            assert!(agree(sum, numbers[1]) && agree(least, numbers[2]) && agree(most, numbers[3]), "{name}: {kernel}");
            assert!((count - decimal(numbers[0])).abs() < 0.5, "{name}: {kernel} has {count} calls in the table");
        }
    }
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

/// Their rows are split by parent operator and stream: sum, count, minimum, maximum per kernel, in ns.
fn grouped_by_name(path: &Path) -> BTreeMap<String, [f64; 4]> {
    let mut groups: BTreeMap<String, [f64; 4]> = BTreeMap::new();
    for row in table(path) {
        let value = |column: &str| number(&row, &format!("Kernel duration (µs)_{column}"));
        let group = groups.entry(row["Kernel name"].clone()).or_insert([0.0, 0.0, f64::INFINITY, 0.0]);
        group[0] += value("sum") * 1e3;
        group[1] += value("count");
        group[2] = group[2].min(value("min") * 1e3);
        group[3] = group[3].max(value("max") * 1e3);
    }
    groups
}

#[test]
fn ops_summary() {
    for Case { name, folder, trace, theirs } in cases() {
        let by_their_rule: BTreeMap<String, DeviceRow> = operators_that_own(&trace, &theirs);
        let rows = table(&folder.join("ops_summary.csv"));
        assert!(!rows.is_empty(), "{name}");
        assert_eq!(rows.len(), by_their_rule.len(), "{name}: operators that own a counted device event");
        for row in &rows {
            let expected = &by_their_rule[&row["name"]];
            let own = number(row, "total_direct_kernel_time_sum") * 1e3;
            let total = number(row, "total_subtree_kernel_time_sum") * 1e3;
            assert!(agree(own, expected.own) && agree(total, expected.total), "{name}: {row:?} against {expected:?}");
            assert_eq!(row["Count"], expected.owners.to_string(), "{name}: {}", row["name"]);
        }
        check_ops(name, &trace);
    }
}

/// Their table: operators only, and of each operator only the calls that own a counted device event themselves.
fn operators_that_own(trace: &Model, counted: &[usize]) -> BTreeMap<String, DeviceRow> {
    let launches = trace.launches();
    let mut own: BTreeMap<usize, i64> = BTreeMap::new();
    let mut total: BTreeMap<usize, i64> = BTreeMap::new();
    for event in counted {
        let length = trace.device[*event].length();
        let Some(operator) = launches[*event].and_then(|call| trace.operator_around(call)) else { continue };
        *own.entry(operator).or_default() += length;
        for around in trace.ancestors(operator) {
            *total.entry(around).or_default() += length;
        }
    }
    let mut rows: BTreeMap<String, DeviceRow> = BTreeMap::new();
    for (operator, time) in own {
        let row = rows.entry(trace.host[operator].event.name.clone()).or_default();
        row.own += time;
        row.total += total[&operator];
        row.owners += 1;
    }
    rows
}

fn check_ops(name: &str, trace: &Model) {
    let expected = trace.device_rows();
    let ours = rows_of("ops", position(&format!("{name}.json.gz")).unwrap());
    assert_eq!(ours.len(), expected.len(), "{name}: rows of ops");
    for row in &ours {
        let op = row["name"].as_str().unwrap();
        let expected = expected.get(op).unwrap_or_else(|| panic!("{name}: no event is named {op}"));
        let found = (whole(row, "device_self_ns"), whole(row, "device_total_ns"));
        assert_eq!(found, (expected.own, expected.total), "{name}: {op}");
    }
}

/// What we say of the difference: 509 of 1,707 device events of Qwen were launched before recording began.
#[test]
fn the_events_that_tracelens_leaves_out_are_named() {
    let Some(position) = position("Qwen_Qwen1.5-0.5B-Chat__1016005.json.gz") else {
        crate::harness::skipped("../shared/traces is not there");
        return;
    };
    let row = rows_of("ops", position).into_iter().find(|row| row["name"] == "[no launch recorded]").unwrap();
    assert_eq!(whole(&row, "calls"), 509);
    let audit = rows_of("audit", position);
    let finding: &Value = audit.iter().find(|row| row["code"] == "W-ORPHAN-GPU").expect("W-ORPHAN-GPU");
    assert_eq!(whole(finding, "count"), 509);
    assert_eq!(whole(finding, "time_ns"), whole(&row, "device_self_ns"));
    assert_eq!(envelope_of_all("audit")["inputs"][position]["verdict"], "degraded");
}
