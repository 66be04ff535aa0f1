//! Settings of the Telegram channel: `[channels.telegram]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::core::http_url::HttpUrl;
use crate::core::units::{ByteCount, Seconds, count, none_if_empty};

/// `[channels.telegram]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelegramConfig {
    pub enabled: bool,
    /// From @BotFather.
    #[serde(deserialize_with = "none_if_empty")]
    pub bot_token: Option<SecretString>,
    /// Telegram's own server or another Bot API server.
    pub api_url: HttpUrl,
    pub allowed_chat_ids: Vec<i64>,
    pub allowed_user_ids: Vec<i64>,
    /// Whether only the listed chats and people are let in.
    pub require_authorized: bool,
    pub mode: UpdateMode,
    /// The public URL that Telegram calls; its path is the route that is served.
    #[serde(deserialize_with = "none_if_empty")]
    pub webhook_url: Option<HttpUrl>,
    #[serde(deserialize_with = "socket_address")]
    pub webhook_listen: SocketAddr,
    /// A new random one at each start when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub webhook_secret: Option<SecretString>,
    pub poll_timeout_seconds: Seconds,
    pub group_mode: GroupMode,
    pub stream_replies: bool,
    /// Milliseconds between two edits of a growing answer, 700 or more.
    pub stream_edit_interval_ms: u32,
    pub media_enabled: bool,
    pub max_photo_bytes: ByteCount,
    pub max_document_bytes: ByteCount,
    pub max_total_media_bytes: ByteCount,
    pub max_attachments_per_message: NonZeroU32,
    /// Empty lets all types in.
    pub allowed_document_mime_types: Vec<String>,
    /// Milliseconds to wait for the rest of an album.
    pub album_settle_ms: u32,
    pub rate_limit: RateLimitConfig,
}

impl TelegramConfig {
    /// No server waits longer for updates (TDLib's Bot API server).
    pub const LONGEST_POLL: Seconds = Seconds::new(50);

    /// Telegram flood-limits faster edits.
    pub const SHORTEST_EDIT_INTERVAL_MS: u32 = 700;

    /// The time between two edits of a growing answer.
    pub fn stream_edit_interval(&self) -> Duration {
        Duration::from_millis(self.stream_edit_interval_ms.into())
    }

    /// How long to wait for the rest of an album.
    pub fn album_settle(&self) -> Duration {
        Duration::from_millis(self.album_settle_ms.into())
    }
}

impl Default for TelegramConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            bot_token: None,
            api_url: HttpUrl::parse("https://api.telegram.org").expect("a constant that parses"),
            allowed_chat_ids: Vec::new(),
            allowed_user_ids: Vec::new(),
            require_authorized: true,
            mode: UpdateMode::LongPolling,
            webhook_url: None,
            webhook_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            webhook_secret: None,
            poll_timeout_seconds: Self::LONGEST_POLL,
            group_mode: GroupMode::Mention,
            stream_replies: true,
            stream_edit_interval_ms: 1200,
            media_enabled: true,
            max_photo_bytes: ByteCount::megabytes(5),
            max_document_bytes: ByteCount::megabytes(10),
            max_total_media_bytes: ByteCount::megabytes(12),
            max_attachments_per_message: count(3),
            allowed_document_mime_types: Vec::new(),
            album_settle_ms: 800,
            rate_limit: RateLimitConfig::default(),
        }
    }
}

/// How updates arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateMode {
    LongPolling,
    Webhook,
}

/// What is answered in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// Mentions of the bot, replies to it and commands.
    Mention,
    All,
}

/// `[channels.telegram.rate_limit]`: messages and edits together.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitConfig {
    pub global_per_second: NonZeroU32,
    pub chat_per_second: NonZeroU32,
    pub chat_burst: NonZeroU32,
    pub group_per_minute: NonZeroU32,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            global_per_second: count(30),
            chat_per_second: count(1),
            chat_burst: count(5),
            group_per_minute: count(20),
        }
    }
}

fn socket_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom("expected an address and port such as \"127.0.0.1:8443\""))
}
