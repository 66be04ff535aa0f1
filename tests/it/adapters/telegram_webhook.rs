//! The webhook's door: who is let through, and that nothing is confirmed before it is stored.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use minibot::adapters::telegram::config::{GroupMode, TelegramConfig};
use minibot::adapters::telegram::{TelegramSettings, Webhook, WebhookError, WebhookSettings};
use minibot::core::error::{StoreError, StoreResult};
use minibot::core::http_url::HttpUrl;
use minibot::core::inbox::Arrival;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::telegram_samples::{OWNER, StoppedClock, reader_for};
use crate::support::fake_telegram::{FakeTelegram, Fault};

const SECRET: &str = "s3cret_of-the-webhook";

/// A bot behind a webhook; it stops when told.
struct ListeningBot {
    telegram: FakeTelegram,
    address: String,
    stored: watch::Receiver<Vec<i64>>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), WebhookError>>,
}

impl ListeningBot {
    async fn start(
        token: Option<&str>,
        faults: Vec<Fault>,
        outcomes: Vec<StoreResult<()>>,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let telegram = FakeTelegram::start().await;
        telegram
            .add_private_chat(OWNER, "Ann")
            .fail("setWebhook", faults);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let url = HttpUrl::parse(&format!("http://{address}/hook")).unwrap();
        let settings = WebhookSettings {
            url,
            secret: SECRET.to_owned().into(),
        };
        let api_url = HttpUrl::parse(&telegram.url()).unwrap();
        let config = TelegramConfig {
            api_url,
            ..TelegramConfig::default()
        };
        let token = token.map_or_else(|| telegram.token(), str::to_owned);
        let account = TelegramSettings::new(&config, token.into());
        let reader = reader_for(&[OWNER], GroupMode::Mention);
        let webhook = Webhook::new(settings, &account, reader, Arc::new(StoppedClock)).unwrap();
        let webhook = webhook.look_every(Duration::from_millis(20));

        let (sender, stored) = watch::channel(Vec::new());
        let outcomes = Mutex::new(outcomes.into_iter());
        let sink = move |batch: Vec<Arrival>| {
            let outcome = outcomes.lock().unwrap().next().unwrap_or(Ok(()));
            if outcome.is_ok() {
                sender.send_modify(|stored| stored.extend(batch.iter().map(|one| one.external_id)));
            }
            async move { outcome }
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(webhook.run(listener, stop.clone(), sink));
        Self {
            telegram,
            address,
            stored,
            stop,
            task,
        }
    }

    async fn stores(&mut self, ids: &[i64]) {
        let wait = self.stored.wait_for(|stored| stored.len() >= ids.len());
        let stored = tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*stored, ids);
    }

    /// The status of a request that is written as it stands.
    async fn status(&self, request: &str) -> u16 {
        let mut line = TcpStream::connect(&self.address).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        line.read_exact(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[9..]).parse().unwrap()
    }

    async fn stops(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn telegram_brings_updates_and_hears_when_they_are_stored() {
    let failure = Err(StoreError::Failed("not now".to_owned()));
    let mut bot = ListeningBot::start(None, vec![], vec![failure]).await;
    let first = bot.telegram.user_sends(OWNER, OWNER, "one").update_id;
    let second = bot.telegram.user_sends(OWNER, OWNER, "two").update_id;
    bot.stores(&[first, second]).await;
    bot.telegram.wait_for_confirmation(second).await;
    assert_eq!(bot.telegram.webhook_attempts(), [500, 200, 200]);
    let set = &bot.telegram.calls("setWebhook")[0].params;
    assert_eq!(set["drop_pending_updates"], false);
    assert_eq!(set["max_connections"], 1);
    bot.stops().await;
}

#[tokio::test]
async fn the_door_lets_only_updates_of_telegram_through() {
    let bot = ListeningBot::start(None, vec![], vec![]).await;
    let secret = format!("X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n");
    let wrong = "X-Telegram-Bot-Api-Secret-Token: s3cret_of-the-webhooK\r\n".to_owned();
    let post = "POST /hook HTTP/1.1";
    let length = |length: usize| format!("Content-Length: {length}\r\n");
    // What announces a body and sends none shows that the answer does not wait for it.
    let cases = [
        (post, String::new(), length(1000), "", 401),
        (post, wrong, length(1000), "", 401),
        (post, String::new(), length(9_000_000), "", 401),
        (post, secret.clone(), length(1024 * 1024 + 1), "", 413),
        (post, secret.clone(), length(4), "{no}", 400),
        (post, secret.clone(), length(2), "{}", 400),
        (post, secret.clone(), length(15), "{\"update_id\":5}", 200),
        (
            "POST /other HTTP/1.1",
            secret.clone(),
            length(1000),
            "",
            404,
        ),
        ("GET /hook HTTP/1.1", secret, length(0), "", 405),
    ];
    for (line, secret, length, body, expected) in cases {
        let request = format!("{line}\r\nHost: x\r\n{secret}{length}\r\n{body}");
        assert_eq!(bot.status(&request).await, expected, "{request}");
    }
    bot.stops().await;
}

#[tokio::test]
async fn a_body_that_never_says_its_length_is_cut_off() {
    let bot = ListeningBot::start(None, vec![], vec![]).await;
    let head = "POST /hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    let chunk = format!("100001\r\n{}\r\n0\r\n\r\n", " ".repeat(0x10_0001));
    let request = format!("{head}X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n\r\n{chunk}");
    assert_eq!(bot.status(&request).await, 413);
    bot.stops().await;
}

#[tokio::test]
async fn a_wrong_token_and_a_refused_address_end_it() {
    let bot = ListeningBot::start(Some("1:wrong-token"), vec![], vec![]).await;
    let error = bot.task.await.unwrap().unwrap_err();
    assert!(matches!(error, WebhookError::TokenRefused(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-token"));

    let body =
        r#"{"ok":false,"error_code":400,"description":"Bad Request: bad webhook"}"#.to_owned();
    let bot = ListeningBot::start(None, vec![Fault::Answer { status: 400, body }], vec![]).await;
    let error = bot.task.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the webhook was refused (400 Bad Request: bad webhook)"
    );
}

#[tokio::test]
async fn a_webhook_that_another_program_removes_is_set_again() {
    let mut bot = ListeningBot::start(None, vec![], vec![]).await;
    bot.telegram.wait_for_calls("setWebhook", 1).await;
    let address = format!(
        "{}/bot{}/deleteWebhook",
        bot.telegram.url(),
        bot.telegram.token()
    );
    reqwest::get(address).await.unwrap();
    bot.telegram.wait_for_calls("setWebhook", 2).await;
    let first = bot.telegram.user_sends(OWNER, OWNER, "one").update_id;
    bot.stores(&[first]).await;
    bot.stops().await;
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_it() {
    let bot = ListeningBot::start(None, vec![], vec![]).await;
    bot.telegram.wait_for_calls("getWebhookInfo", 1).await;
    bot.telegram.revoke_token();
    let error = bot.task.await.unwrap().unwrap_err();
    assert!(matches!(error, WebhookError::TokenRefused(_)), "{error}");
}
