//! The same traces by a reader that is nothing but `serde_json`, slow and plain: what the tables must hold, row by row.
//!
//! It shares with the reader the list of categories (`categories`) and the meaning of a row, and none of its code.

use super::categories::{Category, category};
use crate::trace::Trace;
use crate::trace::events::{ABSENT, HostKind, LaunchConfig, NO_DEVICE_ID};
use crate::trace::names::NameId;
use crate::units::TIME_LIMIT_NS;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// All tables, each row as text, in the order of the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tables {
    pub(super) host: Vec<String>,
    pub(super) device: Vec<String>,
    pub(super) python: Vec<String>,
    pub(super) syncs: Vec<String>,
    pub(super) memory: Vec<String>,
    pub(super) origin_ns: i64,
}

impl Tables {
    /// What a trace that was read holds.
    pub(super) fn of(trace: &Trace) -> Self {
        let name = |id: NameId| trace.names.get(id);
        let place = |track| trace.tracks.place(track).map(|place| trace.spelled(place));
        let (host, device, python, memory) = (&trace.host, &trace.device, &trace.python, &trace.memory);
        Self {
            host: (0..host.len())
                .map(|row| {
                    let ids = (host.external_id(row), host.correlation(row));
                    let texts = (name(host.shapes(row)), name(host.module(row)));
                    let times = [host.start(row), host.end(row)].map(|time| time.nanoseconds());
                    format!("{:?}", (times, name(host.name(row)), host.kind(row), place(host.track(row)), ids, texts))
                })
                .collect(),
            device: (0..device.len())
                .map(|row| {
                    let ids = [device.device(row), device.stream(row), device.correlation(row), device.bytes(row)];
                    let times = [device.start(row), device.end(row)].map(|time| time.nanoseconds());
                    let config = trace.configs.get(device.config(row));
                    format!("{:?}", (times, name(device.name(row)), device.kind(row), ids, config))
                })
                .collect(),
            python: (0..python.len())
                .map(|row| {
                    let times = [python.start(row), python.end(row)].map(|time| time.nanoseconds());
                    format!("{:?}", (times, name(python.name(row)), place(python.track(row))))
                })
                .collect(),
            syncs: (0..trace.syncs.len())
                .map(|row| format!("{:?}", (trace.syncs.start(row).nanoseconds(), trace.syncs.correlation(row))))
                .collect(),
            memory: (0..memory.len())
                .map(|row| {
                    let record = memory.record(row);
                    let numbers = [record.device_type, record.device_id, record.address, record.bytes.get()];
                    let totals = [record.allocated, record.reserved, record.index];
                    format!("{:?}", (record.time.nanoseconds(), place(record.track), numbers, totals))
                })
                .collect(),
            origin_ns: trace.origin.nanoseconds(),
        }
    }
}

/// What the reference reads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Reference {
    pub(super) tables: Tables,
    pub(super) kept: u64,
    pub(super) skipped: u64,
}

/// Reads `text`; `None` where it is not one strict JSON document with a list of events, in characters (escapes of half a
/// surrogate pair are repaired).
pub(super) fn read(text: &[u8]) -> Option<Reference> {
    let text = std::str::from_utf8(text).ok()?;
    let mut escapes = text.split('\\').skip(1);
    while let Some(escape) = escapes.next() {
        if escape.is_empty() {
            escapes.next(); // a backslash was escaped
        } else if escape.to_ascii_lowercase().starts_with("ud") {
            return None;
        }
    }
    let events: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).ok()?
    } else {
        let root: Object<'_> = serde_json::from_str(text).ok()?;
        serde_json::from_str(root.0.get("traceEvents")?).ok()?
    };
    let mut rows = Rows::default();
    for event in events {
        match Event::parse(event.get()).and_then(|event| rows.take(&event)) {
            Some(()) => rows.reference.kept += 1,
            None => rows.reference.skipped += 1,
        }
    }
    rows.finish()
}

/// An object's members as they are written; of equal keys the last counts.
struct Object<'t>(HashMap<String, &'t str>);

impl<'t> Deserialize<'t> for Object<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'t> Visitor<'t> for Members {
            type Value = Object<'t>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Object<'t>, A::Error> {
                let mut members: HashMap<String, &'t str> = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &'t RawValue>()? {
                    // Arguments that are no object say nothing, and take nothing back.
                    if key != "args" || value.get().starts_with('{') || !members.contains_key("args") {
                        members.insert(key, value.get());
                    }
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct Event<'t> {
    members: Object<'t>,
    arguments: Object<'t>,
}

impl<'t> Event<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let members: Object<'t> = serde_json::from_str(text).ok()?;
        let arguments = members.0.get("args").and_then(|text| serde_json::from_str(text).ok());
        Some(Self { members, arguments: arguments.unwrap_or(Object(HashMap::new())) })
    }

    /// The text of a string or, of anything else, as it is written.
    fn plain(value: &str) -> String {
        serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
    }

    fn string(&self, key: &str) -> Option<String> {
        self.members.0.get(key).and_then(|value| serde_json::from_str(value).ok())
    }

    fn time(&self, key: &str) -> Option<i64> {
        time(&Self::plain(self.members.0.get(key)?))
    }

    fn number(&self, keys: &[&str]) -> Option<i64> {
        keys.iter().find_map(|key| whole(&Self::plain(self.arguments.0.get(*key)?)))
    }

    fn identity(&self, key: &str) -> (i64, String) {
        let Some(value) = self.members.0.get(key) else { return (ABSENT, String::new()) };
        match whole(&Self::plain(value)) {
            Some(number) => (number, String::new()),
            None => (i64::MAX, self.string(key).unwrap_or_default().trim().to_owned()),
        }
    }

    fn place(&self) -> Option<[(i64, String); 2]> {
        Some([self.identity("pid"), self.identity("tid")])
    }

    /// "stream 7" or "7".
    fn ordinal(value: Option<&&str>) -> Option<i64> {
        let text = Self::plain(value?);
        let text = text.trim_ascii();
        whole(text).or_else(|| whole(text.strip_prefix("stream ")?))
    }
}

#[derive(Default)]
struct Rows {
    reference: Reference,
    /// Of every row of a table that may hold outliers: its start. And of what is in no table.
    starts: [Vec<i64>; 4],
    memory_starts: Vec<i64>,
}

impl Rows {
    /// Takes an event; `None` where it is none.
    fn take(&mut self, event: &Event<'_>) -> Option<()> {
        match event.string("ph")?.as_str() {
            "X" => self.complete(event),
            "i" | "I" => self.instant(event),
            "" => None,
            _ => Some(()),
        }
    }

    fn complete(&mut self, event: &Event<'_>) -> Option<()> {
        let start = event.time("ts")?;
        let length = match event.members.0.get("dur") {
            None | Some(&"null") => 0,
            Some(value) => match time(&Event::plain(value)) {
                Some(length) => length.max(0),
                None if value.starts_with('"') && is_no_number(&Event::plain(value)) => 0,
                None => return None,
            },
        };
        let times = [start, start.saturating_add(length)];
        let name = event.string("name").unwrap_or_default();
        let tables = &mut self.reference.tables;
        let [host_starts, device_starts, python_starts, other_starts] = &mut self.starts;
        match category(event.string("cat").unwrap_or_default().as_bytes()) {
            Category::Host(kind) => {
                let external = event.number(&["External id", "external id"]).unwrap_or(ABSENT);
                let correlation = event.number(&["correlation"]).filter(|_| kind == HostKind::Runtime).unwrap_or(0);
                let dims = event.arguments.0.get("Input Dims").or_else(|| event.arguments.0.get("Input dims"));
                // (A string, which no profiler writes here, as it is best spelled.)
                let spelled = |dims: &str| {
                    let string: Option<String> = serde_json::from_str(dims).ok();
                    string.and_then(|string| serde_json::to_string(&string).ok()).unwrap_or_else(|| dims.to_owned())
                };
                let dims = dims.filter(|_| kind == HostKind::Op).map_or(String::new(), |dims| spelled(dims));
                let dims: String = dims.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
                let module = event.arguments.0.get("Module Hierarchy");
                let module: Option<String> = module.and_then(|value| serde_json::from_str(value).ok());
                let texts = (dims, module.unwrap_or_default());
                host_starts.push(start);
                tables.host.push(format!("{:?}", (times, name, kind, event.place(), (external, correlation), texts)));
            }
            Category::Device(kind) => {
                let (process, thread) = (event.members.0.get("pid"), event.members.0.get("tid"));
                let device = event.number(&["device"]).or_else(|| Event::ordinal(process));
                let stream = event
                    .number(&["stream"])
                    .or_else(|| Event::ordinal(event.arguments.0.get("stream")))
                    .or_else(|| event.number(&["stream_id"]))
                    .or_else(|| Event::ordinal(thread));
                let correlation = event.number(&["correlation"]).unwrap_or(0);
                let bytes = event.number(&["bytes"]).unwrap_or(ABSENT);
                let ids = [device.unwrap_or(NO_DEVICE_ID), stream.unwrap_or(NO_DEVICE_ID), correlation, bytes];
                device_starts.push(start);
                tables.device.push(format!("{:?}", (times, name, kind, ids, Some(config(event)))));
            }
            Category::Python => {
                python_starts.push(start);
                tables.python.push(format!("{:?}", (times, name, event.place())));
            }
            Category::Sync => {
                let kind: Option<String> =
                    event.arguments.0.get("cuda_sync_kind").and_then(|value| serde_json::from_str(value).ok());
                if kind.is_some_and(|kind| !kind.contains("Wait")) {
                    tables.syncs.push(format!("{:?}", (start, event.number(&["correlation"]).unwrap_or(0))));
                }
                other_starts.push(start);
            }
            Category::Span | Category::Aside | Category::Unknown => other_starts.push(start),
        }
        Some(())
    }

    fn instant(&mut self, event: &Event<'_>) -> Option<()> {
        if event.string("name").as_deref() != Some("[memory]") {
            return Some(());
        }
        let start = event.time("ts")?;
        let (Some(bytes), Some(device_type)) = (event.number(&["Bytes"]), event.number(&["Device Type"])) else {
            return Some(());
        };
        let or_absent = |key| event.number(&[key]).unwrap_or(ABSENT);
        let numbers = [device_type, event.number(&["Device Id"]).unwrap_or(-1), or_absent("Addr"), bytes];
        let totals = [or_absent("Total Allocated"), or_absent("Total Reserved"), or_absent("Ev Idx")];
        self.memory_starts.push(start);
        self.reference.tables.memory.push(format!("{:?}", (start, event.place(), numbers, totals)));
        Some(())
    }

    /// Drops what is a day or more from the median of all starts, and finds the origin.
    fn finish(mut self) -> Option<Reference> {
        const DAY_NS: i64 = 24 * 3_600 * 1_000_000_000;
        let mut all: Vec<i64> = self.starts.concat();
        all.sort_unstable();
        let (first, last) = (all.first().copied().unwrap_or(0), all.last().copied().unwrap_or(0));
        self.reference.tables.origin_ns = first;
        if last.saturating_sub(first) > DAY_NS {
            let median = *all.get(all.len() / 2)?;
            let is_near = |start: i64| start.saturating_sub(median).saturating_abs() <= DAY_NS;
            let tables = &mut self.reference.tables;
            let [host, device, python, _] = &self.starts;
            let filtered = |rows: &mut Vec<String>, starts: &[i64]| {
                let mut starts = starts.iter();
                rows.retain(|_| starts.next().is_some_and(|&start| is_near(start)));
            };
            filtered(&mut tables.host, host);
            filtered(&mut tables.device, device);
            filtered(&mut tables.python, python);
            filtered(&mut tables.memory, &self.memory_starts);
            tables.origin_ns = all.into_iter().find(|&start| is_near(start)).unwrap_or(first);
        }
        Some(self.reference)
    }
}

fn config(event: &Event<'_>) -> LaunchConfig {
    let triple = |key: &str| -> Option<[i64; 3]> {
        let parts: Vec<&RawValue> = serde_json::from_str(event.arguments.0.get(key)?).ok()?;
        let parts: Option<Vec<i64>> = parts.into_iter().map(|part| whole(part.get())).collect();
        parts?.try_into().ok()
    };
    let blocks = event.arguments.0.get("blocks per SM");
    LaunchConfig {
        grid: triple("grid"),
        block: triple("block"),
        registers: event.number(&["registers per thread"]),
        shared_memory_bytes: event.number(&["shared memory"]),
        blocks_per_sm_millionths: blocks.and_then(|value| scaled(&Event::plain(value), 6)),
        occupancy_percent: event.number(&["est. achieved occupancy %"]),
    }
}

fn is_no_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text).to_ascii_lowercase();
    ["nan", "inf", "infinity", "n/a", ""].contains(&text.as_str())
}

/// Decimal microseconds as nanoseconds.
fn time(text: &str) -> Option<i64> {
    scaled(text.trim_ascii(), 3).filter(|value| value.unsigned_abs() <= TIME_LIMIT_NS.unsigned_abs())
}

fn whole(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    if let Some(hexadecimal) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hexadecimal, 16).ok().map(u64::cast_signed);
    }
    let plain = text.parse().ok().or_else(|| text.parse::<u64>().ok().map(u64::cast_signed));
    plain.or_else(|| {
        let value = scaled(text, 0)?;
        (scaled(text, 6)? == value.checked_mul(1_000_000)?).then_some(value)
    })
}

/// A decimal number times 10^`places`, rounded half away from zero: the digits are shifted as text.
fn scaled(text: &str, places: i64) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [before, behind].concat();
    let exponent_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(&digits) || !are_digits(exponent_digits) {
        return None;
    }
    let far = if exponent.starts_with('-') { -10_000 } else { 10_000 };
    let exponent: i64 = exponent.parse().unwrap_or(far).clamp(-10_000, 10_000);
    let point = i64::try_from(before.len()).ok()? + exponent + places;
    if digits.bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    // As many digits stand before the point of the result.
    let Ok(point) = usize::try_from(point) else { return Some(0) };
    let (kept, dropped) = digits.split_at(point.min(digits.len()));
    let zeros = point - kept.len();
    if zeros > 40 {
        return None;
    }
    let value: i128 = format!("0{kept}{:0<zeros$}", "").parse().ok()?;
    let value = value + i128::from(dropped.bytes().next() >= Some(b'5'));
    i64::try_from(if is_negative { -value } else { value }).ok()
}
