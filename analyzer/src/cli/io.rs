//! The three streams of the process, as values: tests give others.
//!
//! stdout is data and stderr is for people. A reader that stopped reading (`analyzer ops t.json | head`) is no failure.

use super::Error;
use super::args::Manner;
use super::progress::Progress;
use crate::render::escape;
use std::io::{self, IsTerminal, Read, Write};

/// Standard input, output and messages.
pub struct Io {
    input: Option<Box<dyn Read + Send>>,
    output: Box<dyn Write + Send>,
    messages: Box<dyn Write + Send>,
    /// Messages go to a terminal: somebody watches.
    is_watched: bool,
}

impl Io {
    /// The streams of this process.
    #[must_use]
    pub fn process() -> Self {
        Self { is_watched: io::stderr().is_terminal(), ..Self::new(io::stdin(), io::stdout(), io::stderr()) }
    }

    /// Other streams.
    #[must_use]
    pub fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        messages: impl Write + Send + 'static,
    ) -> Self {
        let (output, messages) = (Box::new(output), Box::new(messages));
        Self { input: Some(Box::new(input)), output, messages, is_watched: false }
    }

    /// Standard input; `None` from the second time on, for it can be read only once.
    pub(super) fn take_input(&mut self) -> Option<Box<dyn Read + Send>> {
        self.input.take()
    }

    /// The progress of a command that does `what`.
    pub(super) fn progress(&self, what: &'static str, manner: Manner) -> Progress {
        Progress::new(what, self.is_watched && !manner.quiet)
    }

    /// Writes data, all of it at once: what fails half-way has printed nothing.
    pub(super) fn print(&mut self, data: &[u8]) -> Result<(), Error> {
        match self.output.write_all(data).and_then(|()| self.output.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
            _ => Ok(()),
        }
    }

    /// Writes a message of one or more lines. Nobody can be told that messages cannot be written.
    pub(super) fn tell(&mut self, message: &str) {
        let mut lines = String::new();
        for line in message.lines() {
            lines.push_str(escape::terminal(line).trim_end());
            lines.push('\n');
        }
        let _ = self.messages.write_all(lines.as_bytes()).and_then(|()| self.messages.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    #[test]
    fn a_cause_is_said_once() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let words = missing.to_string();
        let error = read::Error { path: "a.json".into(), kind: read::ErrorKind::Io(missing) };
        assert_eq!(crate::text::error_chain(&error), format!("cannot read a.json: {words}"));
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let mut io = Io::new(io::empty(), Closed, Closed);
        assert!(io.print(b"rows").is_ok());
        io.tell("nobody hears this");
    }
}
