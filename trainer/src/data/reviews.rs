//! Texts for sentiment: sequences of tokens in which no single token says what the text thinks.
//!
//! A text has a few clauses about its subject, which decide, and a few about other things, which do not:
//!
//! ```text
//! ... SUBJECT filler filler NOT filler GOOD filler ... OTHER filler BAD filler ... SUBJECT BAD ...
//!     \______ distance ______________/                  (a distractor)            all decisive clauses agree
//! ```
//!
//! An opinion counts if a subject word introduces its clause, and a negation between the two turns it. So a reader must
//! join three words over a distance, and the same opinion words appear, either way, in clauses that do not count.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// How many different tokens there are.
pub(crate) const VOCABULARY: i64 = 2_500;
/// The token that fills a text up to [`LENGTH`].
pub(crate) const PADDING: i64 = 0;
/// Tokens of the longest text; every text is padded to it.
pub(crate) const LENGTH: i64 = 100;
const LONGEST: usize = 100;
const SHORTEST: usize = 40;

const POSITIVE: Range<i16> = 1..31;
const NEGATIVE: Range<i16> = 31..61;
const NEGATION: Range<i16> = 61..67;
const SUBJECT: Range<i16> = 67..71;
const OTHER: Range<i16> = 71..75;
const FILLER: Range<i16> = 75..2_500;
const CHANCE_OF_NEGATION: f64 = 0.35;

/// One text.
pub(super) struct Review {
    /// Exactly [`LENGTH`] tokens.
    pub(super) tokens: Vec<i16>,
    pub(super) is_positive: bool,
}

/// Writes one text.
pub(super) fn write(generator: &mut ChaCha8Rng) -> Review {
    let is_positive = generator.random_bool(0.5);
    let length = generator.random_range(SHORTEST..=LONGEST);
    let mut clauses = Vec::new();
    for _ in 0..generator.random_range(2..=3) {
        clauses.push(clause(generator, &SUBJECT, is_positive));
    }
    for _ in 0..generator.random_range(1..=2) {
        let either = generator.random_bool(0.5);
        clauses.push(clause(generator, &OTHER, either));
    }
    clauses.shuffle(generator);
    let mut tokens: Vec<i16> = Vec::with_capacity(LONGEST);
    let words: usize = clauses.iter().map(Vec::len).sum();
    let mut filler_left = length.saturating_sub(words);
    let mut clauses_left = clauses.len();
    for mut clause in clauses {
        let gap = generator.random_range(0..=2 * filler_left / (clauses_left + 1)).min(filler_left);
        filler_left -= gap;
        clauses_left -= 1;
        tokens.extend((0..gap).map(|_| generator.random_range(FILLER)));
        tokens.append(&mut clause);
    }
    tokens.extend((0..filler_left).map(|_| generator.random_range(FILLER)));
    tokens.truncate(LONGEST);
    tokens.resize(LONGEST, 0);
    Review { tokens, is_positive }
}

/// An introducing word, then at some distance an opinion that means `is_positive`, turned by a negation now and then.
fn clause(generator: &mut ChaCha8Rng, about: &Range<i16>, is_positive: bool) -> Vec<i16> {
    let is_negated = generator.random_bool(CHANCE_OF_NEGATION);
    let opinion = if is_positive == is_negated { NEGATIVE } else { POSITIVE };
    let distance = generator.random_range(0..=4_usize);
    let mut words: Vec<i16> = (0..distance).map(|_| generator.random_range(FILLER)).collect();
    if is_negated {
        words.insert(generator.random_range(0..=words.len()), generator.random_range(NEGATION));
    }
    words.insert(0, generator.random_range(about.clone()));
    words.push(generator.random_range(opinion));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn reviews(count: u64) -> Vec<Review> {
        (0..count).map(|seed| write(&mut ChaCha8Rng::seed_from_u64(seed))).collect()
    }

    /// The share of texts that a rule gets right, told as a sum over tokens: positive if above zero, a coin at zero.
    fn share_right(reviews: &[Review], weight: impl Fn(i16) -> i32) -> f64 {
        let points: u32 = reviews
            .iter()
            .map(|review| {
                let sum: i32 = review.tokens.iter().map(|token| weight(*token)).sum();
                if sum == 0 { 1 } else { 2 * u32::from((sum > 0) == review.is_positive) }
            })
            .sum();
        f64::from(points) / 2.0 / f64::from(u32::try_from(reviews.len()).unwrap())
    }

    #[test]
    fn lengths_vary_and_padding_is_at_the_end() {
        let reviews = reviews(300);
        let lengths: Vec<usize> =
            reviews.iter().map(|review| review.tokens.iter().take_while(|token| **token != 0).count()).collect();
        assert!(reviews.iter().all(|review| review.tokens.len() == LONGEST));
        assert!(*lengths.iter().min().unwrap() < 50 && *lengths.iter().max().unwrap() > 90);
        for (review, length) in reviews.iter().zip(lengths) {
            assert!(review.tokens[length..].iter().all(|token| *token == 0));
            assert!(review.tokens.iter().all(|token| i64::from(*token) < VOCABULARY));
        }
    }

    #[test]
    fn no_token_and_no_count_of_opinions_tells_the_sentiment() {
        let reviews = reviews(4_000);
        for token in POSITIVE.start..OTHER.end {
            let share = share_right(&reviews, |seen| i32::from(seen == token));
            assert!((share - 0.5).abs() < 0.05, "token {token} alone gets {share}");
        }
        let counted =
            share_right(&reviews, |token| i32::from(POSITIVE.contains(&token)) - i32::from(NEGATIVE.contains(&token)));
        assert!(counted < 0.75, "counting opinions gets {counted}");
    }

    #[test]
    fn reading_the_clauses_tells_it_always() {
        for review in reviews(500) {
            let mut subject = None;
            let mut is_negated = false;
            for token in review.tokens {
                match token {
                    _ if SUBJECT.contains(&token) => (subject, is_negated) = (Some(true), false),
                    _ if OTHER.contains(&token) => (subject, is_negated) = (Some(false), false),
                    _ if NEGATION.contains(&token) => is_negated = true,
                    _ if POSITIVE.contains(&token) || NEGATIVE.contains(&token) => {
                        if subject == Some(true) {
                            assert_eq!(POSITIVE.contains(&token) != is_negated, review.is_positive);
                        }
                        subject = None;
                    }
                    _ => {}
                }
            }
        }
    }
}
