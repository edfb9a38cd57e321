//! The models learn: in small here and now, and at the sizes that people use by recorded results.

use crate::harness::{results, train};
use serde_json::Value;
use std::path::Path;

fn epochs(results: &Value, key: &str) -> Vec<f64> {
    results["epochs"].as_array().unwrap().iter().map(|epoch| epoch[key].as_f64().unwrap()).collect()
}

#[test]
fn training_losses_fall() {
    let out = tempfile::tempdir().unwrap();
    let unet = ["unet", "--epochs", "3", "--batch-size", "2", "--train-samples", "8", "--test-samples", "2"];
    let lstm = ["lstm", "--epochs", "8", "--batch-size", "16", "--train-samples", "64", "--test-samples", "16"];
    for words in [unet, lstm] {
        let words = [words.as_slice(), &["--profile-steps", "0"]].concat();
        let losses = epochs(&results(&train(out.path(), &words)), "train_loss");
        let (first, last) = (losses.first().unwrap(), losses.last().unwrap());
        assert!(last < &(first * 0.95), "{words:?}: {losses:?}");
    }
}

/// `fixtures/learned`: the default sizes on an H100, and what `trainer all` does on 2 CPU cores.
fn learned(run: &str) -> Value {
    results(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/learned").join(run))
}

#[test]
fn at_the_default_sizes_on_a_gpu_both_models_are_good_after_five_epochs() {
    for (run, least, samples) in [("unet_cuda", 0.85, 1_600), ("lstm_cuda", 0.9, 12_800)] {
        let results = learned(run);
        assert_eq!((&results["config"]["epochs"], &results["config"]["train_samples"]), (&5.into(), &samples.into()));
        let scores = epochs(&results, "test_metric");
        assert!(scores.last().unwrap() > &least, "{run}: {scores:?}");
    }
}

#[test]
fn at_the_small_sizes_losses_fall_and_the_scores_beat_chance_clearly() {
    // Guessing the background everywhere gives a third of the Dice, a coin half of the texts.
    for (run, chance) in [("unet_cpu", 1.0 / 3.0), ("lstm_cpu", 0.5)] {
        let results = learned(run);
        for key in ["train_loss", "test_loss"] {
            let losses = epochs(&results, key);
            assert!(losses.last().unwrap() < &(losses.first().unwrap() * 0.9), "{run}: {key} {losses:?}");
        }
        let scores = epochs(&results, "test_metric");
        assert!(scores.last().unwrap() > &(chance + 0.3), "{run}: {scores:?}");
    }
}
