//! The training loop: epochs of steps, each step timed alone, then a pass over the test set.
//!
//! ```text
//! epoch: [batch -> zero_grad -> forward -> backward -> Adam]* -> test pass
//!         \__________________ timed ______________________/  then loss and score, outside of the time
//! ```
//! It ends early, between two steps, when an interrupt asks for it, and can start anywhere in an epoch.

use crate::checkpoint::Progress;
use crate::cli::args::{ModelKind, Plan, Precision};
use crate::data::{Batch, Dataset, Split, order};
use crate::error::TorchError;
use crate::interrupt;
use crate::metrics::{Score, Tally};
use crate::model::Model;
use crate::optimizer::Adam;
use crate::progress::{Display, rate};
use crate::results::{EpochResults, finite};
use crate::shim::{Autocast, Range, synchronize};
use indicatif::ProgressBar;
use std::time::Instant;
use tch::{Reduction, Tensor, no_grad};

/// A model in training.
pub(crate) struct Training<'a> {
    plan: &'a Plan,
    pub(crate) model: Model,
    pub(crate) adam: Adam,
    train: Dataset,
    test: Dataset,
    pub(crate) progress: Progress,
    pub(crate) epochs: Vec<EpochResults>,
    /// Wall time of each step, in order.
    pub(crate) step_seconds: Vec<f64>,
}

/// What a step leaves for loss and score.
struct StepOutput {
    loss: Tensor,
    logits: Tensor,
    targets: Tensor,
}

/// How a model of this kind is scored.
pub(crate) fn score(model: ModelKind) -> Score {
    match model {
        ModelKind::Unet => Score::Dice,
        ModelKind::Lstm => Score::Accuracy,
    }
}

impl<'a> Training<'a> {
    /// Makes data, model and optimizer, all from the plan's seed.
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn new(plan: &'a Plan) -> Result<Self, TorchError> {
        tch::manual_seed(i64::from_ne_bytes(plan.seed.to_ne_bytes()));
        let model = Model::new(plan.model, plan.device, plan.channels_last)?;
        let adam = Adam::new(&model.parameters, plan.learning_rate)?;
        let progress = Progress { epochs: 0, steps: 0, seconds: 0.0, tally: Tally::new(model.classes()) };
        Ok(Self {
            plan,
            model,
            adam,
            train: Dataset::new(plan.model, plan.seed, Split::Train, plan.train_samples),
            test: Dataset::new(plan.model, plan.seed, Split::Test, plan.test_samples),
            progress,
            epochs: Vec::new(),
            step_seconds: Vec::new(),
        })
    }

    /// Trains until all epochs are done, or an interrupt asks for an end: then it returns false.
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn run(&mut self, display: &Display) -> Result<bool, TorchError> {
        while self.progress.epochs < self.plan.epochs {
            let started = Instant::now();
            let before = self.progress.seconds;
            let is_whole = self.train_pass(display)? && !interrupt::asked();
            let tested = if is_whole { self.test_pass(display)? } else { None };
            self.progress.seconds = before + started.elapsed().as_secs_f64();
            let Some(tested) = tested else { return Ok(false) };
            self.end_epoch(&tested, display);
        }
        Ok(true)
    }

    /// One more training step that counts nowhere: for the profiler.
    ///
    /// # Errors
    /// Where torch refuses.
    pub(crate) fn extra_step(&mut self, number: u64) -> Result<(), TorchError> {
        let order = order(self.plan.seed, self.plan.epochs, self.train.len());
        let batches: Vec<&[usize]> = order.chunks(self.plan.batch_size).collect();
        let number = usize::try_from(number).unwrap_or(0) % batches.len().max(1);
        self.step(batches.get(number).copied().unwrap_or_default())?;
        synchronize(self.plan.device)
    }

    /// Training steps done so far, profiled ones not counted.
    pub(crate) fn steps_done(&self) -> u64 {
        let per_epoch = u64::try_from(self.train.len().div_ceil(self.plan.batch_size)).unwrap_or(u64::MAX);
        per_epoch * self.progress.epochs + self.progress.steps
    }

    /// Wall time of all training and testing so far.
    pub(crate) fn total_seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum::<f64>() + self.progress.seconds
    }

    /// The rest of the epoch's training steps; false if an interrupt came in between.
    fn train_pass(&mut self, display: &Display) -> Result<bool, TorchError> {
        let order = order(self.plan.seed, self.progress.epochs, self.train.len());
        let batches = order.chunks(self.plan.batch_size);
        let steps = u64::try_from(batches.len()).unwrap_or(u64::MAX);
        let bar = display.pass("train", self.progress.epochs + 1, steps, self.progress.steps);
        for indices in batches.skip(usize::try_from(self.progress.steps).unwrap_or(usize::MAX)) {
            if interrupt::asked() {
                bar.abandon();
                return Ok(false);
            }
            synchronize(self.plan.device)?;
            let started = Instant::now();
            let output = self.step(indices)?;
            synchronize(self.plan.device)?;
            let seconds = started.elapsed().as_secs_f64();
            self.step_seconds.push(seconds);
            no_grad(|| self.progress.tally.add(&output.loss, &output.logits, &output.targets))?;
            self.progress.steps += 1;
            show(&bar, self.progress.tally.loss(), indices.len(), seconds);
        }
        bar.finish_and_clear();
        Ok(true)
    }

    /// One training step.
    fn step(&mut self, indices: &[usize]) -> Result<StepOutput, TorchError> {
        let batch = self.load(&self.train, indices)?;
        Adam::clear_gradients(&self.model.parameters)?;
        let (loss, logits) = {
            let _range = Range::new(c"forward");
            self.forward(&batch, true)?
        };
        {
            let _range = Range::new(c"backward");
            loss.f_backward()?;
        }
        self.adam.step(&self.model.parameters)?;
        Ok(StepOutput { loss, logits, targets: batch.targets })
    }

    fn load(&self, data: &Dataset, indices: &[usize]) -> Result<Batch, TorchError> {
        let _range = Range::new(c"enumerate(DataLoader)#Dataset.__next__");
        data.batch(indices, self.plan.device, self.plan.channels_last)
    }

    /// Mean loss and values per class of a batch.
    fn forward(&self, batch: &Batch, training: bool) -> Result<(Tensor, Tensor), TorchError> {
        let _autocast =
            (self.plan.precision == Precision::Bf16).then(|| Autocast::bf16(self.plan.device)).transpose()?;
        let logits = self.model.forward(&batch.inputs, training)?;
        let loss = logits.f_cross_entropy_loss(&batch.targets, None::<&Tensor>, Reduction::Mean, -100, 0.0)?;
        Ok((loss, logits))
    }

    /// The test set's loss and score; `None` if an interrupt came in between.
    fn test_pass(&self, display: &Display) -> Result<Option<Tally>, TorchError> {
        let indices: Vec<usize> = (0..self.test.len()).collect();
        let batches = indices.chunks(self.plan.batch_size);
        let steps = u64::try_from(batches.len()).unwrap_or(u64::MAX);
        let bar = display.pass("test", self.progress.epochs + 1, steps, 0);
        let mut tally = Tally::new(self.model.classes());
        for indices in batches {
            if interrupt::asked() {
                bar.abandon();
                return Ok(None);
            }
            no_grad(|| -> Result<(), TorchError> {
                let batch = self.load(&self.test, indices)?;
                let (loss, logits) = self.forward(&batch, false)?;
                tally.add(&loss, &logits, &batch.targets)
            })?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Some(tally))
    }

    fn end_epoch(&mut self, tested: &Tally, display: &Display) {
        let score = score(self.plan.model);
        let trained = std::mem::replace(&mut self.progress.tally, Tally::new(self.model.classes()));
        let epoch = EpochResults {
            epoch: self.progress.epochs + 1,
            train_loss: finite(trained.loss()),
            test_loss: finite(tested.loss()),
            train_metric: finite(trained.score(score)),
            test_metric: finite(tested.score(score)),
            seconds: self.progress.seconds,
        };
        let steps = usize::try_from(self.progress.steps).unwrap_or(0);
        let recent: f64 = self.step_seconds.iter().rev().take(steps).sum();
        display.epoch(&epoch, per_second(self.train.len(), recent));
        self.epochs.push(epoch);
        self.progress.epochs += 1;
        self.progress.steps = 0;
        self.progress.seconds = 0.0;
    }
}

fn show(bar: &ProgressBar, loss: f64, samples: usize, seconds: f64) {
    if !bar.is_hidden() {
        bar.set_message(format!("loss {loss:.4}  {} samples/s", rate(per_second(samples, seconds))));
    }
    bar.inc(1);
}

fn per_second(samples: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(samples).unwrap_or(u32::MAX)) / seconds
}
