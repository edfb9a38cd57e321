//! CPU beside GPU: two bars per group, their values above them, "not recorded" where a side is missing.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::legend::{Entry, Legend, Sign};
use super::lettering::Lettering;
use super::plot::{Plot, height_title, no_data};
use super::scale::{Scale, Unit, extent, needs_log};
use super::theme;
use crate::render::number;
use crate::report::model::{Group, Side};
use crate::units::{Nanoseconds, narrow, to_f64};

/// More groups are not drawn; the axis title says so.
const MOST: usize = 48;
const WIDEST_BAR: f64 = 92.0;
/// Pixels for a name below a group that has room for more.
const WIDEST_NAME: f64 = 420.0;
/// Pixels for names below the plot when they run upwards.
const UPRIGHT_NAMES: f64 = 150.0;
/// The narrowest bar that still has a value above it.
const NARROWEST_LABELLED: f64 = 17.0;

/// Draws the chart.
pub(super) fn draw(canvas: &Canvas<'_>, groups: &[Group], axis: &str) -> Result<(), Fault> {
    let shown = groups.get(..groups.len().min(MOST)).unwrap_or(groups);
    if shown.is_empty() {
        return no_data(canvas);
    }
    let log = needs_log(values(shown));
    let (least, largest) = extent(values(shown).filter(|value| *value > 0.0)).unwrap_or((1.0, 1.0));
    let unit = Unit::of_time(largest);
    let range = if log { (10f64.powf(least.log10().floor()), largest) } else { (0.0, largest) };
    let legend = legend(canvas, shown);
    legend.draw(canvas, theme::CONTENT_TOP)?;
    height_title(canvas, theme::CONTENT_TOP + legend.height + 16.0, &axis_title(groups.len(), axis, unit, log))?;

    let top = theme::CONTENT_TOP + legend.height + 42.0;
    let expected = expected_columns(canvas, shown);
    let names = Names::choose(canvas, shown, expected.pitch);
    let labels = Labels::choose(canvas, shown, expected.bar);
    let bottom = canvas.height - names.foot;
    let pixels = (bottom, top + labels.head);
    let scale = if log { Scale::log(range, pixels) } else { Scale::linear(range, pixels) }.continued_to(top);
    let ticks = scale.ticks(unit, 6.0);
    let plot = Plot { bottom, ..Plot::beside(canvas, &ticks, top) };
    let columns = Columns::of(plot.right - plot.left, plot.left, shown.len());
    plot.horizontal_grid(canvas, &scale, &ticks)?;
    for (index, group) in shown.iter().enumerate() {
        let middle = columns.middle(index);
        let sides = [(-0.5, Side::Cpu, group.cpu), (0.5, Side::Gpu, group.gpu)];
        for (bars_away, side, value) in sides {
            bar(canvas, (middle + bars_away * columns.bar, columns.bar), (&scale, &labels), side, value)?;
        }
        names.draw(canvas, (middle, bottom), columns.pitch, &group.label)?;
    }
    canvas.across(plot.left, plot.right, bottom, 1.0, theme::AXIS)
}

fn values(groups: &[Group]) -> impl Iterator<Item = f64> {
    groups.iter().flat_map(|group| [group.cpu, group.gpu]).flatten().map(|time| to_f64(time.get()))
}

fn axis_title(groups: usize, axis: &str, unit: Unit, log: bool) -> String {
    let title = if log { format!("{axis} (log scale)") } else { unit.title(axis) };
    if groups > MOST { format!("{title}, first {MOST} of {groups} groups") } else { title }
}

fn legend(canvas: &Canvas<'_>, groups: &[Group]) -> Legend {
    let mut entries: Vec<_> = [Side::Cpu, Side::Gpu]
        .into_iter()
        .map(|side| Entry::new(Sign::Square(theme::side(side)), theme::side_name(side)))
        .collect();
    let has_gaps = groups.iter().any(|group| group.cpu.is_none() || group.gpu.is_none());
    if has_gaps && Labels::choose(canvas, groups, expected_columns(canvas, groups).bar).form == Form::Absent {
        entries.push(Entry::new(Sign::None, "no bar: not recorded"));
    }
    Legend::lay_out(canvas.fonts, entries, canvas.width, 1)
}

/// The columns beside numbers of a usual width: text is chosen before the axis that it makes room for.
fn expected_columns(canvas: &Canvas<'_>, groups: &[Group]) -> Columns {
    Columns::of(canvas.width - 3.4 * theme::MARGIN, 0.0, groups.len())
}

/// One bar with its value, or the words that it is missing. `place` is the bar's middle and width.
fn bar(
    canvas: &Canvas<'_>,
    (x, width): (f64, f64),
    (scale, labels): (&Scale, &Labels),
    side: Side,
    value: Option<Nanoseconds>,
) -> Result<(), Fault> {
    let (bottom, _) = scale.pixels();
    let Some(value) = value else {
        return labels.missing(canvas, (x, bottom));
    };
    let end = if value > Nanoseconds::ZERO { scale.at(to_f64(value.get())) } else { bottom };
    if scale.is_log() {
        // On a log axis only positions compare, not lengths: a point on a stem.
        canvas.down(x, end, bottom, 2.0, theme::side(side))?;
        canvas.dot((x, end), (width * 0.3).clamp(2.0, 9.0), theme::side(side))?;
        return labels.value(canvas, (x, end - 6.0), &number::duration(value));
    }
    let half = (width * 0.46).max(0.5);
    canvas.fill((x - half, end), (x + half, bottom), theme::side(side))?;
    labels.value(canvas, (x, end), &number::duration(value))
}

/// Where groups and bars are.
struct Columns {
    left: f64,
    pitch: f64,
    bar: f64,
}

impl Columns {
    fn of(width: f64, left: f64, groups: usize) -> Self {
        let pitch = width / f64::from(narrow(groups).max(1));
        Self { left, pitch, bar: (pitch * 0.43).min(WIDEST_BAR) }
    }

    fn middle(&self, index: usize) -> f64 {
        self.left + self.pitch * (f64::from(narrow(index)) + 0.5)
    }
}

/// How values stand above bars: lying where all fit, upright where bars are narrow, absent where they are thin.
struct Labels {
    form: Form,
    style: Lettering,
    /// Pixels that they need above the highest bar.
    head: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lying,
    Upright,
    Absent,
}

impl Labels {
    fn choose(canvas: &Canvas<'_>, groups: &[Group], bar: f64) -> Self {
        let texts: Vec<_> =
            groups.iter().flat_map(|group| [group.cpu, group.gpu]).flatten().map(number::duration).collect();
        let widest = |style| texts.iter().map(|text| canvas.fonts.width(text, style)).fold(0.0, f64::max);
        let lying = |style| Self { form: Form::Lying, style, head: 26.0 };
        if widest(theme::VALUE) <= bar - 3.0 {
            lying(theme::VALUE)
        } else if widest(theme::SMALL_VALUE) <= bar - 2.0 {
            lying(theme::SMALL_VALUE)
        } else if bar >= NARROWEST_LABELLED {
            Self { form: Form::Upright, style: theme::VALUE, head: widest(theme::VALUE) + 14.0 }
        } else {
            Self { form: Form::Absent, style: theme::SMALL_VALUE, head: 8.0 }
        }
    }

    fn value(&self, canvas: &Canvas<'_>, (x, top): (f64, f64), text: &str) -> Result<(), Fault> {
        match self.form {
            Form::Lying => canvas.text((x, top - 12.0), Anchor::Middle, text, self.style),
            Form::Upright => canvas.text_upwards((x, top - 6.0), Anchor::Left, text, self.style),
            Form::Absent => Ok(()),
        }
    }

    fn missing(&self, canvas: &Canvas<'_>, (x, bottom): (f64, f64)) -> Result<(), Fault> {
        let style = self.style.in_color(theme::MUTED);
        match self.form {
            Form::Lying => {
                canvas.text((x, bottom - 31.0), Anchor::Middle, "not", style)?;
                canvas.text((x, bottom - 13.0), Anchor::Middle, "recorded", style)
            }
            Form::Upright => canvas.text_upwards((x, bottom - 8.0), Anchor::Left, "not recorded", style),
            Form::Absent => Ok(()),
        }
    }
}

/// How groups are named: side by side where all names fit, else running upwards.
struct Names {
    upright: bool,
    foot: f64,
}

impl Names {
    fn choose(canvas: &Canvas<'_>, groups: &[Group], pitch: f64) -> Self {
        let widest = groups
            .iter()
            .map(|group| canvas.fonts.shorten_middle(&group.label, theme::TEXT, UPRIGHT_NAMES))
            .map(|label| canvas.fonts.width(&label, theme::TEXT))
            .fold(0.0, f64::max);
        // Few groups have room enough to cut their names instead of turning them.
        if widest <= pitch - 10.0 || pitch > UPRIGHT_NAMES {
            Self { upright: false, foot: 48.0 }
        } else {
            Self { upright: true, foot: widest + 30.0 }
        }
    }

    fn draw(&self, canvas: &Canvas<'_>, (x, bottom): (f64, f64), pitch: f64, name: &str) -> Result<(), Fault> {
        if self.upright {
            let name = canvas.fonts.shorten_middle(name, theme::TEXT, UPRIGHT_NAMES);
            canvas.text_upwards((x, bottom + 10.0), Anchor::Right, &name, theme::TEXT)
        } else {
            let name = canvas.fonts.shorten_middle(name, theme::TEXT, (pitch - 10.0).min(WIDEST_NAME));
            canvas.text((x, bottom + 20.0), Anchor::Middle, &name, theme::TEXT)
        }
    }
}
