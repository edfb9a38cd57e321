//! What names say: `<model>_<device>[_<variant>][.<n>]` of a run, rank and time of a trace file (CONTRACT, "runs/").
//!
//! Every name means something: one without a device is a model's. Names are hints; results.json wins where it speaks.

use super::results::DeviceKind;

/// What the name of a run folder says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunName {
    /// What stands before the device, or the whole name where there is none.
    pub model: String,
    /// `_cpu` or `_cuda`.
    pub device: Option<DeviceKind>,
    /// What differs from fp32 and default layout, joined with `-`; empty for nothing.
    pub variant: String,
    /// The repeat, 1 where none is named.
    pub repeat: u64,
}

/// What kind of file a name promises, in a run folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileKind {
    /// `*.pt.trace.json[.gz]`: surely meant as a trace.
    Trace,
    /// Another `*.json[.gz]`: a trace where nothing is surely one.
    Json,
    /// results.json, `*.key_averages.*`, hidden files and everything else.
    Other,
}

/// Takes a run's name apart. The first `_cpu` or `_cuda` that ends the name or stands before a `_` ends the model.
#[must_use]
pub fn run_name(name: &str) -> RunName {
    let (body, repeat) = split_repeat(name);
    let whole = RunName { model: body.to_owned(), device: None, variant: String::new(), repeat };
    let found = body.match_indices('_').find_map(|(at, _)| {
        let (model, rest) = (body.get(..at)?, body.get(at + 1..)?);
        let (device, variant) = rest.split_once('_').unwrap_or((rest, ""));
        let device = match device {
            "cpu" => DeviceKind::Cpu,
            "cuda" => DeviceKind::Cuda,
            _ => return None,
        };
        (!model.is_empty()).then(|| (model.to_owned(), device, variant.to_owned()))
    });
    match found {
        Some((model, device, variant)) => RunName { model, device: Some(device), variant, repeat },
        None => whole,
    }
}

/// `unet_cuda.2` is the second repeat of `unet_cuda`.
fn split_repeat(name: &str) -> (&str, u64) {
    match name.rsplit_once('.') {
        Some((body, digits)) if !body.is_empty() && is_digits(digits) => {
            digits.parse().map_or((name, 1), |repeat| (body, repeat))
        }
        _ => (name, 1),
    }
}

/// The rank in a trace file's name: the first `rank`, `rank-` or `rank_` with digits behind it, in any case. A hint:
/// the rank inside the trace wins.
#[must_use]
pub fn rank_from_name(name: &str) -> Option<i64> {
    let lower = name.to_ascii_lowercase();
    lower.match_indices("rank").find_map(|(at, word)| {
        let rest = lower.get(at + word.len()..)?;
        let rest = rest.strip_prefix(['-', '_']).unwrap_or(rest);
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(Some(rest), |end| rest.get(..end))?;
        digits.parse().ok()
    })
}

/// The order among several traces of one rank: the greatest is used. First the time in the name
/// (`<worker>.<unix_ns>.pt.trace.json[.gz]`, absent in names without one), then the name itself.
#[must_use]
pub fn recency(file_name: &str) -> (Option<u128>, String) {
    let time = trace_stem(file_name).rsplit('.').next().filter(|digits| is_digits(digits));
    (time.and_then(|digits| digits.parse().ok()), file_name.to_owned())
}

/// A trace file's name without its ending.
fn trace_stem(file_name: &str) -> &str {
    let stem = file_name.strip_suffix(".gz").unwrap_or(file_name);
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    stem.strip_suffix(".pt.trace").unwrap_or(stem)
}

/// The run's name that a lone trace file carries: without its ending and without a time of recording. Thirteen digits
/// are the milliseconds of our years, so a shorter number is a repeat.
pub(super) fn lone_trace_name(file_name: &str) -> &str {
    let stem = trace_stem(file_name);
    match stem.rsplit_once('.') {
        Some((worker, time)) if time.len() >= 13 && is_digits(time) && !worker.is_empty() => worker,
        _ => stem,
    }
}

/// What a file of this name is in a run folder.
pub(super) fn file_kind(file_name: &str) -> FileKind {
    let plain = file_name.strip_suffix(".gz").unwrap_or(file_name);
    let excluded = file_name.starts_with('.') || plain == "results.json" || file_name.contains(".key_averages.");
    if excluded || !plain.ends_with(".json") {
        FileKind::Other
    } else if plain.ends_with(".pt.trace.json") {
        FileKind::Trace
    } else {
        FileKind::Json
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(name: &str) -> (String, Option<DeviceKind>, String, u64) {
        let RunName { model, device, variant, repeat } = run_name(name);
        (model, device, variant, repeat)
    }

    fn named(model: &str, device: DeviceKind, variant: &str, repeat: u64) -> (String, Option<DeviceKind>, String, u64) {
        (model.to_owned(), Some(device), variant.to_owned(), repeat)
    }

    #[test]
    fn names_of_the_contract() {
        use DeviceKind::{Cpu, Cuda};
        assert_eq!(parts("unet_cpu"), named("unet", Cpu, "", 1));
        assert_eq!(parts("unet_cuda_tf32"), named("unet", Cuda, "tf32", 1));
        assert_eq!(parts("lstm_cuda_bf16-channels_last"), named("lstm", Cuda, "bf16-channels_last", 1));
        assert_eq!(parts("lstm_cpu.2"), named("lstm", Cpu, "", 2));
        assert_eq!(parts("unet_cuda_tf32.12"), named("unet", Cuda, "tf32", 12));
    }

    #[test]
    fn the_first_device_ends_the_model() {
        use DeviceKind::{Cpu, Cuda};
        assert_eq!(parts("my_net_cpu_cuda"), named("my_net", Cpu, "cuda", 1));
        assert_eq!(parts("net_cpus_cuda"), named("net_cpus", Cuda, "", 1));
        assert_eq!(parts("_cpu_cuda"), named("_cpu", Cuda, "", 1));
    }

    #[test]
    fn a_name_without_device_is_a_model() {
        assert_eq!(parts("resnet18"), ("resnet18".to_owned(), None, String::new(), 1));
        assert_eq!(parts("cuda"), ("cuda".to_owned(), None, String::new(), 1));
        assert_eq!(parts(""), (String::new(), None, String::new(), 1));
        assert_eq!(parts(".5"), (".5".to_owned(), None, String::new(), 1));
    }

    #[test]
    fn ranks_in_names() {
        let expected = [
            ("rank-0.json.gz", Some(0)),
            ("trace_rank_12.json", Some(12)),
            ("ddp_Rank3.json", Some(3)),
            ("rankings_rank1.json", Some(1)),
            ("rank--1.json", None),
            ("frank.json", None),
            ("rank99999999999999999999.json", None),
        ];
        for (name, rank) in expected {
            assert_eq!(rank_from_name(name), rank, "{name}");
        }
    }

    #[test]
    fn the_later_recording_is_greater() {
        let older = recency("host_7.1700000000000000000.pt.trace.json.gz");
        let newer = recency("host_7.1700000000000000001.pt.trace.json");
        assert_eq!(older.0, Some(1_700_000_000_000_000_000));
        assert!(newer > older && older > recency("zebra.pt.trace.json"));
        assert!(recency("b.json") > recency("a.json"));
    }

    #[test]
    fn files_of_a_run_folder() {
        assert_eq!(file_kind("w.17.pt.trace.json.gz"), FileKind::Trace);
        assert_eq!(file_kind("rank-0.json.gz"), FileKind::Json);
        for other in ["results.json", "unet_cuda.key_averages.json.gz", ".hidden.json", "a.txt", "results.json.gz"] {
            assert_eq!(file_kind(other), FileKind::Other, "{other}");
        }
    }

    #[test]
    fn a_lone_trace_is_named_without_its_time() {
        assert_eq!(lone_trace_name("unet_cuda.pt.trace.json.gz"), "unet_cuda");
        assert_eq!(lone_trace_name("host_7.1700000000000000000.pt.trace.json"), "host_7");
        assert_eq!(lone_trace_name("unet_cuda.2.json"), "unet_cuda.2");
    }

    proptest! {
        #[test]
        fn every_name_means_something(name in "\\PC{0,24}") {
            let parsed = run_name(&name);
            prop_assert!(name.starts_with(&parsed.model));
            let _ = (rank_from_name(&name), recency(&name), file_kind(&name), lone_trace_name(&name));
        }

        #[test]
        fn a_name_of_the_contract_reads_back(model in "[a-z]{1,6}", cuda: bool, variant in "([a-z0-9-]{1,6})?", repeat in 2u64..99) {
            let device = if cuda { DeviceKind::Cuda } else { DeviceKind::Cpu };
            let word = if cuda { "cuda" } else { "cpu" };
            let tail = if variant.is_empty() { String::new() } else { format!("_{variant}") };
            prop_assert_eq!(parts(&format!("{model}_{word}{tail}.{repeat}")), named(&model, device, &variant, repeat));
        }
    }
}
