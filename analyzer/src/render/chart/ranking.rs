//! The largest first: horizontal bars in their categories' colours, names on the left, time and share at their ends.

use super::Fault;
use super::canvas::{Anchor, Canvas, Size};
use super::legend::{Entry, Legend, Sign};
use super::lettering::Fonts;
use super::plot::no_data;
use super::rows::{self, Rows};
use super::scale::{Scale, Unit, is_drawable};
use super::theme;
use crate::render::number;
use crate::report::model::Bar;
use crate::units::to_f64;

const LEGEND_LINES: u32 = 3;

/// The image that `bars` need.
pub(super) fn size(fonts: &Fonts, bars: &[Bar]) -> Size {
    rows::size(bars.len(), top(&legend(fonts, shown(bars))))
}

/// Draws the chart.
pub(super) fn draw(canvas: &Canvas<'_>, bars: &[Bar], axis: &str) -> Result<(), Fault> {
    let shown = shown(bars);
    if shown.is_empty() {
        return no_data(canvas);
    }
    let legend = legend(canvas.fonts, shown);
    legend.draw(canvas, theme::CONTENT_TOP)?;
    let labels: Vec<_> = shown.iter().map(|bar| rows::label(canvas.fonts, bar.label.raw())).collect();
    let rows = Rows::lay_out(canvas, &labels, top(&legend));
    let ends = Ends::of(canvas, shown);
    let longest = shown.iter().map(|bar| to_f64(bar.time.get())).fold(0.0, f64::max);
    let scale = Scale::linear((0.0, longest), (rows.left, canvas.width - theme::MARGIN - ends.width()));
    let unit = Unit::of_time(longest);
    let title = rows::rest(bars.len()).map_or_else(|| axis.to_owned(), |rest| format!("{axis}, {rest}"));
    rows::grid(canvas, &rows, &scale, &scale.ticks(unit, 6.0), &unit.title(&title))?;
    for (index, (bar, label)) in shown.iter().zip(&labels).enumerate() {
        let (y, half) = (rows.middle(index), rows.half());
        canvas.text((rows.left - theme::GAP, y), Anchor::Right, label, theme::TEXT)?;
        let end = scale.at(to_f64(bar.time.get()));
        canvas.fill((rows.left, y - half), (end, y + half), theme::category(bar.category))?;
        ends.draw(canvas, (end + theme::GAP, y), bar)?;
    }
    canvas.down(rows.left, rows.top, rows.bottom, 1.0, theme::AXIS)
}

fn shown(bars: &[Bar]) -> &[Bar] {
    bars.get(..rows::drawn(bars.len())).unwrap_or(bars)
}

/// The categories present, in the order of their first bars.
fn legend(fonts: &Fonts, bars: &[Bar]) -> Legend {
    let mut categories: Vec<&'static str> = Vec::new();
    for bar in bars {
        if !categories.contains(&bar.category) {
            categories.push(bar.category);
        }
    }
    let entries = categories.into_iter().map(|name| Entry::new(Sign::Square(theme::category(name)), name)).collect();
    Legend::lay_out(fonts, entries, f64::from(theme::WIDTH), LEGEND_LINES)
}

fn top(legend: &Legend) -> f64 {
    theme::CONTENT_TOP + legend.height + 14.0
}

/// The two numbers behind a bar: the time, then the share in a column of its own width.
struct Ends {
    time: f64,
    share: f64,
}

impl Ends {
    fn of(canvas: &Canvas<'_>, bars: &[Bar]) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = String>| {
            texts.map(|text| canvas.fonts.width(&text, theme::TEXT)).fold(0.0, f64::max)
        };
        let time = widest(&mut bars.iter().map(|bar| number::duration(bar.time)));
        let share = widest(&mut bars.iter().filter_map(share_text));
        Self { time, share }
    }

    fn width(&self) -> f64 {
        theme::GAP + self.time + if self.share > 0.0 { 12.0 + self.share } else { 0.0 }
    }

    fn draw(&self, canvas: &Canvas<'_>, (x, y): (f64, f64), bar: &Bar) -> Result<(), Fault> {
        let time = number::duration(bar.time);
        canvas.text((x, y), Anchor::Left, &time, theme::TEXT)?;
        let after = x + canvas.fonts.width(&time, theme::TEXT) + 12.0;
        match share_text(bar) {
            Some(share) => canvas.text((after, y), Anchor::Left, &share, theme::NOTE),
            None => Ok(()),
        }
    }
}

fn share_text(bar: &Bar) -> Option<String> {
    bar.share.filter(|share| is_drawable(*share)).map(number::share)
}
