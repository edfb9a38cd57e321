//! The text that is in memory, in order: what is at the cursor, what readers have, and what nobody has looked at.
//!
//! ```text
//! consumed | rest | ahead: pieces that readers have ... | supply: the text to come
//!          ^ cursor
//! ```
//! `rest` grows where it must be looked at more closely: by pieces that are ahead (what a reader found in such a one is
//! dropped), then by the supply.

use super::event::last_start;
use super::lane::{Before, Pause};
use super::readers::{Found, Message, Read, Readers};
use super::rows::{News, Rows};
use super::source::{Block, SourceFacts};
use std::collections::BTreeMap;

/// A sliding window over the text.
pub(super) struct Window<'r> {
    readers: Readers<'r>,
    /// `rest`.
    front: Block,
    /// Offset of `rest` in the whole text.
    offset: u64,
    /// A `rest` that ended here (or before) was too short for whoever looked at it: it is not cut there again.
    too_short_until: u64,
    /// A `rest` that ends here (or before) was searched for a start in vain.
    searched_until: u64,
    /// The number of the piece behind `rest`.
    next_number: u64,
    /// The number of the first piece that nobody has; `None` while readers take more.
    end_number: Option<u64>,
    /// Pieces that were read, by number.
    read: BTreeMap<u64, Box<Read>>,
    /// What readers say they learnt in pieces that were dropped.
    dropped_news: Vec<(usize, News)>,
    /// A reader has panicked: nothing is waited for any more.
    died: bool,
}

impl<'r> Window<'r> {
    pub(super) fn new(readers: Readers<'r>) -> Self {
        Self {
            readers,
            front: Block::default(),
            offset: 0,
            too_short_until: 0,
            searched_until: 0,
            next_number: 0,
            end_number: Some(0),
            read: BTreeMap::new(),
            dropped_news: Vec::new(),
            died: false,
        }
    }

    /// What is there and not consumed.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        self.front.text()
    }

    /// Whether nothing comes behind `rest`.
    pub(super) fn ended(&self) -> bool {
        self.end_number == Some(self.next_number) && self.readers.ended() || self.died
    }

    /// Offset of the start of `rest` in the text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many readers there are.
    pub(super) fn readers(&self) -> usize {
        self.readers.count
    }

    /// Consumes `count` bytes of `rest`.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        let count = count.min(self.rest().len());
        self.front.advance(count);
        self.offset += crate::units::count(count);
    }

    /// Makes `rest` longer: at least twice as long where it is already long, so that rescanning one huge event stays
    /// linear. `false` where the text has ended.
    pub(super) fn grow(&mut self) -> bool {
        let before = self.rest().len();
        self.too_short_until = self.offset + crate::units::count(before);
        while self.rest().len() == before || self.rest().len() < 2 * before {
            let Some(next) = self.next_text() else { break };
            let (front, left) = std::mem::take(&mut self.front).joined(next);
            self.front = front;
            left.into_iter().for_each(|bytes| self.readers.give_back_bytes(bytes));
        }
        self.rest().len() > before
    }

    /// The text behind `rest`, taken from whoever has it.
    fn next_text(&mut self) -> Option<Block> {
        let end = *self.end_number.get_or_insert_with(|| self.readers.stop());
        if self.next_number == end {
            return self.readers.next_text().filter(|_| !self.died);
        }
        let Read { text, found, .. } = *self.wait()?;
        self.dropped_news.push((found.reader, found.news));
        self.refill(found.rows);
        Some(text)
    }

    /// Lets readers take what is behind `rest`. Where they have nothing yet, `rest` is cut where its last event starts.
    pub(super) fn share(&mut self) {
        let Some(end) = self.end_number.filter(|_| self.readers.count > 0 && !self.died) else { return };
        if self.next_number < end {
            return; // they stopped, and there is more of what they did
        }
        let (front, offset, searched_until) = (&mut self.front, self.offset, &mut self.searched_until);
        let rest_end = offset + crate::units::count(front.text().len());
        let is_shared = self.readers.share(|| {
            if rest_end <= std::mem::replace(searched_until, rest_end) {
                return None;
            }
            let cut = last_start(front.text())?;
            let cut_offset = offset + crate::units::count(cut);
            if cut_offset <= self.too_short_until {
                return None;
            }
            let tail = front.copy_from(cut);
            front.truncate(cut);
            Some((tail, cut_offset))
        });
        if is_shared {
            self.end_number = None;
        }
    }

    /// Where the text of a piece ahead starts in `rest`: at its end.
    pub(super) fn next_piece(&self) -> Option<usize> {
        (self.end_number != Some(self.next_number)).then_some(self.rest().len())
    }

    /// The piece at the cursor, once a reader has read it: what it found, and why it stopped. What it left is `rest` then.
    /// `None` where the text at the cursor is with nobody.
    pub(super) fn next_read(&mut self) -> Option<(Found, Pause, Before)> {
        if !self.rest().is_empty() {
            return None;
        }
        let Read { mut text, consumed, pause, before, found, .. } = *self.wait()?;
        self.offset += crate::units::count(consumed);
        text.advance(consumed);
        self.readers.give_back(std::mem::replace(&mut self.front, text));
        Some((found, pause, before))
    }

    /// What readers learnt in pieces of which nothing else counts.
    pub(super) fn dropped_news(&mut self) -> Vec<(usize, News)> {
        std::mem::take(&mut self.dropped_news)
    }

    /// Takes rows to be filled again.
    pub(super) fn refill(&mut self, rows: Rows) {
        self.readers.refill(rows);
    }

    /// Waits until the next piece was read; `None` where there is none.
    fn wait(&mut self) -> Option<Box<Read>> {
        loop {
            if let Some(read) = self.read.remove(&self.next_number) {
                self.next_number += 1;
                return Some(read);
            }
            if self.died || self.end_number == Some(self.next_number) {
                return None;
            }
            match self.readers.message() {
                Message::Read(read) => drop(self.read.insert(read.number, read)),
                Message::Stopped => self.end_number = self.readers.stopped_at(),
                Message::Died => self.died = true,
            }
        }
    }

    /// Whether more text came than `--max-bytes` allows.
    pub(super) fn over_limit(&self) -> bool {
        self.readers.over_limit()
    }

    /// Reads to the end of the text without keeping it, so that the layers below can say how it ended.
    pub(super) fn drain(&mut self) {
        self.advance(usize::MAX);
        while let Some(text) = self.next_text() {
            self.readers.give_back(text);
        }
    }

    /// What the layers below said about the whole text.
    pub(super) fn finish(self) -> SourceFacts {
        self.readers.facts()
    }
}
