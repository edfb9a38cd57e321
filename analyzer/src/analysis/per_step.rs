//! What one step takes, by category and by operator: what a CPU run and a GPU run are compared by (METRICS 10).
//!
//! Totals over the used steps, divided by their number: device self time where there is a device, else host self time.

use super::context::Context;
use super::intervals::{Interval, Span};
use super::timeline::DeviceRow;
use crate::catalog::categories::OpCategory;
use crate::text::Untrusted;
use crate::trace::Trace;
use crate::trace::events::{DeviceKind, HostKind};
use crate::trace::names::{NameId, Names};
use crate::units::{Nanoseconds, count};
use std::collections::BTreeMap;

/// Times per step in decimal nanoseconds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PerStep {
    /// Durations of the used steps, in order.
    pub steps: Vec<Nanoseconds>,
    /// By category; only those with time, by name.
    pub categories: Vec<(&'static str, f64)>,
    /// By operator or call (annotations aside); only those with time, by name.
    pub ops: Vec<(Untrusted, f64)>,
    /// Time in which any device was busy; `None` without a device.
    pub device_busy: Option<f64>,
    /// Time in which each category ran on a device at all; only those with time, by name.
    pub category_busy: Vec<(&'static str, f64)>,
    /// Copies; `None` without a device.
    pub transfer: Option<f64>,
    /// Idle time that is launch latency, over the whole recording; `None` without a device.
    pub launch_latency: Option<f64>,
}

/// The times per step of `context`'s trace, whose devices' timelines are `devices`. `None` where no step is used.
#[must_use]
pub fn per_step(context: &Context<'_>, devices: &[DeviceRow]) -> Option<PerStep> {
    let steps: Vec<Nanoseconds> = context.steps.used().map(super::steps::Step::duration).collect();
    let used = count(steps.len());
    let has_device = context.trace.has_device_events();
    let sums = if has_device { device_sums(context) } else { host_sums(context) };
    let each = |sum: Nanoseconds| sum.mean_over(used);
    let latency: Nanoseconds = devices.iter().map(|device| device.idle_causes.launch_latency).sum();
    let busy_of = |events: Vec<Interval>| each(Span::union(events).length());
    let all_events = sums.events.values().flatten().copied().collect();
    Some(PerStep {
        device_busy: busy_of(all_events).filter(|_| has_device),
        category_busy: sums
            .events
            .into_iter()
            .filter_map(|(category, events)| Some((category.name(), busy_of(events).filter(|busy| *busy > 0.0)?)))
            .collect(),
        categories: sums
            .categories
            .into_iter()
            .filter(|(_, time)| *time > Nanoseconds::ZERO)
            .map(|(category, time)| Some((category.name(), each(time)?)))
            .collect::<Option<_>>()?,
        ops: sums
            .ops
            .named(&context.trace.names)
            .into_iter()
            .map(|(name, time)| Some((name, each(time)?)))
            .collect::<Option<_>>()?,
        transfer: each(sums.transfer).filter(|_| has_device),
        launch_latency: latency.mean_over(count(context.steps.steps.len())).filter(|_| has_device),
        steps,
    })
}

struct Sums {
    categories: BTreeMap<OpCategory, Nanoseconds>,
    ops: ByName,
    transfer: Nanoseconds,
    /// The device events of each category.
    events: BTreeMap<OpCategory, Vec<Interval>>,
}

impl Sums {
    fn new(trace: &Trace) -> Self {
        Self {
            categories: BTreeMap::new(),
            ops: ByName::new(&trace.names),
            transfer: Nanoseconds::ZERO,
            events: BTreeMap::new(),
        }
    }
}

/// Times by operator or call.
struct ByName {
    /// By the number of the name.
    times: Vec<Nanoseconds>,
    /// That of device events without a launch.
    no_launch: Nanoseconds,
}

impl ByName {
    fn new(names: &Names) -> Self {
        Self { times: vec![Nanoseconds::ZERO; names.len()], no_launch: Nanoseconds::ZERO }
    }

    fn add(&mut self, name: NameId, time: Nanoseconds) {
        if let Some(sum) = self.times.get_mut(name.index()) {
            *sum += time;
        }
    }

    /// Those that there are, by name.
    fn named(self, names: &Names) -> BTreeMap<Untrusted, Nanoseconds> {
        let by_id = (0..).map(NameId::from_column).zip(self.times).filter(|(_, time)| *time > Nanoseconds::ZERO);
        let mut named: BTreeMap<Untrusted, Nanoseconds> = by_id.map(|(id, time)| (names.untrusted(id), time)).collect();
        if self.no_launch > Nanoseconds::ZERO {
            *named.entry(super::ops::NO_LAUNCH.into()).or_default() += self.no_launch;
        }
        named
    }
}

fn is_used(context: &Context<'_>, step: Option<usize>) -> bool {
    step.and_then(|index| context.steps.steps.get(index)).is_some_and(super::steps::Step::is_used)
}

fn device_sums(context: &Context<'_>) -> Sums {
    let trace = context.trace;
    let mut sums = Sums::new(trace);
    for row in (0..trace.device.len()).filter(|&row| is_used(context, context.steps.of_device(row))) {
        let length = trace.device.duration(row);
        let category = context.pieces().of_device(row);
        *sums.categories.entry(category).or_default() += length;
        sums.events.entry(category).or_default().push((trace.device.start(row), trace.device.end(row)));
        match context.launches.owner_of(row) {
            Some(owner) => sums.ops.add(trace.host.name(owner), length),
            None => sums.ops.no_launch += length,
        }
        if trace.device.kind(row) == DeviceKind::Memcpy {
            sums.transfer += length;
        }
    }
    sums
}

fn host_sums(context: &Context<'_>) -> Sums {
    let trace = context.trace;
    let mut sums = Sums::new(trace);
    let whole_trace = !context.steps.annotated;
    for row in context.forest.nodes() {
        let start = trace.host.start(row);
        if !whole_trace && !is_used(context, context.steps.of_host_time(start)) {
            continue;
        }
        let own = context.forest.own_time(row);
        *sums.categories.entry(context.pieces().of_host(row)).or_default() += own;
        if trace.host.kind(row) != HostKind::Annotation {
            sums.ops.add(trace.host.name(row), own);
        }
    }
    sums
}
