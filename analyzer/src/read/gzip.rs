//! Gzip, member by member: what is whole is kept, what is wrong with the rest is a fact, not a failure (R2-R4).
//!
//! The header and trailer are read here rather than by flate2's readers, because those turn a short file, a wrong
//! checksum and bytes behind the last member into the same kind of error, and lose what they had.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::io::Read;

/// What was wrong with the gzip layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct GzipFacts {
    /// The data ended inside a member, or could not be inflated further.
    pub(super) truncated: bool,
    /// A checksum or a length did not match.
    pub(super) mismatch: bool,
    /// Bytes behind the last member.
    pub(super) trailing_bytes: u64,
    /// It inflates beyond 200:1: stopped.
    pub(super) bomb: bool,
}

/// Output beyond which the ratio is watched, and the ratio (TRACE-FORMAT 6).
const BOMB_WATCH_BYTES: u64 = 64 << 20;
const BOMB_RATIO: u64 = 200;
const INPUT_BYTES: usize = 128 << 10;

enum State {
    Header,
    Body,
    Trailer,
    Done,
}

/// Inflates a stream of gzip members.
pub(super) struct Gunzip<R> {
    source: R,
    input: Box<[u8]>,
    from: usize,
    filled: usize,
    source_ended: bool,
    state: State,
    inflate: Decompress,
    crc: Crc,
    members: u64,
    bytes_in: u64,
    bytes_out: u64,
    facts: GzipFacts,
}

impl<R: Read> Gunzip<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            from: 0,
            filled: 0,
            source_ended: false,
            state: State::Header,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            members: 0,
            bytes_in: 0,
            bytes_out: 0,
            facts: GzipFacts::default(),
        }
    }

    /// What was found; complete once `fill` has written nothing.
    pub(super) fn facts(&self) -> GzipFacts {
        self.facts
    }

    /// Inflates into `out` until it is full or the data end; `written` says how much of it.
    pub(super) fn fill(&mut self, out: &mut [u8], written: &mut usize) -> std::io::Result<()> {
        while *written < out.len() {
            match self.state {
                State::Header => self.read_header()?,
                State::Body => *written += self.inflate_some(out.get_mut(*written..).unwrap_or_default())?,
                State::Trailer => self.check_trailer()?,
                State::Done => break,
            }
        }
        Ok(())
    }

    fn pending(&self) -> &[u8] {
        self.input.get(self.from..self.filled).unwrap_or_default()
    }

    /// Makes at least `want` bytes pending unless the source ends; returns how many there are.
    fn ensure(&mut self, want: usize) -> std::io::Result<usize> {
        while self.filled - self.from < want && !self.source_ended {
            if self.from > 0 {
                self.input.copy_within(self.from..self.filled, 0);
                self.filled -= self.from;
                self.from = 0;
            }
            let Some(space) = self.input.get_mut(self.filled..).filter(|space| !space.is_empty()) else { break };
            match self.source.read(space) {
                Ok(0) => self.source_ended = true,
                Ok(count) => {
                    self.filled += count;
                    self.bytes_in += crate::units::count(count);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.filled - self.from)
    }

    fn read_header(&mut self) -> std::io::Result<()> {
        self.ensure(INPUT_BYTES / 2)?;
        match header_length(self.pending()) {
            Header::Complete(length) => {
                self.from += length;
                self.inflate.reset(false);
                self.crc.reset();
                self.state = State::Body;
            }
            Header::Foreign if self.members > 0 => self.drain_trailing()?,
            Header::Short | Header::Foreign => self.give_up(),
        }
        Ok(())
    }

    /// Counts whatever stands behind the last member, padding too.
    fn drain_trailing(&mut self) -> std::io::Result<()> {
        let mut trailing = 0u64;
        while self.ensure(1)? > 0 {
            trailing += crate::units::count(self.filled - self.from);
            self.from = self.filled;
        }
        self.facts.trailing_bytes = trailing;
        self.state = State::Done;
        Ok(())
    }

    fn inflate_some(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.ensure(1)?;
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let flush = if available == 0 { FlushDecompress::Finish } else { FlushDecompress::None };
        let input = self.input.get(self.from..self.filled).unwrap_or_default();
        let outcome = self.inflate.decompress(input, out, flush);
        let consumed = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(0);
        let produced = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(0);
        self.from += consumed;
        self.bytes_out += crate::units::count(produced);
        self.crc.update(out.get(..produced).unwrap_or_default());
        match outcome {
            Ok(Status::StreamEnd) => self.state = State::Trailer,
            Ok(_) if produced == 0 && consumed == 0 && available == 0 => self.give_up(),
            Ok(_) => {}
            Err(_) => self.give_up(),
        }
        if self.bytes_out > BOMB_WATCH_BYTES && self.bytes_out / BOMB_RATIO > self.bytes_in {
            self.facts.bomb = true;
            self.state = State::Done;
        }
        Ok(produced)
    }

    fn give_up(&mut self) {
        self.facts.truncated = true;
        self.state = State::Done;
    }

    fn check_trailer(&mut self) -> std::io::Result<()> {
        if self.ensure(8)? < 8 {
            self.give_up();
            return Ok(());
        }
        let expected = (self.crc.sum(), self.crc.amount());
        if let Some(trailer) = self.pending().first_chunk::<8>() {
            let [a, b, c, d, e, f, g, h] = *trailer;
            self.facts.mismatch |= (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])) != expected;
        }
        self.from += 8;
        self.members += 1;
        // Empty input behind a member is the end; anything else is looked at as the next member's header.
        self.state = if self.ensure(1)? == 0 { State::Done } else { State::Header };
        Ok(())
    }
}

enum Header {
    Complete(usize),
    Short,
    Foreign,
}

/// The length of the gzip member header at the start of `bytes` (RFC 1952, section 2.3).
fn header_length(bytes: &[u8]) -> Header {
    let [0x1f, 0x8b, method, flags, _, _, _, _, _, _, ..] = *bytes else {
        let is_start = bytes.iter().zip([0x1f, 0x8b]).all(|(have, want)| *have == want);
        return if is_start && bytes.len() < 10 { Header::Short } else { Header::Foreign };
    };
    if method != 8 || flags & 0xe0 != 0 {
        return Header::Foreign;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let Some(&[low, high]) = bytes.get(at..at + 2).and_then(<[u8]>::first_chunk::<2>) else { return Header::Short };
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = bytes.get(at..).and_then(|rest| memchr::memchr(0, rest)) else { return Header::Short };
            at += end + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    if at <= bytes.len() { Header::Complete(at) } else { Header::Short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::GzBuilder::new().filename("t.json").write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(bytes: &[u8], block: usize) -> (Vec<u8>, GzipFacts) {
        let mut gunzip = Gunzip::new(bytes);
        let (mut all, mut out) = (Vec::new(), vec![0; block]);
        loop {
            let mut count = 0;
            gunzip.fill(&mut out, &mut count).unwrap();
            if count == 0 {
                return (all, gunzip.facts());
            }
            all.extend_from_slice(&out[..count]);
        }
    }

    #[test]
    fn members_are_one_stream_in_any_block_size() {
        let bytes = [member(b"hello "), member(b""), member(b"world")].concat();
        for block in [1, 3, 64] {
            assert_eq!(inflate(&bytes, block), (b"hello world".to_vec(), GzipFacts::default()));
        }
    }

    #[test]
    fn every_cut_keeps_a_prefix() {
        let text: Vec<u8> = (0..2_000u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let bytes = member(&text);
        for cut in 1..bytes.len() {
            let (kept, facts) = inflate(&bytes[..cut], 100);
            assert!(text.starts_with(&kept) && facts.truncated, "cut at {cut}");
        }
    }

    #[test]
    fn whatever_stands_behind_is_counted() {
        let garbage = [member(b"x"), b"not gzip".to_vec()].concat();
        assert_eq!(inflate(&garbage, 10).1, GzipFacts { trailing_bytes: 8, ..GzipFacts::default() });
        let padded = [member(b"x"), vec![0; 512]].concat();
        assert_eq!(inflate(&padded, 10).1, GzipFacts { trailing_bytes: 512, ..GzipFacts::default() });
    }

    #[test]
    fn a_wrong_checksum_keeps_the_text() {
        let mut bytes = member(b"text");
        let at = bytes.len() - 8;
        bytes[at] ^= 1;
        assert_eq!(inflate(&bytes, 10), (b"text".to_vec(), GzipFacts { mismatch: true, ..GzipFacts::default() }));
    }
}
