//! The whole bot, as people meet it.

mod access;
mod answers;
mod arrivals;
mod cards;
mod commands;
mod compaction;
mod delivery;
mod failures;
mod file_list;
mod file_tools;
mod interrupted;
mod jobs_command;
mod labels;
mod large_results;
mod lifecycle;
mod reminder_list;
mod reminders;
mod scheduled_runs;
mod scheduler;
mod sending;
mod sent_files;
mod spending;
mod spending_races;
mod stopping;
mod streaming;
mod tools;
