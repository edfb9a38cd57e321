//! Kernels by full name (METRICS 3): calls, times, launch configuration, occupancy, Tensor Core use.
//!
//! Polars groups the rows; sums, means and deviations are formed from exact integers, so that no order of events changes
//! a digit.

use super::context::Context;
use super::{Analysis, Question};
use crate::catalog::categories::OpCategory;
use crate::catalog::kernel_names::{kernel_precision, short_name, uses_tensor_cores};
use crate::table::{Cell, Column, Table, Unit, Why, headings};
use crate::text::Untrusted;
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, LaunchConfig};
use crate::trace::schema;
use crate::units::{Nanoseconds, count, round_places, share, to_f64, wide_to_f64};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "kernels",
    about: "GPU kernels: calls, time, launch configuration, occupancy, Tensor Core use",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: true,
};

/// One row of the kernel table.
#[derive(Clone, PartialEq, Debug)]
pub struct KernelRow {
    /// The full name.
    pub name: Untrusted,
    /// Executions.
    pub calls: u64,
    /// Durations summed.
    pub total: Nanoseconds,
    /// The shortest.
    pub shortest: Nanoseconds,
    /// The longest.
    pub longest: Nanoseconds,
    /// Standard deviation (n - 1) in nanoseconds; `None` for one call.
    pub deviation: Option<f64>,
    /// `total` of the sum over all kernels.
    pub share: Option<f64>,
    /// The category that holds most of its time.
    pub category: OpCategory,
    /// The most frequent launch configuration (tie: the smallest).
    pub config: LaunchConfig,
    /// Duration-weighted mean of blocks per multiprocessor.
    pub blocks_per_sm: Option<f64>,
    /// Duration-weighted mean of the estimated achieved occupancy, 0..1.
    pub occupancy: Option<f64>,
}

fn in_trace<T: Into<Cell>>(value: Option<T>) -> Cell {
    value.map_or(Cell::Absent(Why::NotInTrace), Into::into)
}

/// The columns of the kernel table.
pub const COLUMNS: &[Column<KernelRow>] = &[
    Column {
        key: "name",
        unit: Unit::Text,
        shown: false,
        says: "full name of the kernel",
        cell: |row| row.name.clone().into(),
    },
    Column {
        key: "short_name",
        unit: Unit::Text,
        shown: true,
        says: "the name without what does not tell kernels apart",
        cell: |row| Untrusted::from(short_name(row.name.raw())).into(),
    },
    Column {
        key: "calls",
        unit: Unit::Count,
        shown: true,
        says: "kernel events of this full name",
        cell: |row| row.calls.into(),
    },
    Column {
        key: "total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "durations of these events, summed",
        cell: |row| row.total.into(),
    },
    Column {
        key: "mean",
        unit: Unit::DecimalNanoseconds,
        shown: true,
        says: "total over calls",
        cell: |row| row.total.mean_over(row.calls).map(|mean| round_places(mean, 3)).into(),
    },
    Column {
        key: "min",
        unit: Unit::Nanoseconds,
        shown: false,
        says: "the shortest duration",
        cell: |row| row.shortest.into(),
    },
    Column {
        key: "max",
        unit: Unit::Nanoseconds,
        shown: false,
        says: "the longest duration",
        cell: |row| row.longest.into(),
    },
    Column {
        key: "std",
        unit: Unit::DecimalNanoseconds,
        shown: false,
        says: "standard deviation of the durations (n - 1); absent for one call",
        cell: |row| row.deviation.map(|deviation| round_places(deviation, 3)).into(),
    },
    Column {
        key: "share",
        unit: Unit::Share,
        shown: true,
        says: "total of the sum over all kernels (copies and fills are no kernels)",
        cell: |row| row.share.into(),
    },
    Column {
        key: "category",
        unit: Unit::Text,
        shown: true,
        says: "the category that holds most of the kernel's time",
        cell: |row| row.category.name().into(),
    },
    Column {
        key: "tensor_core",
        unit: Unit::Flag,
        shown: true,
        says: "whether the name is that of a Tensor Core (or matrix core) kernel; absent where the name does not tell",
        cell: |row| in_trace(uses_tensor_cores(row.name.raw())),
    },
    Column {
        key: "precision",
        unit: Unit::Text,
        shown: true,
        says: "input precision as the name shows it; absent where it does not",
        cell: |row| in_trace(kernel_precision(row.name.raw())),
    },
    Column {
        key: "grid",
        unit: Unit::Nested,
        shown: false,
        says: "blocks in x, y, z of the most frequent launch configuration",
        cell: |row| in_trace(row.config.grid.map(Vec::from)),
    },
    Column {
        key: "block",
        unit: Unit::Nested,
        shown: false,
        says: "threads of a block in x, y, z of the most frequent launch configuration",
        cell: |row| in_trace(row.config.block.map(Vec::from)),
    },
    Column {
        key: "registers",
        unit: Unit::Count,
        shown: false,
        says: "registers per thread of the most frequent configuration",
        cell: |row| in_trace(row.config.registers),
    },
    Column {
        key: "shared_memory",
        unit: Unit::Bytes,
        shown: false,
        says: "shared memory per block of the most frequent configuration",
        cell: |row| in_trace(row.config.shared_memory_bytes),
    },
    Column {
        key: "blocks_per_sm",
        unit: Unit::Decimal,
        shown: false,
        says: "blocks per multiprocessor, weighted by duration",
        cell: |row| in_trace(row.blocks_per_sm.map(|value| round_places(value, 6))),
    },
    Column {
        key: "occupancy",
        unit: Unit::Fraction,
        shown: true,
        says: "estimated achieved occupancy (0..1), weighted by duration",
        cell: |row| in_trace(row.occupancy.map(|value| round_places(value, 6))),
    },
];

fn table(question: &Question<'_>) -> Table {
    Table::new("kernels", COLUMNS, question.context.kernels()).or_empty_because(Why::NoDevice)
}

/// The rows of `context`'s trace, by total descending, then name.
#[must_use]
pub fn rows(context: &Context<'_>) -> Vec<KernelRow> {
    let trace = context.trace;
    let groups = groups_by_name(trace);
    let all: Nanoseconds = groups.iter().flatten().map(|&row| trace.device.duration(row)).sum();
    let mut rows: Vec<KernelRow> = groups.iter().filter_map(|group| row(context, group, all)).collect();
    rows.sort_by(|left, right| (Reverse(left.total), &left.name).cmp(&(Reverse(right.total), &right.name)));
    rows
}

/// The device rows of each kernel name.
fn groups_by_name(trace: &Trace) -> Vec<Vec<usize>> {
    schema::device_rows_by_name(&trace.device)
        .into_iter()
        .map(|group| group.into_iter().filter(|&row| trace.device.kind(row) == DeviceKind::Kernel).collect())
        .filter(|group: &Vec<usize>| !group.is_empty())
        .collect()
}

fn row(context: &Context<'_>, group: &[usize], all: Nanoseconds) -> Option<KernelRow> {
    let device = &context.trace.device;
    let durations = || group.iter().map(|&row| device.duration(row));
    let total: Nanoseconds = durations().sum();
    let squares: i128 = durations().map(|length| i128::from(length.get()) * i128::from(length.get())).sum();
    let config = |row: usize| context.trace.configs.get(device.config(row)).copied().unwrap_or_default();
    let mut configs: BTreeMap<LaunchConfig, u64> = BTreeMap::new();
    let mut categories: BTreeMap<OpCategory, Nanoseconds> = BTreeMap::new();
    for &row in group {
        *configs.entry(config(row)).or_default() += 1;
        *categories.entry(context.pieces().of_device(row)).or_default() += device.duration(row);
    }
    let weighted = |value: fn(&LaunchConfig) -> Option<i64>| {
        weighted_mean(group.iter().filter_map(|&row| Some((value(&config(row))?, device.duration(row)))))
    };
    Some(KernelRow {
        name: context.trace.names.untrusted(device.name(*group.first()?)),
        calls: count(group.len()),
        total,
        shortest: durations().min()?,
        longest: durations().max()?,
        deviation: deviation(i128::from(count(group.len())), i128::from(total.get()), squares),
        share: share(total, all),
        category: categories.into_iter().min_by_key(|(category, time)| (Reverse(*time), category.name()))?.0,
        config: configs.into_iter().min_by_key(|(config, calls)| (Reverse(*calls), *config))?.0,
        blocks_per_sm: weighted(|config| config.blocks_per_sm_millionths).map(|mean| mean / 1e6),
        occupancy: weighted(|config| config.occupancy_percent).map(|mean| mean / 100.0),
    })
}

/// The mean of values weighted by durations; the plain mean where no duration has a length.
fn weighted_mean(values: impl Iterator<Item = (i64, Nanoseconds)> + Clone) -> Option<f64> {
    let weight: i128 = values.clone().map(|(_, length)| i128::from(length.get())).sum();
    if weight > 0 {
        let sum: i128 = values.map(|(value, length)| i128::from(value) * i128::from(length.get())).sum();
        return Some(wide_to_f64(sum) / wide_to_f64(weight));
    }
    let samples = count(values.clone().count());
    let sum: i64 = values.map(|(value, _)| value).fold(0, i64::saturating_add);
    (samples > 0).then(|| to_f64(sum) / crate::units::count_to_f64(samples))
}

/// The standard deviation (n - 1) from exact sums; `None` for fewer than two samples.
#[must_use]
pub fn deviation(samples: i128, sum: i128, squares: i128) -> Option<f64> {
    if samples < 2 {
        return None;
    }
    let numerator = samples.checked_mul(squares)?.checked_sub(sum.checked_mul(sum)?)?;
    Some((wide_to_f64(numerator) / (wide_to_f64(samples) * wide_to_f64(samples - 1))).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_exact_where_floats_would_cancel() {
        // 10^15 and 10^15 + 2: squares differ in their 31st digit.
        let (a, b) = (1_000_000_000_000_000_i128, 1_000_000_000_000_002_i128);
        let found = deviation(2, a + b, a * a + b * b).unwrap();
        assert!((found - 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(deviation(1, 5, 25), None);
    }
}
