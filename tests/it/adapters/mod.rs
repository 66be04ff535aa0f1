//! The adapters, each against the real thing or a server that is as strict.

pub mod config;
mod media;
mod outgoing_files;
mod sqlite_audit;
mod sqlite_changes;
mod sqlite_endings;
pub mod sqlite_fixture;
mod sqlite_inbox;
mod sqlite_jobs;
mod sqlite_journal;
mod sqlite_notes;
mod sqlite_outbox;
mod sqlite_plans;
mod sqlite_retention;
mod sqlite_runs;
mod sqlite_summaries;
mod sqlite_usage;
mod telegram_access;
mod telegram_channel;
mod telegram_poll;
mod telegram_samples;
mod telegram_updates;
mod telegram_webhook;
mod workspace_attacks;
pub mod workspace_fixture;
mod workspace_labels;
mod workspaces;
