//! One folder for each outside thing. Each implements ports of `core` and knows no other.

pub mod browser;
pub mod config;
pub mod console;
pub mod egress;
pub mod files;
pub mod media;
pub mod sandbox;
pub mod sqlite;
pub mod system;
pub mod telegram;
pub mod telemetry;
