//! Where a value lies on an axis, which values get a mark, and in which unit.

use crate::render::number;
use crate::units::round_to_i64;

/// Magnitudes above this are not drawn: nobody measures them, and spans of them overflow.
const LIMIT: f64 = 1e100;
/// From this ratio of the largest to the smallest value on, bars need a logarithmic scale.
const SPREAD: f64 = 30.0;

/// Whether `value` can be drawn at all.
pub(super) fn is_drawable(value: f64) -> bool {
    value.is_finite() && value.abs() <= LIMIT
}

/// Whether `values`, of which those above zero count, spread too far for a linear scale.
pub(super) fn needs_log(values: impl Iterator<Item = f64>) -> bool {
    extent(values.filter(|value| *value > 0.0)).is_some_and(|(low, high)| high / low > SPREAD)
}

/// The smallest and the largest of the drawable `values`.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| is_drawable(*value)).fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// From values to pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    log: bool,
}

impl Scale {
    /// `values` spread evenly over `pixels`; a range without extent is widened.
    pub(super) fn linear((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + low.abs().max(1.0) * 0.5 };
        Self { low, high, start, end, log: false }
    }

    /// Powers of ten spread evenly over `pixels`; both ends of `values` are above zero.
    pub(super) fn log((low, high): (f64, f64), pixels: (f64, f64)) -> Self {
        let low = low.max(f64::MIN_POSITIVE).log10();
        Self { log: true, ..Self::linear((low, high.max(f64::MIN_POSITIVE).log10()), pixels) }
    }

    /// Whether equal distances are equal ratios.
    pub(super) const fn is_log(&self) -> bool {
        self.log
    }

    /// The same scale, continued evenly beyond its end to the pixel `end`.
    pub(super) fn continued_to(self, end: f64) -> Self {
        let times = (end - self.start) / (self.end - self.start);
        let high = self.low + (self.high - self.low) * times;
        if is_drawable(high) { Self { high, end, ..self } } else { self }
    }

    /// The pixel of `value`; values outside are on the nearer end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        if part.is_nan() { self.start } else { self.start + part * (self.end - self.start) }
    }

    /// The pixels of both ends.
    pub(super) const fn pixels(&self) -> (f64, f64) {
        (self.start, self.end)
    }

    /// About `wanted` round values inside the range, labelled in `unit`.
    pub(super) fn ticks(&self, unit: Unit, wanted: f64) -> Vec<Tick> {
        if self.log {
            return self.powers(unit, wanted);
        }
        let (low, high) = (self.low / unit.size, self.high / unit.size);
        let step = round_step((high - low) / wanted).max(unit.least_step());
        multiples(low, high, step)
            .map(|value| Tick { value: value * unit.size, label: unit.tick(&decimal(value, step)) })
            .collect()
    }

    /// Round whole values inside the range.
    pub(super) fn whole_ticks(&self, wanted: f64) -> Vec<Tick> {
        let step = round_step((self.high - self.low) / wanted).max(1.0).ceil();
        multiples(self.low, self.high, step).map(|value| Tick { value, label: decimal(value, step) }).collect()
    }

    /// Powers of ten. Times carry their units, since no single unit reads well over many powers.
    fn powers(&self, unit: Unit, wanted: f64) -> Vec<Tick> {
        let step = ((self.high - self.low) / wanted).ceil().max(1.0);
        let label = |value: f64| match unit {
            Unit::TIMES | Unit::PLAIN => unit.tick(&decimal(value, value)),
            _ => power_of_time(value),
        };
        multiples(self.low, self.high, step)
            .map(|power| 10f64.powf(power))
            .map(|value| Tick { value, label: label(value) })
            .collect()
    }
}

/// A marked value of an axis.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tick {
    /// The value.
    pub(super) value: f64,
    /// What is printed at it, without unit.
    pub(super) label: String,
}

/// A unit that a whole axis is labelled in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Unit {
    /// Its sign, empty for plain numbers.
    pub(super) sign: &'static str,
    size: f64,
}

impl Unit {
    /// Plain numbers.
    pub(super) const PLAIN: Self = Self { sign: "", size: 1.0 };
    /// Times as much.
    pub(super) const TIMES: Self = Self { sign: "x", size: 1.0 };
    /// Hundredths.
    pub(super) const PERCENT: Self = Self { sign: "%", size: 0.01 };

    /// The unit for nanoseconds up to `largest`.
    pub(super) fn of_time(largest: f64) -> Self {
        Self::fitting(largest, &[("s", 1e9), ("ms", 1e6), ("µs", 1e3)], "ns")
    }

    /// The unit for bytes up to `largest`.
    pub(super) fn of_bytes(largest: f64) -> Self {
        let units = [
            ("PiB", 1024f64.powi(5)),
            ("TiB", 1024f64.powi(4)),
            ("GiB", 1024f64.powi(3)),
            ("MiB", 1024f64.powi(2)),
            ("KiB", 1024.0),
        ];
        Self::fitting(largest, &units, "B")
    }

    /// There is no part of a nanosecond or of a byte.
    fn least_step(self) -> f64 {
        if matches!(self.sign, "ns" | "B") { 1.0 } else { 0.0 }
    }

    fn fitting(largest: f64, units: &[(&'static str, f64)], smallest: &'static str) -> Self {
        units
            .iter()
            .find(|(_, size)| largest >= *size)
            .map_or(Self { sign: smallest, size: 1.0 }, |(sign, size)| Self { sign, size: *size })
    }

    /// A number of an axis in this unit: ratios carry their sign everywhere, other units stand in the title.
    fn tick(self, number: &str) -> String {
        if self == Self::TIMES { format!("{number}{}", self.sign) } else { number.to_owned() }
    }

    /// `title` with this unit behind it.
    pub(super) fn title(self, title: &str) -> String {
        if self.sign.is_empty() { title.to_owned() } else { format!("{title} ({})", self.sign) }
    }
}

/// A power of ten of nanoseconds in the largest unit that keeps it whole.
fn power_of_time(nanoseconds: f64) -> String {
    let unit = Unit::of_time(nanoseconds * 1.000_001);
    format!("{} {}", decimal(nanoseconds / unit.size, 1.0), unit.sign)
}

/// The next of 1, 2, 5 times a power of ten that is not below `rough`.
fn round_step(rough: f64) -> f64 {
    if !rough.is_normal() || rough < 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// The multiples of `step` inside `low..=high`; never many, whatever the numbers.
fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-6).ceil();
    (0u32..64)
        .map(move |index| (first + f64::from(index)) * step)
        .take_while(move |value| *value <= high + step * 1e-6)
        .map(|value| if value == 0.0 { 0.0 } else { value })
}

/// `value` with as many decimals as `step` needs; very large and very small numbers in powers of ten.
fn decimal(value: f64, step: f64) -> String {
    if value.abs() >= 1e15 || (step < 1e-6 && value != 0.0) {
        return format!("{value:.1e}");
    }
    let places = usize::try_from(round_to_i64(-step.log10().floor()).clamp(0, 6)).unwrap_or(0);
    if places == 0 { number::whole(round_to_i64(value)) } else { format!("{value:.places$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_in_their_unit() {
        let scale = Scale::linear((0.0, 4.2e6), (0.0, 100.0));
        assert_eq!(labels(&scale.ticks(Unit::of_time(4.2e6), 5.0)), ["0", "1", "2", "3", "4"]);
        let small = Scale::linear((0.0, 1.0), (0.0, 100.0));
        assert_eq!(labels(&small.ticks(Unit::PLAIN, 5.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&small.ticks(Unit::PERCENT, 4.0)), ["0", "50", "100"]);
        let large = Scale::linear((0.0, 1e18), (0.0, 100.0));
        assert_eq!(labels(&large.ticks(Unit::of_time(1e18), 2.0))[1], "500,000,000");
    }

    #[test]
    fn degenerate_ranges_stay_finite() {
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (-3.0, -3.0), (1e100, 1e100), (-1e100, 1e100), (0.0, 5e-324)] {
            let scale = Scale::linear((low, high), (10.0, 20.0));
            assert!(scale.at(low).is_finite() && scale.at(f64::NAN).is_finite());
            assert!(scale.ticks(Unit::PLAIN, 5.0).len() < 65);
            assert!(scale.whole_ticks(5.0).len() < 65);
        }
    }

    #[test]
    fn log_ticks_carry_their_units() {
        let scale = Scale::log((1e3, 1e9), (0.0, 100.0));
        let ticks = scale.ticks(Unit::PLAIN, 7.0);
        assert_eq!(ticks.len(), 7);
        assert!((scale.at(1e6) - 50.0).abs() < 1e-6);
        assert!(needs_log([1.0, 31.0].into_iter()) && !needs_log([0.0, 1.0, 29.0].into_iter()));
    }
}
