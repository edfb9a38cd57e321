//! How far reading is, by bytes of the files as they lie on disk: a bar on a terminal, for whatever takes over a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Read};
use std::sync::Once;
use std::time::{Duration, Instant};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// The progress of everything that one command reads.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Set once there is a bar; never, where nobody would see it.
    shown: Once,
    is_wanted: bool,
}

impl Progress {
    /// Of a command that does `what`; `is_wanted` where people look.
    pub(super) fn new(what: &'static str, is_wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        bar.set_prefix(what);
        Self { bar, started: Instant::now(), shown: Once::new(), is_wanted }
    }

    /// So many bytes more are to be read.
    pub(super) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// `input`, counted while it is read.
    pub(super) fn counted<R: Read>(&self, input: R) -> Counted<'_, R> {
        Counted { input, progress: self }
    }

    /// Nothing more is to be read: the bar goes.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn add(&self, bytes: usize) {
        self.bar.inc(crate::units::count(bytes));
        if self.is_wanted && self.started.elapsed() > PATIENCE {
            self.shown.call_once(|| self.show());
        }
    }

    fn show(&self) {
        // Pipes have no size.
        let is_sized = self.bar.length() > Some(0);
        let template =
            if is_sized { "{prefix} [{bar:32}] {bytes} of {total_bytes}, {eta} left" } else { "{prefix} {bytes}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}

/// An input that says how much of it was read.
pub(super) struct Counted<'p, R> {
    input: R,
    progress: &'p Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out)?;
        self.progress.add(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_once() {
        let progress = Progress::new("reading", false);
        progress.expect(5);
        progress.expect(6);
        for text in ["12345", "123456"] {
            let mut input = progress.counted(text.as_bytes());
            assert!(io::copy(&mut input, &mut io::sink()).is_ok());
        }
        assert_eq!((progress.bar.position(), progress.bar.length()), (11, Some(11)));
        assert!(!progress.shown.is_completed());
    }
}
