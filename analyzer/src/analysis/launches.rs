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
    /// Ids count up, as profilers give them: neighbours stand together, and mostly follow each other.
    Close(Pages),
    Scattered(HashMap<i64, u32>),
}

/// A table of the pages that have an id.
struct Pages {
    index: HashMap<i64, u32>,
    calls: Vec<[u32; PAGE]>,
    /// The page that was asked for last, and where it stands, or `NONE`.
    last: (i64, u32),
}

const PAGE: usize = 64;
/// There are so many ids to a page at least, or they are not close.
const LEAST_IDS_PER_PAGE: usize = 4;
/// Of a page: no device event carries this id.
const NOT_CARRIED: u32 = NONE - 1;

impl Calls {
    /// For the ids of device events; 0 is no id.
    fn of(ids: impl Iterator<Item = i64> + Clone) -> Self {
        let ids = ids.filter(|id| *id != 0);
        let (mut count, mut turns, mut last) = (0, 0, i64::MAX);
        for id in ids.clone() {
            let (page, _) = place(id);
            (count, turns) = (count + 1, turns + usize::from(page != last));
            last = page;
        }
        if turns > count / LEAST_IDS_PER_PAGE {
            return Self::Scattered(ids.map(|id| (id, NONE)).collect());
        }
        let mut pages = Pages { index: HashMap::new(), calls: Vec::new(), last: (i64::MAX, NONE) };
        for id in ids {
            let (page, place) = place(id);
            let at = pages.find(page).unwrap_or_else(|| pages.add(page));
            pages.calls[widen(at)][place] = NONE;
        }
        Self::Close(pages)
    }

    /// The call of `id`; `None` where no device event carries it.
    fn get_mut(&mut self, id: i64) -> Option<&mut u32> {
        match self {
            Self::Close(pages) => {
                let (page, place) = place(id);
                let at = pages.find(page)?;
                let call = pages.calls.get_mut(widen(at))?.get_mut(place)?;
                (*call != NOT_CARRIED).then_some(call)
            }
            Self::Scattered(calls) => calls.get_mut(&id),
        }
    }
}

impl Pages {
    fn find(&mut self, page: i64) -> Option<u32> {
        if page != self.last.0 {
            self.last = (page, self.index.get(&page).copied().unwrap_or(NONE));
        }
        Some(self.last.1).filter(|&at| at != NONE)
    }

    fn add(&mut self, page: i64) -> u32 {
        let at = narrow(self.calls.len());
        self.calls.push([NOT_CARRIED; PAGE]);
        self.index.insert(page, at);
        self.last = (page, at);
        at
    }
}

/// The page of `id`, and its place there.
fn place(id: i64) -> (i64, usize) {
    (id >> PAGE.trailing_zeros(), usize::from(id.to_le_bytes()[0]) % PAGE)
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
