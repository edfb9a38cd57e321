//! The command line: arguments -> a plan -> an outcome. The only place that reads arguments and writes to the process's
//! streams.
//!
//! ```text
//! args ──> Task ──> table_command | audit_command | report_command | slice_command ──> exit
//!                     inputs ──> load (ranks) ──> selection ──> answers ──> printing, messages
//! ```
//! Every command decides first and acts then: what can be wrong with the arguments is known before a file is opened.

mod answers;
mod args;
mod audit_command;
mod exit;
mod inputs;
mod io;
mod joining;
mod load;
mod messages;
mod printing;
mod progress;
mod ranks;
mod report_command;
mod selection;
mod slice_command;
mod table_command;
mod values;

pub use exit::Outcome;
pub use io::Io;
pub use slice_command::SliceError;

use crate::render::{FolderError, RenderError};
use args::Task;
use std::ffi::OsString;
use thiserror::Error;

/// Why a command could not do its work; each is exit code 2.
#[derive(Debug, Error)]
pub enum Error {
    /// The arguments; its text is a whole message already.
    #[error("{0}")]
    Usage(clap::Error),
    /// Standard output does not take the data.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// The threads cannot be started.
    #[error("cannot start the threads; ask for fewer with --threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// The report's folder cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The report cannot be drawn or written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// There is no slice.
    #[error(transparent)]
    Slice(#[from] SliceError),
}

impl Error {
    /// Says what is wrong.
    pub fn tell(&self, io: &mut Io) {
        match self {
            Self::Usage(usage) => io.tell(&usage.to_string()),
            other => io.tell(&format!("error: {}", crate::text::error_chain(other))),
        }
    }
}

/// Does what `arguments` (the program's name first) ask for. The thread that calls stays one of a pool of rayon's: it is for
/// programs that do nothing else with it.
///
/// # Errors
/// Where the arguments are wrong, or the output cannot be written. An input that cannot be used is no error but part of
/// the answer; where none can be used, the outcome says so.
pub fn run(arguments: impl IntoIterator<Item = OsString>, io: &mut Io) -> Result<Outcome, Error> {
    match Task::parse(arguments) {
        Ok(task) => with_threads(task.threads(), || match &task {
            Task::Table(plan) => table_command::run(plan, io),
            Task::Audit(plan) => audit_command::run(plan, io),
            Task::Report(plan) => report_command::run(plan, io),
            Task::Slice(plan) => slice_command::run(plan, io),
        }),
        Err(usage) if usage.use_stderr() => Err(Error::Usage(usage)),
        Err(help) => io.print(help.to_string().as_bytes()).map(|()| Outcome::Fine),
    }
}

/// The most threads that are started.
const MOST_THREADS: u16 = 1024;

/// Runs `work` on so many threads; without a number, on as many as there are cores or `RAYON_NUM_THREADS` says.
fn with_threads<T: Send>(threads: Option<u16>, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let threads = threads.or_else(|| {
        // More than this many only wait for each other, and starting them takes for ever.
        let asked: u64 = std::env::var("RAYON_NUM_THREADS").ok()?.trim().parse().ok()?;
        (asked > MOST_THREADS.into()).then_some(MOST_THREADS)
    });
    let mut builder = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from));
    // This thread is one of them: it would only sleep, and whom it wakes, two at once, would share the core that is free.
    if rayon::current_thread_index().is_none() {
        builder = builder.use_current_thread();
    }
    builder.build().map_err(Error::Threads)?.install(work)
}
