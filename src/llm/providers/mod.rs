//! Who answers: one folder for each kind of server, and the grammar that needs none.

pub mod builtin;
pub mod openai;
