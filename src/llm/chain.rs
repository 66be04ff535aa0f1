//! Several models in a row: when one gives up, the next is asked.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;

use super::spent::Spent;
use super::watched_sink::WatchedSink;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};

/// A model with others behind it. Each should bring its own retries and its own circuit breaker:
/// then one that is known to be down costs no wait.
#[derive(Debug)]
pub struct Chain {
    first: Arc<dyn ChatModel>,
    others: Vec<Arc<dyn ChatModel>>,
}

impl Chain {
    /// `others` are asked in order.
    pub fn new(first: Arc<dyn ChatModel>, others: Vec<Arc<dyn ChatModel>>) -> Self {
        Self { first, others }
    }

    fn models(&self) -> impl Iterator<Item = &Arc<dyn ChatModel>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[async_trait]
impl ChatModel for Chain {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let sink = WatchedSink::new(sink);
        let mut spent = Spent::nothing(&sink);
        let mut told = None;
        let mut left: VecDeque<_> = self.models().collect();
        while let Some(model) = left.pop_front() {
            sink.restart_if_begun();
            sink.tell_of_stand_in(!left.is_empty());
            let error = match model.reply(request, &sink).await {
                Ok(reply) => return Ok(spent.before(reply)),
                Err(error) => error,
            };
            spent.add(&error);
            match error.kind {
                // Another model is no better for this, if the one that the person chose says so. A
                // wrong key, an empty account or a request that one server does not take are of
                // that server: for them there are others.
                ModelErrorKind::Refused if told.is_none() => return Err(spent.told_as(error)),
                // Only a larger window helps.
                ModelErrorKind::ContextTooLong => {
                    let window = model.window();
                    left.retain(|other| other.window() > window);
                }
                _ => {}
            }
            tracing::warn!(model = model.describe(), %error, "a model gave up");
            // What is wrong with the model that the person chose is what the person should know.
            told.get_or_insert(error);
        }
        let error = told.expect("the first model was asked and did not answer");
        Err(spent.told_as(error))
    }

    fn describe(&self) -> String {
        self.first.describe()
    }

    fn window(&self) -> usize {
        let windows = self.models().map(|model| model.window());
        windows.min().unwrap_or(usize::MAX)
    }
}
