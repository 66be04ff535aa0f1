//! Settings of the built-in tool families that need nothing but the database and the clock.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::calculator::arithmetic::{MAX_EXPRESSION_LENGTH, MAX_SCALE};
use crate::core::units::count;

/// `[tools.chat_history]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatHistoryConfig {
    pub enabled: bool,
}

impl Default for ChatHistoryConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[tools.kv_memory]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KvMemoryConfig {
    pub enabled: bool,
    /// Notes in a search result when the model does not say.
    pub default_limit: NonZeroU32,
    /// Notes in a search result at most.
    pub max_limit: NonZeroU32,
}

impl Default for KvMemoryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            default_limit: count(20),
            max_limit: count(100),
        }
    }
}

/// `[tools.time]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeConfig {
    pub enabled: bool,
}

impl Default for TimeConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[tools.calculator]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalculatorConfig {
    pub enabled: bool,
    /// Decimal places of a result that does not end by itself.
    pub default_scale: NonZeroU32,
    /// Characters of an expression at most.
    pub max_expression_length: NonZeroU32,
    /// The largest exponent either way.
    pub max_exponent_abs: NonZeroU32,
}

impl CalculatorConfig {
    /// The most decimal places.
    pub const LARGEST_SCALE: u32 = MAX_SCALE;
    /// The longest expression that is ever read.
    pub const LONGEST_EXPRESSION: u32 = MAX_EXPRESSION_LENGTH as u32;
}

impl Default for CalculatorConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            default_scale: count(28),
            max_expression_length: count(200),
            max_exponent_abs: count(1000),
        }
    }
}
