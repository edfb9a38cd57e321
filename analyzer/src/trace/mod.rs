//! A trace as columns: what happened on the host, on the devices and to memory, with names interned.
//!
//! Polars arrays hold the columns; [`schema`] hands them out as data frames without copying. Sweeps and forests read the
//! slices. Nothing here reads bytes, and no row order means anything: analyses sort by content (R65).

pub mod columns;
pub mod events;
pub mod metadata;
pub mod names;
pub mod schema;
#[cfg(test)]
pub mod sketch;
pub mod tracks;

use crate::units::Timestamp;
use events::{DeviceEvents, HostEvents, LaunchConfig, MemoryRecords, PythonFrames, SyncCalls};
use metadata::Metadata;
use names::{NameId, Names};
use tracks::{Identity, Place, Tracks};

/// One trace: everything that the analyses read.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Every name that the columns refer to.
    pub names: Names,
    /// The host threads.
    pub tracks: Tracks,
    /// Annotations, operators, runtime calls and profiler overhead: the events of the forest (METRICS 1).
    pub host: HostEvents,
    /// Kernels, copies, fills and accelerator packets.
    pub device: DeviceEvents,
    /// Launch configurations, each once; `DeviceEvents::config` points here.
    pub configs: Vec<LaunchConfig>,
    /// Python stack frames.
    pub python: PythonFrames,
    /// Runtime calls that waited, as the profiler's synchronisation rows name them.
    pub syncs: SyncCalls,
    /// Allocations and frees.
    pub memory: MemoryRecords,
    /// What the file says outside of its events.
    pub metadata: Metadata,
    /// The start of the earliest complete event (outliers aside): the zero of every printed point in time.
    pub origin: Timestamp,
}

impl Trace {
    /// A place as its file spells it: an order that does not depend on when a name was met.
    #[must_use]
    pub fn spelled(&self, place: Place) -> [(i64, &str); 2] {
        [place.process, place.thread].map(|identity| match identity {
            Identity::Whole(number) => (number, ""),
            Identity::Text(name) => (i64::MAX, self.names.get(NameId::from_column(name))),
        })
    }

    /// Whether this is a GPU trace: it has at least one device event (METRICS 4).
    #[must_use]
    pub fn has_device_events(&self) -> bool {
        !self.device.is_empty()
    }
}
