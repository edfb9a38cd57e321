//! Strict JSON strings into text.

use std::borrow::Cow;

/// The text of a strict JSON string, quotes included in `quoted`. `None` where it is no string.
pub(super) fn decode(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        // The scanner has checked that it is UTF-8.
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    // Escapes are rare in traces, so the library's own decoder serves here.
    serde_json::from_slice::<String>(quoted).ok().map(Cow::Owned)
}

/// What stands inside the quotes, as it is: enough to compare keys and numbers.
pub(super) fn inner(quoted: &[u8]) -> Option<&[u8]> {
    quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
