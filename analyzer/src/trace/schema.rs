//! The event tables as polars data frames: the same arrays, shared and not copied.

use super::events::DeviceEvents;
use polars::prelude::{Column, DataFrame, GroupsIndicator, PolarsResult};
use std::collections::BTreeMap;

/// `start_ns duration_ns name kind device stream correlation bytes config`, one row per device event.
///
/// # Errors
/// Never in practice: all columns of a table have one length.
pub fn device_frame(device: &DeviceEvents) -> PolarsResult<DataFrame> {
    frame(vec![
        device.start.polars(),
        device.duration.polars(),
        device.name.polars(),
        device.kind.polars(),
        device.device.polars(),
        device.stream.polars(),
        device.correlation.polars(),
        device.bytes.polars(),
        device.config.polars(),
    ])
}

fn frame(columns: Vec<Column>) -> PolarsResult<DataFrame> {
    DataFrame::new_infer_height(columns)
}

/// The rows of `device` by name: one group per distinct name, in no order that means anything.
#[must_use]
pub fn device_rows_by_name(device: &DeviceEvents) -> Vec<Vec<usize>> {
    let grouped = device_frame(device).and_then(|frame| Ok(frame.group_by(["name"])?.into_groups()));
    // Polars can group a column of ids; were it not to, one group per row would be wrong, and no group a silent loss.
    let Ok(grouped) = grouped else { return device_rows_by_hand(device) };
    grouped
        .iter()
        .map(|group| match group {
            GroupsIndicator::Idx((_, rows)) => rows.iter().map(|&row| row as usize).collect(),
            GroupsIndicator::Slice([first, length]) => (first as usize..(first + length) as usize).collect(),
        })
        .collect()
}

fn device_rows_by_hand(device: &DeviceEvents) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in 0..device.len() {
        groups.entry(device.name(row).column()).or_default().push(row);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sketch::sketch;

    #[test]
    fn both_ways_of_grouping_agree() {
        let trace = sketch(|t| {
            for (at, name) in (0..50).zip(["a", "b", "c"].into_iter().cycle()) {
                t.orphan(name, at * 10..at * 10 + 5);
            }
        });
        let sorted = |mut groups: Vec<Vec<usize>>| {
            groups.sort();
            groups
        };
        let frame = device_frame(&trace.device).unwrap();
        assert_eq!((frame.height(), frame.width()), (50, 9));
        assert_eq!(sorted(device_rows_by_name(&trace.device)), sorted(device_rows_by_hand(&trace.device)));
    }
}
