//! The difference of two sets of values in logs, with its standard error and the t interval (METRICS 11, "Between-run
//! variance"; METRICS 10 uses the two-sided interval).
//!
//! d = mean(candidate) - mean(baseline), se = sigma * sqrt(1/K_b + 1/K_c), nu = K_b + K_c - 2, and
//! sigma^2 = max(pooled variance, that of the smaller set, floor^2, mean within-run error^2).

use super::{Value, mean};
use crate::units::{count, count_to_f64};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// No set of runs is believed to agree better than this, in logs (METRICS 11, `sigma_floor`).
pub const SIGMA_FLOOR: f64 = 0.0025;
/// Above this many degrees of freedom the quantile of this many is taken: it is wider by a thousandth at most, and the
/// crate's inversion loses digits, then time, for much larger ones.
const MOST_FREEDOM: f64 = 1000.0;

/// The difference of two sets of values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Difference {
    /// Mean of the candidate's logs less that of the baseline's: `d`.
    pub log_ratio: f64,
    /// Standard error of `log_ratio`: `se`.
    pub standard_error: f64,
    /// Degrees of freedom of the pooled variance: `nu`; 0 for one value against one.
    pub freedom: u64,
}

/// An interval of a ratio.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Difference {
    /// The difference of `candidate` from `baseline`, with [`SIGMA_FLOOR`]; `None` where a set is empty. The order
    /// within the sets does not matter.
    #[must_use]
    pub fn between(baseline: &[Value], candidate: &[Value]) -> Option<Self> {
        Self::with_floor(baseline, candidate, SIGMA_FLOOR)
    }

    /// As [`Self::between`], with another floor.
    #[must_use]
    pub fn with_floor(baseline: &[Value], candidate: &[Value], sigma_floor: f64) -> Option<Self> {
        let (from, to) = (Spread::of(baseline)?, Spread::of(candidate)?);
        let freedom = (from.count + to.count).saturating_sub(2);
        let errors: Vec<f64> = baseline.iter().chain(candidate).map(|value| value.error.powi(2)).collect();
        let variance = between_variance(&from, &to, freedom).max(sigma_floor.powi(2)).max(mean(&errors).unwrap_or(0.0));
        let inverse_counts = 1.0 / count_to_f64(from.count) + 1.0 / count_to_f64(to.count);
        Some(Self { log_ratio: to.mean - from.mean, standard_error: (variance * inverse_counts).sqrt(), freedom })
    }

    /// The ratio: candidate over baseline.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.log_ratio.exp()
    }

    /// The two-sided interval of the ratio that holds with probability `confidence`; `None` without degrees of freedom
    /// or for a confidence outside of 0..1.
    #[must_use]
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let reach = t_quantile(f64::midpoint(1.0, confidence), self.freedom)? * self.standard_error;
        Some(Interval { low: (self.log_ratio - reach).exp(), high: (self.log_ratio + reach).exp() })
    }
}

/// The one-sided quantile of Student's t distribution: `t(0.975, nu)` bounds the two-sided 95 % interval. `None` for no
/// degrees of freedom and for a probability outside of 0..1 (the ends are infinite).
#[must_use]
pub fn t_quantile(probability: f64, freedom: u64) -> Option<f64> {
    if freedom == 0 || !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let distribution = StudentsT::new(0.0, 1.0, count_to_f64(freedom).min(MOST_FREEDOM)).ok()?;
    Some(distribution.inverse_cdf(probability))
}

/// Mean and spread of one set's logs.
struct Spread {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Spread {
    fn of(values: &[Value]) -> Option<Self> {
        let logs = super::ascending(values.iter().map(|value| value.log));
        let centre = mean(&logs)?;
        let squares = logs.iter().map(|log| (log - centre).powi(2)).sum();
        Some(Self { count: count(logs.len()), mean: centre, squares })
    }

    fn variance(&self) -> f64 {
        if self.count > 1 { self.squares / count_to_f64(self.count - 1) } else { 0.0 }
    }
}

/// The pooled variance, or that of the smaller set where the sets differ in size and it is larger: the larger set must
/// not vouch for a small noisy one. 0 without degrees of freedom.
fn between_variance(one: &Spread, other: &Spread, freedom: u64) -> f64 {
    let pooled = if freedom > 0 { (one.squares + other.squares) / count_to_f64(freedom) } else { 0.0 };
    let smaller = if one.count <= other.count { one } else { other };
    if one.count == other.count { pooled } else { pooled.max(smaller.variance()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(measurements: &[f64]) -> Vec<Value> {
        measurements.iter().filter_map(|&one| Value::single(one)).collect()
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-9 * right.abs().max(1.0)
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let table = [
            (0.975, 1, 12.706_204_736),
            (0.975, 2, 4.302_652_730),
            (0.975, 4, 2.776_445_105),
            (0.99, 4, 3.746_947_388),
            (0.975, 10, 2.228_138_852),
            (0.975, 30, 2.042_272_456),
        ];
        for (probability, freedom, expected) in table {
            let found = t_quantile(probability, freedom).unwrap();
            assert!((found - expected).abs() < 1e-8, "{probability} {freedom}: {found}");
        }
        assert!((t_quantile(0.975, u64::MAX).unwrap() - 1.962_339).abs() < 1e-5);
    }

    #[test]
    fn no_quantile_without_freedom_or_outside_of_probability() {
        for (probability, freedom) in [(0.975, 0), (1.0, 4), (0.0, 4), (f64::NAN, 4), (-1.0, 4)] {
            assert_eq!(t_quantile(probability, freedom), None);
        }
    }

    #[test]
    fn three_against_three_by_hand() {
        // logs 0, 0.1, 0.2 and 1, 1.1, 1.2: d = 1, pooled variance = 0.01, se = 0.1 * sqrt(2/3), nu = 4
        let baseline = values(&[1.0, 0.1f64.exp(), 0.2f64.exp()]);
        let candidate = values(&[1f64.exp(), 1.1f64.exp(), 1.2f64.exp()]);
        let found = Difference::between(&baseline, &candidate).unwrap();
        assert!(close(found.log_ratio, 1.0) && close(found.standard_error, 0.1 * (2.0f64 / 3.0).sqrt()));
        assert_eq!(found.freedom, 4);
        let interval = found.interval(0.95).unwrap();
        assert!(close(interval.low, (1.0 - 2.776_445_105_197_795 * found.standard_error).exp()));
        assert!(close(interval.high, (1.0 + 2.776_445_105_197_795 * found.standard_error).exp()));
    }

    #[test]
    fn equal_values_still_have_the_floors_width() {
        let found = Difference::between(&values(&[2.0; 3]), &values(&[1.0; 3])).unwrap();
        assert!(close(found.standard_error, SIGMA_FLOOR * (2.0f64 / 3.0).sqrt()));
        let unsure = [Value { log: 0.0, error: 0.1 }; 3];
        assert!(close(Difference::between(&unsure, &unsure).unwrap().standard_error, 0.1 * (2.0f64 / 3.0).sqrt()));
    }

    #[test]
    fn a_large_calm_set_does_not_vouch_for_a_small_noisy_one() {
        let calm = values(&[1.0; 10]);
        let noisy = values(&[1.0, 1.2]);
        let found = Difference::between(&calm, &noisy).unwrap();
        let variance = 1.2f64.ln().powi(2) / 2.0;
        assert!(close(found.standard_error, (variance * (0.1 + 0.5)).sqrt()));
    }

    #[test]
    fn one_against_one_has_a_ratio_and_no_interval() {
        let found = Difference::between(&values(&[4.0]), &values(&[2.0])).unwrap();
        assert!(close(found.ratio(), 0.5));
        assert_eq!(found.interval(0.95), None);
        assert_eq!(Difference::between(&[], &values(&[2.0])), None);
    }

    proptest! {
        #[test]
        fn the_interval_contains_the_ratio(
            baseline in prop::collection::vec(1e-3f64..1e3, 2..8),
            candidate in prop::collection::vec(1e-3f64..1e3, 2..8),
        ) {
            let found = Difference::between(&values(&baseline), &values(&candidate)).unwrap();
            let interval = found.interval(0.95).unwrap();
            prop_assert!(interval.low < found.ratio() && found.ratio() < interval.high);
            prop_assert!(interval.low > 0.0);
        }

        #[test]
        fn swapping_the_sides_inverts_ratio_and_interval(
            one in prop::collection::vec(0.5f64..2.0, 3..8),
            other in prop::collection::vec(0.5f64..2.0, 3..8),
        ) {
            let there = Difference::between(&values(&one), &values(&other)).unwrap();
            let back = Difference::between(&values(&other), &values(&one)).unwrap();
            prop_assert!(close(there.ratio() * back.ratio(), 1.0));
            let (there, back) = (there.interval(0.95).unwrap(), back.interval(0.95).unwrap());
            prop_assert!(close(there.low * back.high, 1.0) && close(there.high * back.low, 1.0));
        }

        #[test]
        fn the_order_of_runs_never_shows(mut runs in prop::collection::vec(0.5f64..2.0, 3..8)) {
            let fixed = values(&[1.0, 1.1, 1.2]);
            let forward = Difference::between(&fixed, &values(&runs));
            runs.reverse();
            prop_assert_eq!(forward, Difference::between(&fixed, &values(&runs)));
        }
    }
}
