//! `slice`: a trace, read for who is kept, and then copied -> one file.
//!
//! The file appears under its name when it is whole; what stood there is replaced then, and not before.

use super::args::Manner;
use super::exit::Outcome;
use super::inputs::{Content, Found, Input, Repeated};
use super::io::Io;
use super::load::{Loaded, Reading, load, size};
use super::{Error, messages};
use crate::analysis::Context;
use crate::analysis::select::{Kept, NoSuchSteps, Part};
use crate::audit::counted;
use crate::read;
use crate::render::{Scratch, escape};
use crate::report::model::InputFacts;
use crate::slice::{Counts, Slice};
use crate::trace::Trace;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The command.
pub(super) const NAME: &str = "slice";
/// One line for `--help`.
pub(super) const ABOUT: &str =
    "a smaller trace: some steps, or a range of time, for Perfetto, TensorBoard or a colleague";

/// What to do, decided.
pub(super) struct Plan {
    /// Of what.
    pub(super) trace: OsString,
    /// Which part.
    pub(super) part: Part,
    /// Where to.
    pub(super) out: PathBuf,
    /// How to read and to speak.
    pub(super) manner: Manner,
}

/// Why there is no slice.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// There are no inputs, or several.
    #[error("a slice is cut out of one trace, and this names {count}; name one file")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// The output is the input.
    #[error("{} is the trace itself; choose another --out", path.display())]
    Itself {
        /// The path.
        path: PathBuf,
    },
    /// The input is a pipe.
    #[error("{} is no file: a trace is read twice to be cut, and a pipe can be read only once; give a file", path.display())]
    Pipe {
        /// The path.
        path: PathBuf,
    },
    /// The input cannot be read a second time.
    #[error("cannot read {} again", path.display())]
    Again {
        /// The path.
        path: PathBuf,
        /// Why.
        source: read::ErrorKind,
    },
    /// The output cannot be written.
    #[error("cannot write {}: nothing was changed; check free space and permissions, or choose another --out", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Cuts the slice.
pub(super) fn run(plan: &Plan, io: &mut Io) -> Result<Outcome, Error> {
    let refused = |source| SliceError::Write { path: plan.out.clone(), source };
    let mut found = Found::by(std::slice::from_ref(&plan.trace), Repeated::Kept);
    found.explain_emptiness();
    let [input] = found.inputs.as_slice() else {
        return Err(SliceError::NotOne { count: found.inputs.len() }.into());
    };
    if is_same_file(&input.path, &plan.out) {
        return Err(SliceError::Itself { path: plan.out.clone() }.into());
    }
    if fs::metadata(&input.path).is_ok_and(|trace| size(&trace).is_none()) {
        return Err(SliceError::Pipe { path: input.path.clone() }.into());
    }
    // The place comes first: one that cannot be written must not cost a minute of reading.
    let scratch = Scratch::beside(&plan.out).map_err(refused)?;
    let reading =
        Reading { limits: plan.manner.limits(), with_sha256: false, progress: &io.progress("reading", plan.manner) };
    let Some(Loaded { mut facts, trace, .. }) = load(&found, &reading, None).pop() else {
        return Err(SliceError::NotOne { count: 0 }.into());
    };
    let Some(trace) = trace else {
        messages::tell_nothing_usable(std::slice::from_ref(&facts), io);
        return Ok(Outcome::Unusable);
    };
    let kept = match keep(trace, plan.part, &mut facts) {
        Ok(kept) => kept,
        Err(none) => {
            messages::tell_without_steps(std::slice::from_ref(&facts), &[(0, none)], false, plan.manner, io);
            return Ok(Outcome::Unusable);
        }
    };
    let written = copy(input, &kept, scratch, plan, io)?;
    if !plan.manner.quiet {
        let path = plan.out.to_string_lossy();
        let (path, all) = (escape::terminal(&path), facts.events_kept);
        io.tell(&format!("{path} has {} of {all} events", written.events));
        if written.left_out > 0 {
            io.tell(&format!(
                "warning: left out because they are not strict JSON: {}",
                counted(written.left_out, "element")
            ));
        }
    }
    Ok(messages::conclude(std::slice::from_ref(&facts), plan.manner, io))
}

/// Who is kept of `trace`, which is let go: the copy needs none of its tables. Adds what the analyses find.
fn keep(trace: Trace, part: Part, facts: &mut InputFacts) -> Result<Kept, NoSuchSteps> {
    let context = Context::new(&trace);
    facts.findings.extend(context.findings());
    facts.findings.sort_by_key(|finding| finding.code);
    Kept::of(&context, part)
}

/// Reads the input once more, and writes what is kept of it.
fn copy(input: &Input, kept: &Kept, scratch: Scratch, plan: &Plan, io: &Io) -> Result<Counts, Error> {
    let refused = |source| SliceError::Write { path: plan.out.clone(), source };
    debug_assert_eq!(input.content, Content::File);
    let again = |source: io::Error| SliceError::Again { path: input.path.clone(), source: source.into() };
    let file = File::open(&input.path).map_err(again)?;
    let progress = io.progress("copying", plan.manner);
    progress.expect(file.metadata().ok().as_ref().and_then(size).unwrap_or(0));
    let file = progress.counted(file);
    let out = BufWriter::with_capacity(1 << 20, scratch.file());
    let (mut out, written) = if plan.out.extension().is_some_and(|ending| ending == "gz") {
        let (gzip, written) = copy_into(GzEncoder::new(out, Compression::default()), file, input, kept, plan)?;
        (gzip.finish().map_err(refused)?, written)
    } else {
        copy_into(out, file, input, kept, plan)?
    };
    out.flush().map_err(refused)?;
    drop(out);
    scratch.commit().map_err(refused)?;
    Ok(written)
}

/// The same of `file`, which is the input's, into `out`, which is given back.
fn copy_into<W: Write>(
    out: W,
    file: impl Read + Send,
    input: &Input,
    kept: &Kept,
    plan: &Plan,
) -> Result<(W, Counts), SliceError> {
    let mut slice = Slice::new(kept, out);
    read::visit(file, &plan.manner.limits(), &mut slice)
        .map_err(|source| SliceError::Again { path: input.path.clone(), source })?;
    slice.finish().map_err(|source| SliceError::Write { path: plan.out.clone(), source })
}

fn is_same_file(left: &Path, right: &Path) -> bool {
    matches!((fs::canonicalize(left), fs::canonicalize(right)), (Ok(left), Ok(right)) if left == right)
}
