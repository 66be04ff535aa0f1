//! Minibot: a personal AI assistant that people run themselves and talk to in Telegram.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod core;
pub mod llm;
pub mod wiring;
