//! `analyzer slice`: what is kept answers as it did in the whole trace, is strict JSON, and hangs together.

use crate::corpus::{all, run_trace, text};
use crate::harness::{analyzer, json, rows};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The numbers of a trace's steps.
fn steps(trace: &Path) -> Vec<i64> {
    rows(&json("steps", [trace])).iter().filter_map(|row| row["step"].as_i64()).collect()
}

fn slice(trace: &Path, option: &str, value: &str, out: &Path) -> crate::harness::Outcome {
    analyzer([OsStr::new("slice"), trace.as_os_str(), option.as_ref(), value.as_ref(), "--out".as_ref(), out.as_ref()])
        .run()
}

/// The rows of `command` for `trace`, of these steps alone where they are given.
fn answer(command: &str, trace: &Path, steps: Option<&str>) -> Vec<Value> {
    let mut arguments = vec![command.into(), trace.as_os_str().to_owned(), "--format".into(), "json".into()];
    if let Some(steps) = steps {
        arguments.extend(["--steps".into(), steps.into()]);
    }
    let envelope = analyzer(arguments).run().expect(0).json();
    // (The partition of a step's time needs what came before it.)
    rows(&envelope).iter().filter(|row| row["kind"] != "step").cloned().collect()
}

/// What `--steps` says of the whole trace, every analysis of sums says of the slice.
#[test]
fn a_slice_answers_as_its_steps_did_in_the_whole() {
    let folder = TempDir::new().unwrap();
    let mut cut = 0;
    for (number, trace) in all().iter().enumerate() {
        let steps = steps(trace);
        let (Some(first), Some(last)) = (steps.get(steps.len() / 3), steps.get(2 * steps.len() / 3)) else { continue };
        let range = format!("{first}..{last}");
        let out = folder.path().join(format!("{number}.json.gz"));
        slice(trace, "--steps", &range, &out).expect(0);
        for command in ["ops", "kernels", "categories"] {
            let (part, whole) = (answer(command, &out, None), answer(command, trace, Some(&range)));
            assert_eq!(part, whole, "{command} of {}, steps {range}", trace.display());
        }
        cut += 1;
    }
    assert!(cut >= 15, "only {cut} traces have steps");
}

/// Metadata is whole, events are the file's own text, arrows have both ends, launches their work.
#[test]
fn what_belongs_together_stays_together() {
    let folder = TempDir::new().unwrap();
    let whole = text(&run_trace("lstm_cuda_tf32/lstm_cuda"));
    let out = folder.path().join("part.json");
    slice(&run_trace("lstm_cuda_tf32/lstm_cuda"), "--steps", "1", &out).expect(0);
    let part = std::fs::read(&out).unwrap();
    let (whole, part): (Value, Value) =
        (serde_json::from_slice(&whole).unwrap(), serde_json::from_slice(&part).unwrap());
    for (key, value) in whole.as_object().unwrap().iter().filter(|(key, _)| *key != "traceEvents") {
        assert_eq!(&part[key], value, "{key}");
    }
    let events = |trace: &Value| trace["traceEvents"].as_array().unwrap().clone();
    let (whole, part) = (events(&whole), events(&part));
    let all_texts: BTreeSet<String> = whole.iter().map(Value::to_string).collect();
    assert!(part.iter().all(|event| all_texts.contains(&event.to_string())));
    let of = |events: &[Value], phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert_eq!(of(&part, "M"), of(&whole, "M"));
    assert!(part.len() < whole.len() && of(&part, "X") > 1000, "{} of {}", part.len(), whole.len());

    let mut ends: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for event in &part {
        if let Some(end) = ["s", "f"].iter().position(|phase| event["ph"] == *phase) {
            ends.entry(format!("{} {}", event["cat"], event["id"])).or_default()[end] += 1;
        }
    }
    let of_whole = |name: &str| {
        let [start, end] = ["s", "f"].map(|phase| {
            whole
                .iter()
                .filter(|event| event["ph"] == phase && format!("{} {}", event["cat"], event["id"]) == name)
                .count()
        });
        [start, end]
    };
    assert!(ends.len() > 100);
    for (name, ends) in ends.iter().take(200) {
        assert_eq!(*ends, of_whole(name), "{name}");
    }
    let correlations = |categories: &[&str]| -> BTreeSet<i64> {
        let events = part.iter().filter(|event| event["cat"].as_str().is_some_and(|cat| categories.contains(&cat)));
        events.filter_map(|event| event["args"]["correlation"].as_i64()).collect()
    };
    let (work, calls) = (correlations(&["kernel", "gpu_memcpy"]), correlations(&["cuda_runtime", "cuda_driver"]));
    assert!(work.len() > 100 && work.is_subset(&calls));
}

/// A range of time counts from the trace's start, half open; the slice keeps the file's clock.
#[test]
fn a_range_of_time_is_a_part_too() {
    let folder = TempDir::new().unwrap();
    let trace = run_trace("unet_cpu/unet_cpu");
    let rows_of_steps = answer("steps", &trace, None);
    let (start, length) =
        (rows_of_steps[0]["start_ns"].as_i64().unwrap(), rows_of_steps[0]["host_duration_ns"].as_i64().unwrap());
    let (by_time, by_step) = (folder.path().join("time.json"), folder.path().join("step.json"));
    slice(&trace, "--time", &format!("{start}ns..{}ns", start + length), &by_time).expect(0);
    let step = rows_of_steps[0]["step"].to_string();
    slice(&trace, "--steps", &step, &by_step).expect(0);
    assert!(std::fs::read(by_time).unwrap() == std::fs::read(by_step).unwrap());
}

/// A damaged trace gives a sound slice of what is good in it.
#[test]
fn a_slice_is_strict_json_whatever_it_was_cut_from() {
    let folder = TempDir::new().unwrap();
    let whole = text(&run_trace("unet_cuda_tf32/unet_cuda"));
    let damaged = folder.path().join("damaged.json");
    let mut bytes = whole[..whole.len() / 2].to_vec();
    for at in (1000..bytes.len()).step_by(9_973) {
        bytes[at] ^= 0x10;
    }
    std::fs::write(&damaged, bytes).unwrap();
    let out = folder.path().join("part.json.gz");
    slice(&damaged, "--time", "0s..60s", &out).expect(0).says(&["W-TRUNCATED"]);
    let part: Value = serde_json::from_slice(&text(&out)).unwrap();
    let events = part["traceEvents"].as_array().unwrap().len();
    let kept = json("summary", [&damaged])["inputs"][0]["events_kept"].as_u64().unwrap();
    assert!(events > 2000 && u64::try_from(events).unwrap() <= kept, "{events} of {kept}");
}

/// What cannot be done is said, and changes nothing.
#[test]
fn a_slice_that_cannot_be_cut_leaves_what_was_there() {
    let folder = TempDir::new().unwrap();
    let trace = run_trace("unet_cpu/unet_cpu");
    let out: PathBuf = folder.path().join("out.json");
    std::fs::write(&out, "before").unwrap();
    slice(&trace, "--steps", "77", &out).expect(2).says(&["no step in the range", "the trace has step"]);
    slice(Path::new("-"), "--steps", "1", &out).expect(2).says(&["read twice"]);
    slice(Path::new("fixtures/runs"), "--steps", "1", &out).expect(2).says(&["one trace", "11"]);
    #[cfg(unix)]
    slice(Path::new("/dev/null"), "--steps", "1", &out).expect(2).says(&["/dev/null", "only once"]);
    slice(Path::new("no-such.json"), "--steps", "1", &out).expect(2).says(&["no-such.json"]);
    slice(&trace, "--time", "5ms..1ms", &out).expect(2).says(&["ends before it starts"]);
    slice(&trace, "--steps", "1", folder.path()).expect(2).says(&["cannot write"]);
    slice(&trace, "--steps", "1", &folder.path().join("no/such.json")).expect(2).says(&["cannot write"]);
    assert_eq!(std::fs::read(&out).unwrap(), b"before");
    slice(&out, "--time", "0s..1s", &out).expect(2).says(&["is the trace itself"]);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["out.json"], "nothing is left behind");
}
