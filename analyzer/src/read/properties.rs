//! Properties of the reader over random traces, valid and damaged: what `serde_json` reads, and the same however the text is
//! split and by however many it is read.

use super::reference::{self, Tables};
use super::{Limits, read_with};
use proptest::prelude::*;
use std::fmt::Write as _;

/// An event as a test draws it, in one of several layouts.
#[derive(Clone, Debug)]
struct Drawn {
    name: String,
    start_ns: u32,
    length_ns: u32,
    kind: u8,
    layout: u8,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    ("[a-z:\"\\\\é\u{1}]{0,12}", any::<u32>(), any::<u32>(), 0u8..4, 0u8..3)
        .prop_map(|(name, start_ns, length_ns, kind, layout)| Drawn { name, start_ns, length_ns, kind, layout })
}

fn micros(nanoseconds: u32) -> String {
    format!("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000)
}

impl Drawn {
    fn category(&self) -> &'static str {
        ["cpu_op", "cuda_runtime", "kernel", "user_annotation"][usize::from(self.kind)]
    }

    /// The same with events of other kinds before it, some of them damaged.
    fn text_among_others(&self) -> String {
        let flow = "{\"ph\": \"f\", \"id\": 1, \"pid\": 1, \"tid\": 2, \"ts\": 5.000, \"cat\": \"ac2g\", \"name\": \"ac2g\", \"bp\": \"e\"},\n";
        let not_finite = "{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"n\", \"pid\": 1, \"tid\": 2, \"ts\": 5.000, \"dur\": NaN},\n";
        let nested = "{\"ph\": \"M\", \"args\": {\"labels\": [{\"name\": \"a\"},{\"name\": \"b\"}]}},\n";
        let before = match self.start_ns % 6 {
            0 => flow,
            1 => not_finite,
            2 => nested,
            _ => "",
        };
        format!("{before}{}", self.text())
    }

    fn text(&self) -> String {
        let name = serde_json::to_string(&self.name).unwrap();
        let (ts, dur, cat) = (micros(self.start_ns), micros(self.length_ns), self.category());
        match self.layout {
            0 => format!(
                "  {{\n    \"ph\": \"X\", \"cat\": \"{cat}\", \"name\": {name}, \"pid\": 1, \"tid\": 2,\n    \"ts\": {ts}, \"dur\": {dur},\n    \"args\": {{\n      \"External id\": 5\n    }}\n  }}"
            ),
            1 => format!(
                r#"{{"args":{{"External id":5,"skip":[[1],{{"name":"x"}}]}},"dur":{dur},"ts":{ts},"tid":2,"pid":1,"name":{name},"cat":"{cat}","ph":"X"}}"#
            ),
            _ => format!(
                r#"{{"ts": "{ts}", "dur": "{dur}", "ph": "X", "name": {name}, "cat": "{cat}", "pid": "1", "tid": "2", "args": {{"External id": "5"}}}}"#
            ),
        }
    }
}

/// What may stand where a value is expected.
const ODD_VALUES: [&str; 13] = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    r#""nan""#,
    r#""""#,
    "-1",
    "[1, 2,3]",
    "[[2, 3], []]",
    r#""stream 7 ""#,
    r#""\u0031""#,
    r#"{"a": [1, {"name": "x"}]}"#,
];
/// (`ph` comes from [`PHASES`], once.)
const EVENT_KEYS: [&str; 10] = ["cat", "name", "pid", "tid", "ts", "dur", "id", "s", "bp", "level"];
const ARGUMENT_KEYS: [&str; 26] = [
    "External id",
    "external id",
    "correlation",
    "device",
    "stream",
    "stream_id",
    "registers per thread",
    "shared memory",
    "blocks per SM",
    "grid",
    "block",
    "est. achieved occupancy %",
    "bytes",
    "Input Dims",
    "Input dims",
    "finished",
    "Device Type",
    "Device Id",
    "Addr",
    "Bytes",
    "Total Allocated",
    "Total Reserved",
    "Ev Idx",
    "Module Hierarchy",
    "cuda_sync_kind",
    "Call stack",
];
const PHASES: [&str; 10] = ["X", "X", "X", "X", "i", "M", "f", "B", "", "\\u0058"];
const CATEGORIES: [&str; 14] = [
    "cpu_op",
    "Operator",
    "cuda_runtime",
    "user_annotation",
    "overhead",
    "kernel",
    "gpu_memcpy",
    "mtia_ccp_events",
    "python_function",
    "cuda_sync",
    "Trace",
    "ac2g",
    "unknown",
    "cpu\\u005fop",
];
/// Colon, comma, and what stands inside of brackets.
const LAYOUTS: [(&str, &str, &str); 4] =
    [(": ", ", ", ""), (":", ",", ""), (" :\t", "\n,  ", "\n"), (": ", ",\r\n ", " ")];

fn odd_value() -> impl Strategy<Value = String> {
    prop_oneof![
        (-3i64..5_000_000_000).prop_map(|number| number.to_string()),
        (0u32..5_000_000, 0u32..1000).prop_map(|(whole, part)| format!("{whole}.{part:03}")),
        (0u32..5_000, any::<u32>()).prop_map(|(whole, part)| format!("\"{whole}.{part}\"")),
        (any::<i32>(), -20i32..20).prop_map(|(number, exponent)| format!("{number}e{exponent}")),
        any::<u64>().prop_map(|number| format!("\"0x{number:x}\"")),
        "[a-zé:\"\\\\\u{1}]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        prop::sample::select(&ODD_VALUES[..]).prop_map(str::to_owned),
    ]
}

/// An event of any kind with any arguments, strict but spelled as no profiler would.
fn odd_event() -> impl Strategy<Value = String> {
    let kind = (
        prop::sample::select(&PHASES[..]),
        prop::sample::select(&CATEGORIES[..]),
        prop::sample::select(&["[memory]", "aten::mm", "k"][..]),
    );
    let members = |keys: &'static [&'static str], most| {
        proptest::collection::vec((prop::sample::select(keys), odd_value()), 0..most)
    };
    let times = (0u32..4_000_000, 0u32..4_000_000);
    (kind, times, members(&EVENT_KEYS, 3), members(&ARGUMENT_KEYS, 8), 0..LAYOUTS.len()).prop_map(
        |((phase, category, name), (start, length), others, arguments, layout)| {
            let (colon, comma, edge) = LAYOUTS[layout];
            let object = |members: Vec<String>| format!("{{{edge}{}{edge}}}", members.join(comma));
            let member = |(key, value): &(&str, String)| format!("\"{key}\"{colon}{value}");
            let mut members = vec![
                format!("\"ph\"{colon}\"{phase}\""),
                format!("\"cat\"{colon}\"{category}\""),
                format!("\"name\"{colon}\"{name}\""),
                format!("\"ts\"{colon}{}", micros(start)),
                format!("\"dur\"{colon}{}", micros(length)),
            ];
            let arguments = object(arguments.iter().map(member).collect());
            members.insert(members.len() - layout, format!("\"args\"{colon}{arguments}"));
            members.extend(others.iter().map(member));
            object(members)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// All tables, whatever the layout, in every block size and with any number of readers.
    #[test]
    fn valid_traces_read_as_serde_json_reads_them(
        drawn in proptest::collection::vec(prop_oneof![drawn().prop_map(|drawn| drawn.text()), odd_event()], 0..30),
        is_root in any::<bool>(),
        separator in prop::sample::select(&[",", ", ", ",\n", " ,\n  "][..]),
    ) {
        let list = drawn.join(separator);
        let head = format!("{{\"note\": \"{}\", \"traceEvents\": [", "x".repeat(5_000));
        let text = if is_root { format!("[{list}]") } else { format!("{head}{list}], \"baseTimeNanoseconds\": 7}}") };
        let reference = reference::read(text.as_bytes()).unwrap();
        for (block_bytes, readers) in [(1 << 20, 0), (7, 0), (64, 3), (300, 1), (1000, 2), (2000, 3)] {
            match read_with(text.as_bytes(), &Limits::default(), block_bytes, readers) {
                Err(_) => prop_assert_eq!(reference.kept, 0),
                Ok(read) => {
                    prop_assert_eq!(&Tables::of(&read.trace), &reference.tables);
                    prop_assert_eq!((read.events_kept, read.events_skipped), (reference.kept, reference.skipped));
                }
            }
        }
    }

    /// Damage that cannot be repaired costs the event that has it, and no other.
    #[test]
    fn damaged_traces_read_as_serde_json_reads_the_good_of_them(
        drawn in proptest::collection::vec((drawn().prop_map(|drawn| drawn.text()), 0u8..12), 1..30),
        cut in 0usize..30,
        is_cut in any::<bool>(),
    ) {
        let head = format!("{{\"note\": \"{}\", \"traceEvents\": [\n", "x".repeat(5_000));
        let (mut all, mut good, mut bad) = (Vec::new(), Vec::new(), 0u64);
        for (event, damage) in &drawn {
            match damage {
                0 => all.push(event.replacen("\"ts\":", "\"ts\" 5 :", 1)),
                1 => all.push(event[..event.len() - 1].to_owned()),
                2 => all.push(format!("{event} oops")),
                3 => all.push("17".to_owned()),
                4 => all.push(event.replacen("\"ph\"", "\"hp\"", 1)),
                _ => all.push(event.clone()),
            }
            bad += u64::from(*damage < 5);
            if *damage == 2 || *damage >= 5 {
                good.push(event.clone());
            }
        }
        let mut text = [&head, all.join(",\n").as_str(), "\n]}"].concat().into_bytes();
        let is_cut = is_cut && drawn.last().is_some_and(|(_, damage)| *damage >= 5);
        if is_cut {
            // Within the last event: all others are kept.
            let last = good.pop().unwrap_or_default();
            text.truncate(text.len() - "\n]}".len() - cut.clamp(1, last.len() - 1));
        }
        let sound = [&head, good.join(",\n").as_str(), "\n]}"].concat();
        let reference = reference::read(sound.as_bytes()).unwrap();
        for (block_bytes, readers) in [(1 << 20, 0), (7, 0), (64, 3), (300, 1), (1000, 2)] {
            let read = read_with(&text[..], &Limits::default(), block_bytes, readers).unwrap();
            prop_assert_eq!(&Tables::of(&read.trace), &reference.tables, "{}", String::from_utf8_lossy(&text));
            prop_assert_eq!(read.findings.is_empty(), bad == 0 && !is_cut);
        }
    }

    /// Damage of any kind: no panic, and the same result in every block size and with any number of readers.
    #[test]
    fn any_split_of_any_text_gives_the_same_result(
        drawn in proptest::collection::vec(drawn(), 0..40),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        // Longer than what is looked at before the first event, so that readers get some.
        let head = format!("{{\"note\": \"{}\", \"traceEvents\": [\n", "x".repeat(5_000));
        let tail = "\n], \"baseTimeNanoseconds\": 7, \"deviceProperties\": [{\"id\": 0, \"name\": \"H100\"}]}";
        let events: Vec<String> = drawn.iter().map(Drawn::text_among_others).collect();
        let mut text = [&head, events.join(",\n").as_str(), tail].concat().into_bytes();
        for (at, byte) in damage {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if is_cut {
            text.truncate(cut.index(text.len()));
        }
        let told = |block_bytes: usize, readers: usize| {
            let mut told = String::new();
            match read_with(&text[..], &Limits::default(), block_bytes, readers) {
                Ok(read) => write!(
                    told,
                    "{:?} {:?} {} {} {:?}",
                    Tables::of(&read.trace),
                    read.findings,
                    read.events_kept,
                    read.events_skipped,
                    read.trace.metadata,
                ),
                Err(error) => write!(told, "{error}"),
            }
            .unwrap();
            told
        };
        let whole = told(1 << 20, 0);
        for block_bytes in [7, 64, 300, 1000] {
            for readers in [0, 1, 3] {
                let told = told(block_bytes, readers);
                prop_assert_eq!(&told, &whole, "blocks of {} bytes, {} readers", block_bytes, readers);
            }
        }
    }
}
