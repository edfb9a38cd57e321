//! Threads that read pieces of the text at the same time, and what they share.
//!
//! ```text
//!            supply: one at a time                        messages
//! readers <── inflate a block, cut a piece off ── then ── read it ──> window (puts in order) -> document (appends)
//! ```
//! Whoever is free takes the supply, inflates the next block, cuts it where its last event starts, and lets the next one in;
//! then he reads the piece, which is still in his cache. So nobody waits for all others. Who puts pieces in order is a
//! reader too while there are none to put: as many threads as cores, and nobody is woken for every piece (who is finds
//! himself on the core of who woke him, while another is idle).

use super::Limits;
use super::document::Damage;
use super::event::last_start;
use super::lane::{Before, Lane, Pause};
use super::rows::{News, Rows, Told};
use super::source::{Block, Source, SourceFacts};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

/// A reader that has met so many names forgets them: whoever puts pieces in order knows them all.
const MOST_NAMES_OF_A_READER: u32 = 1 << 20;
/// A tail longer than this, in which no event starts, is for the document to look at.
const LONGEST_TAIL_BYTES: usize = 4 << 20;

/// A piece to be read. It seems to start with an event behind a comma, and to end where the next such starts.
struct Piece {
    number: u64,
    text: Block,
    /// Offset of the piece in the whole text.
    offset: u64,
}

/// A piece that was read.
pub(super) struct Read {
    pub(super) number: u64,
    pub(super) text: Block,
    /// How much of it was consumed; all of it if the reader came exactly to the end, behind a comma.
    pub(super) consumed: usize,
    pub(super) pause: Pause,
    pub(super) before: Before,
    pub(super) found: Found,
}

/// What was found in a piece.
pub(super) struct Found {
    pub(super) reader: usize,
    pub(super) news: News,
    pub(super) rows: Rows,
    pub(super) damage: Damage,
}

/// What comes to the one who puts pieces in order.
pub(super) enum Message {
    Read(Box<Read>),
    /// There are no more pieces for now: see [`Supply`].
    Stopped,
    /// A reader has panicked.
    Died,
}

/// The text that nobody has yet.
struct Supply<'r> {
    source: Source<'r>,
    /// Whether readers may take pieces.
    shared: bool,
    /// What stands behind the last piece: while `shared`, the start of an event.
    tail: Block,
    tail_offset: u64,
    /// The number of the next piece.
    next_number: u64,
    received_bytes: u64,
    max_bytes: u64,
}

impl Supply<'_> {
    /// The text behind the last piece, as it comes.
    fn next_text(&mut self) -> Option<Block> {
        let tail = std::mem::take(&mut self.tail);
        if tail.text().is_empty() { self.next_block(Vec::new(), false) } else { Some(tail) }
    }

    fn next_block(&mut self, memory: Vec<u8>, in_ring: bool) -> Option<Block> {
        let block = self.source.next(memory, in_ring)?;
        self.received_bytes += crate::units::count(block.text().len());
        if self.over_limit() {
            self.source.stop();
        }
        Some(block)
    }

    fn over_limit(&self) -> bool {
        self.received_bytes > self.max_bytes
    }

    /// Cuts the next piece off; `None` where there is none, and the memory that is left over.
    fn cut(&mut self, mut memory: Option<Vec<u8>>) -> (Option<Piece>, Option<Vec<u8>>) {
        while self.tail.text().len() <= LONGEST_TAIL_BYTES {
            let in_ring = memory.is_some();
            let Some(block) = self.next_block(memory.take().unwrap_or_default(), in_ring) else { break };
            let (mut text, left) = std::mem::take(&mut self.tail).joined(block);
            memory = left;
            if let Some(cut) = last_start(text.text()) {
                self.tail = text.copy_from(cut);
                text.truncate(cut);
                let piece = Piece { number: self.next_number, text, offset: self.tail_offset };
                self.tail_offset += crate::units::count(cut);
                self.next_number += 1;
                return (Some(piece), memory);
            }
            self.tail = text;
        }
        self.shared = false;
        (None, memory)
    }
}

/// What there is to do for a reader who does not wait.
enum Turn {
    Read(Box<(Piece, Rows)>),
    /// There are no more pieces for now.
    Stopped,
    /// Others have it all.
    None,
}

/// Memory that goes round.
#[derive(Default)]
struct Memory {
    blocks: Vec<Vec<u8>>,
    rows: Vec<Rows>,
    closed: bool,
}

/// What readers and the window share.
struct Shared<'r> {
    supply: Mutex<Supply<'r>>,
    /// The supply is shared, or closed.
    supplied: Condvar,
    memory: Mutex<Memory>,
    /// There is memory, or it is closed.
    freed: Condvar,
}

/// A block that grew beyond this (for one huge event) is not kept.
const MOST_KEPT_BYTES: usize = 4 << 20;

impl<'r> Shared<'r> {
    fn new(source: Source<'r>, max_bytes: u64, readers: usize) -> Self {
        let supply = Supply {
            source,
            shared: false,
            tail: Block::default(),
            tail_offset: 0,
            next_number: 0,
            received_bytes: 0,
            max_bytes,
        };
        // One in the hands of every reader, as many that wait to be put in order.
        let memory = Memory { blocks: vec![Vec::new(); 2 * readers + 1], ..Memory::default() };
        Self { supply: Mutex::new(supply), supplied: Condvar::new(), memory: Mutex::new(memory), freed: Condvar::new() }
    }

    /// The next piece for a reader, with rows to fill; `None` once all is closed.
    fn next_piece(&self, messages: &Sender<Message>) -> Option<(Piece, Rows)> {
        let mut memory = own(&self.memory);
        let bytes = loop {
            if memory.closed {
                return None;
            }
            match memory.blocks.pop() {
                Some(bytes) => break bytes,
                None => memory = self.freed.wait(memory).unwrap_or_else(PoisonError::into_inner),
            }
        };
        let rows = memory.rows.pop().unwrap_or_default();
        drop(memory);
        let mut bytes = Some(bytes);
        let mut supply = own(&self.supply);
        loop {
            if own(&self.memory).closed {
                return None;
            }
            if supply.shared {
                let (piece, left) = supply.cut(bytes.take());
                if let Some(piece) = piece {
                    left.into_iter().for_each(|left| self.give_back_bytes(left));
                    return Some((piece, rows));
                }
                bytes = left;
                let _ = messages.send(Message::Stopped); // nobody listens: then all is closed
            }
            supply = self.supplied.wait(supply).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same for who must not wait, since others wait for him.
    fn turn(&self) -> Turn {
        let Some(bytes) = own(&self.memory).blocks.pop() else { return Turn::None };
        let mut supply = own(&self.supply);
        if !supply.shared {
            drop(supply);
            self.give_back_bytes(bytes);
            return Turn::None;
        }
        let (piece, left) = supply.cut(Some(bytes));
        drop(supply);
        left.into_iter().for_each(|left| self.give_back_bytes(left));
        piece.map_or(Turn::Stopped, |piece| {
            let rows = own(&self.memory).rows.pop().unwrap_or_default();
            Turn::Read(Box::new((piece, rows)))
        })
    }

    /// Gives a block back that is done with.
    fn give_back(&self, block: Block) {
        block.into_ring().into_iter().for_each(|bytes| self.give_back_bytes(bytes));
    }

    fn give_back_bytes(&self, bytes: Vec<u8>) {
        own(&self.memory).blocks.push(if bytes.capacity() > MOST_KEPT_BYTES { Vec::new() } else { bytes });
        self.freed.notify_one();
    }

    fn close(&self) {
        own(&self.memory).closed = true;
        self.freed.notify_all();
        // Whoever is about to wait for the supply has looked before, with the supply in his hands.
        drop(own(&self.supply));
        self.supplied.notify_all();
    }
}

/// Locks; what a panicked thread left behind is as good as it was.
fn own<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The readers and their supply, as the window sees them. They end when it is dropped.
pub(super) struct Readers<'r> {
    shared: Arc<Shared<'r>>,
    messages: Receiver<Message>,
    /// The one who waits for all others reads what he can meanwhile.
    own: Option<Box<Reader>>,
    /// How many there are.
    pub(super) count: usize,
}

impl Drop for Readers<'_> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<'r> Readers<'r> {
    /// `count` readers of `source`: all but one on threads of their own, which start.
    pub(super) fn start<'scope>(
        source: Source<'r>,
        limits: &Limits,
        count: usize,
        scope: &'scope Scope<'scope, '_>,
    ) -> Self
    where
        'r: 'scope,
    {
        let shared = Arc::new(Shared::new(source, limits.max_bytes, count));
        let most_names = crate::units::widen(limits.max_names.min(MOST_NAMES_OF_A_READER));
        let (sender, messages) = channel();
        // Where the system gives fewer threads there are fewer readers.
        let started = (1..count).take_while(|&number| {
            let (shared, messages) = (Arc::clone(&shared), sender.clone());
            let thread = std::thread::Builder::new().name(format!("reader {number}"));
            thread.spawn_scoped(scope, move || work(Reader::new(number, most_names), &shared, messages)).is_ok()
        });
        let count = count.min(1 + started.count());
        let own = (count > 0).then(|| Box::new(Reader::new(0, most_names)));
        Self { shared, messages, own, count }
    }

    /// Lets the readers take pieces. Where no start of an event is left from earlier ones, `cut` gives one, and its offset.
    /// Whether they may now: not where no text is to come, or no start is known.
    pub(super) fn share(&self, cut: impl FnOnce() -> Option<(Block, u64)>) -> bool {
        let mut supply = own(&self.shared.supply);
        if supply.source.ended() {
            return false;
        }
        if supply.tail.text().is_empty() {
            let Some(tail) = cut() else { return false };
            (supply.tail, supply.tail_offset) = tail;
        }
        supply.shared = true;
        drop(supply);
        self.shared.supplied.notify_all();
        true
    }

    /// Lets nobody take more pieces; returns the number that the next one would have.
    pub(super) fn stop(&self) -> u64 {
        let mut supply = own(&self.shared.supply);
        supply.shared = false;
        supply.next_number
    }

    /// The number that the next piece would have, where nobody may take it now.
    pub(super) fn stopped_at(&self) -> Option<u64> {
        let supply = own(&self.shared.supply);
        (!supply.shared).then_some(supply.next_number)
    }

    /// The text behind the last piece, as it comes. Only while the readers are stopped.
    pub(super) fn next_text(&self) -> Option<Block> {
        own(&self.shared.supply).next_text()
    }

    /// Whether there is no text behind the last piece.
    pub(super) fn ended(&self) -> bool {
        let supply = own(&self.shared.supply);
        supply.source.ended() && supply.tail.text().is_empty()
    }

    /// Whether more text came than allowed.
    pub(super) fn over_limit(&self) -> bool {
        own(&self.shared.supply).over_limit()
    }

    /// The next message, of the readers on threads or of one's own.
    pub(super) fn message(&mut self) -> Message {
        if let Ok(message) = self.messages.try_recv() {
            return message;
        }
        match (self.shared.turn(), &mut self.own) {
            (Turn::Read(piece), Some(reader)) => {
                let (piece, rows) = *piece;
                Message::Read(Box::new(reader.read(piece, rows)))
            }
            (Turn::Stopped, _) => Message::Stopped,
            _ => self.messages.recv().unwrap_or(Message::Died),
        }
    }

    /// Gives a block back that is done with.
    pub(super) fn give_back(&self, block: Block) {
        self.shared.give_back(block);
    }

    /// The same for memory that is left over of a block.
    pub(super) fn give_back_bytes(&self, bytes: Vec<u8>) {
        self.shared.give_back_bytes(bytes);
    }

    /// Takes rows to be filled again.
    pub(super) fn refill(&self, mut rows: Rows) {
        rows.clear();
        own(&self.shared.memory).rows.push(rows);
    }

    /// What the layers below said about the text.
    pub(super) fn facts(&self) -> SourceFacts {
        own(&self.shared.supply).source.take_facts()
    }
}

/// Says that a reader is gone, should it panic: else everybody would wait for its piece.
struct Alive(Sender<Message>);

impl Drop for Alive {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Message::Died);
        }
    }
}

/// One reader: keeps its names and layouts from piece to piece.
struct Reader {
    number: usize,
    most_names: usize,
    lane: Lane<'static>,
    told: Told,
}

impl Reader {
    fn new(number: usize, most_names: usize) -> Self {
        Self { number, most_names, lane: Lane::default(), told: Told::default() }
    }

    fn read(&mut self, Piece { number, text, offset }: Piece, rows: Rows) -> Read {
        let Self { lane, told, .. } = self;
        if lane.builder.ids.names.len() >= self.most_names {
            lane.builder.forget();
            *told = Told::forgotten();
        }
        lane.builder.rows = rows;
        lane.damage = Damage::default();
        let mut before = Before::Comma;
        let length = text.text().len();
        let (consumed, pause) = lane.run(text.text(), offset, &mut before, Some(length));
        let found = Found {
            reader: self.number,
            news: lane.builder.ids.news(told),
            rows: std::mem::take(&mut lane.builder.rows),
            damage: lane.damage,
        };
        Read { number, text, consumed, pause, before, found }
    }
}

/// A reader on a thread.
fn work(mut reader: Reader, shared: &Shared<'_>, messages: Sender<Message>) {
    let alive = Alive(messages);
    while let Some((piece, rows)) = shared.next_piece(&alive.0) {
        if alive.0.send(Message::Read(Box::new(reader.read(piece, rows)))).is_err() {
            return;
        }
    }
}
