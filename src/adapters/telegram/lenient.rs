//! The words of a message that the types do not know: better a message without its frills than no answer.

use serde_json::Value;

use super::attachments::attachments;
use super::envelope::shown_name;
use super::media::with_name;
use crate::core::ids::{AlbumId, MessageId};
use crate::core::message::{Message, Quote, QuotedAuthor};

/// Reads what can be read of a raw message; `None` when it has neither words nor an attachment. What
/// is attached is not read here.
pub(super) fn message(raw: &Value) -> Option<Message> {
    if attachments(raw).is_empty() && words(raw).is_none() {
        return None;
    }
    Some(Message {
        id: raw["message_id"]
            .as_i64()
            .map(|id| MessageId::new(id.to_string())),
        text: words(raw).unwrap_or_default().to_owned(),
        quote: quote(raw),
        forwarded_from: forwarded_from(raw),
        forwarded_by: QuotedAuthor::Other,
        album: raw["media_group_id"].as_str().map(AlbumId::new),
        attachments: Vec::new(),
    })
}

/// What is attached, in words.
fn attached(raw: &Value) -> Option<String> {
    let attached = attachments(raw).into_iter().next()?;
    Some(with_name(
        attached.kind.describe(),
        attached.name.as_deref(),
    ))
}

fn words(raw: &Value) -> Option<&str> {
    raw["text"].as_str().or_else(|| raw["caption"].as_str())
}

fn quote(raw: &Value) -> Option<Quote> {
    let replied = &raw["reply_to_message"];
    let marked = raw["quote"]["text"]
        .as_str()
        .or_else(|| words(replied))
        .map(str::to_owned);
    let text = marked.or_else(|| Some(format!("[{}]", attached(replied)?)))?;
    let author = if replied.is_null() {
        &raw["external_reply"]["origin"]
    } else {
        &replied["from"]
    };
    Some(Quote {
        author: origin_name(author),
        text: text.to_owned(),
        by: QuotedAuthor::Other,
        message: replied["message_id"]
            .as_i64()
            .map(|id| MessageId::new(id.to_string())),
        attachments: Vec::new(),
    })
}

/// Whatever its origin looks like, a forwarded text must not pass for the sender's own.
fn forwarded_from(raw: &Value) -> Option<String> {
    let fields = raw.as_object()?;
    let forwarded = fields.keys().any(|name| name.starts_with("forward_"));
    forwarded.then(|| origin_name(&raw["forward_origin"]))
}

fn origin_name(raw: &Value) -> String {
    if let Some(name) = raw["sender_user_name"].as_str() {
        return name.to_owned();
    }
    let named = ["sender_user", "sender_chat", "chat"].map(|name| &raw[name]);
    shown_name(
        named
            .into_iter()
            .find(|origin| origin.is_object())
            .unwrap_or(raw),
    )
}
