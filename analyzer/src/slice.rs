//! A part of a trace, as a smaller trace: the text of the kept events, byte by byte, between the file's own metadata.
//!
//! ```text
//! elements of the text (read::visit) ──> kept? (analysis::select) ──> the same text, with commas between
//! ```
//! An event is kept where the analyses would count it for the part that is asked for: by its start on the host, by its
//! launch on a device. The names of processes and threads are kept, and Python frames that reach into the part, so that
//! stacks stay whole. An arrow is kept with both ends or not at all. What is not strict JSON where the reader did not look
//! (in arguments that no analysis uses) is left out: other tools would stop there.

use crate::analysis::select::Kept;
use crate::read::{FlowId, RawEvent, Role, Visit};
use hashbrown::HashMap;
use serde::de::IgnoredAny;
use std::io::{self, Write};

/// Writes the kept part of a trace while its elements are visited.
pub struct Slice<'k, W: Write> {
    kept: &'k Kept,
    out: W,
    /// The first thing that went wrong with `out`; nothing is written from then on.
    problem: Option<io::Error>,
    /// What is open, and whether something stands in it.
    open: Vec<(Bracket, bool)>,
    /// Arrows of which it is not known yet whether both ends are kept.
    arrows: Arrows,
    counts: Counts,
}

/// What became of the elements that are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Events that were written.
    pub events: u64,
    /// Events and metadata that were left out, because they are not strict JSON.
    pub left_out: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bracket {
    Object,
    Array,
}

/// The kept ends of arrows, in the order of the text.
#[derive(Default)]
struct Arrows {
    of: HashMap<FlowId<'static>, usize>,
    /// The ends of each arrow, as text, and which phases there are.
    ends: Vec<(Vec<Vec<u8>>, Vec<u8>)>,
}

impl Arrows {
    fn add(&mut self, id: FlowId<'_>, phase: u8, text: &[u8]) {
        let next = self.ends.len();
        let index = *self.of.entry(id.into_owned()).or_insert(next);
        if index == next {
            self.ends.push(Default::default());
        }
        if let Some((texts, phases)) = self.ends.get_mut(index) {
            texts.push(text.to_vec());
            phases.push(phase);
        }
    }

    /// The ends of those that start and end in the part.
    fn take_whole(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        self.of.clear();
        let all = std::mem::take(&mut self.ends).into_iter();
        all.filter(|(_, phases)| phases.contains(&b's') && phases.contains(&b'f')).flat_map(|(texts, _)| texts)
    }
}

impl<'k, W: Write> Slice<'k, W> {
    /// Writes what `kept` keeps to `out`.
    pub fn new(kept: &'k Kept, out: W) -> Self {
        Self { kept, out, problem: None, open: Vec::new(), arrows: Arrows::default(), counts: Counts::default() }
    }

    /// Closes what is open; gives back where it was written to, and what became of the elements.
    ///
    /// # Errors
    /// What went wrong with writing, at any time.
    pub fn finish(mut self) -> io::Result<(W, Counts)> {
        self.close_down_to(0);
        self.write(b"\n");
        self.problem.map_or(Ok((self.out, self.counts)), Err)
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.problem.is_none() {
            self.problem = self.out.write_all(bytes).err();
        }
    }

    fn begin(&mut self, bracket: Bracket) {
        self.write(if bracket == Bracket::Object { b"{" } else { b"[" });
        self.open.push((bracket, false));
    }

    fn close_down_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            let bracket = self.open.pop().map(|(bracket, _)| bracket);
            self.write(if bracket == Some(Bracket::Object) { b"\n}" } else { b"\n]" });
        }
    }

    /// Puts what separates the next element from the one before.
    fn next_element(&mut self) {
        let comes_first = self.open.last_mut().is_some_and(|(_, is_begun)| !std::mem::replace(is_begun, true));
        self.write(if comes_first { b"\n" } else { b",\n" });
    }

    fn key(&mut self, key: &str) {
        if self.open.is_empty() {
            self.begin(Bracket::Object);
        }
        self.next_element();
        let quoted = serde_json::to_string(key).unwrap_or_default(); // text has no other form
        self.write(quoted.as_bytes());
        self.write(b": ");
    }

    fn element(&mut self, text: &[u8]) {
        if self.is_sound(text) {
            self.next_element();
            self.write(text);
            self.counts.events += 1;
        }
    }

    fn is_sound(&mut self, text: &[u8]) -> bool {
        let is_sound = serde_json::from_slice::<IgnoredAny>(text).is_ok();
        self.counts.left_out += u64::from(!is_sound);
        is_sound
    }
}

impl<W: Write> Visit for Slice<'_, W> {
    fn member(&mut self, key: &str, value: &[u8]) {
        if self.is_sound(value) {
            self.key(key);
            self.write(value);
        }
    }

    fn events(&mut self, is_root: bool) {
        if !is_root {
            self.key("traceEvents");
        }
        self.begin(Bracket::Array);
    }

    fn event(&mut self, event: &RawEvent<'_>) {
        let is_kept = match event.role() {
            Role::Metadata => true,
            Role::Host { start } => self.kept.holds(start),
            Role::Python { start, end } => self.kept.touches(start, end),
            Role::Device { start, correlation } => self.kept.holds_device(start, correlation),
            Role::Flow { start, id, phase } => match id.correlation().and_then(|id| self.kept.launched(id)) {
                Some(is_kept) => is_kept,
                None => {
                    if self.kept.holds(start) {
                        self.arrows.add(id, phase, event.text());
                    }
                    false
                }
            },
            Role::Unplaced => false,
        };
        if is_kept {
            self.element(event.text());
        }
    }

    fn events_ended(&mut self) {
        for arrow in self.arrows.take_whole() {
            self.element(&arrow);
        }
        let depth = self.open.len().saturating_sub(1);
        self.close_down_to(depth);
    }
}
