//! The verdict over all inputs in one line, for stderr.

use super::{escape, number};
use crate::audit::{self, Finding, Verdict, Weight};
use crate::report::model::InputFacts;

/// The longest a path or a message may be in the line.
const WIDTH: usize = 160;

/// The worst verdict among `inputs`; `ok` where there is none.
#[must_use]
pub fn worst(inputs: &[InputFacts]) -> Verdict {
    audit::verdict(inputs.iter().flat_map(|facts| &facts.findings))
}

/// One line that says why the verdict is not ok, safe for a terminal: the gravest finding, and how many more there are.
/// `None` where it is ok.
#[must_use]
pub fn verdict_line(inputs: &[InputFacts]) -> Option<String> {
    let mut grave: Vec<(&Finding, &InputFacts)> = inputs
        .iter()
        .flat_map(|facts| facts.findings.iter().map(move |finding| (finding, facts)))
        .filter(|(finding, _)| finding.code.weight() > Weight::Note)
        .collect();
    // Gravest first; then codes in their order, then inputs in theirs (the sort is stable).
    grave.sort_by_key(|(finding, _)| (std::cmp::Reverse(finding.code.weight()), finding.code));
    let (finding, facts) = grave.first()?;
    let message = escape::cut(finding.message.raw(), WIDTH);
    let place = if inputs.len() > 1 { format!(" in {}", escape::cut(facts.path.raw(), WIDTH)) } else { String::new() };
    let more = match grave.len() - 1 {
        0 => String::new(),
        more => format!("; {} more, see `analyzer audit`", number::count(crate::units::count(more))),
    };
    let separator = if message.is_empty() { "" } else { ": " };
    Some(format!("audit: {} ({}{place}{separator}{message}{more})", worst(inputs).word(), finding.code.text()))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::audit::Code;

    #[test]
    fn an_ok_verdict_is_silent() {
        assert_eq!(verdict_line(&[]), None);
        assert_eq!(verdict_line(&[sample::input("a.json", vec![Finding::new(Code::NoMemory, 1, "x")])]), None);
    }

    #[test]
    fn the_gravest_finding_speaks_on_one_safe_line() {
        let truncated = Finding::new(Code::Truncated, 1, "input ends inside event 48,213\n\u{1b}[2J");
        let overlap = Finding::new(Code::Overlap, 3, "events cross");
        let one = sample::input("a.json", vec![overlap, truncated]);
        assert_eq!(
            verdict_line(std::slice::from_ref(&one)).unwrap(),
            "audit: degraded (W-TRUNCATED: input ends inside event 48,213\\n\\u{1b}[2J; 1 more, see `analyzer audit`)"
        );
        let two = sample::input("b\u{202e}.json", vec![Finding::new(Code::Empty, 1, "nothing in the file")]);
        assert_eq!(
            verdict_line(&[one, two]).unwrap(),
            "audit: unusable (E-EMPTY in b\\u{202e}.json: nothing in the file; 2 more, see `analyzer audit`)"
        );
    }
}
