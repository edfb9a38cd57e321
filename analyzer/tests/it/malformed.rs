//! Every damaged or odd trace of `fixtures/malformed` ends as `manifest.json` says, through the real binary.

use crate::harness::{Outcome, analyzer, at_root, json, rows};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Expected {
    file: String,
    exit: Vec<i32>,
    /// The E and W codes must be exactly one of these sets; N codes are free.
    codes_any_of: Vec<BTreeSet<String>>,
    events: Option<u64>,
    opname: Option<String>,
}

fn manifest() -> Vec<Expected> {
    let text = std::fs::read_to_string(at_root("fixtures/malformed/manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn path_of(file: &str) -> String {
    format!("fixtures/malformed/{file}")
}

#[test]
fn every_file_ends_as_the_manifest_says() {
    let manifest = manifest();
    let mut wrong = Vec::new();
    for expected in &manifest {
        let outcome = analyzer(["ops", &path_of(&expected.file), "--format", "json"]).run();
        if let Err(why) = judge(expected, &outcome) {
            wrong.push(format!("{}: {why}\n    stderr: {}", expected.file, outcome.stderr.trim()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), manifest.len(), wrong.join("\n"));
}

fn judge(expected: &Expected, outcome: &Outcome) -> Result<(), String> {
    if !expected.exit.contains(&outcome.code) {
        return Err(format!("exit {} instead of {:?}", outcome.code, expected.exit));
    }
    let envelope: Value = serde_json::from_slice(&outcome.stdout).map_err(|error| format!("no JSON: {error}"))?;
    let findings = envelope["audit"]["findings"].as_array().ok_or("no findings")?;
    let all: Vec<&str> = findings.iter().filter_map(|finding| finding["code"].as_str()).collect();
    let codes: BTreeSet<String> =
        all.iter().filter(|code| !code.starts_with("N-")).map(|code| (*code).to_owned()).collect();
    if !expected.codes_any_of.contains(&codes) {
        return Err(format!("codes {codes:?} instead of one of {:?}", expected.codes_any_of));
    }
    if all.iter().collect::<BTreeSet<_>>().len() != all.len() {
        return Err(format!("a code is printed twice: {all:?}"));
    }
    let input = &envelope["inputs"][0];
    if expected.events.is_some_and(|events| input["events_kept"].as_u64() != Some(events)) {
        return Err(format!("{} events kept instead of {:?}", input["events_kept"], expected.events));
    }
    if outcome.code == 0 && expected.file.contains("truncated") && input["events_kept"].as_u64() < Some(1) {
        return Err("nothing was salvaged".to_owned());
    }
    if expected.opname.is_some()
        && !rows(&envelope).iter().any(|row| row["name"].as_str() == expected.opname.as_deref())
    {
        return Err(format!("no operator is named {:?}", expected.opname));
    }
    judge_verdict(&codes, &envelope, outcome)
}

/// Verdict, exit code and messages follow from the codes.
fn judge_verdict(codes: &BTreeSet<String>, envelope: &Value, outcome: &Outcome) -> Result<(), String> {
    let is_unusable = codes.iter().any(|code| code.starts_with("E-"));
    let verdict = match (is_unusable, codes.is_empty()) {
        (true, _) => "unusable",
        (false, false) => "degraded",
        (false, true) => "ok",
    };
    if envelope["audit"]["verdict"] != verdict || envelope["inputs"][0]["verdict"] != verdict {
        return Err(format!("verdict {} instead of {verdict}", envelope["audit"]["verdict"]));
    }
    if (outcome.code == 2) != is_unusable {
        return Err(format!("exit {} with {verdict}", outcome.code));
    }
    if is_unusable && !rows(envelope).is_empty() {
        return Err("numbers from an unusable file".to_owned());
    }
    if outcome.stderr.trim().is_empty() != (verdict == "ok") {
        return Err("stderr speaks if, and only if, something is wrong".to_owned());
    }
    Ok(())
}

#[test]
fn the_manifest_lists_every_file() {
    let listed: BTreeSet<String> = manifest().into_iter().map(|expected| expected.file).collect();
    let entries = std::fs::read_dir(at_root("fixtures/malformed")).unwrap();
    let mut there: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.remove("manifest.json");
    assert_eq!(listed, there);
}

/// These say the same as good.json in other words: another container, other key order, other number forms, other order of
/// events; or the damage lies beside the events.
const SAME_AS_GOOD: [&str; 21] = [
    "absolute_ns_no_base.json",
    "array_form.json",
    "array_no_close.json",
    "bad_crc.json.gz",
    "base_after_events.json",
    "bom.json",
    "double_comma_null_empty.json",
    "events_before_schema.json",
    "exponent_ts.json",
    "good.json.gz",
    "gz_named_json.json",
    "gz_trailing_garbage.json.gz",
    "missing_tail.json",
    "multi_member.json.gz",
    "out_of_order.json",
    "pid_collision.json",
    "pid_string_tid_string.json",
    "plain_named_gz.json.gz",
    "quoted_numbers.json",
    "trailing_comma.json",
    "utf16le_bom.json",
];

#[test]
fn other_spellings_of_one_trace_give_its_numbers() {
    for command in ["ops", "kernels", "timeline", "steps", "memory"] {
        let good = json(command, [path_of("good.json")]);
        for file in SAME_AS_GOOD {
            assert_eq!(json(command, [path_of(file)])["rows"], good["rows"], "{command} of {file}");
        }
    }
}

/// A base time after the events counts like one before them; without one there is none, not zero.
#[test]
fn the_base_time_is_found_wherever_it_stands() {
    let start = |file: &str| json("ops", [path_of(file)])["inputs"][0]["start_unix_ns"].clone();
    assert_eq!(start("good.json"), "1790857026000100000");
    assert_eq!(start("base_after_events.json"), "1790857026000100000");
    assert_eq!(start("array_form.json"), Value::Null);
}

/// good.json, drawn: step 100-1000, mm 110.001-170.501 launching gemm 150.333-191.000, add 200-250 launching add 230-240.001.
#[test]
fn the_numbers_of_the_good_trace() {
    let envelope = json("ops", [path_of("good.json")]);
    let cells = |name: &str| {
        let row = rows(&envelope).iter().find(|row| row["name"] == name).unwrap();
        ["calls", "host_total_ns", "host_self_ns", "device_total_ns", "device_self_ns"]
            .map(|key| row[key].as_i64().unwrap())
    };
    assert_eq!(cells("ProfilerStep*"), [1, 900_000, 789_500, 50_668, 0]);
    assert_eq!(cells("aten::mm"), [1, 60_500, 48_375, 40_667, 40_667]);
    assert_eq!(cells("aten::add"), [1, 50_000, 41_000, 10_001, 10_001]);
    assert_eq!(cells("cudaLaunchKernel"), [2, 21_125, 21_125, 0, 0]);
}

/// What the odd files say, beyond their codes.
#[test]
fn odd_traces_give_the_numbers_that_their_notes_ask_for() {
    let row = |file: &str, name: &str| {
        let envelope = json("ops", [path_of(file)]);
        rows(&envelope).iter().find(|row| row["name"] == name).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(row("orphan_kernel.json", "[no launch recorded]")["device_self_ns"], 10_001);
    assert_eq!(row("graph_launch.json", "[no launch recorded]"), Value::Null);
    assert_eq!(row("nul_escape.json", "aten\0::mm")["calls"], 1);
    assert_eq!(row("invalid_utf8.json", "aten::mm"), Value::Null);
    let kernels = json("kernels", [path_of("dup_keys.json")]);
    assert!(rows(&kernels).iter().any(|row| row["name"] == "gemm"), "of two equal keys the last wins");
    let straddled = json("audit", [path_of("partial_overlap.json")]);
    let finding = rows(&straddled).iter().find(|row| row["code"] == "W-OVERLAP").unwrap();
    assert_eq!(finding["count"], 1);
}

#[test]
fn several_damaged_files_do_not_stop_each_other() {
    let files: Vec<String> = manifest().into_iter().map(|expected| path_of(&expected.file)).collect();
    let arguments: Vec<&str> =
        ["audit", "--format", "json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let envelope = analyzer(arguments).run().expect(0).json();
    assert_eq!(envelope["inputs"].as_array().unwrap().len(), files.len());
    assert_eq!(envelope["audit"]["verdict"], "unusable");
}
