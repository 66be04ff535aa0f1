//! The text on a reminder's card: the person's own words, without the command and the time.

use super::head::Kind;
use super::token::{Token, original, rest, starts_any, word};

/// How the task was joined to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    To,
    That,
    About,
    /// "ask me for …"
    For,
    /// Nothing: "remind me: call mum".
    Plain,
    /// "ask me if …", "ask me how …": the words themselves are the question.
    Question,
}

impl Link {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::That => "that",
            Self::About | Self::Question => "about",
            Self::For => "for",
            Self::Plain => ":",
        }
    }
}

/// Takes the joining word off a task; `None` where a weak command needs one ("tell me a joke").
pub(super) fn link(tokens: &[Token], kind: Kind) -> Option<(Link, &[Token])> {
    let skip = (0..tokens.len()).find(|at| {
        !matches!(
            word(tokens, *at),
            "," | ":" | "-" | "–" | "—" | "and" | "then" | "please"
        )
    });
    let tokens = rest(tokens, skip.unwrap_or(tokens.len()));
    let table: [(&str, Link); 4] = [
        (
            "that i need to|that i have to|that i must|that i should|i need to|\
                i have to|to",
            Link::To,
        ),
        ("that", Link::That),
        ("about|of|regarding", Link::About),
        ("for", Link::For),
    ];
    for (words, link) in table {
        let fits = kind != Kind::Say || matches!(link, Link::To | Link::That);
        if let Some(taken) = starts_any(tokens, words).filter(|_| fits) {
            return Some((link, rest(tokens, taken)));
        }
    }
    match kind {
        Kind::Ask => {
            let asked = [
                "if", "whether", "how", "what", "when", "where", "who", "why", "which",
            ];
            asked
                .contains(&word(tokens, 0))
                .then_some((Link::Question, tokens))
        }
        Kind::Nudge | Kind::Say if !tokens.is_empty() => None,
        _ => Some((Link::Plain, tokens)),
    }
}

/// The words left, in the person's spelling, without punctuation around them.
pub(super) fn text(sentence: &str, ranges: &[&[Token]]) -> String {
    let parts: Vec<String> = ranges
        .iter()
        .map(|tokens| original(sentence, tokens))
        .collect();
    let joined = parts.join(" ");
    let joined = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    let loose = |c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '-' | '–' | '—' | '…')
    };
    let text = joined.trim_matches(loose);
    let inner = [('"', '"'), ('“', '”'), ('\'', '\''), ('«', '»')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.unwrap_or(text).trim_matches(loose).to_owned()
}

/// What the card says; `None` when nothing is left to say.
pub(super) fn heading(kind: Kind, link: Link, text: &str) -> Option<String> {
    if text.is_empty() {
        return match kind {
            Kind::Wake => Some("Wake up".to_owned()),
            Kind::Alarm => Some("Alarm".to_owned()),
            Kind::Timer => Some("Timer".to_owned()),
            _ => None,
        };
    }
    if kind != Kind::Ask {
        return Some(text.to_owned());
    }
    let yours = yours(text);
    let question = match link {
        Link::To => return Some(text.to_owned()),
        Link::For if yours.starts_with("your ") => {
            let last = text.rsplit(' ').next().unwrap_or_default();
            let verb = if last.ends_with('s') && !last.ends_with("ss") {
                "are"
            } else {
                "is"
            };
            format!("What {verb} {yours}?")
        }
        Link::About => format!("What about {yours}?"),
        _ => {
            let asked = yours
                .strip_prefix("if ")
                .or(yours.strip_prefix("whether "))
                .unwrap_or(&yours);
            format!("{}?", capital(asked))
        }
    };
    Some(question)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The same words said to the person: "check my email" becomes "check your email".
pub(super) fn yours(text: &str) -> String {
    text.split(' ')
        .map(|word| match word.to_lowercase().as_str() {
            "my" => "your",
            "i" | "me" => "you",
            "i'm" | "i’m" => "you're",
            "i've" => "you've",
            "mine" => "yours",
            "myself" => "yourself",
            "am" => "are",
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A sentence that works, with another time.
pub(super) fn offer(kind: Kind, link: Link, text: &str, instead: &str) -> String {
    match kind {
        Kind::Wake => format!("wake me {instead}"),
        Kind::Ask if link == Link::Question => format!("ask me {instead} {text}"),
        Kind::Ask => format!("ask me {instead} {} {text}", link.word()),
        _ if text.is_empty() => format!("remind me {instead} to call home"),
        _ if link == Link::Plain => format!("remind me {instead}: {text}"),
        _ if link == Link::For => format!("remind me {instead} about {text}"),
        _ => format!("remind me {instead} {} {text}", link.word()),
    }
}
