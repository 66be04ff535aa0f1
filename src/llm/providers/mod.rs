//! Who answers: one folder for each kind of server, and the grammar that needs none.

pub mod builtin;
mod http;
pub mod openai;

pub use http::{ServerSettings, SetupError, StrictTools};
