//! Long polling: each batch of updates is stored before the next request confirms it to Telegram.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::client::{ApiClient, ApiError, Refusal};
use super::envelope::ASKED_FOR;
use super::settings::TelegramSettings;
use super::updates::UpdateReader;
use super::watchdog::{Backoff, Health, Stall, Watchdog};
use crate::core::boundary::Boundary;
use crate::core::clock::Clock;
use crate::core::error::{StoreError, StoreResult};
use crate::core::inbox::Arrival;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// What an answer may take longer than the server was asked to hold it.
const MARGIN: Duration = Duration::from_secs(15);
/// The client's own limit should have ended the call by then.
const HUNG: Duration = Duration::from_secs(5);
/// An empty answer that comes sooner than this did not wait as it was asked to.
const HASTY: Duration = Duration::from_millis(50);

/// Why polling ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// 401 or 404: no retry will help.
    #[error(
        "channels.telegram.bot_token: Telegram does not accept this token any more ({0}); put the \
         new one of @BotFather there and start again. What waits is kept"
    )]
    TokenRefused(Refusal),
    /// Nothing was answered for a long time, not even to fresh connections.
    #[error("Telegram has not answered for {} s: {last}", .silent_for.as_secs())]
    Silent {
        /// How long.
        silent_for: Duration,
        /// The last thing that went wrong.
        last: String,
    },
    /// No client could be made.
    #[error("no HTTP client: {0}")]
    Client(ApiError),
}

/// Asks Telegram for updates until it is stopped.
pub struct Poller {
    settings: TelegramSettings,
    api: ApiClient,
    reader: UpdateReader,
    clock: Arc<dyn Clock>,
    attempted: Box<dyn Fn() + Send + Sync>,
    completed: Box<dyn Fn() + Send + Sync>,
    /// Confirms all updates below it. Only kept until it has done so: after a quiet week the ids
    /// start at a random place, which may lie below it.
    offset: Option<i64>,
    webhook: Webhook,
    backoff: Backoff,
    /// How long nothing may be answered before the connections are made afresh.
    patience: Duration,
}

/// Whether a webhook may be in the way: no update comes by polling while there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Webhook {
    Possible,
    Removed,
}

/// Why a round brought nothing.
#[derive(Debug)]
enum Failure {
    Api(ApiError),
    Store(StoreError),
    Senseless(&'static str),
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl Poller {
    /// A poller that has asked nothing yet.
    pub fn new(
        settings: TelegramSettings,
        reader: UpdateReader,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PollError> {
        let api = connect(&settings)?;
        let (completed, webhook) = (Box::new(|| {}), Webhook::Possible);
        let backoff = Backoff::new(FIRST_PAUSE);
        let patience = poll_timeout(&settings) * 3;
        Ok(Self {
            settings,
            api,
            reader,
            clock,
            attempted: Box::new(|| {}),
            completed,
            offset: None,
            webhook,
            backoff,
            patience,
        })
    }

    /// Calls `hook` after each `getUpdates` that did its work: it was answered well, and what came is stored.
    #[must_use]
    pub fn on_completed_poll(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.completed = Box::new(hook);
        self
    }

    /// Calls `hook` after each attempt, whether or not it was answered.
    #[must_use]
    pub fn on_attempt(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.attempted = Box::new(hook);
        self
    }

    /// Pauses so long after a first failure (a second, unless told otherwise).
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.backoff = Backoff::new(pause);
        self
    }

    /// Bears silence for so long before it connects afresh (three polls, unless told otherwise).
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Polls until `stop`, or until going on makes no sense. `sink` stores a batch; when it fails,
    /// the same updates are asked for again.
    pub async fn run<S, F>(mut self, stop: CancellationToken, sink: S) -> Result<(), PollError>
    where
        S: Fn(Vec<Arrival>) -> F + Send + Sync,
        F: Future<Output = StoreResult<()>> + Send,
    {
        let mut watchdog = Watchdog::new(self.patience);
        let mut health = Health::default();
        loop {
            let round = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                round = self.ask() => round,
            };
            (self.attempted)();
            if answered(&round) {
                watchdog.fed();
            }
            let failure = match self.keep(round, &sink).await {
                Ok(()) => {
                    (self.completed)();
                    self.backoff.reset();
                    if health.recovered() {
                        info!("updates arrive again");
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            self.judge(&failure, &mut watchdog)?;
            if health.changed(failure.kind()) {
                match &failure {
                    Failure::Store(error) => {
                        warn!(%error, "updates cannot be stored; Telegram keeps them until they are");
                    }
                    Failure::Api(_) | Failure::Senseless(_) => {
                        warn!(error = %failure, "polling Telegram fails; trying on");
                    }
                }
            }
            debug!(error = %failure, "a poll failed");
            let pause = self.backoff.next(failure.retry_after());
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(pause) => {}
            }
        }
    }

    /// One request: first that no webhook is in the way, then for updates.
    async fn ask(&mut self) -> Result<Value, Failure> {
        if self.webhook == Webhook::Possible {
            let body = json!({ "drop_pending_updates": false });
            self.api
                .call("deleteWebhook", &body)
                .await
                .map_err(Failure::Api)?;
            self.webhook = Webhook::Removed;
        }
        let mut body = json!({
            "timeout": self.poll_timeout().as_secs(),
            "allowed_updates": ASKED_FOR,
        });
        if let Some(offset) = self.offset {
            body["offset"] = offset.into();
        }
        let started = Instant::now();
        let limit = self.poll_timeout() + MARGIN;
        let answer = timeout(
            limit + HUNG,
            self.api.call_within("getUpdates", &body, limit),
        )
        .await;
        let answer =
            answer.unwrap_or_else(|_| Err(ApiError::NoAnswer("the call hangs".to_owned())));
        let updates = answer.map_err(Failure::Api)?;
        let empty = updates.as_array().is_some_and(Vec::is_empty);
        if empty && started.elapsed() < HASTY {
            sleep(HASTY).await;
        }
        Ok(updates)
    }

    /// Stores what came, and only then moves on.
    async fn keep<S, F>(&mut self, round: Result<Value, Failure>, sink: &S) -> Result<(), Failure>
    where
        S: Fn(Vec<Arrival>) -> F,
        F: Future<Output = StoreResult<()>>,
    {
        let updates = round?;
        let updates = updates
            .as_array()
            .ok_or(Failure::Senseless("it is not a list"))?;
        if updates.is_empty() {
            self.offset = None;
            return Ok(());
        }
        Boundary::Received.pass();
        let now = self.clock.now();
        let batch: Vec<Arrival> = updates
            .iter()
            .filter_map(|update| self.reader.read(update, now))
            .collect();
        if batch.len() < updates.len() {
            error!(
                count = updates.len() - batch.len(),
                "updates without an id were left out"
            );
        }
        let last = batch.iter().map(|arrival| arrival.external_id).max();
        let next = last
            .ok_or(Failure::Senseless("no update has an id"))?
            .saturating_add(1);
        sink(batch).await.map_err(Failure::Store)?;
        Boundary::Persisted.pass();
        self.offset = Some(next);
        Ok(())
    }

    /// Ends what cannot heal, and renews what may be stuck.
    fn judge(&mut self, failure: &Failure, watchdog: &mut Watchdog) -> Result<(), PollError> {
        match failure {
            Failure::Api(ApiError::Refused(refusal)) => {
                if refusal.refuses_token() {
                    return Err(PollError::TokenRefused(refusal.clone()));
                }
                if refusal.code == 409 && refusal.description.contains("webhook") {
                    self.webhook = Webhook::Possible;
                }
            }
            Failure::Api(ApiError::Unreachable(_) | ApiError::NoAnswer(_)) => {
                match watchdog.check() {
                    Stall::None => {}
                    Stall::Renew => {
                        warn!("Telegram has not answered for a long time; connecting afresh");
                        self.api = connect(&self.settings)?;
                    }
                    Stall::GiveUp { silent_for } => {
                        return Err(PollError::Silent {
                            silent_for,
                            last: failure.to_string(),
                        });
                    }
                }
            }
            Failure::Store(_) | Failure::Senseless(_) => {}
        }
        Ok(())
    }

    fn poll_timeout(&self) -> Duration {
        poll_timeout(&self.settings)
    }
}

fn poll_timeout(settings: &TelegramSettings) -> Duration {
    settings.poll_timeout.max(Duration::from_secs(1))
}

fn connect(settings: &TelegramSettings) -> Result<ApiClient, PollError> {
    ApiClient::new(&settings.api_url, &settings.token).map_err(PollError::Client)
}

fn answered(round: &Result<Value, Failure>) -> bool {
    !matches!(
        round,
        Err(Failure::Api(
            ApiError::Unreachable(_) | ApiError::NoAnswer(_)
        ))
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Senseless(reason) => write!(f, "the answer makes no sense: {reason}"),
        }
    }
}

impl Failure {
    fn kind(&self) -> &'static str {
        match self {
            Self::Api(ApiError::Unreachable(_) | ApiError::NoAnswer(_)) => "network",
            Self::Api(ApiError::Refused(refusal)) if refusal.code == 409 => "conflict",
            Self::Api(ApiError::Refused(_)) => "refused",
            Self::Store(_) => "store",
            Self::Senseless(_) => "senseless",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after(),
            _ => None,
        }
    }
}
