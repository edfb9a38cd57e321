//! Plain lists passed over 64 bytes at a time: shapes, strides, types and inputs are half of an operator's text.
//!
//! ```text
//! text       [["a]", 1], []], "Ev ...
//! quotes       x  x
//! inside       xxx            (from each opening quote to before its closing one)
//! brackets   xx       x   xxx (those that are not inside)      depth 1 2 1 2 1 0: the end
//! ```
//! Plain is: numbers, lists, and strings of printable ASCII without escapes. Anything else takes the usual way (`lexer`).

use super::lexer::DEPTH_LIMIT;
use wide::u8x16;

/// What stands where among 64 bytes, a bit each.
struct Marks {
    quotes: u64,
    opening: u64,
    closing: u64,
    /// Never part of a plain list.
    odd: u64,
    /// Only in strings.
    odd_outside: u64,
}

impl Marks {
    fn of(block: &[u8; 64]) -> Self {
        let mut marks = Self { quotes: 0, opening: 0, closing: 0, odd: 0, odd_outside: 0 };
        for (part, chunk) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*chunk);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let at_most = |bytes: u8x16, limit: u8| bytes.min(u8x16::splat(limit)).simd_eq(bytes);
            let (quote, opening, closing) = (is(b'"'), is(b'['), is(b']'));
            // From the plus sign to the colon: signs, comma, point, digits; the slash is among them.
            let in_number = at_most(bytes - u8x16::splat(b'+'), b':' - b'+') & !is(b'/');
            let outside = in_number | is(b' ') | quote | opening | closing;
            let beyond_ascii = bytes;
            let odd = beyond_ascii | at_most(bytes, 0x1f) | is(b'\\');
            let place = |mask: u8x16| u64::from(mask.to_bitmask()) << (16 * part);
            marks.quotes |= place(quote);
            marks.opening |= place(opening);
            marks.closing |= place(closing);
            marks.odd |= place(odd);
            marks.odd_outside |= place(!outside);
        }
        marks
    }
}

/// Where the list at `at` ends, if it is plain, and the text goes on for a while behind it.
pub(super) fn plain_list_end(text: &[u8], at: usize) -> Option<usize> {
    let mut blocks = text.get(at..)?.as_chunks::<64>().0.iter();
    let (mut depth, mut in_string, mut from) = (0usize, 0u64, at);
    loop {
        let marks = Marks::of(blocks.next()?);
        let inside = up_to_next(marks.quotes) ^ in_string;
        let odd = marks.odd | marks.odd_outside & !inside;
        let mut brackets = (marks.opening | marks.closing) & !inside;
        while brackets != 0 {
            let lowest = brackets & brackets.wrapping_neg();
            if marks.opening & lowest != 0 {
                depth += 1;
            } else {
                depth -= 1; // it would have ended before
            }
            if depth == 0 {
                let end = from + lowest.trailing_zeros() as usize + 1;
                return (odd & (lowest - 1) == 0).then_some(end);
            }
            if depth > DEPTH_LIMIT {
                return None;
            }
            brackets ^= lowest;
        }
        if odd != 0 {
            return None;
        }
        // All ones where the block ends inside a string.
        in_string = (inside.cast_signed() >> 63).cast_unsigned();
        from += 64;
    }
}

/// From every other bit on, itself included, all bits up to before the next.
const fn up_to_next(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

#[cfg(test)]
mod tests {
    use super::super::lexer::{Beyond, skip_value};
    use super::*;
    use proptest::prelude::*;

    fn padded(list: &str) -> String {
        format!("{list}, \"Ev Idx\": 7{}", " ".repeat(64))
    }

    #[test]
    fn plain_lists_end_where_their_first_bracket_closes() {
        for list in ["[]", "[[8, 3], [], []]", r#"["a]", "[", "b/c{}"]"#, &format!("[\"{}\", [1]]", "x".repeat(150))] {
            assert_eq!(plain_list_end(padded(list).as_bytes(), 0), Some(list.len()), "{list}");
        }
    }

    #[test]
    fn others_take_the_usual_way() {
        for list in [r#"["\""]"#, "[\"é\"]", "[\"a\u{1}\"]", "[true]", "[1/2]", "[{}]", "[1e5]", "[\n]"] {
            assert_eq!(plain_list_end(padded(list).as_bytes(), 0), None, "{list}");
        }
        let deep = "[".repeat(DEPTH_LIMIT + 1) + &"]".repeat(DEPTH_LIMIT + 1);
        assert_eq!(plain_list_end(padded(&deep).as_bytes(), 0), None);
        assert_eq!(plain_list_end(b"[1, 2]", 0), None, "the text may go on");
    }

    proptest! {
        #[test]
        fn both_ways_agree(list in "\\[[\\[\\]{}\", 0-9a.\\\\/é\n-]{0,150}") {
            let text = padded(&list);
            if let Some(end) = plain_list_end(text.as_bytes(), 0) {
                prop_assert_eq!(skip_value(text.as_bytes(), 0, &mut Beyond::default()), Ok(end));
            }
        }
    }
}
