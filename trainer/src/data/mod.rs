//! Synthetic data: made from a seed, the same on every machine, learnable, and not trivial.
//!
//! Sample number i of a split is drawn from its own random stream, so it does not depend on how many samples there are.
//! A whole split lies in host memory; a batch is gathered there and copied to the device, as a data loader would.

pub(crate) mod reviews;
pub(crate) mod shapes;

use crate::cli::args::ModelKind;
use crate::error::TorchError;
use crate::model::layers::channels_last;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// Which part of the data: they share no sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Split {
    Train,
    Test,
}

/// The generator of sample `index` of `split`.
fn sample_generator(seed: u64, split: Split, index: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream((index << 1) | u64::from(split == Split::Test));
    generator
}

/// The order in which `epoch` (from 0) sees `count` samples.
pub(crate) fn order(seed: u64, epoch: u64, count: usize) -> Vec<i64> {
    let mut order: Vec<i64> = (0..i64::try_from(count).unwrap_or(i64::MAX)).collect();
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    // Streams of samples count up from 0, those of orders down from the top.
    generator.set_stream(u64::MAX - epoch);
    order.shuffle(&mut generator);
    order
}

/// One split in host memory.
pub(crate) struct Dataset {
    /// Images `[n, 3, height, width]` or tokens `[n, length]`, as u8 or i16: small, for the copy to the device.
    inputs: Tensor,
    /// Classes: per pixel `[n, height, width]`, or per text `[n]`.
    targets: Tensor,
    count: usize,
    kind: ModelKind,
}

/// A batch on the device, ready for the model.
pub(crate) struct Batch {
    pub(crate) inputs: Tensor,
    pub(crate) targets: Tensor,
}

impl Dataset {
    /// Draws `count` samples.
    ///
    /// # Errors
    /// Where torch has no memory for them.
    pub(crate) fn new(kind: ModelKind, seed: u64, split: Split, count: usize) -> Result<Self, TorchError> {
        let samples = i64::try_from(count).unwrap_or(i64::MAX);
        let generators = (0..).take(count).map(|index| sample_generator(seed, split, index));
        let (inputs, targets) = match kind {
            ModelKind::Unet => {
                let (mut images, mut masks) = (Vec::new(), Vec::new());
                for mut generator in generators {
                    shapes::draw(&mut generator, &mut images, &mut masks);
                }
                let side = shapes::SIDE;
                (
                    Tensor::f_from_slice(&images)?.f_reshape([samples, crate::model::unet::CHANNELS, side, side])?,
                    Tensor::f_from_slice(&masks)?.f_reshape([samples, side, side])?,
                )
            }
            ModelKind::Lstm => {
                let (mut tokens, mut labels) = (Vec::new(), Vec::new());
                for mut generator in generators {
                    let review = reviews::write(&mut generator);
                    tokens.extend(review.tokens);
                    labels.push(u8::from(review.is_positive));
                }
                (Tensor::f_from_slice(&tokens)?.f_reshape([samples, reviews::LENGTH])?, Tensor::f_from_slice(&labels)?)
            }
        };
        Ok(Self { inputs, targets, count, kind })
    }

    /// Bytes of host memory that `count` samples take while they are made: once as drawn, once as tensors.
    pub(crate) fn bytes(kind: ModelKind, count: usize) -> u64 {
        let of_one = match kind {
            ModelKind::Unet => (crate::model::unet::CHANNELS + 1) * shapes::SIDE * shapes::SIDE,
            ModelKind::Lstm => 2 * reviews::LENGTH + 1,
        };
        2 * of_one.unsigned_abs() * u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// How many samples it has.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Gathers the samples of `indices` and brings them to `device`.
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn batch(&self, indices: &[i64], device: Device, nhwc: bool) -> Result<Batch, TorchError> {
        let indices = Tensor::f_from_slice(indices)?;
        let inputs = self.inputs.f_index_select(0, &indices)?.f_to_device(device)?;
        let targets = self.targets.f_index_select(0, &indices)?.f_to_device(device)?.f_to_kind(Kind::Int64)?;
        let inputs = match self.kind {
            ModelKind::Unet => {
                let pixels = inputs.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?;
                if nhwc { channels_last(&pixels)? } else { pixels }
            }
            ModelKind::Lstm => inputs.f_to_kind(Kind::Int64)?,
        };
        Ok(Batch { inputs, targets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_does_not_depend_on_how_many_there_are() {
        for kind in [ModelKind::Unet, ModelKind::Lstm] {
            let (few, many) =
                (Dataset::new(kind, 3, Split::Train, 2).unwrap(), Dataset::new(kind, 3, Split::Train, 5).unwrap());
            assert_eq!(few.inputs, many.inputs.narrow(0, 0, 2));
            assert_eq!(few.targets, many.targets.narrow(0, 0, 2));
            let test = Dataset::new(kind, 3, Split::Test, 2).unwrap();
            assert_ne!(few.inputs, test.inputs);
            assert_ne!(few.inputs, Dataset::new(kind, 4, Split::Train, 2).unwrap().inputs);
        }
    }

    #[test]
    fn every_epoch_sees_all_samples_in_its_own_order() {
        let (first, second) = (order(1, 0, 100), order(1, 1, 100));
        assert_ne!(first, second);
        assert_eq!(first, order(1, 0, 100));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_is_what_the_model_takes() {
        let images = Dataset::new(ModelKind::Unet, 1, Split::Train, 3).unwrap();
        let batch = images.batch(&[2, 0], Device::Cpu, false).unwrap();
        assert_eq!(batch.inputs.size(), [2, 3, 128, 128]);
        assert_eq!((batch.inputs.kind(), batch.targets.kind()), (Kind::Float, Kind::Int64));
        assert!(batch.inputs.max().double_value(&[]) <= 1.0);
        let nhwc = images.batch(&[2, 0], Device::Cpu, true).unwrap();
        assert_eq!(nhwc.inputs, batch.inputs);
        assert_eq!(nhwc.inputs.stride(), [3 * 128 * 128, 1, 3 * 128, 3]);
    }
}
