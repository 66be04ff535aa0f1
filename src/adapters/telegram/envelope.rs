//! The outside of a raw update: its kind and its ids. What decides about access is read here, before anything is parsed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::CHANNEL;
use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::ids::{ChannelName, ChatId, MessageId, ThreadId, UserId};

/// The kinds of update that the bot asks for (Bot API, `allowed_updates`).
pub(super) const ASKED_FOR: [&str; 4] = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
];

/// The kind of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    EditedMessage,
    CallbackQuery,
    MyChatMember,
    /// One that nobody asked for.
    Other,
}

/// A raw update, opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub id: i64,
    pub kind: Kind,
    /// The name of the kind, as the Bot API writes it.
    pub name: &'a str,
    body: &'a Value,
}

impl<'a> Envelope<'a> {
    /// `None` for what is no update: it has no number to tell it by.
    pub(super) fn open(update: &'a Value) -> Option<Self> {
        let fields = update.as_object()?;
        let id = fields.get("update_id")?.as_i64()?;
        let known = ASKED_FOR
            .iter()
            .find_map(|name| fields.get_key_value(*name));
        let other = || fields.iter().find(|(name, _)| *name != "update_id");
        let (name, body) = known
            .or_else(other)
            .map_or(("unknown", &Value::Null), |(name, body)| (name, body));
        let kind = match name {
            "message" => Kind::Message,
            "edited_message" => Kind::EditedMessage,
            "callback_query" => Kind::CallbackQuery,
            "my_chat_member" => Kind::MyChatMember,
            _ => Kind::Other,
        };
        Some(Self {
            id,
            kind,
            name,
            body,
        })
    }

    /// The object below the kind's name.
    pub(super) fn body(&self) -> &'a Value {
        self.body
    }

    /// The message itself, or the one with the button.
    pub(super) fn message(&self) -> &'a Value {
        match self.kind {
            Kind::CallbackQuery => &self.body["message"],
            _ => self.body,
        }
    }

    pub(super) fn chat_id(&self) -> Option<i64> {
        self.chat()["id"].as_i64()
    }

    pub(super) fn user_id(&self) -> Option<i64> {
        self.body["from"]["id"].as_i64()
    }

    pub(super) fn is_channel(&self) -> bool {
        self.chat()["type"] == "channel"
    }

    /// Another bot's message: answering it could go on for ever. People who write in the name of a
    /// chat also come as a bot, and with that chat.
    pub(super) fn is_from_bot(&self) -> bool {
        self.body["from"]["is_bot"] == true && self.body["sender_chat"].is_null()
    }

    pub(super) fn chat_kind(&self) -> ChatKind {
        if self.chat()["type"] == "private" {
            ChatKind::Private
        } else {
            ChatKind::Group
        }
    }

    /// The chat and its topic. `message_thread_id` alone does not make a topic: replies in groups
    /// without topics have one as well, and so have those in the general topic, which is the chat itself.
    pub(super) fn target(&self, chat: i64) -> ChatTarget {
        let message = self.message();
        let thread = (message["is_topic_message"] == true)
            .then(|| message["message_thread_id"].as_i64())
            .flatten();
        ChatTarget {
            channel: ChannelName::new(CHANNEL),
            chat: ChatId::new(chat.to_string()),
            thread: thread.map(|id| ThreadId::new(id.to_string())),
        }
    }

    pub(super) fn sender(&self, user: i64) -> Sender {
        let in_the_name_of = &self.body["sender_chat"];
        let person = if in_the_name_of.is_null() {
            &self.body["from"]
        } else {
            in_the_name_of
        };
        Sender {
            user: UserId::new(user.to_string()),
            name: shown_name(person),
        }
    }

    pub(super) fn message_id(&self) -> Option<MessageId> {
        self.message()["message_id"]
            .as_i64()
            .map(|id| MessageId::new(id.to_string()))
    }

    /// When it was written or edited; a press does not say when.
    pub(super) fn sent_at(&self) -> Option<DateTime<Utc>> {
        let stamp = self.body["edit_date"]
            .as_i64()
            .or_else(|| self.body["date"].as_i64())?;
        DateTime::from_timestamp(stamp, 0)
    }

    fn chat(&self) -> &'a Value {
        &self.message()["chat"]
    }
}

/// The topic to name.
pub(super) fn topic(target: &ChatTarget) -> Option<i64> {
    target.thread.as_ref()?.as_str().parse().ok()
}

/// The name that a raw user or chat shows.
pub(super) fn shown_name(raw: &Value) -> String {
    let part = |name: &str| raw[name].as_str().unwrap_or_default();
    let name = match part("title") {
        "" => format!("{} {}", part("first_name"), part("last_name")),
        title => title.to_owned(),
    };
    match (name.trim(), part("username")) {
        ("", "") => "somebody".to_owned(),
        ("", username) => username.to_owned(),
        (name, _) => name.to_owned(),
    }
}
