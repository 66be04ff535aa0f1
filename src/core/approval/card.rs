//! The card that asks, and the list of rules: what a person reads before they press.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::host::host_behind;
use super::visible::{head, visible, visible_head, visible_line};
use super::{AllowRule, Answer, ApprovalKey, Ruling, Verdict};
use crate::core::card::{ButtonData, clock_time};
use crate::core::channel::{Buttons, Capabilities};
use crate::core::label::Labels;
use crate::core::markup::{self, FormattedText, Span, Style, utf16_len};
use crate::core::outbox::{Button, Outgoing};

/// What stands in the card besides the arguments, with the line of how it ended, in UTF-16 units, at most.
const FRAME_UNITS: usize = 1_500;

/// The card never gets longer than this by its arguments: beyond, they are a file above it.
const ARGUMENT_UNITS: usize = 2_500;

/// How much is shown of a name, in UTF-16 units.
pub(super) const MOST_NAME: usize = 64;

/// How much is shown of what started the turn, in UTF-16 units.
const MOST_ORIGIN: usize = 200;

/// How much is shown of a reason, and of the list of what was read, in UTF-16 units.
const MOST_REASON: usize = 400;

/// What a card is about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Which one.
    pub key: ApprovalKey,
    /// The tool.
    pub tool: &'a str,
    /// Its arguments.
    pub arguments: &'a Value,
    /// Why it asks.
    pub ruling: &'a Ruling,
    /// What started the turn.
    pub origin: &'a Origin,
    /// What the model has read.
    pub labels: &'a Labels,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
    /// The person's zone.
    pub zone: Tz,
}

/// What started a turn, in words of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The person's message.
    Message {
        /// Who wrote it.
        name: String,
        /// What.
        text: String,
    },
    /// A scheduled task.
    Scheduled {
        /// Who created it.
        name: String,
        /// What it says.
        text: String,
    },
}

/// A card, as messages: the last one carries the buttons.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// A file with the arguments, where they are too long for a message.
    pub file: Option<Outgoing>,
    /// What the message says.
    pub text: FormattedText,
    /// The buttons below it.
    pub buttons: Vec<Vec<Button>>,
}

/// The card of a question.
pub fn card(question: &Question<'_>, capabilities: Capabilities) -> Card {
    let mut text = Text::default();
    text.styled(
        &format!("May I run {}?", visible_head(question.tool, MOST_NAME)),
        Style::Bold,
    );
    let room = match capabilities.max_text_units {
        usize::MAX => usize::MAX,
        units => units.saturating_sub(FRAME_UNITS).min(ARGUMENT_UNITS),
    };
    let file = arguments(&mut text, question, room);
    text.line("");
    text.line(&format!(
        "Why I ask: {}.",
        visible_head(&question.ruling.reason, MOST_REASON)
    ));
    text.line(&question.origin.line());
    if question.labels.is_untrusted() {
        let sources: Vec<String> = question.labels.sources().map(|s| s.describe()).collect();
        let read = visible_head(&sources.join(", "), MOST_REASON);
        text.line(&format!("⚠️ I have read what others wrote: {read}."));
    }
    let until = clock_time(question.expires_at, question.expires_at, question.zone);
    text.line(&format!("Without an answer by {until} it does not run."));
    let answers: Vec<Answer> = Answer::all()
        .filter(|answer| *answer != Answer::Always || offers_always(question.ruling))
        .collect();
    if capabilities.buttons == Buttons::None {
        let words = answers.iter().map(|answer| match answer {
            Answer::Approve => "y: run it",
            Answer::Deny => "n: do not",
            Answer::Always => "a: always run this",
        });
        text.line(&words.collect::<Vec<_>>().join(" · "));
    }
    Card {
        file,
        text: text.finish(),
        buttons: buttons(question.key, &answers),
    }
}

fn offers_always(ruling: &Ruling) -> bool {
    matches!(&ruling.verdict, Verdict::Ask { always: Some(_) })
}

fn buttons(key: ApprovalKey, answers: &[Answer]) -> Vec<Vec<Button>> {
    let button = |answer: Answer| ButtonData::Approval { key, answer }.button(answer.label());
    let (always, once): (Vec<Answer>, Vec<Answer>) = answers
        .iter()
        .partition(|answer| **answer == Answer::Always);
    let rows = [once, always].into_iter();
    rows.map(|row| row.into_iter().map(button).collect())
        .filter(|row: &Vec<Button>| !row.is_empty())
        .collect()
}

/// Writes every argument in full; where that is too much, into a file that is returned.
fn arguments(text: &mut Text, question: &Question<'_>, room: usize) -> Option<Outgoing> {
    let mut whole = Text::default();
    for (name, value) in question.arguments.as_object().into_iter().flatten() {
        whole.argument(name, value);
        if let Some(host) = host_behind(value) {
            whole.line("  The host is ");
            let start = whole.text.len();
            whole.text.push_str(&host);
            whole.span(start, Style::Code);
        }
    }
    if whole.text.is_empty() {
        text.line("Without arguments.");
        return None;
    }
    if utf16_len(&whole.text) <= room {
        text.append(whole);
        return None;
    }
    let characters = whole.text.chars().count();
    text.line(&format!(
        "All that it is given is in the file above, {characters} characters."
    ));
    Some(Outgoing::Document {
        file_name: format!("{}.txt", question.tool),
        content: whole.text,
        caption: FormattedText::plain(String::new()),
    })
}

impl Origin {
    fn line(&self) -> String {
        let (head, name, text) = match self {
            Self::Message { name, text } => ("For", name, text),
            Self::Scheduled { name, text } => ("For the scheduled task of", name, text),
        };
        let name = visible_head(name, MOST_NAME);
        if text.trim().is_empty() {
            return format!("{head} {name}.");
        }
        format!("{head} {name}: \"{}\"", visible_head(text, MOST_ORIGIN))
    }
}

/// A card with how it ended, and without buttons.
pub fn settled(card: Option<&FormattedText>, line: &str) -> Outgoing {
    let Some(card) = card else {
        return Outgoing::plain(line);
    };
    let mut text = card.clone();
    text.text = format!("{}\n\n{line}", text.text);
    Outgoing::formatted(text)
}

/// The list of a chat's rules, with a button for each.
pub fn rules(rules: &[AllowRule], buttons: Buttons) -> Outgoing {
    if rules.is_empty() {
        return Outgoing::plain("Nothing is always allowed here: I ask where the settings say so.");
    }
    let numbered = || (1..).zip(rules);
    let line = |(number, rule): (usize, &AllowRule)| {
        format!(
            "{number}. {}: {}",
            rule.tool,
            head(&rule.target.describe(), MOST_REASON)
        )
    };
    let mut lines = vec!["Always allowed in this chat:".to_owned()];
    lines.extend(numbered().map(line));
    if buttons == Buttons::None {
        lines.push("/approvals revoke 1 takes the first one back.".to_owned());
    }
    let text = FormattedText::plain(lines.join("\n"));
    // Telegram shows at most 100 buttons below a message.
    let text = markup::split(&text, 4_000)
        .into_iter()
        .next()
        .unwrap_or(text);
    let revoke = |(number, rule): (usize, &AllowRule)| {
        vec![ButtonData::RevokeRule { rule: rule.id }.button(format!("✖ Revoke {number}"))]
    };
    Outgoing::formatted(text).with_buttons(numbered().take(100).map(revoke).collect())
}

/// Text that grows, with its styles.
#[derive(Default)]
struct Text {
    text: String,
    spans: Vec<Span>,
}

impl Text {
    fn line(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    fn styled(&mut self, line: &str, style: Style) {
        self.line("");
        let start = self.text.len();
        self.text.push_str(line);
        self.spans.push(Span {
            start,
            end: self.text.len(),
            style,
        });
    }

    fn append(&mut self, other: Self) {
        self.line("");
        let offset = self.text.len();
        self.text.push_str(&other.text);
        self.spans.extend(other.spans.into_iter().map(|span| Span {
            start: span.start + offset,
            end: span.end + offset,
            style: span.style,
        }));
    }

    /// An argument: short ones behind their name, those of several lines below it, each line
    /// marked, so that no line of theirs can pass for one of the card.
    fn argument(&mut self, name: &str, value: &Value) {
        let shown = match value {
            Value::String(text) if is_plain(text) => text.clone(),
            other => other.to_string(),
        };
        let name = format!("• {}", visible_line(name));
        if !shown.contains('\n') {
            let head = format!("{name}: ");
            self.line(&head);
            let start = self.text.len();
            self.text.push_str(&visible(&shown));
            self.span(start, Style::Code);
            return;
        }
        self.line(&format!("{name}:"));
        self.line("");
        let start = self.text.len();
        let lines: Vec<String> = visible(&shown)
            .split('\n')
            .map(|line| format!("│ {line}"))
            .collect();
        self.text.push_str(&lines.join("\n"));
        self.span(start, Style::Pre { language: None });
    }

    fn span(&mut self, start: usize, style: Style) {
        if start < self.text.len() {
            let end = self.text.len();
            self.spans.push(Span { start, end, style });
        }
    }

    /// Legal for every channel.
    fn finish(self) -> FormattedText {
        let text = FormattedText {
            text: self.text,
            spans: self.spans,
        };
        let whole = markup::whole(&text).unwrap_or(text);
        // Who presses must not be led elsewhere by what others wrote, nor carry something there.
        markup::without_unknown_links(&whole, |_| false)
    }
}

/// Whether a text can be shown without quotes: one sees where it begins and where it ends. Lines
/// are marked one by one.
fn is_plain(text: &str) -> bool {
    text.contains('\n') || (!text.is_empty() && text.trim() == text)
}

#[cfg(test)]
mod tests;
