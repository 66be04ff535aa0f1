//! Small talk that has an answer: hello, thanks, help.

use super::Intent;
use super::token::{Token, rest, starts_any, trim};

const HELP: &str = "help|help me|start|/help|/start|what can you do|what do you do|how do you work|\
    commands|show commands|list commands|show me what you can do|what can i do|\
    what can i say|what can i ask|how does this work|how do i use this|how do i use you|\
    who are you|what are you|examples|show me examples";
const GREETINGS: &str = "hi|hello|hey|hiya|howdy|yo|hi there|hello there|hey there|good morning|good night|\
    good afternoon|good evening|good day|morning|greetings|hola|hallo|how are you";
const THANKS: &str = "thanks|thank you|thx|ty|cheers|many thanks|thanks a lot|thanks so much|\
    thank you so much|thank you very much|thanks very much|much appreciated|\
    great thanks|great , thanks|ok thanks|ok , thanks|perfect thanks|perfect , thanks|\
    thanks a million|nice , thanks|cool thanks|cool , thanks";
const NAMES: &str = "bot|minibot|assistant|please|everyone|again|you|buddy";

pub(super) fn parse(tokens: &[Token]) -> Option<Intent> {
    let tokens = trim(tokens);
    let table = [
        (HELP, Intent::Help),
        (GREETINGS, Intent::Greeting),
        (THANKS, Intent::Thanks),
    ];
    let opener = starts_any(tokens, "hi|hello|hey|ok|please").unwrap_or(0);
    let after = trim(rest(tokens, opener));
    for (phrases, intent) in table {
        if all_of(tokens, phrases) || (intent != Intent::Thanks && all_of(after, phrases)) {
            return Some(intent);
        }
    }
    None
}

/// One of the phrases and nothing else, but for a name.
fn all_of(tokens: &[Token], phrases: &str) -> bool {
    starts_any(tokens, phrases).is_some_and(|taken| {
        let after = trim(rest(tokens, taken));
        after.is_empty() || starts_any(after, NAMES) == Some(after.len())
    })
}
