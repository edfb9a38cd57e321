//! What a complete event is, by its `cat` (TRACE-FORMAT 2.1, R50): compared without case, with the old names.

use crate::trace::events::{DeviceKind, HostKind};

/// What a complete event (`ph` X) is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Category {
    /// In the host forest.
    Host(HostKind),
    /// Work of a device.
    Device(DeviceKind),
    /// A Python stack frame.
    Python,
    /// A row of the profiler that says what the host waited for.
    Sync,
    /// The profiler's own span: the capture window.
    Span,
    /// Known, and part of no analysis.
    Aside,
    /// Not known: counted and kept in the extent.
    Unknown,
}

/// Categories that Kineto writes and no analysis uses.
const ASIDE: [&str; 16] = [
    "gpu_user_annotation",
    "cuda_profiler_range",
    "external_correlation",
    "mtia_insight",
    "cuda_event",
    "mtia_counters",
    "hpu_op",
    "xpu_sync",
    "xpu_scope_profiler",
    "collective_comm",
    "hardware_counters",
    "ac2g",
    "fwdbwd",
    "cpu_instant_event",
    "net",
    "async",
];

impl Category {
    const ALL: [Self; 13] = [
        Self::Host(HostKind::Annotation),
        Self::Host(HostKind::Op),
        Self::Host(HostKind::Runtime),
        Self::Host(HostKind::Overhead),
        Self::Device(DeviceKind::Kernel),
        Self::Device(DeviceKind::Memcpy),
        Self::Device(DeviceKind::Memset),
        Self::Device(DeviceKind::Packet),
        Self::Python,
        Self::Sync,
        Self::Span,
        Self::Aside,
        Self::Unknown,
    ];

    /// A number for it.
    pub(super) fn code(self) -> i64 {
        let place = Self::ALL.into_iter().zip(0..).find(|(category, _)| *category == self);
        place.map_or(-1, |(_, code)| code)
    }

    /// The category of such a number.
    pub(super) fn of_code(code: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }
}

/// The category that `cat` names.
pub(super) fn category(cat: &[u8]) -> Category {
    exact(cat).or_else(|| exact(&cat.to_ascii_lowercase())).unwrap_or(Category::Unknown)
}

fn exact(cat: &[u8]) -> Option<Category> {
    Some(match cat {
        b"cpu_op" | b"operator" => Category::Host(HostKind::Op),
        b"cuda_runtime"
        | b"cuda_driver"
        | b"runtime"
        | b"hip_runtime"
        | b"hip_driver"
        | b"xpu_runtime"
        | b"xpu_driver"
        | b"mtia_runtime"
        | b"glow_runtime"
        | b"privateuse1_runtime"
        | b"privateuse1_driver" => Category::Host(HostKind::Runtime),
        b"user_annotation" => Category::Host(HostKind::Annotation),
        b"overhead" => Category::Host(HostKind::Overhead),
        b"kernel" => Category::Device(DeviceKind::Kernel),
        b"gpu_memcpy" | b"memcpy" => Category::Device(DeviceKind::Memcpy),
        b"gpu_memset" | b"memset" => Category::Device(DeviceKind::Memset),
        b"mtia_ccp_events" => Category::Device(DeviceKind::Packet),
        b"python_function" => Category::Python,
        b"cuda_sync" => Category::Sync,
        b"trace" => Category::Span,
        _ if ASIDE.iter().any(|aside| aside.as_bytes() == cat) => Category::Aside,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_and_other_cases_are_the_same() {
        assert_eq!(category(b"Operator"), Category::Host(HostKind::Op));
        assert_eq!(category(b"Kernel"), Category::Device(DeviceKind::Kernel));
        assert_eq!(category(b"Memset"), Category::Device(DeviceKind::Memset));
        assert_eq!(category(b"Trace"), Category::Span);
        assert_eq!(category(b"CUDA_Runtime"), Category::Host(HostKind::Runtime));
        assert_eq!(category(b"ascend_thing"), Category::Unknown);
    }
}
