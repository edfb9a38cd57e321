//! What lies at a path: one run folder, a folder of runs, or a lone trace (CONTRACT, "runs/").
//!
//! ```text
//! runs/                     a folder of runs, searched one level deep
//!   unet_cpu/               a run: results.json and traces
//!   unet_cuda_tf32.2/       a run
//!   old.pt.trace.json.gz    a lone trace: a run of its own
//!   charts/                 neither: passed over, and named
//! ```
//! A folder with results.json is a run. One without, in which only traces lie, is a run if its own name says a device or
//! if the traces' names say different ranks; otherwise its traces have nothing in common and each is a run.

use super::naming::{FileKind, file_kind, lone_trace_name, rank_from_name, run_name};
use super::pairing::GroupKey;
use super::results::{self, DeviceKind, Results, ResultsError};
use crate::table::{Recorded, Why};
use crate::text::Untrusted;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file with a run's results.
const RESULTS_FILE: &str = "results.json";
/// Words of a variant that name a precision; `fp32` is the default and has no word of its own.
const PRECISIONS: [&str; 5] = ["fp32", "tf32", "bf16", "fp16", "fp8"];
/// The word of a variant that names the layout.
const CHANNELS_LAST: &str = "channels_last";

/// Where a run came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A folder: its traces may be the ranks of one run, or recordings of which the latest is used.
    Folder,
    /// A trace file by itself.
    LoneTrace,
}

/// One run: what it is called, what its results say, and which files may be its traces.
#[derive(Debug)]
pub struct RunFolder {
    /// The folder as typed, or joined to what was typed; the file of a lone trace.
    pub path: PathBuf,
    /// The folder's name; of a lone trace, the file's name without ending and time.
    pub name: Untrusted,
    /// Folder or lone trace.
    pub origin: Origin,
    /// The model: from the results, else from the name.
    pub model: Untrusted,
    /// The kind of device: from the results, else from the name.
    pub device: Option<DeviceKind>,
    /// What differs from fp32 and default layout, joined with `-`, empty for nothing. Precision and layout come from
    /// the results where they say them; other words of the name stay.
    pub variant: Untrusted,
    /// Which repeat, from 1.
    pub repeat: u64,
    /// What results.json says.
    pub results: Recorded<Results>,
    /// Why a results.json that is there cannot be used.
    pub results_error: Option<ResultsError>,
    /// The files that may be traces, sorted by name. Which of several recordings is used depends on the rank inside.
    pub traces: Vec<PathBuf>,
}

/// What was found at a path.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The runs, sorted by path.
    pub runs: Vec<RunFolder>,
    /// Sub-folders that hold neither results nor a trace, sorted.
    pub passed_over: Vec<PathBuf>,
    /// Sub-folders that could not be read, sorted.
    pub unreadable: Vec<DiscoverError>,
}

/// Why nothing can be found at a path.
#[derive(Debug, Error)]
pub enum DiscoverError {
    /// There is nothing.
    #[error("{} does not exist: give a trace, a run folder or a folder of runs", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A results file was given for its folder.
    #[error("{} holds results, not a trace: give its folder", path.display())]
    ResultsFile {
        /// The file.
        path: PathBuf,
    },
    /// A folder without anything in it.
    #[error("{} is an empty folder: train a run into it or give another", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A folder in which nothing is a run.
    #[error(
        "{} holds neither results.json nor a trace (*.json, *.json.gz), nor does a folder in it: give a run folder or a folder of runs",
        path.display()
    )]
    NoRuns {
        /// The folder.
        path: PathBuf,
    },
}

impl RunFolder {
    /// The key of the group of repeats that this run belongs to.
    #[must_use]
    pub fn key(&self) -> GroupKey {
        GroupKey { model: self.model.clone(), device: self.device.clone(), variant: self.variant.clone() }
    }
}

/// Finds the runs at `root`: a trace file, a run folder, or a folder of runs, which is searched one level deep.
///
/// # Errors
/// See [`DiscoverError`]. A results.json that cannot be used is no error here: its run says so.
pub fn discover(root: &Path) -> Result<Discovery, DiscoverError> {
    let metadata = std::fs::metadata(root).map_err(|source| unreadable(root, source))?;
    if !metadata.is_dir() {
        return match file_name(root) {
            name if name == RESULTS_FILE => Err(DiscoverError::ResultsFile { path: root.to_owned() }),
            name => Ok(Discovery { runs: vec![lone_trace(root.to_owned(), &name)], ..Discovery::default() }),
        };
    }
    let listing = Listing::of(root)?;
    if listing.is_empty() {
        return Err(DiscoverError::Empty { path: root.to_owned() });
    }
    if listing.has_results {
        return Ok(Discovery { runs: vec![run_folder(root, listing)], ..Discovery::default() });
    }
    let mut found = sub_folders(&listing.folders);
    if found.runs.is_empty() && is_one_run(root, &listing.traces) {
        found.runs.push(run_folder(root, listing));
    } else {
        found.runs.extend(listing.traces.into_iter().map(|path| {
            let name = file_name(&path);
            lone_trace(path, &name)
        }));
    }
    if found.runs.is_empty() && found.unreadable.is_empty() {
        return Err(DiscoverError::NoRuns { path: root.to_owned() });
    }
    found.runs.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

fn sub_folders(folders: &[PathBuf]) -> Discovery {
    let mut found = Discovery::default();
    for folder in folders {
        match Listing::of(folder) {
            Ok(listing) if listing.is_run() => found.runs.push(run_folder(folder, listing)),
            Ok(_) => found.passed_over.push(folder.clone()),
            Err(problem) => found.unreadable.push(problem),
        }
    }
    found
}

/// Whether a folder with nothing but `traces` is one run: its name says so, or they are ranks by their names.
fn is_one_run(folder: &Path, traces: &[PathBuf]) -> bool {
    let ranks: Vec<i64> = traces.iter().filter_map(|path| rank_from_name(&file_name(path))).collect();
    let distinct: BTreeSet<i64> = ranks.iter().copied().collect();
    let are_ranks = ranks.len() > 1 && ranks.len() == traces.len() && distinct.len() == ranks.len();
    !traces.is_empty() && (are_ranks || run_name(&folder_name(folder)).device.is_some())
}

/// What lies directly in a folder, sorted by name; hidden entries are left out.
struct Listing {
    has_results: bool,
    traces: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    others: bool,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self, DiscoverError> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> =
            entries.map_err(|source| unreadable(folder, source))?.iter().map(std::fs::DirEntry::path).collect();
        paths.sort();
        let (mut has_results, mut others, mut folders) = (false, false, Vec::new());
        let (mut sure, mut possible) = (Vec::new(), Vec::new());
        for path in paths {
            let name = file_name(&path);
            match file_kind(&name) {
                _ if path.is_dir() => {
                    if !name.starts_with('.') {
                        folders.push(path);
                    }
                }
                // A pipe or a device would be waited for.
                _ if !path.is_file() => others = true,
                FileKind::Trace => sure.push(path),
                FileKind::Json => possible.push(path),
                FileKind::Other => {
                    has_results |= name == RESULTS_FILE;
                    others = true;
                }
            }
        }
        let traces = if sure.is_empty() { possible } else { sure };
        Ok(Self { has_results, traces, folders, others })
    }

    fn is_empty(&self) -> bool {
        self.traces.is_empty() && self.folders.is_empty() && !self.others
    }

    fn is_run(&self) -> bool {
        self.has_results || !self.traces.is_empty()
    }
}

fn run_folder(path: &Path, listing: Listing) -> RunFolder {
    let (results, results_error) = match listing.has_results.then(|| results::read(&path.join(RESULTS_FILE))) {
        None => (Recorded::No(Why::NoResults), None),
        Some(Ok(results)) => (Recorded::Yes(results), None),
        Some(Err(problem)) => (Recorded::No(Why::NoResults), Some(problem)),
    };
    let name = folder_name(path);
    named_run(path.to_owned(), &name, Origin::Folder, (results, results_error), listing.traces)
}

fn lone_trace(path: PathBuf, file_name: &str) -> RunFolder {
    let name = lone_trace_name(file_name).to_owned();
    named_run(path.clone(), &name, Origin::LoneTrace, (Recorded::No(Why::NoResults), None), vec![path])
}

fn named_run(
    path: PathBuf,
    name: &str,
    origin: Origin,
    (results, results_error): (Recorded<Results>, Option<ResultsError>),
    traces: Vec<PathBuf>,
) -> RunFolder {
    let hint = run_name(name);
    let said = results.as_ref().value();
    let model = said.and_then(|results| results.model.clone().value()).unwrap_or_else(|| hint.model.into());
    let device = said.and_then(|results| results.device.as_ref().value()).map(|device| device.kind.clone());
    let variant = variant(&hint.variant, said);
    RunFolder {
        name: name.into(),
        device: device.or(hint.device),
        repeat: hint.repeat,
        path,
        origin,
        model,
        variant,
        results,
        results_error,
        traces,
    }
}

/// The variant by the name, with precision and layout as the results say them. Other words of the name stay: they tell
/// apart what the results cannot.
fn variant(by_name: &str, results: Option<&Results>) -> Untrusted {
    let config = results.and_then(|results| results.config.as_ref().value());
    let precision = config.and_then(|config| config.precision.as_ref().value()).map(|precision| precision.raw());
    let channels_last = config.and_then(|config| config.channels_last.value());
    let said = |word: &str| {
        (precision.is_some() && PRECISIONS.contains(&word)) || (channels_last.is_some() && word == CHANNELS_LAST)
    };
    // `channels-last` holds the separator itself, so it is respelled before the words are split.
    let spelled = by_name.replace("channels-last", CHANNELS_LAST);
    let left = spelled.split('-').filter(|word| !word.is_empty() && *word != "fp32" && !said(word));
    let words: Vec<&str> = precision
        .filter(|precision| *precision != "fp32")
        .into_iter()
        .chain((channels_last == Some(true)).then_some(CHANNELS_LAST))
        .chain(left)
        .collect();
    words.join("-").into()
}

fn unreadable(path: &Path, source: std::io::Error) -> DiscoverError {
    let path = path.to_owned();
    match source.kind() {
        std::io::ErrorKind::NotFound => DiscoverError::Missing { path },
        _ => DiscoverError::Unreadable { path, source },
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder's own name, also of `.` and `..`, whose paths do not hold it.
fn folder_name(path: &Path) -> String {
    match file_name(path) {
        name if name.is_empty() => path.canonicalize().map(|whole| file_name(&whole)).unwrap_or_default(),
        name => name,
    }
}

#[cfg(test)]
mod tests;
