//! Telegram through the Bot API: updates in, messages out. It knows the ports of `core` and nothing else of ours.
//!
//! Types and payloads are `teloxide-core`'s; the calls are made by an own small client, because each
//! attempt belongs to the outbox: a request is made once, whatever comes of it.

mod access;
mod addressing;
mod attachments;
mod channel;
mod client;
pub mod config;
mod content;
mod download;
mod envelope;
mod failure;
mod lenient;
mod media;
mod meter;
mod payload;
mod poll;
mod rate;
mod settings;
mod updates;
mod upload;
mod watchdog;
mod webhook;

pub use access::Access;
pub use channel::{BotIdentity, TelegramChannel};
pub use client::{ApiClient, ApiError, Refusal};
pub use poll::{PollError, Poller};
pub use rate::RateBudget;
pub use settings::TelegramSettings;
pub use updates::UpdateReader;
pub use webhook::{Webhook, WebhookError, WebhookSettings};

/// The name of this channel in a `ChatTarget`.
pub const CHANNEL: &str = "telegram";
