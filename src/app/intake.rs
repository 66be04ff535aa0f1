//! The way in, for everything: stored first, then answered from the table of commands or handed
//! to the dispatcher.

use std::sync::Arc;

use tracing::{info, warn};

use super::at_once::AtOnce;
use super::dispatcher::{Dispatcher, Work};
use super::signals::Signals;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::ids::InboxId;
use crate::core::inbox::{Arrival, Arrived, InboxRow, InboxStore, Stored};
use crate::core::message::Incoming;

/// Takes in what arrives.
#[derive(Debug)]
pub struct Intake {
    /// Where it is stored.
    pub inbox: Arc<dyn InboxStore>,
    /// What answers at once.
    pub at_once: Arc<dyn AtOnce>,
    /// What answers in turn.
    pub dispatcher: Arc<Dispatcher>,
    /// How turns are worked.
    pub work: Arc<dyn Work>,
    /// Rings for what is to be sent.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Intake {
    /// Stores a batch, then acts on it. When it returns without an error, the batch may be
    /// confirmed to whoever sent it; with one, it must be offered again.
    pub async fn accept(&self, batch: Vec<Arrival>) -> StoreResult<()> {
        let welcome: Vec<Option<Incoming>> = batch.iter().map(incoming).collect();
        let stored = self.inbox.add(batch).await?;
        // Strangers' notices are written together with their rows.
        if stored.contains(&Stored::Kept) {
            self.signals.wake_outbox();
        }
        if stored.contains(&Stored::Held) {
            self.dispatcher.forget_held_later();
        }
        for (stored, incoming) in stored.into_iter().zip(welcome) {
            match (stored, incoming) {
                (Stored::Queued(id), Some(incoming)) => {
                    let row = InboxRow {
                        id,
                        incoming,
                        received_at: self.clock.now(),
                    };
                    self.act(row).await;
                }
                (Stored::Amended(id), _) => self.act_anew(id).await,
                _ => {}
            }
        }
        Ok(())
    }

    /// A message that waits says something else: perhaps what must not wait.
    async fn act_anew(&self, id: InboxId) {
        match self.inbox.get(id).await {
            Ok(Some(row)) => self.act(row).await,
            // Its turn has come.
            Ok(None) => {}
            Err(error) => warn!(inbox.id = %id, %error, "a changed message could not be read"),
        }
    }

    /// Something of this place was put into the inbox by other means.
    pub fn nudge(&self, target: ChatTarget) {
        self.dispatcher.nudge(target, &self.work);
    }

    /// What is stored is not lost when this fails: the worker finds it.
    async fn act(&self, row: InboxRow) {
        let target = row.incoming.target.clone();
        info!(inbox.id = %row.id, chat.id = %target.chat, "received");
        match self.at_once.handle(&row).await {
            Ok(true) => {}
            Ok(false) => self.nudge(target),
            Err(error) => {
                warn!(inbox.id = %row.id, %error, "a command failed; it is tried again");
                self.nudge(target);
            }
        }
    }
}

fn incoming(arrival: &Arrival) -> Option<Incoming> {
    match &arrival.content {
        Arrived::Welcome { incoming, .. } | Arrived::Held { incoming, .. } => {
            Some((**incoming).clone())
        }
        Arrived::Stranger { .. } | Arrived::Ignored { .. } | Arrived::Unreadable { .. } => None,
    }
}
