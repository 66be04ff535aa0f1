//! The webhook's address and secret, from its settings.

use std::net::SocketAddr;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::adapters::system::random_bytes;
use crate::adapters::telegram::WebhookSettings;
use crate::adapters::telegram::config::TelegramConfig;

/// Where Telegram brings updates, and where they are listened for.
#[derive(Debug)]
pub(super) struct Entrance {
    pub settings: WebhookSettings,
    listen: SocketAddr,
}

impl Entrance {
    pub fn configured(config: &TelegramConfig) -> anyhow::Result<Self> {
        let url = config.webhook_url.clone();
        Ok(Self {
            settings: WebhookSettings {
                url: url.context("channels.telegram.webhook_url is missing")?,
                secret: config.webhook_secret.clone().unwrap_or_else(new_secret),
            },
            listen: config.webhook_listen,
        })
    }

    pub async fn open(&self) -> anyhow::Result<TcpListener> {
        let listen = self.listen;
        TcpListener::bind(listen)
            .await
            .with_context(|| format!("channels.telegram.webhook_listen: cannot listen on {listen}"))
    }
}

/// 43 characters that Telegram takes. It lives in memory only: the next start tells Telegram another.
fn new_secret() -> SecretString {
    URL_SAFE_NO_PAD.encode(random_bytes()).into()
}
