//! Memory over time: a step line of what is allocated, a thinner one of what is reserved, the peak, the steps.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::legend::{Entry, Legend, Sign};
use super::plot::{Plot, below_step_names, height_title, no_data, step_marks, time_axis};
use super::scale::{Scale, Unit, extent};
use super::theme;
use crate::render::number;
use crate::units::{Bytes, Nanoseconds, to_f64};
use plotters::style::RGBColor;

/// A curve that holds until its next point.
type Steps<'a> = &'a [(Nanoseconds, Bytes)];

/// What the chart shows.
pub(super) struct Memory<'a> {
    /// In use.
    pub(super) allocated: Steps<'a>,
    /// Held by the caching allocator.
    pub(super) reserved: Steps<'a>,
    /// Where the peak is.
    pub(super) peak: (Nanoseconds, Bytes),
    /// Starts of steps.
    pub(super) steps: &'a [(Nanoseconds, String)],
}

impl Memory<'_> {
    /// Draws the chart.
    pub(super) fn draw(&self, canvas: &Canvas<'_>) -> Result<(), Fault> {
        if self.allocated.is_empty() && self.reserved.is_empty() {
            return no_data(canvas);
        }
        let legend = self.legend(canvas);
        legend.draw(canvas, theme::CONTENT_TOP)?;
        let (least, largest) = self.height();
        let unit = Unit::of_bytes(largest.abs().max(least.abs()));
        let head = theme::CONTENT_TOP + legend.height;
        height_title(canvas, head + 16.0, &unit.title("memory"))?;
        let top = below_step_names(head + 42.0, self.steps);
        // A little air above the highest line, for the peak's label.
        let range = (least, largest + (largest - least) * 0.1);
        let ticks = Scale::linear(range, (0.0, 1.0)).ticks(unit, 6.0);
        let plot = Plot::beside(canvas, &ticks, top);
        let scale = Scale::linear(range, (plot.bottom, plot.top));
        let (first, last) = self.span();
        plot.horizontal_grid(canvas, &scale, &ticks)?;
        let time = time_axis(canvas, plot, first, last)?;
        let both = Both { canvas, time: &time, height: &scale };
        both.ground(self.allocated)?;
        step_marks(canvas, plot, &time, self.steps)?;
        both.line(self.reserved, 1.0, theme::RESERVED)?;
        both.line(self.allocated, 2.0, theme::ALLOCATED)?;
        canvas.across(plot.left, plot.right, plot.bottom, 1.0, theme::AXIS)?;
        if self.allocated.is_empty() { Ok(()) } else { both.peak(self.peak, plot) }
    }

    fn legend(&self, canvas: &Canvas<'_>) -> Legend {
        let mut entries = Vec::new();
        if !self.allocated.is_empty() {
            entries.push(Entry::new(Sign::Line(theme::ALLOCATED, 3.0), "allocated"));
        }
        if !self.reserved.is_empty() {
            entries.push(Entry::new(Sign::Line(theme::RESERVED, 1.0), "reserved"));
        }
        Legend::lay_out(canvas.fonts, entries, canvas.width, 1)
    }

    /// The bytes from the smallest to the largest, zero included.
    fn height(&self) -> (f64, f64) {
        let peak = [self.peak.1].into_iter().filter(|_| !self.allocated.is_empty());
        let bytes = self.allocated.iter().chain(self.reserved).map(|point| point.1).chain(peak).chain([Bytes::ZERO]);
        extent(bytes.map(|bytes| to_f64(bytes.get()))).unwrap_or((0.0, 1.0))
    }

    /// The time from the first to the last thing shown.
    fn span(&self) -> (f64, f64) {
        let steps = self.steps.iter().map(|step| step.0);
        let peak = [self.peak.0].into_iter().filter(|_| !self.allocated.is_empty());
        let times = self.allocated.iter().chain(self.reserved).map(|point| point.0).chain(steps).chain(peak);
        extent(times.map(|time| to_f64(time.get()))).unwrap_or((0.0, 1.0))
    }
}

/// Both directions of the plot.
struct Both<'a, 'c> {
    canvas: &'a Canvas<'c>,
    time: &'a Scale,
    height: &'a Scale,
}

impl Both<'_, '_> {
    fn line(&self, steps: Steps<'_>, thick: f64, color: RGBColor) -> Result<(), Fault> {
        for run in self.runs(steps) {
            // The rise between two values, then the value itself: lowest to highest where a pixel holds many points.
            self.canvas.down(run.from, run.top - thick / 2.0, run.bottom + thick / 2.0, thick, color)?;
            self.canvas.across(run.from, run.to, run.last, thick, color)?;
        }
        Ok(())
    }

    fn ground(&self, steps: Steps<'_>) -> Result<(), Fault> {
        let zero = self.height.at(0.0);
        for run in self.runs(steps) {
            self.canvas.fill((run.from.round(), run.last), (run.to.round(), zero), theme::ALLOCATED_GROUND)?;
        }
        Ok(())
    }

    /// The curve in pixels, one stretch per half pixel at most: a trace has millions of points.
    fn runs(&self, steps: Steps<'_>) -> Vec<Run> {
        let (_, end) = self.time.pixels();
        let mut points: Vec<_> = steps.to_vec();
        points.sort_by_key(|point| point.0);
        let mut runs: Vec<Run> = Vec::new();
        for (time, bytes) in points {
            let (x, y) = (self.time.at(to_f64(time.get())), self.height.at(to_f64(bytes.get())).round());
            match runs.last_mut() {
                Some(run) if x - run.from < 0.5 => run.add(y),
                Some(before) => {
                    before.to = x;
                    let from = before.last;
                    runs.push(Run { from: x, to: end, top: y.min(from), bottom: y.max(from), last: y });
                }
                None => runs.push(Run { from: x, to: end, top: y, bottom: y, last: y }),
            }
        }
        runs
    }

    fn peak(&self, (time, bytes): (Nanoseconds, Bytes), plot: Plot) -> Result<(), Fault> {
        let (x, y) = (self.time.at(to_f64(time.get())), self.height.at(to_f64(bytes.get())));
        self.canvas.dot((x, y), 7.0, theme::PAPER)?;
        self.canvas.dot((x, y), 5.0, theme::ALLOCATED)?;
        let label = format!("peak {} at {}", number::bytes(bytes), number::duration(time));
        let width = self.canvas.fonts.width(&label, theme::STRONG);
        let middle = x.min(plot.right - width / 2.0).max(plot.left + width / 2.0 + 6.0);
        let y = (y - 18.0).max(plot.top + 12.0);
        let (half, up) = (width / 2.0 + 5.0, 11.0);
        self.canvas.fill((middle - half, y - up), (middle + half, y + up), theme::PAPER)?;
        self.canvas.text((middle, y), Anchor::Middle, &label, theme::STRONG)
    }
}

/// A stretch of a step line in pixels.
struct Run {
    from: f64,
    to: f64,
    top: f64,
    bottom: f64,
    last: f64,
}

impl Run {
    fn add(&mut self, y: f64) {
        self.top = self.top.min(y);
        self.bottom = self.bottom.max(y);
        self.last = y;
    }
}
