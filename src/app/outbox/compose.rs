//! From a model's Markdown to what is sent: parts that fit the channel, or one document.

use super::AnswerPlace;
use crate::core::channel::{Capabilities, ChatTarget};
use crate::core::ids::MessageId;
use crate::core::markup::{self, CodeFile, FormattedText, LongCode};
use crate::core::outbox::{NewOutbox, Outgoing};

/// What an empty answer is shown as.
const NO_ANSWER: &str = "(no answer)";

/// Makes the rows of an answer. A long answer is several rows, a very long one a document; long code
/// is a document behind the text that names it. `grown` is the message that already shows the
/// beginning of the answer: the first row replaces it.
pub fn answer(
    place: &AnswerPlace,
    markdown: &str,
    capabilities: Capabilities,
    grown: Option<&MessageId>,
) -> Vec<NewOutbox> {
    let (rendered, files) = match capabilities.long_code {
        LongCode::InText => (markup::render(markdown), Vec::new()),
        LongCode::Apart => markup::render_apart(markdown),
    };
    let rendered = place.links.applied(rendered);
    let parts = markup::split(&rendered, capabilities.max_text_units);
    let contents = if parts.is_empty() {
        vec![Outgoing::plain(NO_ANSWER)]
    } else if parts.len() + files.len() > capabilities.max_parts {
        document(markdown, &rendered, place, grown)
    } else {
        let texts = parts.into_iter().map(Outgoing::formatted);
        let files = files.into_iter().map(|file| code(place, file));
        texts.chain(files).collect()
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

fn code(place: &AnswerPlace, file: CodeFile) -> Outgoing {
    Outgoing::Document {
        file_name: place.links.code_name(file.name),
        content: file.code,
        caption: FormattedText::default(),
    }
}

/// Makes the rows of a text that is no answer of a model. A very long one is a document.
pub fn text(
    target: &ChatTarget,
    text: FormattedText,
    capabilities: Capabilities,
) -> Vec<NewOutbox> {
    let parts = markup::split(&text, capabilities.max_text_units);
    let contents = if parts.len() > capabilities.max_parts {
        let caption = FormattedText::plain(String::new());
        vec![Outgoing::Document {
            file_name: "text.txt".into(),
            content: text.text,
            caption,
        }]
    } else {
        parts.into_iter().map(Outgoing::formatted).collect()
    };
    let row = |content| NewOutbox::answer(target.clone(), content);
    contents.into_iter().map(row).collect()
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
    let whole = markup::render(markdown);
    let summary = FormattedText::plain(format!(
        "{head} … (the whole answer, {} characters, is in this file)",
        whole.text.chars().count()
    ));
    let (name, content) = place.links.file(markdown, &whole);
    let summary = place.links.applied(summary);
    let file = |caption| Outgoing::Document {
        file_name: name.into(),
        content,
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
