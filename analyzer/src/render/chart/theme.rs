//! How every chart looks: colours, type sizes, distances. A colour means one thing in all charts.

use super::lettering::{Lettering, Weight};
use crate::report::model::Side;
use plotters::style::RGBColor;

/// The width of most charts, in pixels.
pub(super) const WIDTH: u32 = 1200;
/// The height of most charts; rankings and speedups grow with their rows.
pub(super) const HEIGHT: u32 = 640;
/// The size of a pie.
pub(super) const PIE_SIZE: (u32, u32) = (1000, 560);

/// White space at the edges of the image.
pub(super) const MARGIN: f64 = 36.0;
/// The middle of the title's line.
pub(super) const TITLE_Y: f64 = 40.0;
/// Where a chart may begin below its title.
pub(super) const CONTENT_TOP: f64 = 66.0;
/// The height of a line of text.
pub(super) const LINE: f64 = 26.0;
/// The distance of a label from what it labels.
pub(super) const GAP: f64 = 8.0;

/// The ground of every chart.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text that is read first.
pub(super) const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
/// Text that explains: axes, units, notes.
pub(super) const MUTED: RGBColor = RGBColor(0x5c, 0x64, 0x6e);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xe6, 0xe9, 0xed);
/// Axis lines.
pub(super) const AXIS: RGBColor = RGBColor(0xa9, 0xb1, 0xba);
/// Where steps begin.
pub(super) const STEP: RGBColor = RGBColor(0xbf, 0xc6, 0xce);
/// Memory in use: neither side's colour, since either may own it.
pub(super) const ALLOCATED: RGBColor = RGBColor(0x6a, 0x51, 0xa3);
/// The ground below the line of memory in use.
pub(super) const ALLOCATED_GROUND: RGBColor = RGBColor(0xec, 0xe8, 0xf4);
/// Memory held by the caching allocator.
pub(super) const RESERVED: RGBColor = RGBColor(0x8a, 0x93, 0x9e);
/// The ground below the line of the device's utilisation: [`side`]'s colour for the device, lightened.
pub(super) const BUSY_GROUND: RGBColor = RGBColor(0xfa, 0xdf, 0xc1);

/// The title.
pub(super) const TITLE: Lettering = Lettering { size: 25.0, weight: Weight::Bold, color: INK };
/// Names and values.
pub(super) const TEXT: Lettering = Lettering { size: 16.0, weight: Weight::Regular, color: INK };
/// Values that stand out.
pub(super) const STRONG: Lettering = Lettering { size: 16.0, weight: Weight::Bold, color: INK };
/// Axis titles and notes.
pub(super) const NOTE: Lettering = Lettering { size: 16.0, weight: Weight::Regular, color: MUTED };
/// Numbers along the axes.
pub(super) const TICK: Lettering = Lettering { size: 15.0, weight: Weight::Regular, color: MUTED };
/// Values above bars.
pub(super) const VALUE: Lettering = Lettering { size: 15.0, weight: Weight::Regular, color: INK };
/// Values above narrow bars, the smallest text that is drawn.
pub(super) const SMALL_VALUE: Lettering = Lettering { size: 13.0, weight: Weight::Regular, color: INK };

/// The colour of every category (METRICS 4) and of every role of the step partition. Equal words and pairs that mean
/// the same piece of time (a copy, the data loader) share a colour; all others differ.
pub(super) const CATEGORY_COLORS: &[(&str, RGBColor)] = &[
    ("Convolution", RGBColor(0x4e, 0x79, 0xa7)),
    ("GEMM", RGBColor(0xf2, 0x8e, 0x2b)),
    ("Normalization", RGBColor(0x59, 0xa1, 0x4f)),
    ("RNN", RGBColor(0x8c, 0xd1, 0x7d)),
    ("Attention", RGBColor(0xe1, 0x57, 0x59)),
    ("Activation/Elementwise", RGBColor(0xed, 0xc9, 0x48)),
    ("Pooling", RGBColor(0x86, 0xd0, 0xc8)),
    ("Reduction", RGBColor(0xa0, 0x6c, 0xb4)),
    ("Loss/Softmax", RGBColor(0xff, 0x9d, 0xa7)),
    ("Optimizer", RGBColor(0x9c, 0x75, 0x5f)),
    ("Embedding/Indexing", RGBColor(0x2f, 0x86, 0x82)),
    ("Memory copy", RGBColor(0x9a, 0xc6, 0xe6)),
    ("Layout conversion", RGBColor(0xd7, 0xb5, 0xdd)),
    ("Communication", RGBColor(0xc2, 0x4f, 0x8a)),
    ("Data loading", RGBColor(0xa8, 0x8f, 0x2a)),
    ("Framework", RGBColor(0x79, 0x80, 0x8a)),
    ("Other", OTHER),
    ("Kernel", RGBColor(0x3d, 0x7a, 0x4a)),
    ("Memcpy", RGBColor(0x9a, 0xc6, 0xe6)),
    ("Memset", RGBColor(0xc9, 0xa8, 0x8f)),
    ("Runtime", RGBColor(0x5b, 0x5f, 0xa8)),
    ("DataLoader", RGBColor(0xa8, 0x8f, 0x2a)),
    ("CPU exec", RGBColor(0x1f, 0x4e, 0x79)),
    ("Idle", RGBColor(0xd9, 0xdd, 0xe2)),
];

const OTHER: RGBColor = RGBColor(0xb9, 0xbf, 0xc7);
/// The slices that a pie folds into one.
pub(super) const FOLDED: RGBColor = RGBColor(0xe4, 0xe7, 0xeb);

/// The colour of `category`, the same in every chart; a category unknown here has the colour of "Other".
pub(super) fn category(category: &str) -> RGBColor {
    CATEGORY_COLORS.iter().find(|(name, _)| *name == category).map_or(OTHER, |(_, color)| *color)
}

/// The colour of `side`, the same in every chart.
pub(super) const fn side(side: Side) -> RGBColor {
    match side {
        Side::Cpu => RGBColor(0x3b, 0x6f, 0xb0),
        Side::Gpu => RGBColor(0xe5, 0x83, 0x1f),
    }
}

/// The GPU's colour by variant, so that variants are told apart and keep their colour from chart to chart.
const VARIANT_COLORS: &[(&str, RGBColor)] = &[
    ("", RGBColor(0xe5, 0x83, 0x1f)),
    ("tf32", RGBColor(0x2e, 0x8b, 0x57)),
    ("bf16", RGBColor(0x8e, 0x44, 0xad)),
    ("channels_last", RGBColor(0xa0, 0x52, 0x2d)),
    ("tf32-channels_last", RGBColor(0x7b, 0xc9, 0x6f)),
    ("bf16-channels_last", RGBColor(0xd9, 0x8f, 0xe0)),
];

/// The colour of a line of `side` in `variant`: the side's own for the plain one, and for a variant that has none here.
pub(super) fn variant(side: Side, variant: &str) -> RGBColor {
    match side {
        Side::Cpu => self::side(side),
        Side::Gpu => {
            let known = VARIANT_COLORS.iter().find(|(name, _)| *name == variant);
            known.map_or(self::side(side), |(_, color)| *color)
        }
    }
}

/// The word for `side`.
pub(super) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Cpu => "CPU",
        Side::Gpu => "GPU",
    }
}

/// Black or white, whichever is read better on `ground` (relative luminance, coarse).
pub(super) fn ink_on(ground: RGBColor) -> RGBColor {
    let RGBColor(red, green, blue) = ground;
    let light = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if light > 150_000 { INK } else { PAPER }
}
