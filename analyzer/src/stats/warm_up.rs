//! The value of one series of durations: warm-up dropped, then the median in logs (METRICS 11, "Run value" and
//! "Within-run error").
//!
//! ```text
//! ln x   \
//!         \__  __.   .__ ______ .___ ___      M = median of the second half, tolerance = max(3 S, 0.02)
//!            '' . '''       '      '  ^
//!        |--|  least w whose next five have a median within the tolerance of M
//! ```

use super::{Value, mean, median, robust_deviation};
use crate::units::{count, count_to_f64};
use thiserror::Error;

/// The fewest durations that must be left after the warm-up.
pub const FEWEST_KEPT: usize = 5;
/// How many durations after a candidate end of the warm-up must have settled, by their median.
const WINDOW: usize = 5;
/// Within this distance of the settled level, in logs, a series counts as settled however calm its second half is.
const TOLERANCE: f64 = 0.02;
/// The largest autocorrelation that is believed: beyond it a series would count as a handful of measurements.
const HIGHEST_AUTOCORRELATION: f64 = 0.95;

/// Where the warm-up of a series ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WarmUp {
    /// How many durations at the start belong to it.
    pub dropped: usize,
    /// Whether the series reached its level within its first half. If not, the whole first half was dropped.
    pub settled: bool,
}

/// What a series says, and what was left out to say it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SeriesValue {
    /// The median of the kept durations in logs, with its error.
    pub value: Value,
    /// The warm-up.
    pub warm_up: WarmUp,
    /// How many durations were kept.
    pub kept: usize,
}

/// Why a series has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Unusable {
    /// Too few durations after the warm-up.
    #[error("{kept} durations are left after the warm-up, {FEWEST_KEPT} are needed: record more")]
    TooFew {
        /// How many were left.
        kept: usize,
    },
    /// A duration without a logarithm.
    #[error("duration {position} of the series is not a length of time above zero")]
    NotPositive {
        /// Its place in the series, from 0.
        position: usize,
    },
}

/// The value of a series of `durations`, in order and with the warm-up included, in any unit.
///
/// # Errors
/// A duration that is not finite and above zero, or fewer than [`FEWEST_KEPT`] after the warm-up.
pub fn series_value(durations: &[f64]) -> Result<SeriesValue, Unusable> {
    let logs = logarithms(durations)?;
    let warm_up = find_warm_up(&logs);
    let kept = logs.get(warm_up.dropped..).unwrap_or_default();
    let too_few = Unusable::TooFew { kept: kept.len() };
    if kept.len() < FEWEST_KEPT {
        return Err(too_few);
    }
    let log = median(kept).ok_or(too_few)?;
    Ok(SeriesValue { value: Value { log, error: within_error(kept, log) }, warm_up, kept: kept.len() })
}

/// Where the warm-up of `durations` ends, without asking for a number of kept ones.
///
/// # Errors
/// A duration that is not finite and above zero.
pub fn warm_up(durations: &[f64]) -> Result<WarmUp, Unusable> {
    logarithms(durations).map(|logs| find_warm_up(&logs))
}

fn logarithms(durations: &[f64]) -> Result<Vec<f64>, Unusable> {
    durations
        .iter()
        .enumerate()
        .map(|(position, &duration)| {
            Value::single(duration).map(|value| value.log).ok_or(Unusable::NotPositive { position })
        })
        .collect()
}

fn find_warm_up(logs: &[f64]) -> WarmUp {
    let half = logs.len() / 2;
    let unsettled = WarmUp { dropped: half, settled: false };
    let second_half = logs.get(half..).unwrap_or_default();
    let Some(level) = median(second_half) else { return unsettled };
    let Some(deviation) = robust_deviation(second_half, level) else { return unsettled };
    let tolerance = (3.0 * deviation).max(TOLERANCE);
    let first = (logs.len() / 10).clamp(1, 5);
    (first..=half)
        .find(|&start| {
            let window = logs.iter().skip(start).take(WINDOW).copied().collect::<Vec<_>>();
            median(&window).is_some_and(|middle| (middle - level).abs() <= tolerance)
        })
        .map_or(unsettled, |dropped| WarmUp { dropped, settled: true })
}

/// The standard error of the median of `kept`, allowing for neighbours that resemble each other.
fn within_error(kept: &[f64], centre: f64) -> f64 {
    let Some(deviation) = robust_deviation(kept, centre) else { return 0.0 };
    let clipped: Vec<f64> =
        kept.iter().map(|log| log.clamp(centre - 5.0 * deviation, centre + 5.0 * deviation)).collect();
    let resemblance = autocorrelation(&clipped).clamp(0.0, HIGHEST_AUTOCORRELATION);
    let effective = count_to_f64(count(kept.len())) * (1.0 - resemblance) / (1.0 + resemblance);
    1.2533 * deviation / effective.sqrt()
}

/// Lag-1 autocorrelation; 0 for a constant series.
fn autocorrelation(series: &[f64]) -> f64 {
    let Some(centre) = mean(series) else { return 0.0 };
    let spread: f64 = series.iter().map(|value| (value - centre).powi(2)).sum();
    let together: f64 =
        series.iter().zip(series.iter().skip(1)).map(|(earlier, later)| (earlier - centre) * (later - centre)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `warm` slow durations that fall off, then `level` for the rest, with a small regular ripple.
    fn series(warm: &[f64], level: f64, settled: usize) -> Vec<f64> {
        let ripple = [1.0, 1.004, 0.997, 1.001, 0.999];
        warm.iter().copied().chain((0..settled).map(|step| level * ripple[step % 5])).collect()
    }

    #[test]
    fn warm_up_ends_where_the_next_five_are_level() {
        // 9 5 3 2 | 1 1 1 ...: k = 3 still has 2 in its window, but a median does not mind one
        let found = series_value(&series(&[9.0, 5.0, 3.0, 2.0], 1.0, 26)).unwrap();
        assert_eq!(found.warm_up, WarmUp { dropped: 3, settled: true });
        assert_eq!(found.kept, 27);
        assert!(found.value.log.abs() < 0.001);
    }

    #[test]
    fn at_least_a_tenth_but_no_more_than_five_are_dropped_of_a_level_series() {
        for (length, dropped) in [(6, 1), (19, 1), (20, 2), (49, 4), (50, 5), (400, 5)] {
            assert_eq!(warm_up(&series(&[], 2.0, length)).unwrap(), WarmUp { dropped, settled: true }, "{length}");
        }
    }

    #[test]
    fn a_series_that_levels_late_gives_up_its_first_half() {
        // the window after half of the steps is level: settled, at the last moment
        let mut slow_half = vec![3.0; 12];
        slow_half.extend([1.0; 8]);
        assert_eq!(warm_up(&slow_half).unwrap(), WarmUp { dropped: 10, settled: true });
        // three of the five after half are slow: never settled
        let mut slow_longer = vec![3.0; 13];
        slow_longer.extend([1.0; 7]);
        assert_eq!(warm_up(&slow_longer).unwrap(), WarmUp { dropped: 10, settled: false });
        assert!(!series_value(&slow_longer).unwrap().warm_up.settled);
    }

    #[test]
    fn too_few_kept_is_unusable() {
        assert_eq!(series_value(&[]), Err(Unusable::TooFew { kept: 0 }));
        assert_eq!(series_value(&[1.0]), Err(Unusable::TooFew { kept: 1 }));
        assert_eq!(series_value(&[1.0; 5]), Err(Unusable::TooFew { kept: 4 }));
        assert_eq!(series_value(&[1.0; 6]).unwrap().kept, 5);
    }

    #[test]
    fn a_duration_without_logarithm_is_named() {
        assert_eq!(series_value(&[1.0, 0.0]), Err(Unusable::NotPositive { position: 1 }));
        assert_eq!(series_value(&[f64::NAN]), Err(Unusable::NotPositive { position: 0 }));
    }

    #[test]
    fn neighbours_that_resemble_each_other_count_less() {
        let level = |place: usize| [1.0, 1.1, 1.05][place % 3];
        let mixed = series_value(&(0..60).map(level).collect::<Vec<_>>()).unwrap();
        let slow = series_value(&(0..60).map(|step| level(step / 10)).collect::<Vec<_>>()).unwrap();
        assert!(slow.value.error > 2.0 * mixed.value.error);
        assert_eq!(series_value(&[1.0; 30]).unwrap().value.error, 0.0);
    }

    #[test]
    fn the_error_is_that_of_a_median() {
        // kept ln x: -0.2 -0.1 0 0.1 0.2 in an order without positive autocorrelation: s = 1.4826 * 0.1, n_e = 5
        let logs = [-0.2, 0.1, -0.1, 0.2, 0.0f64];
        let error = within_error(&logs, 0.0);
        assert!((error - 1.2533 * 0.148_26 / 5f64.sqrt()).abs() < 1e-12, "{error}");
    }

    proptest! {
        #[test]
        fn the_unit_moves_the_value_alone(durations in prop::collection::vec(0.5f64..2.0, 6..80)) {
            let nanoseconds: Vec<f64> = durations.iter().map(|seconds| seconds * 1024.0).collect();
            if let (Ok(short), Ok(long)) = (series_value(&durations), series_value(&nanoseconds)) {
                prop_assert_eq!(short.warm_up, long.warm_up);
                prop_assert!((long.value.log - short.value.log - 1024f64.ln()).abs() < 1e-9);
            }
        }

        #[test]
        fn any_series_is_cut_within_its_first_half(durations in prop::collection::vec(1e-9f64..1e9, 0..60)) {
            let found = warm_up(&durations).unwrap();
            prop_assert!(found.dropped <= durations.len() / 2);
            if let Ok(value) = series_value(&durations) {
                prop_assert!(value.value.log.is_finite() && value.value.error >= 0.0);
            }
        }
    }
}
