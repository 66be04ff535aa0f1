//! What is sent, in the Bot API's form. Styles go as entities, never as markup to be parsed.

use reqwest::multipart::{Form, Part};
use teloxide_core::payloads::{EditMessageText, SendMessage};
use teloxide_core::types::{
    ChatId, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity,
    MessageEntityKind, MessageId, ReplyMarkup, ReplyParameters, ThreadId,
};
use url::Url;

use super::envelope::topic;
use crate::core::channel::{ChatTarget, DeliveryError};
use crate::core::ids;
use crate::core::markup::{FormattedText, Style, fitted, utf16_spans};
use crate::core::outbox::Button;

/// `sendMessage`.
pub(super) fn send_message(
    target: &ChatTarget,
    text: &FormattedText,
    buttons: &[Vec<Button>],
    reply_to: Option<&ids::MessageId>,
) -> Result<SendMessage, DeliveryError> {
    let (text, styles) = body(text);
    let mut payload = SendMessage::new(ChatId(chat_id(target)?), text);
    payload.message_thread_id = thread(target);
    payload.entities = Some(styles).filter(|entities| !entities.is_empty());
    payload.link_preview_options = Some(no_preview());
    payload.reply_parameters = reply_to.map(reply_parameters).transpose()?;
    payload.reply_markup = keyboard(buttons).map(ReplyMarkup::InlineKeyboard);
    Ok(payload)
}

/// `editMessageText`. Buttons that are not named again go away.
pub(super) fn edit_message_text(
    target: &ChatTarget,
    message: &ids::MessageId,
    text: &FormattedText,
    buttons: &[Vec<Button>],
) -> Result<EditMessageText, DeliveryError> {
    let chat = ChatId(chat_id(target)?);
    let (text, styles) = body(text);
    let mut payload = EditMessageText::new(chat, message_id(message)?, text);
    payload.entities = Some(styles).filter(|entities| !entities.is_empty());
    payload.link_preview_options = Some(no_preview());
    payload.reply_markup = keyboard(buttons);
    Ok(payload)
}

/// `sendDocument` with a text file.
pub(super) fn send_document(
    target: &ChatTarget,
    file: (&str, &str),
    caption: &FormattedText,
    reply_to: Option<&ids::MessageId>,
) -> Result<Form, DeliveryError> {
    let (name, content) = file;
    let refused = |error: &dyn std::fmt::Display| DeliveryError::Refused(error.to_string());
    let json = |value: serde_json::Result<String>| value.map_err(|error| refused(&error));
    let part = Part::text(content.to_owned())
        .file_name(name.to_owned())
        .mime_str("text/plain; charset=utf-8")
        .map_err(|error| refused(&error))?;
    let mut form = addressed(target, reply_to)?.part("document", part);
    if !caption.text.is_empty() {
        let (caption, styles) = body(caption);
        let styles = json(serde_json::to_string(&styles))?;
        form = form
            .text("caption", caption)
            .text("caption_entities", styles);
    }
    Ok(form)
}

/// The beginning of every form: where it goes, and what it answers.
pub(super) fn addressed(
    target: &ChatTarget,
    reply_to: Option<&ids::MessageId>,
) -> Result<Form, DeliveryError> {
    let mut form = Form::new().text("chat_id", chat_id(target)?.to_string());
    if let Some(thread) = topic(target) {
        form = form.text("message_thread_id", thread.to_string());
    }
    if let Some(message) = reply_to {
        let parameters = serde_json::to_string(&reply_parameters(message)?)
            .map_err(|error| DeliveryError::Refused(error.to_string()))?;
        form = form.text("reply_parameters", parameters);
    }
    Ok(form)
}

/// The chat's number. A target of another channel has none.
pub(super) fn chat_id(target: &ChatTarget) -> Result<i64, DeliveryError> {
    let id = target.chat.as_str();
    id.parse()
        .map_err(|_| DeliveryError::Refused(format!("{id} is no Telegram chat")))
}

fn message_id(message: &ids::MessageId) -> Result<MessageId, DeliveryError> {
    let id = message.as_str();
    let number = id.parse();
    number
        .map(MessageId)
        .map_err(|_| DeliveryError::Refused(format!("{id} is no Telegram message")))
}

fn thread(target: &ChatTarget) -> Option<ThreadId> {
    let id = i32::try_from(topic(target)?).ok()?;
    Some(ThreadId(MessageId(id)))
}

/// A preview makes Telegram fetch the address: a way out for data that nobody sees.
fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

/// An answer to a message that is gone is still an answer.
fn reply_parameters(message: &ids::MessageId) -> Result<ReplyParameters, DeliveryError> {
    Ok(ReplyParameters {
        message_id: message_id(message)?,
        allow_sending_without_reply: Some(true),
        ..ReplyParameters::default()
    })
}

fn keyboard(buttons: &[Vec<Button>]) -> Option<InlineKeyboardMarkup> {
    let button =
        |button: &Button| InlineKeyboardButton::callback(button.label.clone(), button.data.clone());
    let rows = buttons
        .iter()
        .map(|row| row.iter().map(button).collect::<Vec<_>>());
    (!buttons.is_empty()).then(|| InlineKeyboardMarkup::new(rows))
}

/// A text in the form of the Bot API: the server cuts off what it has too many of.
pub(super) fn body(text: &FormattedText) -> (String, Vec<MessageEntity>) {
    let text = fitted(text);
    let entity = |(offset, length, style)| {
        Some(MessageEntity {
            kind: entity_kind(style)?,
            offset,
            length,
        })
    };
    let entities = utf16_spans(&text).into_iter().filter_map(entity).collect();
    (text.text, entities)
}

fn entity_kind(style: &Style) -> Option<MessageEntityKind> {
    Some(match style {
        Style::Bold => MessageEntityKind::Bold,
        Style::Italic => MessageEntityKind::Italic,
        Style::Underline => MessageEntityKind::Underline,
        Style::Strikethrough => MessageEntityKind::Strikethrough,
        Style::Spoiler => MessageEntityKind::Spoiler,
        Style::Code => MessageEntityKind::Code,
        Style::Pre { language } => MessageEntityKind::Pre {
            language: language.clone(),
        },
        Style::Link { url } => MessageEntityKind::TextLink {
            url: Url::parse(url).ok()?,
        },
        Style::Quote => MessageEntityKind::Blockquote,
    })
}
