//! What the charts draw with: rectangles, lines, dots, polygons and text in pixels, on a plotters drawing area.
//!
//! The area is [`ZOOM`] times as large as the image and is averaged down at the end, which smooths every edge alike;
//! plotters itself smooths only some.

use super::Fault;
use super::lettering::{Fonts, Lettering};
use super::theme;
use crate::units::round_to_i64;
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, Circle, Color, DrawingArea, IntoDrawingArea, PathElement, Polygon, Rectangle};
use plotters::style::RGBColor;

/// How many times finer the drawing area is than the image, along each side.
const ZOOM: u16 = 3;
const ZOOM_USIZE: usize = ZOOM as usize;

/// A width and a height in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Size {
    /// Pixels across.
    pub(super) width: u32,
    /// Pixels down.
    pub(super) height: u32,
}

/// Which point of a text is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Anchor {
    /// The left end.
    Left,
    /// The middle.
    Middle,
    /// The right end.
    Right,
}

/// The pixels of an image, before and after averaging: 8-bit red, green, blue, row by row.
pub(super) struct Pixels {
    size: Size,
    fine: Vec<u8>,
}

impl Pixels {
    /// A white image of `size`.
    pub(super) fn white(size: Size) -> Self {
        let pixels = usize_of(size.width) * usize_of(size.height) * ZOOM_USIZE * ZOOM_USIZE;
        Self { size, fine: vec![u8::MAX; 3 * pixels] }
    }

    /// A canvas over these pixels.
    pub(super) fn canvas<'a>(&'a mut self, fonts: &'a Fonts) -> Canvas<'a> {
        let size = self.size;
        let fine = (size.width * u32::from(ZOOM), size.height * u32::from(ZOOM));
        let area = BitMapBackend::with_buffer(&mut self.fine, fine).into_drawing_area();
        Canvas { area, fonts, width: f64::from(size.width), height: f64::from(size.height) }
    }

    /// The image: every pixel the mean of its square of fine pixels.
    pub(super) fn averaged(&self) -> Vec<u8> {
        const SAMPLES: u16 = ZOOM * ZOOM;
        let row_bytes = 3 * usize_of(self.size.width);
        let mut image = Vec::with_capacity(row_bytes * usize_of(self.size.height));
        let mut sums = vec![0u16; row_bytes];
        for rows in self.fine.chunks_exact(ZOOM_USIZE * ZOOM_USIZE * row_bytes) {
            sums.fill(SAMPLES / 2);
            for row in rows.chunks_exact(ZOOM_USIZE * row_bytes) {
                for (sum, square) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * ZOOM_USIZE)) {
                    for pixel in square.chunks_exact(3) {
                        sum.iter_mut().zip(pixel).for_each(|(sum, channel)| *sum += u16::from(*channel));
                    }
                }
            }
            image.extend(sums.iter().map(|sum| u8::try_from(sum / SAMPLES).unwrap_or(u8::MAX)));
        }
        image
    }
}

/// A surface to draw on. Coordinates are pixels of the final image from its upper left corner; what lies outside is
/// not drawn.
pub(super) struct Canvas<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
    /// The fonts, to measure with.
    pub(super) fonts: &'a Fonts,
    /// Pixels across.
    pub(super) width: f64,
    /// Pixels down.
    pub(super) height: f64,
}

impl Canvas<'_> {
    /// Fills the rectangle between two corners.
    pub(super) fn fill(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Result<(), Fault> {
        let ((left, top), (right, bottom)) = (fine(from), fine(to));
        if left != right && top != bottom {
            self.area.draw(&Rectangle::new([(left, top), (right, bottom)], color.filled()))?;
        }
        Ok(())
    }

    /// A horizontal line `thick` pixels thick around `y`, on whole pixels.
    pub(super) fn across(&self, from: f64, to: f64, y: f64, thick: f64, color: RGBColor) -> Result<(), Fault> {
        let top = (y - thick / 2.0).round();
        self.fill((from, top), (to, top + thick), color)
    }

    /// A vertical line `thick` pixels thick around `x`, on whole pixels.
    pub(super) fn down(&self, x: f64, from: f64, to: f64, thick: f64, color: RGBColor) -> Result<(), Fault> {
        let left = (x - thick / 2.0).round();
        self.fill((left, from), (left + thick, to), color)
    }

    /// A dashed horizontal line.
    pub(super) fn across_dashed(&self, from: f64, to: f64, y: f64, thick: f64, color: RGBColor) -> Result<(), Fault> {
        let mut start = from;
        while start < to {
            self.across(start, (start + 7.0).min(to), y, thick, color)?;
            start += 12.0;
        }
        Ok(())
    }

    /// A straight line with round ends.
    pub(super) fn line(&self, from: (f64, f64), to: (f64, f64), thick: f64, color: RGBColor) -> Result<(), Fault> {
        let stroke = u32::try_from(round_to_i64(thick * f64::from(ZOOM))).unwrap_or(1);
        self.area.draw(&PathElement::new([fine(from), fine(to)], color.stroke_width(stroke)))?;
        self.dot(from, thick / 2.0, color)?;
        self.dot(to, thick / 2.0, color)
    }

    /// A filled circle.
    pub(super) fn dot(&self, middle: (f64, f64), radius: f64, color: RGBColor) -> Result<(), Fault> {
        let radius = u32::try_from(round_to_i64(radius * f64::from(ZOOM))).unwrap_or(0);
        Ok(self.area.draw(&Circle::new(fine(middle), radius, color.filled()))?)
    }

    /// A filled polygon.
    pub(super) fn polygon(&self, corners: impl IntoIterator<Item = (f64, f64)>, color: RGBColor) -> Result<(), Fault> {
        let corners: Vec<_> = corners.into_iter().map(fine).collect();
        Ok(self.area.draw(&Polygon::new(corners, color.filled()))?)
    }

    /// A line of text whose digits are centred on `y`.
    pub(super) fn text(&self, (x, y): (f64, f64), anchor: Anchor, text: &str, style: Lettering) -> Result<(), Fault> {
        let start = self.start(x, anchor, text, style);
        let (left, base) = fine((start, y + self.fonts.digit_height(style) / 2.0));
        self.letters(text, style, |x, y| (left + x, base + y))
    }

    /// A line of text that runs upwards, whose digits are centred on `x`; `anchor` is where on the line `y` is.
    pub(super) fn text_upwards(
        &self,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
        style: Lettering,
    ) -> Result<(), Fault> {
        let start = -self.start(-y, anchor, text, style);
        let (base, bottom) = fine((x + self.fonts.digit_height(style) / 2.0, start));
        self.letters(text, style, |x, y| (base + y, bottom - x))
    }

    fn start(&self, x: f64, anchor: Anchor, text: &str, style: Lettering) -> f64 {
        match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - self.fonts.width(text, style) / 2.0,
            Anchor::Right => x - self.fonts.width(text, style),
        }
    }

    fn letters(&self, text: &str, style: Lettering, place: impl Fn(i32, i32) -> (i32, i32)) -> Result<(), Fault> {
        self.fonts.rasterise(text, style, f32::from(ZOOM), |x, y, cover| {
            let pixel = place(i32::try_from(x).unwrap_or(i32::MIN / 2), i32::try_from(y).unwrap_or(i32::MIN / 2));
            Ok(self.area.draw_pixel(pixel, &style.color.mix(f64::from(cover)))?)
        })
    }
}

/// A place of the image on the fine grid; places far outside stay outside.
fn fine((x, y): (f64, f64)) -> (i32, i32) {
    let on_grid = |place: f64| {
        let place = round_to_i64(place * f64::from(ZOOM)).clamp(-100_000, 100_000);
        i32::try_from(place).unwrap_or_default()
    };
    (on_grid(x), on_grid(y))
}

/// Draws the title, which is on the same place in every chart.
pub(super) fn title(canvas: &Canvas<'_>, title: &str) -> Result<(), Fault> {
    let title = canvas.fonts.shorten_end(title, theme::TITLE, canvas.width - 2.0 * theme::MARGIN);
    canvas.text((theme::MARGIN, theme::TITLE_Y), Anchor::Left, &title, theme::TITLE)
}

fn usize_of(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}
