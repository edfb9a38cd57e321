//! The same input gives the same bytes: with any number of threads, with the file's events in any order, and gzipped or not.

use crate::corpus::{
    COMMANDS, READING_CODES, all, answer_of_all, codes_of, envelope_of_all, fixture, gz, label, shuffle, text,
};
use crate::harness::{analyzer, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[test]
fn threads_do_not_change_a_byte_of_any_table() {
    for command in COMMANDS {
        let expected = answer_of_all(command, 2);
        for threads in [1, 7] {
            let answer = answer_of_all(command, threads);
            assert!(answer == expected, "{command}: {threads} threads; {}", first_difference(&answer, &expected));
        }
    }
}

fn first_difference(one: &[u8], other: &[u8]) -> String {
    let at = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    let around = |bytes: &[u8]| {
        let end = (at + 80).min(bytes.len());
        String::from_utf8_lossy(&bytes[at.saturating_sub(40).min(end)..end]).into_owned()
    };
    format!("at byte {at}: {:?} and {:?}", around(one), around(other))
}

/// The traces that can be shuffled, written anew into a folder under their own names (two folders may share a name, so
/// each has a number in front); with their positions among all traces.
fn rewritten(change: impl Fn(&Path, Vec<u8>) -> Option<Vec<u8>>) -> (TempDir, Vec<(usize, PathBuf)>) {
    let folder = TempDir::new().unwrap();
    let mut written = Vec::new();
    for (position, path) in all().iter().enumerate() {
        if codes_of(position).iter().any(|code| READING_CODES.contains(&code.as_str())) {
            continue;
        }
        let Some(bytes) = change(path, text(path)) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let own = folder.path().join(position.to_string());
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join(&name), bytes).unwrap();
        written.push((position, own.join(name)));
    }
    (folder, written)
}

/// Compares all but `inputs` and what depends on the company (ranks), one trace after the other, so that a difference names its trace.
fn assert_same_answers(command: &'static str, written: &[(usize, PathBuf)], what: &str) {
    let answer = json(command, written.iter().map(|(_, path)| path));
    let before = envelope_of_all(command);
    for (index, (position, path)) in written.iter().enumerate() {
        for part in ["/rows", "/audit/findings"] {
            let (found, expected) = (of_input(&answer, part, index), of_input(&before, part, *position));
            let label = label(&all()[*position]);
            assert_eq!(found.len(), expected.len(), "{command}{part} of {label}, {what}: number of rows");
            for (one, other) in found.iter().zip(&expected) {
                assert_eq!(one, other, "{command}{part} of {label} ({}), {what}", path.display());
            }
        }
    }
}

fn of_input(envelope: &Value, part: &str, input: usize) -> Vec<Value> {
    let input = u64::try_from(input).unwrap();
    let entries = envelope.pointer(part).unwrap().as_array().unwrap();
    let of_company = |entry: &&Value| entry["code"].as_str().is_some_and(|code| code.contains("-RANK"));
    let mut entries: Vec<Value> =
        entries.iter().filter(|entry| entry["input"].as_u64() == Some(input) && !of_company(entry)).cloned().collect();
    for entry in &mut entries {
        let fields = entry.as_object_mut().unwrap();
        fields.remove("input");
        fields.remove("rank");
    }
    entries
}

#[test]
fn the_order_of_events_in_the_file_does_not_matter() {
    let (_folder, written) = rewritten(|_, text| shuffle(&text, 11).map(|text| gz(&text)));
    assert!(written.len() >= 16, "only {} traces were shuffled", written.len());
    for command in COMMANDS {
        assert_same_answers(command, &written, "shuffled");
    }
}

#[test]
fn a_plain_trace_answers_like_a_gzipped_one() {
    let is_small = |path: &Path| std::fs::metadata(path).unwrap().len() < 70_000;
    let (_folder, written) = rewritten(|path, text| is_small(path).then_some(text));
    assert!(written.len() >= 10, "only {} traces were written plain", written.len());
    for command in ["summary", "ops", "audit"] {
        assert_same_answers(command, &written, "plain");
    }
}

#[test]
fn standard_input_answers_like_a_file() {
    let path = fixture("cpu-torch211/full_step4.json.gz");
    let expected = json("ops", [&path]);
    for bytes in [std::fs::read(&path).unwrap(), text(&path)] {
        let answer = analyzer(["ops", "-", "--format", "json"]).input(&bytes).run().expect(0).json();
        assert_eq!(answer["rows"], expected["rows"]);
        assert_eq!(answer["audit"], expected["audit"]);
        assert_eq!(answer["inputs"][0]["path"], "-");
    }
}

#[test]
fn threads_do_not_change_a_byte_of_a_report() {
    let [one, two, seven] = ["1", "2", "7"].map(report_with_threads);
    assert!(one.keys().any(|name| name.ends_with("report.md")), "{:?}", one.keys());
    for (threads, other) in [(2, two), (7, seven)] {
        assert!(one.keys().eq(other.keys()), "{threads} threads write other files");
        for (name, bytes) in &one {
            let difference = || first_difference(bytes, &other[name]);
            assert!(*bytes == other[name], "{}, {threads} threads; {}", name.display(), difference());
        }
    }
}

/// Every file of `report fixtures/runs`, by its path below the output folder.
fn report_with_threads(threads: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = TempDir::new().unwrap();
    let out: OsString = folder.path().join("out").into();
    let arguments = [OsString::from("report"), "fixtures/runs".into(), "--out".into(), out.clone()];
    analyzer(arguments).env("RAYON_NUM_THREADS", threads).run().expect(0);
    files_below(Path::new(&out))
}

/// All files below `folder`, by their path in it.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}
