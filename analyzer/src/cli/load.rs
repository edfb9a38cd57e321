//! Inputs into traces: read side by side, merged by index, each with its rank and its findings.

use super::inputs::{Content, Found, Input};
use super::progress::Progress;
use super::ranks::{self, Claim};
use crate::audit::{Finding, Verdict, verdict};
use crate::read::{self, ErrorKind, Limits, ReadTrace};
use crate::report::model::InputFacts;
use crate::run::RunFolder;
use crate::text::error_chain;
use crate::trace::Trace;
use crate::units::Nanoseconds;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::sync::Mutex;

/// One input, read.
#[derive(Debug)]
pub(super) struct Loaded {
    /// What every envelope says of it.
    pub(super) facts: InputFacts,
    /// Its trace; `None` where nothing of it can be used (`facts` say why).
    pub(super) trace: Option<Trace>,
    /// Its run, as a position in [`Found::runs`].
    pub(super) run: Option<usize>,
}

/// How inputs are read.
pub(super) struct Reading<'p> {
    /// The bounds.
    pub(super) limits: Limits,
    /// Whether the files' SHA-256 are wanted.
    pub(super) with_sha256: bool,
    /// Who says how far it is.
    pub(super) progress: &'p Progress,
}

/// Reads everything that was found, but for the recordings of which there is a later one of the same rank.
pub(super) fn load(found: &Found, reading: &Reading<'_>, standard_input: Option<Box<dyn Read + Send>>) -> Vec<Loaded> {
    let standard_input = Mutex::new(standard_input);
    let files = found.inputs.iter().filter(|input| input.content == Content::File);
    reading.progress.expect(files.filter_map(|input| size(&std::fs::metadata(&input.path).ok()?)).sum());
    let mut loaded: Vec<Loaded> = found
        .inputs
        .par_iter()
        .map(|input| {
            let run = input.run.and_then(|run| found.runs.get(run));
            load_one(input, run, reading, &standard_input)
        })
        .collect();
    reading.progress.done();
    settle_ranks(found, &mut loaded);
    loaded
}

fn load_one(
    input: &Input,
    run: Option<&RunFolder>,
    reading: &Reading<'_>,
    standard_input: &Mutex<Option<Box<dyn Read + Send>>>,
) -> Loaded {
    let path = input.path.to_string_lossy().into_owned();
    let mut facts = InputFacts::unread(path.into(), run.map(|run| run.name.clone()));
    let read = match &input.content {
        Content::Nothing(reason) => {
            facts.findings.push(reason.clone());
            return Loaded { facts, trace: None, run: input.run };
        }
        Content::StandardInput => {
            let taken = standard_input.lock().ok().and_then(|mut input| input.take());
            read_hashed(taken.unwrap_or_else(|| Box::new(io::empty())), reading)
        }
        Content::File => File::open(&input.path).map_err(ErrorKind::Io).and_then(|file| {
            facts.bytes = file.metadata().ok().as_ref().and_then(size);
            read_hashed(file, reading)
        }),
    };
    let trace = match read {
        Ok((read, sha256)) => {
            facts.sha256 = sha256;
            Some(take_facts(read, &mut facts))
        }
        Err(problem) => {
            facts.findings.push(Finding::new(problem.code(), 1, error_chain(&problem)));
            None
        }
    };
    Loaded { facts, trace, run: input.run }
}

/// Pipes (`<(zcat t.json.gz)`) have no size.
pub(super) fn size(file: &Metadata) -> Option<u64> {
    file.is_file().then_some(file.len())
}

fn take_facts(read: ReadTrace, facts: &mut InputFacts) -> Trace {
    let ReadTrace { trace, findings, events_kept, events_skipped } = read;
    facts.events_kept = events_kept;
    facts.events_skipped = events_skipped;
    facts.findings.extend(findings);
    facts.start_unix_ns = start_unix_ns(&trace);
    trace
}

/// When the trace starts (R32); `None` where its clock is not known, or nothing happened.
fn start_unix_ns(trace: &Trace) -> Option<i64> {
    let is_empty = trace.host.is_empty() && trace.device.is_empty() && trace.python.is_empty();
    match trace.metadata.base_time_ns {
        _ if is_empty && trace.origin.nanoseconds() == 0 => None,
        Some(base) => Some((trace.origin + Nanoseconds::new(base)).nanoseconds()),
        None => trace.metadata.absolute_times.then(|| trace.origin.nanoseconds()),
    }
}

/// Gives every trace its rank, and drops the recordings that are not used.
fn settle_ranks(found: &Found, loaded: &mut Vec<Loaded>) {
    let (indices, claims): (Vec<usize>, Vec<Claim>) = found
        .inputs
        .iter()
        .zip(loaded.iter())
        .enumerate()
        .filter_map(|(index, (input, loaded))| {
            let metadata = &loaded.trace.as_ref()?.metadata;
            let (rank, world_size) = (metadata.rank, metadata.world_size);
            Some((index, Claim { company: input.company, path: &input.path, rank, world_size }))
        })
        .unzip();
    let mut is_used = vec![true; loaded.len()];
    for (index, place) in indices.into_iter().zip(ranks::places(&claims)) {
        if let (Some(loaded), Some(is_used)) = (loaded.get_mut(index), is_used.get_mut(index)) {
            loaded.facts.rank = place.rank;
            loaded.facts.findings.extend(place.findings);
            *is_used = place.is_used;
        }
    }
    let mut is_used = is_used.into_iter();
    loaded.retain(|_| is_used.next() == Some(true));
}

/// Whether anything of an input can be used.
pub(super) fn is_usable(facts: &InputFacts) -> bool {
    verdict(&facts.findings) != Verdict::Unusable
}

/// Reads a trace and, where it is wanted, sums up every byte of its file on the way.
fn read_hashed(input: impl Read + Send, reading: &Reading<'_>) -> Result<(ReadTrace, Option<String>), ErrorKind> {
    let input = reading.progress.counted(input);
    if !reading.with_sha256 {
        return Ok((read::read(input, &reading.limits)?, None));
    }
    let mut hashed = Hashed { input, sum: Sha256::new() };
    let read = read::read(&mut hashed, &reading.limits)?;
    // What lies behind the trace belongs to the file, and so to its sum.
    let whole = io::copy(&mut hashed, &mut io::sink()).is_ok();
    Ok((read, whole.then(|| hexadecimal(&hashed.sum.finalize()))))
}

struct Hashed<R> {
    input: R,
    sum: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out)?;
        self.sum.update(out.get(..length).unwrap_or_default());
        Ok(length)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::inputs::Repeated;
    use std::path::Path;

    const TRACE: &str = r#"{"baseTimeNanoseconds": 1000, "traceEvents": [
        {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 2.5, "dur": 1}]}"#;

    fn loaded(files: &[(&str, &str)], with_sha256: bool) -> Vec<Loaded> {
        let folder = tempfile::TempDir::new().unwrap();
        let mut arguments = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            let first = Path::new(name).iter().next().unwrap();
            let argument = folder.path().join(first).into_os_string();
            if !arguments.contains(&argument) {
                arguments.push(argument);
            }
        }
        let progress = Progress::new("reading", false);
        let reading = Reading { limits: Limits::default(), with_sha256, progress: &progress };
        load(&Found::by(&arguments, Repeated::Kept), &reading, None)
    }

    fn codes(loaded: &Loaded) -> Vec<&str> {
        loaded.facts.findings.iter().map(|finding| finding.code.text()).collect()
    }

    #[test]
    fn facts_of_a_file() {
        let loaded =
            loaded(&[("t.json", TRACE), ("bad.json", "nothing"), ("none.json", r#"{"traceEvents": []}"#)], true);
        let facts = &loaded[0].facts;
        assert_eq!((facts.events_kept, facts.start_unix_ns), (1, Some(3_500)));
        assert_eq!(facts.bytes, Some(crate::units::count(TRACE.len())));
        assert_eq!(facts.sha256.as_deref(), Some(hexadecimal(&Sha256::digest(TRACE)).as_str()));
        assert_eq!(codes(&loaded[1]), ["E-NOT-JSON"]);
        assert!(loaded[1].trace.is_none() && loaded[1].facts.sha256.is_none());
        assert_eq!(loaded[2].facts.start_unix_ns, None);
    }

    #[test]
    fn of_two_recordings_in_a_run_folder_one_is_loaded() {
        let loaded = loaded(&[("unet_cpu/a.json", TRACE), ("unet_cpu/b.json", TRACE)], false);
        assert_eq!(loaded.len(), 1);
        assert!(loaded[0].facts.path.raw().ends_with("b.json"));
        assert_eq!(loaded[0].facts.run.as_ref().map(crate::text::Untrusted::raw), Some("unet_cpu"));
        assert_eq!(codes(&loaded[0]), ["N-TRACE-NOT-USED"]);
    }

    #[test]
    fn standard_input_has_no_size() {
        let found = Found::by(&["-".into()], Repeated::Kept);
        let progress = Progress::new("reading", false);
        let reading = Reading { limits: Limits::default(), with_sha256: false, progress: &progress };
        let loaded = load(&found, &reading, Some(Box::new(TRACE.as_bytes())));
        assert_eq!((loaded[0].facts.bytes, loaded[0].facts.events_kept), (None, 1));
        assert_eq!(loaded[0].facts.path.raw(), "-");
    }
}
