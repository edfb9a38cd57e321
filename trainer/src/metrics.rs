//! Loss and score of a pass over data, gathered batch by batch without keeping any batch.

use crate::error::TorchError;
use tch::{Kind, Tensor};

/// How a model is scored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Score {
    /// The mean over the classes of 2 |A n B| / (|A| + |B|), over all pixels (Dice 1945).
    Dice,
    /// The share of right answers.
    Accuracy,
}

/// What a pass over data has seen so far.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tally {
    loss_sum: f64,
    samples: f64,
    /// How often class `row` was taken for class `column`, row after row.
    confusion: Vec<f64>,
}

impl Tally {
    pub(crate) fn new(classes: i64) -> Self {
        let classes = usize::try_from(classes).unwrap_or(0);
        Self { loss_sum: 0.0, samples: 0.0, confusion: vec![0.0; classes * classes] }
    }

    /// Adds a batch: its mean `loss`, the values per class (dimension 1 of `logits`), the right classes.
    ///
    /// # Errors
    /// Where torch refuses.
    pub(crate) fn add(&mut self, loss: &Tensor, logits: &Tensor, targets: &Tensor) -> Result<(), TorchError> {
        let size = targets.size().first().copied().unwrap_or(0);
        let classes = logits.size().get(1).copied().unwrap_or(0);
        let taken = logits.f_argmax(1, false)?;
        let cells = (targets.f_mul_scalar(classes)?.f_add(&taken)?).f_flatten(0, -1)?;
        let cells = cells.f_bincount(None::<Tensor>, classes * classes)?.f_to_kind(Kind::Double)?;
        let counts = Vec::<f64>::try_from(cells)?;
        for (sum, count) in self.confusion.iter_mut().zip(counts) {
            *sum += count;
        }
        let size = f64::from(i32::try_from(size).unwrap_or(i32::MAX));
        self.loss_sum += loss.f_double_value(&[])? * size;
        self.samples += size;
        Ok(())
    }

    /// Mean loss per sample; not a number where nothing was seen.
    pub(crate) fn loss(&self) -> f64 {
        self.loss_sum / self.samples
    }

    /// The score, 0..1; not a number where nothing was seen.
    pub(crate) fn score(&self, score: Score) -> f64 {
        let classes = self.confusion.len().isqrt();
        let cell = |row: usize, column: usize| self.confusion.get(row * classes + column).copied().unwrap_or(0.0);
        let right: f64 = (0..classes).map(|class| cell(class, class)).sum();
        match score {
            Score::Accuracy => right / self.confusion.iter().sum::<f64>(),
            Score::Dice => {
                let dice = (0..classes).filter_map(|class| {
                    let sizes: f64 = (0..classes).map(|other| cell(class, other) + cell(other, class)).sum();
                    // A class that is nowhere, and nowhere seen, has no overlap to speak of.
                    (sizes > 0.0).then(|| 2.0 * cell(class, class) / sizes)
                });
                let dice: Vec<f64> = dice.collect();
                dice.iter().sum::<f64>() / f64::from(u32::try_from(dice.len()).unwrap_or(u32::MAX))
            }
        }
    }

    /// As numbers in a row, for a checkpoint.
    pub(crate) fn to_numbers(&self) -> Vec<f64> {
        [self.loss_sum, self.samples].into_iter().chain(self.confusion.iter().copied()).collect()
    }

    /// What [`Self::to_numbers`] wrote; `None` for another number of classes.
    pub(crate) fn from_numbers(classes: i64, numbers: &[f64]) -> Option<Self> {
        let [loss_sum, samples, confusion @ ..] = numbers else { return None };
        let blank = Self::new(classes);
        (confusion.len() == blank.confusion.len()).then(|| Self {
            loss_sum: *loss_sum,
            samples: *samples,
            confusion: confusion.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples of three pixels: right classes, and a model that takes these.
    fn tally(right: &[i64], taken: &[i64]) -> Tally {
        let logits = Tensor::from_slice(taken).reshape([2, 3]).one_hot(3).permute([0, 2, 1]).to_kind(Kind::Float);
        let targets = Tensor::from_slice(right).reshape([2, 3]);
        let mut tally = Tally::new(3);
        tally.add(&Tensor::from(0.5_f32), &logits, &targets).unwrap();
        tally
    }

    #[test]
    fn dice_is_the_mean_overlap_of_the_classes() {
        let tally = tally(&[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 1, 2]);
        // class 0: 2*2/(3+2), class 1: 2*2/(2+3), class 2: 2*1/(1+1)
        assert!((tally.score(Score::Dice) - (0.8 + 0.8 + 1.0) / 3.0).abs() < 1e-12);
        assert!((tally.score(Score::Accuracy) - 5.0 / 6.0).abs() < 1e-12);
        assert!((tally.loss() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_class_that_is_nowhere_is_left_out() {
        assert!((tally(&[0, 0, 0, 1, 1, 1], &[0, 0, 0, 1, 1, 1]).score(Score::Dice) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_bring_a_tally_back() {
        let tally = tally(&[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 1, 2]);
        assert_eq!(Tally::from_numbers(3, &tally.to_numbers()), Some(tally.clone()));
        assert_eq!(Tally::from_numbers(2, &tally.to_numbers()), None);
    }
}
