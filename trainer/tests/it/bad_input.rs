//! Wishes that cannot be granted: one clear message, exit code 2, nothing left behind.

use crate::harness::{SMALL_LSTM, end, names, results, skipped, trainer};
use std::path::Path;
use std::process::Command;

/// Runs `words` and expects a refusal that says `said`, with nothing in the output folder.
fn refused(words: &[&str], said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("runs");
    let ended = end(trainer(words).arg("--out").arg(&out));
    assert_eq!(ended.code, Some(2), "{words:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(said), "{words:?} says: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{words:?}");
    assert!(!out.exists() || names(&out).is_empty(), "{words:?} left {:?}", names(&out));
}

#[test]
fn options_that_are_wrong_or_do_not_go_together() {
    refused(&["unet", "--epochs", "0"], "0 is not in 1..");
    refused(&["unet", "--batch-size", "-1"], "--batch-size");
    refused(&["unet", "--precision", "fp8"], "fp32, tf32, bf16");
    refused(&["unet", "--precision", "tf32"], "add --device cuda");
    refused(&["lstm", "--channels-last"], "leave it out");
    refused(&["lstm", "--device", "tpu"], "none of cpu, cuda, cuda:N");
    refused(&["lstm", "--learning-rate", "-0.1"], "--learning-rate");
    refused(&["lstm", "--learning-rate=-0.1"], "above 0");
    refused(&["lstm", "--train-samples", "100000000000"], "too many");
    refused(&["unet", "--train-samples", "9000000"], "MiB are available: take fewer");
}

#[test]
fn cuda_where_there_is_none() {
    let doctor = end(&mut trainer(["doctor"]));
    assert_eq!(doctor.code, Some(0));
    if doctor.stdout.contains("GPU        cuda:0") {
        return skipped("there is a GPU here");
    }
    refused(&["unet", "--device", "cuda"], "`trainer doctor` says more");
    refused(&["lstm", "--device", "cuda:1", "--precision", "bf16"], "`trainer doctor` says more");
    assert!(doctor.stdout.contains("CPU training works") || doctor.stdout.contains("make setup"), "{}", doctor.stdout);
}

#[test]
fn nothing_to_resume() {
    refused(&["lstm", "--resume"], "start it without --resume");
}

#[test]
fn an_output_folder_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let ended = end(trainer(SMALL_LSTM).arg("--out").arg(&file));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cannot create the folder") && ended.stderr.contains("file"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let ended = end(trainer(SMALL_LSTM).args(["--out", "/proc/runs"]));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

/// A file system of its own, too small for the trace, in a mount namespace of its own.
#[test]
fn a_disk_that_fills_up_at_the_trace_keeps_the_results() {
    let disk = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$1\" || exit 77
        \"$2\" lstm --epochs 1 --batch-size 4 --train-samples 8 --test-samples 4 --profile-steps 20 --out \"$1\"
        code=$?; ls -A \"$1\"/*; cp \"$1\"/lstm_cpu/results.json \"$3\"; exit $code";
    let kept = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(disk.path()).arg(env!("CARGO_BIN_EXE_trainer")).arg(kept.path());
    if !["/usr/bin/unshare", "/bin/unshare"].iter().any(|path| Path::new(path).exists()) {
        return skipped("there is no unshare here to make a small disk with");
    }
    let ended = end(&mut command);
    if ended.code == Some(77) || ended.stderr.contains("unshare:") {
        return skipped("a mount namespace is not permitted here");
    }
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("trainer: cannot write"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("trace") && !ended.stdout.contains(".tmp"), "half a file is left: {}", ended.stdout);
    let results = results(kept.path());
    assert_eq!((results["complete"].as_bool(), results["profile"].is_null()), (Some(true), true));
}
