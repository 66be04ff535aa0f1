//! The real binary, from outside.

mod approvals;
mod backup;
mod beside;
#[cfg(feature = "browser")]
mod browser;
mod command_line;
mod console;
#[cfg(feature = "failpoints")]
mod crashes;
mod disasters;
mod doctor;
mod doctor_folders;
mod doctor_reach;
mod history;
mod hostile;
#[cfg(feature = "failpoints")]
mod kills;
mod log_file;
mod media;
mod programs;
mod run;
mod secrets;
mod setup;
#[cfg(feature = "failpoints")]
mod soak;
mod stand_ins;
mod usage;
mod web;
