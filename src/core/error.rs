//! Errors of the stores: one variant for each decision a caller can take.

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the quota is full: nothing was written; try again when there is room.
    #[error("the disk is full: {0}")]
    Full(String),
    /// Another process holds the database: nothing was written; try again when it lets go.
    #[error("another process holds the database: {0}")]
    Busy(String),
    /// A row does not read as what it should be; retrying does not help.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// Anything else; nothing was written.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Whether it passes by itself once there is room again, or the database free. Whoever runs the
    /// bot has been told by the writer.
    pub fn passes(&self) -> bool {
        match self {
            Self::Full(_) | Self::Busy(_) => true,
            Self::Corrupt(_) | Self::Failed(_) => false,
        }
    }
}

/// What store methods return. "Not found" is `Ok(None)`, never an error.
pub type StoreResult<T> = Result<T, StoreError>;
