//! The shape of the output: every command in every format, the JSON keys exactly as CONTRACT.md lists them.

use crate::corpus::COMMANDS;
use crate::harness::{analyzer, json, rows};
use serde_json::Value;
use std::collections::BTreeSet;

const GPU: &str = "fixtures/torch-reference/lstm_cuda_tf32/lstm_cuda.pt.trace.json.gz";
const CPU: &str = "fixtures/torch-reference/unet_cpu/unet_cpu.pt.trace.json.gz";
/// Commands without rows where nothing ran on a device.
const OF_DEVICES: [&str; 2] = ["kernels", "timeline"];
/// Two ranks of one run, on CPUs.
const RANKS: [&str; 2] = ["fixtures/cpu-torch211/ddp_rank0.json.gz", "fixtures/cpu-torch211/ddp_rank1.json.gz"];

/// The fields of a row of each command.
fn fields(command: &str) -> BTreeSet<&'static str> {
    let fields = match command {
        "summary" => {
            "model device torch steps step_mean_ns total_ns busy_ns idle_ns busy_share device_time_ns host_self_ns \
             peak_allocated_bytes events top_ops verdict"
        }
        "ops" => {
            "name category calls host_total_ns host_self_ns host_self_share device_total_ns device_self_ns \
             device_self_busy_ns device_self_share host_total_bytes host_self_bytes device_total_bytes \
             device_self_bytes flops devices"
        }
        "kernels" => {
            "name short_name calls total_ns mean_ns min_ns max_ns std_ns share category tensor_core precision grid block \
             registers shared_memory_bytes blocks_per_sm occupancy"
        }
        "categories" => "kind side category time_ns share",
        "timeline" => {
            "device total_ns busy_ns idle_ns computation_ns exposed_comm_ns exposed_memcpy_ns total_comm_ns \
             total_memcpy_ns steps_busy_share idle_causes streams utilisation"
        }
        "steps" => "step start_ns duration_ns host_duration_ns backlog_ns busy_ns launches warm_up",
        "memory" => {
            "device peak_allocated_bytes peak_reserved_bytes peak_time_ns before_recording_bytes growth_per_step_bytes \
             live_at_peak"
        }
        "audit" => "code count time_ns share first_byte touches message",
        _ => panic!("no fields are listed for {command}"),
    };
    fields.split_whitespace().collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap_or_else(|| panic!("not an object: {object}")).keys().map(String::as_str).collect()
}

fn set(words: &str) -> BTreeSet<&str> {
    words.split_whitespace().collect()
}

#[test]
fn every_command_prints_every_format() {
    for command in COMMANDS {
        for trace in [GPU, CPU] {
            for format in ["table", "json", "csv", "md"] {
                let outcome = analyzer([command, trace, "--format", format]).run().expect(0);
                if trace == CPU && (OF_DEVICES.contains(&command) || command == "audit") {
                    continue;
                }
                let text = outcome.text();
                assert!(text.ends_with('\n'), "{command} {format}: no newline at the end");
                match format {
                    "json" => assert!(outcome.json().is_object()),
                    "csv" => assert_is_csv(command, text),
                    "md" => {
                        assert!(text.contains("|-") || text.contains("| -") || text.contains("|:"), "{command}: {text}")
                    }
                    _ => assert!(serde_json::from_str::<Value>(text).is_err(), "{command}: a table, not JSON"),
                }
            }
        }
    }
}

/// CSV has the JSON's scalar columns, in one header, and a record per row.
fn assert_is_csv(command: &str, text: &str) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let fields = fields(command);
    for name in &header {
        let known = fields.iter().any(|field| {
            name == field || name.starts_with(&format!("{field}_")) || name.starts_with(&format!("{field}."))
        });
        assert!(known, "{command}: the column {name} is in no contract");
    }
    assert!(reader.records().map(Result::unwrap).count() > 0, "{command}: no records");
}

#[test]
fn table_is_the_default_format() {
    for command in ["ops", "timeline"] {
        let typed = analyzer([command, GPU, "--format", "table"]).run().expect(0).stdout;
        assert!(analyzer([command, GPU]).run().expect(0).stdout == typed, "{command}");
    }
}

#[test]
fn the_envelope_has_exactly_its_keys() {
    for command in COMMANDS {
        let envelope = json(command, [GPU]);
        let mut expected = set("schema_version command inputs audit rows");
        if command == "steps" {
            expected.insert("summary");
        }
        assert_eq!(keys(&envelope), expected, "{command}");
        assert_eq!(envelope["schema_version"], 1);
        assert_eq!(envelope["command"], command);
        let input = &envelope["inputs"][0];
        assert_eq!(keys(input), set("path bytes events_kept events_skipped start_unix_ns verdict"), "{command}");
        assert_eq!(input["path"], GPU, "as typed");
        assert_eq!(
            input["bytes"].as_u64(),
            std::fs::metadata(crate::harness::at_root(GPU)).ok().map(|file| file.len())
        );
        assert!(
            input["start_unix_ns"].as_str().is_some_and(|start| start.parse::<u64>().is_ok()),
            "a string of digits"
        );
        assert_eq!(keys(&envelope["audit"]), set("verdict findings"), "{command}");
        for finding in envelope["audit"]["findings"].as_array().unwrap() {
            assert_eq!(keys(finding), set("input code count message"), "{command}");
        }
    }
}

#[test]
fn rows_have_exactly_the_fields_of_the_contract() {
    for command in COMMANDS {
        for trace in [GPU, CPU] {
            let envelope = json(command, [trace]);
            for row in rows(&envelope) {
                assert_eq!(keys(row), fields(command), "{command} of {trace}");
            }
            // A clean trace has nothing to audit.
            let may_be_empty = trace == CPU && (OF_DEVICES.contains(&command) || command == "audit");
            assert!(!rows(&envelope).is_empty() || may_be_empty, "{command} of {trace}");
        }
    }
}

#[test]
fn nested_fields_are_as_the_contract_says() {
    let summary = json("summary", [GPU]);
    for op in rows(&summary)[0]["top_ops"].as_array().unwrap() {
        assert_eq!(keys(op), set("name self_ns share"));
    }
    let timeline = json("timeline", [GPU]);
    for row in rows(&timeline) {
        for stream in row["streams"].as_array().unwrap() {
            assert_eq!(keys(stream), set("stream events busy_ns launch_delay queue_depth"));
            assert_eq!(keys(&stream["launch_delay"]), set("median_ns p95_ns max_ns"));
            assert_eq!(keys(&stream["queue_depth"]), set("mean max"));
        }
        for bucket in row["utilisation"].as_array().unwrap() {
            assert_eq!(keys(bucket), set("start_ns busy_share"));
        }
    }
    let steps = json("steps", [GPU]);
    assert_eq!(keys(&steps["summary"]), set("mean_ns median_ns std_ns cv outside_steps_ns outside_steps_share"));
    let memory = json("memory", [GPU]);
    for entry in rows(&memory).iter().flat_map(|row| row["live_at_peak"].as_array().unwrap()) {
        assert_eq!(keys(entry), set("op step bytes allocations"));
    }
}

/// Sums are integers; means and shares are decimals; what is absent is null.
#[test]
fn numbers_have_the_types_of_their_endings() {
    for command in COMMANDS {
        let envelope = json(command, [GPU]);
        for row in rows(&envelope) {
            for (key, value) in row.as_object().unwrap() {
                let is_decimal = key.contains("mean_") || ["std_ns", "growth_per_step_bytes"].contains(&key.as_str());
                if (key.ends_with("_ns") || key.ends_with("_bytes")) && !is_decimal {
                    assert!(value.is_null() || value.is_i64(), "{command}.{key} is {value}");
                }
                if key.ends_with("share") {
                    let fits = value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share));
                    assert!(value.is_null() || fits, "{command}.{key} is {value}");
                }
            }
        }
    }
}

#[test]
fn several_traces_name_their_input_and_rank_in_every_row() {
    for command in COMMANDS {
        let envelope = json(command, RANKS);
        assert_eq!(envelope["inputs"].as_array().unwrap().len(), 2, "{command}");
        for row in rows(&envelope) {
            let mut expected = fields(command);
            expected.extend(["input", "rank"]);
            assert_eq!(keys(row), expected, "{command}");
            assert_eq!(row["rank"], row["input"], "{command}: rank 0 was typed first");
        }
        let text = analyzer([command, RANKS[0], RANKS[1]]).run().expect(0);
        assert!(text.text().lines().count() > 3 || OF_DEVICES.contains(&command), "{command}: {}", text.text());
    }
}

/// Data rows of a Markdown table: what follows its line of dashes.
fn markdown_rows(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with('|')).count() - 2
}

#[test]
fn top_cuts_what_people_read_and_nothing_else() {
    for command in ["ops", "kernels"] {
        let printed = |top: Option<&str>, format: &str| {
            let mut arguments = vec![command, GPU, "--format", format];
            arguments.extend(top.map(|top| ["--top", top]).into_iter().flatten());
            analyzer(arguments).run().expect(0).text().to_owned()
        };
        let all = rows(&json(command, [GPU])).len();
        assert!(all > 10, "{command}: {all} rows");
        assert_eq!(markdown_rows(&printed(Some("3"), "md")), 3, "{command}");
        assert_eq!(markdown_rows(&printed(None, "md")), 10, "{command}: the default");
        assert_eq!(markdown_rows(&printed(Some("all"), "md")), all, "{command}");
        assert!(
            printed(Some("3"), "table").lines().count() < printed(Some("all"), "table").lines().count(),
            "{command}"
        );
        for format in ["json", "csv"] {
            assert_eq!(printed(Some("3"), format), printed(None, format), "{command}: {format} is always whole");
        }
    }
}

fn column<T>(command: &str, sort: Option<&str>, read: impl Fn(&Value) -> T) -> Vec<T> {
    let mut arguments = vec![command, GPU, "--format", "json"];
    arguments.extend(sort.map(|key| ["--sort", key]).into_iter().flatten());
    rows(&analyzer(arguments).run().expect(0).json()).iter().map(read).collect()
}

#[test]
fn rows_come_in_the_documented_order() {
    let falls = |command: &str, sort: Option<&str>, key: &str| {
        let rows = column(command, sort, |row| (-row[key].as_i64().unwrap_or(i64::MIN + 1), row["name"].to_string()));
        assert!(rows.is_sorted(), "{command} by {key}, then name");
    };
    falls("ops", None, "device_self_ns");
    falls("kernels", None, "total_ns");
    falls("ops", Some("calls"), "calls");
    falls("ops", Some("host_self"), "host_self_ns");
    assert!(column("ops", Some("name"), |row| row["name"].as_str().unwrap().to_owned()).is_sorted(), "names ascend");
    assert!(column("audit", None, |row| row["code"].as_str().unwrap().to_owned()).is_sorted(), "audit by code");
    assert!(column("steps", None, |row| row["start_ns"].as_i64()).is_sorted(), "steps by time");
}

#[test]
fn every_command_explains_itself() {
    let help = analyzer(["--help"]).run().expect(0);
    for command in COMMANDS.into_iter().chain(["report"]) {
        assert!(help.text().contains(command), "{command} is not in --help");
        let own = analyzer([command, "--help"]).run().expect(0);
        assert!(own.text().contains("Usage: analyzer") && own.text().contains("--"), "{command}: {}", own.text());
        assert!(own.stderr.is_empty(), "{command}: help is data: {}", own.stderr);
    }
    assert!(analyzer(["--version"]).run().expect(0).text().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_verdict_that_is_not_ok_is_said_in_one_line() {
    let said = analyzer(["ops", "fixtures/malformed/orphan_kernel.json"]).run().expect(0).stderr;
    assert!(said.lines().count() == 1 && said.contains("degraded"), "{said}");
    assert_eq!(analyzer(["ops", "fixtures/malformed/good.json"]).run().expect(0).stderr, "");
}

#[test]
fn a_run_folder_and_a_glob_are_inputs_too() {
    let expected = json("ops", [GPU]);
    for typed in
        ["fixtures/torch-reference/lstm_cuda_tf32", "fixtures/torch-reference/lstm_cuda_tf32/*.pt.trace.json.gz"]
    {
        assert_eq!(json("ops", [typed])["rows"], expected["rows"], "{typed}");
    }
    let all = json("summary", ["fixtures/torch-reference"]);
    assert_eq!(rows(&all).len(), 4, "a folder of runs gives one trace per run");
}

#[test]
fn a_report_writes_what_it_lists() {
    let folder = tempfile::TempDir::new().unwrap();
    let out = folder.path().join("out");
    analyzer(["report".as_ref(), GPU.as_ref(), "--out".as_ref(), out.as_os_str()]).run().expect(0);
    let files = crate::determinism::files_below(&out);
    let names: BTreeSet<String> = files.keys().map(|path| path.to_string_lossy().into_owned()).collect();
    for name in ["report.md", "report.json"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    let report: Value = serde_json::from_slice(&files[std::path::Path::new("report.json")]).unwrap();
    assert_eq!(keys(&report), set("schema_version command inputs audit tables files"));
    let listed: BTreeSet<String> =
        report["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    let all_but_itself: BTreeSet<String> = names.iter().filter(|name| *name != "report.json").cloned().collect();
    assert!(listed.is_superset(&all_but_itself) && listed.is_subset(&names), "`files` lists {listed:?} of {names:?}");
    assert!(report["inputs"][0]["sha256"].as_str().is_some_and(|sum| sum.len() == 64), "{}", report["inputs"][0]);
    for table in keys(&report["tables"]) {
        assert!(names.contains(&format!("tables/{table}.csv")), "tables/{table}.csv is missing");
    }
    let markdown = std::str::from_utf8(&files[std::path::Path::new("report.md")]).unwrap();
    for chart in names.iter().filter(|name| name.starts_with("charts/")) {
        assert!(markdown.contains(chart.as_str()), "{chart} is written and not shown");
    }
}
