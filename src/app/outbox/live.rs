//! An answer that is shown while it is being written: one message that grows by edits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::debug;

use super::super::channels::Channels;
use super::super::store_trouble::tell;
use super::STORE_PAUSE;
use crate::core::boundary::Boundary;
use crate::core::channel::{Channel, ChatTarget, DeliveryError, Streaming};
use crate::core::clock::Clock;
use crate::core::error::{StoreError, StoreResult};
use crate::core::exits::Links;
use crate::core::ids::{MessageId, OutboxId};
use crate::core::journal::OpenAnswer;
use crate::core::markup::{self, LongCode};
use crate::core::outbox::{OutboxStore, Outgoing};

/// A first message waits this long, so that a quick answer is one call and not two.
const FIRST_AFTER: Duration = Duration::from_millis(400);

/// Where an answer goes.
#[derive(Debug, Clone)]
pub struct AnswerPlace {
    /// The chat.
    pub target: ChatTarget,
    /// The message it replies to, where others write in between.
    pub reply_to: Option<MessageId>,
    /// Which links it may have.
    pub links: Links,
}

/// Bytes of a growing answer that are looked at: more than the longest message of any channel.
const MOST_RENDERED: usize = 32 * 1024;

/// Shows growing answers.
#[derive(Debug)]
pub struct LiveAnswers {
    /// Knows what must arrive before an answer, and keeps its message id.
    pub store: Arc<dyn OutboxStore>,
    /// Where answers are shown.
    pub channels: Channels,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl LiveAnswers {
    /// Shows what `text` holds, whenever it has changed and the channel's pace allows, until the
    /// sender of `text` is gone. A failure only ends the showing: the answer itself comes through
    /// the outbox. It must not be dropped while it runs, or a message could lose its id.
    pub async fn show(
        &self,
        place: &AnswerPlace,
        answer: &mut OpenAnswer,
        mut text: watch::Receiver<String>,
    ) {
        let target = &place.target;
        let Some(channel) = self.channels.of(target) else {
            return;
        };
        let Streaming::Edits { interval } = channel.capabilities().streaming else {
            return;
        };
        let mut shown = String::new();
        let mut wait = if answer.message.is_some() {
            interval
        } else {
            FIRST_AFTER.min(interval)
        };
        while text.changed().await.is_ok() {
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = finished(&mut text) => return,
            }
            let current = text.borrow_and_update().clone();
            let Some(content) = first_part(&current, channel.as_ref(), &place.links) else {
                continue;
            };
            if content.visible_text() == shown || !channel.try_reserve(target) {
                continue;
            }
            if let Err(error) = self.put(channel.as_ref(), place, answer, &content).await {
                debug!(%error, "the answer is not shown while it grows");
                return;
            }
            shown = content.visible_text().to_owned();
            wait = interval;
        }
    }

    async fn put(
        &self,
        channel: &dyn Channel,
        place: &AnswerPlace,
        answer: &mut OpenAnswer,
        content: &Outgoing,
    ) -> Result<(), DeliveryError> {
        let target = &place.target;
        if let Some(message) = &answer.message {
            return channel.edit(target, message, content).await;
        }
        let store = |error: StoreError| DeliveryError::Refused(error.to_string());
        if self.store.is_behind(answer.row).await.map_err(store)? {
            return Ok(());
        }
        self.store.start(answer.row, None).await.map_err(store)?;
        Boundary::Sending.pass();
        let message = channel
            .send(target, content, place.reply_to.as_ref())
            .await?;
        Boundary::Sent.pass();
        self.attach(answer.row, &message).await.map_err(store)?;
        Boundary::Recorded.pass();
        answer.message = Some(message);
        Ok(())
    }

    /// What has happened must be written down, or the answer would stand there twice: a full disk is waited for.
    async fn attach(&self, row: OutboxId, message: &MessageId) -> StoreResult<()> {
        loop {
            match self.store.attach(row, message).await {
                Err(error) if error.passes() => {
                    tell(
                        &error,
                        &format!("message {message} could not be written down"),
                    );
                    self.clock.sleep(STORE_PAUSE).await;
                }
                attached => return attached,
            }
        }
    }
}

/// Returns when no more text can come.
async fn finished(text: &mut watch::Receiver<String>) {
    while text.changed().await.is_ok() {}
}

fn first_part(text: &str, channel: &dyn Channel, links: &Links) -> Option<Outgoing> {
    // Only the beginning can be shown: the rest need not be rendered again and again.
    let head = &text[..text.floor_char_boundary(MOST_RENDERED)];
    let capabilities = channel.capabilities();
    let rendered = match capabilities.long_code {
        LongCode::InText => markup::render_unfinished(head),
        LongCode::Apart => markup::render_unfinished_apart(head),
    };
    markup::split(&links.applied(rendered), capabilities.max_text_units)
        .into_iter()
        .next()
        .map(Outgoing::formatted)
}
