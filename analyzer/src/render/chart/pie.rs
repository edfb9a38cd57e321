//! Shares of a whole: a ring with the total in its middle, and a legend sorted by size beside it.

use super::Fault;
use super::canvas::{Anchor, Canvas};
use super::plot::no_data;
use super::theme;
use crate::render::number;
use crate::report::model::Slice;
use crate::units::{Nanoseconds, narrow, share};
use plotters::style::RGBColor;
use std::f64::consts::TAU;

const CENTER: (f64, f64) = (258.0, 306.0);
const RADIUS: f64 = 206.0;
const HOLE: f64 = 118.0;
/// Smaller slices are drawn as one.
const FOLD_BELOW: f64 = 0.02;
/// Smaller slices have no number on them.
const NUMBERED_FROM: f64 = 0.06;
const LEGEND_LEFT: f64 = 520.0;
const LEGEND_ROW: f64 = 30.0;
const NOTE_ROW: f64 = 21.0;

/// One drawn slice: a category, or all small ones together.
struct Wedge {
    name: String,
    color: RGBColor,
    time: Nanoseconds,
    share: f64,
}

/// Draws the chart.
pub(super) fn draw(canvas: &Canvas<'_>, slices: &[Slice]) -> Result<(), Fault> {
    let total: Nanoseconds = positive(slices).map(|slice| slice.time).sum();
    if total <= Nanoseconds::ZERO {
        return no_data(canvas);
    }
    let (wedges, folded) = wedges(slices, total);
    ring(canvas, &wedges)?;
    canvas.text((CENTER.0, CENTER.1 - 12.0), Anchor::Middle, &number::duration(total), theme::TITLE)?;
    canvas.text((CENTER.0, CENTER.1 + 18.0), Anchor::Middle, "total", theme::NOTE)?;
    legend(canvas, &wedges, &folded)
}

fn positive(slices: &[Slice]) -> impl Iterator<Item = &Slice> {
    slices.iter().filter(|slice| slice.time > Nanoseconds::ZERO)
}

/// What is drawn, largest first, the folded slices last; and what was folded, in words.
fn wedges(slices: &[Slice], total: Nanoseconds) -> (Vec<Wedge>, Vec<String>) {
    let mut wedges: Vec<Wedge> = positive(slices)
        .map(|slice| Wedge {
            name: slice.category.to_owned(),
            color: theme::category(slice.category),
            time: slice.time,
            share: share(slice.time, total).unwrap_or(0.0),
        })
        .collect();
    wedges.sort_by(|mine, theirs| theirs.time.cmp(&mine.time).then_with(|| mine.name.cmp(&theirs.name)));
    let large = wedges.partition_point(|wedge| wedge.share >= FOLD_BELOW);
    if wedges.len() - large < 2 {
        return (wedges, Vec::new());
    }
    let small = wedges.split_off(large);
    let folded = small.iter().map(|wedge| format!("{} {}", wedge.name, number::share(wedge.share))).collect();
    wedges.push(Wedge {
        name: format!("{} smaller", small.len()),
        color: theme::FOLDED,
        time: small.iter().map(|wedge| wedge.time).sum(),
        share: small.iter().map(|wedge| wedge.share).sum(),
    });
    (wedges, folded)
}

/// The ring, clockwise from the top.
fn ring(canvas: &Canvas<'_>, wedges: &[Wedge]) -> Result<(), Fault> {
    let mut from = 0.0;
    for wedge in wedges {
        let to = from + wedge.share;
        wedge_shape(canvas, from, to, wedge.color)?;
        from = to;
    }
    let mut edge = 0.0;
    for wedge in wedges.iter().filter(|_| wedges.len() > 1) {
        canvas.line(on_circle(edge, HOLE - 2.0), on_circle(edge, RADIUS + 2.0), 2.0, theme::PAPER)?;
        edge += wedge.share;
    }
    canvas.dot(CENTER, HOLE, theme::PAPER)?;
    let mut from = 0.0;
    for wedge in wedges {
        if wedge.share >= NUMBERED_FROM {
            let place = on_circle(from + wedge.share / 2.0, f64::midpoint(RADIUS, HOLE));
            let style = theme::VALUE.in_color(theme::ink_on(wedge.color));
            canvas.text(place, Anchor::Middle, &number::share(wedge.share), style)?;
        }
        from += wedge.share;
    }
    Ok(())
}

/// A sector from the middle, in pieces of at most an eighth so that each is convex.
fn wedge_shape(canvas: &Canvas<'_>, from: f64, to: f64, color: RGBColor) -> Result<(), Fault> {
    const PIECE: f64 = 0.125;
    const CORNERS: u32 = 48;
    let mut start = from;
    while start < to {
        let end = (start + PIECE).min(to);
        let arc = (0..=CORNERS)
            .map(|corner| on_circle(start + (end - start) * f64::from(corner) / f64::from(CORNERS), RADIUS));
        canvas.polygon(std::iter::once(CENTER).chain(arc), color)?;
        start = if end > start { end } else { to };
    }
    Ok(())
}

/// The place on a circle around the middle after `part` of a turn.
fn on_circle(part: f64, radius: f64) -> (f64, f64) {
    let (sine, cosine) = (part * TAU).sin_cos();
    (CENTER.0 + radius * sine, CENTER.1 - radius * cosine)
}

/// Colour, name, time and share of every wedge, and below them what was folded.
fn legend(canvas: &Canvas<'_>, wedges: &[Wedge], folded: &[String]) -> Result<(), Fault> {
    let right = canvas.width - theme::MARGIN;
    let notes = wrap(canvas, folded, right - LEGEND_LEFT - 26.0);
    let rows = f64::from(narrow(wedges.len()));
    let lines = f64::from(narrow(notes.len()));
    let available = canvas.height - theme::CONTENT_TOP - 20.0 - lines * NOTE_ROW;
    let pitch = (available / rows).min(LEGEND_ROW);
    let mut y =
        (CENTER.1 - (rows * pitch + lines * NOTE_ROW) / 2.0 + pitch / 2.0).max(theme::CONTENT_TOP + pitch / 2.0);
    for wedge in wedges {
        canvas.fill((LEGEND_LEFT, y - 7.0), (LEGEND_LEFT + 14.0, y + 7.0), wedge.color)?;
        canvas.text((LEGEND_LEFT + 26.0, y), Anchor::Left, &wedge.name, theme::TEXT)?;
        canvas.text((right - 84.0, y), Anchor::Right, &number::duration(wedge.time), theme::NOTE)?;
        canvas.text((right, y), Anchor::Right, &number::share(wedge.share), theme::STRONG)?;
        y += pitch;
    }
    y += (NOTE_ROW - pitch) / 2.0;
    for note in notes {
        canvas.text((LEGEND_LEFT + 26.0, y), Anchor::Left, &note, theme::TICK)?;
        y += NOTE_ROW;
    }
    Ok(())
}

/// `items` separated by commas, in lines no wider than `width`.
fn wrap(canvas: &Canvas<'_>, items: &[String], width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if canvas.fonts.width(&format!("{line} {item}{comma}"), theme::TICK) <= width => {
                line.push(' ');
                line.push_str(item);
                line.push_str(comma);
            }
            _ => lines.push(format!("{item}{comma}")),
        }
    }
    lines
}
