//! From a model's Markdown to what is sent: parts that fit the channel, or one document.

use super::AnswerPlace;
use crate::core::channel::Capabilities;
use crate::core::markup::{self, FormattedText};
use crate::core::outbox::{NewOutbox, Outgoing};

/// What an empty answer is shown as.
const NO_ANSWER: &str = "(no answer)";

/// Makes the rows of an answer. A long answer is several rows, a very long one a document.
pub fn answer(place: &AnswerPlace, markdown: &str, capabilities: Capabilities) -> Vec<NewOutbox> {
    let rendered = markup::render(markdown);
    let parts = markup::split(&rendered, capabilities.max_text_units);
    let contents = if parts.is_empty() {
        vec![Outgoing::plain(NO_ANSWER)]
    } else if parts.len() > capabilities.max_parts {
        vec![document(markdown, &rendered)]
    } else {
        parts.into_iter().map(Outgoing::formatted).collect()
    };
    let mut rows: Vec<NewOutbox> = contents
        .into_iter()
        .map(|content| NewOutbox::answer(place.target.clone(), content))
        .collect();
    if let Some(first) = rows.first_mut() {
        first.reply_to.clone_from(&place.reply_to);
    }
    rows
}

fn document(markdown: &str, rendered: &FormattedText) -> Outgoing {
    let head: String = rendered
        .text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    let caption = format!(
        "{head} … (the whole answer, {} characters, is in this file)",
        rendered.text.chars().count()
    );
    Outgoing::Document {
        file_name: "answer.md".into(),
        content: markdown.to_owned(),
        caption: FormattedText::plain(caption),
    }
}
