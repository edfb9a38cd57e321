//! The part of the text that is in memory: what was not consumed yet, growing block by block.

use super::source::{Blocks, SourceFacts};

/// A sliding window over the text.
pub(super) struct Window {
    blocks: Blocks,
    buffer: Vec<u8>,
    consumed: usize,
    /// Offset of `buffer[0]` in the text.
    base: u64,
    ended: bool,
    max_bytes: u64,
}

impl Window {
    pub(super) fn new(blocks: Blocks, max_bytes: u64) -> Self {
        Self { blocks, buffer: Vec::new(), consumed: 0, base: 0, ended: false, max_bytes }
    }

    /// What is there and not consumed.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Whether nothing comes behind `rest`.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Offset of the start of `rest` in the text.
    pub(super) fn offset(&self) -> u64 {
        self.base + crate::units::count(self.consumed)
    }

    /// Consumes `count` bytes of `rest`.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.consumed = (self.consumed + count).min(self.buffer.len());
    }

    /// Makes `rest` longer: at least twice as long where it is already long, so that rescanning one huge event stays
    /// linear. `false` where the text has ended.
    pub(super) fn grow(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.base += crate::units::count(self.consumed);
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        let (before, want) = (self.buffer.len(), self.buffer.len() * 2);
        while !self.ended && (self.buffer.len() < want || self.buffer.len() == before) {
            self.ended = !self.blocks.append_next(&mut self.buffer);
            if self.over_limit() {
                self.ended = true;
            }
        }
        self.buffer.len() > before
    }

    /// Whether more text came than `--max-bytes` allows.
    pub(super) fn over_limit(&self) -> bool {
        self.base + crate::units::count(self.buffer.len()) > self.max_bytes
    }

    /// Reads to the end of the text without keeping it, so that the layers below can say how it ended.
    pub(super) fn drain(&mut self) {
        while !self.ended {
            self.consumed = self.buffer.len();
            self.grow();
        }
    }

    /// What the layers below said about the whole text.
    pub(super) fn finish(self) -> SourceFacts {
        self.blocks.finish()
    }
}
