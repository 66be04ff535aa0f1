//! Which messages of a group are for the bot, and how its own name is taken off them.

use serde_json::Value;

use super::channel::BotIdentity;
use super::config::GroupMode;
use super::envelope::shown_name;
use crate::core::message::QuotedAuthor;

/// For whom a message of a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressee {
    /// The bot, by mention, reply or command.
    Bot,
    /// Another bot: a command says so.
    OtherBot,
    /// Nobody in particular.
    Everybody,
}

/// For whom a raw message is. A forwarded message speaks to those its author had in mind.
pub(super) fn addressee(message: &Value, bot: &BotIdentity) -> Addressee {
    if replies_to(message, bot) {
        return Addressee::Bot;
    }
    if !message["forward_origin"].is_null() || !message["forward_date"].is_null() {
        return Addressee::Everybody;
    }
    let text = message["text"]
        .as_str()
        .or_else(|| message["caption"].as_str())
        .unwrap_or_default();
    match command_recipient(text) {
        Some(Some(name)) if !name.eq_ignore_ascii_case(&bot.username) => Addressee::OtherBot,
        Some(_) => Addressee::Bot,
        None if mentions(message, text, bot) => Addressee::Bot,
        None => Addressee::Everybody,
    }
}

/// Whether a group's message is for the bot.
pub(super) fn is_meant(addressee: Addressee, mode: GroupMode) -> bool {
    match addressee {
        Addressee::Bot => true,
        Addressee::OtherBot => false,
        Addressee::Everybody => mode == GroupMode::All,
    }
}

/// The text without the bot's name before or behind it; a name alone stays.
pub(super) fn without_mention(text: &str, bot: &BotIdentity) -> String {
    let name = format!("@{}", bot.username);
    let mut rest = text.trim();
    if find_name(rest, &name) == Some(0) {
        rest = rest[name.len()..]
            .trim_start_matches([',', ':'])
            .trim_start();
    }
    if let Some(start) = rest.len().checked_sub(name.len())
        && rest.is_char_boundary(start)
        && find_name(&rest[start..], &name) == Some(0)
        && !rest[..start].ends_with(is_name_character)
    {
        rest = rest[..start].trim_end().trim_end_matches(',');
    }
    if rest.is_empty() {
        text.to_owned()
    } else {
        rest.to_owned()
    }
}

/// A reply to the bot. The first message of a topic is what all others in it reply to.
fn replies_to(message: &Value, bot: &BotIdentity) -> bool {
    let replied = &message["reply_to_message"];
    replied["from"]["id"].as_i64() == Some(bot.id) && replied["forum_topic_created"].is_null()
}

/// Whose words a message repeats that replies to another one. What the author of that one forwarded
/// is not theirs.
pub(super) fn quoted_author(message: &Value, bot: &BotIdentity) -> QuotedAuthor {
    let replied = &message["reply_to_message"];
    // The bot's own words also come back passed on, and from other chats.
    for origin in [
        &replied["forward_origin"],
        &message["external_reply"]["origin"],
    ] {
        if origin_author(origin, bot) == QuotedAuthor::Bot {
            return QuotedAuthor::Bot;
        }
    }
    let author = replied["from"]["id"].as_i64();
    let is_passed_on = replied.as_object().is_none_or(|fields| {
        let of_others = |name: &String| {
            name.starts_with("forward_")
                || name == "via_bot"
                || COMPOSED.iter().any(|(composed, _)| name == composed)
        };
        fields.keys().any(of_others) || !replied["sender_chat"].is_null()
    });
    match author.filter(|_| !is_passed_on) {
        Some(id) if id == bot.id => QuotedAuthor::Bot,
        Some(id) if Some(id) == message["from"]["id"].as_i64() => QuotedAuthor::Person,
        _ => QuotedAuthor::Other,
    }
}

/// Whose words a message of this origin repeats: the bot's, or nobody knows whose.
pub(super) fn origin_author(origin: &Value, bot: &BotIdentity) -> QuotedAuthor {
    match origin["sender_user"]["id"].as_i64() {
        Some(id) if id == bot.id => QuotedAuthor::Bot,
        _ => QuotedAuthor::Other,
    }
}

/// Fields that somebody else has filled in, and what such a message is.
const COMPOSED: [(&str, &str); 2] = [("contact", "a contact card"), ("venue", "a place on a map")];

/// Who has put a message together that its sender only chose: another bot, or whoever filled in a contact or a
/// place.
pub(super) fn composer(message: &Value, bot: &BotIdentity) -> Option<String> {
    let by = &message["via_bot"];
    if !by.is_null() && by["id"].as_i64() != Some(bot.id) {
        return Some(shown_name(by));
    }
    let composed = COMPOSED.iter().find(|(name, _)| !message[*name].is_null());
    composed.map(|(_, words)| (*words).to_owned())
}

fn mentions(message: &Value, text: &str, bot: &BotIdentity) -> bool {
    let entities = message["entities"]
        .as_array()
        .or_else(|| message["caption_entities"].as_array());
    let by_id = |entity: &Value| entity["user"]["id"].as_i64() == Some(bot.id);
    find_name(text, &format!("@{}", bot.username)).is_some()
        || entities.is_some_and(|entities| entities.iter().any(by_id))
}

/// `Some` for a command, with the bot that it names.
fn command_recipient(text: &str) -> Option<Option<&str>> {
    let head = text
        .trim_start()
        .strip_prefix('/')?
        .split(char::is_whitespace)
        .next()?;
    let (name, recipient) = match head.split_once('@') {
        Some((name, recipient)) => (name, Some(recipient)),
        None => (head, None),
    };
    let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then_some(recipient)
}

/// Where `name` (with its `@`) stands as a word of its own, in any letter case.
fn find_name(text: &str, name: &str) -> Option<usize> {
    let (haystack, needle) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    haystack
        .match_indices(&needle)
        .map(|(start, _)| start)
        .find(|start| {
            !haystack[..*start].ends_with(is_name_character)
                && !haystack[start + needle.len()..].starts_with(is_name_character)
        })
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '@'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bot() -> BotIdentity {
        BotIdentity {
            id: 99,
            username: "MiniBot".to_owned(),
        }
    }

    #[test]
    fn messages_say_for_whom_they_are() {
        let cases = [
            (json!({"text": "hello all"}), Addressee::Everybody),
            (json!({"text": "@minibot hello"}), Addressee::Bot),
            (json!({"text": "hello, @MINIBOT!"}), Addressee::Bot),
            (
                json!({"caption": "look @minibot", "photo": []}),
                Addressee::Bot,
            ),
            (json!({"text": "@minibot2 hello"}), Addressee::Everybody),
            (json!({"text": "me@minibot.example"}), Addressee::Everybody),
            (json!({"text": "/help"}), Addressee::Bot),
            (json!({"text": "/help@minibot now"}), Addressee::Bot),
            (
                json!({"text": "/help@otherbot @minibot"}),
                Addressee::OtherBot,
            ),
            (json!({"text": "/ 2"}), Addressee::Everybody),
            (json!({"text": "/usr/bin is full"}), Addressee::Everybody),
            (
                json!({"text": "Mini: hi", "entities": [
                {"type": "text_mention", "offset": 0, "length": 4, "user": {"id": 99}}]}),
                Addressee::Bot,
            ),
            (
                json!({"text": "yes", "reply_to_message": {"from": {"id": 99}}}),
                Addressee::Bot,
            ),
            (
                json!({"text": "yes", "reply_to_message": {"from": {"id": 7}}}),
                Addressee::Everybody,
            ),
            (
                json!({"text": "yes", "reply_to_message":
                {"from": {"id": 99}, "forum_topic_created": {"name": "x"}}}),
                Addressee::Everybody,
            ),
            (
                json!({"text": "/new @minibot", "forward_origin": {"type": "user"}}),
                Addressee::Everybody,
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(addressee(&message, &bot()), expected, "{message}");
        }
    }

    #[test]
    fn the_name_is_taken_off_both_ends() {
        let cases = [
            ("@minibot what is 2+2?", "what is 2+2?"),
            ("@MiniBot, remind me", "remind me"),
            ("@minibot: hi", "hi"),
            ("remind me, @minibot", "remind me"),
            ("what does @minibot do?", "what does @minibot do?"),
            ("@minibot", "@minibot"),
            ("@minibot /new", "/new"),
            ("@minibot2 hi", "@minibot2 hi"),
            ("write to me@minibot", "write to me@minibot"),
            ("é", "é"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_mention(text, &bot()), expected);
        }
    }
}
