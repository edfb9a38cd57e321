//! Statistics of repeated measurements: the value of one series, and the ratio of two sets of them with its interval.
//!
//! The flow: a series of durations -> [`warm_up::series_value`] (drop the warm-up, take the median in logs) -> one
//! [`Value`] per series -> [`interval::Difference`] of two sets of values -> ratio and interval. All in logs
//! (METRICS 11): a ratio is the exponential of a difference. This layer knows nothing of where the durations come from.

pub mod interval;
pub mod warm_up;

/// What one series of measurements says: the natural logarithm of its value, and how far that may be off by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Value {
    /// The logarithm of the value, whatever the unit; all values that are compared have the same.
    pub log: f64,
    /// Standard error of `log` from within the series; 0 where the series has one measurement. A floor only: it never
    /// makes an interval narrower.
    pub error: f64,
}

impl Value {
    /// The value of a single measurement; `None` unless it is finite and above zero, as a logarithm needs.
    #[must_use]
    pub fn single(measurement: f64) -> Option<Self> {
        (measurement.is_finite() && measurement > 0.0).then(|| Self { log: measurement.ln(), error: 0.0 })
    }

    /// The median of `measurements` in logs; `None` where there is none, or one that is not finite and above zero.
    #[must_use]
    pub fn median_of(measurements: &[f64]) -> Option<Self> {
        let logs: Option<Vec<f64>> = measurements.iter().map(|&one| Self::single(one).map(|value| value.log)).collect();
        median(&logs?).map(|log| Self { log, error: 0.0 })
    }
}

/// The median; of an even number, the mean of the middle two. `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = ascending(values.iter().copied());
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        0 => sorted.get(sorted.len() / 2 - 1).map(|lower| f64::midpoint(*lower, upper)),
        _ => Some(upper),
    }
}

/// The arithmetic mean, summed in ascending order so that the order of `values` never shows; `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    let sorted = ascending(values.iter().copied());
    (!sorted.is_empty())
        .then(|| sorted.iter().sum::<f64>() / crate::units::count_to_f64(crate::units::count(sorted.len())))
}

/// 1.4826 times the median absolute deviation from `centre`: the standard deviation, for normal values, that outliers
/// do not move.
fn robust_deviation(values: &[f64], centre: f64) -> Option<f64> {
    let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    median(&distances).map(|distance| 1.4826 * distance)
}

/// The values sorted, by a total order.
fn ascending(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_two_is_their_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
    }

    #[test]
    fn only_positive_finite_measurements_have_a_logarithm() {
        assert_eq!(Value::single(1.0), Some(Value { log: 0.0, error: 0.0 }));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Value::single(bad), None);
            assert_eq!(Value::median_of(&[1.0, bad]), None);
        }
        assert_eq!(Value::median_of(&[]), None);
    }

    #[test]
    fn the_median_in_logs_of_two_is_their_geometric_mean() {
        let value = Value::median_of(&[2.0, 8.0]).unwrap();
        assert!((value.log.exp() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_mean_does_not_depend_on_the_order() {
        assert_eq!(mean(&[0.1, 0.2, 0.3, 1e9]), mean(&[1e9, 0.3, 0.1, 0.2]));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn one_outlier_does_not_move_the_robust_deviation() {
        let calm = [1.0, 2.0, 3.0, 4.0, 5.0];
        let upset = [1.0, 2.0, 3.0, 4.0, 5e9];
        assert_eq!(robust_deviation(&calm, 3.0), Some(1.4826));
        assert_eq!(robust_deviation(&upset, 3.0), Some(1.4826));
    }
}
