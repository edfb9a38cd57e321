//! Device events -> the calls that launched them -> the operators that own them (METRICS 2).

use super::forest::{Forest, compare};
use crate::trace::Trace;
use crate::trace::events::HostKind;
use crate::units::{Nanoseconds, narrow, widen};
use hashbrown::HashMap;

const NONE: u32 = u32::MAX;

/// Who launched what. Indexed by rows of `Trace::device` and `Trace::host`.
#[derive(Clone, Debug, Default)]
pub struct Launches {
    /// The launching call of every device event.
    call: Vec<u32>,
    /// The node that owns every device event: the innermost operator around the call, else the call itself.
    owner: Vec<u32>,
    /// Whether a host row launched a device event.
    launched: Vec<bool>,
    /// Host calls beyond the first with one correlation, where device events carry it.
    pub duplicate_correlations: u64,
    /// Runtime calls whose names say that they launch, without a device event.
    pub calls_without_event: u64,
}

impl Launches {
    /// Links the events of `trace` to calls; who owns them takes the forest ([`Launches::owned`]).
    #[must_use]
    pub fn link(trace: &Trace) -> Self {
        let (host, device) = (&trace.host, &trace.device);
        let mut calls = Calls::of((0..device.len()).map(|row| device.correlation(row)));
        let launches_by_name = trace.names.each(is_launch_name);
        let mut links = Self { launched: vec![false; host.len()], ..Self::default() };
        for row in 0..host.len() {
            if host.kind(row) != HostKind::Runtime || host.correlation(row) == 0 {
                continue;
            }
            let Some(call) = calls.get_mut(host.correlation(row)) else {
                let is_launch = launches_by_name.get(host.name(row).index()) == Some(&true);
                links.calls_without_event += u64::from(is_launch);
                continue;
            };
            if *call == NONE {
                *call = narrow(row);
                continue;
            }
            links.duplicate_correlations += 1;
            if compare(trace, row, widen(*call)).is_lt() {
                *call = narrow(row);
            }
        }
        links.call =
            (0..device.len()).map(|row| calls.get_mut(device.correlation(row)).map_or(NONE, |call| *call)).collect();
        for &call in &links.call {
            if let Some(launched) = links.launched.get_mut(widen(call)) {
                *launched = true;
            }
        }
        links
    }

    /// The same with the owner of every device event.
    #[must_use]
    pub fn owned(mut self, trace: &Trace, forest: &Forest) -> Self {
        let owner = |call: u32| forest.enclosing_op(trace, widen(call)).unwrap_or_else(|| forest.node_of(widen(call)));
        self.owner = self.call.iter().map(|&call| if call == NONE { NONE } else { narrow(owner(call)) }).collect();
        self
    }

    /// The call that launched the device event `row`, where it is in the file.
    #[must_use]
    pub fn call_of(&self, row: usize) -> Option<usize> {
        self.call.get(row).filter(|&&call| call != NONE).copied().map(widen)
    }

    /// The node that owns the device event `row`, where its launch is in the file.
    #[must_use]
    pub fn owner_of(&self, row: usize) -> Option<usize> {
        self.owner.get(row).filter(|&&owner| owner != NONE).copied().map(widen)
    }

    /// Whether the host row launched a device event.
    #[must_use]
    pub fn is_launch(&self, host_row: usize) -> bool {
        self.launched.get(host_row).copied().unwrap_or(false)
    }
}

/// The call of every correlation that device events carry; `NONE` where none is known (yet).
enum Calls {
    /// Ids count up, as profilers give them: a table of pages, of which those exist that have an id.
    Close {
        first: i64,
        pages: Vec<u32>,
        calls: Vec<[u32; PAGE]>,
    },
    Scattered(HashMap<i64, u32>),
}

const PAGE: usize = 64;
/// A table may have so many pages for each id in it.
const PAGES_PER_ID: usize = 4;
/// Of a page: no device event carries this id.
const NOT_CARRIED: u32 = NONE - 1;

impl Calls {
    /// For the ids of device events; 0 is no id.
    fn of(ids: impl Iterator<Item = i64> + Clone) -> Self {
        let ids = ids.filter(|id| *id != 0);
        let (mut first, mut last, mut count) = (i64::MAX, i64::MIN, 0);
        for id in ids.clone() {
            (first, last, count) = (first.min(id), last.max(id), count + 1);
        }
        let pages = last.checked_sub(first).and_then(|span| usize::try_from(span).ok()).map(|span| span / PAGE + 1);
        let Some(pages) = pages.filter(|pages| *pages <= PAGES_PER_ID * count) else {
            return Self::Scattered(ids.map(|id| (id, NONE)).collect());
        };
        let (mut pages, mut calls) = (vec![NONE; pages], Vec::new());
        for id in ids {
            let Some((page, place)) = place(first, id) else { continue };
            let Some(page) = pages.get_mut(page) else { continue };
            if *page == NONE {
                *page = narrow(calls.len());
                calls.push([NOT_CARRIED; PAGE]);
            }
            if let Some(call) = calls.get_mut(widen(*page)).and_then(|calls| calls.get_mut(place)) {
                *call = NONE;
            }
        }
        Self::Close { first, pages, calls }
    }

    /// The call of `id`; `None` where no device event carries it.
    fn get_mut(&mut self, id: i64) -> Option<&mut u32> {
        match self {
            Self::Close { first, pages, calls } => {
                let (page, place) = place(*first, id)?;
                let call = calls.get_mut(widen(*pages.get(page)?))?.get_mut(place)?;
                (*call != NOT_CARRIED).then_some(call)
            }
            Self::Scattered(calls) => calls.get_mut(&id),
        }
    }
}

/// The page of `id`, and its place there.
fn place(first: i64, id: i64) -> Option<(usize, usize)> {
    let at = usize::try_from(id.checked_sub(first)?).ok()?;
    Some((at / PAGE, at % PAGE))
}

/// Whether a runtime call of this name gives the device work to do.
fn is_launch_name(name: &str) -> bool {
    ["Launch", "Memcpy", "Memset"].iter().any(|word| name.contains(word))
}

/// The durations of all device events of `trace`, summed: what the rows of the operator table add up to.
#[must_use]
pub fn device_time(trace: &Trace) -> Nanoseconds {
    (0..trace.device.len()).map(|row| trace.device.duration(row)).sum()
}
