//! Finds a sum in a sentence: strips "what is", "calculate" and the like, and hands the rest to the
//! sum grammar.

use super::token::{Token, rest, starts_any, word};
use super::{Intent, polite, sums};

const ASKS: &str = "what is|what's|whats|what are|calculate|compute|how much is|how much are|how much's|\
    work out|evaluate|solve|what is the result of|what's the result of|\
    what is the value of|calc|math|how many is|what does|what do|find|tell me|\
    tell me what is|the result of";

pub(super) fn parse(text: &str, tokens: &[Token]) -> Option<Intent> {
    let parts = sums::split(text)?;
    let mut here = rest(&parts, polite::courtesy(&parts));
    let ask = starts_any(here, ASKS).unwrap_or(0);
    let firm = ask > 0 && matches!(word(here, 0), "calculate" | "compute" | "evaluate" | "calc");
    here = rest(here, ask);
    here = rest(here, usize::from(word(here, 0) == ":"));
    while let [before @ .., last] = here
        && matches!(
            last.text.as_str(),
            "?" | "." | "=" | "please" | "equal" | "equals" | "make" | "is" | "thanks"
        )
    {
        here = before;
    }
    if here.is_empty() || (ask == 0 && is_code(tokens)) {
        return None;
    }
    if has_root(here) {
        return Some(Intent::Impossible {
            why: "I can add, subtract, multiply, divide and raise to a power, but not take roots."
                .to_owned(),
            offer: "what is 4 squared".to_owned(),
        });
    }
    let sum = sums::normalise(here)?;
    (sum.operators > 0 || firm).then_some(Intent::Calculate {
        expression: sum.text,
    })
}

/// "24/12/2027", "2027-12-24", "555-123-4567": one word of figures is a date or a number to call,
/// not a sum.
fn is_code(tokens: &[Token]) -> bool {
    let [only] = tokens else { return false };
    ['/', '-', '.']
        .iter()
        .any(|mark| only.text.matches(*mark).count() > 1)
        && !only.text.contains(['+', '*', '('])
}

fn has_root(tokens: &[Token]) -> bool {
    let lead = starts_any(tokens, "the").unwrap_or(0);
    let root = starts_any(
        rest(tokens, lead),
        "square root of|cube root of|sqrt|root of|square root",
    );
    root.is_some_and(|used| {
        let next = word(tokens, lead + used);
        next == "("
            || next.starts_with(|c: char| c.is_ascii_digit())
            || super::numbers::below_hundred(next).is_some()
    })
}
