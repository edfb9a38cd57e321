//! How busy the device was over time, its mean, and the steps.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::plot::{Plot, below_step_names, height_title, no_data, step_marks, time_axis};
use super::scale::{Scale, Unit, extent, is_drawable};
use super::theme;
use crate::render::number;
use crate::report::model::Side;
use crate::units::{Nanoseconds, to_f64};

/// What the chart shows.
pub(super) struct Utilisation<'a> {
    /// `(start, busy share)`.
    pub(super) buckets: &'a [(Nanoseconds, f64)],
    /// The end of the last bucket.
    pub(super) end: Nanoseconds,
    /// Starts of steps.
    pub(super) steps: &'a [(Nanoseconds, String)],
    /// Busy share of the whole span.
    pub(super) mean: f64,
}

impl Utilisation<'_> {
    /// Draws the chart.
    pub(super) fn draw(&self, canvas: &Canvas<'_>) -> Result<(), Fault> {
        let mut buckets = self.buckets.to_vec();
        buckets.sort_by(|mine, theirs| mine.0.cmp(&theirs.0).then_with(|| mine.1.total_cmp(&theirs.1)));
        if !buckets.iter().any(|bucket| is_drawable(bucket.1)) {
            return no_data(canvas);
        }
        height_title(
            canvas,
            theme::CONTENT_TOP + 14.0,
            &Unit::PERCENT.title("share of time in which the device is busy"),
        )?;
        let ticks = Scale::linear((0.0, 1.0), (0.0, 1.0)).ticks(Unit::PERCENT, 5.0);
        let plot = Plot::beside(canvas, &ticks, below_step_names(theme::CONTENT_TOP + 42.0, self.steps));
        let plot = Plot { right: plot.right - self.mean_width(canvas), ..plot };
        let scale = Scale::linear((0.0, 1.0), (plot.bottom, plot.top));
        plot.horizontal_grid(canvas, &scale, &ticks)?;
        let (first, last) = self.span(&buckets);
        let time = time_axis(canvas, plot, first, last)?;
        self.area(canvas, &buckets, &time, &scale)?;
        step_marks(canvas, plot, &time, self.steps)?;
        canvas.across(plot.left, plot.right, plot.bottom, 1.0, theme::AXIS)?;
        self.mean(canvas, plot, &scale)
    }

    /// Pixels right of the plot for what the mean is.
    fn mean_width(&self, canvas: &Canvas<'_>) -> f64 {
        if !is_drawable(self.mean) {
            return 0.0;
        }
        canvas.fonts.width(&number::share(self.mean), theme::STRONG).max(40.0) + theme::GAP
    }

    fn span(&self, buckets: &[(Nanoseconds, f64)]) -> (f64, f64) {
        let times = buckets.iter().map(|bucket| bucket.0).chain(self.steps.iter().map(|step| step.0)).chain([self.end]);
        extent(times.map(|time| to_f64(time.get()))).unwrap_or((0.0, 1.0))
    }

    /// Every bucket as a light block below its line. A bucket ends where the next begins; one without a value
    /// stays white.
    fn area(
        &self,
        canvas: &Canvas<'_>,
        buckets: &[(Nanoseconds, f64)],
        time: &Scale,
        scale: &Scale,
    ) -> Result<(), Fault> {
        let color = theme::side(Side::Gpu);
        let (bottom, _) = scale.pixels();
        let ends = buckets.iter().skip(1).map(|bucket| bucket.0).chain([self.end]);
        let blocks: Vec<_> = buckets
            .iter()
            .zip(ends)
            .filter(|(bucket, _)| is_drawable(bucket.1))
            .map(|((start, busy), end)| {
                let at = |time_ns: Nanoseconds| time.at(to_f64(time_ns.get())).round();
                (at(*start), at(end).max(at(*start) + 1.0), scale.at(*busy).round())
            })
            .collect();
        for (from, to, y) in &blocks {
            canvas.fill((*from, *y), (*to, bottom), theme::BUSY_GROUND)?;
        }
        let mut before = (f64::NEG_INFINITY, bottom);
        for (from, to, y) in &blocks {
            let rises_from = if before.0 < *from { bottom } else { before.1 };
            canvas.down(*from, y.min(rises_from) - 1.0, y.max(rises_from) + 1.0, 2.0, color)?;
            canvas.across(*from, *to, *y, 2.0, color)?;
            before = (*to, *y);
        }
        Ok(())
    }

    fn mean(&self, canvas: &Canvas<'_>, plot: Plot, scale: &Scale) -> Result<(), Fault> {
        if !is_drawable(self.mean) {
            return Ok(());
        }
        let y = scale.at(self.mean);
        canvas.across_dashed(plot.left, plot.right, y, 2.0, theme::INK)?;
        let x = plot.right + theme::GAP;
        let y = y.clamp(plot.top + 10.0, plot.bottom - 10.0);
        canvas.text((x, y - 10.0), Anchor::Left, "mean", theme::NOTE)?;
        canvas.text((x, y + 10.0), Anchor::Left, &number::share(self.mean), theme::STRONG)
    }
}
