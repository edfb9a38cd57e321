//! A time for every row, in half the memory: nearly all of them are shorter than four seconds.

use crate::units::{Nanoseconds, narrow};
use hashbrown::HashMap;

/// Says that the time stands among the long ones.
const LONG: u32 = u32::MAX;

/// Times by row, zero at first.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    short: Vec<u32>,
    /// Those that do not fit.
    long: HashMap<u32, Nanoseconds>,
}

impl Times {
    /// So many times.
    pub(super) fn new(rows: usize) -> Self {
        Self { short: vec![0; rows], long: HashMap::new() }
    }

    /// The time of `row`.
    pub(super) fn get(&self, row: usize) -> Nanoseconds {
        match self.short.get(row) {
            None => Nanoseconds::ZERO,
            Some(&LONG) => self.long.get(&narrow(row)).copied().unwrap_or_default(),
            Some(&time) => Nanoseconds::new(time.into()),
        }
    }

    /// Makes `time` that of `row`.
    pub(super) fn set(&mut self, row: usize, time: Nanoseconds) {
        let Some(place) = self.short.get_mut(row) else { return };
        *place = u32::try_from(time.get()).unwrap_or(LONG);
        if *place == LONG {
            self.long.insert(narrow(row), time);
        }
    }

    /// Adds to the time of `row`.
    pub(super) fn add(&mut self, row: usize, time: Nanoseconds) {
        self.set(row, self.get(row) + time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_whatever_their_length() {
        let mut times = Times::new(3);
        for length in [0, 1, i64::from(u32::MAX) - 1, i64::from(u32::MAX), i64::MAX, 7, -1] {
            times.set(1, Nanoseconds::new(length));
            assert_eq!(times.get(1).get(), length);
        }
        times.add(1, Nanoseconds::new(5_000_000_001));
        assert_eq!((times.get(0).get(), times.get(1).get(), times.get(9).get()), (0, 5_000_000_000, 0));
    }
}
