//! Text as pixels: the embedded fonts, measuring, shortening, and which characters are drawn at all.
//!
//! Plotters' own text through `ab_glyph` puts every glyph on a whole pixel and drops its left side bearing, which
//! makes names hard to read; the outlines of the same crate are therefore placed here.

use super::Fault;
use crate::units::round_to_i64;
use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use plotters::style::RGBColor;

const REGULAR: &[u8] = include_bytes!("../../../data/fonts/Roboto-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../../data/fonts/Roboto-Bold.ttf");

/// Names are looked at up to this many characters from either end: more is never as narrow as a chart.
const LOOKED_AT: usize = 400;
const ELLIPSIS: &str = "…";

/// How heavy text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    /// Most text.
    Regular,
    /// Titles and values that stand out.
    Bold,
}

/// How text looks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Lettering {
    /// The size of the em square, in pixels.
    pub(super) size: f32,
    /// How heavy.
    pub(super) weight: Weight,
    /// The colour.
    pub(super) color: RGBColor,
}

impl Lettering {
    /// The same in another colour.
    pub(super) const fn in_color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }
}

/// The embedded fonts.
pub(super) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    /// The fonts of this build.
    ///
    /// # Errors
    /// [`Fault::Font`] where the embedded bytes are no font.
    pub(super) fn embedded() -> Result<Self, Fault> {
        Ok(Self { regular: FontRef::try_from_slice(REGULAR)?, bold: FontRef::try_from_slice(BOLD)? })
    }

    fn face(&self, weight: Weight) -> &FontRef<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The width of `text` in pixels.
    pub(super) fn width(&self, text: &str, style: Lettering) -> f64 {
        let (_, end) = self.lay_out(text, style, 1.0);
        f64::from(end)
    }

    /// The height of a digit in pixels.
    pub(super) fn digit_height(&self, style: Lettering) -> f64 {
        let face = self.face(style.weight);
        let digit = face.glyph_id('0').with_scale(scale(face, style.size));
        face.outline_glyph(digit).map_or(0.0, |outline| f64::from(outline.px_bounds().height()))
    }

    /// `text`, or its beginning and `…` where it is wider than `width` pixels.
    pub(super) fn shorten_end(&self, text: &str, style: Lettering, width: f64) -> String {
        self.shorten(text, style, width, |kept| (kept, 0))
    }

    /// `text`, or its beginning, `…` and its end where it is wider than `width` pixels: what tells two kernels of one
    /// template apart is often at the end.
    pub(super) fn shorten_middle(&self, text: &str, style: Lettering, width: f64) -> String {
        self.shorten(text, style, width, |kept| (kept - kept / 3, kept / 3))
    }

    /// Finds the largest number of characters that fits, split into head and tail by `split`.
    fn shorten(&self, text: &str, style: Lettering, width: f64, split: fn(usize) -> (usize, usize)) -> String {
        let length = text.chars().take(2 * LOOKED_AT + 1).count();
        if length <= 2 * LOOKED_AT && self.width(text, style) <= width {
            return text.to_owned();
        }
        let cut = |kept: usize| {
            let (head, tail) = split(kept);
            let mut short: String = text.chars().take(head).collect();
            short.truncate(short.trim_end().len());
            short.push_str(ELLIPSIS);
            let end: Vec<char> = text.chars().rev().take(tail).collect();
            short.extend(end.iter().rev().skip_while(|letter| letter.is_whitespace()));
            short
        };
        let (mut fits, mut too_many) = (0, length.min(LOOKED_AT));
        while fits + 1 < too_many {
            let kept = usize::midpoint(fits, too_many);
            if self.width(&cut(kept), style) <= width {
                fits = kept;
            } else {
                too_many = kept;
            }
        }
        cut(fits)
    }

    /// Gives `pixel` every touched pixel of `text` and how much of it is covered (0..1), relative to the left end of the
    /// base line, magnified `zoom` times.
    pub(super) fn rasterise(
        &self,
        text: &str,
        style: Lettering,
        zoom: f32,
        mut pixel: impl FnMut(i64, i64, f32) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let face = self.face(style.weight);
        let (glyphs, _) = self.lay_out(text, style, zoom);
        for outline in glyphs.into_iter().filter_map(|glyph| face.outline_glyph(glyph)) {
            let corner = outline.px_bounds().min;
            let (left, top) = (round_to_i64(f64::from(corner.x)), round_to_i64(f64::from(corner.y)));
            let mut result = Ok(());
            outline.draw(|x, y, cover| {
                if result.is_ok() && cover > 0.0 {
                    result = pixel(left + i64::from(x), top + i64::from(y), cover.min(1.0));
                }
            });
            result?;
        }
        Ok(())
    }

    /// The glyphs of `text` side by side from (0, 0) on, and where the next would stand.
    fn lay_out(&self, text: &str, style: Lettering, zoom: f32) -> (Vec<Glyph>, f32) {
        let face = self.face(style.weight);
        let size = scale(face, style.size * zoom);
        let scaled = face.as_scaled(size);
        let mut pen = 0.0;
        let mut before = None;
        let mut glyphs = Vec::with_capacity(text.len());
        for letter in text.chars() {
            let id = face.glyph_id(drawn_as(face, letter));
            pen += before.map_or(0.0, |before| scaled.kern(before, id));
            glyphs.push(id.with_scale_and_position(size, point(pen, 0.0)));
            pen += scaled.h_advance(id);
            before = Some(id);
        }
        (glyphs, pen)
    }
}

/// `ab_glyph` counts the height from descender to ascender; type sizes count the em square.
fn scale(face: &FontRef<'static>, em: f32) -> PxScale {
    PxScale::from(em * face.height_unscaled() / face.units_per_em().unwrap_or(2048.0))
}

/// The character that stands for `letter`: itself, a space for any white space on a line, `?` for what could hide or
/// turn its neighbours around, or is not in the font.
fn drawn_as(face: &FontRef<'static>, letter: char) -> char {
    if letter.is_ascii_graphic() || letter == ' ' {
        letter
    } else if letter.is_control() || is_invisible(letter) || is_right_to_left(letter) {
        '?'
    } else if letter.is_whitespace() {
        ' '
    } else if face.glyph_id(letter).0 == 0 {
        '?'
    } else {
        letter
    }
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

const fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::chart::theme::TEXT;

    #[test]
    fn shortened_names_fit() {
        let fonts = Fonts::embedded().unwrap();
        let long = "void at::native::vectorized_elementwise_kernel<4, CUDAFunctor_add<float>>(int, float)".repeat(60);
        for width in [0.0, 40.0, 200.0, 380.0] {
            let middle = fonts.shorten_middle(&long, TEXT, width);
            assert!(middle.contains('…') && fonts.width(&middle, TEXT) <= width.max(fonts.width("…", TEXT)));
        }
        assert!(fonts.shorten_middle(&long, TEXT, 380.0).ends_with("float)"));
        assert_eq!(fonts.shorten_end("aten::add", TEXT, 380.0), "aten::add");
        assert_eq!(fonts.shorten_end("", TEXT, 10.0), "");
        assert!(fonts.shorten_end("aten::add", TEXT, 50.0).starts_with("at"));
    }

    #[test]
    fn what_could_mislead_is_a_question_mark() {
        let face = Fonts::embedded().unwrap().regular;
        for hidden in ['\0', '\n', '\t', '\u{1b}', '\u{202e}', '\u{200b}', 'ש', 'ع', '漢', '\u{301}'] {
            assert_eq!(drawn_as(&face, hidden), '?', "{hidden:?}");
        }
        for kept in ['a', 'é', 'ß', 'µ', 'Ж', 'λ', '…', ' '] {
            assert_eq!(drawn_as(&face, kept), kept);
        }
        assert_eq!(drawn_as(&face, '\u{a0}'), ' ');
    }
}
