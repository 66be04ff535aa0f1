//! The real binary, from outside.

mod approvals;
#[cfg(feature = "failpoints")]
mod backup;
#[cfg(feature = "browser")]
mod browser;
mod crashes;
#[cfg(feature = "failpoints")]
mod doctor;
mod history;
mod kills;
mod programs;
mod run;
mod secrets;
mod setup;
mod web;
