//! The rectangle that data is drawn in: its grid, its axes and the step marks of charts over time.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::scale::{Scale, Tick, Unit};
use super::theme;
use crate::units::{Nanoseconds, to_f64};

/// Pixels below the plot for numbers and the axis title.
const FOOT: f64 = 66.0;
/// Pixels above the plot for the names of steps.
const STEP_HEAD: f64 = 20.0;
/// Step marks closer than this would be a grey area.
const MARK_DISTANCE: f64 = 4.0;

/// A rectangle of the canvas, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Plot {
    /// Its left edge.
    pub(super) left: f64,
    /// Its right edge.
    pub(super) right: f64,
    /// Its upper edge.
    pub(super) top: f64,
    /// Its lower edge.
    pub(super) bottom: f64,
}

impl Plot {
    /// The space between `top` and the foot, beside labels of the widest of `ticks`.
    pub(super) fn beside(canvas: &Canvas<'_>, ticks: &[Tick], top: f64) -> Self {
        let labels = ticks.iter().map(|tick| canvas.fonts.width(&tick.label, theme::TICK)).fold(20.0, f64::max);
        Self {
            left: (theme::MARGIN + labels + 10.0).round(),
            right: canvas.width - theme::MARGIN,
            top,
            bottom: canvas.height - FOOT,
        }
    }

    /// Grid lines with their numbers on the left, and the line at the bottom.
    pub(super) fn horizontal_grid(&self, canvas: &Canvas<'_>, scale: &Scale, ticks: &[Tick]) -> Result<(), Fault> {
        for tick in ticks {
            let y = scale.at(tick.value);
            canvas.across(self.left, self.right, y, 1.0, theme::GRID)?;
            canvas.text((self.left - 10.0, y), Anchor::Right, &tick.label, theme::TICK)?;
        }
        canvas.across(self.left, self.right, self.bottom, 1.0, theme::AXIS)
    }

    /// Numbers below the plot, and what they mean.
    pub(super) fn foot(&self, canvas: &Canvas<'_>, scale: &Scale, ticks: &[Tick], title: &str) -> Result<(), Fault> {
        let mut free_from = f64::NEG_INFINITY;
        for tick in ticks {
            let x = scale.at(tick.value);
            let half = canvas.fonts.width(&tick.label, theme::TICK) / 2.0;
            let middle = x.min(canvas.width - theme::GAP - half);
            if middle - half < free_from {
                continue;
            }
            free_from = middle + half + theme::GAP;
            canvas.down(x, self.bottom, self.bottom + 5.0, 1.0, theme::AXIS)?;
            canvas.text((middle, self.bottom + 18.0), Anchor::Middle, &tick.label, theme::TICK)?;
        }
        let title = canvas.fonts.shorten_end(title, theme::NOTE, self.right - self.left);
        canvas.text((f64::midpoint(self.left, self.right), self.bottom + 44.0), Anchor::Middle, &title, theme::NOTE)
    }
}

/// What the height means, on its own line whose middle is `y`.
pub(super) fn height_title(canvas: &Canvas<'_>, y: f64, title: &str) -> Result<(), Fault> {
    let title = canvas.fonts.shorten_end(title, theme::NOTE, canvas.width - 2.0 * theme::MARGIN);
    canvas.text((theme::MARGIN, y), Anchor::Left, &title, theme::NOTE)
}

/// `no data` in the middle of an otherwise empty chart.
pub(super) fn no_data(canvas: &Canvas<'_>) -> Result<(), Fault> {
    canvas.text((canvas.width / 2.0, canvas.height / 2.0), Anchor::Middle, "no data", theme::NOTE)
}

/// Where a plot with step names begins when its head ends at `top`.
pub(super) fn below_step_names(top: f64, steps: &[(Nanoseconds, String)]) -> f64 {
    if steps.is_empty() { top } else { top + STEP_HEAD }
}

/// A scale over the time from `first` to `last`, with its numbers and title along the bottom.
pub(super) fn time_axis(canvas: &Canvas<'_>, plot: Plot, first: f64, last: f64) -> Result<Scale, Fault> {
    let scale = Scale::linear((first, last), (plot.left, plot.right));
    let unit = Unit::of_time(last.abs().max(first.abs()));
    let ticks = scale.ticks(unit, 8.0);
    plot.foot(canvas, &scale, &ticks, &unit.title("time since the start of the trace"))?;
    Ok(scale)
}

/// Thin lines where steps start, with as many names as fit beside each other. Where the lines themselves come too
/// close, only those with a name are drawn.
pub(super) fn step_marks(
    canvas: &Canvas<'_>,
    plot: Plot,
    scale: &Scale,
    steps: &[(Nanoseconds, String)],
) -> Result<(), Fault> {
    let mut places: Vec<(f64, &str)> =
        steps.iter().map(|(start, name)| (scale.at(to_f64(start.get())), name.as_str())).collect();
    places.sort_by(|mine, theirs| mine.0.total_cmp(&theirs.0).then_with(|| mine.1.cmp(theirs.1)));
    let is_crowded = places.windows(2).any(|pair| matches!(pair, [left, right] if right.0 - left.0 < MARK_DISTANCE));
    let mut free_from = f64::NEG_INFINITY;
    for (x, name) in places {
        let name = canvas.fonts.shorten_end(name, theme::TICK, 180.0);
        let width = canvas.fonts.width(&name, theme::TICK);
        // A name begins at its line; near the right edge it is moved left, never past the previous one.
        let left = (x - 2.0).min(canvas.width - theme::GAP - width);
        let has_name = left >= free_from;
        if has_name {
            free_from = left + width + 12.0;
            canvas.text((left, plot.top - 12.0), Anchor::Left, &name, theme::TICK)?;
        }
        if has_name || !is_crowded {
            canvas.down(x, plot.top, plot.bottom, 1.0, theme::STEP)?;
        }
    }
    Ok(())
}
