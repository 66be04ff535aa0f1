//! What the integration tests stand on: fake servers that refuse what the real ones refuse.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod fake_model;
pub mod fake_telegram;
pub mod gate;
pub mod machine;
pub mod pictures;
pub mod program;
pub mod stored;
pub mod test_bot;
pub mod wire;
