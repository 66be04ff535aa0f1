//! Webhooks: `setWebhook` and its kin, and the delivery of updates with retries.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::params::Params;
use super::refusal::Refusal;
use super::state::{Shared, State};
use super::updates::update_id;

/// Telegram gives up on an answer after about a minute; the fake is less patient.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Webhook {
    pub url: Url,
    pub secret_token: Option<String>,
    /// The status of each attempt in order; 0 where the connection failed.
    pub attempts: Vec<u16>,
    serial: u64,
}

/// Stores the webhook and begins to deliver. Unlike the real server it takes http on loopback.
pub fn set(shared: &Arc<Shared>, params: &Params) -> Result<Value, Refusal> {
    let Some(address) = params.text("url") else {
        return delete(shared, params);
    };
    let url = parse_url(address)?;
    let secret_token = params.text("secret_token").map(str::to_owned);
    if secret_token
        .as_deref()
        .is_some_and(|secret| !is_secret(secret))
    {
        return Err(Refusal::bad_request(
            "secret token contains unallowed characters",
        ));
    }
    let allowed: Option<Vec<String>> = params.json("allowed_updates")?;
    let serial = shared.with(|state| {
        if params.flag("drop_pending_updates") {
            state.updates.clear();
        }
        if let Some(allowed) = allowed {
            state.allowed_updates = allowed;
        }
        let serial = state.next_number();
        state.webhook = Some(Webhook {
            url,
            secret_token,
            attempts: Vec::new(),
            serial,
        });
        serial
    });
    shared.announce();
    tokio::spawn(deliver_all(Arc::clone(shared), serial));
    Ok(Value::Bool(true))
}

fn parse_url(address: &str) -> Result<Url, Refusal> {
    let invalid = |why: &str| Refusal::bad_request(format!("bad webhook: {why}"));
    let url = Url::parse(address).map_err(|_| invalid("invalid URL"))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    if url.scheme() != "http" || !loopback {
        return Err(invalid("this fake delivers to http on loopback only"));
    }
    Ok(url)
}

/// 1 to 256 characters of `A-Z a-z 0-9 _ -` (Bot API, setWebhook).
fn is_secret(secret: &str) -> bool {
    (1..=256).contains(&secret.len())
        && secret
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

pub fn delete(shared: &Shared, params: &Params) -> Result<Value, Refusal> {
    shared.with(|state| {
        state.webhook = None;
        if params.flag("drop_pending_updates") {
            state.updates.clear();
        }
    });
    shared.announce();
    Ok(Value::Bool(true))
}

pub fn info(state: &State) -> Value {
    let url = state
        .webhook
        .as_ref()
        .map(|webhook| webhook.url.to_string())
        .unwrap_or_default();
    let mut info = json!({
        "url": url,
        "has_custom_certificate": false,
        "pending_update_count": state.updates.len(),
    });
    // It stays when later attempts go well.
    let attempts = state.webhook.iter().flat_map(|webhook| &webhook.attempts);
    if let Some(status) = attempts.rev().find(|status| !(200..300).contains(*status)) {
        info["last_error_date"] = json!(chrono::Utc::now().timestamp());
        info["last_error_message"] = match status {
            0 => json!("Connection refused"),
            status => json!(format!("Wrong response from the webhook: {status}")),
        };
    }
    info
}

/// Delivers the queue in order, one at a time, until the webhook is replaced or deleted.
async fn deliver_all(shared: Arc<Shared>, serial: u64) {
    let mut changed = shared.changed.subscribe();
    let first_pause = shared.with(|state| state.options.webhook_retry);
    let mut pause = first_pause;
    loop {
        let next = shared.with(|state| {
            let webhook = state
                .webhook
                .as_ref()
                .filter(|webhook| webhook.serial == serial)?;
            Some((webhook.clone(), state.updates.front().cloned()))
        });
        let Some((webhook, update)) = next else {
            return;
        };
        let Some(update) = update else {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        let status = post(&webhook, &update).await;
        let accepted = (200..300).contains(&status);
        shared.with(|state| finish_attempt(state, serial, status, &update));
        shared.announce();
        if accepted {
            pause = first_pause;
        } else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(first_pause * 20);
        }
    }
}

fn finish_attempt(state: &mut State, serial: u64, status: u16, update: &Value) {
    let Some(webhook) = state
        .webhook
        .as_mut()
        .filter(|webhook| webhook.serial == serial)
    else {
        return;
    };
    webhook.attempts.push(status);
    if (200..300).contains(&status) {
        let delivered = update_id(update);
        state
            .updates
            .retain(|update| update_id(update) != delivered);
        state.confirmed_offset = state.confirmed_offset.max(delivered + 1);
    }
}

/// One delivery; answers the HTTP status, or 0 when the connection failed.
pub async fn post(webhook: &Webhook, update: &Value) -> u16 {
    let attempt = timeout(ANSWER_TIMEOUT, exchange(webhook, update.to_string())).await;
    attempt.ok().and_then(Result::ok).flatten().unwrap_or(0)
}

/// Telegram's request has these headers; a client of its own keeps the fake free of TLS set-up.
async fn exchange(webhook: &Webhook, body: String) -> std::io::Result<Option<u16>> {
    let host = webhook.url.host_str().unwrap_or_default();
    let port = webhook.url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host, port)).await?;
    let secret = webhook
        .secret_token
        .as_ref()
        .map_or(String::new(), |secret| {
            format!("X-Telegram-Bot-Api-Secret-Token: {secret}\r\n")
        });
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{secret}Connection: close\r\n\r\n",
        &webhook.url[url::Position::BeforePath..url::Position::AfterQuery],
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut status_line = String::new();
    BufReader::new(stream).read_line(&mut status_line).await?;
    Ok(status_line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok()))
}
