//! What a run leaves: results.json, a trace, scalars that TensorBoard reads.

use crate::harness::{SMALL_LSTM, learned, names, results, train};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::process::Command;

const SMALL_UNET: [&str; 9] =
    ["unet", "--epochs", "1", "--batch-size", "2", "--train-samples", "4", "--test-samples", "2"];

/// As torch's own data loader is called, so that tools that know that one know ours.
const LOADING: &str = "enumerate(DataLoader)#Dataset.__next__";

fn trace(folder: &Path) -> Value {
    let results = results(folder);
    let name = results["profile"]["trace"].as_str().expect("a trace");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(folder.join(name)).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// How many complete events of category and name there are.
fn count(trace: &Value, category: &str, name: &str) -> usize {
    let events = trace["traceEvents"].as_array().unwrap().iter();
    events.filter(|event| event["ph"] == "X" && event["cat"] == category && event["name"] == name).count()
}

#[test]
fn a_unet_run_is_whole() {
    let out = tempfile::tempdir().unwrap();
    let folder = train(out.path(), &[SMALL_UNET.as_slice(), &["--profile-steps", "2"]].concat());
    assert_eq!(folder, out.path().join("unet_cpu"));
    let results = results(&folder);
    assert_eq!(results["parameters"], 31_043_651);
    assert_eq!((&results["complete"], &results["metric"]), (&Value::Bool(true), &Value::from("dice")));
    assert_eq!(results["step_seconds"].as_array().unwrap().len(), 2);
    assert!(results["peak_memory"]["host_bytes"].as_u64().unwrap() > 500 << 20, "weights and Adam's state alone");

    let trace = trace(&folder);
    for name in ["ProfilerStep#1", "ProfilerStep#2"] {
        assert_eq!(count(&trace, "user_annotation", name), 1, "{name}");
    }
    for name in [LOADING, "forward", "backward", "Optimizer.step#Adam.step", "Optimizer.zero_grad#Adam.zero_grad"] {
        assert_eq!(count(&trace, "user_annotation", name), 2, "{name}");
    }
    assert_eq!(count(&trace, "cpu_op", "aten::conv2d"), 2 * 19, "18 3x3 convolutions and the last one, in each step");
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(events.iter().any(|event| event["name"] == "[memory]"), "memory is recorded");
    assert!(events.iter().any(|event| !event["args"]["Input Dims"].is_null()), "shapes are recorded");
    assert_eq!(names(&folder).len(), 3, "{:?}", names(&folder));
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_does_not() {
    let out = tempfile::tempdir().unwrap();
    let seeded = |seed| {
        let words = [SMALL_LSTM.as_slice(), &["--profile-steps", "0", "--seed", seed]].concat();
        learned(&results(&train(out.path(), &words)))
    };
    let first = seeded("5");
    assert_eq!(first.len(), 3);
    assert_eq!(first, seeded("5"));
    assert_ne!(first, seeded("6"));
    assert_eq!(names(out.path()), ["lstm_cpu", "lstm_cpu.2", "lstm_cpu.3"], "no run replaces another");
}

#[test]
fn profiling_changes_nothing_that_is_measured() {
    let out = tempfile::tempdir().unwrap();
    let profiled = |steps| results(&train(out.path(), &[SMALL_LSTM.as_slice(), &["--profile-steps", steps]].concat()));
    let (with, without) = (profiled("2"), profiled("0"));
    assert_eq!(learned(&with), learned(&without));
    assert_eq!(with["step_seconds"].as_array().unwrap().len(), without["step_seconds"].as_array().unwrap().len());
    assert!(without["profile"].is_null() && with["profile"]["steps"] == 2);
}

/// What a Python `script` with TensorBoard's packages prints about `folder`, as JSON. `make test` installs them.
fn tensorboard(script: &str, folder: &Path) -> Value {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tensorboard");
    assert!(
        package.join("tensorboard").is_dir(),
        "the tensorboard package is missing: `make target/tensorboard/ready`"
    );
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python).args(["-c", script]).arg(folder).env("PYTHONPATH", &package).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let last = output.stdout.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap();
    serde_json::from_slice(last).unwrap()
}

/// TensorBoard's profiler plugin opens the trace: its views and its steps.
#[test]
fn tensorboards_profiler_plugin_opens_the_trace() {
    let out = tempfile::tempdir().unwrap();
    let folder = train(out.path(), &[SMALL_LSTM.as_slice(), &["--profile-steps", "3"]].concat());
    let script = "import json, sys
from torch_tb_profiler.io.cache import Cache
from torch_tb_profiler.profiler.loader import RunLoader
run = RunLoader('run', sys.argv[1], Cache()).load()
(profile,) = run.profiles.values()
rows = profile.overview['steps']['rows']
print(json.dumps({'views': [view.display_name for view in profile.views], 'steps': [row[0] for row in rows]}))";
    let seen = tensorboard(script, &folder);
    assert_eq!(seen["views"], serde_json::json!(["Overview", "Operator", "Trace", "Memory"]));
    assert_eq!(seen["steps"], serde_json::json!(["1", "2", "3"]));
}

/// TensorBoard's own reader sees the scalars.
#[test]
fn tensorboard_reads_the_scalars() {
    let out = tempfile::tempdir().unwrap();
    let folder = train(out.path(), &[SMALL_LSTM.as_slice(), &["--profile-steps", "0"]].concat());
    let script = "import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
run = EventAccumulator(sys.argv[1]).Reload()
print(json.dumps({tag: [[event.step, event.value] for event in run.Scalars(tag)] for tag in run.Tags()['scalars']}))";
    let read = tensorboard(script, &folder);
    let results = results(&folder);
    for (tag, key) in [
        ("loss/train", "train_loss"),
        ("loss/test", "test_loss"),
        ("accuracy/train", "train_metric"),
        ("accuracy/test", "test_metric"),
        ("epoch/seconds", "seconds"),
    ] {
        let written = results["epochs"].as_array().unwrap();
        let points = read[tag].as_array().unwrap_or_else(|| panic!("{tag} is not in {read}"));
        assert_eq!(points.len(), written.len(), "{tag}");
        for (point, epoch) in points.iter().zip(written) {
            assert_eq!(point[0], epoch["epoch"], "{tag}");
            let difference = (point[1].as_f64().unwrap() - epoch[key].as_f64().unwrap()).abs();
            assert!(difference < 1e-5, "{tag}: {point} is not {}", epoch[key]);
        }
    }
    assert_eq!(read["step/seconds"].as_array().unwrap().len(), results["step_seconds"].as_array().unwrap().len());
}
