//! Words of courtesy around a command.

use super::token::{Token, rest, starts_any, word};

const LEADS: &str = "thanks|thank you|great|perfect|please|good morning|good afternoon|good evening|pls|\
    plz|hey|hi|hello|ok|okay|so|um|well|yo|bot|minibot|assistant|dear|kindly|can you|\
    could you|would you|will you|can u|could u|can i|could i|i want you to|\
    i'd like you to|i would like you to|i need you to|i want to|i'd like to|\
    i would like to|just|also|quick|and|then|maybe|i want u to|actually|oh|ah|hmm|sorry|wait|\
    alright|btw|by the way|oops";

/// How many tokens of courtesy and punctuation stand at the start.
pub(super) fn lead(tokens: &[Token]) -> usize {
    let mut taken = 0;
    loop {
        let here = rest(tokens, taken);
        let sign = here
            .first()
            .is_some_and(|token| token.is_punctuation() && token.text != "(");
        match starts_any(here, LEADS) {
            Some(used) => taken += used,
            None if sign => taken += 1,
            None => return taken,
        }
    }
}

/// The same tokens without punctuation at the start.
pub(super) fn trim_start(tokens: &[Token]) -> &[Token] {
    let signs = tokens
        .iter()
        .take_while(|token| token.is_punctuation())
        .count();
    rest(tokens, signs)
}

/// The same tokens without courtesy and full stops at the end.
pub(super) fn trim_end(tokens: &[Token]) -> &[Token] {
    let mut tokens = tokens;
    while let [before @ .., last] = tokens {
        let two = before.last().map_or("", |token| token.text.as_str());
        // "to say thank you" is a task; ". Thank you" is courtesy.
        let apart = tokens.len() < 3 || tokens[tokens.len() - 3].is_punctuation();
        let pair = match (two, last.text.as_str()) {
            ("thank", "you") => apart,
            ("for", "me") => true,
            _ => false,
        };
        if pair {
            tokens = &tokens[..tokens.len() - 2];
        } else if matches!(
            last.text.as_str(),
            "." | "," | ";" | ":" | "!" | "?" | "…" | "-" | "please" | "pls" | "thanks" | "thx"
        ) {
            tokens = before;
        } else {
            break;
        }
    }
    if tokens.len() == 1 && word(tokens, 0) == "please" {
        &[]
    } else {
        tokens
    }
}

/// How many words of courtesy stand at the start; signs stay, because a sum may begin with one.
pub(super) fn courtesy(tokens: &[Token]) -> usize {
    let mut taken = 0;
    loop {
        let comma = usize::from(taken > 0 && word(tokens, taken) == ",");
        match starts_any(rest(tokens, taken + comma), LEADS) {
            Some(used) => taken += comma + used,
            None => return taken + comma,
        }
    }
}
