//! The check of a message's `entities`: places in UTF-16 units, kinds and nesting.
//!
//! Stricter than the real server, which silently drops, cuts or splits what does not fit: the fake
//! refuses it, so that a test notices. Nesting follows the Bot API ("Formatting options") and
//! what the server does: styles nest in everything but `code` and `pre`, quotes do not nest in
//! quotes but may hold `code`, `pre` and links, and all others do not contain each other.

use serde_json::Value;

use super::refusal::Refusal;

/// The server refuses more than this many in one message.
const MAX_ENTITIES: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Style,
    Code,
    Quote,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    family: Family,
    start: usize,
    end: usize,
}

/// Refuses entities that are malformed or do not fit `text`.
pub fn check(text: &str, entities: &[Value]) -> Result<(), Refusal> {
    if entities.len() > MAX_ENTITIES {
        return Err(Refusal::entities(format!(
            "more than {MAX_ENTITIES} entities"
        )));
    }
    let borders = borders(text);
    let mut spans = Vec::with_capacity(entities.len());
    for (index, entity) in entities.iter().enumerate() {
        let span = span(entity, &borders)
            .map_err(|reason| Refusal::entities(format!("entity {index}: {reason}")))?;
        spans.push(span);
    }
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    check_nesting(&spans)
}

/// The offsets, in UTF-16 units, at which a character begins, and the text's end.
fn borders(text: &str) -> Vec<usize> {
    let mut borders = vec![0];
    let mut offset = 0;
    for character in text.chars() {
        offset += character.len_utf16();
        borders.push(offset);
    }
    borders
}

fn span(entity: &Value, borders: &[usize]) -> Result<Span, String> {
    let fields = entity.as_object().ok_or("it is not an object")?;
    let kind = fields
        .get("type")
        .and_then(Value::as_str)
        .ok_or("type is missing")?;
    let place = |name: &str| -> Result<usize, String> {
        let number = fields.get(name).and_then(Value::as_u64);
        let number = number.ok_or(format!("{name} must be a number of UTF-16 units"))?;
        usize::try_from(number).map_err(|_| format!("{name} is out of range"))
    };
    let (start, length) = (place("offset")?, place("length")?);
    if length == 0 {
        return Err("it is empty".into());
    }
    let end = start
        .checked_add(length)
        .ok_or("it ends after the end of the text")?;
    let text_end = borders.last().copied().unwrap_or_default();
    if end > text_end {
        return Err(format!(
            "it ends at {end}, after the end of the text at {text_end}"
        ));
    }
    for border in [start, end] {
        if borders.binary_search(&border).is_err() {
            return Err(format!(
                "UTF-16 offset {border} is in the middle of a symbol"
            ));
        }
    }
    check_fields(kind, entity)?;
    let family = family(kind).ok_or(format!("unknown type \"{kind}\""))?;
    Ok(Span { family, start, end })
}

fn family(kind: &str) -> Option<Family> {
    Some(match kind {
        "bold" | "italic" | "underline" | "strikethrough" | "spoiler" => Family::Style,
        "code" | "pre" => Family::Code,
        "blockquote" | "expandable_blockquote" => Family::Quote,
        "text_link" | "text_mention" | "custom_emoji" | "mention" | "hashtag" | "cashtag"
        | "bot_command" | "url" | "email" | "phone_number" => Family::Other,
        _ => return None,
    })
}

fn check_fields(kind: &str, entity: &Value) -> Result<(), String> {
    let text = |name: &str| entity.get(name).and_then(Value::as_str).unwrap_or_default();
    match kind {
        "text_link" if !is_link(text("url")) => Err(format!(
            "text_link needs a valid url, not \"{}\"",
            text("url")
        )),
        "text_mention" if entity["user"]["id"].as_i64().is_none() => {
            Err("text_mention needs a user".into())
        }
        "custom_emoji" if text("custom_emoji_id").parse::<u64>().is_err() => {
            Err("custom_emoji needs a custom_emoji_id".into())
        }
        "pre" => match entity.get("language") {
            None | Some(Value::Null | Value::String(_)) => Ok(()),
            Some(_) => Err("language must be a string".into()),
        },
        _ => Ok(()),
    }
}

/// What Telegram makes a link of: http, https, ton, tg, and mail or phone addresses.
pub fn is_link(target: &str) -> bool {
    let Ok(parsed) = url::Url::parse(target) else {
        return false;
    };
    match parsed.scheme() {
        "http" | "https" | "ton" => parsed.host_str().is_some_and(|host| !host.is_empty()),
        "tg" | "mailto" | "tel" => true,
        _ => false,
    }
}

fn check_nesting(spans: &[Span]) -> Result<(), Refusal> {
    let mut open: Vec<Span> = Vec::new();
    for span in spans {
        open.retain(|outer| outer.end > span.start);
        for outer in &open {
            if span.end > outer.end {
                return Err(Refusal::entities(format!(
                    "the entities at {} and {} intersect",
                    outer.start, span.start
                )));
            }
            // Of two entities over the same text either may be the outer one.
            let same = outer.start == span.start && outer.end == span.end;
            let nests = may_contain(outer.family, span.family)
                || same && may_contain(span.family, outer.family);
            if !nests {
                return Err(Refusal::entities(format!(
                    "{:?} at {} can't contain {:?} at {}",
                    outer.family, outer.start, span.family, span.start
                )));
            }
        }
        open.push(*span);
    }
    Ok(())
}

fn may_contain(outer: Family, inner: Family) -> bool {
    match (outer, inner) {
        (Family::Code, _) | (Family::Quote, Family::Quote) => false,
        (Family::Quote, _) | (Family::Style, Family::Style | Family::Quote | Family::Other) => true,
        (Family::Other, inner) => inner == Family::Style,
        (Family::Style, Family::Code) => false,
    }
}
