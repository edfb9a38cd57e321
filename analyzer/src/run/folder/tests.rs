//! Folders drawn as lists of files; results are hand-written and marked `"note": "synthetic"`.

use super::*;
use tempfile::TempDir;

const UNET_TF32: &str = r#"{"schema_version": 1, "note": "synthetic", "model": "unet", "device": {"kind": "cuda"},
  "config": {"epochs": 2, "batch_size": 16, "train_samples": 64, "test_samples": 16, "learning_rate": 0.001,
             "seed": 7, "precision": "tf32", "channels_last": false}}"#;

/// A folder with these files; a path that ends in `/` is a folder.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let whole = root.path().join(path);
        if path.ends_with('/') {
            std::fs::create_dir_all(whole).unwrap();
        } else {
            std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
            std::fs::write(whole, text).unwrap();
        }
    }
    root
}

fn names(discovery: &Discovery) -> Vec<(&str, Origin, usize)> {
    discovery.runs.iter().map(|run| (run.name.raw(), run.origin, run.traces.len())).collect()
}

fn trace_names(run: &RunFolder) -> Vec<String> {
    run.traces.iter().map(|path| file_name(path)).collect()
}

#[test]
fn a_folder_of_runs_holds_runs_and_lone_traces() {
    let root = folder(&[
        ("unet_cuda/results.json", UNET_TF32),
        ("unet_cuda/w.1.pt.trace.json", "{}"),
        ("lstm_cpu.2/t.json.gz", ""),
        ("old_cuda.pt.trace.json.gz", ""),
        ("old_cuda.key_averages.json.gz", ""),
        ("charts/a.png", ""),
        (".cache/x.json", ""),
        ("deep/er/results.json", UNET_TF32),
    ]);
    let found = discover(root.path()).unwrap();
    let expected =
        [("lstm_cpu.2", Origin::Folder, 1), ("old_cuda", Origin::LoneTrace, 1), ("unet_cuda", Origin::Folder, 1)];
    assert_eq!(names(&found), expected);
    let passed: Vec<String> = found.passed_over.iter().map(|path| file_name(path)).collect();
    assert_eq!(passed, ["charts", "deep"]);
    assert_eq!((found.runs[0].model.raw(), found.runs[0].repeat), ("lstm", 2));
    assert_eq!(found.runs[1].device, Some(DeviceKind::Cuda));
}

#[test]
fn a_run_folder_prefers_files_that_are_surely_traces() {
    let root = folder(&[
        ("run_cuda/results.json", UNET_TF32),
        ("run_cuda/w.2.pt.trace.json.gz", ""),
        ("run_cuda/w.1.pt.trace.json", ""),
        ("run_cuda/other.json", ""),
        ("run_cuda/events.out.tfevents.1", ""),
        ("plain_cuda/b.json", ""),
        ("plain_cuda/a.json.gz", ""),
        ("plain_cuda/x.key_averages.json", ""),
    ]);
    let found = discover(root.path()).unwrap();
    assert_eq!(trace_names(&found.runs[0]), ["a.json.gz", "b.json"]);
    assert_eq!(trace_names(&found.runs[1]), ["w.1.pt.trace.json", "w.2.pt.trace.json.gz"]);
    assert_eq!(names(&discover(&root.path().join("run_cuda")).unwrap()), [("run_cuda", Origin::Folder, 2)]);
}

#[test]
fn traces_alone_are_one_run_by_folder_name_or_by_ranks() {
    let files = [("a.json", ""), ("b.json", "")];
    let root = folder(&[("net_cpu/a.json", ""), ("net_cpu/b.json", "")]);
    assert_eq!(names(&discover(&root.path().join("net_cpu")).unwrap()), [("net_cpu", Origin::Folder, 2)]);
    assert_eq!(discover(folder(&files).path()).unwrap().runs.len(), 2);
    let ranks = folder(&[("rank-0.json.gz", ""), ("rank-1.json.gz", "")]);
    assert_eq!(discover(ranks.path()).unwrap().runs[0].origin, Origin::Folder);
    let twice = folder(&[("rank-1.a.json.gz", ""), ("rank-1.b.json.gz", "")]);
    assert_eq!(discover(twice.path()).unwrap().runs.len(), 2);
}

#[test]
fn results_win_over_the_name() {
    let root = folder(&[("wrong_cpu_bf16-mine/results.json", UNET_TF32)]);
    let found = discover(&root.path().join("wrong_cpu_bf16-mine")).unwrap();
    let run = &found.runs[0];
    assert_eq!((run.model.raw(), run.variant.raw()), ("unet", "tf32-mine"));
    assert_eq!(run.device, Some(DeviceKind::Cuda));
    assert_eq!(run.key().variant.raw(), "tf32-mine");
    assert!(run.traces.is_empty());
}

#[test]
fn a_variant_without_results_is_the_name_s() {
    for (name, expected) in [("", ""), ("fp32", ""), ("bf16-channels-last", "bf16-channels_last"), ("a--b", "a-b")] {
        assert_eq!(variant(name, None).raw(), expected);
    }
}

#[test]
fn unusable_results_leave_the_traces() {
    let root = folder(&[("net_cuda/results.json", r#"{"schema_version": 9}"#), ("net_cuda/t.json", "")]);
    let found = discover(root.path()).unwrap();
    let run = &found.runs[0];
    assert!(matches!(run.results_error, Some(ResultsError::TooNew { found: 9, .. })));
    assert_eq!((run.results.as_ref().value(), run.traces.len(), run.model.raw()), (None, 1, "net"));
}

#[test]
fn a_file_is_a_lone_trace() {
    let root = folder(&[("unet_cuda.1700000000000000000.pt.trace.json", ""), ("results.json", UNET_TF32)]);
    let found = discover(&root.path().join("unet_cuda.1700000000000000000.pt.trace.json")).unwrap();
    assert_eq!(names(&found), [("unet_cuda", Origin::LoneTrace, 1)]);
    let refused = discover(&root.path().join("results.json")).unwrap_err();
    assert!(refused.to_string().ends_with("holds results, not a trace: give its folder"));
}

#[test]
fn nothing_usable_says_what_to_do() {
    let root = folder(&[("empty/", ""), ("other/notes.txt", ""), ("other/sub/deeper/t.json", "")]);
    let refused = |path: &str| discover(&root.path().join(path)).unwrap_err();
    assert!(matches!(refused("none"), DiscoverError::Missing { .. }));
    assert!(matches!(refused("empty"), DiscoverError::Empty { .. }));
    assert!(matches!(refused("other"), DiscoverError::NoRuns { .. }));
    assert!(refused("none").to_string().contains("does not exist: give a trace"));
    assert!(matches!(refused("other/notes.txt/x"), DiscoverError::Missing { .. } | DiscoverError::Unreadable { .. }));
}
