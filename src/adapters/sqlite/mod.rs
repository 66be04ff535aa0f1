//! The stores on SQLite. Only this folder knows that there is SQL.

mod approvals;
mod audit;
mod change;
pub mod config;
mod conversations;
mod copy;
mod database;
mod error;
mod file_labels;
mod files;
mod health;
mod iden;
mod inbox;
mod jobs;
mod journal;
mod lock;
mod notes;
mod outbox;
mod retention;
mod statement;
mod summaries;
mod usage;
mod values;
mod writer;

pub use self::approvals::SqliteApprovalStore;
pub use self::audit::{AuditFilter, AuditPage, Broken, SqliteAuditLog};
pub use self::conversations::SqliteConversationStore;
pub use self::copy::{CopyError, Kept, back_up, free_name, put_back};
pub use self::database::Database;
pub use self::error::OpenError;
pub use self::file_labels::SqliteFileLabelStore;
pub use self::health::{Health, is_small, look_through};
pub use self::inbox::SqliteInboxStore;
pub use self::jobs::SqliteJobStore;
pub use self::journal::SqliteTurnJournal;
pub use self::lock::{DatabaseLock, HolderPlace};
pub use self::notes::SqliteNoteStore;
pub use self::outbox::SqliteOutboxStore;
pub use self::retention::SqliteRetention;
pub use self::summaries::SqliteSummaryStore;
pub use self::usage::SqliteUsageStore;
pub use self::writer::WriterTask;

#[cfg(test)]
mod tests;
