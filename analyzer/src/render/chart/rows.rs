//! What horizontal bar charts share: rows that let the image grow, a gutter of names on the left, a rest that is counted.

use super::Fault;
use super::canvas::{Anchor, Canvas, Size};
use super::lettering::Fonts;
use super::scale::{Scale, Tick};
use super::theme;
use crate::units::{narrow, round_to_i64};

/// More rows are not drawn; a line below says so.
const MOST: usize = 60;
/// Rows are at least this high, so that their text is not crowded.
const LEAST_PITCH: f64 = 26.0;
/// Rows are at most this high, so that few bars are not blocks.
const LARGEST_PITCH: f64 = 46.0;
const LEAST_HEIGHT: f64 = 220.0;
const WIDEST_GUTTER: f64 = 440.0;
/// Pixels below the last row for numbers and the axis title.
pub(super) const FOOT: f64 = 66.0;

/// How many of `rows` rows are drawn.
pub(super) fn drawn(rows: usize) -> usize {
    rows.min(MOST)
}

/// What is said about rows that are not drawn.
pub(super) fn rest(rows: usize) -> Option<String> {
    (rows > MOST).then(|| format!("first {MOST} of {rows} rows"))
}

/// The image for `rows` rows below a head that ends at `top`: the common height, unless the rows need more or less.
pub(super) fn size(rows: usize, top: f64) -> Size {
    let rows = f64::from(narrow(drawn(rows)));
    let around = top + FOOT;
    let (least, most) = (around + rows * LEAST_PITCH, around + rows * LARGEST_PITCH);
    let height = f64::from(theme::HEIGHT).min(most).max(least).max(LEAST_HEIGHT);
    let height = u32::try_from(round_to_i64(height)).unwrap_or(theme::HEIGHT);
    Size { width: theme::WIDTH, height }
}

/// Where rows and names are.
pub(super) struct Rows {
    /// The left end of the bars; names end [`theme::GAP`] before it.
    pub(super) left: f64,
    /// The top of the first row.
    pub(super) top: f64,
    /// The bottom of the last row.
    pub(super) bottom: f64,
    /// From the middle of one row to the next.
    pub(super) pitch: f64,
}

impl Rows {
    /// Lays out rows with `labels` (already shortened) between `top` and the foot.
    pub(super) fn lay_out(canvas: &Canvas<'_>, labels: &[String], top: f64) -> Self {
        let widest = labels.iter().map(|label| canvas.fonts.width(label, theme::TEXT)).fold(0.0, f64::max);
        let bottom = canvas.height - FOOT;
        let pitch = ((bottom - top) / f64::from(narrow(labels.len()).max(1))).min(LARGEST_PITCH);
        let bottom = top + pitch * f64::from(narrow(labels.len()).max(1));
        Self { left: (theme::MARGIN + widest + theme::GAP + 4.0).round(), top, bottom, pitch }
    }

    /// The middle of row `index`.
    pub(super) fn middle(&self, index: usize) -> f64 {
        self.top + self.pitch * (f64::from(narrow(index)) + 0.5)
    }

    /// Half the thickness of a bar.
    pub(super) fn half(&self) -> f64 {
        (self.pitch * 0.32).round()
    }
}

/// Thin lines behind the bars with their numbers below, and what the length means.
pub(super) fn grid(canvas: &Canvas<'_>, rows: &Rows, scale: &Scale, ticks: &[Tick], title: &str) -> Result<(), Fault> {
    let mut free_from = f64::NEG_INFINITY;
    for tick in ticks {
        let x = scale.at(tick.value);
        canvas.down(x, rows.top, rows.bottom, 1.0, theme::GRID)?;
        let half = canvas.fonts.width(&tick.label, theme::TICK) / 2.0;
        if x - half >= free_from {
            free_from = x + half + theme::GAP;
            canvas.text((x, rows.bottom + 16.0), Anchor::Middle, &tick.label, theme::TICK)?;
        }
    }
    let title = canvas.fonts.shorten_end(title, theme::NOTE, canvas.width - theme::MARGIN - rows.left);
    canvas.text((rows.left, rows.bottom + 42.0), Anchor::Left, &title, theme::NOTE)
}

/// `label`, shortened in its middle to what the gutter holds.
pub(super) fn label(fonts: &Fonts, label: &str) -> String {
    fonts.shorten_middle(label, theme::TEXT, WIDEST_GUTTER)
}
