//! Listening whose calls are held against the budget, priced and booked.

use std::sync::Arc;

use async_trait::async_trait;

use super::Spending;
use super::hold::Hold;
use crate::core::budget::SpentBudget;
use crate::core::media::{Listened, MediaError, Recording, Transcriber};
use crate::core::usage::{CallPurpose, UsageEntry};

/// It belongs directly around what listens, so that each try counts.
#[derive(Debug)]
pub(super) struct MeteredTranscriber {
    pub(super) inner: Arc<dyn Transcriber>,
    pub(super) name: String,
    pub(super) spending: Arc<Spending>,
}

#[async_trait]
impl Transcriber for MeteredTranscriber {
    async fn transcribe(&self, recording: &Recording) -> Listened {
        let lost = |usage: Vec<UsageEntry>| self.spending.lose(CallPurpose::Turn, usage);
        let expected = recording.expected_tokens();
        let model = ("transcription", self.name.as_str());
        let hold = match Hold::of(&self.spending, model, expected, &lost) {
            Ok(hold) => hold,
            Err(budget) => return not_asked(budget),
        };
        let mut listened = self.inner.transcribe(recording).await;
        let cost = self.spending.price(&mut listened.usage, &self.name);
        let warnings = hold.settle(cost);
        lost(listened.usage.clone());
        self.spending.tell(warnings).await;
        listened
    }
}

fn not_asked(budget: SpentBudget) -> Listened {
    let words = format!(
        "{}; please send it again later, or write it instead",
        budget.describe()
    );
    Listened {
        words: Err(MediaError::Unreadable(words)),
        usage: Vec::new(),
    }
}
