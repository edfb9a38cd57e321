//! Curves over epochs: training solid, test dashed, a marker on every point while there is room.

use super::Fault;
use super::canvas::Canvas;
use super::legend::{Entry, Legend, Sign};
use super::marker::Marker;
use super::plot::{Plot, height_title, no_data};
use super::scale::{Scale, Unit, extent, is_drawable};
use super::theme;
use crate::report::model::Series;
use crate::units::narrow;
use plotters::style::RGBColor;

const LEGEND_LINES: u32 = 3;
const DASH: f64 = 8.0;
const SPACE: f64 = 6.0;
/// Markers closer than this hide their line.
const MARKER_DISTANCE: f64 = 14.0;

/// What the chart shows.
pub(super) struct Curves<'a> {
    /// The lines.
    pub(super) series: &'a [Series],
    /// What x means.
    pub(super) x_axis: &'a str,
    /// What y means.
    pub(super) y_axis: &'a str,
    /// Whether y lies in 0..1.
    pub(super) unit_interval: bool,
    /// What solid and dashed lines mean, where there are both.
    pub(super) dashed_means: Option<(&'static str, &'static str)>,
}

impl Curves<'_> {
    /// Draws the chart.
    pub(super) fn draw(&self, canvas: &Canvas<'_>) -> Result<(), Fault> {
        let Some((x_range, y_range)) = self.ranges() else {
            return no_data(canvas);
        };
        let styles = styles(self.series);
        let legend = Legend::lay_out(canvas.fonts, self.entries(&styles), canvas.width, LEGEND_LINES);
        legend.draw(canvas, theme::CONTENT_TOP)?;
        let head = theme::CONTENT_TOP + legend.height;
        height_title(canvas, head + 16.0, self.y_axis)?;
        let ticks = Scale::linear(y_range, (0.0, 1.0)).ticks(Unit::PLAIN, 6.0);
        let plot = Plot::beside(canvas, &ticks, head + 42.0);
        let y_scale = Scale::linear(y_range, (plot.bottom, plot.top));
        let x_scale = Scale::linear(x_range, (plot.left + 20.0, plot.right - 20.0));
        plot.horizontal_grid(canvas, &y_scale, &ticks)?;
        plot.foot(canvas, &x_scale, &x_scale.whole_ticks(12.0), self.x_axis)?;
        for (series, marker) in self.series.iter().zip(styles) {
            draw_series(canvas, series, marker, (&x_scale, &y_scale))?;
        }
        Ok(())
    }

    /// One entry per line; where dashes have a meaning of their own, one per run, and then what dashes mean.
    fn entries(&self, styles: &[Marker]) -> Vec<Entry> {
        let lines = self.series.iter().zip(styles).filter(|(series, _)| self.dashed_means.is_none() || !series.dashed);
        let curve = |(series, marker): (&Series, &Marker)| {
            Entry::new(Sign::Curve(color(series), *marker, series.dashed), series.label.clone())
        };
        let mut entries: Vec<Entry> = lines.map(curve).collect();
        if let Some((solid, dashed)) = self.dashed_means {
            entries.push(Entry::new(Sign::Stroke(theme::MUTED, false), solid));
            entries.push(Entry::new(Sign::Stroke(theme::MUTED, true), dashed));
        }
        entries
    }

    /// What both axes span; `None` without a drawable point.
    fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let points = || self.series.iter().flat_map(|series| &series.points).filter(|point| is_point(point));
        let (left, right) = extent(points().map(|point| point.0))?;
        let (low, high) = extent(points().map(|point| point.1))?;
        let x_range = if left < right { (left, right) } else { (left - 1.0, right + 1.0) };
        if self.unit_interval {
            return Some((x_range, (0.0, 1.0)));
        }
        let span = if high > low { high - low } else { high.abs().max(1.0) };
        // Zero is shown where it is near, so that heights compare.
        let bottom = if low >= 0.0 && low < high * 0.6 { 0.0 } else { low - span * 0.06 };
        Some((x_range, (bottom, high + span * 0.06)))
    }
}

fn is_point(point: &(f64, f64)) -> bool {
    is_drawable(point.0) && is_drawable(point.1)
}

fn color(series: &Series) -> RGBColor {
    theme::variant(series.side, &series.variant)
}

/// A marker per series: the side gives the colour, so further series of one side and dash get further forms.
fn styles(series: &[Series]) -> Vec<Marker> {
    let looks = |series: &Series| (series.side, series.dashed);
    series
        .iter()
        .enumerate()
        .map(|(index, one)| Marker::of(series.iter().take(index).filter(|other| looks(other) == looks(one)).count()))
        .collect()
}

/// The line is broken where a value is missing.
fn draw_series(
    canvas: &Canvas<'_>,
    series: &Series,
    marker: Marker,
    (x_scale, y_scale): (&Scale, &Scale),
) -> Result<(), Fault> {
    let color = color(series);
    let place = |point: &(f64, f64)| (x_scale.at(point.0), y_scale.at(point.1));
    let mut dashes = Dashes { walked: 0.0 };
    for pair in series.points.windows(2) {
        let [from, to] = pair else { continue };
        if !is_point(from) || !is_point(to) {
            continue;
        }
        if series.dashed {
            dashes.draw(canvas, place(from), place(to), color)?;
        } else {
            canvas.line(place(from), place(to), 2.5, color)?;
        }
    }
    let points = series.points.iter().filter(|point| is_point(point)).map(place);
    if has_room_for_markers(points.clone()) {
        for point in points {
            marker.draw(canvas, point, color)?;
        }
    }
    Ok(())
}

/// Whether the points are on average far enough apart to be told from each other.
fn has_room_for_markers(points: impl Iterator<Item = (f64, f64)> + Clone) -> bool {
    let count = f64::from(narrow(points.clone().count()));
    let (left, right) = extent(points.map(|point| point.0)).unwrap_or((0.0, 0.0));
    right <= left || (right - left) / count >= MARKER_DISTANCE
}

/// Dashes that keep their rhythm over the points of a curve.
struct Dashes {
    walked: f64,
}

impl Dashes {
    fn draw(&mut self, canvas: &Canvas<'_>, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Result<(), Fault> {
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let length = across.hypot(down);
        let along = |part: f64| (from.0 + across * part / length, from.1 + down * part / length);
        let mut place = 0.0;
        while place < length {
            let phase = self.walked % (DASH + SPACE);
            let (is_dash, left) = if phase < DASH { (true, DASH - phase) } else { (false, DASH + SPACE - phase) };
            // A least advance, so that rounding cannot stop the walk.
            let next = (place + left.max(0.01)).min(length);
            if is_dash {
                canvas.line(along(place), along(next), 2.5, color)?;
            }
            self.walked += next - place;
            place = next;
        }
        Ok(())
    }
}
