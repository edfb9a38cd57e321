//! Text from a file, made harmless for the place where it will stand: a terminal, Markdown, a spreadsheet, a file name.
//! JSON needs no more than `json` does: every character survives there.
//!
//! First what cannot be seen is made visible ([`terminal`]); Markdown and CSV then add their own. Cutting comes before
//! the escapes of a format and never inside one.

use std::borrow::Cow;

/// Stands where text was cut.
const CUT: char = '…';

/// Characters besides controls that change how a line reads without being seen: Unicode's default ignorable code points
/// (zero width, bidi marks, overrides and isolates, variation selectors, tags), line and paragraph separators,
/// interlinear annotations. First and last of each range.
const UNSEEN: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character acts without being seen: controls (ESC, CR, U+0000 among them) and the ranges of `UNSEEN`.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    character.is_control() || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

/// For terminals, and the first step of every other escape: one line, what is unseen written as `\n`, `\u{1b}` and the
/// like.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unseen) { Cow::Owned(text.chars().map(Shown::of).collect()) } else { Cow::Borrowed(text) }
}

/// [`terminal`], cut to `width` characters with `…` at the end. An escape is kept whole or left out.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    let mut shown = String::new();
    let mut used = 0;
    // Where the text was still short enough to take the sign of the cut: the way back when it turns out too long.
    let mut safe = 0;
    for character in text.chars().map(Shown::of) {
        used += character.width();
        if used > width {
            shown.truncate(safe);
            shown.push(CUT);
            return shown;
        }
        shown.extend([character]);
        if used < width {
            safe = shown.len();
        }
    }
    shown
}

/// For Markdown, anywhere inside a line or a table's cell: no table, emphasis, code, HTML, image, formula, link or mention
/// can begin in it.
#[must_use]
pub fn markdown(text: &str) -> String {
    let visible = terminal(text);
    let mut safe = String::with_capacity(visible.len() + visible.len() / 8);
    for (at, character) in visible.char_indices() {
        let (before, rest) = visible.split_at(at);
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '$' => safe.push_str("&#36;"),
            // GitHub links bare addresses; it looks for these two marks.
            ':' if rest.starts_with("://") => safe.push_str("&#58;"),
            '.' if ends_with_www(before) => safe.push_str("&#46;"),
            // Addresses and mentions are found in finished text, where only code is left alone.
            '@' if before.ends_with('@') => {}
            '@' => code_span(&mut safe, rest),
            // Inside a word an underscore is only an underscore, and names are full of them.
            '_' if is_inside_word(before, rest) => safe.push('_'),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => safe.extend(['\\', character]),
            _ => safe.push(character),
        }
    }
    safe
}

/// `escaped` as the beginning of a paragraph: what [`markdown`] made must not open a list or a rule there.
#[must_use]
pub fn markdown_line(escaped: &str) -> String {
    let line = escaped.trim();
    let after_number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let is_item = after_number.len() < line.len()
        && after_number.strip_prefix(['.', ')']).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    match line.strip_suffix(after_number) {
        _ if line.starts_with(['-', '+', '=']) => format!("\\{line}"),
        Some(number) if is_item => format!("{number}\\{after_number}"),
        _ => line.to_owned(),
    }
}

/// For a text field of a CSV file: one line, and a leading `'` where a spreadsheet would take it for a formula. Numbers
/// of ours do not come here.
#[must_use]
pub fn csv(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { Cow::Owned(format!("'{}", terminal(text))) } else { terminal(text) }
}

/// A file's name without ending: `[a-z0-9_-]` and nothing else, at most 80 long, never empty.
#[must_use]
pub fn file_name(text: &str) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9' | '_' | '-') => kept,
        _ => '_',
    };
    let name: String = text.chars().map(plain).take(80).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The run of `@` that `rest` begins with, as code.
fn code_span(safe: &mut String, rest: &str) {
    safe.push('`');
    safe.extend(rest.chars().take_while(|character| *character == '@'));
    safe.push('`');
}

fn is_inside_word(before: &str, rest: &str) -> bool {
    before.ends_with(|character: char| character.is_ascii_alphanumeric())
        && rest.starts_with('_')
        && rest.get(1..).is_some_and(|after| after.starts_with(|character: char| character.is_ascii_alphanumeric()))
}

fn ends_with_www(before: &str) -> bool {
    before.len().checked_sub(3).and_then(|from| before.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case("www"))
}

/// One character as a terminal may see it.
enum Shown {
    Plain(char),
    Escaped(std::char::EscapeDefault),
}

impl Shown {
    fn of(character: char) -> Self {
        if is_unseen(character) { Self::Escaped(character.escape_default()) } else { Self::Plain(character) }
    }

    fn width(&self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Escaped(escape) => escape.len(),
        }
    }
}

impl Extend<Shown> for String {
    fn extend<I: IntoIterator<Item = Shown>>(&mut self, characters: I) {
        for character in characters {
            match character {
                Shown::Plain(plain) => self.push(plain),
                Shown::Escaped(escape) => self.extend(escape),
            }
        }
    }
}

impl FromIterator<Shown> for String {
    fn from_iter<I: IntoIterator<Item = Shown>>(characters: I) -> Self {
        let mut text = Self::new();
        text.extend(characters);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_see_what_is_unseen() {
        assert_eq!(
            terminal("a\u{1b}[31mb\r\n\0\u{202e}\u{200b}\u{9b}"),
            "a\\u{1b}[31mb\\r\\n\\u{0}\\u{202e}\\u{200b}\\u{9b}"
        );
        assert!(matches!(terminal("aten::conv2d größe"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_counts_characters_and_never_splits_an_escape() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 5), "größ…");
        assert_eq!(cut("ab\u{1b}cd", 8), "ab…");
        assert_eq!(cut("ab\u{1b}", 8), "ab\\u{1b}");
        assert_eq!(cut(&"x".repeat(5_000), 48).chars().count(), 48);
        assert_eq!(cut("ab", 0), "…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn markdown_cannot_be_left() {
        assert_eq!(markdown("a|b"), "a\\|b");
        assert_eq!(markdown("a\\|b"), "a\\\\\\|b");
        assert_eq!(markdown("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(
            markdown("[x](y) `c` *b* _i_ # &amp; ~s~"),
            "\\[x\\](y) \\`c\\` \\*b\\* \\_i\\_ \\# &amp;amp; \\~s\\~"
        );
        assert_eq!(markdown("https://evil.example www.evil.example"), "https&#58;//evil.example www&#46;evil.example");
        assert_eq!(markdown("me@here @@you $x$"), "me`@`here `@@`you &#36;x&#36;");
        assert_eq!(markdown("a\nb"), "a\\\\nb");
    }

    #[test]
    fn a_paragraph_opens_nothing() {
        assert_eq!(markdown_line(&markdown("- x")), "\\- x");
        assert_eq!(markdown_line(&markdown("12. x")), "12\\. x");
        assert_eq!(markdown_line("3)"), "3\\)");
        assert_eq!(markdown_line("12.118 ms"), "12.118 ms");
        assert_eq!(markdown_line("plain - x"), "plain - x");
    }

    #[test]
    fn formulas_are_text() {
        assert_eq!(csv("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        for start in ["+1", "-1", "@x", "\tx", "\rx"] {
            assert!(csv(start).starts_with('\''), "{start:?}");
        }
        assert_eq!(csv("aten::add_"), "aten::add_");
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("../UNet CPU.png"), "___unet_cpu_png");
        assert_eq!(file_name(""), "_");
        assert_eq!(file_name(&"é".repeat(500)).len(), 80);
    }
}
