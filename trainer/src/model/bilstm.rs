//! A bidirectional two-layer LSTM that reads a text and says whether it is positive.
//!
//! tokens -> embedding -> BiLSTM -> mean over the real tokens -> two classes. The mean leaves the padding out, so that how
//! long a batch is padded does not change what a text is told from.

use super::layers::{BidirectionalLstm, Builder, Embedding, Linear};
use crate::data::reviews::{PADDING, VOCABULARY};
use crate::error::TorchError;
use tch::{Kind, Tensor};

type Result<T> = std::result::Result<T, TorchError>;

const EMBEDDING: i64 = 64;
const HIDDEN: i64 = 256;
const LAYERS: i64 = 2;
/// Negative, positive.
pub(crate) const CLASSES: i64 = 2;

/// The network.
pub(crate) struct BiLstm {
    embedding: Embedding,
    lstm: BidirectionalLstm,
    last: Linear,
}

impl BiLstm {
    pub(crate) fn new(build: &mut Builder) -> Result<Self> {
        Ok(Self {
            embedding: Embedding::new(build, "embedding", VOCABULARY, EMBEDDING)?,
            lstm: BidirectionalLstm::new(build, "lstm", EMBEDDING, HIDDEN, LAYERS)?,
            last: Linear::new(build, "last", 2 * HIDDEN, CLASSES)?,
        })
    }

    /// `[batch, length]` of tokens, padded with [`PADDING`], to one value per class, `[batch, 2]`.
    pub(crate) fn forward(&self, tokens: &Tensor, training: bool) -> Result<Tensor> {
        let states = self.lstm.forward(&self.embedding.forward(tokens)?, training)?;
        let real = tokens.f_ne(PADDING)?.f_unsqueeze(-1)?.f_to_kind(states.kind())?;
        let sum = states.f_mul(&real)?.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>)?;
        let count = real.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>)?;
        self.last.forward(&sum.f_div(&count)?)
    }
}
