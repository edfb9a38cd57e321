//! Adam (Kingma and Ba 2015) with torch's defaults, all parameters in one fused operator.
//!
//! The state lies here, in tensors, so that a checkpoint can hold it; torch's fused kernel does the work. A loop over the
//! parameters would be a thousand small kernels for a U-Net.

use crate::error::TorchError;
use crate::shim::{self, AdamNumbers, Range};
use tch::{Kind, Tensor};

/// The optimizer's state.
pub(crate) struct Adam {
    /// Running mean of the gradients, one per parameter.
    pub(crate) means: Vec<Tensor>,
    /// Running mean of their squares.
    pub(crate) squares: Vec<Tensor>,
    /// Steps made, on the device.
    pub(crate) step: Tensor,
    numbers: AdamNumbers,
}

impl Adam {
    /// A fresh optimizer for `parameters`.
    ///
    /// # Errors
    /// Where torch has no memory for its state, twice the parameters.
    pub(crate) fn new(parameters: &[Tensor], learning_rate: f64) -> Result<Self, TorchError> {
        let zeros = || {
            parameters.iter().map(|tensor| Ok(tensor.f_detach()?.f_zeros_like()?)).collect::<Result<_, TorchError>>()
        };
        let device = parameters.first().map_or(tch::Device::Cpu, Tensor::device);
        Ok(Self {
            means: zeros()?,
            squares: zeros()?,
            step: Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?,
            numbers: AdamNumbers { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        })
    }

    /// Forgets the gradients.
    ///
    /// # Errors
    /// Where torch refuses.
    pub(crate) fn clear_gradients(parameters: &[Tensor]) -> Result<(), TorchError> {
        let _range = Range::new(c"Optimizer.zero_grad#Adam.zero_grad");
        shim::clear_gradients(parameters)
    }

    /// One step along the gradients of `parameters`.
    ///
    /// # Errors
    /// Where torch refuses.
    pub(crate) fn step(&mut self, parameters: &[Tensor]) -> Result<(), TorchError> {
        let _range = Range::new(c"Optimizer.step#Adam.step");
        shim::adam_step(parameters, &self.means, &self.squares, &self.step, self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn it_is_adam_as_published() {
        // f(x) = x^2 from x = 1, three steps by hand in f64
        let parameter = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let parameters = [parameter];
        let mut adam = Adam::new(&parameters, 0.1).unwrap();
        let (mut x, mut mean, mut square) = (1.0_f64, 0.0_f64, 0.0_f64);
        for step in 1..=3 {
            Adam::clear_gradients(&parameters).unwrap();
            parameters[0].square().sum(Kind::Float).backward();
            adam.step(&parameters).unwrap();
            let gradient = 2.0 * x;
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.999 * square + 0.001 * gradient * gradient;
            let (mean, square) = (mean / (1.0 - 0.9_f64.powi(step)), square / (1.0 - 0.999_f64.powi(step)));
            x -= 0.1 * mean / (square.sqrt() + 1e-8);
            assert!((parameters[0].double_value(&[0]) - x).abs() < 1e-6, "step {step}");
        }
        assert!((adam.step.double_value(&[]) - 3.0).abs() < 1e-9);
    }
}
