//! The text that is in memory, in order: what is at the cursor, what workers read ahead, and what nobody has looked at.
//!
//! ```text
//! consumed | rest | ahead: pieces with workers ... | tail | blocks to come
//!          ^ cursor
//! ```
//! `rest` grows where it must be looked at more closely: by pieces that are ahead (what a worker has read of such a one is
//! dropped), then by the tail, then by blocks.

use super::event::last_start;
use super::lane::{Before, Pause};
use super::rows::{News, Rows};
use super::source::{Block, Inbox, Message, SourceFacts};
use super::workers::{Found, Job, Read, Workers};
use std::collections::{BTreeMap, VecDeque};

/// A tail longer than this, in which no event starts, is for the document to look at.
const LONGEST_TAIL_BYTES: usize = 4 << 20;

/// A sliding window over the text.
pub(super) struct Window {
    inbox: Inbox,
    workers: Workers,
    /// `rest`.
    front: Block,
    /// Offset of `rest` in the whole text.
    offset: u64,
    /// A `rest` that ended here (or before) was too short for whoever looked at it: it is not cut there again.
    too_short_until: u64,
    /// Numbers of the pieces behind `rest`, each starting where the one before ends.
    ahead: VecDeque<u64>,
    /// Pieces that were read, by number.
    read: BTreeMap<u64, Box<Read>>,
    /// What stands behind the last piece: the start of an event, where there are pieces.
    tail: Block,
    /// Offset of the tail, where there is one.
    tail_offset: u64,
    /// Blocks that came while nobody wanted them.
    blocks: VecDeque<Block>,
    next_number: u64,
    /// What workers say they learnt in pieces that were dropped.
    dropped_news: Vec<(usize, News)>,
    /// Rows to be filled again.
    spare: Vec<Rows>,
    facts: Option<SourceFacts>,
    /// A worker has panicked: nothing is waited for any more.
    died: bool,
    received_bytes: u64,
    max_bytes: u64,
}

impl Window {
    pub(super) fn new(inbox: Inbox, workers: Workers, max_bytes: u64) -> Self {
        Self {
            inbox,
            workers,
            front: Block::default(),
            offset: 0,
            too_short_until: 0,
            ahead: VecDeque::new(),
            read: BTreeMap::new(),
            tail: Block::default(),
            tail_offset: 0,
            blocks: VecDeque::new(),
            next_number: 0,
            dropped_news: Vec::new(),
            spare: Vec::new(),
            facts: None,
            died: false,
            received_bytes: 0,
            max_bytes,
        }
    }

    /// What is there and not consumed.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        self.front.text()
    }

    /// Whether nothing comes behind `rest`.
    pub(super) fn ended(&self) -> bool {
        self.facts.is_some() && self.ahead.is_empty() && self.tail.text().is_empty() && self.blocks.is_empty()
    }

    /// Offset of the start of `rest` in the text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.workers.count
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
            let (front, copied) = std::mem::take(&mut self.front).joined(next);
            self.front = front;
            copied.into_iter().for_each(|bytes| self.inbox.give_back_bytes(bytes));
        }
        self.rest().len() > before
    }

    /// The text behind `rest`, taken from wherever it is.
    fn next_text(&mut self) -> Option<Block> {
        if let Some(number) = self.ahead.pop_front() {
            let Read { text, found, .. } = *self.wait(number)?;
            self.dropped_news.push((found.worker, found.news));
            self.refill(found.rows);
            return Some(text);
        }
        if !self.tail.text().is_empty() {
            return Some(std::mem::take(&mut self.tail));
        }
        while self.blocks.is_empty() && self.facts.is_none() {
            self.receive();
        }
        self.blocks.pop_front()
    }

    /// Gives the workers what is behind `rest`. Where nothing was given yet, `rest` is cut where its last event starts.
    pub(super) fn share(&mut self) {
        if self.workers.count == 0 {
            return;
        }
        if self.ahead.is_empty() && self.tail.text().is_empty() {
            let Some(cut) = last_start(self.rest()) else { return };
            let cut_offset = self.offset + crate::units::count(cut);
            if cut_offset <= self.too_short_until {
                return;
            }
            self.tail = self.front.copy_from(cut);
            self.tail_offset = cut_offset;
            self.front.truncate(cut);
        }
        while let Some(message) = self.inbox.next_now() {
            self.take(message);
        }
        self.give();
    }

    /// Where the text of a piece ahead starts in `rest`: at its end.
    pub(super) fn next_piece(&self) -> Option<usize> {
        (!self.ahead.is_empty() || !self.tail.text().is_empty()).then_some(self.rest().len())
    }

    /// The piece at the cursor, once a worker has read it: what it found, and why it stopped. What it left is `rest` then.
    /// `None` where the text at the cursor is with nobody.
    pub(super) fn next_read(&mut self) -> Option<(Found, Pause, Before)> {
        if !self.rest().is_empty() {
            return None;
        }
        while self.ahead.is_empty() && self.is_tail_short() && self.facts.is_none() {
            self.receive();
        }
        let number = self.ahead.pop_front()?;
        let Read { mut text, consumed, pause, before, found, .. } = *self.wait(number)?;
        self.offset += crate::units::count(consumed);
        text.advance(consumed);
        self.inbox.give_back(std::mem::replace(&mut self.front, text));
        Some((found, pause, before))
    }

    /// What workers learnt in pieces of which nothing else counts.
    pub(super) fn dropped_news(&mut self) -> Vec<(usize, News)> {
        std::mem::take(&mut self.dropped_news)
    }

    /// Takes the memory of rows for the next ones.
    pub(super) fn refill(&mut self, mut rows: Rows) {
        rows.clear();
        self.spare.push(rows);
    }

    /// Cuts pieces off the blocks that are there.
    fn give(&mut self) {
        while self.is_tail_short()
            && let Some(block) = self.blocks.pop_front()
        {
            let (mut text, copied) = std::mem::take(&mut self.tail).joined(block);
            copied.into_iter().for_each(|bytes| self.inbox.give_back_bytes(bytes));
            let Some(cut) = last_start(text.text()) else {
                self.tail = text;
                continue;
            };
            self.tail = text.copy_from(cut);
            text.truncate(cut);
            let rows = self.spare.pop().unwrap_or_default();
            self.workers.give(Job { number: self.next_number, text, offset: self.tail_offset, rows });
            self.ahead.push_back(self.next_number);
            self.next_number += 1;
            self.tail_offset += crate::units::count(cut);
        }
    }

    /// Whether there is a tail, and the end of a piece may still be found in it.
    fn is_tail_short(&self) -> bool {
        (1..=LONGEST_TAIL_BYTES).contains(&self.tail.text().len())
    }

    /// Waits until piece `number` was read.
    fn wait(&mut self, number: u64) -> Option<Box<Read>> {
        while !self.read.contains_key(&number) && !self.died {
            self.receive();
        }
        self.read.remove(&number)
    }

    /// Waits for a message, and gives the workers what it brings.
    fn receive(&mut self) {
        let message = self.inbox.next().unwrap_or(Message::Died);
        self.take(message);
        self.give();
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Block(block) if self.facts.is_none() => {
                self.received_bytes += crate::units::count(block.text().len());
                self.blocks.push_back(block);
                if self.over_limit() {
                    self.facts = Some(SourceFacts::default());
                }
            }
            Message::Block(block) => self.inbox.give_back(block),
            Message::End(facts) => self.facts = Some(self.facts.take().unwrap_or(facts)),
            Message::Read(read) => drop(self.read.insert(read.number, read)),
            Message::Died => {
                self.died = true;
                self.facts.get_or_insert_default();
            }
        }
    }

    /// Whether more text came than `--max-bytes` allows.
    pub(super) fn over_limit(&self) -> bool {
        self.received_bytes > self.max_bytes
    }

    /// Reads to the end of the text without keeping it, so that the layers below can say how it ended.
    pub(super) fn drain(&mut self) {
        self.advance(usize::MAX);
        while let Some(text) = self.next_text() {
            self.inbox.give_back(text);
        }
    }

    /// What the layers below said about the whole text.
    pub(super) fn finish(self) -> SourceFacts {
        self.facts.unwrap_or_default()
    }
}
