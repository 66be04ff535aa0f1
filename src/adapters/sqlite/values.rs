//! How domain values stand in columns.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{ChannelName, ChatId, ThreadId};
use crate::core::label::Labels;

/// Milliseconds since 1970, as every time column has them.
pub(super) fn millis(moment: DateTime<Utc>) -> i64 {
    moment.timestamp_millis()
}

/// The moment of a time column.
pub(super) fn moment(millis: i64) -> StoreResult<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis)
        .ok_or_else(|| StoreError::Corrupt(format!("{millis} is not a time")))
}

/// A value as JSON text.
pub(super) fn to_json<T: Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A value from JSON text.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The labels of a row. Those that cannot be read, as a later version's, must not keep a chat from going on.
pub(super) fn labels(text: &str, (table, id): (&'static str, impl Display)) -> Labels {
    from_json(text).unwrap_or_else(|error| {
        tracing::error!(table, %id, %error, "labels cannot be read: it counts as content of anybody");
        Labels::unknown()
    })
}

/// The `thread` column of a target: empty where there is none.
pub(super) fn thread(target: &ChatTarget) -> &str {
    target.thread.as_ref().map_or("", ThreadId::as_str)
}

/// A target from its three columns.
pub(super) fn target(channel: String, chat: String, thread: String) -> ChatTarget {
    ChatTarget {
        channel: ChannelName::new(channel),
        chat: ChatId::new(chat),
        thread: (!thread.is_empty()).then(|| ThreadId::new(thread)),
    }
}
