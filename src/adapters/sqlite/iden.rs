//! The names of the tables, and of those columns that statements are about.

use sea_query::Iden;

/// Everything that arrived.
#[derive(Clone, Copy, Iden)]
pub(super) enum Inbox {
    Table,
    Id,
    Source,
    ExternalId,
    Kind,
    Channel,
    Chat,
    Thread,
    Sender,
    Message,
    Album,
    State,
    Raw,
    Incoming,
    Error,
    Turn,
    ReceivedAt,
    DoneAt,
}

/// Parts of albums of which no part has said yet whom it is for.
#[derive(Clone, Copy, Iden)]
pub(super) enum HeldParts {
    Table,
    Inbox,
    Channel,
    Chat,
    Thread,
    Album,
    Raw,
    Incoming,
    HeldAt,
}

/// What happens in one place between two `/new`.
#[derive(Clone, Copy, Iden)]
pub(super) enum Conversations {
    Table,
    Id,
    Channel,
    Chat,
    Thread,
    Agent,
    StartedAt,
    ClosedAt,
    Labels,
}

/// The entries of the conversations.
#[derive(Clone, Copy, Iden)]
pub(super) enum Items {
    Table,
    Id,
    Conversation,
    Turn,
    Role,
    Item,
    CreatedAt,
}

/// What conversations were about before the items that are shown.
#[derive(Clone, Copy, Iden)]
pub(super) enum Summaries {
    Table,
    Conversation,
    Text,
    CoversTo,
    CreatedAt,
    Labels,
}

/// The turns.
#[derive(Clone, Copy, Iden)]
pub(super) enum Turns {
    Table,
    Id,
    Conversation,
    State,
    StartedAt,
    EndedAt,
}

/// What happened in each turn.
#[derive(Clone, Copy, Iden)]
pub(super) enum TurnFacts {
    Table,
    Turn,
    Seq,
    Fact,
    CreatedAt,
}

/// Everything to send.
#[derive(Clone, Copy, Iden)]
pub(super) enum Outbox {
    Table,
    Id,
    Channel,
    Chat,
    Thread,
    Urgency,
    State,
    Content,
    ReplyTo,
    Message,
    DedupeKey,
    Turn,
    Attempts,
    Ambiguous,
    NextAttemptAt,
    Error,
    CreatedAt,
    DoneAt,
    Labels,
}

/// The scheduled jobs.
#[derive(Clone, Copy, Iden)]
pub(super) enum Jobs {
    Table,
    Id,
    Channel,
    Chat,
    Thread,
    ChatKind,
    Creator,
    Title,
    Content,
    Role,
    Schedule,
    Metadata,
    Status,
    NextRun,
    CreatedAt,
    UpdatedAt,
    Labels,
    ClosedAt,
}

/// The receipts of the jobs.
#[derive(Clone, Copy, Iden)]
pub(super) enum Occurrences {
    Table,
    Id,
    Job,
    Slot,
    State,
    Reason,
    LeaseUntil,
    RecordedAt,
    Attempts,
    Reaction,
    RetryAt,
}

/// The notes.
#[derive(Clone, Copy, Iden)]
pub(super) enum Notes {
    Table,
    Id,
    Owner,
    Title,
    Data,
    Metadata,
    Source,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    Labels,
}

/// The full-text index of the notes.
#[derive(Clone, Copy, Iden)]
pub(super) enum NotesText {
    Table,
    Rowid,
    Rank,
}

/// Who did what.
#[derive(Clone, Copy, Iden)]
pub(super) enum AuditLog {
    Table,
    Id,
    At,
    Channel,
    Chat,
    User,
    Turn,
    Tool,
    ArgumentsHash,
    Arguments,
    Verdict,
    Rule,
    Outcome,
    PreviousHash,
    Hash,
}

/// The questions about calls.
#[derive(Clone, Copy, Iden)]
pub(super) enum Approvals {
    Table,
    Turn,
    Number,
    Channel,
    Chat,
    Thread,
    Person,
    Tool,
    Fingerprint,
    ArgumentsHash,
    Arguments,
    Rule,
    Always,
    Card,
    State,
    DecidedBy,
    DecidedAlways,
    DecidedAt,
    AskedAt,
    ExpiresAt,
}

/// What chats always allow.
#[derive(Clone, Copy, Iden)]
pub(super) enum ApprovalRules {
    Table,
    Id,
    Channel,
    Chat,
    Tool,
    Target,
    CreatedBy,
    CreatedAt,
}

/// What model calls cost.
#[derive(Clone, Copy, Iden)]
pub(super) enum Usage {
    Table,
    At,
    Turn,
    Purpose,
    Outcome,
    Provider,
    Model,
    Input,
    CachedInput,
    Output,
    CostMicroUsd,
}

/// What the owner added to the budget.
#[derive(Clone, Copy, Iden)]
pub(super) enum BudgetRaises {
    Table,
    At,
    MicroUsd,
}

/// Where the content of files comes from.
#[derive(Clone, Copy, Iden)]
pub(super) enum FileLabels {
    Table,
    Area,
    Path,
    SizeBytes,
    ModifiedNs,
    Labels,
}
