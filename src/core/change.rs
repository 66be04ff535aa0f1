//! Changes of the database that a tool can ask for: the journal applies each one together with
//! the result of the call, so that a crash leaves both or neither.

use super::approval::{AllowRule, AnswerRefused, Answered, Settlement};
use super::card::{Reacted, Reaction};
use super::channel::ChatTarget;
use super::exits::Links;
use super::ids::{ConversationId, JobId, OccurrenceId, RuleId, UserId};
use super::jobs::{Job, JobAction, JobLimits, NewJob};
use super::label::Labels;
use super::money::MicroUsd;
use super::notes::{NewNote, Note, NoteOwner, NoteSelector};
use super::outgoing_file::OutgoingFile;

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds a job, unless the chat has too many.
    AddJob {
        /// The job.
        job: NewJob,
        /// How many active ones the chat may have.
        limits: JobLimits,
    },
    /// Does something to a job of this chat.
    ActOnJob {
        /// The chat that must own it.
        target: ChatTarget,
        /// The job.
        job: JobId,
        /// What.
        action: JobAction,
    },
    /// Deletes a job of this chat with its receipts.
    DeleteJob {
        /// The chat that must own it.
        target: ChatTarget,
        /// The job.
        job: JobId,
    },
    /// Answers the card of a slot, once. A snoozed one comes back as a job of its own.
    AnswerCard {
        /// The chat in which the answer was given.
        target: ChatTarget,
        /// The slot.
        occurrence: OccurrenceId,
        /// The answer.
        reaction: Reaction,
    },
    /// Makes another attempt at a failed scheduled run due.
    RetryRun {
        /// The chat in which that was asked for.
        target: ChatTarget,
        /// The slot.
        occurrence: OccurrenceId,
    },
    /// Saves a note; the same title of the same owner is updated.
    SaveNote(NewNote),
    /// Deletes a note.
    DeleteNote {
        /// Whose.
        owner: NoteOwner,
        /// Which.
        selector: NoteSelector,
    },
    /// Queues a file for a chat. Pictures that are queued shortly after one another become an album.
    SendFile {
        /// Where to.
        target: ChatTarget,
        /// The file, with its copy taken.
        file: Box<OutgoingFile>,
    },
    /// Answers a question about a call, once.
    AnswerApproval {
        /// The answer.
        answered: Answered,
        /// The line that the card gets.
        line: String,
    },
    /// Takes back what a chat always allows.
    RevokeRule {
        /// The chat that must own it.
        target: ChatTarget,
        /// Which.
        rule: RuleId,
        /// Who does.
        by: UserId,
    },
    /// Adds to the budget of the day and the month.
    RaiseBudget {
        /// How much.
        amount: MicroUsd,
    },
    /// Deletes all but the newest items of a conversation.
    TrimHistory {
        /// Which.
        conversation: ConversationId,
        /// How many stay; a turn is never cut in two, so a few more can go.
        keep: u64,
    },
}

impl Change {
    /// The same where what it sends has only those links that may be links.
    #[must_use]
    pub fn with_links(mut self, links: &Links) -> Self {
        if let Self::SendFile { file, .. } = &mut self {
            file.caption = links.applied(std::mem::take(&mut file.caption));
        }
        self
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeOutcome {
    /// The job as it is now; `None` when this chat has no such job.
    Job(Option<Box<Job>>),
    /// What came of a press below the card of a slot.
    Reacted(Reacted),
    /// What came of an answer to a question.
    ApprovalAnswered(Result<Settlement, AnswerRefused>),
    /// The rule that is gone; `None` when this chat has no such rule.
    RuleRevoked(Option<AllowRule>),
    /// The chat has as many active jobs as it may have.
    TooManyJobs {
        /// How many that is.
        limit: u32,
    },
    /// The note as it is now.
    Note(Box<Note>),
    /// Whether there was something to delete.
    Deleted(Deleted),
    /// It waits to be sent.
    Queued,
    /// The budget is larger by so much.
    BudgetRaised {
        /// How much.
        amount: MicroUsd,
    },
    /// How many items went and stayed.
    Trimmed {
        /// Items that are gone.
        removed: u64,
        /// Items that are left.
        remaining: u64,
    },
}

impl ChangeOutcome {
    /// Where the content comes from that a result may repeat.
    pub fn labels(&self) -> Labels {
        match self {
            Self::Job(Some(job)) => job.details.labels.clone(),
            Self::Note(note) => note.labels.clone(),
            _ => Labels::default(),
        }
    }
}

/// Whether a deletion found what it was to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone.
    Gone,
    /// There was no such thing.
    NotFound,
}
