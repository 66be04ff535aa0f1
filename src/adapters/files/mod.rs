//! The workspaces on disk: everything is opened beneath the handle of a folder, name by name, and
//! no link is followed. It knows no tool, no channel and no database.

mod area;
mod beneath;
pub mod config;
mod edits;
mod held;
mod listing;
mod moved;
mod outgoing;
mod promises;
mod quota;
mod saving;
mod staging;
mod sweep;
mod workspaces;

pub use self::outgoing::OutgoingCopies;
pub use self::workspaces::{CapWorkspaces, clean};
