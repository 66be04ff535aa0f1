//! Everything that is tested from outside the library, as one program: quick to link.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod adapters;
mod app;
mod core;
mod e2e;
mod hostile;
mod llm;
mod support;
mod wiring;
