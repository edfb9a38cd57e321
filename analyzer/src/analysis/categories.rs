//! Where the time goes, twice (METRICS 4): by operator category, and as an exclusive partition of the steps' time.
//!
//! The first sums pieces (device self time, or host self time on a CPU trace); the second cuts the steps' spans by what
//! was going on, the first role of the list winning. Each sums to its whole exactly.

use super::context::Context;
use super::intervals::Span;
use super::timeline::Communication;
use super::{Analysis, Question};
use crate::catalog::categories::OpCategory;
use crate::table::{Column, Table, Unit, headings};
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, HostKind};
use crate::units::{Nanoseconds, share};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "categories",
    about: "where the time goes: by operator category, and as a partition of the steps' time",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: false,
};

/// The two breakdowns, which are never mixed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Self time by operator category.
    Op,
    /// The steps' time by what was going on.
    Step,
}

/// One row of a breakdown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CategoryRow {
    /// Which breakdown.
    pub kind: Kind,
    /// Whether the time is the device's or the host's.
    pub on_device: bool,
    /// The category or role.
    pub category: &'static str,
    /// Its time.
    pub time: Nanoseconds,
    /// Of the breakdown's whole.
    pub share: Option<f64>,
}

/// The columns.
pub const COLUMNS: &[Column<CategoryRow>] = &[
    Column {
        key: "kind",
        unit: Unit::Text,
        shown: true,
        says: "op: self time by operator category; step: the steps' time, each instant given to the first role that holds it (Kernel, Communication, Memcpy, Memset, Runtime, DataLoader, CPU exec, else Idle)",
        cell: |row| match row.kind {
            Kind::Op => "op".into(),
            Kind::Step => "step".into(),
        },
    },
    Column {
        key: "side",
        unit: Unit::Text,
        shown: true,
        says: "device or host",
        cell: |row| if row.on_device { "device".into() } else { "host".into() },
    },
    Column {
        key: "category",
        unit: Unit::Text,
        shown: true,
        says: "the category or role",
        cell: |row| row.category.into(),
    },
    Column {
        key: "time",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "op: device self time (CPU trace: host self time) of its pieces; step: time of the steps' spans",
        cell: |row| row.time.into(),
    },
    Column {
        key: "share",
        unit: Unit::Share,
        shown: true,
        says: "of the sum of the breakdown",
        cell: |row| row.share.into(),
    },
];

fn table(question: &Question<'_>) -> Table {
    Table::new("categories", COLUMNS, question.context.categories())
}

/// Both breakdowns: operator categories, then the steps' partition, each by time descending, then name.
#[must_use]
pub fn rows(context: &Context<'_>) -> Vec<CategoryRow> {
    let on_device = context.trace.has_device_events();
    let op = by_op(context).into_iter().map(|(category, time)| CategoryRow {
        kind: Kind::Op,
        on_device,
        category: category.name(),
        time,
        share: None,
    });
    let step = step_partition(context).into_iter().map(|(role, time)| CategoryRow {
        kind: Kind::Step,
        on_device: role.is_device(),
        category: role.name(),
        time,
        share: None,
    });
    let mut rows: Vec<CategoryRow> = op.chain(step).collect();
    let whole = |kind| rows.iter().filter(|row| row.kind == kind).map(|row| row.time).sum::<Nanoseconds>();
    let wholes = [whole(Kind::Op), whole(Kind::Step)];
    for row in &mut rows {
        row.share = share(row.time, if row.kind == Kind::Op { wholes[0] } else { wholes[1] });
    }
    rows.sort_by_key(|row| (row.kind, Reverse(row.time), row.category));
    rows
}

/// Self time by operator category; categories without time are left out.
#[must_use]
pub fn by_op(context: &Context<'_>) -> BTreeMap<OpCategory, Nanoseconds> {
    let trace = context.trace;
    let mut times: BTreeMap<OpCategory, Nanoseconds> = BTreeMap::new();
    if trace.has_device_events() {
        for row in 0..trace.device.len() {
            *times.entry(context.pieces().of_device(row)).or_default() += trace.device.duration(row);
        }
    } else {
        for row in context.forest.nodes() {
            *times.entry(context.pieces().of_host(row)).or_default() += context.forest.own_time(row);
        }
    }
    times.retain(|_, time| *time != Nanoseconds::ZERO);
    times
}

/// What the time of a step can be, in order of priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Kernels that are no communication (accelerator packets too).
    Kernel,
    /// Communication kernels.
    Communication,
    /// Copies.
    Memcpy,
    /// Fills.
    Memset,
    /// Runtime and driver calls.
    Runtime,
    /// Annotations of data loading.
    DataLoader,
    /// Operators on the host.
    CpuExec,
    /// Nothing of these.
    Idle,
}

impl Role {
    const PRIORITY: [Self; 8] = [
        Self::Kernel,
        Self::Communication,
        Self::Memcpy,
        Self::Memset,
        Self::Runtime,
        Self::DataLoader,
        Self::CpuExec,
        Self::Idle,
    ];

    /// As the tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "Kernel",
            Self::Communication => "Communication",
            Self::Memcpy => "Memcpy",
            Self::Memset => "Memset",
            Self::Runtime => "Runtime",
            Self::DataLoader => "DataLoader",
            Self::CpuExec => "CPU exec",
            Self::Idle => "Idle",
        }
    }

    const fn is_device(self) -> bool {
        matches!(self, Self::Kernel | Self::Communication | Self::Memcpy | Self::Memset)
    }
}

/// What the names of a trace say of roles: asked once each, however many events have them.
struct RoleNames {
    communication: Communication,
    loads_data: Vec<bool>,
}

impl RoleNames {
    fn of(trace: &Trace) -> Self {
        Self { communication: Communication::of(trace), loads_data: trace.names.each(names_data_loading) }
    }

    fn of_device(&self, trace: &Trace, row: usize) -> Role {
        match trace.device.kind(row) {
            DeviceKind::Memcpy => Role::Memcpy,
            DeviceKind::Memset => Role::Memset,
            DeviceKind::Kernel if self.communication.has(trace, row) => Role::Communication,
            DeviceKind::Kernel | DeviceKind::Packet => Role::Kernel,
        }
    }

    fn of_host(&self, trace: &Trace, row: usize) -> Option<Role> {
        match trace.host.kind(row) {
            HostKind::Runtime => Some(Role::Runtime),
            HostKind::Op => Some(Role::CpuExec),
            HostKind::Annotation if self.loads_data.get(trace.host.name(row).index()) == Some(&true) => {
                Some(Role::DataLoader)
            }
            HostKind::Annotation | HostKind::Overhead => None,
        }
    }
}

/// Whether an annotation's name is one of data loading (METRICS 12: `/dataloader|data_load|dataloading/i`).
#[must_use]
pub fn names_data_loading(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["dataloader", "data_load", "dataloading"].iter().any(|word| name.contains(word))
}

/// The steps' time by role. Every role that the trace can show is there; together they are the steps' time exactly.
#[must_use]
pub fn step_partition(context: &Context<'_>) -> Vec<(Role, Nanoseconds)> {
    let trace = context.trace;
    let mut remaining = context.steps.span();
    if remaining.pieces().is_empty() {
        return Vec::new();
    }
    let names = RoleNames::of(trace);
    let device_roles: Vec<Role> = (0..trace.device.len()).map(|row| names.of_device(trace, row)).collect();
    let host_roles: Vec<Option<Role>> = (0..trace.host.len()).map(|row| names.of_host(trace, row)).collect();
    let mut times = Vec::new();
    let mut left = remaining.length();
    // A CPU trace has no device: its roles are absent, not measured and zero (METRICS 6).
    let has_device = trace.has_device_events();
    for role in Role::PRIORITY.into_iter().filter(|role| has_device || !role.is_device()) {
        if role == Role::Idle {
            times.push((role, left));
            continue;
        }
        let device = device_roles
            .iter()
            .enumerate()
            .filter(|(_, its)| **its == role)
            .map(|(row, _)| (trace.device.start(row), trace.device.end(row)));
        let host = host_roles
            .iter()
            .enumerate()
            .filter(|(_, its)| **its == Some(role))
            .map(|(row, _)| (trace.host.start(row), trace.host.end(row)));
        remaining = remaining.minus(&Span::union(device.chain(host)));
        // What is gone is what the role held.
        let before = std::mem::replace(&mut left, remaining.length());
        times.push((role, before - left));
    }
    times
}
