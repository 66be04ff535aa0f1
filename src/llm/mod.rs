//! Models: who answers, what they may call, and what happens when they do not answer. It knows
//! nothing of channels or storage.

pub mod breaker;
pub mod chain;
pub mod config;
pub mod fallback;
pub mod own_limits;
pub mod providers;
pub mod retry;
mod spent;
pub mod tools;
mod watched_sink;
