//! The channel: what is sent is printed, what is edited is printed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::screen::{Screen, Showing};
use crate::core::channel::{
    Asking, Buttons, Capabilities, Channel, ChatTarget, DeliveryError, Sender, Streaming, Urgency,
};
use crate::core::ids::{ChannelName, ChatId, MessageId, UserId};
use crate::core::markup::LongCode;
use crate::core::outbox::Outgoing;

/// The name of this channel.
pub const CHANNEL: &str = "console";

/// The shortest time between two additions to a growing answer.
const INTERVAL: Duration = Duration::from_millis(60);

/// The one place to talk in.
pub fn target() -> ChatTarget {
    ChatTarget {
        channel: ChannelName::new(CHANNEL),
        chat: ChatId::new(CHANNEL),
        thread: None,
    }
}

/// The one person who talks.
pub fn person(name: &str) -> Sender {
    Sender {
        user: UserId::new(CHANNEL),
        name: name.to_owned(),
    }
}

/// Prints what is sent.
#[derive(Debug)]
pub struct ConsoleChannel {
    name: ChannelName,
    screen: Arc<Screen>,
    asking: Asking,
    sent: AtomicU64,
}

impl ConsoleChannel {
    /// A channel that prints on `screen`; `asking` says whether somebody reads and answers.
    pub fn new(screen: Arc<Screen>, asking: Asking) -> Self {
        Self {
            name: ChannelName::new(CHANNEL),
            screen,
            asking,
            sent: AtomicU64::new(0),
        }
    }
}

impl ConsoleChannel {
    /// What was not printed stays in the outbox, for a console that can print.
    fn failed(&self, error: &std::io::Error) -> DeliveryError {
        self.screen.give_up(error);
        DeliveryError::Unreachable(error.to_string())
    }
}

#[async_trait]
impl Channel for ConsoleChannel {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        let streaming = match self.screen.showing() {
            Showing::Terminal => Streaming::Edits { interval: INTERVAL },
            Showing::Pipe => Streaming::Off,
        };
        Capabilities {
            max_text_units: usize::MAX,
            streaming,
            max_parts: usize::MAX,
            long_code: LongCode::InText,
            buttons: Buttons::None,
            asking: self.asking,
        }
    }

    async fn reserve(&self, _target: &ChatTarget, _urgency: Urgency) {}

    fn try_reserve(&self, _target: &ChatTarget) -> bool {
        true
    }

    async fn send(
        &self,
        _target: &ChatTarget,
        content: &Outgoing,
        _reply_to: Option<&MessageId>,
    ) -> Result<MessageId, DeliveryError> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let id = MessageId::new(format!("{}-{number}", std::process::id()));
        self.screen
            .begin(&id, content)
            .map_err(|error| self.failed(&error))?;
        Ok(id)
    }

    async fn edit(
        &self,
        _target: &ChatTarget,
        message: &MessageId,
        content: &Outgoing,
    ) -> Result<(), DeliveryError> {
        let known = self
            .screen
            .go_on(message, content)
            .map_err(|error| self.failed(&error))?;
        known.ok_or_else(|| DeliveryError::MessageGone("printed by an earlier process".into()))
    }

    async fn typing(&self, _target: &ChatTarget) {}

    async fn answer_press(&self, _press: &str, _notice: Option<&str>) {}
}
