//! Traces drawn in code, for tests of the analyses: times are nanoseconds, threads and devices are numbers.
//!
//! ```text
//! let trace = sketch(|t| {
//!     t.op("aten::mm", 10..60, |t| t.launch("gemm", 20..25, 30..50));
//! });
//! ```

use super::Trace;
use super::events::{
    ABSENT, DeviceBuilder, DeviceEvent, DeviceKind, HostBuilder, HostEvent, HostKind, LaunchConfig, MemoryBuilder,
    MemoryRecord, PythonBuilder,
};
use super::names::{NameId, Names};
use super::tracks::{Identity, Place, TrackId, Tracks};
use crate::units::{Bytes, Timestamp};
use std::ops::Range;

/// The pencil.
pub(crate) struct Sketch {
    names: Names,
    tracks: Tracks,
    host: HostBuilder,
    device: DeviceBuilder,
    memory: MemoryBuilder,
    python: PythonBuilder,
    thread: TrackId,
    stream: i64,
    correlation: i64,
}

/// The trace that `draw` draws, on thread 1 until it says otherwise.
pub(crate) fn sketch(draw: impl FnOnce(&mut Sketch)) -> Trace {
    let mut tracks = Tracks::default();
    let thread = tracks.intern(Place { process: Identity::Whole(1), thread: Identity::Whole(1) });
    let mut sketch = Sketch {
        names: Names::default(),
        tracks,
        host: HostBuilder::default(),
        device: DeviceBuilder::default(),
        memory: MemoryBuilder::default(),
        python: PythonBuilder::default(),
        thread,
        stream: 7,
        correlation: 0,
    };
    draw(&mut sketch);
    Trace {
        names: sketch.names,
        tracks: sketch.tracks,
        host: sketch.host.finish(),
        device: sketch.device.finish(),
        memory: sketch.memory.finish(),
        python: sketch.python.finish(),
        configs: vec![LaunchConfig::default()],
        ..Trace::default()
    }
}

fn at(time: i64) -> Timestamp {
    Timestamp::from_nanoseconds(time)
}

impl Sketch {
    fn host(&mut self, kind: HostKind, name: &str, time: Range<i64>, correlation: i64) {
        let name = self.names.intern(name);
        self.host.push(HostEvent {
            start: at(time.start),
            end: at(time.end),
            name,
            track: self.thread,
            kind,
            external_id: ABSENT,
            correlation,
            shapes: NameId::NONE,
            module: NameId::NONE,
        });
    }

    /// An operator, and what is drawn inside it.
    pub(crate) fn op(&mut self, name: &str, time: Range<i64>, inside: impl FnOnce(&mut Self)) {
        self.host(HostKind::Op, name, time, 0);
        inside(self);
    }

    /// A user annotation, and what is drawn inside it.
    pub(crate) fn annotation(&mut self, name: &str, time: Range<i64>, inside: impl FnOnce(&mut Self)) {
        self.host(HostKind::Annotation, name, time, 0);
        inside(self);
    }

    /// A runtime call that launches nothing.
    pub(crate) fn call(&mut self, name: &str, time: Range<i64>) {
        self.host(HostKind::Runtime, name, time, 0);
    }

    /// Profiler overhead, on a thread of no process.
    pub(crate) fn overhead(&mut self, name: &str, time: Range<i64>) {
        let nowhere = Place { process: Identity::Whole(-1), thread: Identity::Whole(0) };
        let thread = std::mem::replace(&mut self.thread, self.tracks.intern(nowhere));
        self.host(HostKind::Overhead, name, time, 0);
        self.thread = thread;
    }

    /// A launch call and its kernel.
    pub(crate) fn launch(&mut self, kernel: &str, call: Range<i64>, time: Range<i64>) {
        self.correlation += 1;
        self.host(HostKind::Runtime, "cudaLaunchKernel", call, self.correlation);
        self.device_event(kernel, DeviceKind::Kernel, time, self.correlation);
    }

    /// A kernel whose launch is not in the file.
    pub(crate) fn orphan(&mut self, kernel: &str, time: Range<i64>) {
        self.device_event(kernel, DeviceKind::Kernel, time, 0);
    }

    /// One more kernel of the last launch (a graph).
    pub(crate) fn same_launch(&mut self, kernel: &str, time: Range<i64>) {
        self.device_event(kernel, DeviceKind::Kernel, time, self.correlation);
    }

    /// A copy call and its copy.
    pub(crate) fn copy(&mut self, name: &str, call: Range<i64>, time: Range<i64>) {
        self.correlation += 1;
        self.host(HostKind::Runtime, "cudaMemcpyAsync", call, self.correlation);
        self.device_event(name, DeviceKind::Memcpy, time, self.correlation);
    }

    fn device_event(&mut self, name: &str, kind: DeviceKind, time: Range<i64>, correlation: i64) {
        let name = self.names.intern(name);
        self.device.push(DeviceEvent {
            start: at(time.start),
            end: at(time.end),
            name,
            kind,
            device: 0,
            stream: self.stream,
            correlation,
            bytes: ABSENT,
            config: 0,
        });
    }

    /// An allocation (or a free, by negative bytes) of `device_type`, after which `allocated` bytes are in use.
    pub(crate) fn memory(&mut self, time: i64, device_type: i64, address: i64, bytes: i64, allocated: i64) {
        self.memory.push(MemoryRecord {
            time: at(time),
            track: self.thread,
            device_type,
            device_id: 0,
            address,
            bytes: Bytes::new(bytes),
            allocated,
            reserved: ABSENT,
            index: ABSENT,
        });
    }

    /// A Python frame.
    pub(crate) fn frame(&mut self, name: &str, time: Range<i64>) {
        let name = self.names.intern(name);
        self.python.push(at(time.start), at(time.end), name, self.thread);
    }

    /// Draws on another thread of the same process.
    pub(crate) fn on_thread(&mut self, number: i64, inside: impl FnOnce(&mut Self)) {
        let place = Place { process: Identity::Whole(1), thread: Identity::Whole(number) };
        let thread = std::mem::replace(&mut self.thread, self.tracks.intern(place));
        inside(self);
        self.thread = thread;
    }

    /// Draws on another stream.
    pub(crate) fn on_stream(&mut self, stream: i64, inside: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.stream, stream);
        inside(self);
        self.stream = before;
    }
}
