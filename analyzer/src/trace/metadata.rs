//! What a trace says outside of its events.

use crate::text::Untrusted;

/// One entry of `deviceProperties`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeviceProperties {
    /// `id`.
    pub id: Option<i64>,
    /// `name`; may be empty (ROCm).
    pub name: Untrusted,
    /// `totalGlobalMem`.
    pub memory_bytes: Option<i64>,
    /// `numSms`.
    pub multiprocessors: Option<i64>,
}

/// The keys beside `traceEvents` that the analyses use.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metadata {
    /// `baseTimeNanoseconds`: add it to a timestamp to get Unix nanoseconds (R32).
    pub base_time_ns: Option<i64>,
    /// Whether the first timestamps are absolute without a base (regimes 1 and 2 of TRACE-FORMAT 1.3).
    pub absolute_times: bool,
    /// `deviceProperties`.
    pub devices: Vec<DeviceProperties>,
    /// `distributedInfo.rank`.
    pub rank: Option<i64>,
    /// `distributedInfo.world_size`.
    pub world_size: Option<i64>,
    /// `profile_memory` was on.
    pub profile_memory: bool,
    /// `record_shapes` was on.
    pub record_shapes: bool,
    /// `with_stack` was on.
    pub with_stack: bool,
    /// Lines in `ERROR` and `WARNING`: Kineto's own log.
    pub log_lines: Vec<Untrusted>,
}
