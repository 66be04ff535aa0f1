//! From a model's Markdown to what is sent: parts that fit the channel, or one document.

use super::AnswerPlace;
use crate::core::channel::Capabilities;
use crate::core::ids::MessageId;
use crate::core::markup::{self, FormattedText};
use crate::core::outbox::{NewOutbox, Outgoing};

/// What an empty answer is shown as.
const NO_ANSWER: &str = "(no answer)";

/// Makes the rows of an answer. A long answer is several rows, a very long one a document. `grown`
/// is the message that already shows the beginning of the answer: the first row replaces it.
pub fn answer(
    place: &AnswerPlace,
    markdown: &str,
    capabilities: Capabilities,
    grown: Option<&MessageId>,
) -> Vec<NewOutbox> {
    let rendered = place.links.applied(markup::render(markdown));
    let parts = markup::split(&rendered, capabilities.max_text_units);
    let contents = if parts.is_empty() {
        vec![Outgoing::plain(NO_ANSWER)]
    } else if parts.len() > capabilities.max_parts {
        document(markdown, &rendered, place, grown)
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

/// A message cannot become a document: where one is shown already, it becomes the summary.
fn document(
    markdown: &str,
    rendered: &FormattedText,
    place: &AnswerPlace,
    grown: Option<&MessageId>,
) -> Vec<Outgoing> {
    let head: String = rendered
        .text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    let summary = FormattedText::plain(format!(
        "{head} … (the whole answer, {} characters, is in this file)",
        rendered.text.chars().count()
    ));
    let summary = place.links.applied(summary);
    let file = |caption| Outgoing::Document {
        file_name: "answer.md".into(),
        content: markdown.to_owned(),
        caption,
    };
    match grown {
        None => vec![file(summary)],
        Some(_) => vec![
            Outgoing::formatted(summary),
            file(FormattedText::plain(String::new())),
        ],
    }
}
