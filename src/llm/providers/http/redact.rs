//! Takes out of a server's words what a log must not hold: the key, credentials in addresses, and
//! whatever the server repeats of the conversation.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use crate::core::conversation::Item;
use crate::core::media::Part;
use crate::core::model::ModelRequest;
use crate::core::redact::without_credentials;

/// In characters.
const LONGEST_DETAIL: usize = 200;
/// What is looked at; more than is kept, because taking out makes shorter.
const LONGEST_LOOKED_AT: usize = 600;
/// So many bytes in a row that also stand in the conversation are taken to come from there.
const CONVERSATION_RUN: usize = 12;
/// The same for the key, of which servers like to show the ends.
const KEY_RUN: usize = 6;
/// Shorter texts say nothing about anybody, and would tear holes everywhere.
const SHORTEST_TEXT: usize = 4;

/// Knows what is secret about one request.
pub(super) struct Redactor<'a> {
    key: Option<&'a SecretString>,
    texts: Vec<&'a str>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(key: Option<&'a SecretString>, request: &'a ModelRequest) -> Self {
        let mut texts: Vec<&str> = vec![&request.system, &request.preface, &request.user];
        let enclosures = request.recap.iter().chain(&request.enclosures);
        texts.extend(enclosures.map(|part| part.text.as_str()));
        for item in request.history.items().iter().chain(&request.exchange) {
            match item {
                Item::User {
                    text, enclosures, ..
                } => {
                    texts.push(text);
                    texts.extend(enclosures.iter().map(|part| part.text.as_str()));
                }
                Item::Assistant {
                    text,
                    calls,
                    continuation,
                    ..
                } => {
                    texts.push(text);
                    texts.extend(calls.iter().map(|call| call.arguments.as_str()));
                    let items = continuation.iter().flat_map(|own| &own.items);
                    items.for_each(|item| strings(item, &mut texts));
                }
                Item::Tool { result, .. } => strings(result.value(), &mut texts),
            }
        }
        for attached in &request.attached {
            match &attached.part {
                Part::Text(text) => texts.push(text),
                Part::Document(document) => texts.push(&document.text),
                Part::Pdf {
                    name, text, spare, ..
                } => {
                    texts.push(name);
                    texts.extend(text.iter().chain(spare).map(|text| text.text.as_str()));
                }
                Part::Picture { .. } => {}
            }
        }
        Self { key, texts }
    }

    /// `text` without what is secret, on one line, in at most 200 characters.
    pub(super) fn detail(&self, text: &str) -> String {
        let words: Vec<String> = text
            .chars()
            .take(LONGEST_LOOKED_AT)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
            .split_whitespace()
            .map(without_credentials)
            .collect();
        let line = words.join(" ");
        let mut secret = vec![false; line.len()];
        if let Some(key) = self.key {
            mark(&line, key.expose_secret(), KEY_RUN, &mut secret);
        }
        for known in &self.texts {
            mark(&line, known, CONVERSATION_RUN, &mut secret);
        }
        let mut kept = String::new();
        let mut hidden = false;
        for (at, character) in line.char_indices() {
            let hide = secret[at..at + character.len_utf8()].contains(&true);
            match (hide, hidden) {
                (true, false) => kept.push('…'),
                (true, true) => {}
                (false, _) => kept.push(character),
            }
            hidden = hide;
        }
        kept.chars().take(LONGEST_DETAIL).collect()
    }
}

/// Every text within a JSON value.
fn strings<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => found.push(text),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|value| strings(value, found));
        }
        _ => {}
    }
}

/// Marks the bytes of `line` that stand in a run of at least `run` bytes of `known`, or that are
/// the whole of a shorter `known`.
fn mark(line: &str, known: &str, run: usize, secret: &mut [bool]) {
    let known = known.trim();
    if known.len() < SHORTEST_TEXT {
        return;
    }
    let run = run.min(known.len());
    let shown: HashSet<&[u8]> = line.as_bytes().windows(run).collect();
    let repeated: HashSet<&[u8]> = known
        .as_bytes()
        .windows(run)
        .filter(|part| shown.contains(part))
        .collect();
    for (at, part) in line.as_bytes().windows(run).enumerate() {
        if repeated.contains(part) {
            secret[at..at + run].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use serde_json::json;

    use super::*;
    use crate::core::conversation::History;
    use crate::core::ids::CallId;
    use crate::core::label::Labels;
    use crate::core::tool::{ToolCall, ToolResult};

    fn request() -> ModelRequest {
        ModelRequest {
            system: "You are Minibot.".into(),
            history: History::repaired(vec![
                Item::said("my doctor is in Barcelona"),
                Item::Assistant {
                    text: "noted, in Barcelona then".into(),
                    calls: Vec::new(),
                    continuation: None,
                    labels: Labels::default(),
                },
            ]),
            user: "PIN 4711".into(),
            exchange: vec![
                Item::Assistant {
                    text: String::new(),
                    calls: vec![ToolCall {
                        id: CallId::new("c1"),
                        name: "note".into(),
                        arguments: r#"{"text":"the safe is behind the mirror"}"#.into(),
                    }],
                    continuation: None,
                    labels: Labels::default(),
                },
                Item::Tool {
                    call: CallId::new("c1"),
                    name: "note".into(),
                    result: ToolResult::ok(json!({ "said": ["written down by Ada"] })),
                    labels: Labels::default(),
                },
            ],
            ..ModelRequest::default()
        }
    }

    fn detail(text: &str) -> String {
        let request = request();
        let key = SecretString::from("sk-proj-abcdefghijklmnopqrstuvwxyz");
        Redactor::new(Some(&key), &request).detail(text)
    }

    #[test]
    fn what_is_secret_is_taken_out() {
        let cases = [
            ("all is well", "all is well"),
            ("bad key sk-proj-abcdefghijklmnopqrstuvwxyz.", "bad key …."),
            ("bad key sk-proj-****uvwxyz", "bad key …****…"),
            (
                "invalid input: 'my doctor is in Barcelona'",
                "invalid input: '…'",
            ),
            ("got 'doctor is in B' (cut)", "got '…' (cut)"),
            (
                "at messages[3]: PIN 4711 is odd",
                "at messages[3]: … is odd",
            ),
            ("args: the safe is behind the mirror", "args: …"),
            ("result: written down by Ada", "result: …"),
            (
                "see https://u:p@a.org/x?key=1#y for more",
                "see https://a.org/x for more",
            ),
            ("two\nlines\u{7}", "two lines"),
        ];
        for (text, expected) in cases {
            assert_eq!(detail(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_detail_is_short_whatever_comes() {
        assert_eq!(detail(&"é".repeat(5000)).chars().count(), LONGEST_DETAIL);
        assert_eq!(detail(""), "");
    }
}
