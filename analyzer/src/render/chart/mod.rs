//! Charts: a [`Figure`] becomes a PNG file. One file per kind of chart; what they share is in the files of this list.
//!
//! The same figure gives the same bytes: fonts are embedded, filter and compression are fixed, nothing is dated.

mod canvas;
mod curves;
mod grouped;
mod legend;
mod lettering;
mod marker;
mod memory;
mod pie;
mod plot;
mod ranking;
mod rows;
mod scale;
mod speedups;
mod theme;
mod utilisation;

use crate::report::model::{Chart, Figure};
use canvas::{Canvas, Pixels, Size};
use lettering::Fonts;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{BitMapBackend, DrawingBackend};
use thiserror::Error;

/// A chart could not be made. It is a fault of the program, never of the data.
#[derive(Debug, Error)]
#[error("the chart {file}.png cannot be drawn; report this with the input, every other part of the report is complete")]
pub struct ChartError {
    file: String,
    source: Fault,
}

/// Which part of the drawing failed.
#[derive(Debug, Error)]
enum Fault {
    #[error("the embedded font is damaged; build the program again")]
    Font(#[from] ab_glyph::InvalidFont),
    #[error("the drawing library refused a shape")]
    Draw(#[from] DrawingAreaErrorKind<<BitMapBackend<'static> as DrawingBackend>::ErrorType>),
    #[error("the image cannot be encoded")]
    Encode(#[from] png::EncodingError),
}

/// `figure` as a complete PNG file. Values that are not finite are left out; a figure without data says so.
///
/// # Errors
/// [`ChartError`] where the drawing library fails, which no data should bring about.
pub fn draw(figure: &Figure) -> Result<Vec<u8>, ChartError> {
    image(figure).map_err(|source| ChartError { file: figure.file.clone(), source })
}

fn image(figure: &Figure) -> Result<Vec<u8>, Fault> {
    let fonts = Fonts::embedded()?;
    let size = size(&fonts, &figure.chart);
    let mut pixels = Pixels::white(size);
    let canvas = pixels.canvas(&fonts);
    canvas::title(&canvas, &figure.title)?;
    chart(&canvas, &figure.chart)?;
    drop(canvas);
    encode(size, &pixels.averaged())
}

fn size(fonts: &Fonts, chart: &Chart) -> Size {
    match chart {
        Chart::Pie { .. } => Size { width: theme::PIE_SIZE.0, height: theme::PIE_SIZE.1 },
        Chart::Ranking { bars, .. } => ranking::size(fonts, bars),
        Chart::Speedups { bars } => speedups::size(bars),
        Chart::Grouped { .. } | Chart::Memory { .. } | Chart::Utilisation { .. } | Chart::Curves { .. } => {
            Size { width: theme::WIDTH, height: theme::HEIGHT }
        }
    }
}

fn chart(canvas: &Canvas<'_>, chart: &Chart) -> Result<(), Fault> {
    match chart {
        Chart::Pie { slices } => pie::draw(canvas, slices),
        Chart::Ranking { bars, axis } => ranking::draw(canvas, bars, axis),
        Chart::Grouped { groups, axis } => grouped::draw(canvas, groups, axis),
        Chart::Speedups { bars } => speedups::draw(canvas, bars),
        Chart::Memory { allocated, reserved, peak, steps } => {
            memory::Memory { allocated, reserved, peak: *peak, steps }.draw(canvas)
        }
        Chart::Utilisation { buckets, end, steps, mean_share } => {
            utilisation::Utilisation { buckets, end: *end, steps, mean: *mean_share }.draw(canvas)
        }
        Chart::Curves { series, x_axis, y_axis, unit_interval, dashed_means } => {
            let (unit_interval, dashed_means) = (*unit_interval, *dashed_means);
            curves::Curves { series, x_axis, y_axis, unit_interval, dashed_means }.draw(canvas)
        }
    }
}

/// The PNG file of 8-bit RGB `pixels`. Fixed filter and level: the same pixels give the same bytes.
fn encode(size: Size, pixels: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // The level resets the filter, so it comes first.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
