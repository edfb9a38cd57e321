//! Arguments into inputs: files, standard input, run folders, folders of runs, and globs that no shell expanded.
//!
//! ```text
//! argument ──> is it there?  ──> run::discover ──> runs, each with its trace files ──> inputs
//!                 `── no ──> a glob? its matches, sorted, the same way
//! ```
//! A path of which nothing can be used is an input too, with its reason: it must show up where the others do.

use crate::audit::{Code, Finding};
use crate::run::{DiscoverError, Discovery, Origin, RunFolder, discover};
use crate::text::error_chain;
use glob::{MatchOptions, glob_with};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// As a shell matches: `*` stays within a folder and leaves hidden files alone.
const AS_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Everything that the arguments name.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The runs, by argument and then by path.
    pub(super) runs: Vec<RunFolder>,
    /// The inputs, in the same order.
    pub(super) inputs: Vec<Input>,
    /// Sub-folders that hold nothing of ours.
    pub(super) passed_over: Vec<PathBuf>,
    repeated: Repeated,
    /// Where the runs really lie.
    seen: BTreeSet<PathBuf>,
}

/// What becomes of a run that is named again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Repeated {
    /// It is an input again: no table adds up over inputs, and a script finds each where it typed it.
    #[default]
    Kept,
    /// It is left out, whatever path led to it: one run taken for two repeats would look like certainty.
    Dropped,
}

/// One input.
#[derive(Debug)]
pub(super) struct Input {
    /// As typed, or the folder as typed joined with the file's name.
    pub(super) path: PathBuf,
    /// What is to be read.
    pub(super) content: Content,
    /// Its run, as a position in [`Found::runs`].
    pub(super) run: Option<usize>,
    /// Which other inputs may be ranks of the same run.
    pub(super) company: Company,
}

/// What is to be read of an input.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Content {
    /// The file at its path.
    File,
    /// Standard input.
    StandardInput,
    /// Nothing, for this reason.
    Nothing(Finding),
}

/// Which other inputs may be ranks of the same run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Company {
    /// Those that were named file by file.
    Typed,
    /// Those of the same run folder.
    Run(usize),
    /// None.
    Alone,
}

impl Found {
    /// What `arguments` name. Never fails: what cannot be used is among the inputs.
    pub(super) fn by(arguments: &[OsString], repeated: Repeated) -> Self {
        let mut found = Self { repeated, ..Self::default() };
        for argument in arguments {
            if argument == "-" {
                found.add("-".into(), Content::StandardInput, None, Company::Typed);
            } else {
                found.add_argument(Path::new(argument));
            }
        }
        found
    }

    /// Where there is no input at all (runs with results alone have none), each run says so as one.
    pub(super) fn explain_emptiness(&mut self) {
        if self.inputs.is_empty() {
            let reason = Finding::new(Code::NotTrace, 1, "the run has no trace, only results");
            let nothing = |run: &RunFolder| Input {
                path: run.path.clone(),
                content: Content::Nothing(reason.clone()),
                run: None,
                company: Company::Alone,
            };
            self.inputs = self.runs.iter().map(nothing).collect();
        }
    }

    fn add_argument(&mut self, path: &Path) {
        // `[` and `*` are legal in names: what is there as typed is meant as typed.
        if path.symlink_metadata().is_ok() {
            return self.add_path(path);
        }
        match matches_of(path) {
            None => self.add_path(path),
            Some(matches) if matches.is_empty() => {
                let reason = Finding::new(Code::Unreadable, 1, "no file or folder matches this pattern");
                self.add(path.to_owned(), Content::Nothing(reason), None, Company::Alone);
            }
            Some(matches) => matches.iter().for_each(|path| self.add_path(path)),
        }
    }

    fn add_path(&mut self, path: &Path) {
        match discover(path) {
            Ok(discovery) => self.add_discovery(path, discovery),
            Err(problem) => self.add_problem(&problem),
        }
    }

    fn add_discovery(&mut self, root: &Path, discovery: Discovery) {
        for run in discovery.runs {
            let place = run.path.canonicalize().unwrap_or_else(|_| run.path.clone());
            if !self.seen.insert(place) && self.repeated == Repeated::Dropped {
                continue;
            }
            let index = self.runs.len();
            let company = match run.origin {
                Origin::Folder => Company::Run(index),
                Origin::LoneTrace if run.path == root => Company::Typed,
                Origin::LoneTrace => Company::Alone,
            };
            for trace in &run.traces {
                self.add(trace.clone(), Content::File, Some(index), company);
            }
            self.runs.push(run);
        }
        for problem in &discovery.unreadable {
            self.add_problem(problem);
        }
        self.passed_over.extend(discovery.passed_over);
    }

    fn add_problem(&mut self, problem: &DiscoverError) {
        let (path, code) = match problem {
            DiscoverError::Missing { path } | DiscoverError::Unreadable { path, .. } => (path, Code::Unreadable),
            DiscoverError::Empty { path } => (path, Code::Empty),
            DiscoverError::ResultsFile { path } | DiscoverError::NoRuns { path } => (path, Code::NotTrace),
        };
        let reason = Finding::new(code, 1, error_chain(problem));
        self.add(path.clone(), Content::Nothing(reason), None, Company::Alone);
    }

    fn add(&mut self, path: PathBuf, content: Content, run: Option<usize>, company: Company) {
        self.inputs.push(Input { path, content, run, company });
    }
}

/// What a glob matches, sorted; `None` where `path` is no glob. Folders on the way that cannot be read match nothing.
fn matches_of(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']))?;
    let mut matches: Vec<PathBuf> = glob_with(pattern, AS_A_SHELL).ok()?.filter_map(Result::ok).collect();
    matches.sort();
    Some(matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// runs/ of several runs, a name that is a pattern, and a folder of nothing.
    fn runs() -> TempDir {
        let folder = TempDir::new().unwrap();
        for file in
            ["unet_cpu/b.json", "unet_cpu/a.json", "net_cuda/results.json", "net_cuda/t.json", "x[1].json", "x1.json"]
        {
            let path = folder.path().join("runs").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{}").unwrap();
        }
        std::fs::create_dir(folder.path().join("runs/charts")).unwrap();
        folder
    }

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let name = |input: &Input| input.path.strip_prefix(root).unwrap_or(&input.path).display().to_string();
        found.inputs.iter().map(name).collect()
    }

    fn found(folder: &TempDir, arguments: &[&str]) -> Found {
        let arguments: Vec<OsString> = arguments.iter().map(|argument| folder.path().join(argument).into()).collect();
        Found::by(&arguments, Repeated::Kept)
    }

    #[test]
    fn a_folder_of_runs_gives_the_traces_of_each() {
        let folder = runs();
        let found = found(&folder, &["runs"]);
        let expected =
            ["runs/net_cuda/t.json", "runs/unet_cpu/a.json", "runs/unet_cpu/b.json", "runs/x1.json", "runs/x[1].json"];
        assert_eq!(names(&found, folder.path()), expected);
        assert_eq!(found.passed_over.len(), 1);
        let company: Vec<_> = found.inputs.iter().map(|input| input.company).collect();
        assert_eq!(company, [Company::Run(0), Company::Run(1), Company::Run(1), Company::Alone, Company::Alone]);
    }

    #[test]
    fn a_glob_is_sorted_and_a_name_that_is_there_is_no_glob() {
        let folder = runs();
        assert_eq!(
            names(&found(&folder, &["runs/*/*.json"]), folder.path()),
            ["runs/net_cuda/results.json", "runs/net_cuda/t.json", "runs/unet_cpu/a.json", "runs/unet_cpu/b.json"]
        );
        let literal = found(&folder, &["runs/x[1].json"]);
        assert_eq!(names(&literal, folder.path()), ["runs/x[1].json"]);
        assert_eq!(literal.inputs[0].company, Company::Typed);
        assert_eq!(names(&found(&folder, &["runs/x[12].json"]), folder.path()), ["runs/x1.json"]);
    }

    #[test]
    fn what_cannot_be_used_is_an_input_with_its_reason() {
        let folder = runs();
        let found = found(&folder, &["runs/no*.gz", "missing.json", "runs/charts", "runs/net_cuda/results.json"]);
        let codes: Vec<Code> = found
            .inputs
            .iter()
            .map(|input| match &input.content {
                Content::Nothing(reason) => reason.code,
                _ => panic!("{} can be read", input.path.display()),
            })
            .collect();
        assert_eq!(codes, [Code::Unreadable, Code::Unreadable, Code::Empty, Code::NotTrace]);
    }

    #[test]
    fn typed_twice_is_two_inputs_and_one_run() {
        let folder = runs();
        let twice = ["runs/unet_cpu", "runs/x1.json", "runs/../runs/unet_cpu", "runs/net_cuda"];
        let arguments: Vec<OsString> = twice.iter().map(|argument| folder.path().join(argument).into()).collect();
        let found = Found::by(&arguments, Repeated::Kept);
        assert_eq!((found.runs.len(), found.inputs.len()), (4, 6));
        let once = Found::by(&arguments, Repeated::Dropped);
        let runs: Vec<_> = once.inputs.iter().map(|input| input.run).collect();
        assert_eq!((once.runs.len(), runs), (3, vec![Some(0), Some(0), Some(1), Some(2)]));
        assert_eq!(once.inputs[3].company, Company::Run(2));
    }

    #[test]
    fn standard_input_is_an_input() {
        assert_eq!(Found::by(&["-".into()], Repeated::Kept).inputs[0].content, Content::StandardInput);
    }
}
