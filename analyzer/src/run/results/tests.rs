//! Hand-written files, marked `"note": "synthetic"`: no numbers of a real run.

use super::*;

const V1: &str = r#"{
  "schema_version": 1, "note": "synthetic", "model": "unet", "parameters": 31043651,
  "device": {"kind": "cuda", "name": "GPU", "count": 1, "memory_bytes": 85899345920},
  "host": {"cpu": "CPU", "cores": 16, "threads": 8},
  "software": {"torch": "2.11.0", "cuda": "13.0", "cudnn": null, "trainer": "0.1.0"},
  "config": {"epochs": 2, "batch_size": 16, "train_samples": 64, "test_samples": 16, "learning_rate": 0.001,
             "seed": 7, "precision": "tf32", "channels_last": true, "image_size": 128, "sequence_length": null},
  "metric": "dice",
  "epochs": [{"epoch": 1, "train_loss": 0.9, "test_loss": 0.8, "train_metric": 0.5, "test_metric": 0.4, "seconds": 2.5},
             {"epoch": 2, "train_loss": null, "seconds": 2}],
  "step_seconds": [0.5, 0.0426, 0.0425], "warmup_steps": 1, "total_seconds": 4.75,
  "peak_memory": {"host_bytes": 1000, "device_allocated_bytes": 2000, "device_reserved_bytes": 3000},
  "profile": {"steps": 2, "trace": "w.1.pt.trace.json"}, "complete": true}"#;

const SEED: &str = r#"{"note": "synthetic", "device": "cuda", "epochs": 2, "batch_size": 16, "train_losses": [0.9, 0.5],
  "test_losses": [0.8], "train_dice": [0.3, 0.6], "test_dice": [0.2, 0.5], "epoch_times": [20.5, 20.25],
  "total_time": 41.2, "peak_memory_mb": 1808}"#;

fn parsed(text: &str) -> Results {
    parse(Path::new("results.json"), text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    parse(Path::new("results.json"), text.as_bytes()).unwrap_err().to_string()
}

/// The v1 file with one piece replaced.
fn v1_with(piece: &str, replacement: &str) -> String {
    assert!(V1.contains(piece), "{piece}");
    V1.replacen(piece, replacement, 1)
}

fn ns(count: i64) -> Recorded<Nanoseconds> {
    Recorded::Yes(Nanoseconds::new(count))
}

#[test]
fn v1_reads_in_full() {
    let found = parsed(V1);
    assert_eq!(found.model, Recorded::Yes("unet".into()));
    assert_eq!(found.parameters, Recorded::Yes(31_043_651));
    let device = found.device.value().unwrap();
    assert_eq!((device.kind, device.count), (DeviceKind::Cuda, Recorded::Yes(1)));
    assert_eq!(device.memory, Recorded::Yes(Bytes::new(85_899_345_920)));
    assert_eq!(found.host.value().unwrap().cores, 16);
    assert_eq!(found.software.value().unwrap().cudnn, Recorded::No(Why::NotInResults));
    let config = found.config.value().unwrap();
    assert_eq!((config.epochs, config.image_size), (Recorded::Yes(2), Recorded::Yes(128)));
    assert_eq!(config.sequence_length, Recorded::No(Why::NotInResults));
    assert_eq!(found.score, Recorded::Yes(Score::Dice));
    let epochs = found.epochs.value().unwrap();
    assert_eq!((epochs[0].number, epochs[0].time), (1, ns(2_500_000_000)));
    assert_eq!(epochs[1].train_loss, Recorded::No(Why::NotInResults));
    assert_eq!(found.steps.value().unwrap()[1], Nanoseconds::new(42_600_000));
    assert_eq!((found.warm_up_steps, found.total), (Recorded::Yes(1), ns(4_750_000_000)));
    assert_eq!(found.peak_memory.device_reserved, Recorded::Yes(Bytes::new(3000)));
    assert_eq!(found.profile.value().unwrap().steps, 2);
    assert_eq!(found.complete, Recorded::Yes(true));
}

#[test]
fn absent_parts_of_v1_stay_absent() {
    let found = parsed(r#"{"schema_version": 1, "model": "m", "device": {"kind": "cuda:1"}, "later": {"x": 1}}"#);
    assert_eq!(found.device.value().unwrap().kind, DeviceKind::Cuda);
    assert_eq!(found.config, Recorded::No(Why::NotInResults));
    assert_eq!(found.steps, Recorded::No(Why::NotInResults));
    assert_eq!(found.peak_memory, PeakMemory::UNRECORDED);
}

#[test]
fn the_seed_shape_reads() {
    let found = parsed(SEED);
    assert_eq!(found.model, Recorded::No(Why::NotInResults));
    assert_eq!(found.device.value().unwrap().kind, DeviceKind::Cuda);
    assert_eq!(found.config.value().unwrap().batch_size, Recorded::Yes(16));
    let epochs = found.epochs.value().unwrap();
    assert_eq!((epochs.len(), epochs[1].number), (2, 2));
    assert_eq!((epochs[0].test_loss, epochs[1].test_loss), (Recorded::Yes(0.8), Recorded::No(Why::NotInResults)));
    assert_eq!((epochs[1].train_score, epochs[1].time), (Recorded::Yes(0.6), ns(20_250_000_000)));
    assert_eq!((found.score, found.total), (Recorded::Yes(Score::Dice), ns(41_200_000_000)));
    assert_eq!(found.peak_memory.device_allocated, Recorded::Yes(Bytes::new(1808 * 1_048_576)));
    assert_eq!(found.peak_memory.host, Recorded::No(Why::NotInResults));
}

#[test]
fn a_seed_of_the_cpu_has_no_device_memory_and_zero_is_not_measured() {
    let cpu = |memory: &str| {
        parsed(&format!(r#"{{"device": "cpu", "train_accuracies": [0.5], "peak_memory_mb": {memory}}}"#))
    };
    assert_eq!(cpu("0").peak_memory, PeakMemory::UNRECORDED);
    assert_eq!(cpu("2.5").peak_memory.host, Recorded::Yes(Bytes::new(2_621_440)));
    assert_eq!(cpu("0").score, Recorded::Yes(Score::Accuracy));
    assert_eq!(cpu("0").config, Recorded::No(Why::NotInResults));
}

#[test]
fn a_diverged_loss_of_python_is_absent_and_a_time_without_number_refused() {
    let found = parsed(r#"{"train_losses": [0.9, NaN, -Infinity], "total_time": 3}"#);
    assert_eq!(found.epochs.value().unwrap()[1].train_loss, Recorded::No(Why::NotInResults));
    assert_eq!(
        refused(r#"{"epoch_times": [1, NaN]}"#),
        "results.json: epoch_times[1]: expected seconds of at least 0, found null"
    );
}

#[test]
fn errors_name_the_field_and_what_was_found() {
    let cases = [
        (v1_with(r#""model": "unet""#, r#""model": 5"#), "model: expected a text, found 5"),
        (v1_with(r#""model": "unet","#, ""), "model: expected a text, found nothing"),
        (v1_with(r#""kind": "cuda", "#, ""), "device.kind: expected a text, found nothing"),
        (v1_with(r#""cores": 16"#, r#""cores": -1"#), "host.cores: expected a whole number of at least 0, found -1"),
        (v1_with(r#""seed": 7,"#, ""), "config.seed: expected a whole number of at least 0, found nothing"),
        (v1_with("[0.5, 0.0426", "[0.5, -0.1"), "step_seconds[1]: expected seconds of at least 0, found -0.1"),
        (
            v1_with(r#""seconds": 2}"#, r#""seconds": "2"}"#),
            "epochs[1].seconds: expected seconds of at least 0, found \"2\"",
        ),
        (v1_with(r#""dice""#, r#""f\u001b1""#), "metric: expected \"dice\" or \"accuracy\", found \"f\\u{1b}1\""),
        (
            v1_with(r#""complete": true"#, r#""complete": [1, 2]"#),
            "complete: expected true or false, found a list of 2",
        ),
        ("[]".to_owned(), "the file: expected an object, found a list of 0"),
        (r#"{"schema_version": "1"}"#.to_owned(), "schema_version: expected a whole number of at least 0, found \"1\""),
        (r#"{"schema_version": 0}"#.to_owned(), "schema_version: expected 1, found 0"),
        (r#"{"device": {}, "total_time": 1}"#.to_owned(), "device: expected a text, found an object"),
        (r#"{"total_time": 1e300}"#.to_owned(), "total_time: expected seconds of at least 0, found 1e"),
    ];
    for (text, expected) in cases {
        let message = refused(&text);
        assert!(message.starts_with(&format!("results.json: {expected}")), "{message}\n{expected}");
    }
}

#[test]
fn other_files_are_refused_clearly() {
    assert_eq!(
        refused(r#"{"schema_version": 2, "model": 5}"#),
        "results.json has schema_version 2, this analyzer reads up to 1: use a newer analyzer"
    );
    assert!(refused(r#"{"rows": []}"#).contains("none of the fields"));
    assert!(refused(r#"{"model": "#).contains("not valid JSON"));
    assert!(refused("").contains("not valid JSON"));
    assert!(read(Path::new("no such folder/results.json")).unwrap_err().to_string().starts_with("cannot read"));
}

/// What the fuzzer found worth keeping is read, or refused with a message that names the file.
#[test]
fn the_fuzzers_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/results");
    let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(inputs.len() >= 30);
    for input in inputs {
        if let Err(error) = parse(Path::new("results.json"), &std::fs::read(input).unwrap()) {
            assert!(crate::text::error_chain(&error).contains("results.json"));
        }
    }
}
