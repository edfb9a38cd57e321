//! The part of the text that is in memory: what was not consumed yet, growing block by block.

use super::source::{Blocks, HEADROOM, SourceFacts};

/// A sliding window over the text.
pub(super) struct Window {
    blocks: Blocks,
    /// The text is `buffer[from..end]`.
    buffer: Vec<u8>,
    from: usize,
    end: usize,
    /// Offset of `buffer[from]` in the whole text.
    offset: u64,
    ended: bool,
    max_bytes: u64,
}

impl Window {
    pub(super) fn new(blocks: Blocks, max_bytes: u64) -> Self {
        Self { blocks, buffer: Vec::new(), from: 0, end: 0, offset: 0, ended: false, max_bytes }
    }

    /// What is there and not consumed.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.from..self.end).unwrap_or_default()
    }

    /// Whether nothing comes behind `rest`.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Offset of the start of `rest` in the text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Consumes `count` bytes of `rest`.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        let count = count.min(self.end - self.from);
        self.from += count;
        self.offset += crate::units::count(count);
    }

    /// Makes `rest` longer: at least twice as long where it is already long, so that rescanning one huge event stays
    /// linear. `false` where the text has ended.
    pub(super) fn grow(&mut self) -> bool {
        let before = self.rest().len();
        while !self.ended && (self.rest().len() == before || self.rest().len() < 2 * before) {
            self.take_block();
            self.ended |= self.over_limit();
        }
        self.rest().len() > before
    }

    fn take_block(&mut self) {
        let Some(mut block) = self.blocks.next() else {
            self.ended = true;
            return;
        };
        let left = self.end - self.from;
        if let Some(start) = HEADROOM.checked_sub(left) {
            // The usual case: what is left goes in front of the new block's text, and that becomes the window.
            if let Some(room) = block.bytes.get_mut(start..HEADROOM) {
                room.copy_from_slice(self.rest());
            }
            let old = std::mem::replace(&mut self.buffer, block.bytes);
            (self.from, self.end) = (start, block.end);
            self.blocks.give_back(old);
            return;
        }
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.from);
        self.buffer.extend_from_slice(block.text());
        (self.from, self.end) = (0, self.buffer.len());
        self.blocks.give_back(block.bytes);
    }

    /// Whether more text came than `--max-bytes` allows.
    pub(super) fn over_limit(&self) -> bool {
        self.offset + crate::units::count(self.rest().len()) > self.max_bytes
    }

    /// Reads to the end of the text without keeping it, so that the layers below can say how it ended.
    pub(super) fn drain(&mut self) {
        while !self.ended {
            self.advance(self.end - self.from);
            self.grow();
        }
    }

    /// What the layers below said about the whole text.
    pub(super) fn finish(self) -> SourceFacts {
        self.blocks.finish()
    }
}
