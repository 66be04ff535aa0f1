//! Spares the person the wait for a server that is down: after several failed turns in a row only
//! a trial now and then gets through.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::core::clock::Clock;
use crate::core::ids::TurnId;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};

/// So many failed turns in a row open the circuit.
const FAILURES_TO_OPEN: usize = 3;
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
    /// The turns in a row that have failed, until they are enough, and how far each had come.
    failed: Vec<(TurnId, usize)>,
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
        let is_open = state.failed.len() >= FAILURES_TO_OPEN;
        let Some((error, since)) = state.last.as_mut().filter(|_| is_open) else {
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
                "not asked, since {FAILURES_TO_OPEN} turns in a row failed: {}",
                error.detail
            ),
            tries: 0,
            usage: Vec::new(),
        })
    }

    /// A server that answers is up, even when its answer is no. One that was not asked, since the
    /// budget is spent, has said nothing.
    fn learn(&self, request: &ModelRequest, outcome: &Result<ModelReply, ModelError>) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(error) if error.kind.is_transient() => {
                state.count(request);
                state.last = Some((error.clone(), now));
            }
            Err(error) if matches!(error.kind, ModelErrorKind::BudgetSpent { .. }) => {}
            _ => *state = State::default(),
        }
    }
}

impl State {
    /// Counts turns. One that has come further since it failed has gone on with a stand-in, and one
    /// that has not is run anew, which is another. What belongs to no turn does not count.
    fn count(&mut self, request: &ModelRequest) {
        let Some(turn) = request.turn else {
            return;
        };
        let steps = request.exchange.len();
        let count = self.failed.len();
        let before = self.failed.iter_mut().find(|(failed, _)| *failed == turn);
        match before {
            Some((_, at)) if *at < steps => *at = steps,
            _ if count < FAILURES_TO_OPEN => self.failed.push((turn, steps)),
            _ => {}
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
        self.learn(request, &outcome);
        outcome
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
