//! Ctrl-C and --resume: a run that was interrupted ends as if it had not been.

use crate::harness::{end, learned, names, results, train, trainer};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Long enough to be interrupted anywhere: 160 steps in 4 epochs.
const RUN: [&str; 11] = [
    "lstm",
    "--epochs",
    "4",
    "--batch-size",
    "2",
    "--train-samples",
    "80",
    "--test-samples",
    "8",
    "--profile-steps",
    "0",
];

/// Starts the run, waits until the first epoch is over, and interrupts it.
fn interrupt(out: &Path) {
    let mut child = trainer(RUN).arg("--out").arg(out).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let epoch = lines.find(|line| line.as_ref().unwrap().starts_with("epoch 1/4"));
    assert!(epoch.is_some(), "the run ended before its first epoch");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("--resume")), "{rest:?}");
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_losses() {
    let (out, straight) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    interrupt(out.path());
    let folder = out.path().join("lstm_cpu");
    let before = results(&folder);
    let steps = before["step_seconds"].as_array().unwrap().len();
    assert_eq!(before["complete"], false);
    assert!((40..160).contains(&steps), "{steps} steps before the interrupt");
    assert!(names(&folder).contains(&"checkpoint.safetensors".to_owned()), "{:?}", names(&folder));

    // Other options are another run.
    let other = end(trainer(RUN).args(["--resume", "--seed", "9", "--out"]).arg(out.path()));
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("had other options: seed 1, now 9"), "{}", other.stderr);

    let resumed = train(out.path(), &[RUN.as_slice(), &["--resume"]].concat());
    assert_eq!(resumed, folder);
    let (resumed, straight) = (results(&folder), results(&train(straight.path(), &RUN)));
    assert_eq!(resumed["resumed_at_steps"], serde_json::json!([steps]));
    assert!(straight["resumed_at_steps"].is_null(), "a run without an interrupt has nothing to say of one");
    assert_eq!(resumed["complete"], true);
    assert_eq!(resumed["step_seconds"].as_array().unwrap().len(), 160);
    assert_eq!(learned(&resumed), learned(&straight));
    assert_eq!(names(&folder).len(), 2, "the results and one event file: {:?}", names(&folder));
}

/// `trainer all` is asked to end by SIGTERM, which reaches it alone: it passes that on and leaves a run to resume.
#[test]
fn every_run_passes_a_termination_on() {
    let out = tempfile::tempdir().unwrap();
    let mut child =
        trainer(["all", "--out"]).arg(out.path()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("unet on ")), "the first run did not start");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains(" unet --device cpu") && line.contains("--resume")), "{rest:?}");
    assert_eq!(results(&out.path().join("unet_cpu"))["complete"], false);
    assert_eq!(names(out.path()), ["unet_cpu"]);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_kept() {
    let out = tempfile::tempdir().unwrap();
    interrupt(out.path());
    let checkpoint = out.path().join("lstm_cpu/checkpoint.safetensors");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    let ended = end(trainer(RUN).args(["--resume", "--out"]).arg(out.path()));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("is no checkpoint"), "{}", ended.stderr);
    assert!(checkpoint.exists() && out.path().join("lstm_cpu/results.json").exists());
}
