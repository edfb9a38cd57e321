//! Times, bytes and shares: no number travels without its unit.
//!
//! Times are integer nanoseconds from the JSON text to the last sum (METRICS, preamble). A point ([`Timestamp`]) and a
//! length ([`Nanoseconds`]) are different types; arithmetic saturates, so that no damaged file can overflow its way
//! into a panic or a wrapped total. This file is the one place where a time becomes a floating point number.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// The largest magnitude accepted for one point or length read from a file: 73 years in nanoseconds. Real absolute
/// timestamps (1.7e18) fit; four of them still add up inside an `i64`.
pub const TIME_LIMIT_NS: i64 = 1 << 61;

/// A point on the trace's clock, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

/// A length of time, in nanoseconds. Adds up exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nanoseconds(i64);

/// A number of bytes; negative where memory was given back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Bytes(i64);

impl Timestamp {
    /// The point `nanoseconds` after the origin of the trace's clock.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the origin of the trace's clock.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }
}

impl Sub for Timestamp {
    type Output = Nanoseconds;
    fn sub(self, earlier: Self) -> Nanoseconds {
        Nanoseconds(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Nanoseconds> for Timestamp {
    type Output = Self;
    fn add(self, length: Nanoseconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl Nanoseconds {
    /// No time at all: measured, and zero.
    pub const ZERO: Self = Self(0);

    /// A length of `count` nanoseconds.
    #[must_use]
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// A length of `count` whole microseconds.
    #[must_use]
    pub const fn from_micros(count: i64) -> Self {
        Self(count.saturating_mul(1_000))
    }

    /// A length of `seconds`, rounded to the nanosecond; `None` where it is not finite or out of range. Only for values
    /// that are recorded as decimal seconds (results.json), never for a trace.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "range is checked first; this is the one door from seconds")]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let nanoseconds = (seconds * 1e9).round();
        (nanoseconds.abs() < 2.3e18).then_some(Self(nanoseconds as i64))
    }

    /// The length in nanoseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The length in seconds, for display and for ratios only.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        to_f64(self.0) / 1e9
    }

    /// `self / count` as a decimal number of nanoseconds; `None` for no count.
    #[must_use]
    pub fn mean_over(self, count: u64) -> Option<f64> {
        (count > 0).then(|| to_f64(self.0) / count_to_f64(count))
    }
}

impl Bytes {
    /// No bytes: measured, and zero.
    pub const ZERO: Self = Self(0);

    /// A number of bytes.
    #[must_use]
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

macro_rules! additive {
    ($($unit:ident),*) => {$(
        impl Add for $unit {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl Sub for $unit {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl AddAssign for $unit {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl SubAssign for $unit {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
        impl Neg for $unit {
            type Output = Self;
            fn neg(self) -> Self {
                Self(self.0.saturating_neg())
            }
        }
        impl Sum for $unit {
            fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
                parts.fold(Self(0), |total, part| total + part)
            }
        }
    )*};
}
additive!(Nanoseconds, Bytes);

/// `part / whole` in 0..1; `None` where the whole is not positive (a share of nothing is absent, METRICS 6).
#[must_use]
pub fn share(part: Nanoseconds, whole: Nanoseconds) -> Option<f64> {
    (whole.0 > 0).then(|| to_f64(part.0) / to_f64(whole.0))
}

/// `value` as a floating point number: exact up to 2^53, correctly rounded above.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the one door from exact integers to display and ratios")]
pub fn to_f64(value: i64) -> f64 {
    value as f64
}

/// `count` as a floating point number: exact up to 2^53, correctly rounded above.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the one door from exact counts to display and ratios")]
pub fn count_to_f64(count: u64) -> f64 {
    count as f64
}

/// `wide` as a floating point number, correctly rounded.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "the one door from exact wide sums to display and ratios")]
pub fn wide_to_f64(wide: i128) -> f64 {
    wide as f64
}

/// `value` rounded to the nearest integer, limited to the range of `i64`; not-a-number is 0.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as documented")]
pub fn round_to_i64(value: f64) -> i64 {
    value.round() as i64
}

/// `value` rounded to `places` decimals, as tables print means and deviations.
#[must_use]
pub fn round_places(value: f64, places: i32) -> f64 {
    let scaled = value * 10f64.powi(places);
    // Beyond 2^53 the product would lose digits that the value still has.
    if scaled.abs() < 9e15 { scaled.round() / 10f64.powi(places) } else { value }
}

/// The number of items, as a count.
#[must_use]
pub fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// The number of items, as a signed cell value.
#[must_use]
pub fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An index as `u32`: ids of one trace are narrow. Saturates at `u32::MAX`, which the reader never reaches (it stops
/// taking events before).
#[must_use]
pub fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A narrow index as the index it was: the way back of [`narrow`].
#[must_use]
#[inline]
pub const fn widen(index: u32) -> usize {
    index as usize
}

impl fmt::Display for Nanoseconds {
    /// Plain nanoseconds with the unit; readable forms are the renderers' business.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ns", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let far = Timestamp::from_nanoseconds(i64::MAX);
        assert_eq!(far + Nanoseconds::new(5), far);
        assert_eq!(Nanoseconds::new(i64::MIN) - Nanoseconds::new(1), Nanoseconds::new(i64::MIN));
    }

    #[test]
    fn a_share_of_nothing_is_absent() {
        assert_eq!(share(Nanoseconds::new(5), Nanoseconds::ZERO), None);
        assert_eq!(share(Nanoseconds::new(5), Nanoseconds::new(20)), Some(0.25));
    }

    #[test]
    fn seconds_round_to_the_nanosecond() {
        assert_eq!(Nanoseconds::from_seconds(0.042_6), Some(Nanoseconds::new(42_600_000)));
        assert_eq!(Nanoseconds::from_seconds(f64::NAN), None);
        assert_eq!(Nanoseconds::from_seconds(1e30), None);
    }
}
