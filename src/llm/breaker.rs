//! Spares the person the wait for a server that is down: after several failed turns in a row only
//! a trial now and then gets through.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock::Clock;
use crate::core::model::{ChatModel, ModelError, ModelReply, ModelRequest, ReplySink};

/// So many failures in a row open the circuit.
const FAILURES_TO_OPEN: u32 = 3;
/// Between two trials while it is open.
const TRIAL_EVERY: TimeDelta = TimeDelta::seconds(15);

/// A model with a circuit breaker. It belongs around the retries, so that one failure is one turn's.
#[derive(Debug)]
pub struct CircuitBreaker {
    inner: Arc<dyn ChatModel>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// The newest failure and when it came, or when the newest trial began.
    last: Option<(ModelError, DateTime<Utc>)>,
}

impl CircuitBreaker {
    /// Starts closed: everything gets through.
    pub fn new(inner: Arc<dyn ChatModel>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            state: Mutex::default(),
        }
    }

    /// Whether a call may be made. In the open circuit, saying yes begins a trial.
    fn admit(&self) -> Result<(), ModelError> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = state.failures;
        let Some((error, since)) = state.last.as_mut().filter(|_| failures >= FAILURES_TO_OPEN)
        else {
            return Ok(());
        };
        // A clock that was set back must not lock the server out.
        if now < *since || now - *since >= TRIAL_EVERY {
            *since = now;
            return Ok(());
        }
        Err(ModelError {
            kind: error.kind.clone(),
            detail: format!(
                "not asked, since {failures} turns in a row failed: {}",
                error.detail
            ),
            tries: 0,
            usage: Vec::new(),
        })
    }

    /// A server that answers is up, even when its answer is no.
    fn learn(&self, outcome: &Result<ModelReply, ModelError>) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(error) if error.kind.is_transient() => {
                state.failures = state.failures.saturating_add(1);
                state.last = Some((error.clone(), now));
            }
            _ => *state = State::default(),
        }
    }
}

#[async_trait]
impl ChatModel for CircuitBreaker {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        self.admit()?;
        let outcome = self.inner.reply(request, sink).await;
        self.learn(&outcome);
        outcome
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
