//! The lenient path: rewrites one damaged value as strict JSON, so that everything behind it reads only strict JSON.
//!
//! It sees a slice that holds the whole damaged value: the caller bounds it by the next place where an event starts (or
//! the end of the text), so a repair can never swallow its neighbours and the whole pass stays linear. What it cannot
//! make sense of is given up, and only that event is lost (R11-R18).

use super::lexer::{DEPTH_LIMIT, hex4, skip_blank, skip_number};

/// How often each kind of repair was needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Repairs {
    pub(super) utf8: u64,
    pub(super) control: u64,
    pub(super) escape: u64,
    pub(super) quote: u64,
    pub(super) non_finite: u64,
    pub(super) comma: u64,
}

/// Why a value could not be repaired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lost {
    /// It makes no sense, or does not end inside the slice.
    Unreadable,
    /// It nests too deeply; it ends at this position.
    TooDeep(usize),
}

/// What the value itself is: its end depends on that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outer {
    /// An element; nothing behind it is looked at.
    None,
    /// The key of a member of an object.
    Key,
    /// The value of a member of an object.
    Member,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    Key,
    Separator,
}

struct Repairer<'t, 'o> {
    text: &'t [u8],
    at: usize,
    out: &'o mut Vec<u8>,
    outer: Outer,
    /// The open containers: `true` for an object.
    open: Vec<bool>,
    /// Whether a comma has to be written before the next element of the innermost container.
    pending_comma: bool,
    /// Whether a comma was read and no element since.
    after_comma: bool,
    too_deep: bool,
    repairs: Repairs,
}

/// Writes the value at the start of `text` to `out` as strict JSON. Returns how long it is in `text`, and the repairs.
pub(super) fn repair(text: &[u8], outer: Outer, out: &mut Vec<u8>) -> Result<(usize, Repairs), Lost> {
    out.clear();
    let mut repairer = Repairer {
        text,
        at: 0,
        out,
        outer,
        open: Vec::new(),
        pending_comma: false,
        after_comma: false,
        too_deep: false,
        repairs: Repairs::default(),
    };
    if outer == Outer::Key {
        repairer.string(true)?;
        return Ok((repairer.at, repairer.repairs));
    }
    let mut expect = Expect::Value;
    while expect != Expect::Separator || !repairer.open.is_empty() {
        repairer.at = skip_blank(text, repairer.at);
        expect = match expect {
            Expect::Value => repairer.value()?,
            Expect::Key => repairer.key()?,
            Expect::Separator => repairer.separator()?,
        };
    }
    if repairer.too_deep { Err(Lost::TooDeep(repairer.at)) } else { Ok((repairer.at, repairer.repairs)) }
}

impl Repairer<'_, '_> {
    fn byte(&self) -> Result<u8, Lost> {
        self.text.get(self.at).copied().ok_or(Lost::Unreadable)
    }

    fn in_object(&self) -> Option<bool> {
        self.open.last().copied().or((self.outer == Outer::Member).then_some(true))
    }

    fn begin_element(&mut self) {
        if self.pending_comma {
            self.out.push(b',');
        }
        self.pending_comma = false;
        self.after_comma = false;
    }

    fn value(&mut self) -> Result<Expect, Lost> {
        match self.byte()? {
            bracket @ (b'{' | b'[') => {
                self.begin_element();
                self.out.push(bracket);
                self.open.push(bracket == b'{');
                self.too_deep |= self.open.len() > DEPTH_LIMIT;
                self.at += 1;
                Ok(if bracket == b'{' { Expect::Key } else { Expect::Value })
            }
            b'"' => {
                self.begin_element();
                self.string(false)?;
                self.pending_comma = true;
                Ok(Expect::Separator)
            }
            b',' if self.in_object() == Some(false) => {
                self.repairs.comma += 1;
                self.at += 1;
                Ok(Expect::Value)
            }
            b']' if self.in_object() == Some(false) => Ok(self.close(b']')),
            _ => {
                self.begin_element();
                self.word()?;
                self.pending_comma = true;
                Ok(Expect::Separator)
            }
        }
    }

    fn key(&mut self) -> Result<Expect, Lost> {
        match self.byte()? {
            b'"' => {
                self.begin_element();
                self.string(true)?;
                self.at = skip_blank(self.text, self.at);
                if self.byte()? != b':' {
                    return Err(Lost::Unreadable);
                }
                self.out.push(b':');
                self.at = skip_blank(self.text, self.at + 1);
                match self.byte()? {
                    b',' | b'}' | b']' => Err(Lost::Unreadable),
                    _ => Ok(Expect::Value),
                }
            }
            b',' => {
                self.repairs.comma += 1;
                self.at += 1;
                Ok(Expect::Key)
            }
            b'}' => Ok(self.close(b'}')),
            _ => Err(Lost::Unreadable),
        }
    }

    fn separator(&mut self) -> Result<Expect, Lost> {
        let in_object = self.in_object() == Some(true);
        match self.byte()? {
            b',' => {
                self.at += 1;
                self.after_comma = true;
                Ok(if in_object { Expect::Key } else { Expect::Value })
            }
            b'}' if in_object => Ok(self.close(b'}')),
            b']' if !in_object => Ok(self.close(b']')),
            _ => Err(Lost::Unreadable),
        }
    }

    fn close(&mut self, bracket: u8) -> Expect {
        self.repairs.comma += u64::from(self.after_comma);
        self.after_comma = false;
        self.out.push(bracket);
        self.open.pop();
        self.pending_comma = true;
        self.at += 1;
        Expect::Separator
    }

    /// A number, a literal, or one of the words that stand for a number that is none (R15).
    fn word(&mut self) -> Result<(), Lost> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
            .ok_or(Lost::Unreadable)?;
        let word = rest.get(..length).unwrap_or_default();
        match word {
            b"true" | b"false" | b"null" => self.out.extend_from_slice(word),
            _ if skip_number(rest, 0) == Ok(length) => self.out.extend_from_slice(word),
            // NaN, inf, N/A, None, 0x1, .5: no JSON number or literal, so no value.
            _ if word.iter().all(|byte| is_word_byte(*byte)) && self.separates(self.at + length) => {
                self.repairs.non_finite += 1;
                self.out.extend_from_slice(b"null");
            }
            _ => return Err(Lost::Unreadable),
        }
        self.at += length;
        Ok(())
    }

    /// The string at the cursor, its quotes included.
    fn string(&mut self, is_key: bool) -> Result<(), Lost> {
        self.out.push(b'"');
        self.at += 1;
        loop {
            match self.byte()? {
                b'"' if self.closes(is_key) => {
                    self.out.push(b'"');
                    self.at += 1;
                    return Ok(());
                }
                // A key without its end, or a string that swallowed the next key, would make another event of this one.
                b'"' if is_key || self.ends_a_key() => return Err(Lost::Unreadable),
                b'"' => {
                    self.out.extend_from_slice(b"\\\"");
                    self.repairs.quote += 1;
                    self.at += 1;
                }
                b'\\' => self.escape()?,
                control @ 0..0x20 => {
                    self.out.extend_from_slice(format!("\\u{control:04x}").as_bytes());
                    self.repairs.control += 1;
                    self.at += 1;
                }
                ascii @ ..0x80 => {
                    self.out.push(ascii);
                    self.at += 1;
                }
                _ => self.multibyte(),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Lost> {
        let next = self.text.get(self.at + 1).copied().ok_or(Lost::Unreadable)?;
        let hex = if next == b'u' { hex4(self.text, self.at + 2).ok() } else { None };
        let pair = hex.filter(|unit| (0xd800..0xdc00).contains(unit)).and_then(|_| {
            let partner = self.text.get(self.at + 6..self.at + 8) == Some(b"\\u");
            hex4(self.text, self.at + 8).ok().filter(|unit| partner && (0xdc00..0xe000).contains(unit))
        });
        let length = match (next, hex) {
            (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', _) => 2,
            (_, Some(_)) if pair.is_some() => 12,
            (_, Some(0xd800..0xe000)) => {
                self.repairs.utf8 += 1;
                self.out.extend_from_slice("\u{fffd}".as_bytes());
                self.at += 6;
                return Ok(());
            }
            (_, Some(_)) => 6,
            _ => {
                self.repairs.escape += 1;
                self.out.extend_from_slice(b"\\\\");
                self.at += 1;
                return Ok(());
            }
        };
        self.out.extend_from_slice(self.text.get(self.at..self.at + length).unwrap_or_default());
        self.at += length;
        Ok(())
    }

    /// One character beyond ASCII, or U+FFFD for one maximal bad sequence (R11).
    fn multibyte(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let head = rest.get(..4.min(rest.len())).unwrap_or_default();
        let (good, bad) = match std::str::from_utf8(head) {
            Ok(text) => (text.chars().next().map_or(1, char::len_utf8), 0),
            Err(error) if error.valid_up_to() > 0 => {
                let valid = head.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(valid).ok().and_then(|text| text.chars().next()).map_or(1, char::len_utf8), 0)
            }
            Err(error) => (0, error.error_len().unwrap_or(head.len()).max(1)),
        };
        if bad > 0 {
            self.repairs.utf8 += 1;
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        } else {
            self.out.extend_from_slice(rest.get(..good).unwrap_or_default());
        }
        self.at += good.max(bad);
    }

    /// Whether a separator or a closing bracket comes next behind `at`.
    fn separates(&self, at: usize) -> bool {
        matches!(self.text.get(skip_blank(self.text, at)), Some(b',' | b'}' | b']'))
    }

    /// Whether the quote at the cursor has a colon behind it.
    fn ends_a_key(&self) -> bool {
        self.text.get(skip_blank(self.text, self.at + 1)) == Some(&b':')
    }

    /// Whether the quote at the cursor ends its string: what follows must go on as JSON would (R14).
    fn closes(&self, is_key: bool) -> bool {
        let next = skip_blank(self.text, self.at + 1);
        let follower = self.text.get(next).copied();
        if is_key {
            let value = self.text.get(skip_blank(self.text, next + 1)).copied();
            let is_value = value.is_some_and(|first| matches!(first, b'"' | b'{' | b'[') || is_word_byte(first));
            return follower == Some(b':') && (is_value || value.is_none() && self.outer == Outer::Key);
        }
        match (self.in_object(), follower) {
            (None, _) => true,
            (Some(true), Some(b',')) => self.key_follows(next + 1),
            (Some(false), Some(b',')) => {
                let element = self.text.get(skip_blank(self.text, next + 1));
                element.is_some_and(|first| matches!(first, b'"' | b'{' | b'[' | b']' | b',') || is_word_byte(*first))
            }
            (Some(true), Some(b'}')) | (Some(false), Some(b']')) => {
                matches!(self.text.get(skip_blank(self.text, next + 1)), None | Some(b',' | b'}' | b']'))
            }
            _ => false,
        }
    }

    /// Whether a key with its colon follows (or the object's end, behind a trailing comma).
    fn key_follows(&self, from: usize) -> bool {
        let at = skip_blank(self.text, from);
        match self.text.get(at) {
            Some(b'}' | b',') => true,
            Some(b'"') => {
                let rest = self.text.get(at + 1..).unwrap_or_default();
                // Keys are short: a longer run to the next quote is content.
                let rest = rest.get(..rest.len().min(256)).unwrap_or_default();
                memchr::memchr(b'"', rest)
                    .is_some_and(|end| self.text.get(skip_blank(self.text, at + 2 + end)) == Some(&b':'))
            }
            _ => false,
        }
    }
}

/// Whether a byte can be of a number, a literal, or of what stands for one.
const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'/' | b'_' | b'(' | b')')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> (String, Repairs) {
        let mut out = Vec::new();
        let (length, repairs) = repair(text.as_bytes(), Outer::None, &mut out).unwrap();
        assert_eq!(length, text.trim_end().len());
        let strict = String::from_utf8(out).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&strict).is_ok(), "{strict}");
        (strict, repairs)
    }

    #[test]
    fn bare_quotes_are_content() {
        let (strict, repairs) = fixed(r#"{"name": "my "quoted" op", "pid": 1} "#);
        assert_eq!(strict, r#"{"name":"my \"quoted\" op","pid":1}"#);
        assert_eq!(repairs, Repairs { quote: 2, ..Repairs::default() });
        assert_eq!(fixed(r#"{"b": [1.5, null, "x/"y"]} "#).0, r#"{"b":[1.5,null,"x/\"y"]}"#);
    }

    #[test]
    fn words_escapes_controls_and_commas() {
        assert_eq!(fixed(r#"[NaN, -inf, N/A, 1,, 2,] "#).0, "[null,null,null,1,2]");
        assert_eq!(fixed(r#"["C:\Users\x", "\ud800"] "#).0, "[\"C:\\\\Users\\\\x\",\"\u{fffd}\"]");
        assert_eq!(fixed("[\"a\u{1}b\"] ").0, r#"["a\u0001b"]"#);
    }

    #[test]
    fn each_maximal_bad_sequence_is_one_replacement() {
        let mut out = Vec::new();
        let (_, repairs) = repair(b"[\"\xe2\x82 \xff\xc3\xa9\"] ", Outer::None, &mut out).unwrap();
        assert_eq!(out, "[\"\u{fffd} \u{fffd}é\"]".as_bytes());
        assert_eq!(repairs.utf8, 2);
    }

    #[test]
    fn what_makes_no_sense_is_lost() {
        for text in [
            "{\"a\" 1} ",
            "[1 2] ",
            "{\"a\": } ",
            "[a;c] ",
            "{\"a\": \"b\" \"c\": 1} ",
            "{\"a;: 1, \"b\": 2} ",
            "{\"a\": \"b",
            "[1}",
        ] {
            assert_eq!(repair(text.as_bytes(), Outer::None, &mut Vec::new()), Err(Lost::Unreadable), "{text}");
        }
    }

    #[test]
    fn too_deep_is_skipped_whole() {
        let text = format!("{}{} ,", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(repair(text.as_bytes(), Outer::None, &mut Vec::new()), Err(Lost::TooDeep(200_000)));
    }
}
