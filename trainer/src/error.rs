//! What can go wrong, each as one message: what, where, what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tch::TchError;
use thiserror::Error;

/// What torch says, sorted by what a reader can do about it.
#[derive(Debug, Error)]
pub(crate) enum TorchError {
    /// The GPU has no room.
    #[error("out of GPU memory: take a smaller --batch-size, --precision bf16, or free the GPU (torch: {0})")]
    OutOfDeviceMemory(String),
    /// The machine has no room.
    #[error("out of memory: take a smaller --batch-size or fewer samples (torch: {0})")]
    OutOfHostMemory(String),
    /// Anything else.
    #[error("torch failed: {0}")]
    Other(String),
}

impl TorchError {
    /// Sorts a message of torch. Its first line says what; stack traces follow.
    pub(crate) fn from_message(message: String) -> Self {
        let first = message.lines().next().unwrap_or_default().trim().to_owned();
        if message.contains("CUDA out of memory") || message.contains("CUDA error: out of memory") {
            Self::OutOfDeviceMemory(first)
        } else if message.contains("DefaultCPUAllocator") {
            Self::OutOfHostMemory(first)
        } else {
            Self::Other(first)
        }
    }
}

impl From<TchError> for TorchError {
    fn from(error: TchError) -> Self {
        match error {
            TchError::Torch(message) => Self::from_message(message),
            other => Self::Other(other.to_string()),
        }
    }
}

/// Why the trainer ends with exit code 2.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Options that do not go together.
    #[error("{0}")]
    Usage(String),
    /// CUDA was asked for and is not there.
    #[error("--device {asked}: {why}; `trainer doctor` says more")]
    NoCuda {
        /// The device as typed.
        asked: String,
        /// What is missing.
        why: String,
    },
    /// torch failed.
    #[error(transparent)]
    Torch(#[from] TorchError),
    /// A file or folder cannot be written or read.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A checkpoint does not fit.
    #[error("{}: {problem}", path.display())]
    Resume {
        /// The run's folder, or the checkpoint.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// One of the runs that `trainer all` started failed.
    #[error("{name} ended with {status}{}; the runs before it are in {}", why(*status), out.display())]
    Child {
        /// The run.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Where the others are.
        out: PathBuf,
    },
}

/// Where the reason of a run's end stands.
fn why(status: ExitStatus) -> &'static str {
    if status.code().is_some() { ", its message above says why" } else { " (killed: out of memory?)" }
}

impl From<TchError> for Error {
    fn from(error: TchError) -> Self {
        Self::Torch(error.into())
    }
}

impl Error {
    /// For `map_err`: an error about the file or folder `path`.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torch_messages_are_sorted_and_cut_to_their_first_line() {
        let device = "CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from malloc";
        let sorted = TorchError::from_message(device.to_owned()).to_string();
        assert!(sorted.starts_with("out of GPU memory: take a smaller --batch-size") && !sorted.contains("Exception"));
        let host = "[enforce fail] DefaultCPUAllocator: can't allocate memory";
        assert!(matches!(TorchError::from_message(host.to_owned()), TorchError::OutOfHostMemory(_)));
        assert!(matches!(TorchError::from_message("shape mismatch".to_owned()), TorchError::Other(_)));
    }
}
