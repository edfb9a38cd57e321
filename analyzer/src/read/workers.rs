//! Threads that read pieces of the text at the same time.
//!
//! ```text
//!                   jobs (whoever is free)             messages
//! window (cuts) ──────────────────────────> workers ──────────────> window (puts in order) -> document (appends)
//!        ^                                                             ^
//!        └───────────────────────── blocks ──── source ────────────────┘
//! ```
//! Nobody waits for all others: a piece is cut off as soon as its text is there, and its rows are taken over as soon as
//! those before it are. A worker keeps its names and key orders from piece to piece.

use super::document::Damage;
use super::lane::{Before, Lane, Pause};
use super::rows::{News, Rows, Told};
use super::source::{Block, Message};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

/// A piece to be read. It seems to start with an event behind a comma, and to end where the next such starts.
pub(super) struct Job {
    /// Where it stands among the pieces.
    pub(super) number: u64,
    pub(super) text: Block,
    /// Offset of the piece in the whole text.
    pub(super) offset: u64,
    /// Empty, with the memory of rows that were appended.
    pub(super) rows: Rows,
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
    pub(super) worker: usize,
    pub(super) news: News,
    pub(super) rows: Rows,
    pub(super) damage: Damage,
}

/// The workers, as who hands out pieces sees them. They end when it is dropped.
pub(super) struct Workers {
    jobs: Sender<Job>,
    pub(super) count: usize,
}

impl Workers {
    /// Starts `count` workers that answer through `messages`.
    pub(super) fn start<'scope>(count: usize, messages: &Sender<Message>, scope: &'scope Scope<'scope, '_>) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        // Where the system gives fewer threads there are fewer workers; without any, the document reads alone.
        let started = (0..count).take_while(|&number| {
            let (queue, messages) = (Arc::clone(&queue), messages.clone());
            let thread = std::thread::Builder::new().name(format!("reader {number}"));
            thread.spawn_scoped(scope, move || work(number, &queue, messages)).is_ok()
        });
        let count = started.count();
        Self { jobs, count }
    }

    pub(super) fn give(&self, job: Job) {
        let _ = self.jobs.send(job); // they listen as long as this is alive
    }
}

/// Says that a worker is gone, should it panic: else everybody would wait for its piece.
struct Alive(Sender<Message>);

impl Drop for Alive {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Message::Died);
        }
    }
}

fn work(worker: usize, queue: &Mutex<Receiver<Job>>, messages: Sender<Message>) {
    let alive = Alive(messages);
    let mut lane = Lane::default();
    let mut told = Told::default();
    while let Ok(job) = queue.lock().map_or_else(|_| Err(std::sync::mpsc::RecvError), |queue| queue.recv()) {
        let Job { number, text, offset, rows } = job;
        lane.builder.rows = rows;
        lane.damage = Damage::default();
        let mut before = Before::Comma;
        let length = text.text().len();
        let (consumed, pause) = lane.run(text.text(), offset, &mut before, Some(length));
        let found = Found {
            worker,
            news: lane.builder.ids.news(&mut told),
            rows: std::mem::take(&mut lane.builder.rows),
            damage: lane.damage,
        };
        let read = Read { number, text, consumed, pause, before, found };
        if alive.0.send(Message::Read(Box::new(read))).is_err() {
            return;
        }
    }
}
