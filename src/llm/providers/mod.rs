//! Who answers: one folder for each kind of server, and the grammar that needs none.

pub mod builtin;
mod http;
pub mod openai;
pub mod openai_responses;
pub mod openrouter;
pub mod transcription;

pub use http::{Pdfs, ServerSettings, SetupError, StrictTools};
