//! Python's `json.dump` writes `NaN` and `Infinity`, which are not JSON, where a loss diverged. They become `null`.

/// The text with every bare `NaN`, `Infinity` and `-Infinity` outside of strings replaced by `null`.
pub(super) fn to_null(text: &[u8]) -> Vec<u8> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some((&byte, after)) = rest.split_first() {
        if in_string && byte == b'\\' {
            let escape = rest.get(..2).unwrap_or(rest);
            out.extend_from_slice(escape);
            rest = rest.get(escape.len()..).unwrap_or_default();
            continue;
        }
        in_string ^= byte == b'"';
        match WORDS.iter().find_map(|word| rest.strip_prefix(*word)) {
            Some(behind) if !in_string => {
                out.extend_from_slice(b"null");
                rest = behind;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::to_null;

    #[test]
    fn bare_words_become_null_and_strings_stay() {
        let text = br#"{"NaN \" NaN": [NaN, -Infinity, Infinity, 1.5], "path": "a\\"}"#;
        assert_eq!(to_null(text), br#"{"NaN \" NaN": [null, null, null, 1.5], "path": "a\\"}"#);
        assert_eq!(to_null(b"\"\\"), b"\"\\");
    }
}
