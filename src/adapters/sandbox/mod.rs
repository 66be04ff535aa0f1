//! Runs programs that a model wrote, each under a helper process of our own binary. It never knows
//! what they are for, and never chooses a weaker mode than it was told.
//!
//! The bot starts the helper (`minibot __sandbox`) and tells it one `order`. The `supervisor` in it
//! makes a folder, starts the second stage (`minibot __confine`), which [`confine`]s itself and becomes
//! the program, watches all that comes of it, and leaves nothing behind.

mod ask;
mod cgroups;
pub mod config;
mod confine;
mod environment;
mod order;
mod place;
mod process_sandbox;
mod programs;
mod report;
mod supervisor;

pub use self::confine::{confine, confine_browser, system_places};
pub use self::environment::{Passed, child_environment};
pub use self::place::{SandboxPlace, hide_from_others};
pub use self::process_sandbox::{JailArtifacts, ProcessSandbox, SandboxSettings};
pub use self::programs::{ProgramError, find_program};
pub use self::report::{
    ModeReport, SandboxReport, Unfit, check, open_to_browsers, sockets_open_to_browsers,
};
pub use self::supervisor::supervise;

/// The hidden command that the helper is.
pub const HELPER: &str = "__sandbox";

/// The hidden command that the second stage is.
pub const SECOND_STAGE: &str = "__confine";

/// The hidden command under which a browser is started.
pub const BROWSER_STAGE: &str = "__confine-browser";
