//! A raw update, as the arrival that the inbox stores. Access is decided before anything of it is read.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::access::Access;
use super::addressing::{
    Addressee, addressee, composer, is_meant, origin_author, quoted_author, without_mention,
};
use super::attachments::attachments;
use super::channel::BotIdentity;
use super::config::GroupMode;
use super::content::{Content, typed};
use super::envelope::{Envelope, Kind};
use super::lenient;
use super::settings::TelegramSettings;
use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::inbox::{Arrival, Arrived};
use crate::core::message::{Incoming, IncomingContent, Message, Press};
use crate::core::outbox::{NewOutbox, Outgoing};

/// Reads the updates of one bot.
#[derive(Debug, Clone)]
pub struct UpdateReader {
    bot: BotIdentity,
    access: Access,
    group_mode: GroupMode,
}

impl UpdateReader {
    /// A reader for the updates of `bot`.
    pub fn new(bot: BotIdentity, settings: &TelegramSettings) -> Self {
        Self {
            bot,
            access: settings.access.clone(),
            group_mode: settings.group_mode,
        }
    }

    /// Reads an update that was received at `now`. `None` for what has no update id: it can
    /// neither be stored nor confirmed.
    pub fn read(&self, update: &Value, now: DateTime<Utc>) -> Option<Arrival> {
        let envelope = Envelope::open(update)?;
        Some(Arrival {
            source: format!("telegram:{}", self.bot.id),
            external_id: envelope.id,
            kind: envelope.name.to_owned(),
            content: self.content(&envelope, update, now),
        })
    }

    fn content(&self, envelope: &Envelope<'_>, update: &Value, now: DateTime<Utc>) -> Arrived {
        if envelope.kind == Kind::Other || envelope.is_channel() || envelope.is_from_bot() {
            return Arrived::Ignored { raw: None };
        }
        let (chat, user) = (envelope.chat_id(), envelope.user_id());
        let admitted = self.access.admits(chat, user);
        let (Some(chat), Some(user)) = (chat, user) else {
            // Without ids a stranger looks like this too: nothing is kept unless it is let in.
            let raw = if admitted {
                update.clone()
            } else {
                json!({ "update_id": envelope.id })
            };
            return unreadable(&raw, "the chat or the person is missing");
        };
        let (target, sender) = (envelope.target(chat), envelope.sender(user));
        if !admitted {
            let notice = self.notice(envelope, &target, &sender, now);
            return Arrived::Stranger {
                target,
                sender,
                notice: notice.map(Box::new),
            };
        }
        let (content, is_meant) = match self.welcome(envelope, update) {
            Reading::Welcome(content) => (content, true),
            Reading::Perhaps(content) => (content, false),
            Reading::Other(arrived) => return arrived,
        };
        let sent_at = envelope.sent_at().unwrap_or(now);
        let chat_kind = envelope.chat_kind();
        let incoming = Box::new(Incoming {
            target,
            chat_kind,
            sender,
            sent_at,
            content,
        });
        let raw = update.to_string();
        if is_meant {
            Arrived::Welcome { raw, incoming }
        } else {
            Arrived::Held { raw, incoming }
        }
    }

    fn welcome(&self, envelope: &Envelope<'_>, update: &Value) -> Reading {
        match envelope.kind {
            Kind::Message | Kind::EditedMessage => self.message(envelope, update),
            Kind::CallbackQuery => press(envelope, update),
            Kind::MyChatMember | Kind::Other => Reading::ignored(update),
        }
    }

    fn message(&self, envelope: &Envelope<'_>, update: &Value) -> Reading {
        let content = typed(update);
        if matches!(content, Some(Content::Service)) {
            return Reading::ignored(update);
        }
        let in_group = envelope.chat_kind() == ChatKind::Group;
        let addressee = addressee(envelope.body(), &self.bot);
        let is_meant = !in_group || is_meant(addressee, self.group_mode);
        // Of an album only one part has the words.
        let may_be_meant = addressee == Addressee::Everybody
            && envelope.kind == Kind::Message
            && envelope.body()["media_group_id"].is_string();
        if !is_meant && !may_be_meant {
            return Reading::Other(Arrived::Ignored { raw: None });
        }
        let message = match content {
            Some(Content::Message(message)) => Some(*message),
            _ => lenient::message(envelope.body()),
        };
        let Some(mut message) = message else {
            return Reading::Other(if is_meant {
                unreadable(update, "a message of an unknown kind")
            } else {
                Arrived::Ignored { raw: None }
            });
        };
        if let Some(quote) = &mut message.quote {
            quote.by = quoted_author(envelope.body(), &self.bot);
        }
        message.forwarded_by = origin_author(&envelope.body()["forward_origin"], &self.bot);
        if message.forwarded_from.is_none() {
            message.forwarded_from = composer(envelope.body(), &self.bot);
        }
        add_files(&mut message, envelope.body());
        if in_group && message.forwarded_from.is_none() {
            message.text = without_mention(&message.text, &self.bot);
        }
        match (envelope.kind, is_meant) {
            (Kind::EditedMessage, _) => Reading::Welcome(IncomingContent::Edit(message)),
            (_, true) => Reading::Welcome(IncomingContent::Message(message)),
            (_, false) => Reading::Perhaps(IncomingContent::Message(message)),
        }
    }

    /// The line for a stranger who speaks to the bot, once a day.
    fn notice(
        &self,
        envelope: &Envelope<'_>,
        target: &ChatTarget,
        sender: &Sender,
        now: DateTime<Utc>,
    ) -> Option<NewOutbox> {
        let speaks = envelope.kind == Kind::Message
            && (envelope.chat_kind() == ChatKind::Private
                || addressee(envelope.body(), &self.bot) == Addressee::Bot);
        speaks.then(|| {
            let (chat, user, day) = (&target.chat, &sender.user, now.date_naive());
            let text = format!(
                "Not allowed here yet. Your user id is {user}, this chat's id is {chat}: {} in config.toml.",
                how_to_be_added(&self.access),
            );
            let mut notice = NewOutbox::notice(target.clone(), Outgoing::plain(text));
            notice.dedupe_key = Some(format!("stranger:{}:{chat}:{user}:{day}", target.channel));
            notice
        })
    }
}

/// The files of a message, and those of the message that it replies to.
fn add_files(message: &mut Message, raw: &Value) {
    message.attachments = attachments(raw);
    if let Some(quote) = &mut message.quote {
        let here = &raw["reply_to_message"];
        let replied = if here.is_null() {
            &raw["external_reply"]
        } else {
            here
        };
        quote.attachments = attachments(replied);
    }
}

/// What came of an update that was let in.
enum Reading {
    Welcome(IncomingContent),
    /// If another part of its album is.
    Perhaps(IncomingContent),
    Other(Arrived),
}

impl Reading {
    fn ignored(update: &Value) -> Self {
        Self::Other(Arrived::Ignored {
            raw: Some(update.to_string()),
        })
    }
}

fn press(envelope: &Envelope<'_>, update: &Value) -> Reading {
    let body = envelope.body();
    let Some(id) = body["id"].as_str() else {
        return Reading::Other(unreadable(update, "the press has no id"));
    };
    // A game's button carries no data; the bot has no games.
    let Some(data) = body["data"].as_str() else {
        return Reading::ignored(update);
    };
    Reading::Welcome(IncomingContent::Press(Press {
        id: id.to_owned(),
        message: envelope.message_id(),
        data: data.to_owned(),
    }))
}

/// Which list helps: the first entry of an empty list would lock others out.
fn how_to_be_added(access: &Access) -> &'static str {
    let Access::Listed { chats, users } = access else {
        return "add them";
    };
    match (chats.is_empty(), users.is_empty()) {
        (true, true) => "add one of them to allowed_user_ids or allowed_chat_ids",
        (true, false) => "add the user id to allowed_user_ids",
        (false, true) => "add the chat's id to allowed_chat_ids",
        (false, false) => "add them to allowed_user_ids and allowed_chat_ids",
    }
}

fn unreadable(raw: &Value, error: &str) -> Arrived {
    Arrived::Unreadable {
        raw: raw.to_string(),
        error: error.to_owned(),
    }
}
