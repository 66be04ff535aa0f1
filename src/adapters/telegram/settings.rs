//! What the Telegram adapter is told when it is built.

use std::time::Duration;

use secrecy::SecretString;

use super::access::Access;
use super::config::{GroupMode, RateLimitConfig, TelegramConfig};
use crate::core::channel::Streaming;
use crate::core::http_url::HttpUrl;

/// The settings of one bot account.
#[derive(Debug, Clone)]
pub struct TelegramSettings {
    /// The Bot API server.
    pub api_url: HttpUrl,
    /// The bot's token.
    pub token: SecretString,
    /// Who may talk to the bot.
    pub access: Access,
    /// Which messages of a group are for the bot.
    pub group_mode: GroupMode,
    /// How long the server holds a `getUpdates` that has nothing to say; at least one second.
    pub poll_timeout: Duration,
    /// How an answer is shown while it grows.
    pub streaming: Streaming,
    /// How fast the bot may send.
    pub rate_limits: RateLimitConfig,
}

impl TelegramSettings {
    /// What `config` says about the account with this token.
    pub fn new(config: &TelegramConfig, token: SecretString) -> Self {
        let access = if config.require_authorized {
            let (chats, users) = (&config.allowed_chat_ids, &config.allowed_user_ids);
            Access::Listed {
                chats: chats.clone(),
                users: users.clone(),
            }
        } else {
            Access::Everyone
        };
        let streaming = if config.stream_replies {
            Streaming::Edits {
                interval: config.stream_edit_interval(),
            }
        } else {
            Streaming::Off
        };
        Self {
            api_url: config.api_url.clone(),
            token,
            access,
            group_mode: config.group_mode,
            poll_timeout: config.poll_timeout_seconds.get(),
            streaming,
            rate_limits: config.rate_limit,
        }
    }
}
