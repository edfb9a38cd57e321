//! The event tables as polars data frames: the same arrays, shared and not copied.

use super::events::{DeviceEvents, HostEvents};
use polars::prelude::{Column, DataFrame, GroupsIndicator, IntoColumn as _, PolarsResult};

/// `start_ns end_ns name track kind external_id correlation shapes module`, one row per host event.
///
/// # Errors
/// Never in practice: all columns of a table have one length.
pub fn host_frame(host: &HostEvents) -> PolarsResult<DataFrame> {
    frame(vec![
        host.start.array().clone().into_column(),
        host.end.array().clone().into_column(),
        host.name.array().clone().into_column(),
        host.track.array().clone().into_column(),
        host.kind.array().clone().into_column(),
        host.external_id.array().clone().into_column(),
        host.correlation.array().clone().into_column(),
        host.shapes.array().clone().into_column(),
        host.module.array().clone().into_column(),
    ])
}

/// `start_ns end_ns name kind device stream correlation bytes config`, one row per device event.
///
/// # Errors
/// Never in practice: all columns of a table have one length.
pub fn device_frame(device: &DeviceEvents) -> PolarsResult<DataFrame> {
    frame(vec![
        device.start.array().clone().into_column(),
        device.end.array().clone().into_column(),
        device.name.array().clone().into_column(),
        device.kind.array().clone().into_column(),
        device.device.array().clone().into_column(),
        device.stream.array().clone().into_column(),
        device.correlation.array().clone().into_column(),
        device.bytes.array().clone().into_column(),
        device.config.array().clone().into_column(),
    ])
}

fn frame(columns: Vec<Column>) -> PolarsResult<DataFrame> {
    DataFrame::new_infer_height(columns)
}

/// The rows of `device` by name: one group per distinct name, in no order that means anything.
///
/// # Errors
/// Where polars cannot group, which would be a fault of ours.
pub fn device_rows_by_name(device: &DeviceEvents) -> PolarsResult<Vec<Vec<usize>>> {
    let grouped = device_frame(device)?.group_by(["name"])?.into_groups();
    let groups = grouped.iter().map(|group| match group {
        GroupsIndicator::Idx((_, rows)) => rows.iter().map(|&row| row as usize).collect(),
        GroupsIndicator::Slice([first, length]) => (first as usize..(first + length) as usize).collect(),
    });
    Ok(groups.collect())
}
