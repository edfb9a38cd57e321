//! Columns: a polars array and the slice that it is made of, which share one buffer; and what grows into one.
//!
//! Millions of rows stand in memory at once, so their size counts: a whole number takes 32 bits as long as every one of
//! its column fits (lengths up to two seconds, ids, devices), and 64 from the first that does not.

use polars::prelude::{Column, Int32Chunked, Int64Chunked, IntoColumn as _, PlSmallStr, UInt32Chunked};
use polars_buffer::Buffer;

/// A number that the event does not have.
pub const ABSENT: i64 = i64::MIN;

macro_rules! column {
    ($(#[doc = $doc:literal])* $column:ident, $value:ty, $array:ty, $absent:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $column {
            array: $array,
            /// What `array` holds, without asking it on every access.
            values: Buffer<$value>,
        }

        impl $column {
            pub(crate) fn from_vec(key: &'static str, values: Vec<$value>) -> Self {
                let array = <$array>::from_vec(PlSmallStr::from_static(key), values);
                let values = array.downcast_as_array().values().clone();
                Self { array, values }
            }

            /// The values.
            #[must_use]
            pub fn values(&self) -> &[$value] {
                self.values.as_slice()
            }

            /// The column for a data frame: the same array, shared.
            #[must_use]
            pub fn polars(&self) -> Column {
                self.array.clone().into_column()
            }

            #[inline]
            pub(crate) fn at(&self, row: usize) -> $value {
                self.values.as_slice().get(row).copied().unwrap_or($absent)
            }
        }
    };
}

column! {
    /// Whole numbers of 64 bits: points in time (in nanoseconds), and whatever does not fit in less.
    WideColumn, i64, Int64Chunked, ABSENT
}

column! {
    /// A column of ids.
    IdColumn, u32, UInt32Chunked, u32::MAX
}

column! {
    /// Whole numbers of 32 bits; the least of them stands for [`ABSENT`].
    NarrowColumn, i32, Int32Chunked, NARROW_ABSENT
}

/// [`ABSENT`] in a column of 32 bits.
const NARROW_ABSENT: i32 = i32::MIN;

/// A column of whole numbers, [`ABSENT`] where there is none.
#[derive(Clone, Debug)]
pub enum WholeColumn {
    /// All fit in 32 bits.
    Narrow(NarrowColumn),
    /// Not all do.
    Wide(WideColumn),
}

impl WholeColumn {
    pub(crate) fn from_vec(key: &'static str, values: Wholes) -> Self {
        match values {
            Wholes::Narrow(values) => Self::Narrow(NarrowColumn::from_vec(key, values)),
            Wholes::Wide(values) => Self::Wide(WideColumn::from_vec(key, values)),
        }
    }

    /// The column for a data frame: the same array, shared.
    #[must_use]
    pub fn polars(&self) -> Column {
        match self {
            Self::Narrow(column) => column.polars(),
            Self::Wide(column) => column.polars(),
        }
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> i64 {
        match self {
            Self::Narrow(column) => widened(column.at(row)),
            Self::Wide(column) => column.at(row),
        }
    }
}

/// Whole numbers on their way into a column.
#[derive(Clone, Debug)]
pub enum Wholes {
    /// All so far fit in 32 bits.
    Narrow(Vec<i32>),
    /// Not all do.
    Wide(Vec<i64>),
}

impl Default for Wholes {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl FromIterator<i64> for Wholes {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut all = Self::default();
        values.into_iter().for_each(|value| all.push(value));
        all
    }
}

impl Wholes {
    /// Adds one number.
    #[inline]
    pub fn push(&mut self, value: i64) {
        match (&mut *self, narrowed(value)) {
            (Self::Narrow(values), Some(value)) => values.push(value),
            (Self::Narrow(_), None) => {
                self.widen();
                self.push(value);
            }
            (Self::Wide(values), _) => values.push(value),
        }
    }

    /// Moves the numbers of `other` behind these; `other` keeps its memory for the next ones.
    pub(crate) fn append(&mut self, other: &mut Self) {
        match (&mut *self, &mut *other) {
            (Self::Narrow(values), Self::Narrow(more)) => values.append(more),
            (Self::Wide(values), Self::Narrow(more)) => values.extend(more.drain(..).map(widened)),
            (Self::Wide(values), Self::Wide(more)) => {
                values.append(more);
                *other = Self::default();
            }
            (Self::Narrow(_), Self::Wide(_)) => {
                self.widen();
                self.append(other);
            }
        }
    }

    /// Drops all numbers, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Narrow(values) => values.clear(),
            Self::Wide(_) => *self = Self::default(),
        }
    }

    #[cold]
    fn widen(&mut self) {
        if let Self::Narrow(values) = self {
            *self = Self::Wide(values.iter().copied().map(widened).collect());
        }
    }
}

#[inline]
fn narrowed(value: i64) -> Option<i32> {
    match i32::try_from(value) {
        Ok(NARROW_ABSENT) => None,
        Ok(value) => Some(value),
        Err(_) => (value == ABSENT).then_some(NARROW_ABSENT),
    }
}

#[inline]
fn widened(value: i32) -> i64 {
    if value == NARROW_ABSENT { ABSENT } else { i64::from(value) }
}

/// A column of kinds: one byte each.
#[derive(Clone, Debug)]
pub struct KindColumn {
    key: &'static str,
    values: Buffer<u8>,
}

impl KindColumn {
    pub(crate) fn from_vec(key: &'static str, values: Vec<u8>) -> Self {
        Self { key, values: Buffer::from(values) }
    }

    /// The column for a data frame: a wider copy, since polars has no column of bytes without more features.
    #[must_use]
    pub fn polars(&self) -> Column {
        IdColumn::from_vec(self.key, self.values.iter().copied().map(u32::from).collect()).polars()
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> u8 {
        self.values.as_slice().get(row).copied().unwrap_or(u8::MAX)
    }
}

/// A column of ids that few traces have: takes no room in the others.
#[derive(Clone, Debug)]
pub enum RareColumn {
    /// So many rows, none with an id.
    Empty(&'static str, usize),
    /// Some rows have one.
    Filled(IdColumn),
}

impl RareColumn {
    pub(crate) fn from_vec(key: &'static str, values: RareIds) -> Self {
        if values.ids.is_empty() {
            Self::Empty(key, values.count)
        } else {
            Self::Filled(IdColumn::from_vec(key, values.ids))
        }
    }

    /// The column for a data frame.
    #[must_use]
    pub fn polars(&self) -> Column {
        match self {
            Self::Empty(key, count) => IdColumn::from_vec(key, vec![u32::MAX; *count]).polars(),
            Self::Filled(column) => column.polars(),
        }
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> u32 {
        match self {
            Self::Empty(..) => u32::MAX,
            Self::Filled(column) => column.at(row),
        }
    }
}

/// Ids on their way into such a column; `u32::MAX` for none.
#[derive(Clone, Debug, Default)]
pub struct RareIds {
    count: usize,
    /// Empty until one is there.
    ids: Vec<u32>,
}

impl RareIds {
    /// Adds one id.
    #[inline]
    pub fn push(&mut self, id: u32) {
        if id != u32::MAX && self.ids.is_empty() {
            self.ids.resize(self.count, u32::MAX);
        }
        self.count += 1;
        if id != u32::MAX || !self.ids.is_empty() {
            self.ids.push(id);
        }
    }

    /// Moves the ids of `other`, translated, behind these.
    pub(crate) fn append(&mut self, other: &mut Self, translated: impl Fn(u32) -> u32) {
        if !other.ids.is_empty() && self.ids.is_empty() {
            self.ids.resize(self.count, u32::MAX);
        }
        self.count += other.count;
        if !self.ids.is_empty() || !other.ids.is_empty() {
            self.ids.extend(other.ids.iter().copied().map(translated));
            self.ids.resize(self.count, u32::MAX);
        }
        other.clear();
    }

    /// Drops all ids, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.ids.clear();
    }
}

impl FromIterator<u32> for RareIds {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut all = Self::default();
        ids.into_iter().for_each(|id| all.push(id));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_whatever_their_width() {
        let numbers = [0, -1, ABSENT, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX, 5];
        for count in 0..=numbers.len() {
            let (first, second) = numbers.split_at(count);
            let mut all: Wholes = first.iter().copied().collect();
            let mut more: Wholes = second.iter().copied().collect();
            all.append(&mut more);
            let column = WholeColumn::from_vec("n", all);
            let read: Vec<i64> = (0..numbers.len()).map(|row| column.at(row)).collect();
            assert_eq!(read, numbers);
            assert_eq!(column.polars().len(), numbers.len());
        }
        assert!(matches!([1, ABSENT].into_iter().collect(), Wholes::Narrow(_)));
        assert!(matches!([i64::from(i32::MIN)].into_iter().collect(), Wholes::Wide(_)));
    }

    #[test]
    fn rare_ids_come_back_wherever_they_stand() {
        const NONE: u32 = u32::MAX;
        for first in [&[][..], &[NONE, NONE], &[NONE, 1, NONE]] {
            for second in [&[][..], &[NONE], &[2, NONE]] {
                let mut all: RareIds = first.iter().copied().collect();
                let mut more: RareIds = second.iter().copied().collect();
                all.append(&mut more, |id| if id == NONE { NONE } else { id + 10 });
                let column = RareColumn::from_vec("ids", all);
                let wanted =
                    first.iter().copied().chain(second.iter().map(|&id| if id == NONE { NONE } else { id + 10 }));
                let wanted: Vec<u32> = wanted.collect();
                assert_eq!((0..wanted.len()).map(|row| column.at(row)).collect::<Vec<_>>(), wanted);
                assert_eq!(column.polars().len(), wanted.len());
            }
        }
    }
}
