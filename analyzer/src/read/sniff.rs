//! What is this file, where it is not a trace? A "no" names the format and the way out (R1, R8).

/// What the first bytes say, where they do not start a JSON object or array.
pub(super) fn foreign(head: &[u8]) -> Foreign {
    let trimmed = head.trim_ascii_start();
    let lower = trimmed.get(..trimmed.len().min(16)).unwrap_or_default().to_ascii_lowercase();
    let no_json = |what| Foreign { is_json: false, what };
    match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => no_json("a ZIP archive: unpack it first"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => no_json("a Zstandard archive: unpack it first"),
        [b'B', b'Z', b'h', ..] => no_json("a bzip2 archive: unpack it first"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => no_json("an xz archive: unpack it first"),
        [0x80, 2..=5, ..] => {
            no_json("a Python pickle (a memory snapshot?): export the trace with prof.export_chrome_trace()")
        }
        [0x0a, ..] if !head.is_ascii() => {
            no_json("a protobuf (a Perfetto or XPlane trace?): export Chrome JSON instead")
        }
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => no_json("an SQLite database (Nsight Systems?)"),
        [b'P', b'A', b'R', b'1', ..] => no_json("a Parquet file"),
        _ if lower.starts_with(b"<!doctype") || lower.starts_with(b"<html") => {
            no_json("an HTML page: the download was probably a log-in or error page")
        }
        _ if lower.starts_with(b"<") => no_json("an XML or HTML document"),
        _ if is_scalar(trimmed) => {
            Foreign { is_json: true, what: "a single JSON value, not an object with traceEvents" }
        }
        _ => no_json("no JSON object or array"),
    }
}

/// A file that is something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Foreign {
    /// JSON, but no trace.
    pub(super) is_json: bool,
    /// What it looks like, and what to do.
    pub(super) what: &'static str,
}

fn is_scalar(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    serde_json::from_slice::<serde_json::Value>(text.get(..text.len().min(4096)).unwrap_or_default()).is_ok()
}

const UNKNOWN_OBJECT: &str = "a JSON object without traceEvents; export the trace with prof.export_chrome_trace()";

/// What a JSON object without `traceEvents` is, by its top-level keys.
pub(super) fn object_without_events(keys: &[String]) -> &'static str {
    let has = |key: &str| keys.iter().any(|have| have == key);
    if has("schema") && has("nodes") {
        "a PyTorch execution trace (keys schema, nodes); export with prof.export_chrome_trace()"
    } else if has("rocprofiler-sdk-tool") {
        "rocprofv3's own JSON; write a PyTorch profiler trace with prof.export_chrome_trace()"
    } else if has("ph") {
        "JSON lines, one event a line; wrap the events as {\"traceEvents\": [...]}"
    } else if has("epochs") || has("train_losses") || has("schema_version") {
        "a results.json, not a trace; give its run folder to `analyzer report`"
    } else if has("segments") || has("device_traces") {
        "a CUDA memory snapshot; export with prof.export_chrome_trace()"
    } else {
        UNKNOWN_OBJECT
    }
}

/// What an object is that ends before its events, by the keys that it has.
pub(super) fn cut_object(keys: &[String]) -> &'static str {
    match object_without_events(keys) {
        UNKNOWN_OBJECT => "the text ends inside of an object, before any traceEvents (truncated while writing?)",
        known => known,
    }
}
