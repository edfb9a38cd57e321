//! Synthetic data: made from a seed, the same on every machine, learnable, and not trivial.
//!
//! Sample number i of a split is drawn from its own random stream, so it does not depend on how many samples there are.
//! A whole split lies in host memory; a batch is gathered there and copied to the device, as a data loader would.

pub(crate) mod reviews;
pub(crate) mod shapes;

use crate::cli::args::ModelKind;
use crate::error::TorchError;
use crate::model::layers::channels_last;
use crate::model::unet;
use crate::shim::host_tensor;
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
pub(crate) fn order(seed: u64, epoch: u64, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    // Streams of samples count up from 0, those of orders down from the top.
    generator.set_stream(u64::MAX - epoch);
    order.shuffle(&mut generator);
    order
}

/// Samples one after the other, as small as they are: what a batch copies to the device.
enum Samples {
    Images(Vec<u8>),
    Texts(Vec<i16>),
}

/// One split in host memory.
pub(crate) struct Dataset {
    samples: Samples,
    /// Classes: one per pixel, or one per text.
    targets: Vec<u8>,
    count: usize,
}

/// A batch on the device, ready for the model.
pub(crate) struct Batch {
    /// Images `[n, 3, height, width]` in 0..1, or tokens `[n, length]`.
    pub(crate) inputs: Tensor,
    /// Classes: `[n, height, width]`, or `[n]`.
    pub(crate) targets: Tensor,
}

impl Dataset {
    /// Draws `count` samples.
    pub(crate) fn new(kind: ModelKind, seed: u64, split: Split, count: usize) -> Self {
        let generators = (0..).take(count).map(|index| sample_generator(seed, split, index));
        let mut targets = Vec::new();
        let samples = match kind {
            ModelKind::Unet => {
                let mut images = Vec::new();
                generators.for_each(|mut generator| shapes::draw(&mut generator, &mut images, &mut targets));
                Samples::Images(images)
            }
            ModelKind::Lstm => {
                let mut tokens = Vec::new();
                for mut generator in generators {
                    let review = reviews::write(&mut generator);
                    tokens.extend(review.tokens);
                    targets.push(u8::from(review.is_positive));
                }
                Samples::Texts(tokens)
            }
        };
        Self { samples, targets, count }
    }

    /// Bytes of host memory that `count` samples take while a vector of them grows.
    pub(crate) fn bytes(kind: ModelKind, count: usize) -> u64 {
        let of_one = match kind {
            ModelKind::Unet => (unet::CHANNELS + 1) * shapes::SIDE * shapes::SIDE,
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
    /// Gathered by plain copies: torch's `index_select` wakes all its threads for less than a megabyte, and on a busy
    /// machine waited for the last of them for up to 100 ms (seen in profiles on 16 cores).
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn batch(&self, indices: &[usize], device: Device, nhwc: bool) -> Result<Batch, TorchError> {
        let size = i64::try_from(indices.len()).unwrap_or(i64::MAX);
        let targets = host_tensor(&gather(&self.targets, self.count, indices))?.f_to_device(device)?;
        let targets = targets.f_to_kind(Kind::Int64)?;
        match &self.samples {
            Samples::Images(images) => {
                let shape = [size, unet::CHANNELS, shapes::SIDE, shapes::SIDE];
                let images = host_tensor(&gather(images, self.count, indices))?.f_reshape(shape)?;
                let pixels = images.f_to_device(device)?.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?;
                let inputs = if nhwc { channels_last(&pixels)? } else { pixels };
                Ok(Batch { inputs, targets: targets.f_reshape([size, shapes::SIDE, shapes::SIDE])? })
            }
            Samples::Texts(tokens) => {
                let tokens = host_tensor(&gather(tokens, self.count, indices))?;
                let tokens = tokens.f_reshape([size, reviews::LENGTH])?.f_to_device(device)?;
                Ok(Batch { inputs: tokens.f_to_kind(Kind::Int64)?, targets })
            }
        }
    }
}

/// The samples of `indices`, of `count` that lie in `all`, one after the other.
fn gather<T: Copy>(all: &[T], count: usize, indices: &[usize]) -> Vec<T> {
    let size = all.len() / count.max(1);
    let mut gathered = Vec::with_capacity(size * indices.len());
    for index in indices {
        gathered.extend_from_slice(&all[index * size..(index + 1) * size]);
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_does_not_depend_on_how_many_there_are() {
        for kind in [ModelKind::Unet, ModelKind::Lstm] {
            let first_two = |seed, split, count| {
                let batch = Dataset::new(kind, seed, split, count).batch(&[0, 1], Device::Cpu, false).unwrap();
                (batch.inputs, batch.targets)
            };
            let few = first_two(3, Split::Train, 2);
            assert_eq!(few, first_two(3, Split::Train, 5));
            assert_ne!(few.0, first_two(3, Split::Test, 2).0);
            assert_ne!(few.0, first_two(4, Split::Train, 2).0);
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
        let images = Dataset::new(ModelKind::Unet, 1, Split::Train, 3);
        let batch = images.batch(&[2, 0], Device::Cpu, false).unwrap();
        let last = images.batch(&[2], Device::Cpu, false).unwrap();
        assert_eq!((batch.inputs.narrow(0, 0, 1), batch.targets.narrow(0, 0, 1)), (last.inputs, last.targets));
        assert_eq!(batch.inputs.size(), [2, 3, 128, 128]);
        assert_eq!((batch.inputs.kind(), batch.targets.kind()), (Kind::Float, Kind::Int64));
        assert!(batch.inputs.max().double_value(&[]) <= 1.0);
        let nhwc = images.batch(&[2, 0], Device::Cpu, true).unwrap();
        assert_eq!(nhwc.inputs, batch.inputs);
        assert_eq!(nhwc.inputs.stride(), [3 * 128 * 128, 1, 3 * 128, 3]);
    }
}
