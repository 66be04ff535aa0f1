//! A model whose calls are held against the budget and priced.

use std::sync::Arc;

use async_trait::async_trait;

use super::Spending;
use super::hold::Hold;
use crate::core::budget::SpentBudget;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};
use crate::core::usage::{TokenUsage, UsageEntry};

/// What an answer is expected to need, before it is there.
const USUAL_ANSWER: u64 = 1000;

/// It belongs directly around the provider, so that each try counts.
#[derive(Debug)]
pub(super) struct Metered {
    pub(super) inner: Arc<dyn ChatModel>,
    pub(super) name: String,
    pub(super) spending: Arc<Spending>,
}

#[async_trait]
impl ChatModel for Metered {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let described = self.inner.describe();
        let provider = described.split(" (").next().unwrap_or_default();
        let expected = TokenUsage {
            input: request.estimated_tokens() as u64,
            cached_input: 0,
            output: USUAL_ANSWER,
        };
        let lost = |usage: Vec<UsageEntry>| sink.lost(usage);
        let hold =
            Hold::of(&self.spending, (provider, &self.name), expected, &lost).map_err(not_asked)?;
        let mut outcome = self.inner.reply(request, sink).await;
        let usage = match &mut outcome {
            Ok(reply) => &mut reply.usage,
            Err(error) => &mut error.usage,
        };
        let cost = self.spending.price(usage, &self.name);
        self.spending.tell(hold.settle(cost)).await;
        outcome
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

fn not_asked(budget: SpentBudget) -> ModelError {
    ModelError {
        kind: ModelErrorKind::BudgetSpent { budget },
        detail: "not asked".into(),
        tries: 0,
        usage: Vec::new(),
    }
}
