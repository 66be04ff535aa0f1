//! The persistence boundaries: the places between which a crash may fall.
//!
//! With the feature `failpoints` a hook is called at each of them; without it they cost nothing.

/// A place in the way of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// An update was received and not stored.
    Received,
    /// It was stored and not confirmed.
    Persisted,
    /// The attachments were read; nothing of it is stored.
    FilesRead,
    /// The model is about to be asked.
    ModelAsked,
    /// The model has answered; nothing of it is stored.
    ModelAnswered,
    /// A tool's start is stored; it has not run.
    ToolStarted,
    /// A tool has run; its result is not stored.
    ToolDone,
    /// The end of a step is stored, with what is to be sent.
    OutboxWritten,
    /// An attempt to send is stored; the call was not made.
    Sending,
    /// The call has returned; its outcome is not stored.
    Sent,
    /// The outcome is stored.
    Recorded,
}

impl Boundary {
    /// All of them, in the order of a message's way.
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::Persisted,
        Self::FilesRead,
        Self::ModelAsked,
        Self::ModelAnswered,
        Self::ToolStarted,
        Self::ToolDone,
        Self::OutboxWritten,
        Self::Sending,
        Self::Sent,
        Self::Recorded,
    ];

    /// Its name in a failpoint's setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Persisted => "persisted",
            Self::FilesRead => "files_read",
            Self::ModelAsked => "model_asked",
            Self::ModelAnswered => "model_answered",
            Self::ToolStarted => "tool_started",
            Self::ToolDone => "tool_done",
            Self::OutboxWritten => "outbox_written",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Recorded => "recorded",
        }
    }

    /// Marks that this place is passed.
    #[inline]
    pub fn pass(self) {
        #[cfg(feature = "failpoints")]
        if let Some(hook) = HOOK.get() {
            hook(self);
        }
    }
}

#[cfg(feature = "failpoints")]
static HOOK: std::sync::OnceLock<fn(Boundary)> = std::sync::OnceLock::new();

/// Sets what is called at each boundary; the first one set stays.
#[cfg(feature = "failpoints")]
pub fn set_hook(hook: fn(Boundary)) {
    let _ = HOOK.set(hook);
}
