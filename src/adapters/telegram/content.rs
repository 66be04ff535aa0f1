//! A typed message of Telegram, as the message that `core` knows.

use serde_json::Value;
use teloxide_core::types::{
    Message as Original, MessageEntity, MessageKind, MessageOrigin, Update, UpdateKind,
};

use super::media::{Media, with_links};
use crate::core::ids::{AlbumId, MessageId};
use crate::core::message::{Message, Quote, QuotedAuthor};

/// What a typed message turned out to be.
#[derive(Debug)]
pub(super) enum Content {
    /// A message.
    Message(Box<Message>),
    /// Something that happened in the chat.
    Service,
}

/// Reads the message of an update, through the types. `None` when they do not know it.
pub(super) fn typed(update: &Value) -> Option<Content> {
    let text = without_unknown_entities(update).to_string();
    // Deserializing from a `Value` never finds the kind: teloxide asks for borrowed keys.
    let update: Update = serde_json::from_str(&text).ok()?;
    match update.kind {
        UpdateKind::Message(message) | UpdateKind::EditedMessage(message) => read(&message),
        _ => None,
    }
}

fn read(original: &Original) -> Option<Content> {
    let mut message = Message {
        id: Some(MessageId::new(original.id.0.to_string())),
        quote: quote(original),
        forwarded_from: original.forward_origin().map(author),
        album: original
            .media_group_id()
            .map(|id| AlbumId::new(id.0.clone())),
        ..Message::default()
    };
    match Media::of(original) {
        Media::Text(text) => message.text = text,
        // What it is is read from the raw message.
        Media::Attached(_) => message.text = caption(original),
        Media::Service => return Some(Content::Service),
        Media::Unknown => return None,
    }
    Some(Content::Message(Box::new(message)))
}

fn caption(original: &Original) -> String {
    original.caption().map_or_else(String::new, |caption| {
        with_links(caption, original.caption_entities().unwrap_or_default())
    })
}

/// The message that is replied to: the part that the person marked, or all of it.
fn quote(original: &Original) -> Option<Quote> {
    let MessageKind::Common(common) = &original.kind else {
        return None;
    };
    let marked = common.quote.as_ref().map(|quote| quote.text.clone());
    if let Some(replied) = &common.reply_to_message {
        let text = marked.or_else(|| whole_text(replied))?;
        return Some(Quote {
            author: writer(replied),
            text,
            by: QuotedAuthor::Other,
            message: Some(MessageId::new(replied.id.0.to_string())),
            attachments: Vec::new(),
        });
    }
    let elsewhere = common.external_reply.as_ref()?;
    Some(Quote {
        author: author(&elsewhere.origin),
        text: marked.unwrap_or_default(),
        by: QuotedAuthor::Other,
        message: None,
        attachments: Vec::new(),
    })
}

/// `None` for what is no message, such as the start of a topic, to which all of it replies.
fn whole_text(replied: &Original) -> Option<String> {
    match (replied.caption(), Media::of(replied)) {
        (Some(caption), _) => Some(caption.to_owned()),
        (None, Media::Text(text)) => Some(text),
        (None, Media::Attached(words)) => Some(format!("[{words}]")),
        (None, Media::Unknown) => Some(String::new()),
        (None, Media::Service) => None,
    }
}

fn writer(message: &Original) -> String {
    let chat = message.sender_chat.as_ref().and_then(|chat| chat.title());
    let person = || message.from.as_ref().map(|user| user.full_name());
    chat.map(str::to_owned)
        .or_else(person)
        .unwrap_or_else(|| "somebody".to_owned())
}

fn author(origin: &MessageOrigin) -> String {
    let (chat, signature) = match origin {
        MessageOrigin::User { sender_user, .. } => return sender_user.full_name(),
        MessageOrigin::HiddenUser {
            sender_user_name, ..
        } => return sender_user_name.clone(),
        MessageOrigin::Chat {
            sender_chat,
            author_signature,
            ..
        } => (sender_chat, author_signature),
        MessageOrigin::Channel {
            chat,
            author_signature,
            ..
        } => (chat, author_signature),
    };
    let name = chat.title().or_else(|| chat.username()).unwrap_or("a chat");
    match signature {
        Some(signature) => format!("{name} ({signature})"),
        None => name.to_owned(),
    }
}

/// One entity of an unknown type would empty the whole message: such entities are left out.
fn without_unknown_entities(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| match field {
                    Value::Array(entities) if name.ends_with("entities") => (
                        name.clone(),
                        entities
                            .iter()
                            .filter(|one| is_known(one))
                            .cloned()
                            .collect(),
                    ),
                    _ => (name.clone(), without_unknown_entities(field)),
                })
                .collect(),
        ),
        Value::Array(values) => values.iter().map(without_unknown_entities).collect(),
        _ => value.clone(),
    }
}

fn is_known(entity: &Value) -> bool {
    serde_json::from_str::<MessageEntity>(&entity.to_string()).is_ok()
}
