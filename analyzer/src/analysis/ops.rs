//! Host operators, calls and annotations -> rows (METRICS 1, 2, 7): how often, how long, on the host and on the device,
//! and how much memory. Pinned by torch's own `key_averages()` in `tests/it/reference_torch.rs`.

use super::context::Context;
use super::intervals::Span;
use super::memory::NetBytes;
use super::times::Times;
use super::{Analysis, Grouping, Question};
use crate::catalog::categories::OpCategory;
use crate::table::{Cell, Column, Recorded, Table, Unit, Why, headings};
use crate::text::Untrusted;
use crate::trace::events::{HostKind, NO_DEVICE_ID};
use crate::trace::names::{NameId, Names};
use crate::units::{Bytes, Nanoseconds, count, narrow, share, widen};
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The analysis.
pub const ANALYSIS: Analysis = Analysis {
    command: "ops",
    about: "operators, runtime calls and annotations: calls, host and device time, memory",
    headings: || headings(COLUMNS),
    table,
    cut_by_top: true,
};

/// The row of device events whose launch is not in the file.
pub const NO_LAUNCH: &str = "[no launch recorded]";

/// Time on the device: the sum over events, and the union of them (smaller where kernels overlap).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceTime {
    /// Durations summed.
    pub sum: Nanoseconds,
    /// Time in which at least one of them ran.
    pub busy: Nanoseconds,
}

/// One row of the operator table.
#[derive(Clone, PartialEq, Debug)]
pub struct OpRow {
    /// The name (with the shapes or as a module, where asked for).
    pub name: Untrusted,
    /// What the name's events are; `None` for the row of events without launch.
    pub kind: Option<HostKind>,
    /// The category that holds most of its time.
    pub category: OpCategory,
    /// Nodes left after folding.
    pub calls: u64,
    /// Host time, children included.
    pub host_total: Nanoseconds,
    /// Host time in no child.
    pub host_self: Nanoseconds,
    /// `host_self` of the sum over all rows.
    pub host_share: Option<f64>,
    /// Device time of its own events; absent on a CPU trace.
    pub device_self: Recorded<DeviceTime>,
    /// Device time, children included; absent on a CPU trace.
    pub device_total: Recorded<Nanoseconds>,
    /// `device_self` of the sum over all rows.
    pub device_share: Recorded<Option<f64>>,
    /// Net bytes of the host: total, self.
    pub host_bytes: Recorded<[Bytes; 2]>,
    /// Net bytes of the devices: total, self; absent on a CPU trace.
    pub device_bytes: Recorded<[Bytes; 2]>,
    /// The devices that its own events ran on.
    pub devices: Vec<i64>,
}

impl OpRow {
    /// Whether the row is one of annotations, which are no operators.
    #[must_use]
    pub fn is_annotation(&self) -> bool {
        self.kind == Some(HostKind::Annotation)
    }

    /// What rows are ranked by, and its share of the sum over all rows: device self time; on a CPU trace host self time.
    #[must_use]
    pub fn ranked_by(&self) -> (Nanoseconds, Option<f64>) {
        match (self.device_self, self.device_share) {
            (Recorded::Yes(time), Recorded::Yes(share)) => (time.sum, share),
            _ => (self.host_self, self.host_share),
        }
    }
}

/// The columns of the operator table.
pub const COLUMNS: &[Column<OpRow>] = &[
    Column {
        key: "name",
        unit: Unit::Text,
        shown: true,
        says: "operator, runtime call, annotation (ProfilerStep#N as ProfilerStep*) or profiler overhead; device events whose launch is not in the file are one row, [no launch recorded]",
        cell: |row| row.name.clone().into(),
    },
    Column {
        key: "category",
        unit: Unit::Text,
        shown: true,
        says: "the category that holds most of the row's time (device self, else host self)",
        cell: |row| row.category.name().into(),
    },
    Column {
        key: "calls",
        unit: Unit::Count,
        shown: true,
        says: "calls; a call that only calls itself again counts once; of [no launch recorded], its device events",
        cell: |row| row.calls.into(),
    },
    Column {
        key: "host_total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "host time of all calls from start to end, children included",
        cell: |row| row.host_total.into(),
    },
    Column {
        key: "host_self",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "host time in none of the direct children (runtime calls are children too)",
        cell: |row| row.host_self.into(),
    },
    Column {
        key: "host_self",
        unit: Unit::Share,
        shown: true,
        says: "host self time of the sum over all rows",
        cell: |row| row.host_share.into(),
    },
    Column {
        key: "device_total",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "device time of its own events and of its children's; a name nested in itself counts twice, as in torch",
        cell: |row| row.device_total.into(),
    },
    Column {
        key: "device_self",
        unit: Unit::Nanoseconds,
        shown: true,
        says: "durations of the device events that the row's own runtime calls launched, summed",
        cell: |row| row.device_self.map(|time| time.sum).into(),
    },
    Column {
        key: "device_self_busy",
        unit: Unit::Nanoseconds,
        shown: false,
        says: "union of the row's own device events: less than the sum where they overlap",
        cell: |row| row.device_self.map(|time| time.busy).into(),
    },
    Column {
        key: "device_self",
        unit: Unit::Share,
        shown: true,
        says: "device self time of the sum over all rows",
        cell: |row| match row.device_share {
            Recorded::Yes(share) => share.into(),
            Recorded::No(why) => Cell::Absent(why),
        },
    },
    Column {
        key: "host_total",
        unit: Unit::Bytes,
        shown: false,
        says: "host memory allocated minus freed between start and end of the calls, on any thread (torch's rule: two busy threads share it)",
        cell: |row| row.host_bytes.map(|[total, _]| total).into(),
    },
    Column {
        key: "host_self",
        unit: Unit::Bytes,
        shown: false,
        says: "host_total_bytes minus that of the direct children",
        cell: |row| row.host_bytes.map(|[_, own]| own).into(),
    },
    Column {
        key: "device_total",
        unit: Unit::Bytes,
        shown: false,
        says: "device memory allocated minus freed between start and end of the calls, on any thread",
        cell: |row| row.device_bytes.map(|[total, _]| total).into(),
    },
    Column {
        key: "device_self",
        unit: Unit::Bytes,
        shown: false,
        says: "device_total_bytes minus that of the direct children",
        cell: |row| row.device_bytes.map(|[_, own]| own).into(),
    },
    Column {
        key: "flops",
        unit: Unit::Count,
        shown: false,
        says: "floating point operations by the operators' formulas; not computed by this version",
        cell: |_| Cell::Absent(Why::NotComputed),
    },
    Column {
        key: "devices",
        unit: Unit::Nested,
        shown: false,
        says: "the devices that the row's own events ran on, by the trace's ids",
        cell: |row| row.devices.clone().into(),
    },
];

fn table(question: &Question<'_>) -> Table {
    let context = question.context;
    let mut table = match question.grouping {
        Grouping::Name => Table::new("ops", COLUMNS, context.operators()),
        other => Table::new("ops", COLUMNS, &rows(context, other)),
    };
    let host = &context.trace.host;
    let nowhere = |of_row: &dyn Fn(usize) -> NameId| (0..host.len()).all(|row| of_row(row) == NameId::NONE);
    table.note = match question.grouping {
        Grouping::Shape if nowhere(&|row| host.shapes(row)) => Some(Why::ShapesOff),
        Grouping::Module if table.rows.len() < 2 => Some(Why::ModulesOff),
        _ => None,
    };
    table
}

/// The rows of `context`'s trace, by device self time (CPU trace: host self time) descending, then name.
#[must_use]
pub fn rows(context: &Context<'_>, grouping: Grouping) -> Vec<OpRow> {
    let mut groups = Groups::new(context, grouping);
    let mut net_bytes = NetBytes::of(context.trace);
    let device_total = device_totals(context);
    for row in context.forest.nodes() {
        let group = groups.of(groups.key(row));
        group.add_node(context, row, device_total.get(row));
        match net_bytes.as_mut().map(|bytes| bytes.during(row)) {
            // Most operators allocate nothing.
            None | Some([Bytes::ZERO, Bytes::ZERO]) => {}
            Some([host, device]) => {
                group.add_bytes([host, host, device, device]);
                // What a child moved is not its parent's own.
                if let Some(parent) = context.forest.parent(row) {
                    groups.of(groups.key(parent)).add_bytes([Bytes::ZERO, -host, Bytes::ZERO, -device]);
                }
            }
        }
    }
    for row in 0..context.trace.device.len() {
        let key = context.launches.owner_of(row).map_or(Key::NoLaunch, |owner| groups.key(owner));
        groups.of(key).add_device_event(context, row);
    }
    finish(context, groups.labelled())
}

/// What is known of an operator by its rank.
#[derive(Clone, PartialEq, Debug)]
pub struct RankedOp {
    /// Its name.
    pub name: Untrusted,
    /// What it is ranked by: device self time; on a CPU trace host self time.
    pub time: Nanoseconds,
    /// The share of that in the sum over all rows.
    pub share: Option<f64>,
    /// Whether it is an annotation.
    pub is_annotation: bool,
}

impl From<&OpRow> for RankedOp {
    fn from(row: &OpRow) -> Self {
        let (time, share) = row.ranked_by();
        Self { name: row.name.clone(), time, share, is_annotation: row.is_annotation() }
    }
}

/// The rows by name with nothing but what ranks them, in the order of [`rows`]: a third of the work. And the host self time of
/// them all.
#[must_use]
pub fn ranking(context: &Context<'_>) -> (Vec<RankedOp>, Nanoseconds) {
    #[derive(Clone, Copy, Default)]
    struct Sums {
        kind: Option<HostKind>,
        host_self: Nanoseconds,
        device_self: Nanoseconds,
        is_there: bool,
    }
    let trace = context.trace;
    // By name; the last one is of events without launch.
    let mut sums = vec![Sums::default(); trace.names.len() + 1];
    for row in context.forest.nodes() {
        let Some(sum) = sums.get_mut(trace.host.name(row).index()) else { continue };
        let kind = trace.host.kind(row);
        sum.kind = Some(sum.kind.map_or(kind, |known| known.min(kind)));
        sum.host_self += context.forest.own_time(row);
        sum.is_there = true;
    }
    for row in 0..trace.device.len() {
        let name = context.launches.owner_of(row).map_or(trace.names.len(), |owner| trace.host.name(owner).index());
        let Some(sum) = sums.get_mut(name) else { continue };
        sum.device_self += trace.device.duration(row);
        sum.is_there = true;
    }
    let keys = (0..narrow(trace.names.len())).map(|id| Key::Name(NameId::from_column(id))).chain([Key::NoLaunch]);
    let mut labelled: BTreeMap<Untrusted, Sums> = BTreeMap::new();
    for (key, sum) in keys.zip(&sums).filter(|(_, sum)| sum.is_there) {
        let all = labelled.entry(label(&trace.names, key)).or_default();
        all.kind = all.kind.into_iter().chain(sum.kind).min();
        all.host_self += sum.host_self;
        all.device_self += sum.device_self;
    }
    let host_sum: Nanoseconds = labelled.values().map(|sum| sum.host_self).sum();
    let device_sum = super::launches::device_time(trace);
    let has_device = trace.has_device_events();
    let ranked = labelled.into_iter().map(|(name, sum)| {
        let (time, of) = if has_device { (sum.device_self, device_sum) } else { (sum.host_self, host_sum) };
        RankedOp { name, time, share: share(time, of), is_annotation: sum.kind == Some(HostKind::Annotation) }
    });
    let mut ranked: Vec<RankedOp> = ranked.collect();
    ranked.sort_by(|left, right| right.time.cmp(&left.time).then_with(|| left.name.cmp(&right.name)));
    (ranked, host_sum)
}

/// What makes one row, by ids: millions of nodes are grouped, and only the groups get texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Name(NameId),
    Shape(NameId, NameId),
    Module(NameId),
    NoLaunch,
}

/// What the row of a key is called.
fn label(names: &Names, key: Key) -> Untrusted {
    let name = |id| match names.get(id) {
        step if step.starts_with("ProfilerStep#") => "ProfilerStep*",
        name => name,
    };
    match key {
        Key::Name(id) | Key::Shape(id, NameId::NONE) => name(id).into(),
        Key::Shape(id, shapes) => format!("{} {}", name(id), names.get(shapes)).into(),
        Key::Module(NameId::NONE) => "[no module]".into(),
        Key::Module(module) => names.untrusted(module),
        Key::NoLaunch => NO_LAUNCH.into(),
    }
}

/// The rows being summed.
struct Groups<'c, 't> {
    context: &'c Context<'t>,
    grouping: Grouping,
    modules: Vec<NameId>,
    index: HashMap<Key, usize>,
    /// The same for [`Key::Name`], by name: most groups are, and every node asks.
    by_name: Vec<usize>,
    groups: Vec<(Key, Group)>,
}

impl<'c, 't> Groups<'c, 't> {
    fn new(context: &'c Context<'t>, grouping: Grouping) -> Self {
        let modules = if grouping == Grouping::Module { super::modules::of_nodes(context) } else { Vec::new() };
        let by_name = if grouping == Grouping::Name { vec![usize::MAX; context.trace.names.len()] } else { Vec::new() };
        Self { context, grouping, modules, index: HashMap::new(), by_name, groups: Vec::new() }
    }

    fn key(&self, row: usize) -> Key {
        let host = &self.context.trace.host;
        match self.grouping {
            Grouping::Name => Key::Name(host.name(row)),
            Grouping::Shape => Key::Shape(host.name(row), host.shapes(row)),
            Grouping::Module => Key::Module(self.modules.get(row).copied().unwrap_or(NameId::NONE)),
        }
    }

    fn of(&mut self, key: Key) -> &mut Group {
        let known = match key {
            Key::Name(name) => self.by_name.get_mut(name.index()),
            _ => None,
        };
        let slot = known.unwrap_or_else(|| self.index.entry(key).or_insert(usize::MAX));
        let index = (*slot).min(self.groups.len());
        *slot = index;
        if index == self.groups.len() {
            self.groups.push((key, Group::default()));
        }
        // The index was just made for this length.
        &mut self.groups[index].1
    }

    /// The groups by label; steps of different numbers are one.
    fn labelled(self) -> BTreeMap<Untrusted, Group> {
        let mut labelled: BTreeMap<Untrusted, Group> = BTreeMap::new();
        let names = &self.context.trace.names;
        let labels: Vec<Untrusted> = self.groups.iter().map(|(key, _)| label(names, *key)).collect();
        for (label, (_, group)) in labels.into_iter().zip(self.groups) {
            match labelled.entry(label) {
                Entry::Vacant(place) => {
                    place.insert(group);
                }
                Entry::Occupied(mut same) => same.get_mut().join(group),
            }
        }
        labelled
    }
}

/// Device time of every node with its children, summed from the leaves.
fn device_totals(context: &Context<'_>) -> Times {
    let mut totals = Times::new(context.trace.host.len());
    for row in 0..context.trace.device.len() {
        if let Some(owner) = context.launches.owner_of(row) {
            totals.add(owner, context.trace.device.duration(row));
        }
    }
    for row in context.forest.nodes().rev() {
        let total = totals.get(row);
        if let Some(parent) = context.forest.parent(row).filter(|_| total != Nanoseconds::ZERO) {
            totals.add(parent, total);
        }
    }
    totals
}

/// A row being summed.
#[derive(Default)]
struct Group {
    kind: Option<HostKind>,
    calls: u64,
    host_total: Nanoseconds,
    host_self: Nanoseconds,
    device_total: Nanoseconds,
    device_events: Vec<u32>,
    bytes: [Bytes; 4],
    /// Host self time and device self time by category.
    host_by_category: ByCategory,
    device_by_category: ByCategory,
}

impl Group {
    fn join(&mut self, other: Self) {
        self.kind = self.kind.into_iter().chain(other.kind).min();
        self.calls += other.calls;
        self.host_total += other.host_total;
        self.host_self += other.host_self;
        self.device_total += other.device_total;
        self.device_events.extend(other.device_events);
        self.add_bytes(other.bytes);
        self.host_by_category.join(&other.host_by_category);
        self.device_by_category.join(&other.device_by_category);
    }

    fn add_node(&mut self, context: &Context<'_>, row: usize, device_total: Nanoseconds) {
        let own = context.forest.own_time(row);
        let kind = context.trace.host.kind(row);
        // One name may stand for several kinds; the first in METRICS 1's order names the row.
        self.kind = Some(self.kind.map_or(kind, |known| known.min(kind)));
        self.calls += 1;
        self.host_total += context.trace.host.duration(row);
        self.host_self += own;
        self.device_total += device_total;
        self.host_by_category.add(context.pieces().of_host(row), own);
    }

    fn add_bytes(&mut self, bytes: [Bytes; 4]) {
        for (sum, part) in self.bytes.iter_mut().zip(bytes) {
            *sum += part;
        }
    }

    fn add_device_event(&mut self, context: &Context<'_>, row: usize) {
        self.device_events.push(narrow(row));
        let category = context.pieces().of_device(row);
        self.device_by_category.add(category, context.trace.device.duration(row));
    }

    fn device_self(&self, context: &Context<'_>) -> DeviceTime {
        let device = &context.trace.device;
        let rows = || self.device_events.iter().copied().map(widen);
        let mut by_device: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for row in rows() {
            by_device.entry(device.device(row)).or_default().push((device.start(row), device.end(row)));
        }
        DeviceTime {
            sum: rows().map(|row| device.duration(row)).sum(),
            busy: by_device.into_values().map(|events| Span::union(events).length()).sum(),
        }
    }

    fn category(&self) -> OpCategory {
        let (device, host) = (&self.device_by_category, &self.host_by_category);
        device
            .heaviest()
            .or_else(|| host.heaviest())
            .or_else(|| host.first().or(device.first()))
            .unwrap_or(OpCategory::Other)
    }
}

/// Time by category, and which categories were met at all: a few of few, so a short list is searched fastest.
#[derive(Default)]
struct ByCategory(Vec<(OpCategory, Nanoseconds)>);

impl ByCategory {
    fn add(&mut self, category: OpCategory, time: Nanoseconds) {
        match self.0.iter_mut().find(|(known, _)| *known == category) {
            Some((_, sum)) => *sum += time,
            None => self.0.push((category, time)),
        }
    }

    fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|&(category, time)| self.add(category, time));
    }

    /// The category with the most time; tie: by name. `None` where there is no time.
    fn heaviest(&self) -> Option<OpCategory> {
        let timed = self.0.iter().filter(|(_, time)| *time > Nanoseconds::ZERO);
        timed.min_by_key(|(category, time)| (Reverse(*time), category.name())).map(|(category, _)| *category)
    }

    /// The first category by name.
    fn first(&self) -> Option<OpCategory> {
        self.0.iter().map(|(category, _)| *category).min_by_key(|category| category.name())
    }
}

/// `value` where there is a device.
fn on_device<T>(has_device: bool, value: T) -> Recorded<T> {
    if has_device { Recorded::Yes(value) } else { Recorded::No(Why::NoDevice) }
}

fn finish(context: &Context<'_>, groups: BTreeMap<Untrusted, Group>) -> Vec<OpRow> {
    let has_device = context.trace.has_device_events();
    let memory = super::memory::recorded(context.trace);
    // A recording of the host alone can still hold the device's allocator.
    let has_device_memory = context.memory().iter().any(|row| !row.device.is_host());
    let host_sum: Nanoseconds = groups.values().map(|group| group.host_self).sum();
    let device_sum = super::launches::device_time(context.trace);
    let mut rows: Vec<OpRow> = groups
        .into_iter()
        .map(|(name, group)| {
            let device_self = group.device_self(context);
            // Events without launch have no node: their row's total is their own.
            let is_orphans = group.kind.is_none();
            let device_total = if is_orphans { device_self.sum } else { group.device_total };
            let devices: BTreeSet<i64> =
                group.device_events.iter().map(|&row| context.trace.device.device(widen(row))).collect();
            OpRow {
                kind: group.kind,
                category: group.category(),
                calls: if is_orphans { count(group.device_events.len()) } else { group.calls },
                host_total: group.host_total,
                host_self: group.host_self,
                host_share: share(group.host_self, host_sum),
                device_self: on_device(has_device, device_self),
                device_total: on_device(has_device, device_total),
                device_share: on_device(has_device, share(device_self.sum, device_sum)),
                host_bytes: memory.map(|()| [group.bytes[0], group.bytes[1]]),
                device_bytes: match memory {
                    Recorded::Yes(()) => on_device(has_device || has_device_memory, [group.bytes[2], group.bytes[3]]),
                    Recorded::No(why) => Recorded::No(why),
                },
                devices: devices.into_iter().filter(|device| *device != NO_DEVICE_ID).collect(),
                name,
            }
        })
        .collect();
    rows.sort_by(|left, right| {
        let time = |row: &OpRow| Reverse(row.ranked_by().0);
        time(left).cmp(&time(right)).then_with(|| left.name.cmp(&right.name))
    });
    rows
}
