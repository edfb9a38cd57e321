//! What a person sees while a model trains: a bar with loss and speed on a terminal, a line per epoch elsewhere.

use crate::results::EpochResults;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};

/// Samples a second with the digits that mean something.
pub(crate) fn rate(samples_per_second: f64) -> String {
    if samples_per_second < 10.0 { format!("{samples_per_second:.1}") } else { format!("{samples_per_second:.0}") }
}

/// Progress of one run, to stderr.
pub(crate) struct Display {
    quiet: bool,
    bars: bool,
    metric: &'static str,
    epochs: u64,
}

impl Display {
    pub(crate) fn new(quiet: bool, metric: &'static str, epochs: u64) -> Self {
        Self { quiet, bars: !quiet && std::io::stderr().is_terminal(), metric, epochs }
    }

    /// The bar of a pass over `steps` batches.
    pub(crate) fn pass(&self, what: &str, epoch: u64, steps: u64, done: u64) -> ProgressBar {
        if !self.bars {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:32}] {pos}/{len} {msg}");
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("epoch {epoch}/{} {what:<5}", self.epochs));
        bar.set_position(done);
        bar
    }

    /// The end of an epoch.
    pub(crate) fn epoch(&self, epoch: &EpochResults, samples_per_second: f64) {
        let number = |value: Option<f64>| value.map_or_else(|| "nan".to_owned(), |value| format!("{value:.4}"));
        self.say(&format!(
            "epoch {}/{}  loss {} (test {})  {} {} (test {})  {:.1} s  {} samples/s",
            epoch.epoch,
            self.epochs,
            number(epoch.train_loss),
            number(epoch.test_loss),
            self.metric,
            number(epoch.train_metric),
            number(epoch.test_metric),
            epoch.seconds,
            rate(samples_per_second),
        ));
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            // Who closed stderr does not want to read it.
            drop(writeln!(std::io::stderr(), "{line}"));
        }
    }
}
