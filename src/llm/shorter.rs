//! Asks again with less of the past when a request was too long for the model.

use std::sync::Arc;

use async_trait::async_trait;

use super::spent::Spent;
use super::watched_sink::WatchedSink;
use crate::core::conversation::{History, Item};
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};

/// A model that is asked once more with the newer half of the history when the whole was too long.
/// It belongs around each model on its own, since their windows differ.
#[derive(Debug)]
pub struct WithShorterHistory {
    inner: Arc<dyn ChatModel>,
}

impl WithShorterHistory {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn ChatModel>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl ChatModel for WithShorterHistory {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let sink = WatchedSink::new(sink);
        let error = match self.inner.reply(request, &sink).await {
            Err(error) if error.kind == ModelErrorKind::ContextTooLong => error,
            outcome => return outcome,
        };
        if request.history.items().is_empty() {
            return Err(error);
        }
        let shorter = ModelRequest {
            history: newer_half(&request.history),
            ..request.clone()
        };
        let mut spent = Spent::nothing(&sink);
        spent.add(&error);
        sink.restart_if_begun();
        match self.inner.reply(&shorter, &sink).await {
            Ok(reply) => Ok(spent.before(reply)),
            Err(error) => {
                spent.add(&error);
                Err(spent.told_as(error))
            }
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

/// The newest whole turns with at most half of the items and of the tokens.
fn newer_half(history: &History) -> History {
    let items = history.items();
    let tokens: usize = items.iter().map(Item::estimated_tokens).sum();
    history.newest_turns(items.len() / 2, tokens / 2)
}
