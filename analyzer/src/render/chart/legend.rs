//! The line below a title that says what the colours mean.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::lettering::Fonts;
use super::marker::Marker;
use super::theme;
use plotters::style::RGBColor;

const MARK_WIDTH: f64 = 14.0;
const LINE_WIDTH: f64 = 34.0;
const ENTRY_GAP: f64 = 24.0;
/// No entry is wider than this.
const WIDEST: f64 = 520.0;

/// What stands before an entry's words.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Sign {
    /// A filled square.
    Square(RGBColor),
    /// A stretch of line, so thick.
    Line(RGBColor, f64),
    /// A stretch of line with a marker, solid or dashed.
    Curve(RGBColor, Marker, bool),
    /// A stretch of line alone, solid or dashed.
    Stroke(RGBColor, bool),
    /// The two ends of an interval.
    Whisker(RGBColor),
    /// Nothing: a note.
    None,
}

impl Sign {
    const fn width(self) -> f64 {
        match self {
            Self::Square(_) => MARK_WIDTH + theme::GAP,
            Self::Line(..) | Self::Whisker(_) | Self::Curve(..) | Self::Stroke(..) => LINE_WIDTH + theme::GAP,
            Self::None => 0.0,
        }
    }
}

/// One entry.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Entry {
    /// The colour and form.
    pub(super) sign: Sign,
    /// Its meaning.
    pub(super) text: String,
}

impl Entry {
    /// An entry with `sign` before `text`.
    pub(super) fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into() }
    }
}

/// A legend laid out in lines between the margins.
pub(super) struct Legend {
    placed: Vec<(f64, f64, Entry)>,
    /// Pixels from its top to its bottom; 0 without entries.
    pub(super) height: f64,
}

impl Legend {
    /// Lays `entries` out in order, at most `lines` lines of them on a chart `width` pixels wide; the last line says how
    /// many more there are.
    pub(super) fn lay_out(fonts: &Fonts, entries: Vec<Entry>, width: f64, lines: u32) -> Self {
        let right = width - theme::MARGIN;
        let all = entries.len();
        let (mut x, mut line) = (theme::MARGIN, 0u32);
        let mut placed: Vec<(f64, f64, Entry)> = Vec::with_capacity(all);
        for mut entry in entries {
            entry.text = fonts.shorten_end(&entry.text, theme::TEXT, WIDEST);
            let mut needed = entry.sign.width() + fonts.width(&entry.text, theme::TEXT);
            // The last line keeps room for the words that count the rest.
            let end = if line + 1 >= lines && placed.len() + 1 < all { right - 90.0 } else { right };
            if x > theme::MARGIN && x + needed > end {
                if line + 1 >= lines {
                    entry = Entry::new(Sign::None, format!("{} more", all - placed.len()));
                    needed = 0.0;
                } else {
                    line += 1;
                    x = theme::MARGIN;
                }
            }
            let is_rest = needed == 0.0 && entry.sign == Sign::None;
            placed.push((x, theme::LINE * (f64::from(line) + 0.5), entry));
            x += needed + ENTRY_GAP;
            if is_rest {
                break;
            }
        }
        let height = if placed.is_empty() { 0.0 } else { theme::LINE * f64::from(line + 1) };
        Self { placed, height }
    }

    /// Draws it with its top at `top`.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, top: f64) -> Result<(), Fault> {
        for (x, y, entry) in &self.placed {
            let (x, y) = (*x, top + y);
            let half = MARK_WIDTH / 2.0;
            match entry.sign {
                Sign::Square(color) => canvas.fill((x, y - half), (x + MARK_WIDTH, y + half), color)?,
                Sign::Whisker(color) => {
                    canvas.across(x, x + LINE_WIDTH, y, 2.0, color)?;
                    canvas.down(x + 1.0, y - 5.0, y + 5.0, 2.0, color)?;
                    canvas.down(x + LINE_WIDTH - 1.0, y - 5.0, y + 5.0, 2.0, color)?;
                }
                Sign::Line(color, thick) => canvas.across(x, x + LINE_WIDTH, y, thick, color)?,
                Sign::Stroke(color, true) => canvas.across_dashed(x, x + LINE_WIDTH, y, 2.0, color)?,
                Sign::Stroke(color, false) => canvas.across(x, x + LINE_WIDTH, y, 2.0, color)?,
                Sign::Curve(color, marker, dashed) => {
                    if dashed {
                        canvas.across_dashed(x, x + LINE_WIDTH, y, 2.0, color)?;
                    } else {
                        canvas.across(x, x + LINE_WIDTH, y, 2.0, color)?;
                    }
                    marker.draw(canvas, (x + LINE_WIDTH / 2.0, y), color)?;
                }
                Sign::None => {}
            }
            let style = if entry.sign == Sign::None { theme::NOTE } else { theme::TEXT };
            canvas.text((x + entry.sign.width(), y), Anchor::Left, &entry.text, style)?;
        }
        Ok(())
    }
}
