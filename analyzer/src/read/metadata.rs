//! The keys beside `traceEvents`: small values, so a JSON tree serves.

use crate::text::Untrusted;
use crate::trace::metadata::{DeviceProperties, Metadata};
use serde_json::Value;

/// How many top-level keys are remembered for naming a foreign format.
const KEYS_REMEMBERED: usize = 64;
/// Lines of Kineto's log that are kept.
const LOG_LINES: usize = 20;

/// What was read at the top level so far.
#[derive(Debug, Default)]
pub(super) struct TopLevel {
    pub(super) keys: Vec<String>,
    pub(super) saw_events: bool,
    pub(super) metadata: Metadata,
}

impl TopLevel {
    /// Remembers a key; `false` where it is one that is used and stood before.
    pub(super) fn note_key(&mut self, key: &str) -> bool {
        let is_new = !self.keys.iter().any(|seen| seen == key);
        if is_new && self.keys.len() < KEYS_REMEMBERED {
            self.keys.push(key.to_owned());
        }
        is_new || !(USED.contains(&key) || key == "traceEvents")
    }

    /// Whether the keys so far are those of a Kineto trace, cut before its events.
    pub(super) fn looks_like_kineto(&self) -> bool {
        ["schemaVersion", "deviceProperties", "distributedInfo", "baseTimeNanoseconds", "trace_id"]
            .iter()
            .any(|key| self.keys.iter().any(|seen| seen == key))
    }

    /// Takes the strict value of a key, where it is one that is used. The last one counts (R17).
    pub(super) fn take(&mut self, key: &str, strict: &[u8]) {
        if !USED.contains(&key) {
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(strict) else { return };
        let metadata = &mut self.metadata;
        match key {
            "baseTimeNanoseconds" => metadata.base_time_ns = whole(&value),
            "profile_memory" => metadata.profile_memory = is_on(&value),
            "record_shapes" => metadata.record_shapes = is_on(&value),
            "with_stack" => metadata.with_stack = is_on(&value),
            "deviceProperties" | "computeProperties" => {
                metadata.devices = value.as_array().into_iter().flatten().map(device).collect();
            }
            "distributedInfo" => {
                metadata.rank = value.get("rank").and_then(whole);
                metadata.world_size = value.get("world_size").and_then(whole);
            }
            _ => {
                let lines = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                let room = LOG_LINES.saturating_sub(metadata.log_lines.len());
                metadata.log_lines.extend(lines.take(room).map(Untrusted::from));
            }
        }
    }
}

const USED: [&str; 9] = [
    "baseTimeNanoseconds",
    "profile_memory",
    "record_shapes",
    "with_stack",
    "deviceProperties",
    "computeProperties",
    "distributedInfo",
    "ERROR",
    "WARNING",
];

fn device(value: &Value) -> DeviceProperties {
    DeviceProperties {
        id: value.get("id").and_then(whole),
        name: value.get("name").and_then(Value::as_str).unwrap_or_default().into(),
        memory_bytes: value.get("totalGlobalMem").and_then(whole),
        multiprocessors: value.get("numSms").and_then(whole),
    }
}

/// A whole number, also as text (kineto's on-demand traces quote some).
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

/// `1` in torch's own files, `true` in re-dumped ones.
fn is_on(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| whole(value).is_some_and(|number| number != 0))
}
