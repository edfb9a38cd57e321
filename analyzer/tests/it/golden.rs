//! Goldens: the sample report, every `--help`, and a gallery of error messages.
//!
//! `BLESS=1` (that is `make bless`) rewrites them; without it a missing golden is a failure, never a new file.

use crate::determinism::files_below;
use crate::harness::{analyzer, at_root};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

#[test]
fn the_sample_report() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    analyzer(["report".as_ref(), "fixtures/runs".as_ref(), "--out".as_ref(), out.as_os_str()]).run().expect(0);
    let fresh = files_below(&out);
    let sample = at_root("reports/sample");
    if blessing() {
        return rewrite(&sample, &fresh);
    }
    assert!(sample.is_dir(), "reports/sample is missing; BLESS=1 writes it");
    let committed = files_below(&sample);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&committed), "the files of the report");
    for (name, bytes) in &fresh {
        if name.extension().is_some_and(|ending| ending == "png") {
            assert_same_picture(name, bytes, &committed[name]);
        } else {
            assert_same_text(name, bytes, &committed[name]);
        }
    }
}

fn rewrite(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Pixels, not bytes: another version of the compressor makes another file of one picture.
fn assert_same_picture(name: &Path, fresh: &[u8], committed: &[u8]) {
    let (fresh_size, fresh) = pixels(name, fresh);
    let (committed_size, committed) = pixels(name, committed);
    assert_eq!(fresh_size, committed_size, "{}", name.display());
    let other = fresh.iter().zip(&committed).filter(|(one, other)| one != other).count();
    assert_eq!(other, 0, "{}: colour values that differ (BLESS=1 rewrites the sample)", name.display());
}

/// Width and height, and the decoded samples.
fn pixels(name: &Path, bytes: &[u8]) -> ((u32, u32), Vec<u8>) {
    let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    let mut reader = decoder.read_info().unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    samples.truncate(info.buffer_size());
    ((info.width, info.height), samples)
}

fn assert_same_text(name: &Path, fresh: &[u8], committed: &[u8]) {
    if fresh == committed {
        return;
    }
    let (fresh, committed) = (String::from_utf8_lossy(fresh), String::from_utf8_lossy(committed));
    let differing = fresh.lines().zip(committed.lines()).enumerate().find(|(_, (one, other))| one != other);
    match differing {
        Some((line, (one, other))) => panic!(
            "{}, line {}: (BLESS=1 rewrites it)\n  now: {}\n  was: {}",
            name.display(),
            line + 1,
            excerpt(one, other),
            excerpt(other, one)
        ),
        None => panic!("{}: {} bytes now, {} before", name.display(), fresh.len(), committed.len()),
    }
}

/// The part of a long line where it leaves the other one.
fn excerpt(line: &str, other: &str) -> String {
    let same = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    line.chars().skip(same.saturating_sub(60)).take(200).collect()
}

#[track_caller]
fn assert_golden(name: &str, fresh: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if blessing() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, fresh).unwrap();
        return;
    }
    let committed = std::fs::read(&path).unwrap_or_else(|_| panic!("golden {name} is missing; BLESS=1 writes it"));
    assert_same_text(Path::new(name), fresh.as_bytes(), &committed);
}

/// The names under "Commands:" in `analyzer --help`.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).expect("--help lists the commands");
    let lines = listed.lines().take_while(|line| !line.trim().is_empty());
    // Descriptions may go on in lines that are indented further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn help_texts() {
    let help = analyzer(["--help"]).run().expect(0).text().to_owned();
    let mut page = format!("$ analyzer --help\n{help}");
    let commands = commands(&help);
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let help = analyzer([command.as_str(), "--help"]).run().expect(0);
        write!(page, "\n$ analyzer {command} --help\n{}", help.text()).unwrap();
    }
    assert_golden("help.txt", &page);
}

/// What a user sees, word for word, when something is wrong.
const ERRORS: [&[&str]; 22] = [
    &["ops"],
    &["no-such-command"],
    &["ops", "no/such/trace.json"],
    &["ops", "fixtures/malformed/*.nothing"],
    &["ops", "fixtures/malformed/good.json", "--sort", "weight"],
    &["ops", "fixtures/malformed/good.json", "--top", "many"],
    &["ops", "fixtures/malformed/good.json", "--format", "xml"],
    &["ops", "fixtures/malformed/good.json", "--steps", "5..2"],
    &["ops", "fixtures/malformed/good.json", "--max-bytes", "100"],
    &["ops", "fixtures/malformed/not_json.json"],
    &["ops", "fixtures/malformed/zero_bytes.json"],
    &["ops", "fixtures/malformed/empty_content.json.gz"],
    &["ops", "fixtures/malformed/execution_trace.json"],
    &["ops", "fixtures/malformed/rocprof.json"],
    &["ops", "fixtures/malformed/memory_timeline.json"],
    &["ops", "fixtures/malformed/json_scalar.json"],
    &["ops", "fixtures/malformed/zip_named_gz.json.gz"],
    &["audit", "fixtures/malformed/truncated_mid_event.json"],
    &["audit", "fixtures/malformed/truncated.json.gz"],
    &["audit", "fixtures/malformed/orphan_kernel.json", "--strict"],
    &["report", "fixtures/malformed/not_json.json", "--out", "fixtures/malformed/good.json/out"],
    &["report", "fixtures/malformed/good.json", "--out", "fixtures/malformed/good.json/out"],
];

#[test]
fn error_gallery() {
    let mut page = String::new();
    for arguments in ERRORS {
        let outcome = analyzer(arguments).run();
        write!(page, "$ analyzer {}\n{}exit {}\n\n", arguments.join(" "), outcome.stderr, outcome.code).unwrap();
    }
    assert_golden("errors.txt", &page);
}
