//! U-Net (Ronneberger, Fischer, Brox 2015) with batch normalization: five levels, skip connections.
//!
//! ```text
//! 3x128x128 ─ 64 ──────────────────────────────── 64 ─ 1x1 ─ 3x128x128
//!              └ 128 ─────────────────────── 128 ┘
//!                 └ 256 ──────────────── 256 ┘
//!                    └ 512 ───────── 512 ┘
//!                       └─── 1024 ───┘
//! ```

use super::layers::{BatchNorm, Builder, Convolution, UpConvolution};
use crate::error::TorchError;
use tch::Tensor;

type Result<T> = std::result::Result<T, TorchError>;

/// Channels of an input image.
pub(crate) const CHANNELS: i64 = 3;
/// Background, disc, box.
pub(crate) const CLASSES: i64 = 3;
const LEVELS: [i64; 5] = [64, 128, 256, 512, 1024];

/// Convolution, batch normalization, `ReLU`.
struct Block {
    convolution: Convolution,
    norm: BatchNorm,
}

impl Block {
    fn new(build: &mut Builder, name: &str, inputs: i64, outputs: i64) -> Result<Self> {
        let convolution = Convolution::new(build, &format!("{name}.convolution"), inputs, outputs, 3)?;
        Ok(Self { convolution, norm: BatchNorm::new(build, &format!("{name}.norm"), outputs)? })
    }

    fn forward(&self, input: &Tensor, training: bool) -> Result<Tensor> {
        Ok(self.norm.forward(&self.convolution.forward(input)?, training)?.f_relu_()?)
    }
}

/// Two blocks: what each level does.
struct Level {
    first: Block,
    second: Block,
}

impl Level {
    fn new(build: &mut Builder, name: &str, inputs: i64, outputs: i64) -> Result<Self> {
        let first = Block::new(build, &format!("{name}.first"), inputs, outputs)?;
        Ok(Self { first, second: Block::new(build, &format!("{name}.second"), outputs, outputs)? })
    }

    fn forward(&self, input: &Tensor, training: bool) -> Result<Tensor> {
        self.second.forward(&self.first.forward(input, training)?, training)
    }
}

/// One step up: doubles the size, joins the skip connection, two blocks.
struct Up {
    convolution: UpConvolution,
    level: Level,
}

/// The network.
pub(crate) struct UNet {
    down: Vec<Level>,
    /// From the bottom to the top.
    up: Vec<Up>,
    last: Convolution,
}

impl UNet {
    pub(crate) fn new(build: &mut Builder) -> Result<Self> {
        let mut down = Vec::new();
        let mut inputs = CHANNELS;
        for (depth, outputs) in LEVELS.into_iter().enumerate() {
            down.push(Level::new(build, &format!("down{depth}"), inputs, outputs)?);
            inputs = outputs;
        }
        let mut up = Vec::new();
        for (depth, outputs) in LEVELS.into_iter().enumerate().rev().skip(1) {
            let convolution = UpConvolution::new(build, &format!("up{depth}.convolution"), inputs, outputs)?;
            // The skip connection brings as many channels again.
            up.push(Up { convolution, level: Level::new(build, &format!("up{depth}"), 2 * outputs, outputs)? });
            inputs = outputs;
        }
        Ok(Self { down, up, last: Convolution::new(build, "last", inputs, CLASSES, 1)? })
    }

    /// `[batch, 3, height, width]` to one value per class and pixel, `[batch, 3, height, width]`.
    pub(crate) fn forward(&self, images: &Tensor, training: bool) -> Result<Tensor> {
        let mut skips = Vec::new();
        let mut current = images.shallow_clone();
        for (depth, level) in self.down.iter().enumerate() {
            if depth > 0 {
                current = current.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?;
            }
            current = level.forward(&current, training)?;
            skips.push(current.shallow_clone());
        }
        // The lowest level is where we stand.
        skips.pop();
        for (up, skip) in self.up.iter().zip(skips.iter().rev()) {
            let risen = up.convolution.forward(&current)?;
            current = up.level.forward(&Tensor::f_cat(&[skip, &risen], 1)?, training)?;
        }
        self.last.forward(&current)
    }
}
