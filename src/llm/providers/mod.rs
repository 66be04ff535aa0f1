//! Who answers: one folder for each kind of server, and the grammar that needs none.

pub mod builtin;
mod http;
pub mod openai;
pub mod openai_responses;
pub mod openrouter;

pub use http::{ServerSettings, SetupError, StrictTools};
