//! The training configuration, and whether two of them may be compared (METRICS 10, CONTRACT "Pairing").
//!
//! Two runs are compared only where they did the same work. Device, precision, layout and seed may differ: they are what
//! a comparison is about, or do not change the work. Every other field must agree where both runs recorded it.

use crate::table::{Recorded, Why};
use crate::text::Untrusted;

/// One value of a configuration.
#[derive(Clone, PartialEq, Debug)]
pub enum Setting {
    /// A whole number.
    Whole(u64),
    /// A decimal number.
    Decimal(f64),
    /// A word from the file.
    Word(Untrusted),
    /// On or off.
    Flag(bool),
}

/// What a run was told to do. Each field may be unrecorded: older shapes of results.json have few of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// How many times the training set was seen.
    pub epochs: Recorded<u64>,
    /// Samples per step.
    pub batch_size: Recorded<u64>,
    /// Samples of the training set.
    pub train_samples: Recorded<u64>,
    /// Samples of the test set.
    pub test_samples: Recorded<u64>,
    /// The optimizer's learning rate.
    pub learning_rate: Recorded<f64>,
    /// The random seed.
    pub seed: Recorded<u64>,
    /// `fp32`, `tf32`, `bf16` or what else the producer writes.
    pub precision: Recorded<Untrusted>,
    /// Whether images were laid out with the channels last.
    pub channels_last: Recorded<bool>,
    /// Height and width of an image in pixels.
    pub image_size: Recorded<u64>,
    /// Tokens of a sequence.
    pub sequence_length: Recorded<u64>,
}

/// A field on which two configurations disagree.
#[derive(Clone, PartialEq, Debug)]
pub struct Mismatch {
    /// The field's name in results.json.
    pub field: &'static str,
    /// Its value on the first side.
    pub first: Setting,
    /// Its value on the second side.
    pub second: Setting,
}

/// What comparing two configurations gave.
#[derive(Clone, PartialEq, Debug)]
pub enum Agreement {
    /// At least one side has no configuration: nothing could be compared ("config not recorded").
    NotRecorded,
    /// Both sides have one.
    Compared {
        /// The fields with different values; empty where the runs may be compared.
        mismatches: Vec<Mismatch>,
        /// The fields that only one side recorded: they were not compared.
        one_sided: Vec<&'static str>,
    },
}

impl Config {
    /// A configuration of which nothing is known.
    pub const UNRECORDED: Self = Self {
        epochs: Recorded::No(Why::NotInResults),
        batch_size: Recorded::No(Why::NotInResults),
        train_samples: Recorded::No(Why::NotInResults),
        test_samples: Recorded::No(Why::NotInResults),
        learning_rate: Recorded::No(Why::NotInResults),
        seed: Recorded::No(Why::NotInResults),
        precision: Recorded::No(Why::NotInResults),
        channels_last: Recorded::No(Why::NotInResults),
        image_size: Recorded::No(Why::NotInResults),
        sequence_length: Recorded::No(Why::NotInResults),
    };

    /// The fields that must agree, by their names in results.json. Precision, layout and seed are left out on purpose.
    fn comparable(&self) -> [(&'static str, Recorded<Setting>); 7] {
        [
            ("epochs", self.epochs.map(Setting::Whole)),
            ("batch_size", self.batch_size.map(Setting::Whole)),
            ("train_samples", self.train_samples.map(Setting::Whole)),
            ("test_samples", self.test_samples.map(Setting::Whole)),
            ("learning_rate", self.learning_rate.map(Setting::Decimal)),
            ("image_size", self.image_size.map(Setting::Whole)),
            ("sequence_length", self.sequence_length.map(Setting::Whole)),
        ]
    }
}

/// Compares two configurations field by field.
#[must_use]
pub fn compare(first: &Recorded<Config>, second: &Recorded<Config>) -> Agreement {
    let (Recorded::Yes(first), Recorded::Yes(second)) = (first, second) else { return Agreement::NotRecorded };
    let mut mismatches = Vec::new();
    let mut one_sided = Vec::new();
    for ((field, first), (_, second)) in first.comparable().into_iter().zip(second.comparable()) {
        match (first.value(), second.value()) {
            (Some(first), Some(second)) if first != second => mismatches.push(Mismatch { field, first, second }),
            (Some(_), None) | (None, Some(_)) => one_sided.push(field),
            _ => {}
        }
    }
    Agreement::Compared { mismatches, one_sided }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(epochs: u64, learning_rate: f64) -> Config {
        Config {
            epochs: Recorded::Yes(epochs),
            batch_size: Recorded::Yes(16),
            learning_rate: Recorded::Yes(learning_rate),
            ..Config::UNRECORDED
        }
    }

    #[test]
    fn a_mismatch_lists_the_field_with_both_values() {
        let found = compare(&Recorded::Yes(config(5, 0.001)), &Recorded::Yes(config(2, 0.001)));
        let expected = Mismatch { field: "epochs", first: Setting::Whole(5), second: Setting::Whole(2) };
        assert_eq!(found, Agreement::Compared { mismatches: vec![expected], one_sided: vec![] });
    }

    #[test]
    fn precision_layout_and_seed_may_differ() {
        let plain = config(5, 0.001);
        let other = Config {
            precision: Recorded::Yes("bf16".into()),
            channels_last: Recorded::Yes(true),
            seed: Recorded::Yes(7),
            ..plain.clone()
        };
        let found = compare(&Recorded::Yes(plain), &Recorded::Yes(other));
        assert_eq!(found, Agreement::Compared { mismatches: vec![], one_sided: vec![] });
    }

    #[test]
    fn a_field_of_one_side_is_named_and_no_mismatch() {
        let more = Config { train_samples: Recorded::Yes(64), ..config(5, 0.001) };
        let found = compare(&Recorded::Yes(config(5, 0.001)), &Recorded::Yes(more));
        assert_eq!(found, Agreement::Compared { mismatches: vec![], one_sided: vec!["train_samples"] });
    }

    #[test]
    fn without_a_config_nothing_is_compared() {
        let some = Recorded::Yes(config(5, 0.001));
        assert_eq!(compare(&some, &Recorded::No(Why::NoResults)), Agreement::NotRecorded);
        assert_eq!(compare(&Recorded::No(Why::NoResults), &some), Agreement::NotRecorded);
    }
}
