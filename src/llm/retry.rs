//! Asks a model again when it failed in a way that may pass.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::spent::Spent;
use super::watched_sink::WatchedSink;
use crate::core::clock::Clock;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};

/// A person waits: whatever the server asks for, and however often it failed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A model that is asked several times. The wait doubles from try to try, is spread by up to a
/// half so that many turns do not come back at once, and is at least what the server asks for,
/// within 30 s. One from which nothing came in all its time is not waited for again where another
/// can be asked instead.
pub struct Retrying {
    inner: Arc<dyn ChatModel>,
    attempts: NonZeroU32,
    delay: Duration,
    clock: Arc<dyn Clock>,
    jitter: fn() -> f64,
}

impl Retrying {
    /// `attempts` counts the first one too; `delay` goes before the second; `jitter` gives numbers
    /// from 0 to 1.
    pub fn new(
        inner: Arc<dyn ChatModel>,
        attempts: NonZeroU32,
        delay: Duration,
        clock: Arc<dyn Clock>,
        jitter: fn() -> f64,
    ) -> Self {
        Self {
            inner,
            attempts,
            delay,
            clock,
            jitter,
        }
    }

    /// `failures` is at least 1.
    fn wait(&self, failures: u32, kind: &ModelErrorKind) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let spread = 1.0 + (self.jitter)().clamp(0.0, 1.0) / 2.0;
        let backoff = self
            .delay
            .min(LONGEST_WAIT)
            .saturating_mul(1 << doublings)
            .min(LONGEST_WAIT);
        let asked = match kind {
            ModelErrorKind::RateLimited { retry_after }
            | ModelErrorKind::Overloaded { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        backoff.mul_f64(spread).max(asked).min(LONGEST_WAIT)
    }
}

#[async_trait]
impl ChatModel for Retrying {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let sink = WatchedSink::new(sink);
        let mut spent = Spent::nothing(&sink);
        let mut failures = 0;
        loop {
            let error = match self.inner.reply(request, &sink).await {
                Ok(reply) => return Ok(spent.before(reply)),
                Err(error) => error,
            };
            failures += 1;
            spent.add(&error);
            let silent = error.kind == ModelErrorKind::TimedOut && !sink.has_begun();
            let given_up = silent && sink.has_stand_in();
            if given_up || !error.kind.is_transient() || failures >= self.attempts.get() {
                return Err(spent.told_as(error));
            }
            self.clock.sleep(self.wait(failures, &error.kind)).await;
            sink.restart_if_begun();
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

impl std::fmt::Debug for Retrying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retrying")
            .field("inner", &self.inner)
            .field("attempts", &self.attempts)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}
