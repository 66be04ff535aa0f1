//! A message's text or caption on its way in: markup parsed, trimmed, measured in UTF-16 units.
//!
//! Not modelled: the real server also removes control characters and finds links and mentions.

use std::cmp::Reverse;

use serde_json::Value;

use super::params::Params;
use super::refusal::Refusal;
use super::{entities, html};

/// UTF-16 units of a text message (Bot API, sendMessage).
pub const TEXT_LIMIT: usize = 4096;
/// UTF-16 units of a caption (Bot API, sendPhoto).
pub const CAPTION_LIMIT: usize = 1024;

/// A text as Telegram keeps it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Formatted {
    pub text: String,
    pub entities: Vec<Value>,
}

/// The field `text` of a message; empty after trimming is refused.
pub fn message_text(params: &Params) -> Result<Formatted, Refusal> {
    let raw = params.text("text").unwrap_or_default();
    let formatted = format(raw, params.text("parse_mode"), params.json("entities")?)?;
    if formatted.text.is_empty() {
        return Err(Refusal::bad_request("message text is empty"));
    }
    if utf16_length(&formatted.text) > TEXT_LIMIT {
        return Err(Refusal::bad_request("message is too long"));
    }
    Ok(formatted)
}

/// The fields of a caption, which may be absent.
pub fn caption(
    raw: Option<&str>,
    parse_mode: Option<&str>,
    entities: Option<Vec<Value>>,
) -> Result<Formatted, Refusal> {
    let formatted = format(raw.unwrap_or_default(), parse_mode, entities)?;
    if utf16_length(&formatted.text) > CAPTION_LIMIT {
        return Err(Refusal::bad_request("message caption is too long"));
    }
    Ok(formatted)
}

fn format(
    raw: &str,
    parse_mode: Option<&str>,
    entities: Option<Vec<Value>>,
) -> Result<Formatted, Refusal> {
    let entities = entities.unwrap_or_default();
    let Some(parse_mode) = parse_mode else {
        entities::check(raw, &entities)?;
        return Ok(trim(raw.to_owned(), entities));
    };
    if !entities.is_empty() {
        // Stricter than the real server, which ignores the entities.
        return Err(Refusal::bad_request(
            "parse_mode and entities exclude each other",
        ));
    }
    match parse_mode.to_ascii_lowercase().as_str() {
        "html" => html::parse(raw).map(|(text, entities)| trim(text, entities)),
        "markdown" | "markdownv2" => Err(Refusal::bad_request(format!(
            "parse_mode {parse_mode} is unsupported by this fake"
        ))),
        _ => Err(Refusal::bad_request("unsupported parse_mode")),
    }
}

/// Cuts blanks at the end, and those at the start that no entity covers; puts the entities into the
/// order in which the server keeps them, so that the same content compares as the same.
fn trim(text: String, mut entities: Vec<Value>) -> Formatted {
    entities.sort_by_key(order);
    let text = text.trim_end_matches(is_blank).to_owned();
    let end = utf16_length(&text);
    let first = entities.iter().map(offset).min().unwrap_or(end);
    let cut = text
        .bytes()
        .take(first)
        .take_while(|byte| b" \n".contains(byte))
        .count();
    let entities = entities
        .into_iter()
        .filter(|entity| offset(entity) < end)
        .map(|mut entity| {
            let length = entity["length"].as_u64().unwrap_or_default();
            let room = (end - offset(&entity)) as u64;
            entity["length"] = length.min(room).into();
            entity["offset"] = (offset(&entity) - cut).into();
            entity
        })
        .collect();
    Formatted {
        text: text[cut..].to_owned(),
        entities,
    }
}

fn offset(entity: &Value) -> usize {
    entity["offset"]
        .as_u64()
        .and_then(|offset| usize::try_from(offset).ok())
        .unwrap_or_default()
}

/// By place, the longer first; over the same text quotes come first and styles last.
fn order(entity: &Value) -> (usize, Reverse<Option<u64>>, usize) {
    const RANKS: [&str; 9] = [
        "expandable_blockquote",
        "blockquote",
        "pre",
        "code",
        "text_link",
        "bold",
        "italic",
        "underline",
        "strikethrough",
    ];
    let rank = RANKS.iter().position(|kind| entity["type"] == **kind);
    (
        offset(entity),
        Reverse(entity["length"].as_u64()),
        rank.unwrap_or(RANKS.len()),
    )
}

/// White space and the characters that Telegram shows as nothing.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{FEFF}' | '\u{FFFC}'
        )
}

pub fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
