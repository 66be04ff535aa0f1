//! Errors of the stores: one variant for each decision a caller can take.

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the quota is full: nothing was written; try again when there is room.
    #[error("the disk is full: {0}")]
    Full(String),
    /// A row does not read as what it should be; retrying does not help.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// Anything else; nothing was written.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// What store methods return. "Not found" is `Ok(None)`, never an error.
pub type StoreResult<T> = Result<T, StoreError>;
