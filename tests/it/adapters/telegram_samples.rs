//! Raw updates to build tests of the Telegram adapter from, and a reader that admits their sender.
#![allow(clippy::unwrap_used, clippy::panic)]

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use minibot::adapters::telegram::config::{GroupMode, TelegramConfig};
use minibot::adapters::telegram::{BotIdentity, TelegramSettings, UpdateReader};
use minibot::core::clock::Clock;
use minibot::core::inbox::{Arrival, Arrived};
use minibot::core::message::{Incoming, IncomingContent, Message};
use serde_json::{Value, json};

pub const OWNER: i64 = 42;
pub const GROUP: i64 = -100_500;
pub const BOT: i64 = 99;

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A reader of the bot's updates that lets these people in.
pub fn reader_for(users: &[i64], group_mode: GroupMode) -> UpdateReader {
    let allowed_user_ids = users.to_vec();
    let config = TelegramConfig {
        allowed_user_ids,
        group_mode,
        ..TelegramConfig::default()
    };
    let settings = TelegramSettings::new(&config, "99:x".to_owned().into());
    UpdateReader::new(
        BotIdentity {
            id: BOT,
            username: "minibot".to_owned(),
        },
        &settings,
    )
}

pub fn arrival(update: &Value) -> Arrival {
    reader_for(&[OWNER], GroupMode::Mention)
        .read(update, now())
        .unwrap()
}

pub fn welcome(update: &Value) -> Incoming {
    match arrival(update).content {
        Arrived::Welcome { incoming, raw } => {
            assert_eq!(&serde_json::from_str::<Value>(&raw).unwrap(), update);
            *incoming
        }
        other => panic!("{update} became {other:?}"),
    }
}

pub fn message(update: &Value) -> Message {
    match welcome(update).content {
        IncomingContent::Message(message) => message,
        other => panic!("{update} became {other:?}"),
    }
}

pub fn owner() -> Value {
    json!({ "id": OWNER, "is_bot": false, "first_name": "Ann", "last_name": "Lee" })
}

pub fn bot() -> Value {
    json!({ "id": BOT, "is_bot": true, "first_name": "Mini", "username": "minibot" })
}

pub fn private_chat() -> Value {
    json!({ "id": OWNER, "type": "private", "first_name": "Ann" })
}

pub fn group_chat() -> Value {
    json!({ "id": GROUP, "type": "supergroup", "title": "Family" })
}

pub fn forum_chat() -> Value {
    json!({ "id": GROUP, "type": "supergroup", "title": "Club", "is_forum": true })
}

/// A message of the owner in `chat` with these further fields.
pub fn in_chat(chat: Value, fields: Value) -> Value {
    let mut message = json!({
        "message_id": 7, "date": 1_799_999_000, "chat": chat, "from": owner(),
    });
    for (name, field) in fields.as_object().unwrap() {
        message[name] = field.clone();
    }
    json!({ "update_id": 1001, "message": message })
}

pub fn private(fields: Value) -> Value {
    in_chat(private_chat(), fields)
}

pub fn group(fields: Value) -> Value {
    in_chat(group_chat(), fields)
}

/// An earlier message that is replied to.
pub fn earlier(from: Value, fields: Value) -> Value {
    let mut message = in_chat(private_chat(), fields)["message"].take();
    message["message_id"] = 5.into();
    message["from"] = from;
    message
}

/// A clock that stands at [`now`].
#[derive(Debug)]
pub struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    async fn sleep_until(&self, _: DateTime<Utc>) {}
}
