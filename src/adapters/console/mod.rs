//! The terminal as a channel: one person, one chat. It knows nothing of turns or of the database.

mod channel;
pub mod config;
mod editor;
mod paint;
mod screen;

pub use self::channel::{CHANNEL, ConsoleChannel, person, target};
pub use self::editor::{Editor, Line};
pub use self::screen::Screen;
