//! The browser: a real Chromium before sites of this process, with the guard's proxy between them.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic
)]

mod clicks;
mod life;
mod pages;
mod silence;
mod site;
mod walls;
mod workers;
mod world;
