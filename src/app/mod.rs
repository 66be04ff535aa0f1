//! What happens to a message, a job and an answer: orchestration over the ports of `core`. It owns
//! no socket, file or table.

pub mod approvals;
pub mod at_once;
pub mod attachments;
pub mod channels;
pub mod commands;
pub mod config;
pub mod context;
pub mod dispatcher;
pub mod file_listing;
pub mod intake;
pub mod large_results;
pub mod note_listing;
pub mod outbox;
pub mod presses;
mod rest;
pub mod scheduler;
pub mod seat;
pub mod signals;
pub mod spending;
mod store_trouble;
pub mod toolbox;
pub mod turn_loop;
pub mod upkeep;
pub mod work;
