//! How a fake Telegram is set up.

use std::time::Duration;

/// Real flood control: more than `messages` sends and edits within `window` in one chat are
/// refused with 429 until the window has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodLimit {
    pub messages: usize,
    pub window: Duration,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub token: String,
    pub bot_id: i64,
    pub bot_username: String,
    /// A long poll ends after this even when it asked for more.
    pub longest_poll: Duration,
    pub flood_limit: Option<FloodLimit>,
    /// How long the `wait_for…` functions wait before they fail.
    pub wait_timeout: Duration,
    /// The pause before a webhook is tried again; doubles up to 20 times this.
    pub webhook_retry: Duration,
    /// The id of the first update.
    pub first_update_id: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "123456789:AAE-fake_token_of_thirty_five_chars_0".to_owned(),
            bot_id: 123_456_789,
            bot_username: "fake_mini_bot".to_owned(),
            longest_poll: Duration::from_secs(2),
            flood_limit: None,
            wait_timeout: Duration::from_secs(30),
            webhook_retry: Duration::from_millis(50),
            first_update_id: 400_000_001,
        }
    }
}
