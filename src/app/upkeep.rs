//! The upkeep of conversations, behind the turns: summarises what is about to fall out of the
//! window, and deletes what need not be kept. No turn waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::spending::Spending;
use crate::core::clock::Clock;
use crate::core::compaction::{Summary, SummaryStore, Window};
use crate::core::conversation::{ConversationStore, Enclosure};
use crate::core::envelope::Envelopes;
use crate::core::error::StoreResult;
use crate::core::ids::ConversationId;
use crate::core::label::Labels;
use crate::core::model::{ChatModel, ModelReply, ModelRequest, ReplySink};
use crate::core::usage::{CallPurpose, UsageEntry};

const PROMPT: &str = include_str!("../../prompts/compaction.md");

/// How long a model may take for a summary.
const TIME_LIMIT: Duration = Duration::from_secs(90);

/// After a failure no summary of that conversation is tried for so long; until then its oldest turns
/// are just dropped.
const REST: TimeDelta = TimeDelta::minutes(5);

/// How many windows full of items are looked at: a long turn pushes several others out at once.
const LOOK_BACK: usize = 4;

/// Ended turns that may wait; of those beyond, the next turn of their conversation reminds.
const MOST_WAITING: usize = 256;

/// Makes summaries.
#[derive(Debug)]
pub struct Compaction {
    /// Where they are kept.
    pub summaries: Arc<dyn SummaryStore>,
    /// Who writes them: a real model, as the offline grammar cannot.
    pub model: Arc<dyn ChatModel>,
    /// Where their cost is told.
    pub spending: Arc<Spending>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Items of a conversation that a model is shown, at most.
    pub window_items: usize,
    /// Estimated tokens of a request beside what was said: of the prompt and the tools.
    pub beside_history: usize,
    /// What content from outside stands in.
    pub envelopes: Envelopes,
}

/// Looks after conversations whose turns have ended.
#[derive(Debug)]
pub struct Upkeep {
    /// What is deleted from.
    pub conversations: Arc<dyn ConversationStore>,
    /// The newest items that stay; 0 keeps all.
    pub keep_items: u32,
    /// Whether and how the older ones are summarised.
    pub compaction: Option<Compaction>,
    /// Which calls no turn books.
    pub spending: Arc<Spending>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The conversations.
    pub ended: mpsc::Receiver<ConversationId>,
}

/// Where ended turns are told, and where they are heard of.
pub fn ended_turns() -> (mpsc::Sender<ConversationId>, mpsc::Receiver<ConversationId>) {
    mpsc::channel(MOST_WAITING)
}

impl Upkeep {
    /// Looks after one conversation at a time until `stop`; what is broken off then is done after the
    /// next turn. Books the calls of no turn until `shutdown`, when the last turn has ended.
    pub async fn run(
        self,
        stop: CancellationToken,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let spending = self.spending.clone();
        let booking = spending.keep_booking_lost(&shutdown);
        let (done, ()) = tokio::join!(self.look_after_conversations(stop), booking);
        done
    }

    async fn look_after_conversations(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut failed: HashMap<ConversationId, DateTime<Utc>> = HashMap::new();
        loop {
            let conversation = tokio::select! {
                biased;
                ended = self.ended.recv() => match ended {
                    Some(conversation) => conversation,
                    None => return Ok(()),
                },
                () = stop.cancelled() => return Ok(()),
            };
            let now = self.clock.now();
            // A clock that was set back must not make it a long rest.
            failed.retain(|_, at| *at <= now && now - *at < REST);
            let rests = failed.contains_key(&conversation);
            if let Some(compaction) = self.compaction.as_ref().filter(|_| !rests) {
                let compacted = tokio::select! {
                    biased;
                    () = stop.cancelled() => Ok(()),
                    compacted = compaction.compact(conversation) => compacted,
                };
                if let Err(error) = compacted {
                    warn!(%error, "no summary; the oldest turns are dropped without one");
                    failed.insert(conversation, self.clock.now());
                }
            }
            if let Err(error) = self.trim(conversation).await {
                warn!(%error, "old items could not be deleted");
            }
        }
    }

    async fn trim(&self, conversation: ConversationId) -> StoreResult<()> {
        if self.keep_items == 0 {
            return Ok(());
        }
        let keep = self.keep_items.into();
        self.conversations.trim_to(conversation, keep).await?;
        Ok(())
    }
}

impl Compaction {
    /// Summarises what is about to fall out of the window, if anything is.
    async fn compact(&self, conversation: ConversationId) -> anyhow::Result<()> {
        let window = self.window();
        let most = u32::try_from(window.items * LOOK_BACK).unwrap_or(u32::MAX);
        let uncovered = self.summaries.uncovered(conversation, most).await?;
        let old = window.overflow(&uncovered);
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            return Ok(());
        };
        let before = self.summaries.get(conversation).await?;
        let labels = old.iter().map(|placed| placed.item.labels());
        let labels = labels.chain(before.iter().map(|summary| &summary.labels));
        let labels = labels.collect::<Labels>().rewritten();
        let request = ModelRequest {
            system: PROMPT.trim().to_owned(),
            enclosures: vec![Enclosure {
                text: window.transcript(before.as_ref(), old),
                labels: labels.clone(),
            }],
            cache_key: format!("minibot-compaction-{conversation}"),
            envelopes: self.envelopes.clone(),
            ..ModelRequest::default()
        };
        let reply = self.ask(&request).await?;
        let summary = Summary::new(&reply.text, last.id, labels)
            .ok_or_else(|| anyhow::anyhow!("the model said nothing"))?;
        let now = self.clock.now();
        self.summaries
            .save(conversation, summary, first.id, now)
            .await?;
        info!(%conversation, items = old.len(), "older items summarised");
        Ok(())
    }

    /// What is shown of a conversation, as far as is known of the models by now.
    fn window(&self) -> Window {
        Window {
            items: self.window_items,
            tokens: self.model.window().saturating_sub(self.beside_history),
        }
    }

    async fn ask(&self, request: &ModelRequest) -> anyhow::Result<ModelReply> {
        let sink = Unshown(&self.spending);
        let asked = self.model.reply(request, &sink);
        let answer = tokio::time::timeout(TIME_LIMIT, asked).await?;
        let usage = match &answer {
            Ok(reply) => &reply.usage,
            Err(error) => &error.usage,
        };
        sink.lost(usage.clone());
        Ok(answer?)
    }
}

/// Nobody watches a summary grow.
struct Unshown<'a>(&'a Spending);

impl ReplySink for Unshown<'_> {
    fn push(&self, _text: &str) {}

    fn restart(&self) {}

    fn lost(&self, usage: Vec<UsageEntry>) {
        self.0.lose(CallPurpose::Compaction, usage);
    }
}
