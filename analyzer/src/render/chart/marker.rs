//! The small forms on a curve's points. A side has one colour, so two curves of one side differ by form.

use super::Fault;
use super::canvas::Canvas;
use plotters::style::RGBColor;

/// A form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Marker {
    /// The first curve of a side.
    Circle,
    /// The second.
    Square,
    /// The third.
    Triangle,
    /// The fourth, and all later ones.
    Diamond,
}

impl Marker {
    /// The form of the curve that comes after `before` others of its kind.
    pub(super) const fn of(before: usize) -> Self {
        match before {
            0 => Self::Circle,
            1 => Self::Square,
            2 => Self::Triangle,
            _ => Self::Diamond,
        }
    }

    /// Draws the form around `(x, y)`.
    pub(super) fn draw(self, canvas: &Canvas<'_>, (x, y): (f64, f64), color: RGBColor) -> Result<(), Fault> {
        match self {
            Self::Circle => canvas.dot((x, y), 4.5, color),
            Self::Square => canvas.fill((x - 4.0, y - 4.0), (x + 4.0, y + 4.0), color),
            Self::Triangle => canvas.polygon([(x - 5.5, y + 4.0), (x + 5.5, y + 4.0), (x, y - 6.0)], color),
            Self::Diamond => canvas.polygon([(x - 6.0, y), (x, y - 6.0), (x + 6.0, y), (x, y + 6.0)], color),
        }
    }
}
