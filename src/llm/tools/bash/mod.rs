//! The shell tool: it runs a command line in the chat's workspace, and says what it is about to run.

mod bounds;
mod literal;
pub mod parse;
#[cfg(test)]
mod tests;
