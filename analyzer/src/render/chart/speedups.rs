//! How many times as fast the GPU is: horizontal bars with their intervals, and the line where both are equal.

use super::Fault;
use super::canvas::{Anchor, Canvas, Size};
use super::legend::{Entry, Legend, Sign};
use super::plot::no_data;
use super::rows::{self, Rows};
use super::scale::{Scale, Tick, Unit, extent, is_drawable, needs_log};
use super::theme;
use crate::render::number;
use crate::report::model::{Side, SpeedupBar};

/// Marks closer than this to the line of equality give way to it, in pixels.
const TICK_DISTANCE: f64 = 36.0;
const TOP: f64 = theme::CONTENT_TOP + theme::LINE + 14.0;

/// The image that `bars` need.
pub(super) fn size(bars: &[SpeedupBar]) -> Size {
    rows::size(drawable(bars).count(), TOP)
}

/// Draws the chart.
pub(super) fn draw(canvas: &Canvas<'_>, bars: &[SpeedupBar]) -> Result<(), Fault> {
    let all: Vec<&SpeedupBar> = drawable(bars).collect();
    let shown = all.get(..rows::drawn(all.len())).unwrap_or(&all);
    if shown.is_empty() {
        return no_data(canvas);
    }
    legend(canvas, shown).draw(canvas, theme::CONTENT_TOP)?;
    let labels: Vec<_> = shown.iter().map(|bar| rows::label(canvas.fonts, &bar.label)).collect();
    let rows = Rows::lay_out(canvas, &labels, TOP);
    let log = needs_log(shown.iter().map(|bar| bar.ratio));
    let scale = scale(canvas, shown, log, rows.left);
    let title = if log { "CPU time / GPU time (log scale)" } else { "CPU time / GPU time" };
    let title = rows::rest(all.len()).map_or_else(|| title.to_owned(), |rest| format!("{title}, {rest}"));
    rows::grid(canvas, &rows, &scale, &ticks(&scale), &title)?;
    for (index, (bar, label)) in shown.iter().zip(&labels).enumerate() {
        let y = rows.middle(index);
        canvas.text((rows.left - theme::GAP, y), Anchor::Right, label, theme::TEXT)?;
        draw_bar(canvas, bar, (&scale, if log { 1.0 } else { 0.0 }), (y, rows.half()))?;
    }
    canvas.down(rows.left, rows.top, rows.bottom, 1.0, theme::AXIS)?;
    canvas.down(scale.at(1.0), rows.top - 4.0, rows.bottom, 2.0, theme::INK)
}

/// The bars that have a length.
fn drawable(bars: &[SpeedupBar]) -> impl Iterator<Item = &SpeedupBar> {
    bars.iter().filter(|bar| is_drawable(bar.ratio) && bar.ratio >= 0.0)
}

fn interval(bar: &SpeedupBar) -> Option<(f64, f64)> {
    bar.interval.filter(|(low, high)| is_drawable(*low) && is_drawable(*high) && low <= high && *low >= 0.0)
}

/// From zero (from the smallest ratio on a logarithmic scale) to what holds every bar and whisker, and 1.
fn scale(canvas: &Canvas<'_>, bars: &[&SpeedupBar], log: bool, left: f64) -> Scale {
    let ends = bars.iter().flat_map(|bar| {
        let (low, high) = interval(bar).unwrap_or((bar.ratio, bar.ratio));
        [bar.ratio, low, high]
    });
    let positive = ends.filter(|end| *end > 0.0).chain([1.0]);
    let (low, high) = extent(positive).unwrap_or((1.0, 1.0));
    let labels = bars.iter().map(|bar| canvas.fonts.width(&number::ratio(bar.ratio), theme::STRONG));
    let right = canvas.width - theme::MARGIN - theme::GAP - labels.fold(0.0, f64::max);
    if log { Scale::log((low, high), (left, right)) } else { Scale::linear((0.0, high), (left, right)) }
}

/// Round ratios, of which 1 is always one.
fn ticks(scale: &Scale) -> Vec<Tick> {
    let equal = scale.at(1.0);
    let mut ticks = vec![Tick { value: 1.0, label: "1x".to_owned() }];
    let others = scale.ticks(Unit::TIMES, 7.0);
    ticks.extend(others.into_iter().filter(|tick| (scale.at(tick.value) - equal).abs() > TICK_DISTANCE));
    ticks.sort_by(|mine, theirs| mine.value.total_cmp(&theirs.value));
    ticks
}

fn draw_bar(
    canvas: &Canvas<'_>,
    bar: &SpeedupBar,
    (scale, base): (&Scale, f64),
    (y, half): (f64, f64),
) -> Result<(), Fault> {
    let end = scale.at(bar.ratio);
    canvas.fill((scale.at(base), y - half), (end, y + half), theme::side(faster(bar)))?;
    let mut label_from = end.max(scale.at(base));
    if let Some((low, high)) = interval(bar) {
        let (low, high) = (scale.at(low), scale.at(high));
        let cap = (half * 0.5).max(3.0);
        canvas.across(low, high, y, 2.0, theme::INK)?;
        canvas.down(low, y - cap, y + cap, 2.0, theme::INK)?;
        canvas.down(high, y - cap, y + cap, 2.0, theme::INK)?;
        label_from = label_from.max(high);
    }
    let (label, equal) = (number::ratio(bar.ratio), scale.at(1.0));
    let label_end = label_from + 2.0 * theme::GAP + canvas.fonts.width(&label, theme::STRONG);
    if label_from < equal && equal < label_end {
        label_from = equal;
    }
    canvas.text((label_from + theme::GAP, y), Anchor::Left, &label, theme::STRONG)
}

/// The side that wins, which gives the colour.
fn faster(bar: &SpeedupBar) -> Side {
    if bar.ratio >= 1.0 { Side::Gpu } else { Side::Cpu }
}

fn legend(canvas: &Canvas<'_>, bars: &[&SpeedupBar]) -> Legend {
    let mut entries: Vec<_> = [Side::Gpu, Side::Cpu]
        .into_iter()
        .filter(|side| bars.iter().any(|bar| faster(bar) == *side))
        .map(|side| Entry::new(Sign::Square(theme::side(side)), format!("{} is faster", theme::side_name(side))))
        .collect();
    if bars.iter().any(|bar| interval(bar).is_some()) {
        entries.push(Entry::new(Sign::Whisker(theme::INK), "95 % interval"));
    }
    Legend::lay_out(canvas.fonts, entries, canvas.width, 1)
}
