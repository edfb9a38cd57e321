//! The two models, and what training needs of either.

pub(crate) mod bilstm;
pub(crate) mod layers;
pub(crate) mod unet;

use crate::cli::args::ModelKind;
use crate::error::TorchError;
use layers::{Builder, Named};
use tch::{Device, Tensor};

enum Network {
    UNet(unet::UNet),
    BiLstm(bilstm::BiLstm),
}

/// A model on its device, with all its tensors by name.
pub(crate) struct Model {
    network: Network,
    /// What is trained, in the order of the layers.
    pub(crate) parameters: Vec<Tensor>,
    /// The names of `parameters`.
    pub(crate) parameter_names: Vec<String>,
    /// Running statistics.
    pub(crate) buffers: Vec<Named>,
    classes: i64,
}

impl Model {
    /// Makes a model. Initial values come from torch's generator on the CPU (`tch::manual_seed`), wherever it will run.
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn new(kind: ModelKind, device: Device, channels_last: bool) -> Result<Self, TorchError> {
        let mut build = Builder::new(device, channels_last);
        let (network, classes) = match kind {
            ModelKind::Unet => (Network::UNet(unet::UNet::new(&mut build)?), unet::CLASSES),
            ModelKind::Lstm => (Network::BiLstm(bilstm::BiLstm::new(&mut build)?), bilstm::CLASSES),
        };
        let (parameter_names, parameters) =
            build.parameters.into_iter().map(|named| (named.name, named.tensor)).unzip();
        Ok(Self { network, parameters, parameter_names, buffers: build.buffers, classes })
    }

    /// One value per class (dimension 1) for each input.
    ///
    /// # Errors
    /// Where torch refuses; out of memory is one way.
    pub(crate) fn forward(&self, inputs: &Tensor, training: bool) -> Result<Tensor, TorchError> {
        match &self.network {
            Network::UNet(unet) => unet.forward(inputs, training),
            Network::BiLstm(lstm) => lstm.forward(inputs, training),
        }
    }

    /// How many classes it tells apart.
    pub(crate) fn classes(&self) -> i64 {
        self.classes
    }

    /// Trainable numbers in all.
    pub(crate) fn parameter_count(&self) -> u64 {
        self.parameters.iter().map(|tensor| u64::try_from(tensor.numel()).unwrap_or(0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// torch has one generator for all threads: who seeds it draws alone.
    static GENERATOR: Mutex<()> = Mutex::new(());

    fn count(kind: ModelKind) -> u64 {
        let _alone = GENERATOR.lock().unwrap();
        Model::new(kind, Device::Cpu, false).unwrap().parameter_count()
    }

    #[test]
    fn the_models_have_the_sizes_that_they_are_known_by() {
        assert_eq!(count(ModelKind::Unet), 31_043_651);
        assert_eq!(count(ModelKind::Lstm), 2_397_442);
    }

    #[test]
    fn one_seed_is_one_model_in_either_layout() {
        let model = |channels_last| {
            let _alone = GENERATOR.lock().unwrap();
            tch::manual_seed(7);
            Model::new(ModelKind::Unet, Device::Cpu, channels_last).unwrap()
        };
        let (plain, last) = (model(false), model(true));
        assert!(plain.parameters.iter().zip(&last.parameters).all(|(one, other)| one == other));
        let image = Tensor::rand([1, 3, 32, 32], (tch::Kind::Float, Device::Cpu));
        let difference = tch::no_grad(|| {
            let plain = plain.forward(&image, false).unwrap();
            (plain - last.forward(&layers::channels_last(&image).unwrap(), false).unwrap())
                .abs()
                .max()
                .double_value(&[])
        });
        assert!(difference < 1e-4, "the layouts differ by {difference}");
    }
}
