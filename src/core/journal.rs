//! The turn journal: the port that makes each step of a turn durable before it takes effect.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::approval::NewApproval;
use super::audit::AuditedCall;
use super::change::Change;
use super::channel::ChatTarget;
use super::conversation::{Conversation, Item};
use super::error::StoreResult;
use super::ids::{InboxId, MessageId, OccurrenceId, OutboxId, TurnId};
use super::inbox::InboxRow;
use super::jobs::OccurrenceState;
use super::outbox::{NewOutbox, Outgoing};
use super::tool::{Describe, FinishedCall, ToolCall, ToolResult};
use super::turn::Fact;

/// A turn that has begun and not ended.
#[derive(Debug, Clone)]
pub struct RunningTurn {
    /// Its id.
    pub id: TurnId,
    /// The conversation it belongs to.
    pub conversation: Conversation,
    /// What it answers: one row, or the parts of an album.
    pub inbox: Vec<InboxRow>,
    /// What has happened so far, in order.
    pub facts: Vec<Fact>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The outbox row in which its answer grows.
    pub answer: OpenAnswer,
}

/// The outbox row of an answer that is still being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAnswer {
    /// The row.
    pub row: OutboxId,
    /// The message that already shows a part of it.
    pub message: Option<MessageId>,
}

/// What a step leaves in the journal, all in one transaction.
#[derive(Debug, Clone, Default)]
pub struct JournalEntry {
    /// What happened.
    pub facts: Vec<Fact>,
    /// The calls that have their result by them, for the audit log.
    pub finished_calls: Vec<AuditedCall>,
    /// The question that is asked with it; its card is the last of what is said.
    pub question: Option<NewApproval>,
    /// What is said to the person. The open answer becomes the first of these, and a new one is
    /// opened behind them. Nothing said leaves the open answer as it is.
    pub said: Vec<NewOutbox>,
}

/// A change of the database that a call asks for.
pub struct AskedChange {
    /// The call.
    pub call: ToolCall,
    /// Makes the line of the audit log of the call's result.
    pub audit: DescribeCall,
    /// The change.
    pub change: Change,
    /// Makes the call's result of what came of the change.
    pub describe: Describe,
}

/// Makes the line of the audit log of a call's result.
pub type DescribeCall = Box<dyn FnOnce(&ToolResult) -> AuditedCall + Send>;

impl std::fmt::Debug for AskedChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedChange")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// What the person reads of a turn that a defect or an unreadable row has ended.
pub const BROKEN: &str =
    "Something broke while I worked on this. Your message is kept; send /retry to try again.";

/// The same of a scheduled run, which nobody can ask to try again.
pub const BROKEN_RUN: &str = "A scheduled task broke down and was not done this time.";

/// The end of a turn, all in one transaction.
#[derive(Debug, Clone)]
pub struct TurnEnd {
    /// The last facts.
    pub facts: Vec<Fact>,
    /// The calls that have their result by them, for the audit log.
    pub finished_calls: Vec<AuditedCall>,
    /// How it ended.
    pub state: TurnState,
    /// The conversation's new items, the person's message first.
    pub items: Vec<Item>,
    /// What is said. The open answer becomes the first of these; when nothing is said it is
    /// withdrawn.
    pub said: Vec<NewOutbox>,
    /// The receipt of the scheduled run that this turn was.
    pub receipt: Option<Receipt>,
}

impl TurnEnd {
    /// That of a turn which cannot be read, and may have been a scheduled run.
    pub fn unreadable(target: ChatTarget, run: Option<OccurrenceId>) -> Self {
        let words = run.map_or(BROKEN, |_| BROKEN_RUN);
        let receipt = run.map(|occurrence| Receipt {
            occurrence,
            state: OccurrenceState::Failed,
            reason: Some("something broke".to_owned()),
            retry_at: None,
        });
        Self {
            facts: Vec::new(),
            finished_calls: Vec::new(),
            state: TurnState::Failed,
            items: Vec::new(),
            said: vec![NewOutbox::answer(target, Outgoing::plain(words))],
            receipt,
        }
    }
}

/// How a turn ended, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// With an answer.
    Answered,
    /// Without one: `/retry` can run it again.
    Failed,
    /// Stopped by the person or a limit.
    Stopped,
}

/// How a scheduled run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which slot.
    pub occurrence: OccurrenceId,
    /// How.
    pub state: OccurrenceState,
    /// Why.
    pub reason: Option<String>,
    /// When it is tried again; it stays `Running` until then.
    pub retry_at: Option<DateTime<Utc>>,
}

/// The tables of turns and their facts.
#[async_trait]
pub trait TurnJournal: Send + Sync + std::fmt::Debug {
    /// Begins a turn for waiting inbox rows: takes them, finds or starts the conversation, and
    /// opens the answer. Another attempt at a scheduled run goes on with the turn of the one before, if that can be
    /// read. `None` when they no longer wait.
    async fn begin(
        &self,
        inbox: &[InboxId],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<RunningTurn>>;

    /// The turns that were running when the process ended, oldest first.
    async fn unfinished(&self) -> StoreResult<Vec<RunningTurn>>;

    /// A turn, if it is running.
    async fn running(&self, turn: TurnId) -> StoreResult<Option<RunningTurn>>;

    /// Writes a step. Returns the answer that is open now. What the replies and failures
    /// among the facts cost is booked with them.
    async fn append(
        &self,
        turn: TurnId,
        entry: JournalEntry,
        now: DateTime<Utc>,
    ) -> StoreResult<OpenAnswer>;

    /// Applies a change and writes the result of the call that asked for it, with the labels of
    /// what came of the change.
    async fn apply(
        &self,
        turn: TurnId,
        asked: AskedChange,
        now: DateTime<Utc>,
    ) -> StoreResult<FinishedCall>;

    /// Ends a turn. Its inbox rows are done with it, and a question that still waits is closed.
    async fn end(&self, turn: TurnId, end: TurnEnd, now: DateTime<Utc>) -> StoreResult<()>;

    /// Runs again what the sender of `said_in` wrote last to a target. Where nothing was said since and there is no
    /// answer, its turn is opened: without the fact that ended it and without what it left in the conversation;
    /// what its tools have done stays done. Otherwise that is left as it is, and another turn begins with the same
    /// question. `said_in` is done then. `None` when there is nothing to run again.
    async fn reopen(
        &self,
        target: &ChatTarget,
        said_in: InboxId,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<RunningTurn>>;
}
