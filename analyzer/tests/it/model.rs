//! A second reading of a trace, written from METRICS alone: slow, plain, and sharing no line with the analyzer.
//!
//! text -> serde_json (times as exact decimals) -> host forest per thread -> device time per row. Only for strict JSON.

use crate::corpus::text;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A complete event, on the host or on a device.
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) arguments: Value,
    track: (String, String),
}

/// A host event in the forest of its thread.
pub(crate) struct Node {
    pub(crate) event: Event,
    pub(crate) parent: Option<usize>,
    /// Positions in [`Model::device`] of the events that this call launched, wherever they are booked.
    pub(crate) launched: Vec<usize>,
}

/// One trace.
pub(crate) struct Model {
    /// Host events; a parent stands before its children.
    pub(crate) host: Vec<Node>,
    /// Kernels, copies, fills.
    pub(crate) device: Vec<Event>,
    /// Ids of the launch flows that start in the file.
    pub(crate) flow_starts: BTreeSet<i64>,
    /// `[memory]` records.
    pub(crate) memory: Vec<Value>,
    /// Every event in the file, of whatever phase.
    pub(crate) events: u64,
}

/// Device time of one name.
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) own: i64,
    pub(crate) total: i64,
    /// Calls that own a device event themselves.
    pub(crate) owners: u64,
}

const DEVICE: [&str; 4] = ["kernel", "gpu_memcpy", "gpu_memset", "mtia_ccp_events"];
const LAUNCH_FLOWS: [&str; 4] = ["ac2g", "async", "async_cpu_to_gpu", "async_gpu"];
const NO_LAUNCH: &str = "[no launch recorded]";

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "traceEvents")]
    events: Vec<RawEvent<'a>>,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(default)]
    ph: String,
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    pid: Value,
    #[serde(default)]
    tid: Value,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    dur: Option<&'a RawValue>,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    args: Value,
}

/// The trace in `path`, or `None` where it is not strict JSON.
pub(crate) fn load(path: &Path) -> Option<Model> {
    let text = text(path);
    let document: Document<'_> = serde_json::from_slice(&text).ok()?;
    let mut model =
        Model { host: Vec::new(), device: Vec::new(), flow_starts: BTreeSet::new(), memory: Vec::new(), events: 0 };
    let mut host = Vec::new();
    for raw in document.events {
        model.events += 1;
        let category = canonical(&raw.cat);
        match raw.ph.as_str() {
            "X" if DEVICE.contains(&category.as_str()) => model.device.push(event(raw, category)),
            "X" if is_host(&category) => host.push(event(raw, category)),
            "i" if raw.name == "[memory]" => model.memory.push(raw.args),
            "s" if LAUNCH_FLOWS.contains(&category.as_str()) => model.flow_starts.extend(raw.id.as_i64()),
            _ => {}
        }
    }
    model.host = forest(host);
    model.link();
    Some(model)
}

fn canonical(category: &str) -> String {
    let category = category.to_lowercase();
    let renamed = match category.as_str() {
        "operator" => "cpu_op",
        "runtime" => "cuda_runtime",
        "memcpy" => "gpu_memcpy",
        "memset" => "gpu_memset",
        _ => return category,
    };
    renamed.to_owned()
}

fn is_call(category: &str) -> bool {
    category.ends_with("_runtime") || category.ends_with("_driver")
}

fn is_host(category: &str) -> bool {
    matches!(category, "user_annotation" | "cpu_op" | "overhead") || is_call(category)
}

fn event(raw: RawEvent<'_>, category: String) -> Event {
    let start = nanoseconds(raw.ts.expect("a complete event has a start").get());
    let length = raw.dur.map_or(0, |length| nanoseconds(length.get())).max(0);
    let track = (raw.pid.to_string(), raw.tid.to_string());
    Event { name: raw.name, category, start, end: start + length, arguments: raw.args, track }
}

/// Microseconds as written, in nanoseconds: digit by digit, never through a float.
fn nanoseconds(microseconds: &str) -> i64 {
    let microseconds = microseconds.trim_matches('"');
    let (whole, fraction) = microseconds.split_once('.').unwrap_or((microseconds, ""));
    assert!(fraction.bytes().all(|digit| digit.is_ascii_digit()), "no recorded trace writes {microseconds}");
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let below: i64 = digits.parse().unwrap();
    let rounded = i64::from(fraction.as_bytes().get(3).is_some_and(|digit| *digit >= b'5'));
    let magnitude = whole.trim_start_matches('-').parse::<i64>().unwrap() * 1000 + below + rounded;
    if whole.starts_with('-') { -magnitude } else { magnitude }
}

impl Event {
    pub(crate) fn length(&self) -> i64 {
        self.end - self.start
    }

    fn argument(&self, key: &str) -> i64 {
        self.arguments[key].as_i64().unwrap_or(0)
    }

    fn rank(&self) -> u8 {
        match self.category.as_str() {
            "user_annotation" => 0,
            "cpu_op" => 1,
            "overhead" => 3,
            _ => 2,
        }
    }

    /// The device that the event ran on.
    pub(crate) fn device(&self) -> i64 {
        self.arguments["device"].as_i64().or_else(|| self.track.0.parse().ok()).unwrap_or(0)
    }

    /// The key that joins a device event to its launch, where there is one.
    pub(crate) fn correlation(&self) -> Option<i64> {
        self.arguments["correlation"].as_i64().filter(|correlation| *correlation != 0)
    }
}

/// METRICS 1: overhead rows join the thread of the innermost event around them, then one stack per thread.
fn forest(mut events: Vec<Event>) -> Vec<Node> {
    let homes: Vec<Option<(String, String)>> =
        events.iter().map(|event| (event.category == "overhead").then(|| home_of(event, &events)).flatten()).collect();
    for (event, home) in events.iter_mut().zip(homes) {
        if let Some(home) = home {
            event.track = home;
        }
    }
    events.sort_by_cached_key(|event| {
        let ids = (event.argument("External id"), event.argument("correlation"));
        (event.track.clone(), event.start, -event.end, event.rank(), ids, event.name.clone())
    });
    let mut nodes: Vec<Node> = Vec::with_capacity(events.len());
    let mut open: Vec<usize> = Vec::new();
    for event in events {
        let closed = |top: &Event| top.track != event.track || event.start >= top.end || event.end > top.end;
        while open.last().is_some_and(|top| closed(&nodes[*top].event)) {
            open.pop();
        }
        let parent = open.last().copied();
        open.push(nodes.len());
        nodes.push(Node { event, parent, launched: Vec::new() });
    }
    nodes
}

fn home_of(overhead: &Event, events: &[Event]) -> Option<(String, String)> {
    events
        .iter()
        .filter(|event| event.category != "overhead")
        .filter(|event| event.start <= overhead.start && overhead.end <= event.end)
        .max_by_key(|event| (event.start, -event.end))
        .map(|event| event.track.clone())
}

impl Model {
    /// Books every device event with the first call that has its correlation.
    fn link(&mut self) {
        let calls = self.calls();
        for (position, event) in self.device.iter().enumerate() {
            if let Some(call) = event.correlation().and_then(|correlation| calls.get(&correlation)) {
                self.host[*call].launched.push(position);
            }
        }
    }

    fn calls(&self) -> BTreeMap<i64, usize> {
        let mut calls: BTreeMap<i64, usize> = BTreeMap::new();
        for (position, node) in self.host.iter().enumerate().filter(|(_, node)| is_call(&node.event.category)) {
            if let Some(correlation) = node.event.correlation() {
                let first = calls.entry(correlation).or_insert(position);
                if node.event.start < self.host[*first].event.start {
                    *first = position;
                }
            }
        }
        calls
    }

    /// The innermost operator around the host event at `position`, itself included.
    pub(crate) fn operator_around(&self, position: usize) -> Option<usize> {
        self.ancestors(position).find(|node| self.host[*node].event.category == "cpu_op")
    }

    /// The host event at `position` and everything around it, innermost first.
    pub(crate) fn ancestors(&self, position: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(position), |node| self.host[*node].parent)
    }

    /// The call that launched each device event, by its position in [`Model::device`].
    pub(crate) fn launches(&self) -> Vec<Option<usize>> {
        let mut launches = vec![None; self.device.len()];
        for (call, node) in self.host.iter().enumerate() {
            for event in &node.launched {
                launches[*event] = Some(call);
            }
        }
        launches
    }

    /// Device time per name as METRICS 2 has it: every device event, recursion folded, with `[no launch recorded]`.
    pub(crate) fn device_rows(&self) -> BTreeMap<String, DeviceRow> {
        let everything: Vec<usize> = (0..self.device.len()).collect();
        let mut rows = self.booked(&everything, true);
        let launches = self.launches();
        let orphans: Vec<&Event> =
            self.device.iter().zip(&launches).filter(|(_, l)| l.is_none()).map(|x| x.0).collect();
        if !orphans.is_empty() {
            let time = orphans.iter().map(|event| event.length()).sum();
            rows.insert(NO_LAUNCH.to_owned(), DeviceRow { own: time, total: time, owners: 0 });
        }
        rows
    }

    /// Device time per name over the events at `counted` alone.
    pub(crate) fn booked(&self, counted: &[usize], folded: bool) -> BTreeMap<String, DeviceRow> {
        let launches = self.launches();
        let mut own: Vec<Vec<usize>> = vec![Vec::new(); self.host.len()];
        for event in counted {
            if let Some(call) = launches[*event] {
                own[self.operator_around(call).unwrap_or(call)].push(*event);
            }
        }
        let mut parents: Vec<Option<usize>> = self.host.iter().map(|node| node.parent).collect();
        let gone = if folded { self.fold(&mut parents, &mut own) } else { BTreeSet::new() };
        let mut totals: Vec<i64> = own.iter().map(|events| self.time_of(events)).collect();
        for position in (0..totals.len()).rev() {
            if let Some(parent) = parents[position].filter(|_| !gone.contains(&position)) {
                totals[parent] += totals[position];
            }
        }
        let mut rows: BTreeMap<String, DeviceRow> = BTreeMap::new();
        for (position, node) in self.host.iter().enumerate().filter(|(position, _)| !gone.contains(position)) {
            let row = rows.entry(row_name(&node.event.name)).or_default();
            row.own += self.time_of(&own[position]);
            row.total += totals[position];
            row.owners += u64::from(!own[position].is_empty());
        }
        rows
    }

    /// Folds a node into a parent of the same name that has no other child, to a fixpoint; returns who is gone.
    fn fold(&self, parents: &mut [Option<usize>], own: &mut [Vec<usize>]) -> BTreeSet<usize> {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
        for (position, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(position);
            }
        }
        let mut gone = BTreeSet::new();
        for position in 0..parents.len() {
            while let [only] = children[position][..] {
                if gone.contains(&position) || self.host[only].event.name != self.host[position].event.name {
                    break;
                }
                gone.insert(only);
                let taken = std::mem::take(&mut own[only]);
                own[position].extend(taken);
                children[position] = std::mem::take(&mut children[only]);
                for child in &children[position] {
                    parents[*child] = Some(position);
                }
            }
        }
        gone
    }

    fn time_of(&self, events: &[usize]) -> i64 {
        events.iter().map(|event| self.device[*event].length()).sum()
    }

    /// Time of all device events, overlaps counted as often as they occur.
    pub(crate) fn device_time(&self) -> i64 {
        self.device.iter().map(Event::length).sum()
    }
}

/// Names that differ only by a step's number are one row.
pub(crate) fn row_name(name: &str) -> String {
    if name.starts_with("ProfilerStep#") { "ProfilerStep*".to_owned() } else { name.to_owned() }
}

/// METRICS 5, over any choice of device events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) total: i64,
    pub(crate) busy: i64,
    pub(crate) computation: i64,
    pub(crate) exposed_communication: i64,
    pub(crate) exposed_copies: i64,
    pub(crate) communication: i64,
    pub(crate) copies: i64,
}

/// The timeline of `events`; `is_copy` and the names decide what is what.
pub(crate) fn timeline(events: &[&Event], is_copy: impl Fn(&Event) -> bool) -> Timeline {
    let is_communication = |event: &Event| {
        let name = event.name.to_lowercase();
        event.category == "kernel" && ["nccl", "rccl", "cross_device_reduce"].iter().any(|part| name.contains(part))
    };
    let spans = |wanted: &dyn Fn(&Event) -> bool| -> Vec<(i64, i64)> {
        events.iter().filter(|event| wanted(event)).map(|event| (event.start, event.end)).collect()
    };
    let copies = spans(&|event| is_copy(event));
    let communication = spans(&|event| !is_copy(event) && is_communication(event));
    let computation = spans(&|event| !is_copy(event) && !is_communication(event));
    let both = [computation.clone(), communication.clone()].concat();
    let all = spans(&|_| true);
    let (first, last) = (all.iter().map(|span| span.0).min(), all.iter().map(|span| span.1).max());
    Timeline {
        total: last.unwrap_or(0) - first.unwrap_or(0),
        busy: covered(&all),
        computation: covered(&computation),
        exposed_communication: covered(&both) - covered(&computation),
        exposed_copies: covered(&all) - covered(&both),
        communication: covered(&communication),
        copies: covered(&copies),
    }
}

/// The length of the union of `spans`.
pub(crate) fn covered(spans: &[(i64, i64)]) -> i64 {
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let mut reached = i64::MIN;
    let mut length = 0;
    for (start, end) in spans {
        length += (end - start.max(reached)).max(0);
        reached = reached.max(end);
    }
    length
}

#[test]
fn the_model_reads_decimals_exactly() {
    assert_eq!(nanoseconds("1712195495502094.5"), 1_712_195_495_502_094_500);
    assert_eq!(nanoseconds("0.0015"), 2);
    assert_eq!(nanoseconds("-1"), -1000);
    assert_eq!(covered(&[(0, 10), (5, 20), (30, 31)]), 21);
}
