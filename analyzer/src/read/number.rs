//! Numbers as the file writes them: exact, never through floating point (R30, R31, R34, R35).

use super::lexer::digits;
use crate::units::TIME_LIMIT_NS;

/// Decimal microseconds as integer nanoseconds: an integer, a fraction (rounded half up beyond 3 digits), an exponent.
/// `None` where the text is no number or beyond the accepted range.
pub(super) fn nanoseconds_from_micros(text: &[u8]) -> Option<i64> {
    fast_micros(text)
        .or_else(|| decimal_scaled(text, 3))
        .filter(|value| value.unsigned_abs() <= TIME_LIMIT_NS.unsigned_abs())
}

/// The usual form: up to 15 digits, then exactly three more behind a point.
fn fast_micros(text: &[u8]) -> Option<i64> {
    let mut padded = [0; FORM_BYTES];
    padded.get_mut(..text.len())?.copy_from_slice(text);
    plain_micros(&padded, 0).filter(|(_, end)| *end == text.len()).map(|(value, _)| value)
}

/// The longest of the usual forms, and what must be seen behind it.
pub(super) const FORM_BYTES: usize = 24;

/// The microseconds at `at` in the usual form (up to 15 digits, a point, three digits) as nanoseconds, and where they end;
/// `None` for any other text.
#[inline(always)]
pub(super) fn plain_micros(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let head = text.get(at..)?.first_chunk::<FORM_BYTES>()?;
    let (whole, length) = leading_whole(head)?;
    let [b'.', fraction @ ..] = head.get(length..)?.first_chunk::<8>()? else { return None };
    let [a, b, c, behind, ..] = fraction.map(|byte| byte.wrapping_sub(b'0'));
    if a > 9 || b > 9 || c > 9 || !ends_number(behind.wrapping_add(b'0')) {
        return None;
    }
    let thousandths = u64::from(a) * 100 + u64::from(b) * 10 + u64::from(c);
    Some(((whole * 1_000 + thousandths).cast_signed(), at + length + 4))
}

/// The number at `at` in the usual form (up to 15 digits), and where it ends; `None` for any other text.
#[inline(always)]
pub(super) fn plain_whole(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let head = text.get(at..)?.first_chunk::<FORM_BYTES>()?;
    let (whole, length) = leading_whole(head)?;
    let behind = *head.get(length)?;
    (behind != b'.' && ends_number(behind)).then_some((whole.cast_signed(), at + length))
}

/// Where the number at `at` ends, if it is of that form.
#[inline(always)]
pub(super) fn plain_end(text: &[u8], at: usize) -> Option<usize> {
    let head = text.get(at..)?.first_chunk::<FORM_BYTES>()?;
    let (count, _) = leading_digits(head)?;
    let behind = *head.get(count)?;
    (behind != b'.' && ends_number(behind)).then_some(at + count)
}

/// Whether a number may end before this byte, which is no point.
const fn ends_number(byte: u8) -> bool {
    !byte.is_ascii_digit() && byte | 0x20 != b'e'
}

/// How many digits `head` starts with, 1 to 15 that a number can start with, and their first sixteen, a byte each.
#[inline(always)]
fn leading_digits(head: &[u8; FORM_BYTES]) -> Option<(usize, [u64; 2])> {
    let ([low, high, _], _) = head.as_chunks::<8>() else { return None };
    let [(low, low_others), (high, high_others)] = [*low, *high].map(|word| digits(u64::from_le_bytes(word)));
    let count = match low_others.trailing_zeros() / 8 {
        8 => 8 + high_others.trailing_zeros() / 8,
        count => count,
    };
    let is_number = (1..16).contains(&count) && (low & 0xff != 0 || count == 1);
    is_number.then_some((crate::units::widen(count), [low, high]))
}

/// The value of the digits that `head` starts with, and how many these are.
#[inline(always)]
fn leading_whole(head: &[u8; FORM_BYTES]) -> Option<(u64, usize)> {
    let (count, values) = leading_digits(head)?;
    Some((whole(values, count), count))
}

/// The number at `at`, which is `count` (1 to 15) digits; `None` where the text ends soon behind it.
#[inline]
pub(super) fn whole_of(text: &[u8], at: usize, count: usize) -> Option<i64> {
    let ([low, high], _) = text.get(at..)?.first_chunk::<16>()?.as_chunks::<8>() else { return None };
    let values = [*low, *high].map(|word| digits(u64::from_le_bytes(word)).0);
    Some(whole(values, count).cast_signed())
}

/// The microseconds at `at`, which are `count` (1 to 15) digits, a point and three more, as nanoseconds; `None` as above.
#[inline]
pub(super) fn micros_of(text: &[u8], at: usize, count: usize) -> Option<i64> {
    let [a, b, c] = text.get(at + count + 1..)?.first_chunk::<3>()?.map(|byte| i64::from(byte.wrapping_sub(b'0')));
    Some(whole_of(text, at, count)? * 1_000 + a * 100 + b * 10 + c)
}

/// The number that the first `count` (1 to 15) of sixteen digits are, a byte each.
#[inline(always)]
fn whole([low, high]: [u64; 2], count: usize) -> u64 {
    let bits = 8 * crate::units::narrow(count);
    if count <= 8 {
        return eight_digits(low << (64 - bits));
    }
    // All digits at the far end of sixteen, with zeros before them.
    let (gap, kept) = (128 - bits, bits - 64);
    let (first, last) = (low << gap, high << gap | low >> kept);
    eight_digits(first) * 100_000_000 + eight_digits(last)
}

/// The number of eight digits, a byte each, the first one lowest.
#[inline]
const fn eight_digits(values: u64) -> u64 {
    // Neighbours become two digits, these four, these eight.
    let pairs = (values * 10 + (values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

/// A decimal number times 10^`places`, rounded half up (away from zero). Any JSON number, a leading `+` too.
pub(super) fn decimal_scaled(text: &[u8], places: i32) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
    let whole = mantissa.get(..point)?;
    let fraction = mantissa.get(point + 1..).unwrap_or(&[]);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Digits before the point of the result: all of `whole`, plus the shift.
    let kept = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(places);
    let mut value = 0i128;
    let mut position = 0i64;
    let mut round_up = false;
    for &digit in whole.iter().chain(fraction) {
        if !digit.is_ascii_digit() {
            return None;
        }
        if position < kept {
            value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        } else if position == kept {
            round_up = digit >= b'5';
        }
        position += 1;
    }
    while position < kept && value != 0 {
        value = value.checked_mul(10)?;
        position += 1;
    }
    value += i128::from(round_up);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The exponent, limited to what could matter (a longer one is zero or out of range anyway).
fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i32;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i32::from(digit - b'0')).min(10_000);
    }
    Some(if negative { -value } else { value })
}

/// An integer exactly: decimal or `0x` hexadecimal, `i64` or (as the same 64 bits) `u64`; a decimal number without
/// fractional part too. `None` for anything else.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    if let Some(value) = short_digits(text) {
        return Some(value);
    }
    let text = text.trim_ascii();
    if let Some(hex) = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")) {
        return u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok().map(u64::cast_signed);
    }
    let plain = std::str::from_utf8(text).ok()?;
    if let Ok(value) = plain.parse::<i64>() {
        return Some(value);
    }
    if let Ok(value) = plain.parse::<u64>() {
        return Some(value.cast_signed());
    }
    // "7.0" and "7e0": whole all the same. Compare a finer scale so that "7.4" stays no integer.
    let whole = decimal_scaled(text, 0)?;
    (decimal_scaled(text, 6)? == whole.checked_mul(1_000_000)?).then_some(whole)
}

/// The usual form: a few plain digits.
#[inline]
fn short_digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let mut value = 0;
    for &digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn micros_are_exact() {
        for (text, expected) in [
            ("4588158731443.225", 4_588_158_731_443_225),
            ("176", 176_000),
            ("1712195495502094.5", 1_712_195_495_502_094_500),
            ("0.0004", 0),
            ("0.0005", 1),
            ("-1", -1_000),
            ("1.5e3", 1_500_000),
            ("15e-4", 2),
            ("1e0", 1_000),
            ("0", 0),
            ("00.5", 500),
        ] {
            assert_eq!(nanoseconds_from_micros(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", ".", "-", "abc", "1.2.3", "1e", "1e99", "9223372036854775807", "NaN", "0x10"] {
            assert_eq!(nanoseconds_from_micros(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn integers_are_exact_to_64_bits() {
        assert_eq!(integer(b"10159970886766084423"), Some(10_159_970_886_766_084_423_u64.cast_signed()));
        assert_eq!(integer(b"0x1f"), Some(31));
        assert_eq!(integer(b"-7"), Some(-7));
        assert_eq!(integer(b"7.0"), Some(7));
        assert_eq!(integer(b"7.4"), None);
        assert_eq!(integer(b"stream 7"), None);
    }

    proptest! {
        #[test]
        fn both_paths_agree(whole in 0u64..10_000_000_000_000, fraction in 0u32..1000) {
            let text = format!("{whole}.{fraction:03}");
            prop_assert_eq!(fast_micros(text.as_bytes()), decimal_scaled(text.as_bytes(), 3));
        }

        #[test]
        fn any_bytes_are_safe(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (nanoseconds_from_micros(&text), integer(&text));
        }
    }
}
