//! Bytes into a [`Trace`]. Knows every quirk of Kineto (TRACE-FORMAT.md), and no analysis.
//!
//! ```text
//! source (read, gunzip, to UTF-8) -> readers (lane: event, lexer, seams -> builder) ─┐
//!                                 `-> window -> document -> stream (lane) <──────────┴─> Trace
//!                                                            `-> repair, where the text is not strict JSON
//! ```
//! The text is never held whole: a window of it is, and the columns grow. A good event is never lost to a bad one beside
//! it, and what was wrong comes back as findings.

mod builder;
mod categories;
mod conclude;
#[cfg(test)]
mod damage;
mod document;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod gzip;
mod landmark;
mod lane;
mod lexer;
mod lists;
mod metadata;
mod number;
#[cfg(test)]
mod properties;
mod readers;
#[cfg(any(test, fuzzing))]
mod reference;
mod repair;
mod rows;
mod seam;
mod seams;
mod sniff;
mod source;
mod spellings;
mod stream;
mod strings;
mod tally;
#[cfg(test)]
mod tests;
mod visit;
mod window;

pub use visit::{FlowId, RawEvent, Role, Visit, visit};

use crate::audit::{Code, Finding};
use crate::trace::Trace;
use std::io::Read;
use std::path::PathBuf;
use thiserror::Error;

/// More readers than this would wait for each other, since one at a time inflates.
const MOST_READERS: usize = 6;

/// What reading may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The largest uncompressed size that is read, in bytes.
    pub max_bytes: u64,
    /// How many names are told apart; all further ones become one.
    pub max_names: u32,
}

impl Default for Limits {
    /// 64 GiB: beyond any trace seen so far, below what would fill a disk. 16 million names: a gigabyte or two of them.
    fn default() -> Self {
        Self { max_bytes: 64 << 30, max_names: 16 << 20 }
    }
}

/// A trace that was read, and what was wrong with it.
#[derive(Debug)]
pub struct ReadTrace {
    /// The events and metadata.
    pub trace: Trace,
    /// What was found while reading.
    pub findings: Vec<Finding>,
    /// Events that were kept.
    pub events_kept: u64,
    /// Events that were lost.
    pub events_skipped: u64,
}

/// A file of which nothing can be used.
#[derive(Debug, Error)]
#[error("cannot read {path}")]
pub struct Error {
    /// The path as typed; `-` for standard input.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub kind: ErrorKind,
}

/// Why nothing of a file can be used.
#[derive(Debug, Error)]
pub enum ErrorKind {
    /// It cannot be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("file is empty (disk full during export? look for a '.json.tmp' beside it)")]
    Empty,
    /// It is no JSON.
    #[error("not a JSON trace: looks like {what}")]
    NotJson {
        /// What it looks like.
        what: &'static str,
    },
    /// It is JSON, but no trace.
    #[error("not a profiler trace: {what}")]
    NotTrace {
        /// What it looks like, and what to do.
        what: &'static str,
    },
    /// It is larger than allowed.
    #[error("more than {max_bytes} bytes uncompressed; raise the limit with --max-bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// It inflates beyond any real trace.
    #[error("gzip data inflate beyond 200:1, which no trace does: stopped (a decompression bomb?)")]
    Bomb,
    /// It nests too deeply outside of its events.
    #[error("nesting deeper than 512 levels at byte {offset}, outside of any event")]
    TooDeep {
        /// Where, in the uncompressed text.
        offset: u64,
    },
    /// The gzip data cannot be inflated at all.
    #[error("gzip data are damaged from the start: nothing can be inflated")]
    BadGzip,
}

impl ErrorKind {
    /// The code that the audit shows.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Io(_) => Code::Unreadable,
            Self::Empty => Code::Empty,
            Self::NotJson { .. } | Self::BadGzip => Code::NotJson,
            Self::NotTrace { .. } => Code::NotTrace,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Bomb => Code::Bomb,
            Self::TooDeep { .. } => Code::TooDeep,
        }
    }
}

/// Reads one trace from `input`: plain or gzip, by content and not by name (R1).
///
/// # Errors
/// Where nothing of the input can be used: see [`ErrorKind`]. Damage that leaves something usable is in
/// [`ReadTrace::findings`].
pub fn read<R: Read + Send>(input: R, limits: &Limits) -> Result<ReadTrace, ErrorKind> {
    let threads = rayon::current_num_threads();
    read_with(input, limits, source::BLOCK_BYTES, if threads > 1 { threads.min(MOST_READERS) } else { 0 })
}

/// The same with blocks of `block_bytes` (at least 4, for the byte order mark) and so many readers: the result must not
/// depend on them.
fn read_with<R: Read + Send>(
    input: R,
    limits: &Limits,
    block_bytes: usize,
    readers: usize,
) -> Result<ReadTrace, ErrorKind> {
    read_for(None, input, limits, block_bytes, readers)
}

/// The same for a visitor, who is shown the elements in place of the tables.
fn read_for<'v, R: Read + Send + 'v>(
    visitor: Option<&'v mut dyn Visit>,
    input: R,
    limits: &Limits,
    block_bytes: usize,
    readers: usize,
) -> Result<ReadTrace, ErrorKind> {
    let source = source::Source::new(Box::new(input), block_bytes);
    std::thread::scope(|scope| {
        let readers = readers::Readers::start(source, limits, readers, scope);
        let mut document = document::Document::new(window::Window::new(readers), limits);
        document.lane.visitor = visitor;
        let outcome = document.read();
        conclude::conclude(document, outcome)
    })
}
