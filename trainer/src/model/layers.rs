//! The layers both models are made of, over torch's own operators, with torch's own defaults.
//!
//! A [`Builder`] draws initial values on the CPU, whatever the device, so that one seed means one model everywhere; then it
//! moves them. Each layer keeps handles of its tensors; the model keeps the list that the optimizer and checkpoints see.

use crate::error::TorchError;
use tch::{Device, Kind, Tensor, no_grad};

type Result<T> = std::result::Result<T, TorchError>;

/// A tensor with a name, as it stands in checkpoints.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) tensor: Tensor,
}

/// Collects the tensors of a model while its layers are made.
pub(crate) struct Builder {
    device: Device,
    channels_last: bool,
    pub(crate) parameters: Vec<Named>,
    pub(crate) buffers: Vec<Named>,
}

impl Builder {
    pub(crate) fn new(device: Device, channels_last: bool) -> Self {
        Self { device, channels_last, parameters: Vec::new(), buffers: Vec::new() }
    }

    /// A parameter drawn uniformly from `-bound..bound`.
    pub(crate) fn uniform(&mut self, name: &str, shape: &[i64], bound: f64) -> Result<Tensor> {
        let drawn = Tensor::f_zeros(shape, (Kind::Float, Device::Cpu))?.f_uniform_(-bound, bound)?;
        self.parameter(name, &drawn)
    }

    /// A parameter with the values of `initial`, which lies on the CPU.
    pub(crate) fn parameter(&mut self, name: &str, initial: &Tensor) -> Result<Tensor> {
        let mut placed = initial.f_to_device(self.device)?;
        if self.channels_last && placed.dim() == 4 {
            placed = channels_last(&placed)?;
        }
        let parameter = placed.f_set_requires_grad(true)?;
        self.parameters.push(Named { name: name.to_owned(), tensor: parameter.shallow_clone() });
        Ok(parameter)
    }

    /// State that is kept, but not trained.
    fn buffer(&mut self, name: &str, initial: &Tensor) -> Result<Tensor> {
        let buffer = initial.f_to_device(self.device)?;
        self.buffers.push(Named { name: name.to_owned(), tensor: buffer.shallow_clone() });
        Ok(buffer)
    }
}

/// The same values with the channels of `[N, C, H, W]` innermost in memory (torch.channels_last): the shape stays.
pub(crate) fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// A 2-D convolution with bias, stride 1 and "same" padding.
pub(crate) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    padding: i64,
}

impl Convolution {
    /// `kernel` x `kernel`, drawn as torch draws it: uniform in 1/sqrt(fan-in).
    pub(crate) fn new(build: &mut Builder, name: &str, inputs: i64, outputs: i64, kernel: i64) -> Result<Self> {
        let bound = one_over_root(inputs * kernel * kernel);
        Ok(Self {
            weight: build.uniform(&format!("{name}.weight"), &[outputs, inputs, kernel, kernel], bound)?,
            bias: build.uniform(&format!("{name}.bias"), &[outputs], bound)?,
            padding: kernel / 2,
        })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.f_conv2d(&self.weight, Some(&self.bias), [1, 1], [self.padding, self.padding], [1, 1], 1)?)
    }
}

/// A transposed 2x2 convolution of stride 2: doubles height and width.
pub(crate) struct UpConvolution {
    weight: Tensor,
    bias: Tensor,
}

impl UpConvolution {
    pub(crate) fn new(build: &mut Builder, name: &str, inputs: i64, outputs: i64) -> Result<Self> {
        // torch counts the fan-in of a transposed convolution on the weight's second dimension.
        let bound = one_over_root(outputs * 4);
        Ok(Self {
            weight: build.uniform(&format!("{name}.weight"), &[inputs, outputs, 2, 2], bound)?,
            bias: build.uniform(&format!("{name}.bias"), &[outputs], bound)?,
        })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.f_conv_transpose2d(&self.weight, Some(&self.bias), [2, 2], [0, 0], [0, 0], 1, [1, 1])?)
    }
}

/// Batch normalization over channels, with running statistics.
pub(crate) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
}

impl BatchNorm {
    pub(crate) fn new(build: &mut Builder, name: &str, channels: i64) -> Result<Self> {
        let ones = || Tensor::f_ones([channels], (Kind::Float, Device::Cpu));
        let zeros = || Tensor::f_zeros([channels], (Kind::Float, Device::Cpu));
        Ok(Self {
            mean: build.buffer(&format!("{name}.running_mean"), &zeros()?)?,
            variance: build.buffer(&format!("{name}.running_var"), &ones()?)?,
            weight: build.parameter(&format!("{name}.weight"), &ones()?)?,
            bias: build.parameter(&format!("{name}.bias"), &zeros()?)?,
        })
    }

    pub(crate) fn forward(&self, input: &Tensor, training: bool) -> Result<Tensor> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        Ok(input.f_batch_norm(weight, bias, Some(&self.mean), Some(&self.variance), training, 0.1, 1e-5, true)?)
    }
}

/// A fully connected layer.
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub(crate) fn new(build: &mut Builder, name: &str, inputs: i64, outputs: i64) -> Result<Self> {
        let bound = one_over_root(inputs);
        Ok(Self {
            weight: build.uniform(&format!("{name}.weight"), &[outputs, inputs], bound)?,
            bias: build.uniform(&format!("{name}.bias"), &[outputs], bound)?,
        })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.f_linear(&self.weight, Some(&self.bias))?)
    }
}

/// Token vectors; the vector of token 0, the padding, stays zero.
pub(crate) struct Embedding {
    weight: Tensor,
}

impl Embedding {
    const PADDING: i64 = 0;

    pub(crate) fn new(build: &mut Builder, name: &str, tokens: i64, width: i64) -> Result<Self> {
        let drawn = Tensor::f_zeros([tokens, width], (Kind::Float, Device::Cpu))?.f_normal_(0.0, 1.0)?;
        drop(drawn.f_get(Self::PADDING)?.f_zero_()?);
        Ok(Self { weight: build.parameter(&format!("{name}.weight"), &drawn)? })
    }

    /// `[batch, length]` of whole numbers to `[batch, length, width]`.
    pub(crate) fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        Ok(Tensor::f_embedding(&self.weight, tokens, Self::PADDING, false, false)?)
    }
}

/// A bidirectional LSTM of several layers, batch first.
pub(crate) struct BidirectionalLstm {
    weights: Vec<Tensor>,
    layers: i64,
    hidden: i64,
}

impl BidirectionalLstm {
    pub(crate) fn new(build: &mut Builder, name: &str, inputs: i64, hidden: i64, layers: i64) -> Result<Self> {
        let bound = one_over_root(hidden);
        let mut weights = Vec::new();
        for layer in 0..layers {
            let width = if layer == 0 { inputs } else { 2 * hidden };
            for direction in ["", "_reverse"] {
                let shapes: [(&str, Vec<i64>); 4] = [
                    ("weight_ih", vec![4 * hidden, width]),
                    ("weight_hh", vec![4 * hidden, hidden]),
                    ("bias_ih", vec![4 * hidden]),
                    ("bias_hh", vec![4 * hidden]),
                ];
                for (part, shape) in shapes {
                    weights.push(build.uniform(&format!("{name}.{part}_l{layer}{direction}"), &shape, bound)?);
                }
            }
        }
        if build.device.is_cuda() {
            // cuDNN wants all weights in one piece of memory; torch would copy them together at every step otherwise.
            // LSTM is its mode 2.
            drop(no_grad(|| {
                Tensor::f_internal_cudnn_rnn_flatten_weight(&weights, 4, inputs, 2, hidden, 0, layers, true, true)
            })?);
        }
        Ok(Self { weights, layers, hidden })
    }

    /// `[batch, length, inputs]` to `[batch, length, 2 * hidden]`.
    pub(crate) fn forward(&self, input: &Tensor, training: bool) -> Result<Tensor> {
        let batch = input.size().first().copied().unwrap_or(0);
        let state = Tensor::f_zeros([2 * self.layers, batch, self.hidden], (input.kind(), input.device()))?;
        let states = [&state, &state];
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        let (output, _, _) = input.f_lstm(&states, &weights, true, self.layers, 0.0, training, true, true)?;
        Ok(output)
    }
}

/// torch's default bound, 1/sqrt(fan-in) (Kaiming uniform with a = sqrt(5)).
fn one_over_root(fan_in: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a fan-in is a few thousand")]
    let fan_in = fan_in as f64;
    1.0 / fan_in.sqrt()
}
