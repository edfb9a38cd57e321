//! The commands: arguments -> plan -> run -> exit code.

pub(crate) mod args;
mod doctor;
mod every_run;

use crate::error::Error;
use crate::interrupt;
use crate::run::{self, Outcome};
use args::{Arguments, Command, ModelKind, Plan};
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// What a shell is told.
const FAILED: u8 = 2;

/// Runs the command line `words`.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(message) => {
            drop(message.print());
            return ExitCode::from(if message.use_stderr() { FAILED } else { 0 });
        }
    };
    // Before anything calls torch: its threads are to inherit what this blocks.
    interrupt::listen();
    let ended = match arguments.command {
        Command::Unet(run) => Plan::new(ModelKind::Unet, run).and_then(|plan| one_run(&plan)),
        Command::Lstm(run) => Plan::new(ModelKind::Lstm, run).and_then(|plan| one_run(&plan)),
        Command::All(all) => every_run::run(&all),
        Command::Doctor => {
            doctor::run();
            Ok(0)
        }
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            drop(writeln!(std::io::stderr(), "trainer: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Trains; prints the folder, which is the result, to stdout.
fn one_run(plan: &Plan) -> Result<u8, Error> {
    let (folder, code) = match run::run(plan)? {
        Outcome::Complete(folder) => (folder, 0),
        Outcome::Interrupted(folder) => (folder, interrupt::EXIT_CODE),
    };
    drop(writeln!(std::io::stdout(), "{}", folder.display()));
    Ok(code)
}
