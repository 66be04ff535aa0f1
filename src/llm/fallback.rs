//! Answers without a server when the model does not: what the offline grammar understands goes on
//! working.

use std::sync::Arc;

use async_trait::async_trait;

use super::spent::Spent;
use super::watched_sink::WatchedSink;
use crate::core::conversation::Item;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};

/// What the ids of the offline answerer's tool calls begin with: a turn that it began is known by
/// them, also after a restart.
pub const OFFLINE_CALL_PREFIX: &str = "builtin_";

/// A model that needs no server and knows its limits. The ids of its tool calls must begin with
/// [`OFFLINE_CALL_PREFIX`].
pub trait OfflineAnswer: ChatModel {
    /// Whether it can make something of the person's message.
    fn understands(&self, request: &ModelRequest) -> bool;
}

/// A model with an offline answerer behind it.
#[derive(Debug)]
pub struct WithFallback {
    first: Arc<dyn ChatModel>,
    offline: Arc<dyn OfflineAnswer>,
}

impl WithFallback {
    /// `first` is asked as long as it answers.
    pub fn new(first: Arc<dyn ChatModel>, offline: Arc<dyn OfflineAnswer>) -> Self {
        Self { first, offline }
    }
}

#[async_trait]
impl ChatModel for WithFallback {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let begun_by = begun_by(request);
        if begun_by == Some(Answerer::Offline) {
            return self.offline.reply(request, sink).await;
        }
        // What the first has begun only the first can end: from the message alone the offline
        // answerer would do the same things again.
        let can_take_over = begun_by.is_none() && self.offline.understands(request);
        let sink = WatchedSink::new(sink);
        sink.tell_of_stand_in(can_take_over);
        let error = match self.first.reply(request, &sink).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let is_a_no = matches!(
            error.kind,
            ModelErrorKind::ContextTooLong | ModelErrorKind::Refused
        );
        if is_a_no || !can_take_over {
            return Err(error);
        }
        let mut spent = Spent::nothing(&sink);
        spent.add(&error);
        sink.restart_if_begun();
        match self.offline.reply(request, &sink).await {
            Ok(reply) => Ok(spent.before(reply)),
            Err(_) => Err(spent.told_as(error)),
        }
    }

    fn describe(&self) -> String {
        self.first.describe()
    }

    fn window(&self) -> usize {
        self.first.window()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answerer {
    First,
    Offline,
}

/// Whose the turn's first step was, if there was one.
fn begun_by(request: &ModelRequest) -> Option<Answerer> {
    let first = request.exchange.first()?;
    let is_offline = match first {
        Item::Assistant { calls, .. } => calls
            .first()
            .is_some_and(|call| call.id.as_str().starts_with(OFFLINE_CALL_PREFIX)),
        Item::User { .. } | Item::Tool { .. } => false,
    };
    Some(if is_offline {
        Answerer::Offline
    } else {
        Answerer::First
    })
}
