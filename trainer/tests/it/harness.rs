//! Runs the trainer and looks at what it left.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Small enough for seconds: 12 steps of the LSTM.
pub(crate) const SMALL_LSTM: [&str; 9] =
    ["lstm", "--epochs", "3", "--batch-size", "4", "--train-samples", "16", "--test-samples", "8"];

/// What a finished process left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `trainer` with `words`, not yet started.
pub(crate) fn trainer<I, S>(words: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    // One thread each: tests run side by side, and torch's threads spin while they wait.
    command.args(words).stdin(Stdio::null()).env("OMP_NUM_THREADS", "1");
    command
}

/// Runs `command` to its end.
pub(crate) fn end(command: &mut Command) -> Ended {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Trains with `words` into `out`; the run's folder, which is what the program prints.
pub(crate) fn train(out: &Path, words: &[&str]) -> PathBuf {
    let ended = end(trainer(words).arg("--out").arg(out));
    assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    PathBuf::from(ended.stdout.trim_end())
}

/// The results in a run's folder.
pub(crate) fn results(folder: &Path) -> Value {
    let path = folder.join("results.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// The names of the files in `folder`, sorted; hidden ones too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Losses and scores of the epochs of `results`, without their times.
pub(crate) fn learned(results: &Value) -> Vec<Value> {
    let mut epochs = results["epochs"].as_array().expect("epochs").clone();
    for epoch in &mut epochs {
        epoch.as_object_mut().unwrap().remove("seconds").expect("every epoch has its time");
    }
    epochs
}

/// Says that a test could not be made here.
#[expect(clippy::print_stderr, reason = "what the test runner shows")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
