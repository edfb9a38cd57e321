//! Bad input, bad places to write, names that bite: one clear message and exit 2, or a report that says what is missing.

use crate::corpus::{fixture, text};
use crate::determinism::files_below;
use crate::harness::{Outcome, analyzer, at_root, call, json, rows, skipped};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `analyzer ops PATH --format json`.
fn ops(path: &Path) -> Outcome {
    analyzer(["ops".as_ref(), path.as_os_str(), "--format".as_ref(), "json".as_ref()]).run()
}

/// `analyzer report PATH --out OUT`.
fn report(path: &Path, out: &Path) -> Outcome {
    analyzer(["report".as_ref(), path.as_os_str(), "--out".as_ref(), out.as_os_str()]).run()
}

/// Writes `bytes` as a lone file and checks that it is refused with `code`, in the message and in the envelope.
#[track_caller]
fn refused(name: &str, bytes: &[u8], code: &str) -> Outcome {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let outcome = ops(&path).expect(2).says(&[name]);
    let envelope = outcome.json();
    assert_eq!(envelope["audit"]["verdict"], "unusable");
    assert_eq!(envelope["audit"]["findings"][0]["code"], code);
    assert!(rows(&envelope).is_empty());
    let out = folder.path().join("out");
    report(&path, &out).expect(2).says(&[name]);
    assert!(!out.join("report.md").exists(), "a report on nothing");
    outcome
}

#[test]
fn a_path_that_does_not_exist() {
    let path = Path::new("no/such/trace.json");
    ops(path).expect(2).says(&["no/such/trace.json"]);
    report(path, &TempDir::new().unwrap().path().join("out")).expect(2).says(&["no/such/trace.json"]);
}

#[test]
fn a_folder_without_traces() {
    let folder = TempDir::new().unwrap();
    let (empty, other) = (folder.path().join("empty"), folder.path().join("other"));
    std::fs::create_dir(&empty).unwrap();
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("notes.txt"), "no trace").unwrap();
    for path in [&empty, &other] {
        let name = path.file_name().unwrap().to_str().unwrap();
        ops(path).expect(2).says(&[name]);
        report(path, &folder.path().join("out")).expect(2).says(&[name]);
    }
}

#[test]
fn something_that_is_no_json() {
    refused("t.json", b"PK\x03\x04 an archive", "E-NOT-JSON");
    refused("t.json", b"step loss\n1 0.3\n", "E-NOT-JSON");
    refused("page.json", b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "E-NOT-JSON");
}

#[test]
fn json_that_is_no_trace() {
    refused("scalar.json", b"42", "E-NOT-TRACE");
    refused("other.json", br#"{"schema": "1.0.1", "nodes": []}"#, "E-NOT-TRACE");
    refused("empty.json", b"", "E-EMPTY");
}

#[test]
fn a_trace_that_ends_early() {
    let whole = std::fs::read(fixture("cpu-torch211/full_step4.json.gz")).unwrap();
    let text = text(&fixture("cpu-torch211/full_step4.json.gz"));
    let folder = TempDir::new().unwrap();
    for (name, bytes, code) in [
        ("cut.json.gz", &whole[..whole.len() / 2], "W-GZ-TRUNCATED"),
        ("cut.json", &text[..text.len() / 2], "W-TRUNCATED"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let envelope = ops(&path).expect(0).says(&["degraded"]).json();
        let findings = envelope["audit"]["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["code"] == code), "{findings:?}");
        assert!(!rows(&envelope).is_empty(), "what is there is shown");
        let out = folder.path().join(format!("{name}.out"));
        report(&path, &out).expect(0);
        let report = std::fs::read_to_string(out.join("report.md")).unwrap();
        assert!(report.contains(code), "the report says what is missing");
    }
    let headless = folder.path().join("headless.json.gz");
    std::fs::write(&headless, &whole[..12]).unwrap();
    ops(&headless).expect(2).says(&["headless.json.gz"]);
}

#[test]
fn a_trace_without_events_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nothing.json");
    std::fs::write(&path, r#"{"schemaVersion": 1, "traceEvents": []}"#).unwrap();
    let envelope = ops(&path).expect(0).json();
    assert!(rows(&envelope).is_empty());
    let findings = envelope["audit"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "N-NO-EVENTS"), "{findings:?}");
    report(&path, &folder.path().join("out")).expect(0);
    let report = std::fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(report.contains("N-NO-EVENTS"), "{report}");
}

/// A mebibyte of spaces.
static BLOCK: [u8; 1 << 20] = [b' '; 1 << 20];

/// `blocks` as one deflate stream: after a full flush the compressor's state is that of the start, so one block's bytes
/// are every block's bytes.
fn bomb(blocks: usize) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(1 << 16);
    Compress::new(Compression::best(), false).compress_vec(&BLOCK, &mut deflated, FlushCompress::Full).unwrap();
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    bytes.extend(deflated.repeat(blocks));
    bytes
}

/// The same text in a gzip member per block.
fn bomb_of_members(blocks: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&BLOCK).unwrap();
    encoder.finish().unwrap().repeat(blocks)
}

#[test]
fn a_decompression_bomb() {
    let started = Instant::now();
    for bytes in [bomb(512), bomb_of_members(512)] {
        assert!(bytes.len() < (512 << 20) / 500, "{} bytes are no bomb", bytes.len());
        let mut start = vec![0; 3 << 20];
        MultiGzDecoder::new(&bytes[..]).read_exact(&mut start).unwrap();
        assert!(start.iter().all(|byte| *byte == b' '), "the bomb itself is sound");
        refused("bomb.json.gz", &bytes, "E-BOMB");
    }
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a bomb must be noticed, not inflated: {:?}",
        started.elapsed()
    );
}

#[test]
fn a_text_over_the_limit() {
    let path = fixture("cpu-torch211/full_step4.json.gz");
    let arguments = ["ops".as_ref(), path.as_os_str(), "--max-bytes".as_ref(), "1000".as_ref()];
    analyzer(arguments).run().expect(2).says(&["--max-bytes"]);
}

/// A complete results.json, to be damaged by the tests.
fn results(device: &str) -> Value {
    let epoch = |epoch: u32, seconds: f64| json!({"epoch": epoch, "train_loss": 0.7, "test_loss": 0.71, "train_metric": 0.6, "test_metric": 0.59, "seconds": seconds});
    json!({
        "schema_version": 1, "note": "synthetic", "model": "unet", "parameters": 31_043_651,
        "device": {"kind": device, "name": "a device", "count": 1, "memory_bytes": 85_899_345_920_u64},
        "host": {"cpu": "a processor", "cores": 16, "threads": 16},
        "software": {"torch": "2.11.0", "cuda": "13.0", "cudnn": "9.1", "trainer": "0.1.0"},
        "config": {
            "epochs": 2, "batch_size": 16, "train_samples": 64, "test_samples": 16, "learning_rate": 0.001, "seed": 1,
            "precision": "fp32", "channels_last": false, "image_size": 128
        },
        "metric": "dice", "epochs": [epoch(1, 4.2), epoch(2, 4.1)],
        "step_seconds": [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4], "warmup_steps": 1,
        "total_seconds": 8.4,
        "peak_memory": {"host_bytes": 2_000_000_000, "device_allocated_bytes": 1_000_000_000, "device_reserved_bytes": 1_200_000_000},
        "profile": {"steps": 2, "trace": null}, "complete": true
    })
}

fn write_run(folder: &Path, name: &str, results: &Value) {
    let run = folder.join(name);
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("results.json"), results.to_string()).unwrap();
}

#[test]
fn results_without_a_field_say_so() {
    for (field, said) in [
        ("peak_memory", "peak memory of the host not recorded"),
        ("step_seconds", "not recorded: step times"),
        ("software", "not recorded: software"),
        ("parameters", "not recorded: parameters"),
        ("epochs", "epochs not recorded"),
    ] {
        let folder = TempDir::new().unwrap();
        let mut results = results("cpu");
        results.as_object_mut().unwrap().remove(field).unwrap();
        write_run(folder.path(), "unet_cpu", &results);
        let out = folder.path().join("out");
        let outcome = report(&folder.path().join("unet_cpu"), &out);
        outcome.expect(0);
        let report = std::fs::read_to_string(out.join("report.md")).unwrap();
        assert!(report.contains(said), "without {field}: {report}");
    }
}

#[test]
fn results_with_a_wrong_field_are_refused_by_name() {
    let wrong = [("epochs", json!("five")), ("total_seconds", json!([])), ("schema_version", json!(999))];
    for (field, value) in wrong {
        let folder = TempDir::new().unwrap();
        let mut results = results("cpu");
        results[field] = value;
        write_run(folder.path(), "unet_cpu", &results);
        let words: &[&str] =
            if field == "schema_version" { &["results.json", "999"] } else { &["results.json", field] };
        report(&folder.path().join("unet_cpu"), &folder.path().join("out")).expect(2).says(words);
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("unet_cpu")).unwrap();
    std::fs::write(folder.path().join("unet_cpu/results.json"), "{\"model\": \"unet\", ").unwrap();
    report(folder.path(), &folder.path().join("out")).expect(2).says(&["results.json"]);
}

#[test]
fn runs_whose_configurations_differ_are_not_paired() {
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("runs");
    let mut gpu = results("cuda");
    gpu["config"]["batch_size"] = json!(32);
    write_run(&runs, "unet_cpu", &results("cpu"));
    write_run(&runs, "unet_cuda", &gpu);
    let out = folder.path().join("out");
    report(&runs, &out).expect(0);
    let text = std::fs::read_to_string(out.join("report.md")).unwrap();
    assert!(text.contains("batch_size"), "the report says which field differs: {text}");
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["tables"]["speedup"].as_array().map_or(0, Vec::len), 0, "no speedup of unlike runs");
}

/// Every file below `folder` with its bytes, to see that nothing changed.
fn snapshot(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    files_below(folder)
}

#[test]
fn a_failed_run_leaves_the_report_that_was_there() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    report(&fixture("cpu-torch211/full_step4.json.gz"), &out).expect(0);
    std::fs::write(out.join("my-notes.md"), "mine").unwrap();
    let before = snapshot(&out);
    assert!(before.keys().any(|name| name.ends_with("report.md")));
    report(&at_root("fixtures/malformed/not_json.json"), &out).expect(2).says(&["not_json.json"]);
    assert_eq!(snapshot(&out), before);
    // A run that works replaces its own files, and only those.
    report(&fixture("cpu-torch211/memory.json.gz"), &out).expect(0);
    assert_eq!(std::fs::read_to_string(out.join("my-notes.md")).unwrap(), "mine");
    assert_ne!(snapshot(&out), before);
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "mine").unwrap();
    let trace = fixture("cpu-torch211/memory.json.gz");
    report(&trace, &file.join("out")).expect(2).says(&["a-file"]);
    report(&trace, &file).expect(2).says(&["a-file"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

/// A file system of 64 KiB, in a mount namespace of its own: the report does not fit.
#[test]
fn a_full_disk() {
    let script = "mount -t tmpfs -o size=64k none \"$1\" || exit 77\nshift\necho old > \"$1/report.md\" || exit 78
        \"$3\" report \"$2\" --out \"$1\"; code=$?\nls -A \"$1\"; cat \"$1/report.md\"; exit $code";
    let disk = TempDir::new().unwrap();
    let trace = fixture("torch-reference/unet_cuda_tf32/unet_cuda.pt.trace.json.gz");
    let arguments = ["-m", "sh", "-c", script, "sh"].map(std::ffi::OsStr::new).into_iter().chain([
        disk.path().as_os_str(),
        disk.path().as_os_str(),
        trace.as_os_str(),
        env!("CARGO_BIN_EXE_analyzer").as_ref(),
    ]);
    let is_there = Path::new("/usr/bin/unshare").exists() || Path::new("/bin/unshare").exists();
    if !is_there {
        return skipped("there is no unshare here to make a small disk with");
    }
    let outcome = call("unshare", arguments).run();
    if outcome.code == 77 || outcome.stderr.contains("unshare:") {
        return skipped("a mount namespace is not permitted here");
    }
    let name = disk.path().file_name().unwrap().to_str().unwrap();
    let outcome = outcome.expect(2).says(&[name]);
    assert_eq!(outcome.text(), "report.md\nold\n", "what was there is as it was, and nothing else is left behind");
}

/// Names that mean something to a terminal, to Markdown, to HTML, to a spreadsheet.
const BITING: [&str; 6] = [
    "a|b|c",
    "<script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}[0m",
    "two\nlines",
    "=HYPERLINK(\"http://example.org\")",
    "`code` *bold* [link](x) \u{202e}turned",
];

fn trace_with_biting_names(folder: &Path) -> std::path::PathBuf {
    let mut events = Vec::new();
    for (index, name) in BITING.iter().enumerate() {
        let start = 100 * (index + 1);
        let id = index + 1;
        events.push(
            json!({"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": 1, "ts": start, "dur": 50 + index}),
        );
        events.push(
            json!({"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": start + 5,
            "dur": 5, "args": {"correlation": id}}),
        );
        events.push(
            json!({"ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": 7, "ts": start + 20, "dur": 20 + index,
            "args": {"device": 0, "stream": 7, "correlation": id}}),
        );
    }
    let path = folder.join("names.json");
    std::fs::write(&path, json!({"schemaVersion": 1, "traceEvents": events}).to_string()).unwrap();
    path
}

#[test]
fn names_that_bite_are_escaped_everywhere_and_exact_in_json() {
    let folder = TempDir::new().unwrap();
    let path = trace_with_biting_names(folder.path());
    let printed = |command: &str, format: &str| {
        let arguments = [command.as_ref(), path.as_os_str(), "--format".as_ref(), format.as_ref()];
        analyzer(arguments).run().expect(0).text().to_owned()
    };
    for command in ["ops", "kernels", "summary"] {
        check_terminal(&printed(command, "table"));
        check_markdown(&printed(command, "md"));
    }
    let envelope = json("ops", [&path]);
    for name in BITING {
        assert!(rows(&envelope).iter().any(|row| row["name"] == name), "{name:?} is exact in JSON");
    }
    check_csv(&printed("ops", "csv"));
    let out = folder.path().join("out");
    report(&path, &out).expect(0);
    check_markdown(&std::fs::read_to_string(out.join("report.md")).unwrap());
    for name in files_below(&out).keys() {
        let name = name.to_string_lossy();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)), "file name {name:?}");
    }
}

fn check_terminal(text: &str) {
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "a terminal would obey: {text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("lines")), "a name broke its line: {text}");
}

fn check_markdown(text: &str) {
    check_terminal(text);
    for (at, _) in text.match_indices("<script>") {
        // Safe behind a backslash, and in a code span.
        assert!(text[..at].ends_with(['\\', '`']), "Markdown passes HTML on: {text}");
    }
    let mut columns = None;
    for line in text.lines() {
        if !line.starts_with('|') {
            columns = None;
            continue;
        }
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(*columns.get_or_insert(bars), bars, "a name broke its table: {line}");
    }
}

fn check_csv(text: &str) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(records.len() > BITING.len(), "{} records", records.len());
    for cell in records.iter().flatten() {
        let is_number = cell.parse::<f64>().is_ok();
        assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a spreadsheet would run {cell:?}");
    }
}

#[test]
fn an_unusable_file_among_usable_ones_is_named_and_does_not_stop_them() {
    let good = fixture("malformed/good.json");
    let bad = fixture("malformed/not_json.json");
    let arguments = ["ops".as_ref(), good.as_os_str(), bad.as_os_str(), "--format".as_ref(), "json".as_ref()];
    let outcome = analyzer(arguments).run().expect(0).says(&["not_json.json"]);
    let envelope = outcome.json();
    assert_eq!(envelope["audit"]["verdict"], "unusable");
    assert_eq!(envelope["inputs"][0]["verdict"], "ok");
    assert_eq!(envelope["inputs"][1]["verdict"], "unusable");
    let findings = envelope["audit"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["input"] == 1 && finding["code"] == "E-NOT-JSON"), "{findings:?}");
    assert!(rows(&envelope).iter().all(|row| row["input"] == 0) && !rows(&envelope).is_empty());

    let folder = TempDir::new().unwrap();
    let arguments = ["report".as_ref(), good.as_os_str(), bad.as_os_str(), "--out".as_ref(), folder.path().as_os_str()];
    analyzer(arguments).run().expect(0);
    let report = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    assert!(report.contains("E-NOT-JSON"), "the report names what it could not use");
}

#[test]
fn strict_refuses_what_is_degraded_and_nothing_else() {
    let strict = |path: &str| analyzer(["ops", &format!("fixtures/{path}"), "--strict"]).run().code;
    assert_eq!(strict("malformed/good.json"), 0);
    assert_eq!(strict("malformed/orphan_kernel.json"), 2);
    assert_eq!(strict("malformed/not_json.json"), 2);
    assert_eq!(strict("malformed/empty_events.json"), 0, "a note is no warning");
}

#[test]
fn an_unknown_sort_key_lists_the_valid_ones() {
    let outcome = analyzer(["ops", "fixtures/malformed/good.json", "--sort", "no_such_key"]).run().expect(2);
    outcome.says(&["no_such_key", "calls", "host_self", "device_self", "device_total"]);
}

#[test]
fn usage_errors_are_exit_2() {
    for arguments in [
        &["no-such-command"][..],
        &["ops"],
        &["ops", "fixtures/malformed/good.json", "--format", "xml"],
        &["ops", "fixtures/malformed/good.json", "--top", "many"],
        &["ops", "fixtures/malformed/good.json", "--no-such-flag"],
    ] {
        let outcome = analyzer(arguments).run().expect(2);
        assert!(outcome.stdout.is_empty() || outcome.text().starts_with('{'), "{arguments:?}: messages go to stderr");
        assert!(!outcome.stderr.trim().is_empty(), "{arguments:?}: no message");
    }
}

/// `analyzer ops trace.json | head` has not failed.
#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let traces = ["lstm_cuda_tf32/lstm_cuda", "unet_cuda_tf32/unet_cuda"]
        .map(|run| format!("fixtures/torch-reference/{run}.pt.trace.json.gz"));
    for format in ["json", "csv", "table", "md"] {
        let mut arguments = vec!["ops", "--top", "all", "--format", format];
        // More than a pipe holds, so that the writer does meet the closed end.
        arguments.extend(traces.iter().cycle().take(6).map(String::as_str));
        let mut child = analyzer(arguments).spawn();
        drop(child.stdin.take());
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 16]).unwrap();
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{format}: {stderr}");
        assert!(!stderr.to_lowercase().contains("pipe") && !stderr.contains("panicked"), "{format}: {stderr}");
    }
}
