//! Where reading goes on behind damage: at the next event, or at the end of their list.
//!
//! What is a landmark depends on the text alone: where the text that is there ends too early to tell, more is asked for.

use super::event::FIRST_KEYS;
use super::lexer::skip_blank;

/// Keys of the root object that profilers write behind `traceEvents`. (Any other may be one of an event's arguments, in a
/// file that was written anew with a line for each.)
const BEHIND_EVENTS: [&[u8]; 19] = [
    b"\"traceName\"",
    b"\"displayTimeUnit\"",
    b"\"baseTimeNanoseconds\"",
    b"\"deviceProperties\"",
    b"\"distributedInfo\"",
    b"\"schemaVersion\"",
    b"\"record_shapes\"",
    b"\"with_stack\"",
    b"\"with_flops\"",
    b"\"with_modules\"",
    b"\"profile_memory\"",
    b"\"trace_id\"",
    b"\"cupti_version\"",
    b"\"cuda_runtime_version\"",
    b"\"cuda_driver_version\"",
    b"\"INFO\"",
    b"\"WARNING\"",
    b"\"ERROR\"",
    b"\"metadata\"",
];

/// Whether something stands at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Yes,
    No,
    /// The text that is there ends too early to tell.
    NeedMore,
}

/// More blanks than this before a landmark are too many to look for what stands before them.
const MOST_BLANKS: usize = 64 << 10;

/// The text ends before a landmark can be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Undecided {
    /// What stands before it is needed no more.
    pub(super) keep_from: usize,
    /// Nothing before it is a landmark.
    pub(super) search_from: usize,
}

/// The first landmark in `text` at `from` or behind it. `is_all` where no text comes behind.
pub(super) fn first(text: &[u8], from: usize, is_all: bool) -> Result<usize, Undecided> {
    // What stands before a landmark says whether it is one.
    let undecided = |at: usize| {
        let before = text.get(..at).unwrap_or_default().trim_ascii_end().len().saturating_sub(1);
        Err(Undecided { keep_from: before.max(at.saturating_sub(MOST_BLANKS)), search_from: at })
    };
    for at in memchr::memchr2_iter(b'{', b']', text.get(from..).unwrap_or_default()).map(|found| from + found) {
        let verdict = if text.get(at) == Some(&b'{') { start_at(text, at) } else { end_at(text, at) };
        match verdict {
            Verdict::Yes => return Ok(at),
            Verdict::NeedMore if !is_all => return undecided(at),
            Verdict::NeedMore if is_last(text, at) => return Ok(at),
            Verdict::No | Verdict::NeedMore => {}
        }
    }
    undecided(text.len())
}

/// The closing bracket of `traceEvents` in the text up to `before`; what stands behind may be looked at, and is all there.
pub(super) fn end_before(text: &[u8], before: usize) -> Option<usize> {
    let mut brackets = memchr::memchr_iter(b']', text.get(..before).unwrap_or(text));
    brackets.find(|&at| end_at(text, at) == Verdict::Yes || is_last(text, at))
}

/// Whether an event starts here: whatever stands before it, if it is no value of a member.
fn start_at(text: &[u8], at: usize) -> Verdict {
    let before = text.get(..at).unwrap_or_default().trim_ascii_end().last();
    if before == Some(&b':') { Verdict::No } else { key_at(text, at + 1, &FIRST_KEYS) }
}

/// Whether the list of events ends here, on a line of its own with a key of the root object behind it; or with the root
/// object, where that ends the text.
fn end_at(text: &[u8], at: usize) -> Verdict {
    let behind = skip_blank(text, at + 1);
    match text.get(behind) {
        None => Verdict::NeedMore,
        Some(b',') if starts_line(text, at) => key_at(text, behind + 1, &BEHIND_EVENTS),
        Some(_) if is_last(text, at) => Verdict::NeedMore,
        Some(_) => Verdict::No,
    }
}

/// Whether the root object ends behind the bracket, and the text with it.
fn is_last(text: &[u8], at: usize) -> bool {
    if text.get(at) != Some(&b']') {
        return false;
    }
    let behind = skip_blank(text, at + 1);
    text.get(behind) == Some(&b'}') && skip_blank(text, behind + 1) == text.len()
}

/// Whether nothing but spaces stands before it on its line.
fn starts_line(text: &[u8], at: usize) -> bool {
    text.get(..at).unwrap_or_default().iter().rev().find(|byte| **byte != b' ') == Some(&b'\n')
}

/// Whether one of `keys` follows.
fn key_at(text: &[u8], at: usize, keys: &[&[u8]]) -> Verdict {
    let key = text.get(skip_blank(text, at)..).unwrap_or_default();
    if keys.iter().any(|first| key.starts_with(first)) {
        Verdict::Yes
    } else if keys.iter().any(|first| first.starts_with(key)) {
        Verdict::NeedMore
    } else {
        Verdict::No
    }
}
