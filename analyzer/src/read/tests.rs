//! The reader on whole texts: every producer and quirk of TRACE-FORMAT.md that no shared trace shows, and properties over
//! random traces in every block size.

use super::*;
use crate::trace::events::{ABSENT, DeviceKind, HostKind};
use crate::trace::tracks::{Identity, Place};
use std::path::Path;

fn read_text(text: &str) -> ReadTrace {
    read(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn codes(read: &ReadTrace) -> Vec<&'static str> {
    let mut codes: Vec<_> = read.findings.iter().map(|finding| finding.code.text()).collect();
    codes.sort_unstable();
    codes
}

fn events(list: &str) -> String {
    format!(r#"{{"schemaVersion": 1, "traceEvents": [{list}]}}"#)
}

/// Kineto of September 2020: a bare array, string ids, old categories, `external id` in lower case, integer times.
#[test]
fn the_array_of_2020_reads_like_today() {
    let read = read_text(
        r#"[{"ph": "X", "cat": "Operator", "name": "aten::mm", "pid": "25738", "tid": "25738", "ts": 1600000000000000, "dur": 10, "args": {"external id": 3, "Input dims": [[2, 2]]}},
            {"ph": "X", "cat": "Runtime", "name": "cudaLaunchKernel", "pid": 25738, "tid": 25738, "ts": 1600000000000002, "dur": 3, "args": {"external id": 3, "correlation": 9}},
            {"ph": "X", "cat": "Kernel", "name": "sgemm", "pid": 0, "tid": "stream 7", "ts": 1600000000000005, "dur": 4, "args": {"correlation": 9}},
            {"ph": "X", "cat": "Memcpy", "name": "Memcpy HtoD", "pid": 0, "tid": "stream 7 ", "ts": 1600000000000012, "dur": 0, "args": {"stream": 7, "correlation": 11, "bytes": "616"}},
            {"name": "launch", "ph": "s", "cat": "async", "id": 9, "pid": 25738, "tid": 25738, "ts": 1600000000000002}]"#,
    );
    let trace = &read.trace;
    assert_eq!((read.events_kept, codes(&read)), (5, vec![]));
    assert_eq!((trace.host.kind(0), trace.host.kind(1)), (HostKind::Op, HostKind::Runtime));
    assert_eq!(trace.host.track(0), trace.host.track(1), "\"25738\" and 25738 are one thread");
    assert_eq!((trace.device.stream(0), trace.device.stream(1)), (7, 7));
    assert_eq!((trace.device.kind(1), trace.device.device(1)), (DeviceKind::Memcpy, 0));
    assert_eq!(trace.names.get(trace.host.shapes(0)), "[[2,2]]");
    assert!(trace.metadata.absolute_times);
}

/// MTIA: its own host and device categories, packets without correlation, streams that are no thread ids.
#[test]
fn mtia_events_are_host_calls_and_device_packets() {
    let read = read_text(&events(
        r#"{"ph": "X", "cat": "mtia_runtime", "name": "runFunction", "pid": 9, "tid": 1, "ts": 1, "dur": 5, "args": {"correlation": 4, "stream_id": "108"}},
           {"ph": "X", "cat": "mtia_ccp_events", "name": "dma", "pid": 9, "tid": 3774, "ts": 3.5, "dur": 2, "args": {"stream": 108, "correlation": 4, "size": 5}},
           {"ph": "X", "cat": "mtia_ccp_events", "name": "dma", "pid": 9, "tid": 3774, "ts": 7, "dur": 1, "args": {"stream": 108}}"#,
    ));
    let device = &read.trace.device;
    assert_eq!(
        (device.len(), device.kind(0), device.stream(0), device.correlation(1)),
        (2, DeviceKind::Packet, 108, 0)
    );
    assert_eq!(read.trace.host.kind(0), HostKind::Runtime);
}

/// ROCm: numbers as text, device ids that are no ordinals; XPU and others by category.
#[test]
fn rocm_and_xpu_spellings_are_known() {
    let read = read_text(&events(
        r#"{"ph": "X", "cat": "cuda_runtime", "name": "hipLaunchKernel", "pid": 5, "tid": 5, "ts": 1, "dur": 2, "args": {"cid": 211, "correlation": 1, "stream": "0x0"}},
           {"ph": "X", "cat": "kernel", "name": "Cijk", "pid": 2, "tid": 0, "ts": 4, "dur": 1, "args": {"device": 2, "stream": "0x1f", "correlation": 1, "kind": "Dispatch Kernel"}},
           {"ph": "X", "cat": "xpu_runtime", "name": "piextUSMEnqueueMemcpy", "pid": 5, "tid": 5, "ts": 9, "dur": 2, "args": {"correlation": "77"}}"#,
    ));
    assert_eq!((read.trace.device.device(0), read.trace.device.stream(0)), (2, 31));
    assert_eq!((read.trace.host.kind(1), read.trace.host.correlation(1)), (HostKind::Runtime, 77));
}

/// June 2021: `[memory]` without category and totals; today: with them.
#[test]
fn memory_instants_of_all_years_are_records() {
    let read = read_text(&events(
        r#"{"ph": "i", "name": "[memory]", "pid": 1, "tid": 1, "ts": 5, "s": "t", "args": {"Device Type": 0, "Device Id": -1, "Bytes": 64}},
           {"ph": "i", "cat": "cpu_instant_event", "name": "[memory]", "pid": 1, "tid": 1, "ts": 6, "s": "t", "args": {"Device Type": 1, "Device Id": 0, "Addr": 7, "Bytes": -512, "Total Allocated": 0, "Total Reserved": 2097152, "Ev Idx": 3, "finished": false}},
           {"ph": "i", "name": "Iteration Start: PyTorch Profiler", "pid": "Traces", "tid": "x", "ts": 0, "s": "g"}"#,
    ));
    let memory = &read.trace.memory;
    assert_eq!((memory.len(), memory.record(0).allocated, memory.record(1).reserved), (2, ABSENT, 2_097_152));
    assert_eq!(codes(&read), Vec::<&str>::new());
}

/// `finished: false` on X only; -1, negative, missing and textual durations (R36, R40).
#[test]
fn durations_that_are_none_are_counted_and_zero() {
    let x = |dur: &str| format!(r#"{{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 1{dur}}}"#);
    let all = [
        x(""),
        x(r#", "dur": -1"#),
        x(r#", "dur": -2.5"#),
        x(r#", "dur": "3.5""#),
        x(r#", "dur": "nan""#),
        x(r#", "dur": {}"#),
    ];
    let read = read_text(&events(&all.join(",")));
    assert_eq!(codes(&read), ["W-BAD-EVENT", "W-MISSING-DUR", "W-NEG-DUR", "W-UNFINISHED"]);
    let lengths: Vec<i64> = (0..read.trace.host.len()).map(|row| read.trace.host.duration(row).get()).collect();
    assert_eq!(lengths, [0, 0, 0, 3_500, 0]);
    assert_eq!((read.events_kept, read.events_skipped), (5, 1));
}

/// A finished event that is longer than the profiler's own span (R39); an unfinished one is no outlier.
#[test]
fn events_longer_than_the_recording_are_named() {
    let text = |finished: &str| {
        events(&format!(
            r#"{{"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 1, "dur": 9000{finished}}},
               {{"ph": "X", "cat": "Trace", "name": "PyTorch Profiler (0)", "pid": "Spans", "tid": "PyTorch Profiler", "ts": 0, "dur": 7000}}"#
        ))
    };
    assert_eq!(codes(&read_text(&text(""))), ["W-DUR-OUTLIER"]);
    assert_eq!(codes(&read_text(&text(r#", "args": {"finished": false}"#))), ["W-UNFINISHED"]);
}

/// Unknown categories stay in the extent, unknown phases are counted.
#[test]
fn what_no_analysis_uses_is_kept_and_said() {
    let read = read_text(&events(
        r#"{"ph": "X", "cat": "ascend_hccs", "name": "x", "pid": 1, "tid": 1, "ts": 3, "dur": 1},
           {"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 5, "dur": 1},
           {"ph": "B", "name": "b", "pid": 1, "tid": 1, "ts": 5}, {"ph": "E", "pid": 1, "tid": 1, "ts": 6}, {"ph": "C", "name": "c", "pid": 1, "ts": 6}"#,
    ));
    assert_eq!((codes(&read), read.events_kept), (vec!["N-UNKNOWN-CAT", "N-UNKNOWN-PH"], 5));
    assert_eq!(read.trace.origin.nanoseconds(), 3_000);
}

/// The same device and host ids in one file: sides are kept apart by category (R51).
#[test]
fn identities_are_exact() {
    let read = read_text(&events(
        r#"{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 18446744073709551615, "tid": "worker 3", "ts": 5, "dur": 1}"#,
    ));
    let place = read.trace.tracks.place(read.trace.host.track(0)).unwrap();
    let Place { process: Identity::Whole(process), thread: Identity::Text(_) } = place else { panic!("{place:?}") };
    assert_eq!(process.cast_unsigned(), u64::MAX);
}

/// Metadata behind the events, as text, repeated, or damaged.
#[test]
fn metadata_is_read_wherever_it_stands() {
    let read = read_text(
        r#"{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 5, "dur": 1}],
            "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": "8"}, "profile_memory": true, "record_shapes": 1,
            "baseTimeNanoseconds": 1, "baseTimeNanoseconds": 1790857026000000000, "ERROR": ["gpuGetDeviceCount failed with code 35"]}"#,
    );
    let metadata = &read.trace.metadata;
    assert_eq!(
        (metadata.rank, metadata.world_size, metadata.base_time_ns),
        (Some(3), Some(8), Some(1_790_857_026_000_000_000))
    );
    assert!(metadata.profile_memory && metadata.record_shapes && !metadata.with_stack);
    assert_eq!((codes(&read), metadata.log_lines.len()), (vec!["W-DUP-KEY"], 1));
}

/// Damage at the top level, before and behind the events: they are found all the same.
#[test]
fn events_behind_damaged_metadata_are_found() {
    let event = r#"{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 5, "dur": 1}"#;
    let read = read_text(&format!(r#"{{"note": he said, "traceEvents": [{event}], "more": ???}}"#));
    assert_eq!((read.events_kept, codes(&read)), (1, vec!["W-BAD-EVENT"]));
}

#[test]
fn a_broken_last_event_does_not_swallow_the_tail() {
    let event = r#"{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 5, "dur": 1}"#;
    let read = read_text(&format!(
        "{{\"traceEvents\": [\n{event},\n{{\"ph\": \"X\", oops }}\n], \"baseTimeNanoseconds\": 5}}"
    ));
    assert_eq!((read.events_kept, read.events_skipped, read.trace.metadata.base_time_ns), (1, 1, Some(5)));
}

fn op(name: &str, more: &str) -> String {
    format!(r#"{{"ph": "X", "cat": "cpu_op", "name": "{name}", "pid": 1, "tid": 1, "ts": 5, "dur": 1{more}}}"#)
}

/// A bracket between events costs what stands at it, not everything behind (it is no end: a comma and an event follow).
#[test]
fn a_stray_bracket_ends_nothing() {
    let list =
        |middle: &str| format!("{{\"traceEvents\": [{},\n{middle}{},\n{}]}}", op("a", ""), op("b", ""), op("c", ""));
    for (middle, kept) in [("", 3), ("]", 3), ("[", 3), (";", 3), ("],", 3)] {
        let read = read_text(&list(middle));
        assert_eq!(read.events_kept, kept, "{middle:?}: {:?}", codes(&read));
        assert_eq!(middle.is_empty(), codes(&read).is_empty(), "{middle:?}: {:?}", codes(&read));
    }
    let replaced = list("").replacen("},\n{", "}]\n{", 1);
    assert_eq!(read_text(&replaced).events_kept, 3);
}

/// Objects in lists of `args` look like starts of events: a repair may reach over them, but never over an event.
#[test]
fn objects_inside_of_args_are_no_events() {
    let nested = r#", "args": {"deps": [{"id": 1}, {"name": "x", "ph": "y"}], "bw": inf}"#;
    let read = read_text(&events(&[op("a", nested), op("b", ""), op("c", nested)].join(",")));
    assert_eq!((read.events_kept, codes(&read)), (3, vec!["W-NONFINITE"]));
}

/// A repair must not make another event of this one: what swallows a key is lost, and said to be.
#[test]
fn a_string_that_swallows_a_key_is_no_name() {
    let broken = op("a", "").replace(r#""cpu_op", "name""#, r#""cpu_op" "name""#);
    let read = read_text(&events(&[broken, op("b", "")].join(",")));
    assert_eq!((read.events_kept, codes(&read)), (1, vec!["W-BAD-EVENT"]));
    let quoted = read_text(&events(&[op("a \"b\" c", ""), op("b", "")].join(",")));
    assert_eq!((quoted.events_kept, codes(&quoted)), (2, vec!["W-REPAIR-QUOTE"]));
    assert!(quoted.trace.names.find("a \"b\" c").is_some());
}

/// Damage in one top-level value, however it reads on, leaves the events.
#[test]
fn damaged_metadata_never_costs_the_events() {
    for head in
        [r#""path": "C:\dir\", "#, r#""distributedInfo": {"rank: 0}, "#, r#""d": [}, "#, r#""deviceProperties": []}, "#]
    {
        let read = read_text(&format!("{{{head}\"schemaVersion\": 1, \"traceEvents\": [{}]}}", op("a", "")));
        assert_eq!(read.events_kept, 1, "{head}: {:?}", codes(&read));
        assert!(codes(&read).contains(&"W-BAD-EVENT"), "{head}: {:?}", codes(&read));
    }
}

/// Keys may be escaped, and events may start with any key.
#[test]
fn keys_are_what_they_say_however_they_are_spelled() {
    let escaped = op("a", "").replacen("\"ph\"", "\"\\u0070h\"", 1);
    let read = read_text(&events(&escaped));
    assert_eq!((read.events_kept, codes(&read)), (1, vec![]));
    let own: Vec<String> = (0..50).map(|_| op("a", "").replacen('{', "{\"level\": 1, ", 1)).collect();
    let mut damaged = own.clone();
    damaged[25].pop();
    let read = read_text(&events(&damaged.join(",\n")));
    assert_eq!((read.events_kept, codes(&read)), (49, vec!["W-BAD-EVENT"]));
}

#[test]
fn limits_stop_early() {
    let text = events(&r#"{"ph": "M", "name": "x"},"#.repeat(10_000));
    assert!(matches!(
        read(text.as_bytes(), &Limits { max_bytes: 1_000, ..Limits::default() }),
        Err(ErrorKind::TooLarge { .. })
    ));
}

/// Names beyond the limit are one name; what is summed stays whole, and readers agree.
#[test]
fn too_many_names_become_one() {
    let list: Vec<String> = (0..20_000).map(|number| op(&format!("name {}", number * 7 % 15_000), "")).collect();
    let text = events(&list.join(",\n"));
    let limits = Limits { max_names: 10_000, ..Limits::default() };
    let [alone, together] = [0, 3].map(|readers| read_with(text.as_bytes(), &limits, 40_000, readers).unwrap());
    assert_eq!((codes(&alone), codes(&together)), (vec!["W-NAMES"], vec!["W-NAMES"]));
    let names = |read: &ReadTrace| -> Vec<String> {
        let host = &read.trace.host;
        (0..host.len()).map(|row| read.trace.names.get(host.name(row)).to_owned()).collect()
    };
    assert_eq!(names(&alone), names(&together));
    assert_eq!(names(&alone).iter().filter(|name| *name == "(other names)").count(), 5_000);
    assert_eq!(alone.trace.names.len(), 10_001);
}

/// What the fuzzer found worth keeping still holds.
#[test]
fn the_fuzzers_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (target, run) in [("reader", fuzz::reader as fn(&[u8])), ("gzip", fuzz::gzip)] {
        let mut inputs: Vec<_> =
            std::fs::read_dir(corpus.join(target)).unwrap().map(|file| file.unwrap().path()).collect();
        inputs.sort();
        assert!(inputs.len() >= 30, "{target}");
        inputs.iter().for_each(|input| run(&std::fs::read(input).unwrap()));
    }
}
