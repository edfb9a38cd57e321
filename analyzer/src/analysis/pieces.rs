//! The category of every piece of time (METRICS 4): each device event, and the self time of each host node.
//!
//! Rules speak of names, so they are asked once per distinct name. A node inherits from its ancestors what they decide
//! (outermost scope, innermost op and helper), so that one look at it equals a look at its whole path.

use super::forest::Forest;
use super::launches::Launches;
use crate::catalog::categories::{self as rules, HostVerdict, KernelVerdict, OpCategory, Rules, decide};
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, HostKind};
use hashbrown::HashMap;

/// Categories by row.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// Of each row of `Trace::device`.
    pub device: Vec<OpCategory>,
    /// Of the host self time of each row of `Trace::host`.
    pub host: Vec<OpCategory>,
}

impl Pieces {
    /// Classifies every piece of `trace`.
    #[must_use]
    pub fn classify(trace: &Trace, forest: &Forest, launches: &Launches) -> Self {
        let verdicts = inherited(trace, forest);
        let host = verdicts.iter().map(|verdict| decide(std::iter::once(verdict), None)).collect();
        let mut kernels: HashMap<(u32, DeviceKind), KernelVerdict> = HashMap::new();
        let device = (0..trace.device.len())
            .map(|row| {
                let (name, kind) = (trace.device.name(row), trace.device.kind(row));
                let verdict = *kernels
                    .entry((name.column(), kind))
                    .or_insert_with(|| kernel_verdict(trace.names.get(name), kind));
                let call = launches.call_of(row).map(|call| forest.node_of(call));
                decide(call.and_then(|call| verdicts.get(call)).into_iter(), Some(verdict))
            })
            .collect();
        Self { device, host }
    }

    /// The category of the device event `row`.
    #[must_use]
    pub fn of_device(&self, row: usize) -> OpCategory {
        self.device.get(row).copied().unwrap_or(OpCategory::Other)
    }

    /// The category of the self time of the host node `row`.
    #[must_use]
    pub fn of_host(&self, row: usize) -> OpCategory {
        self.host.get(row).copied().unwrap_or(OpCategory::Other)
    }
}

/// What the rules say of a device event's name. Copies are copies whatever they are called.
fn kernel_verdict(name: &str, kind: DeviceKind) -> KernelVerdict {
    let mut verdict = Rules::embedded().kernel(name);
    if kind == DeviceKind::Memcpy && verdict.alone.is_none() {
        verdict.alone = OpCategory::from_name("Memory copy");
    }
    verdict
}

/// The verdict of every host row with what its ancestors decide.
fn inherited(trace: &Trace, forest: &Forest) -> Vec<(rules::HostKind, HostVerdict)> {
    let host = &trace.host;
    let rules = Rules::embedded();
    // By name and kind: every node asks.
    let mut by_name: Vec<[Option<HostVerdict>; HostKind::COUNT]> = vec![Default::default(); trace.names.len()];
    let mut verdicts = vec![(rules::HostKind::Overhead, HostVerdict::default()); host.len()];
    for row in forest.nodes() {
        let (name, kind) = (host.name(row), host.kind(row));
        let rule_kind = match kind {
            HostKind::Annotation => rules::HostKind::Annotation,
            HostKind::Op => rules::HostKind::Op,
            HostKind::Runtime => rules::HostKind::Runtime,
            HostKind::Overhead => rules::HostKind::Overhead,
        };
        let known = by_name.get_mut(name.index()).and_then(|kinds| kinds.get_mut(kind as usize));
        let ask = || rules.host(trace.names.get(name), rule_kind);
        let mut verdict = known.map_or_else(ask, |known| *known.get_or_insert_with(ask));
        if let Some((_, above)) = forest.parent(row).and_then(|parent| verdicts.get(parent)) {
            verdict.scope = above.scope.or(verdict.scope);
            verdict.op = verdict.op.or(above.op);
            verdict.helper = verdict.helper.or(above.helper);
        }
        if let Some(slot) = verdicts.get_mut(row) {
            *slot = (rule_kind, verdict);
        }
    }
    verdicts
}
