//! Sorting what is nearly in order: events of one thread or stream come in a few long runs that overlap here and there.
//!
//! ```text
//! sorted so far |--------------------------|
//! next run                           |-----------|     merged with what it overlaps, not with all
//!                                    ^ found by a search from the end
//! ```
//! One pass over what is in order already; what is not costs what it overlaps. Where that comes to more than a few passes, the
//! standard library's sort takes over.

use std::cmp::Ordering;

/// Merging may move so many times as many items as there are.
const MOST_MOVES_PER_ITEM: usize = 4;

/// Sorts `items` by `compare`; equal ones keep their order.
pub(super) fn sort_nearly_sorted<T: Copy>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut moves_left = MOST_MOVES_PER_ITEM * items.len();
    let mut aside = Vec::new();
    let mut sorted = run_end(items, 0, &mut compare);
    while sorted < items.len() {
        let end = run_end(items, sorted, &mut compare);
        let from = place_of(items, sorted, &mut compare);
        let Some(left) = moves_left.checked_sub(2 * (sorted - from)) else { return items.sort_by(compare) };
        moves_left = left;
        aside.clear();
        aside.extend_from_slice(&items[from..sorted]);
        let moved = merge(&mut items[from..end], &aside, &mut compare);
        let Some(left) = moves_left.checked_sub(moved) else { return items.sort_by(compare) };
        moves_left = left;
        sorted = end;
    }
}

/// Where the run ends that starts at `from`.
fn run_end<T>(items: &[T], from: usize, compare: &mut impl FnMut(&T, &T) -> Ordering) -> usize {
    let run = items.get(from..).unwrap_or_default();
    let in_order = run.iter().zip(run.get(1..).unwrap_or_default());
    from + in_order.take_while(|(item, next)| compare(item, next).is_le()).count() + usize::from(!run.is_empty())
}

/// Where the item at `sorted` belongs among those before it, which are in order: behind its equals. Searched from the end, in
/// longer and longer steps.
fn place_of<T>(items: &[T], sorted: usize, compare: &mut impl FnMut(&T, &T) -> Ordering) -> usize {
    let is_before = |item: &T, compare: &mut dyn FnMut(&T, &T) -> Ordering| compare(item, &items[sorted]).is_le();
    let (mut step, mut behind) = (1, sorted);
    while behind > 0 && !is_before(&items[behind - 1], compare) {
        behind = behind.saturating_sub(step);
        step *= 2;
    }
    let until = (behind + step).min(sorted);
    behind + items[behind..until].partition_point(|item| is_before(item, compare))
}

/// Merges what was put aside, a copy of the first of `items`, with the rest of them. Returns how many were moved.
fn merge<T: Copy>(items: &mut [T], aside: &[T], compare: &mut impl FnMut(&T, &T) -> Ordering) -> usize {
    let (mut left, mut right, mut to) = (0, aside.len(), 0);
    while left < aside.len() {
        if right < items.len() && compare(&items[right], &aside[left]).is_lt() {
            items[to] = items[right];
            right += 1;
        } else {
            items[to] = aside[left];
            left += 1;
        }
        to += 1;
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs of items, of which each has a key and its place: equal keys must keep their order.
    fn placed(runs: Vec<Vec<u8>>) -> Vec<(u8, usize)> {
        let keys = runs.into_iter().flat_map(|mut run| {
            run.sort_unstable();
            run
        });
        keys.zip(0..).collect()
    }

    proptest! {
        #[test]
        fn it_is_a_stable_sort(runs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..12)) {
            let items = placed(runs);
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_nearly_sorted(&mut ours, |left, right| left.0.cmp(&right.0));
            theirs.sort_by_key(|item| item.0);
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn what_is_far_from_order_is_sorted_too() {
        // Every run belongs before all others.
        let mut items: Vec<u32> = (0..10_000).rev().collect();
        let mut compared = 0;
        sort_nearly_sorted(&mut items, |left, right| {
            compared += 1;
            left.cmp(right)
        });
        assert!(items.is_sorted());
        assert!(compared < 300_000, "{compared}");
    }
}
