//! How a command ended, and the exit code that scripts see (CONTRACT, "Exit codes"). Codes 1 and 3 belong to `check`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Answered.
    Fine,
    /// No input could be used, or `--strict` forbade what was found; the reason went to stderr.
    Unusable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => Self::SUCCESS,
            Outcome::Unusable => Self::from(2),
        }
    }
}
