//! `report` on all repeats that the trainer recorded: groups, intervals, and variants beside each other.

use crate::harness::{analyzer, at_root};
use serde_json::Value;
use std::collections::BTreeMap;

/// The tables of a report on `fixtures/repeats/results`, which holds results.json files alone.
fn tables() -> Value {
    let folder = tempfile::TempDir::new().unwrap();
    let out = folder.path().join("out");
    let arguments = ["report".as_ref(), "fixtures/repeats/results".as_ref(), "--out".as_ref(), out.as_os_str()];
    analyzer(arguments).run().expect(0);
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    report["tables"].clone()
}

/// The results of each group of repeats, by folder name without the repeat's number.
fn recorded() -> BTreeMap<String, Vec<Value>> {
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for run in std::fs::read_dir(at_root("fixtures/repeats/results")).unwrap().map(Result::unwrap) {
        let name = run.file_name().into_string().unwrap();
        let group = name.split('.').next().unwrap().to_owned();
        let results = serde_json::from_slice(&std::fs::read(run.path().join("results.json")).unwrap()).unwrap();
        groups.entry(group).or_default().push(results);
    }
    groups
}

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

#[test]
fn variants_stand_beside_each_other_with_their_repeats() {
    let tables = tables();
    let rows = tables["variants"].as_array().unwrap();
    let groups = recorded();
    assert_eq!(rows.len(), groups.len());
    for row in rows {
        let variant = word(row, "variant");
        let tail = if variant.is_empty() { String::new() } else { format!("_{variant}") };
        let name = format!("{}_{}{tail}", word(row, "model"), word(row, "device"));
        let runs = &groups[&name];
        assert_eq!(row["runs"], runs.len(), "{name}");
        let peak = |key: &str| runs.iter().filter_map(|run| run["peak_memory"][key].as_u64()).max();
        assert_eq!(row["peak_host_bytes"].as_u64(), peak("host_bytes"), "{name}");
        assert_eq!(row["peak_device_allocated_bytes"].as_u64(), peak("device_allocated_bytes"), "{name}");
        assert_eq!(row["peak_device_reserved_bytes"].as_u64(), peak("device_reserved_bytes"), "{name}");
        let total: f64 = runs.iter().map(|run| run["total_seconds"].as_f64().unwrap().ln()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a dozen runs")]
        let geometric = (total / runs.len() as f64).exp() * 1e9;
        assert!((row["total_ns"].as_f64().unwrap() - geometric).abs() < 2.0, "{name}: {}", row["total_ns"]);
        let last = |run: &Value| run["epochs"].as_array().unwrap().last().unwrap()["test_metric"].as_f64().unwrap();
        let (low, high) = runs.iter().map(last).fold((1.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let metric = row["test_metric"].as_f64().unwrap();
        assert!((low - 1e-6..=high + 1e-6).contains(&metric), "{name}: {metric} is not in {low}..{high}");
    }
}

#[test]
fn repeats_give_every_speedup_an_interval_around_it() {
    let tables = tables();
    let steps = tables["speedup"].as_array().unwrap().iter().filter(|row| row["metric"] == "step");
    let mut pairs = 0;
    for row in steps {
        let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"));
        assert!(number("ratio_low") < number("ratio") && number("ratio") < number("ratio_high"), "{row}");
        assert!(number("cpu_runs") >= 5.0 && number("gpu_runs") >= 10.0, "{row}");
        let beside = tables["variants"].as_array().unwrap().iter().find(|other| {
            (word(other, "device"), &other["model"], &other["variant"]) == ("cuda", &row["model"], &row["variant"])
        });
        let beside = beside.unwrap_or_else(|| panic!("no variant of {row}"));
        assert_eq!((&beside["speedup"], &beside["step_ns"]), (&row["ratio"], &row["gpu_ns"]));
        assert_eq!((&beside["speedup_low"], &beside["speedup_high"]), (&row["ratio_low"], &row["ratio_high"]));
        pairs += 1;
    }
    assert_eq!(pairs, 9, "three variants of the LSTM and six of the U-Net");
}

/// Three recorded runs of one variant, of which one is made to say another batch size and one that it was interrupted.
#[test]
fn runs_that_did_other_work_are_no_repeats() {
    let folder = tempfile::TempDir::new().unwrap();
    for (run, changed) in [("lstm_cpu", None), ("lstm_cpu.2", Some("batch_size")), ("lstm_cpu.3", Some("complete"))] {
        let path = at_root("fixtures/repeats/results").join(run).join("results.json");
        let mut results: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        match changed {
            Some("batch_size") => results["config"]["batch_size"] = 16.into(),
            Some(_) => results["complete"] = false.into(),
            None => {}
        }
        let run = folder.path().join("runs").join(run);
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("results.json"), results.to_string()).unwrap();
    }
    let out = folder.path().join("out");
    let arguments = ["report".into(), folder.path().join("runs"), "--out".into(), out.clone()];
    analyzer(arguments).run().expect(0);
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let rows = report["tables"]["variants"].as_array().unwrap();
    let said = |row: &Value| (row["runs"].clone(), row["batch_size"].clone(), row["complete"].clone());
    let expected =
        [(64, true), (16, true), (64, false)].map(|(size, complete)| (1.into(), size.into(), complete.into()));
    assert_eq!(rows.iter().map(said).collect::<Vec<_>>(), expected);
}
