//! `make bench`: what `analyzer summary` and `report` cost beside merely decompressing the same trace.
//!
//! ```text
//! fixtures ──tile──> traces of some sizes ──┬─> A  inflate X.json.gz, count the bytes
//!                                           ├─> B  analyzer summary X.json.gz
//!                                           ├─> C  analyzer summary X.json
//!                                           └─> D  analyzer report X.json.gz
//! ```
//!
//! A to D take turns, each run a process of its own, so that start-up and the machine's moods are in all of them.
//! What comes out is a section of BENCHMARKS.md; progress goes to standard error.

mod measure;
mod page;
mod tile;

use measure::CommandLine;
use page::Measured;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};
use tile::Tiled;

/// Timed rounds of A to D for 1 GiB of text, after one that only fills the caches; more for less, and never fewer than three.
const ROUNDS_OF_A_GIB: usize = 3;
const ANALYZER: &str = env!("CARGO_BIN_EXE_analyzer");
/// The tiled traces and what they are made from.
const TRACES: [(&str, &str); 3] = [
    ("lstm", "fixtures/torch-reference/lstm_cuda_tf32/lstm_cuda.pt.trace.json.gz"),
    ("unet", "fixtures/torch-reference/unet_cuda_tf32/unet_cuda.pt.trace.json.gz"),
    ("stacks", "fixtures/h200-cases/encoder_amp_stack.pt.trace.json.gz"),
];

/// How this binary calls itself: to be A, and to be the small parent of a process whose peak is measured.
const INFLATE: &str = "--inflate";
const PEAK: &str = "--peak";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let answer = match arguments.split_first() {
        Some((word, [path])) if word == INFLATE => format!("{}\n", measure::inflate(Path::new(path))?),
        Some((word, line)) if word == PEAK => format!("{}\n", measure::cost(line)?.peak),
        _ => page::section(
            &word(&arguments, "--date").unwrap_or_else(|| "undated".to_owned()),
            &bench(&sizes(&arguments)?)?,
        )?,
    };
    Ok(io::stdout().write_all(answer.as_bytes())?)
}

/// What follows `name`. (Sections are dated by hand, so that the same machine and code give the same text but for numbers.)
fn word(arguments: &[OsString], name: &str) -> Option<String> {
    let given = arguments.iter().skip_while(|word| *word != name).nth(1)?;
    Some(given.to_string_lossy().into_owned()).filter(|given| !given.is_empty())
}

/// The sizes asked for with `--sizes`, in MiB.
fn sizes(arguments: &[OsString]) -> Result<Vec<u64>, Box<dyn Error>> {
    let given = word(arguments, "--sizes").unwrap_or_else(|| "250".to_owned());
    Ok(given.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn bench(sizes: &[u64]) -> Result<Vec<Measured>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    let mut measured = Vec::new();
    for (name, recorded) in TRACES {
        for mebibytes in sizes {
            let name = format!("{name} {mebibytes} MiB");
            progress(&format!("{name}: tiling, if it is not there yet"))?;
            let trace = tile::tiled(&name.replace(' ', "-"), &root.join(recorded), &folder, mebibytes << 20)?;
            let rounds = (ROUNDS_OF_A_GIB << 10) / usize::try_from(*mebibytes)?.max(1);
            measured.push(measure_one(&name, &trace, &folder.join("report"), rounds.clamp(3, 9))?);
        }
    }
    Ok(measured)
}

fn measure_one(name: &str, trace: &Tiled, out: &Path, rounds: usize) -> Result<Measured, Box<dyn Error>> {
    let this: OsString = env::current_exe()?.into();
    let report = ["report".into(), trace.gzip.clone().into(), "--out".into(), out.into()];
    let lines = [
        vec![this.clone(), INFLATE.into(), trace.gzip.clone().into()],
        summary(&trace.gzip),
        summary(&trace.json),
        [vec![ANALYZER.into()], report.to_vec()].concat(),
    ];
    let mut costs: [Vec<measure::Cost>; 4] = Default::default();
    for round in 0..=rounds {
        progress(&format!("{name}: round {round} of {rounds}"))?;
        for (line, costs) in lines.iter().zip(&mut costs) {
            let cost = measure::cost(line)?;
            if round > 0 {
                costs.push(cost);
            }
        }
    }

    let peak = |line: &CommandLine| -> Result<u64, Box<dyn Error>> {
        let probe = [[this.clone(), PEAK.into()].as_slice(), line].concat();
        Ok(measure::output(&probe)?.trim().parse()?)
    };
    let [inflate, summary_gzip, summary_json, _] = &lines;
    let said: serde_json::Value = serde_json::from_str(&measure::output(summary_gzip)?)?;
    let [a, b, c, d] = costs;
    Ok(Measured {
        name: name.to_owned(),
        text_bytes: measure::output(inflate)?.trim().parse()?,
        gzip_bytes: fs::metadata(&trace.gzip)?.len(),
        events: said["inputs"][0]["events_kept"].as_u64().ok_or("summary does not say how many events it kept")?,
        verdict: said["audit"]["verdict"].as_str().ok_or("summary gives no verdict")?.to_owned(),
        inflate: a,
        summary_gzip: b,
        summary_json: c,
        report: d,
        rounds,
        peak_gzip: peak(summary_gzip)?,
        peak_json: peak(summary_json)?,
    })
}

fn summary(trace: &Path) -> CommandLine {
    vec![ANALYZER.into(), "summary".into(), trace.into(), "--format".into(), "json".into()]
}

fn progress(message: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{message}")
}
