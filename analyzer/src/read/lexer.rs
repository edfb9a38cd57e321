//! The strict scanner: finds where a JSON value ends, without looking at what it means.
//!
//! Everything here works on a slice that may end anywhere, and gives up with [`Stop::NeedMore`] rather than guess. Text
//! that is not strict JSON is [`Stop::Broken`]: the repair path (`repair`) takes over, so this path never has to be
//! lenient and stays fast. No recursion: nesting is a bit stack.

use super::lists::plain_list_end;

/// Why a scan ended before the end of its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The slice ended inside the value.
    NeedMore,
    /// The text is not strict JSON here.
    Broken,
}

/// How deep containers may nest (R18).
pub(super) const DEPTH_LIMIT: usize = 512;

/// The first position at or after `at` that is not white space.
#[inline]
pub(super) fn skip_blank(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The byte at `at`.
#[inline]
pub(super) fn byte(text: &[u8], at: usize) -> Result<u8, Stop> {
    text.get(at).copied().ok_or(Stop::NeedMore)
}

/// What strings that were passed have beyond plain ASCII. A byte counts that was in the eight bytes of a step, if behind
/// the string's end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beyond {
    bytes: u64,
    /// A backslash.
    pub(super) escapes: bool,
}

impl Beyond {
    /// Whether nothing but ASCII was passed, for sure.
    pub(super) const fn is_ascii(self) -> bool {
        self.bytes & HIGHS == 0
    }

    /// What was passed is for somebody else to look at.
    pub(super) const fn set(&mut self) {
        self.bytes = HIGHS;
        self.escapes = true;
    }
}

/// The position just behind the string whose opening quote is at `at`: eight bytes a step to the first quote, backslash
/// or control character.
#[inline]
pub(super) fn skip_string(text: &[u8], at: usize, beyond: &mut Beyond) -> Result<usize, Stop> {
    let mut at = at + 1;
    loop {
        at = match text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            Some(chunk) => {
                let word = u64::from_le_bytes(*chunk);
                beyond.bytes |= word;
                match special(word) {
                    8 => {
                        at += 8;
                        continue;
                    }
                    found => at + found,
                }
            }
            None => {
                beyond.set();
                return skip_string_end(text, at);
            }
        };
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => {
                beyond.escapes = true;
                at = skip_escape(text, at)?;
            }
            _ => return Err(Stop::Broken), // a raw control character
        }
    }
}

/// The same within the last seven bytes of the text.
#[cold]
fn skip_string_end(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match byte(text, at)? {
            b'"' => return Ok(at + 1),
            b'\\' => at = skip_escape(text, at)?,
            0..0x20 => return Err(Stop::Broken),
            _ => at += 1,
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The position of the first quote, backslash or control character among eight bytes; 8 for none.
#[inline]
const fn special(word: u64) -> usize {
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    // The classic "has a zero byte" and "has a byte below n": exact for the lowest hit, which is the one we take.
    let hits = ((quote.wrapping_sub(ONES) & !quote)
        | (slash.wrapping_sub(ONES) & !slash)
        | (word.wrapping_sub(ONES * 0x20) & !word))
        & HIGHS;
    (hits.trailing_zeros() / 8) as usize
}

/// The position behind the escape at `at`; a surrogate counts with its partner.
fn skip_escape(text: &[u8], at: usize) -> Result<usize, Stop> {
    match byte(text, at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => match hex4(text, at + 2)? {
            0xd800..0xdc00 => {
                if byte(text, at + 6)? != b'\\' || byte(text, at + 7)? != b'u' {
                    return Err(Stop::Broken);
                }
                match hex4(text, at + 8)? {
                    0xdc00..0xe000 => Ok(at + 12),
                    _ => Err(Stop::Broken),
                }
            }
            0xdc00..0xe000 => Err(Stop::Broken),
            _ => Ok(at + 6),
        },
        _ => Err(Stop::Broken),
    }
}

/// Four hexadecimal digits at `at`.
pub(super) fn hex4(text: &[u8], at: usize) -> Result<u32, Stop> {
    let mut value = 0;
    for position in at..at + 4 {
        let digit = char::from(byte(text, position)?).to_digit(16).ok_or(Stop::Broken)?;
        value = value * 16 + digit;
    }
    Ok(value)
}

/// The position just behind the value that starts at `at` (no white space before it).
#[inline]
pub(super) fn skip_value(text: &[u8], at: usize, beyond: &mut Beyond) -> Result<usize, Stop> {
    match byte(text, at)? {
        b'"' => skip_string(text, at, beyond),
        b'[' if let Some(end) = plain_list_end(text, at) => Ok(end),
        b'{' | b'[' => skip_container(text, at, beyond),
        b'-' | b'0'..=b'9' => skip_number(text, at),
        b't' => skip_word(text, at, b"true"),
        b'f' => skip_word(text, at, b"false"),
        b'n' => skip_word(text, at, b"null"),
        _ => Err(Stop::Broken),
    }
}

/// What eight bytes are as digits, a byte each, and the high bits of those that are none.
#[inline]
pub(super) const fn digits(word: u64) -> (u64, u64) {
    // Digits become 0 to 9; of what is not, adding sets the high bit, where it was not set before.
    let values = word ^ (ONES * b'0' as u64);
    (values, (((values & !HIGHS) + ONES * (0x80 - 10)) | values) & HIGHS)
}

/// The first position at or after `at` that is no digit: eight bytes a step.
#[inline]
fn skip_digits(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let (_, others) = digits(u64::from_le_bytes(*chunk));
        if others != 0 {
            return at + (others.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while matches!(text.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    at
}

/// The position behind the number at `at`. A number needs a byte behind it: at the end of the slice it may go on.
#[inline]
pub(super) fn skip_number(text: &[u8], at: usize) -> Result<usize, Stop> {
    let digits = |at: usize| skip_digits(text, at);
    let first = at + usize::from(byte(text, at)? == b'-');
    let mut end = digits(first);
    if end == first {
        return Err(if end < text.len() { Stop::Broken } else { Stop::NeedMore });
    }
    if end - first > 1 && text.get(first) == Some(&b'0') {
        return Err(Stop::Broken);
    }
    if byte(text, end)? == b'.' {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return Err(if end < text.len() { Stop::Broken } else { Stop::NeedMore });
        }
    }
    if matches!(byte(text, end)?, b'e' | b'E') {
        let exponent = end + 1 + usize::from(matches!(byte(text, end + 1)?, b'+' | b'-'));
        end = digits(exponent);
        if end == exponent {
            return Err(if end < text.len() { Stop::Broken } else { Stop::NeedMore });
        }
    }
    byte(text, end)?;
    Ok(end)
}

fn skip_word(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Stop> {
    for (position, &expected) in word.iter().enumerate() {
        if byte(text, at + position)? != expected {
            return Err(Stop::Broken);
        }
    }
    Ok(at + word.len())
}

/// What a byte between tokens can be.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    /// White space, separators and the characters of numbers.
    Plain,
    Quote,
    OpenObject,
    OpenArray,
    CloseObject,
    CloseArray,
    /// The first letter of a literal, or of something that is not JSON.
    Letter,
    /// Never outside of a string.
    Foreign,
}

const CLASSES: [Class; 256] = {
    let known: [(&[u8], Class); 7] = [
        (b" \t\r\n,:0123456789+-.eE", Class::Plain),
        (b"\"", Class::Quote),
        (b"{", Class::OpenObject),
        (b"[", Class::OpenArray),
        (b"}", Class::CloseObject),
        (b"]", Class::CloseArray),
        (b"tfn", Class::Letter),
    ];
    let mut classes = [Class::Foreign; 256];
    let mut at = 0;
    while at < known.len() {
        let (mut bytes, class) = known[at];
        while let [byte, others @ ..] = bytes {
            classes[*byte as usize] = class;
            bytes = others;
        }
        at += 1;
    }
    classes
};

/// The position behind the container at `at`. Brackets must match and strings must be strict; separators are not
/// checked (TRACE-FORMAT 6.1: what is not used need not be noticed), bare words are (R15 holds for the whole text).
fn skip_container(text: &[u8], mut at: usize, beyond: &mut Beyond) -> Result<usize, Stop> {
    let mut objects = [0u64; DEPTH_LIMIT / 64];
    let mut depth = 0usize;
    loop {
        match CLASSES[usize::from(byte(text, at)?)] {
            Class::Plain => at += 1,
            Class::Quote => at = skip_string(text, at, beyond)?,
            class @ (Class::OpenObject | Class::OpenArray) => {
                let word = objects.get_mut(depth / 64).ok_or(Stop::Broken)?;
                let bit = 1 << (depth % 64);
                if class == Class::OpenObject {
                    *word |= bit
                } else {
                    *word &= !bit
                }
                depth += 1;
                at += 1;
            }
            class @ (Class::CloseObject | Class::CloseArray) => {
                depth = depth.checked_sub(1).ok_or(Stop::Broken)?;
                let is_object = objects.get(depth / 64).is_some_and(|word| word >> (depth % 64) & 1 == 1);
                if is_object != (class == Class::CloseObject) {
                    return Err(Stop::Broken);
                }
                at += 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            Class::Letter => {
                at = match byte(text, at)? {
                    b't' => skip_word(text, at, b"true")?,
                    b'f' => skip_word(text, at, b"false")?,
                    _ => skip_word(text, at, b"null")?,
                }
            }
            Class::Foreign => return Err(Stop::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_needs_more_and_the_whole_is_found() {
        let value =
            br#"{"a": [1, -2.5e+3, "x\"\u00e9\ud83d\ude00", {"b": null}], "c": true, "d": "0123456789abcdef"} "#;
        let end = value.len() - 1;
        assert_eq!(skip_value(value, 0, &mut Beyond::default()), Ok(end));
        for cut in 0..end {
            assert_eq!(skip_value(&value[..cut], 0, &mut Beyond::default()), Err(Stop::NeedMore), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_strict_is_broken() {
        for text in [
            "{\"a\": NaN} ",
            "[1, inf] ",
            "\"a\nb\" ",
            "\"\\x\" ",
            "\"\\ud800x\" ",
            "[1} ",
            "01 ",
            "1. ",
            "- ",
            "nul, ",
        ] {
            assert_eq!(skip_value(text.as_bytes(), 0, &mut Beyond::default()), Err(Stop::Broken), "{text:?}");
        }
    }

    #[test]
    fn the_depth_limit_is_exact() {
        let nested = |depth: usize| format!("{}{} ", "[".repeat(depth), "]".repeat(depth));
        assert!(skip_value(nested(DEPTH_LIMIT).as_bytes(), 0, &mut Beyond::default()).is_ok());
        assert_eq!(skip_value(nested(DEPTH_LIMIT + 1).as_bytes(), 0, &mut Beyond::default()), Err(Stop::Broken));
    }

    #[test]
    fn the_end_of_a_string_is_found_at_every_offset() {
        for length in 0..40 {
            let text = |end: u8| [b"\"", "x".repeat(length).as_bytes(), &[end], b"         "].concat();
            assert_eq!(skip_string(&text(b'"'), 0, &mut Beyond::default()), Ok(length + 2));
            assert_eq!(skip_string(&text(0x1f), 0, &mut Beyond::default()), Err(Stop::Broken));
            assert_eq!(
                skip_string(&text(0x80), 0, &mut Beyond::default()),
                Err(Stop::NeedMore),
                "UTF-8 bytes are content"
            );
        }
    }
}
