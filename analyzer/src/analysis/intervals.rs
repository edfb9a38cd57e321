//! Sets of time: sorted, disjoint half-open intervals. Unions, differences and overlaps are exact.

use super::nearly::sort_nearly_sorted;
use crate::units::{Nanoseconds, Timestamp};

/// A half-open interval `[start, end)`.
pub type Interval = (Timestamp, Timestamp);

/// A set of points in time: sorted intervals that neither touch nor overlap, none of them empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Span {
    pieces: Vec<Interval>,
}

impl Span {
    /// The union of `intervals`, in any order; empty and backward ones add nothing.
    #[must_use]
    pub fn union(intervals: impl IntoIterator<Item = Interval>) -> Self {
        let mut pieces: Vec<Interval> = Vec::new();
        let mut in_order = true;
        for (start, end) in intervals.into_iter().filter(|(start, end)| start < end) {
            match pieces.last_mut() {
                Some((first, last)) if in_order && *first <= start && start <= *last => *last = (*last).max(end),
                Some((first, _)) => {
                    in_order &= *first <= start;
                    pieces.push((start, end));
                }
                None => pieces.push((start, end)),
            }
        }
        if !in_order {
            sort_nearly_sorted(&mut pieces, Ord::cmp);
            // Whoever starts within the piece before becomes part of it.
            pieces.dedup_by(|(start, end), (_, last)| {
                let is_within = *start <= *last;
                *last = if is_within { (*last).max(*end) } else { *last };
                is_within
            });
        }
        Self { pieces }
    }

    /// The intervals, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Interval] {
        &self.pieces
    }

    /// How much time is in the set.
    #[must_use]
    pub fn length(&self) -> Nanoseconds {
        self.pieces.iter().map(|(start, end)| *end - *start).sum()
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut pieces = Vec::new();
        let mut taken = other.pieces.iter().peekable();
        for &(start, end) in &self.pieces {
            let mut from = start;
            while let Some(&&(hole_start, hole_end)) = taken.peek() {
                if hole_start >= end {
                    break;
                }
                if hole_end > from {
                    if hole_start > from {
                        pieces.push((from, hole_start));
                    }
                    from = from.max(hole_end);
                }
                if hole_end > end {
                    break; // it may reach into the next piece too
                }
                taken.next();
            }
            if from < end {
                pieces.push((from, end));
            }
        }
        Self { pieces }
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.minus(&self.minus(other))
    }

    /// Whether `time` is in the set.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        let after = self.pieces.partition_point(|(start, _)| *start <= time);
        after.checked_sub(1).and_then(|last| self.pieces.get(last)).is_some_and(|(_, end)| time < *end)
    }

    /// How much time of `[start, end)` is in the set.
    #[must_use]
    pub fn within(&self, (start, end): Interval) -> Nanoseconds {
        let first = self.pieces.partition_point(|(_, piece_end)| *piece_end <= start);
        self.pieces
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(|(piece_start, _)| *piece_start < end)
            .map(|(piece_start, piece_end)| (*piece_end).min(end) - (*piece_start).max(start))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(pieces: &[(i64, i64)]) -> Span {
        Span::union(pieces.iter().map(|&(from, to)| at(from, to)))
    }

    fn at(from: i64, to: i64) -> Interval {
        (Timestamp::from_nanoseconds(from), Timestamp::from_nanoseconds(to))
    }

    #[test]
    fn touching_pieces_join_and_empty_ones_vanish() {
        assert_eq!(span(&[(5, 9), (0, 5), (20, 20), (30, 25)]), span(&[(0, 9)]));
    }

    #[test]
    fn a_hole_may_cross_two_pieces() {
        // |-----|   |-----|  minus    |-----|
        assert_eq!(span(&[(0, 10), (20, 30)]).minus(&span(&[(5, 25)])), span(&[(0, 5), (25, 30)]));
    }

    proptest! {
        #[test]
        fn sets_agree_with_points(
            left in proptest::collection::vec((0i64..60, 0i64..20), 0..12),
            right in proptest::collection::vec((0i64..60, 0i64..20), 0..12),
        ) {
            let as_pieces = |raw: &[(i64, i64)]| raw.iter().map(|&(from, length)| (from, from + length)).collect::<Vec<_>>();
            let (left, right) = (as_pieces(&left), as_pieces(&right));
            let has = |pieces: &[(i64, i64)], point: i64| pieces.iter().any(|&(from, to)| from <= point && point < to);
            let count = |keep: &dyn Fn(i64) -> bool| i64::try_from((0..100).filter(|&point| keep(point)).count()).unwrap();
            let (a, b) = (span(&left), span(&right));
            prop_assert_eq!(a.length().get(), count(&|point| has(&left, point)));
            prop_assert_eq!(a.minus(&b).length().get(), count(&|point| has(&left, point) && !has(&right, point)));
            prop_assert_eq!(a.and(&b).length().get(), count(&|point| has(&left, point) && has(&right, point)));
            for point in 0..100 {
                prop_assert_eq!(a.holds(Timestamp::from_nanoseconds(point)), has(&left, point));
            }
            prop_assert_eq!(a.within(at(10, 40)).get(), count(&|point| has(&left, point) && (10..40).contains(&point)));
        }
    }
}
