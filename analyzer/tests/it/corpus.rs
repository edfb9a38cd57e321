//! The recorded traces that the suite knows, and other ways of writing the same trace: plain, gzipped, shuffled.
//!
//! `fixtures/` travels with the project; `../shared/traces` does not, and a test that needs it says so and passes where
//! it is absent.

use crate::harness::{analyzer, at_root, root, skipped};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

/// The commands that make tables of a trace.
pub(crate) const COMMANDS: [&str; 8] =
    ["summary", "ops", "kernels", "categories", "timeline", "steps", "memory", "audit"];

/// The four training runs that PyTorch itself recorded, with its `key_averages()` beside them, as `folder/stem`.
pub(crate) const RUNS: [&str; 4] =
    ["unet_cpu/unet_cpu", "unet_cuda_tf32/unet_cuda", "lstm_cpu/lstm_cpu", "lstm_cuda_tf32/lstm_cuda"];

/// A trace in the fixtures.
pub(crate) fn fixture(path: &str) -> PathBuf {
    let path = at_root("fixtures").join(path);
    assert!(path.is_file(), "fixture {} is missing", path.display());
    path
}

/// The trace of one of [`RUNS`].
pub(crate) fn run_trace(run: &str) -> PathBuf {
    fixture(&format!("torch-reference/{run}.pt.trace.json.gz"))
}

/// The folder of traces beside the checkout, where there is one.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = root().join("../shared/traces");
    if folder.is_dir() {
        return Some(folder);
    }
    skipped("../shared/traces is not here; only the fixtures are checked");
    None
}

/// Every recorded trace that is here, the damaged ones aside: sorted, so that input numbers mean something.
pub(crate) fn all() -> &'static [PathBuf] {
    static ALL: OnceLock<Vec<PathBuf>> = OnceLock::new();
    ALL.get_or_init(|| {
        let fixtures = at_root("fixtures");
        let mut folders: Vec<PathBuf> = RUNS
            .iter()
            .map(|run| fixtures.join("torch-reference").join(run).parent().unwrap().to_owned())
            .chain(["h200-cases", "cpu-torch211"].map(|folder| fixtures.join(folder)))
            .chain(run_folders(&fixtures.join("runs")))
            .collect();
        if let Some(shared) = shared() {
            folders.extend(["tracelens-h100", "more", "hta"].map(|folder| shared.join(folder)));
        }
        let traces: Vec<PathBuf> = folders.iter().flat_map(|folder| traces_in(folder)).collect();
        assert!(traces.len() >= 19, "the fixtures are incomplete: {traces:?}");
        traces
    })
}

/// The runs that the trainer recorded, by name.
fn run_folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    assert!(!runs.is_empty(), "{} holds no runs", folder.display());
    runs
}

fn traces_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut traces: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".json.gz"))
        .filter(|path| !path.to_string_lossy().contains(".key_averages."))
        .collect();
    traces.sort();
    traces
}

/// The position of a trace in [`all`], by the end of its path; `None` where it is not here.
pub(crate) fn position(ending: &str) -> Option<usize> {
    all().iter().position(|path| path.to_string_lossy().ends_with(ending))
}

/// A trace's name in a failure message: its folder and file.
pub(crate) fn label(path: &Path) -> String {
    let names: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    names.iter().rev().map(AsRef::as_ref).collect::<Vec<_>>().join("/")
}

/// The uncompressed text of a trace.
pub(crate) fn text(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if bytes.starts_with(&[0x1f, 0x8b]) { gunzip(&bytes) } else { bytes }
}

/// All members of `bytes`, inflated.
pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// `text` as one gzip member.
pub(crate) fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The same document with its events in another order, which `seed` decides; every event keeps its bytes. `None` where
/// the text is not strict JSON.
pub(crate) fn shuffle(text: &[u8], seed: u64) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow, rename = "traceEvents")]
        events: &'a RawValue,
    }
    let text = std::str::from_utf8(text).ok()?;
    let array = serde_json::from_str::<Document<'_>>(text).ok()?.events.get();
    let mut events: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    let mut state = seed;
    for last in (1..events.len()).rev() {
        // Knuth's MMIX generator: any fixed sequence will do, but it must stay fixed.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).ok()? % (last + 1);
        events.swap(last, other);
    }
    let start = array.as_ptr().addr() - text.as_ptr().addr();
    let mut shuffled = text.as_bytes()[..start].to_vec();
    shuffled.push(b'[');
    for (index, event) in events.iter().enumerate() {
        shuffled.extend_from_slice(if index == 0 { b"" } else { b",\n" });
        shuffled.extend_from_slice(event.get().as_bytes());
    }
    shuffled.push(b']');
    shuffled.extend_from_slice(&text.as_bytes()[start + array.len()..]);
    Some(shuffled)
}

/// Standard output of `COMMAND all-traces --format json` with `threads` threads. Each run is made once for all tests.
pub(crate) fn answer_of_all(command: &'static str, threads: u8) -> Arc<Vec<u8>> {
    type Answers = BTreeMap<(&'static str, u8), Arc<OnceLock<Arc<Vec<u8>>>>>;
    static ANSWERS: Mutex<Answers> = Mutex::new(BTreeMap::new());
    let answer = Arc::clone(ANSWERS.lock().unwrap().entry((command, threads)).or_default());
    Arc::clone(answer.get_or_init(|| {
        let mut arguments = vec![OsString::from(command)];
        arguments.extend(all().iter().map(|path| path.clone().into_os_string()));
        arguments.extend(["--format".into(), "json".into()]);
        Arc::new(analyzer(arguments).env("RAYON_NUM_THREADS", threads.to_string()).run().expect(0).stdout)
    }))
}

/// The envelope of `COMMAND all-traces --format json`.
pub(crate) fn envelope_of_all(command: &'static str) -> Arc<Value> {
    static ENVELOPES: Mutex<BTreeMap<&str, Arc<OnceLock<Arc<Value>>>>> = Mutex::new(BTreeMap::new());
    let envelope = Arc::clone(ENVELOPES.lock().unwrap().entry(command).or_default());
    Arc::clone(envelope.get_or_init(|| Arc::new(serde_json::from_slice(&answer_of_all(command, 2)).unwrap())))
}

/// The rows of `command` that belong to the trace at `position` of [`all`].
pub(crate) fn rows_of(command: &'static str, position: usize) -> Vec<Value> {
    let envelope = envelope_of_all(command);
    let rows = envelope["rows"].as_array().unwrap();
    let position = u64::try_from(position).unwrap();
    rows.iter().filter(|row| row["input"].as_u64() == Some(position)).cloned().collect()
}

/// The codes of the findings on the trace at `position` of [`all`].
pub(crate) fn codes_of(position: usize) -> Vec<String> {
    let envelope = envelope_of_all("audit");
    let position = u64::try_from(position).unwrap();
    let findings = envelope["audit"]["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["input"].as_u64() == Some(position))
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

/// The codes of rules R2 to R18: something was wrong with the text itself.
pub(crate) const READING_CODES: [&str; 15] = [
    "W-GZ-TRAILING",
    "W-GZ-TRUNCATED",
    "W-GZ-CRC",
    "W-TRUNCATED",
    "W-EXTRA-DOCUMENT",
    "W-ENCODING",
    "W-UTF8",
    "W-CTRL",
    "W-REPAIR-ESCAPE",
    "W-REPAIR-QUOTE",
    "W-BAD-EVENT",
    "W-NONFINITE",
    "W-TRAILING-COMMA",
    "W-DUP-KEY",
    "W-DEPTH",
];

/// Whether `text` is JSON as the standard has it.
pub(crate) fn is_strict(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}
