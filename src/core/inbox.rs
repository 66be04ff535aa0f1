//! The inbox: everything that arrived, stored before anything else happens to it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::change::{Change, ChangeOutcome};
use super::channel::{ChatTarget, Sender};
use super::error::StoreResult;
use super::ids::{InboxId, UserId};
use super::message::Incoming;
use super::outbox::NewOutbox;

/// Something that arrived, on its way into the inbox.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Who handed it over: unique for each bot account (`telegram:12345`), `console`, `job`.
    pub source: String,
    /// The source's own id of it; the pair is unique, so a second delivery changes nothing.
    pub external_id: i64,
    /// What it is, for the log and the inbox (`message`, `callback_query`, …).
    pub kind: String,
    /// What to do with it.
    pub content: Arrived,
}

/// What became of an arrival when it was read.
#[derive(Debug, Clone)]
pub enum Arrived {
    /// For the bot, from someone who may talk to it. `raw` is kept as it came.
    Welcome {
        /// The update as the source sent it.
        raw: String,
        /// The same, typed.
        incoming: Box<Incoming>,
    },
    /// A part of an album that does not say whom it is for: for the bot as soon as another part is.
    /// It is kept only for as long as the parts of an album are waited for.
    Held {
        /// The update as the source sent it.
        raw: String,
        /// The same, typed.
        incoming: Box<Incoming>,
    },
    /// From someone who may not: only ids, kind and time are kept.
    Stranger {
        /// Where it came from.
        target: ChatTarget,
        /// Who it came from.
        sender: Sender,
        /// The one line they may get, with a key that lets it be sent once a day.
        notice: Option<Box<NewOutbox>>,
    },
    /// Nothing to act on (a kind nobody asked for, a group message not meant for the bot).
    Ignored {
        /// The update as the source sent it; `None` where it must not be kept.
        raw: Option<String>,
    },
    /// It does not read as what it should be. It is kept and blocks nothing.
    Unreadable {
        /// The update as the source sent it.
        raw: String,
        /// What is wrong with it.
        error: String,
    },
}

/// A stored arrival that waits for its turn, or is in it.
#[derive(Debug, Clone)]
pub struct InboxRow {
    /// Its id; rows of one target are handled in the order of their ids.
    pub id: InboxId,
    /// What it says.
    pub incoming: Incoming,
    /// When it was stored.
    pub received_at: DateTime<Utc>,
}

/// What storing an arrival led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It waits for its turn.
    Queued(InboxId),
    /// It changed a message that was still waiting.
    Amended(InboxId),
    /// It is held until another part of its album says whom it is for, or is forgotten.
    Held,
    /// It was kept, and nothing follows.
    Kept,
    /// It was there already.
    Duplicate,
}

/// A change that a row asks for.
pub struct AskedByRow {
    /// The change.
    pub change: Change,
    /// Says what is to be sent for what came of it.
    pub replies: Replies,
}

/// Makes what is to be sent of what came of a change.
pub type Replies = Box<dyn FnOnce(&ChangeOutcome) -> Vec<NewOutbox> + Send>;

impl std::fmt::Debug for AskedByRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedByRow")
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

/// The inbox table.
#[async_trait]
pub trait InboxStore: Send + Sync + std::fmt::Debug {
    /// Stores a batch in one transaction; one result for each, in order. When it returns, the
    /// batch survives the loss of power. An edit of a waiting message changes that message. A part
    /// of an album that is meant lets in those that are held.
    async fn add(&self, batch: Vec<Arrival>) -> StoreResult<Vec<Stored>>;

    /// Forgets the parts of albums that are held since then or longer; says how many went.
    async fn forget_held(&self, until: DateTime<Utc>) -> StoreResult<u64>;

    /// The waiting rows of a target, oldest first: the next one, and with it every waiting row of
    /// the same album.
    async fn next(&self, target: &ChatTarget) -> StoreResult<Vec<InboxRow>>;

    /// The waiting rows of a target, oldest first, at most `limit`.
    async fn waiting(&self, target: &ChatTarget, limit: u32) -> StoreResult<Vec<InboxRow>>;

    /// The waiting rows of a target that one person has sent since then, oldest first, at most `limit`.
    async fn waiting_of(
        &self,
        target: &ChatTarget,
        (sender, since): (&UserId, DateTime<Utc>),
        limit: u32,
    ) -> StoreResult<Vec<InboxRow>>;

    /// A waiting row.
    async fn get(&self, id: InboxId) -> StoreResult<Option<InboxRow>>;

    /// Every target with something waiting, oldest first.
    async fn waiting_targets(&self) -> StoreResult<Vec<ChatTarget>>;

    /// Ends a waiting row with what is to be sent for it, in one transaction. Returns false, and
    /// does nothing, when the row no longer waits: so nothing is answered twice.
    async fn finish(&self, id: InboxId, replies: Vec<NewOutbox>) -> StoreResult<bool>;

    /// Makes a change and ends the waiting row that asked for it, with what is to be sent for what
    /// came of it, in one transaction. Returns `None`, and does nothing, when the row no longer
    /// waits: so nothing is done twice.
    async fn finish_with(
        &self,
        id: InboxId,
        asked: AskedByRow,
    ) -> StoreResult<Option<ChangeOutcome>>;

    /// How many rows wait.
    async fn count_waiting(&self) -> StoreResult<u64>;
}
