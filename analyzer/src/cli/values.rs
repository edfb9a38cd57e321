//! What the values of options mean: `--top`, `--steps`, `--time`, `--max-bytes`.

use crate::analysis::select::{Part, StepRange};
use crate::units::Nanoseconds;
use thiserror::Error;

/// `--top`: how many rows of each trace people see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Top {
    /// The first so many.
    First(usize),
    /// All.
    All,
}

impl Top {
    /// The number, where there is one.
    pub(super) fn rows(self) -> Option<usize> {
        match self {
            Self::First(rows) => Some(rows),
            Self::All => None,
        }
    }
}

/// Why a value cannot be used; the parser adds which option it was for.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum BadValue {
    #[error("expected a number of rows from 1, or all")]
    Top,
    #[error("expected step numbers as 3, 2..4, 2.. or ..4 (both ends are included)")]
    Steps,
    #[error("no step lies in this range: its first step comes after its last")]
    NoSteps,
    #[error("expected two points in time with their units, as 1.5ms..20ms or 0s..1s (ns, us, ms, s)")]
    Time,
    #[error("no time lies in this range: it ends before it starts")]
    NoTime,
    #[error("expected a number of bytes, as 1000000, 512M or 8GiB (K, M, G, T are powers of 1024)")]
    Size,
    #[error("more bytes than can be counted")]
    HugeSize,
}

/// Reads `--top`.
pub(super) fn top(text: &str) -> Result<Top, BadValue> {
    match text.parse() {
        _ if text == "all" => Ok(Top::All),
        Ok(0) | Err(_) => Err(BadValue::Top),
        Ok(rows) => Ok(Top::First(rows)),
    }
}

/// Reads `--steps`: `3`, `2..4`, `2..`, `..4`.
pub(super) fn steps(text: &str) -> Result<StepRange, BadValue> {
    let number = |digits: &str| whole(digits).and_then(|number| i64::try_from(number).ok()).ok_or(BadValue::Steps);
    let end = |digits: &str| if digits.is_empty() { Ok(None) } else { number(digits).map(Some) };
    let range = match text.split_once("..") {
        None => StepRange { first: Some(number(text)?), last: Some(number(text)?) },
        Some((first, last)) => StepRange { first: end(first)?, last: end(last)? },
    };
    match range {
        StepRange { first: Some(first), last: Some(last) } if first > last => Err(BadValue::NoSteps),
        StepRange { first: None, last: None } => Err(BadValue::Steps),
        _ => Ok(range),
    }
}

/// Reads `--time`: `1.5ms..20ms`.
pub(super) fn time_range(text: &str) -> Result<Part, BadValue> {
    let (from, to) = text.split_once("..").ok_or(BadValue::Time)?;
    let (from, to) = (point(from).ok_or(BadValue::Time)?, point(to).ok_or(BadValue::Time)?);
    if from < to { Ok(Part::Time { from, to }) } else { Err(BadValue::NoTime) }
}

/// A decimal number with its unit, exactly; what is below a nanosecond is none.
fn point(text: &str) -> Option<Nanoseconds> {
    let units = [("ns", 0), ("us", 3), ("µs", 3), ("ms", 6), ("s", 9)];
    let (number, places) = units.iter().find_map(|(unit, places)| Some((text.strip_suffix(unit)?, *places)))?;
    let (digits, fraction) = match number.split_once('.') {
        Some((digits, fraction)) if (1..=places).contains(&fraction.len()) => (digits, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let nanoseconds = whole(&format!("{digits}{fraction:0<places$}")).filter(|_| !digits.is_empty())?;
    i64::try_from(nanoseconds).ok().map(Nanoseconds::new)
}

/// Reads a size in bytes: `1000000`, `64K`, `512M`, `8GiB`, `1T`.
pub(super) fn size(text: &str) -> Result<u64, BadValue> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").unwrap_or(&unit);
    let shift = match unit {
        "" if text.len() == end => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(BadValue::Size),
    };
    if digits.is_empty() {
        return Err(BadValue::Size);
    }
    let number: u64 = digits.parse().map_err(|_| BadValue::HugeSize)?;
    number.checked_mul(1 << shift).ok_or(BadValue::HugeSize)
}

/// A number of digits alone: no sign, no blanks.
fn whole(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: Option<i64>, last: Option<i64>) -> Result<StepRange, BadValue> {
        Ok(StepRange { first, last })
    }

    #[test]
    fn both_ends_of_a_range_are_included_and_either_may_be_open() {
        assert_eq!(steps("3"), range(Some(3), Some(3)));
        assert_eq!(steps("2..4"), range(Some(2), Some(4)));
        assert_eq!(steps("2.."), range(Some(2), None));
        assert_eq!(steps("..4"), range(None, Some(4)));
        assert_eq!(steps("4..4"), range(Some(4), Some(4)));
        assert_eq!(steps("5..2"), Err(BadValue::NoSteps));
        for wrong in ["", "..", "a", "1..b", "-1", "1...3", "1..=3", "1 .. 2", "99999999999999999999"] {
            assert_eq!(steps(wrong), Err(BadValue::Steps), "{wrong:?}");
        }
    }

    #[test]
    fn points_in_time_have_units_and_are_exact() {
        let range = |from, to| Ok(Part::Time { from: Nanoseconds::new(from), to: Nanoseconds::new(to) });
        assert_eq!(time_range("1.5ms..20ms"), range(1_500_000, 20_000_000));
        assert_eq!(time_range("0ns..1.000000001s"), range(0, 1_000_000_001));
        assert_eq!(time_range("3us..3.5µs"), range(3_000, 3_500));
        assert_eq!(time_range("2s..1s"), Err(BadValue::NoTime));
        for wrong in
            ["", "..", "1..2", "1ms", "1ms..", "-1s..1s", "1.s..2s", "1.5ns..3ns", "1e3s..2e3s", "1s..99999999999s"]
        {
            assert_eq!(time_range(wrong), Err(BadValue::Time), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("1000"), Ok(1_000));
        assert_eq!(size("1K"), Ok(1 << 10));
        assert_eq!(size("512m"), Ok(512 << 20));
        assert_eq!(size("8GiB"), Ok(8 << 30));
        assert_eq!(size("8 gib"), Ok(8 << 30));
        assert_eq!(size("1T"), Ok(1 << 40));
        assert_eq!(size("99999999999T"), Err(BadValue::HugeSize));
        assert_eq!(size("99999999999999999999"), Err(BadValue::HugeSize));
        for wrong in ["", "G", "1KB", "1.5G", "-1", "1 ", "1ib", "ten", "1é"] {
            assert_eq!(size(wrong), Err(BadValue::Size), "{wrong:?}");
        }
    }

    #[test]
    fn top_is_a_number_of_rows_or_all() {
        assert_eq!(top("all"), Ok(Top::All));
        assert_eq!(top("3").map(Top::rows), Ok(Some(3)));
        for wrong in ["0", "", "many", "-1", "1.5", "ALL"] {
            assert_eq!(top(wrong), Err(BadValue::Top), "{wrong:?}");
        }
    }
}
