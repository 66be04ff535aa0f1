//! The domain: types, rules and ports. It imports nothing of ours and does no I/O.

pub mod audit;
pub mod boundary;
pub mod card;
pub mod change;
pub mod channel;
pub mod clock;
pub mod conversation;
pub mod error;
pub mod http_url;
pub mod ids;
pub mod inbox;
pub mod job_list;
pub mod jobs;
pub mod journal;
pub mod markup;
pub mod message;
pub mod model;
pub mod notes;
pub mod outbox;
pub mod reminder;
pub mod schedule;
pub mod scheduled_run;
pub mod tool;
pub mod turn;
pub mod units;
pub mod usage;
