//! The sandbox, tried for real: programs that want out, or want too much, under the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod runs;
mod world;
