//! Every recorded trace, damaged in many places.
//!
//! ```text
//! recorded ──┬── cut ──────────────┐
//!            ├── one bit flipped ──┼──> read by one thread and by several: the same, and how much is kept
//!            └── events dropped, ──┘
//!                twice, reversed
//! ```

use super::reference::Tables;
use super::{ErrorKind, Limits, ReadTrace, read_with};
use crate::audit::Code;
use crate::trace::Trace;
use flate2::read::MultiGzDecoder;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Blocks so small that every trace has dozens of them.
const BLOCK_BYTES: usize = 50_000;

/// How many places are damaged: a few in every run of the tests, more where asked (`make damage`).
fn places(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |places| places.parse().unwrap())
}

/// The recorded traces of PyTorch and of the trainer, or those in the folder that is asked for.
fn recorded() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let usual = ["torch-reference", "h200-cases", "cpu-torch211", "runs"].map(|folder| fixtures.join(folder));
    let asked = std::env::var("DAMAGE_TRACES").map(|folder| fixtures.join("..").join(folder));
    let is_trace = |path: &str| {
        let is_asked = path.ends_with(".json.gz") && !path.contains("key_averages") && !path.contains("/malformed/");
        path.ends_with(".pt.trace.json.gz") || asked.is_ok() && is_asked
    };
    let mut traces = Vec::new();
    for folder in asked.clone().map_or(usual.to_vec(), |asked| vec![asked]) {
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else if is_trace(&entry.to_string_lossy()) {
                    traces.push(entry);
                }
            }
        }
    }
    traces.sort();
    traces
}

fn text_of(trace: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    MultiGzDecoder::new(std::fs::File::open(trace).unwrap()).read_to_end(&mut text).unwrap();
    text
}

/// What a reading comes to, as a number: the rows, in no order that means anything, and all that was found.
fn told(read: &Result<ReadTrace, ErrorKind>) -> u64 {
    let read = match read {
        Ok(read) => read,
        Err(error) => return hash(&error.to_string()),
    };
    let trace = &read.trace;
    let rest = format!("{:?}", (&read.findings, read.events_kept, read.events_skipped, &trace.metadata, trace.origin));
    rows(trace).wrapping_add(hash(&rest))
}

/// All rows, in no order that means anything.
fn rows(trace: &Trace) -> u64 {
    let Tables { host, device, python, syncs, memory, .. } = Tables::of(trace);
    let rows = [host, device, python, syncs, memory].concat();
    rows.iter().map(|row| hash(row)).fold(0u64, u64::wrapping_add)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Reads `text` alone and with others: the same.
fn read_both_ways(text: &[u8], what: &dyn Fn() -> String) -> Result<ReadTrace, ErrorKind> {
    let alone = read_with(text, &Limits::default(), BLOCK_BYTES, 0);
    let together = read_with(text, &Limits::default(), BLOCK_BYTES, 3);
    assert_eq!(told(&alone), told(&together), "{}", what());
    alone
}

/// Where the events of a trace in Kineto's layout stand in its text; `None` in other layouts, of which less is known.
fn events_of(text: &[u8]) -> Option<Range<usize>> {
    let from = memchr::memmem::find(text, b"\"traceEvents\": [")? + 16;
    let to = memchr::memmem::rfind(text, b"\n  }")?;
    (from < to).then_some(from..to)
}

#[test]
fn every_cut_keeps_what_is_before_it() {
    for trace in recorded() {
        let text = text_of(&trace);
        let whole = read_both_ways(&text, &|| trace.display().to_string()).unwrap();
        let mut kept = 0;
        let cuts = places("DAMAGE_CUTS", 12);
        for part in 1..=cuts {
            // (An odd number, so that cuts do not all fall on the same place of an event.)
            let cut = text.len() * part / (cuts + 1) / 7 * 7;
            let what = || format!("{} cut at {cut}", trace.display());
            let Ok(read) = read_both_ways(text.get(..cut).unwrap(), &what) else { continue };
            assert!(kept <= read.events_kept && read.events_kept <= whole.events_kept, "{}", what());
            kept = read.events_kept;
            if events_of(&text).is_some_and(|events| events.contains(&cut)) {
                assert!(read.findings.iter().any(|finding| finding.code == Code::Truncated), "{}", what());
            }
        }
        assert!(kept > 0 || whole.events_kept < 10, "{}", trace.display());
    }
}

#[test]
fn a_flipped_bit_costs_no_good_event() {
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for trace in recorded() {
        let mut text = text_of(&trace);
        let known = events_of(&text);
        let events = known.clone().unwrap_or(0..text.len());
        let whole = read_with(&text[..], &Limits::default(), BLOCK_BYTES, 0).unwrap();
        for _ in 0..places("DAMAGE_FLIPS", 20) {
            let at = events.start + usize::try_from(random.next_u64()).unwrap() % events.len();
            let bit = 1 << (random.next_u32() % 8);
            text[at] ^= bit;
            let what = || format!("{} with bit {bit:#x} of byte {at} flipped", trace.display());
            let read = read_both_ways(&text, &what);
            if known.is_some() {
                let read = read.unwrap();
                let (kept, is_said) = (read.events_kept, !read.findings.is_empty());
                assert!(kept + 1 >= whole.events_kept, "{}: {kept} kept", what());
                assert!(kept == whole.events_kept || is_said, "{}: nothing is said of the loss", what());
            }
            text[at] ^= bit;
        }
    }
}

#[test]
fn events_may_be_dropped_doubled_and_reversed() {
    for trace in recorded() {
        let text = String::from_utf8(text_of(&trace)).unwrap();
        let Some(range) = events_of(text.as_bytes()) else { continue };
        let (head, tail) = (&text[..range.start], &text[range.end..]);
        let events: Vec<&str> = text[range].split("\n  },").collect();
        let with = |events: &[&str]| [head, &events.join("\n  },"), tail].concat().into_bytes();
        let what = || trace.display().to_string();
        let whole = read_both_ways(text.as_bytes(), &what).unwrap();
        let middle = events.len() / 2;
        let dropped = read_both_ways(&with(&[&events[..middle], &events[middle + 1..]].concat()), &what).unwrap();
        assert_eq!(dropped.events_kept + 1, whole.events_kept, "{}", what());
        let doubled = read_both_ways(&with(&[&events[..=middle], &events[middle..]].concat()), &what).unwrap();
        assert_eq!(doubled.events_kept, whole.events_kept + 1, "{}", what());
        let reversed: Vec<&str> = events.iter().rev().copied().collect();
        let reversed = read_both_ways(&with(&reversed), &what).unwrap();
        let codes = |read: &ReadTrace| read.findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
        assert_eq!((rows(&reversed.trace), codes(&reversed)), (rows(&whole.trace), codes(&whole)), "{}", what());
    }
}
