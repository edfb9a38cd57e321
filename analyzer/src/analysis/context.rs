//! What several analyses need of one trace, worked out once.

use super::Grouping;
use super::categories::{self, CategoryRow};
use super::checks;
use super::forest::Forest;
use super::kernels::{self, KernelRow};
use super::launches::Launches;
use super::memory::{self, MemoryRow};
use super::ops::{self, OpRow, RankedOp};
use super::pieces::Pieces;
use super::steps::Steps;
use super::timeline::{self, DeviceRow};
use crate::audit::Finding;
use crate::trace::Trace;
use crate::units::Nanoseconds;
use std::sync::OnceLock;

/// A trace, and what is known of it.
pub struct Context<'t> {
    /// The trace.
    pub trace: &'t Trace,
    /// How host events nest.
    pub forest: Forest,
    /// Which call launched which device event.
    pub launches: Launches,
    /// The training steps.
    pub steps: Steps,
    answers: Answers,
}

/// Answers that several analyses need, or the report beside them, worked out when the first asks. (They must not use
/// rayon: a thread that waits inside for others could be given work that asks again. `kernels` waits for polars' threads, so
/// nothing that another thread could be given may ask for it.)
#[derive(Default)]
struct Answers {
    pieces: OnceLock<Pieces>,
    memory: OnceLock<Vec<MemoryRow>>,
    operators: OnceLock<Vec<OpRow>>,
    devices: OnceLock<Vec<DeviceRow>>,
    kernels: OnceLock<Vec<KernelRow>>,
    categories: OnceLock<Vec<CategoryRow>>,
}

impl<'t> Context<'t> {
    /// Works out what the analyses share.
    #[must_use]
    pub fn new(trace: &'t Trace) -> Self {
        Self::build(trace, None)
    }

    /// The same for a trace of which only some steps were kept: these, as the whole trace has them.
    #[must_use]
    pub fn with_steps(trace: &'t Trace, steps: Steps) -> Self {
        Self::build(trace, Some(steps))
    }

    fn build(trace: &'t Trace, steps: Option<Steps>) -> Self {
        let linked = || {
            let launches = Launches::link(trace);
            let steps = match steps {
                Some(steps) => steps.bound_to(trace, &launches),
                None => Steps::find(trace, &launches),
            };
            (launches, steps)
        };
        let (forest, (launches, steps)) = rayon::join(|| Forest::grow(trace), linked);
        let launches = launches.owned(trace, &forest);
        Self { trace, forest, launches, steps, answers: Answers::default() }
    }

    /// The category of every piece of time.
    pub fn pieces(&self) -> &Pieces {
        self.answers.pieces.get_or_init(|| Pieces::classify(self.trace, &self.forest, &self.launches))
    }

    /// The memory of every allocator device.
    pub fn memory(&self) -> &[MemoryRow] {
        self.answers.memory.get_or_init(|| memory::rows(self))
    }

    /// The operator rows by name.
    pub fn operators(&self) -> &[OpRow] {
        self.answers.operators.get_or_init(|| ops::rows(self, Grouping::Name))
    }

    /// The operator rows by rank, and the host self time of them all: those of [`operators`](Self::operators), which need not
    /// be worked out for them.
    pub fn ranking(&self) -> (Vec<RankedOp>, Nanoseconds) {
        match self.answers.operators.get() {
            Some(rows) => (rows.iter().map(RankedOp::from).collect(), rows.iter().map(|row| row.host_self).sum()),
            None => ops::ranking(self),
        }
    }

    /// The timeline of every device.
    pub fn devices(&self) -> &[DeviceRow] {
        self.answers.devices.get_or_init(|| timeline::rows(self))
    }

    /// Total and busy time of every device: those of [`devices`](Self::devices), which need not be worked out for them.
    pub fn device_times(&self) -> Vec<(Nanoseconds, Nanoseconds)> {
        match self.answers.devices.get() {
            Some(devices) => devices.iter().map(|device| (device.total(), device.busy)).collect(),
            None => timeline::total_and_busy(self.trace),
        }
    }

    /// The kernel rows.
    pub fn kernels(&self) -> &[KernelRow] {
        self.answers.kernels.get_or_init(|| kernels::rows(self))
    }

    /// The category rows.
    pub fn categories(&self) -> &[CategoryRow] {
        self.answers.categories.get_or_init(|| categories::rows(self))
    }

    /// Works out all of these answers, side by side, and what was found: for whoever needs everything.
    pub fn everything(&self) -> Vec<Finding> {
        self.pieces(); // which most of the others need
        let time = || rayon::join(|| self.operators().len(), || self.categories().len());
        let device = || rayon::join(|| self.devices().len(), || (self.kernels().len(), self.memory().len()));
        rayon::join(|| self.findings(), || rayon::join(time, device)).0
    }

    /// What the analyses found to be wrong with the trace (METRICS 8).
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        checks::findings(self)
    }
}
