//! The webhook: Telegram brings each update, and hears 200 only when it is stored.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method, StatusCode};
use futures::TryFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::client::{ApiClient, ApiError, Refusal};
use super::envelope::ASKED_FOR;
use super::settings::TelegramSettings;
use super::updates::UpdateReader;
use super::watchdog::Backoff;
use crate::core::boundary::Boundary;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::http_url::HttpUrl;
use crate::core::inbox::Arrival;

/// No update of Telegram comes near it.
const MAX_BODY: usize = 1024 * 1024;
/// For the body of a request whose secret was right.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at whether Telegram still knows the webhook and the token.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);
/// One update at a time: messages are stored in the order in which they were written.
const MAX_CONNECTIONS: u32 = 1;
/// `setWebhook`, "secret_token".
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// Where the webhook is.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// The URL that Telegram calls; its path is the one that is served.
    pub url: HttpUrl,
    /// What Telegram must show: 1 to 256 of `A-Za-z0-9_-`.
    pub secret: SecretString,
}

/// Why the webhook ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// 401 or 404: no retry will help.
    #[error(
        "channels.telegram.bot_token: Telegram does not accept this token any more ({0}); put the \
         new one of @BotFather there and start again. What waits is kept"
    )]
    TokenRefused(Refusal),
    /// Telegram does not take this URL or secret.
    #[error("the webhook was refused ({0})")]
    Refused(Refusal),
    /// The server ended.
    #[error("the webhook's server ended: {0}")]
    Server(std::io::Error),
    /// No client could be made.
    #[error("no HTTP client: {0}")]
    Client(ApiError),
}

/// Receives updates until it is stopped.
pub struct Webhook {
    settings: WebhookSettings,
    api: ApiClient,
    reader: UpdateReader,
    clock: Arc<dyn Clock>,
    look_every: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook that Telegram does not know yet.
    pub fn new(
        settings: WebhookSettings,
        account: &TelegramSettings,
        reader: UpdateReader,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WebhookError> {
        let api = ApiClient::new(&account.api_url, &account.token).map_err(WebhookError::Client)?;
        Ok(Self {
            settings,
            api,
            reader,
            clock,
            look_every: LOOK_EVERY,
        })
    }

    /// Looks so often whether Telegram still knows it (every five minutes, unless told otherwise).
    #[must_use]
    pub fn look_every(mut self, pause: Duration) -> Self {
        self.look_every = pause;
        self
    }

    /// Serves on `listener` until `stop`, and tells Telegram so. `sink` stores what comes; when
    /// it fails, Telegram brings the update again.
    pub async fn run<S, F>(
        self,
        listener: TcpListener,
        stop: CancellationToken,
        sink: S,
    ) -> Result<(), WebhookError>
    where
        S: Fn(Vec<Arrival>) -> F + Send + Sync + 'static,
        F: Future<Output = StoreResult<()>> + Send + 'static,
    {
        let door = Arc::new(Door {
            path: self.settings.url.as_url().path().to_owned(),
            secret: self.settings.secret.clone(),
            reader: self.reader.clone(),
            clock: Arc::clone(&self.clock),
            sink,
        });
        let router = Router::new().fallback(move |request: Request| {
            let door = Arc::clone(&door);
            async move { door.receive(request).await }
        });
        let server = axum::serve(listener, router)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future()
            .map_err(WebhookError::Server);
        tokio::try_join!(server, self.stay_registered(&stop)).map(drop)
    }

    /// Nothing arrives any more when another program removes the webhook or the token is revoked,
    /// and no update would say so.
    async fn stay_registered(&self, stop: &CancellationToken) -> Result<(), WebhookError> {
        let own = self.settings.url.as_url().as_str();
        loop {
            self.register(stop).await?;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = sleep(self.look_every) => {}
                }
                match self.api.call("getWebhookInfo", &json!({})).await {
                    Ok(info) if info["url"].as_str() == Some(own) => {}
                    Ok(_) => {
                        warn!(
                            "another program has removed or replaced the webhook; setting it again"
                        );
                        break;
                    }
                    Err(ApiError::Refused(refusal)) if refusal.refuses_token() => {
                        return Err(WebhookError::TokenRefused(refusal));
                    }
                    Err(error) => debug!(%error, "the webhook could not be looked at"),
                }
            }
        }
    }

    /// Tells Telegram where to bring updates, until it has understood.
    async fn register(&self, stop: &CancellationToken) -> Result<(), WebhookError> {
        let body = json!({
            "url": self.settings.url.as_url().as_str(),
            "secret_token": self.settings.secret.expose_secret(),
            "allowed_updates": ASKED_FOR,
            "max_connections": MAX_CONNECTIONS,
            "drop_pending_updates": false,
        });
        let mut backoff = Backoff::new(FIRST_PAUSE);
        loop {
            let answer = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                answer = self.api.call("setWebhook", &body) => answer,
            };
            let pause = match answer {
                Ok(_) => {
                    info!("the webhook is set");
                    return Ok(());
                }
                Err(ApiError::Refused(refusal)) if refusal.refuses_token() => {
                    return Err(WebhookError::TokenRefused(refusal));
                }
                Err(ApiError::Refused(refusal)) if refusal.code == 400 => {
                    return Err(WebhookError::Refused(refusal));
                }
                Err(error) => {
                    warn!(%error, "setting the webhook failed; trying on");
                    backoff.next(error.retry_after())
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(pause) => {}
            }
        }
    }
}

/// What each request passes through.
struct Door<S> {
    path: String,
    secret: SecretString,
    reader: UpdateReader,
    clock: Arc<dyn Clock>,
    sink: S,
}

impl<S, F> Door<S>
where
    S: Fn(Vec<Arrival>) -> F,
    F: Future<Output = StoreResult<()>>,
{
    async fn receive(&self, request: Request) -> StatusCode {
        match self.store(request).await {
            Ok(()) => StatusCode::OK,
            Err(status) => status,
        }
    }

    async fn store(&self, request: Request) -> Result<(), StatusCode> {
        let (head, body) = request.into_parts();
        if head.uri.path() != self.path {
            return Err(StatusCode::NOT_FOUND);
        }
        if head.method != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if !self.knows_secret(&head.headers) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let update = read_json(&head.headers, body).await?;
        let arrival = self
            .reader
            .read(&update, self.clock.now())
            .ok_or(StatusCode::BAD_REQUEST)?;
        Boundary::Received.pass();
        if let Err(error) = (self.sink)(vec![arrival]).await {
            error!(%error, "an update could not be stored; Telegram will bring it again");
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        }
        Boundary::Persisted.pass();
        Ok(())
    }

    /// Takes the same time for every wrong secret: what is compared are hashes, and all of them.
    fn knows_secret(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(SECRET_HEADER)
            .map_or(&b""[..], |value| value.as_bytes());
        let given = Sha256::digest(given);
        let expected = Sha256::digest(self.secret.expose_secret().as_bytes());
        given
            .iter()
            .zip(expected)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
    }
}

async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value, StatusCode> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > MAX_BODY)
    {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)
}
