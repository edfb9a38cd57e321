//! Patterns of the rule tables: `*` stands for any run of characters, also none; nothing else is special.
//!
//! A pattern is cut at its stars into literal pieces once. Matching takes each piece at its first place after the one
//! before: with stars alone that choice is never wrong, so there is no backtracking, and a name of 5,000 characters
//! costs one vectorised search per piece.

use memchr::memmem::Finder;

/// A compiled pattern. Case is the caller's business: pattern and text are compared as they are.
#[derive(Clone, Debug)]
pub struct Glob {
    /// What the text begins with (all of it, in a pattern without stars).
    prefix: Box<[u8]>,
    /// What follows the first star; `None` for a pattern without stars.
    rest: Option<Rest>,
}

#[derive(Clone, Debug)]
struct Rest {
    /// The pieces between two stars, in order.
    middle: Box<[Finder<'static>]>,
    /// What the text ends with.
    suffix: Box<[u8]>,
}

impl Glob {
    /// Compiles `pattern`.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let mut pieces = pattern.split('*').map(str::as_bytes);
        let prefix = pieces.next().unwrap_or_default().into();
        let rest = pieces.next_back().map(|suffix| Rest {
            middle: pieces.filter(|piece| !piece.is_empty()).map(|piece| Finder::new(piece).into_owned()).collect(),
            suffix: suffix.into(),
        });
        Self { prefix, rest }
    }

    /// Whether the pattern covers the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(mut left) = text.as_bytes().strip_prefix(&*self.prefix) else { return false };
        let Some(rest) = &self.rest else { return left.is_empty() };
        for piece in &rest.middle {
            let Some(after) = piece.find(left).and_then(|at| left.get(at + piece.needle().len()..)) else {
                return false;
            };
            left = after;
        }
        left.ends_with(&rest.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text)
    }

    #[test]
    fn without_a_star_a_pattern_is_the_whole_text() {
        assert!(matches("add", "add"));
        assert!(!matches("add", "addmm"));
        assert!(!matches("add", "a"));
        assert!(matches("", ""));
        assert!(!matches("", "x"));
    }

    #[test]
    fn a_star_is_any_run_of_characters() {
        assert!(matches("*", ""));
        assert!(matches("nccl*", "nccl"));
        assert!(matches("*gemm*", "ampere_sgemm_128x64_nn"));
        assert!(matches("*_loss", "mse_loss"));
        assert!(!matches("*_loss", "mse_loss_backward"));
        assert!(matches("*mean*pow*rsqrt*", "triton_red_fused_add_mean_mul_pow_rsqrt_0"));
        assert!(!matches("*pow*mean*", "triton_red_fused_add_mean_mul_pow_rsqrt_0"));
        assert!(matches("a**b", "ab"));
    }

    #[test]
    fn pieces_do_not_overlap() {
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("*ab*ba", "aba"));
        assert!(matches("*aa*aa*", "aaaa"));
        assert!(!matches("*aa*aa*", "aaa"));
    }

    #[test]
    fn a_hostile_text_takes_no_time() {
        let text = "a".repeat(100_000);
        let pattern = format!("{}*b", "*a".repeat(200));
        assert!(!matches(&pattern, &text));
    }
}
