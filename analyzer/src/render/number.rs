//! The only place where a number becomes text for people. Machines get plain digits (`json`, `csv`).
//!
//! Integers are scaled in integer arithmetic and rounded half away from zero, so a total never reads differently from
//! the sum that made it; nothing here depends on a locale.

use super::ABSENT;
use crate::units::{Bytes, Nanoseconds, round_to_i64};

/// Units of time above the nanosecond, and their length in nanoseconds.
const TIMES: &[(&str, u64)] = &[("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];
/// Units of memory above the byte, and their size in bytes.
const SIZES: &[(&str, u64)] =
    &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("PiB", 1 << 50)];

/// A length of time: `940 ns`, `12.118 ms`, `1.760 s`. Three decimals below a hundred of a unit, one above.
#[must_use]
pub fn duration(length: Nanoseconds) -> String {
    let magnitude = length.get().unsigned_abs();
    let text = if magnitude < 1_000 { format!("{magnitude} ns") } else { scaled(magnitude, TIMES, 3, 1_000) };
    signed(length.get() < 0, &text)
}

/// A decimal length of time in nanoseconds (a mean, a deviation): one decimal below a microsecond, else as
/// [`duration`].
#[must_use]
pub fn decimal_duration(nanoseconds: f64) -> String {
    match small_tenths(nanoseconds, 1_000.0) {
        Some(tenths) => format!("{tenths} ns"),
        None if nanoseconds.is_finite() => duration(Nanoseconds::new(round_to_i64(nanoseconds))),
        None => ABSENT.to_owned(),
    }
}

/// A number of bytes in binary units: `512 B`, `1.77 GiB`, `-96.00 MiB`.
#[must_use]
pub fn bytes(size: Bytes) -> String {
    let magnitude = size.get().unsigned_abs();
    let text = if magnitude < 1_024 { format!("{} B", count(magnitude)) } else { scaled(magnitude, SIZES, 2, 1_024) };
    signed(size.get() < 0, &text)
}

/// A decimal number of bytes (a rate): one decimal below a KiB, else as [`bytes`].
#[must_use]
pub fn decimal_bytes(size: f64) -> String {
    match small_tenths(size, 1_024.0) {
        Some(tenths) => format!("{tenths} B"),
        None if size.is_finite() => bytes(Bytes::new(round_to_i64(size))),
        None => ABSENT.to_owned(),
    }
}

/// A part of a whole, 0..1, in percent: `12.3 %`. What is there but rounds to nothing is `<0.1 %`, what is not all but
/// rounds to it is `>99.9 %`.
#[must_use]
pub fn share(part: f64) -> String {
    if !part.is_finite() {
        return ABSENT.to_owned();
    }
    let percent = format!("{:.1}", part.abs() * 100.0);
    match (percent.as_str(), part) {
        ("0.0", part) if part > 0.0 => "<0.1 %".to_owned(),
        ("0.0", part) if part < 0.0 => ">-0.1 %".to_owned(),
        ("100.0", part) if part > 0.0 && part < 1.0 => ">99.9 %".to_owned(),
        _ => signed(part < 0.0, &format!("{percent} %")),
    }
}

/// How many times as fast: `2.5x`. Two decimals below two, where they decide; none from a hundred on.
#[must_use]
pub fn ratio(times: f64) -> String {
    match times.abs() {
        magnitude if !magnitude.is_finite() => ABSENT.to_owned(),
        magnitude if magnitude > 0.0 && magnitude < 0.005 => format!("{times:.1e}x"),
        magnitude if magnitude < 1.995 => format!("{times:.2}x"),
        magnitude if magnitude < 99.95 => format!("{times:.1}x"),
        _ => format!("{}x", whole(round_to_i64(times))),
    }
}

/// A count, its thousands set apart: `1,234,567`.
#[must_use]
pub fn count(items: u64) -> String {
    let digits = items.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.char_indices() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number, its thousands set apart: `-1,234,567`.
#[must_use]
pub fn whole(number: i64) -> String {
    signed(number < 0, &count(number.unsigned_abs()))
}

/// A plain decimal (a loss, a score) with about four digits that count: `0.8421`, `12.35`, `1,234`, `1.204e-5`. A whole
/// value has no decimals.
#[must_use]
pub fn decimal(number: f64) -> String {
    let magnitude = number.abs();
    if !magnitude.is_finite() {
        return ABSENT.to_owned();
    }
    if magnitude >= 1e15 {
        return format!("{number:.3e}");
    }
    if magnitude >= 999.95 || magnitude.fract() == 0.0 {
        return whole(round_to_i64(number));
    }
    match magnitude {
        m if m >= 99.995 => format!("{number:.1}"),
        m if m >= 9.9995 => format!("{number:.2}"),
        m if m >= 0.99995 => format!("{number:.3}"),
        m if m >= 0.1 => format!("{number:.4}"),
        m if m >= 0.01 => format!("{number:.5}"),
        m if m >= 0.001 => format!("{number:.6}"),
        _ => format!("{number:.3e}"),
    }
}

/// `magnitude` in the first of `units` in which it stays below `limit` after rounding, with `places` decimals below a
/// hundred and one above; the last unit takes what is left.
fn scaled(magnitude: u64, units: &[(&str, u64)], places: u32, limit: u64) -> String {
    let fine = 10u128.pow(places);
    let mut text = String::new();
    for (name, size) in units {
        let exact = rounded(magnitude, fine, *size);
        if exact < 100 * fine {
            return format!("{} {name}", fixed(exact, fine, places));
        }
        let tenths = rounded(magnitude, 10, *size);
        text = format!("{} {name}", fixed(tenths, 10, 1));
        if tenths < u128::from(limit) * 10 {
            return text;
        }
    }
    text
}

/// `magnitude / size` in parts of `1 / parts`, rounded half up.
fn rounded(magnitude: u64, parts: u128, size: u64) -> u128 {
    (u128::from(magnitude) * parts + u128::from(size / 2)) / u128::from(size)
}

/// A fixed-point number: `value / parts` with `places` decimals.
fn fixed(value: u128, parts: u128, places: u32) -> String {
    let width = usize::try_from(places).unwrap_or(0);
    let integer = u64::try_from(value / parts).unwrap_or(u64::MAX);
    format!("{}.{:0width$}", count(integer), value % parts)
}

/// `number` with one decimal, where that stays below `limit`; a whole number has none.
fn small_tenths(number: f64, limit: f64) -> Option<String> {
    let rounded = (number * 10.0).round() / 10.0;
    (rounded.abs() < limit).then(|| match number.fract() == 0.0 {
        true => whole(round_to_i64(number)),
        false => format!("{rounded:.1}"),
    })
}

fn signed(negative: bool, text: &str) -> String {
    if negative { format!("-{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_their_digits_and_carry_into_the_next_unit() {
        let table = [
            (0, "0 ns"),
            (940, "940 ns"),
            (1_000, "1.000 µs"),
            (12_118_000, "12.118 ms"),
            (99_999_499, "99.999 ms"),
            (99_999_500, "100.0 ms"),
            (123_449_999, "123.4 ms"),
            (999_949_999, "999.9 ms"),
            (999_950_000, "1.000 s"),
            (1_760_000_000, "1.760 s"),
            (7_200_000_000_000, "7,200.0 s"),
            (-940, "-940 ns"),
            (-12_118_400, "-12.118 ms"),
            (i64::MAX, "9,223,372,036.9 s"),
            (i64::MIN, "-9,223,372,036.9 s"),
        ];
        for (nanoseconds, text) in table {
            assert_eq!(duration(Nanoseconds::new(nanoseconds)), text, "{nanoseconds}");
        }
    }

    #[test]
    fn decimal_durations_show_a_tenth_below_a_microsecond() {
        let table = [
            (0.0, "0 ns"),
            (12.0, "12 ns"),
            (12.34, "12.3 ns"),
            (-0.26, "-0.3 ns"),
            (999.96, "1.000 µs"),
            (12_118_400.4, "12.118 ms"),
            (f64::NAN, "-"),
            (f64::NEG_INFINITY, "-"),
        ];
        for (nanoseconds, text) in table {
            assert_eq!(decimal_duration(nanoseconds), text, "{nanoseconds}");
        }
    }

    #[test]
    fn bytes_are_binary_and_signed() {
        let table = [
            (0, "0 B"),
            (1_023, "1,023 B"),
            (1_024, "1.00 KiB"),
            (1_900_000_000, "1.77 GiB"),
            (-100_663_296, "-96.00 MiB"),
            (1_073_741_823, "1.00 GiB"),
            (536_870_912, "512.0 MiB"),
            (i64::MIN, "-8,192.0 PiB"),
        ];
        for (size, text) in table {
            assert_eq!(bytes(Bytes::new(size)), text, "{size}");
        }
        assert_eq!(decimal_bytes(0.25), "0.3 B");
        assert_eq!(decimal_bytes(1_572_864.2), "1.50 MiB");
    }

    #[test]
    fn shares_never_round_to_nothing_or_to_all() {
        let table = [
            (0.0, "0.0 %"),
            (0.000_4, "<0.1 %"),
            (-0.000_4, ">-0.1 %"),
            (0.123, "12.3 %"),
            (0.999_9, ">99.9 %"),
            (1.0, "100.0 %"),
            (1.5, "150.0 %"),
            (-0.05, "-5.0 %"),
            (f64::NAN, "-"),
        ];
        for (part, text) in table {
            assert_eq!(share(part), text, "{part}");
        }
    }

    #[test]
    fn ratios_decimals_and_counts() {
        let ratios = [(2.5, "2.5x"), (1.04, "1.04x"), (0.42, "0.42x"), (1_234.6, "1,235x"), (f64::INFINITY, "-")];
        for (times, text) in ratios {
            assert_eq!(ratio(times), text);
        }
        let decimals = [
            (0.0, "0"),
            (-0.0, "0"),
            (0.842_13, "0.8421"),
            (12.345_6, "12.35"),
            (5.0, "5"),
            (-1_234.56, "-1,235"),
            (0.000_012_04, "1.204e-5"),
            (999.96, "1,000"),
            (1e18, "1.000e18"),
            (f64::NAN, "-"),
        ];
        for (number, text) in decimals {
            assert_eq!(decimal(number), text);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(whole(-999), "-999");
        assert_eq!(whole(i64::MIN), "-9,223,372,036,854,775,808");
    }
}
