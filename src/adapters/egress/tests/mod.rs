//! The guard and its proxy before real servers, most of them hostile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::too_many_lines
)]

mod bodies;
mod guard;
mod proxy;
mod world;
