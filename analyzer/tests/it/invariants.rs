//! What must hold for every trace, whatever is in it: sums that close, parts that make a whole, nothing below zero.
//!
//! Each sum is checked twice where it can be: against another column of ours, and against a second reading of the file.

use crate::corpus::{
    COMMANDS, READING_CODES, all, codes_of, envelope_of_all, is_strict, label, position, rows_of, text,
};
use crate::harness::{json, rows, whole};
use crate::model::{Event, Model, load, timeline};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The second reading of every trace; `None` for those that are not strict JSON.
fn models() -> &'static [Option<Model>] {
    static MODELS: OnceLock<Vec<Option<Model>>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let models: Vec<_> = all().iter().map(|path| load(path)).collect();
        let unreadable = models.iter().filter(|model| model.is_none()).count();
        assert_eq!(unreadable, 3, "names, metadata and meta_ok are not strict JSON; everything else is");
        models
    })
}

fn each() -> impl Iterator<Item = (usize, String)> {
    all().iter().enumerate().map(|(position, path)| (position, label(path)))
}

fn sum(rows: &[Value], key: &str) -> i64 {
    rows.iter().map(|row| whole(row, key)).sum()
}

fn summary_of(position: usize) -> Value {
    let rows = rows_of("summary", position);
    assert_eq!(rows.len(), 1, "one row of summary for {}", label(&all()[position]));
    rows.into_iter().next().unwrap()
}

fn is_gpu_trace(position: usize) -> bool {
    !rows_of("timeline", position).is_empty()
}

#[test]
fn every_event_is_kept_and_counted() {
    for (position, name) in each() {
        let input = &envelope_of_all("ops")["inputs"][position];
        assert_eq!(input["events_kept"], summary_of(position)["events"], "{name}");
        if let Some(model) = &models()[position] {
            assert_eq!(input["events_kept"].as_u64(), Some(model.events), "{name}");
            assert_eq!(input["events_skipped"], 0, "{name}");
        }
    }
}

/// The summary works out less than the tables that say more of the same.
#[test]
fn the_summary_says_what_the_tables_say() {
    for (position, name) in each() {
        let (summary, ops, devices) = (summary_of(position), rows_of("ops", position), rows_of("timeline", position));
        let self_key = if devices.is_empty() { "host_self" } else { "device_self" };
        let mut ranked = ops.iter();
        for top in summary["top_ops"].as_array().unwrap() {
            // (Annotations are left out there.)
            let row = ranked.find(|row| row["name"] == top["name"]).unwrap_or_else(|| panic!("{top} of {name}"));
            assert_eq!(row[format!("{self_key}_ns")], top["self_ns"], "{name}");
            assert_eq!(row[format!("{self_key}_share")], top["share"], "{name}");
        }
        assert_eq!(whole(&summary, "host_self_ns"), sum(&ops, "host_self_ns"), "{name}");
        if !devices.is_empty() {
            assert_eq!(whole(&summary, "total_ns"), sum(&devices, "total_ns"), "{name}");
            assert_eq!(whole(&summary, "busy_ns"), sum(&devices, "busy_ns"), "{name}");
        }
    }
}

#[test]
fn device_self_times_sum_to_the_devices_time() {
    for (position, name) in each() {
        let rows = rows_of("ops", position);
        let summary = summary_of(position);
        if is_gpu_trace(position) {
            assert_eq!(sum(&rows, "device_self_ns"), whole(&summary, "device_time_ns"), "{name}");
        } else {
            assert_eq!(summary["device_time_ns"], Value::Null, "{name}: absent is not zero");
            assert!(rows.iter().all(|row| row["device_self_ns"].is_null()), "{name}: absent is not zero");
        }
        if let Some(model) = &models()[position] {
            assert_eq!(sum(&rows, "device_self_ns"), model.device_time(), "{name}: by a second reading");
            assert_eq!(is_gpu_trace(position), !model.device.is_empty(), "{name}: a GPU trace has device events");
        }
    }
}

#[test]
fn host_self_times_sum_to_the_summarys() {
    for (position, name) in each() {
        let total = sum(&rows_of("ops", position), "host_self_ns");
        assert_eq!(total, whole(&summary_of(position), "host_self_ns"), "{name}");
    }
}

#[test]
fn every_row_of_ops_equals_a_second_reading() {
    for (position, name) in each() {
        let Some(model) = &models()[position] else { continue };
        let expected = model.device_rows();
        let rows = rows_of("ops", position);
        let names: BTreeSet<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected.keys().map(String::as_str).collect(), "{name}");
        for row in rows.iter().filter(|_| is_gpu_trace(position)) {
            let expected = &expected[row["name"].as_str().unwrap()];
            let found = (whole(row, "device_self_ns"), whole(row, "device_total_ns"));
            assert_eq!(found, (expected.own, expected.total), "{name}: {}", row["name"]);
        }
    }
}

#[test]
fn no_time_is_negative_and_no_part_exceeds_its_whole() {
    for (position, name) in each() {
        for row in rows_of("ops", position) {
            let value = |key: &str| whole(&row, key);
            assert!(value("host_self_ns") >= 0 && value("device_self_ns") >= 0, "{name}: {row}");
            assert!(value("host_self_ns") <= value("host_total_ns"), "{name}: {row}");
            assert!(value("device_self_ns") <= value("device_total_ns"), "{name}: {row}");
            assert!(value("device_self_busy_ns") <= value("device_self_ns"), "{name}: {row}");
            assert!(value("calls") > 0, "{name}: {row}");
        }
        for row in rows_of("kernels", position) {
            assert!(whole(&row, "min_ns") >= 0 && whole(&row, "min_ns") <= whole(&row, "max_ns"), "{name}: {row}");
            assert_eq!(row["std_ns"].is_null(), whole(&row, "calls") == 1, "{name}: no deviation of one call: {row}");
        }
    }
}

#[test]
fn shares_sum_to_one() {
    for (position, name) in each() {
        for (command, key) in [("ops", "host_self_share"), ("ops", "device_self_share"), ("kernels", "share")] {
            let shares: Vec<f64> = rows_of(command, position).iter().filter_map(|row| row[key].as_f64()).collect();
            let total: f64 = shares.iter().sum();
            assert!(shares.is_empty() || (total - 1.0).abs() < 1e-6, "{name}: {command}.{key} sums to {total}");
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{name}: {command}.{key}");
        }
    }
}

/// Rows of `categories` of one kind.
fn categories(position: usize, kind: &str) -> Vec<Value> {
    rows_of("categories", position).into_iter().filter(|row| row["kind"] == kind).collect()
}

#[test]
fn categories_sum_to_their_whole_exactly() {
    for (position, name) in each() {
        let summary = summary_of(position);
        let key = if is_gpu_trace(position) { "device_time_ns" } else { "host_self_ns" };
        let side = if is_gpu_trace(position) { "device" } else { "host" };
        let rows = categories(position, "op");
        assert_eq!(sum(&rows, "time_ns"), whole(&summary, key), "{name}: operator categories");
        assert!(rows.iter().all(|row| row["side"] == side), "{name}: {side}");
        let steps = sum(&rows_of("steps", position), "duration_ns");
        assert_eq!(sum(&categories(position, "step"), "time_ns"), steps, "{name}: partition of the steps");
        let kinds: BTreeSet<String> =
            rows_of("categories", position).iter().map(|row| row["kind"].to_string()).collect();
        assert!(kinds.iter().all(|kind| ["\"op\"", "\"step\""].contains(&kind.as_str())), "{name}: {kinds:?}");
    }
}

#[test]
fn little_time_falls_to_other() {
    for (position, name) in each() {
        let rows = categories(position, "op");
        let (total, other) = (sum(&rows, "time_ns"), rows.iter().find(|row| row["category"] == "Other"));
        let other = other.map_or(0, |row| whole(row, "time_ns"));
        // Operators name what kernels alone cannot: captured graphs and GPU-only traces have a wider bound.
        let has_operators = models()[position]
            .as_ref()
            .is_none_or(|model| model.host.iter().any(|node| node.event.category == "cpu_op"));
        let percent = if has_operators { 5 } else { 15 };
        assert!(other * 100 <= total * percent, "{name}: {other} of {total} ns are Other");
    }
}

#[test]
fn the_timeline_closes() {
    for (position, name) in each() {
        for row in rows_of("timeline", position) {
            let value = |key: &str| whole(&row, key);
            assert_eq!(value("busy_ns") + value("idle_ns"), value("total_ns"), "{name}: {row}");
            let parts = value("computation_ns") + value("exposed_comm_ns") + value("exposed_memcpy_ns");
            assert_eq!(parts, value("busy_ns"), "{name}: {row}");
            let causes = row["idle_causes"].as_object().unwrap();
            let expected = "data_loading launch_latency operator outside_op queued runtime synchronisation unknown";
            assert!(causes.keys().map(String::as_str).eq(expected.split(' ')), "{name}: {causes:?}");
            let causes: Vec<i64> = causes.values().map(|time| time.as_i64().unwrap()).collect();
            assert!(causes.iter().all(|time| *time >= 0), "{name}: {causes:?}");
            assert_eq!(causes.iter().sum::<i64>(), value("idle_ns"), "{name}: causes of idle time");
            assert_eq!(row["utilisation"].as_array().unwrap().len(), 100, "{name}: buckets");
        }
    }
}

#[test]
fn the_timeline_equals_a_second_reading() {
    for (position, name) in each() {
        let Some(model) = &models()[position] else { continue };
        let mut devices: BTreeMap<i64, Vec<&Event>> = BTreeMap::new();
        for event in &model.device {
            devices.entry(event.device()).or_default().push(event);
        }
        let found: BTreeMap<i64, [i64; 6]> = rows_of("timeline", position)
            .iter()
            .map(|row| {
                let keys = [
                    "total_ns",
                    "busy_ns",
                    "computation_ns",
                    "exposed_comm_ns",
                    "exposed_memcpy_ns",
                    "total_memcpy_ns",
                ];
                (row["device"].as_i64().unwrap(), keys.map(|key| whole(row, key)))
            })
            .collect();
        let expected: BTreeMap<i64, [i64; 6]> = devices
            .into_iter()
            .map(|(device, events)| {
                let line = timeline(&events, |event| event.category == "gpu_memcpy");
                let exposed = [line.exposed_communication, line.exposed_copies, line.copies];
                (device, [line.total, line.busy, line.computation, exposed[0], exposed[1], exposed[2]])
            })
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn steps_tile_the_time() {
    for (position, name) in each() {
        let steps = rows_of("steps", position);
        for pair in steps.windows(2) {
            let end = whole(&pair[0], "start_ns") + whole(&pair[0], "duration_ns");
            assert!(end <= whole(&pair[1], "start_ns"), "{name}: steps overlap: {pair:?}");
        }
        for row in &steps {
            assert!(whole(row, "duration_ns") >= 0 && whole(row, "backlog_ns") >= 0, "{name}: {row}");
            assert!(whole(row, "busy_ns") <= whole(row, "duration_ns"), "{name}: {row}");
        }
    }
}

#[test]
fn memory_peaks_are_the_recorded_ones_and_are_explained_to_the_byte() {
    for (position, name) in each() {
        let mut rows = rows_of("memory", position);
        // Where memory was not recorded, a row may say so.
        rows.retain(|row| !row["peak_allocated_bytes"].is_null());
        let peaks: BTreeSet<i64> = rows.iter().map(|row| whole(row, "peak_allocated_bytes")).collect();
        if let Some(model) = &models()[position] {
            assert_eq!(peaks, recorded_peaks(model), "{name}");
        }
        for row in &rows {
            let live = row["live_at_peak"].as_array().unwrap();
            let (before, live): (Vec<&Value>, Vec<&Value>) =
                live.iter().partition(|entry| entry["op"] == "[before recording]");
            let explained: i64 = live.iter().map(|entry| whole(entry, "bytes")).sum();
            let before: i64 = before.iter().map(|entry| whole(entry, "bytes")).sum();
            assert!(before == 0 || before == whole(row, "before_recording_bytes"), "{name}: {row}");
            let peak = whole(row, "peak_allocated_bytes");
            assert_eq!(explained + whole(row, "before_recording_bytes"), peak, "{name}: {}", row["device"]);
        }
    }
}

fn recorded_peaks(model: &Model) -> BTreeSet<i64> {
    let mut peaks: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for record in model.memory.iter().filter(|record| record["Total Allocated"].is_i64()) {
        let device = (whole(record, "Device Type"), whole(record, "Device Id"));
        let peak = peaks.entry(device).or_default();
        *peak = (*peak).max(whole(record, "Total Allocated"));
    }
    peaks.into_values().collect()
}

#[test]
fn strict_json_raises_no_false_alarm() {
    for (position, path) in all().iter().enumerate() {
        let codes = codes_of(position);
        let reading: Vec<_> = codes.iter().filter(|code| READING_CODES.contains(&code.as_str())).collect();
        assert_eq!(reading.is_empty(), is_strict(&text(path)), "{}: {codes:?}", label(path));
    }
}

/// torch writes these as they are; everything but the damaged string must survive.
#[test]
fn invalid_json_that_torch_itself_writes_is_repaired() {
    for (file, code) in [
        ("cpu-torch211/names.json.gz", "W-REPAIR-QUOTE"),
        ("cpu-torch211/metadata.json.gz", "W-REPAIR-QUOTE"),
        ("cpu-torch211/meta_ok.json.gz", "W-NONFINITE"),
    ] {
        let position = position(file).unwrap();
        assert!(codes_of(position).iter().any(|found| found == code), "{file}: {:?}", codes_of(position));
        let events = text(&all()[position]).windows(6).filter(|part| part == b"\"ph\": ").count();
        let input = &envelope_of_all("ops")["inputs"][position];
        assert_eq!(input["events_kept"].as_u64(), u64::try_from(events).ok(), "{file}");
        assert_eq!(input["events_skipped"], 0, "{file}: no event is lost");
    }
    let names = rows_of("ops", position("cpu-torch211/names.json.gz").unwrap());
    assert!(names.iter().any(|row| row["name"] == "quo\"te"), "the name is kept as it was recorded");
}

/// A lone trace gives the rows that it has among others: nothing is pooled over inputs.
#[test]
fn a_trace_alone_has_the_rows_that_it_has_among_others() {
    for case in ["unet_cuda.pt.trace.json.gz", "graph_mlp.pt.trace.json.gz", "threads.json.gz"] {
        let position = position(case).unwrap();
        let path = &all()[position];
        for command in COMMANDS {
            let alone = json(command, [path]);
            let among: Vec<Value> = rows_of(command, position).into_iter().map(without_input).collect();
            assert_eq!(rows(&alone), among, "{command} of {}", label(path));
        }
    }
}

fn without_input(mut row: Value) -> Value {
    let fields = row.as_object_mut().unwrap();
    assert!(fields.remove("input").is_some() && fields.remove("rank").is_some(), "several traces: input and rank");
    row
}
