//! Hands over to the command line and turns what came out into an exit code.

use analyzer::cli::{self, Io, Outcome};
use analyzer::render::unfinished;
use std::process::ExitCode;

fn main() -> ExitCode {
    unfinished::listen();
    let mut io = Io::process();
    match cli::run(std::env::args_os(), &mut io) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            error.tell(&mut io);
            Outcome::Unusable.into()
        }
    }
}
