//! The clock tool.

use async_trait::async_trait;
use chrono::format::{Item, StrftimeItems};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::typed::{TypedTool, failure, success};
use crate::core::schedule::parse_zone;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

/// The longest pattern that is taken.
const MAX_PATTERN: usize = 200;

#[derive(Debug)]
pub(super) struct CurrentDatetime;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// IANA name such as Asia/Tokyo; default: the person's zone.
    timezone: Option<String>,
    /// strftime pattern for "local"; default: RFC 3339.
    format: Option<String>,
}

#[async_trait]
impl TypedTool for CurrentDatetime {
    const NAME: &'static str = "current_datetime";
    const TEXTS: &'static str = include_str!("../../../prompts/tools/time.md");
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = Arguments;

    async fn run(&self, context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        let named = arguments.timezone.filter(|name| !name.trim().is_empty());
        let zone = match named.map(|name| parse_zone(&name)).transpose() {
            Ok(zone) => zone.unwrap_or(context.zone),
            Err(error) => return failure(ErrorCode::BadArguments, error),
        };
        let local = context.now.with_timezone(&zone);
        let pattern = arguments.format.filter(|pattern| !pattern.is_empty());
        let shown = match pattern {
            None => local.to_rfc3339_opts(chrono::SecondsFormat::Secs, false),
            Some(pattern) if is_pattern(&pattern) => local.format(&pattern).to_string(),
            Some(_) => {
                let message =
                    "format is not a strftime pattern; write one like \"%A %d %B %Y, %H:%M\"";
                return failure(ErrorCode::BadArguments, message);
            }
        };
        success(json!({
            "utc": context.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "local": shown,
            "timezone": zone.name(),
            "weekday": local.format("%A").to_string(),
            "unix": context.now.timestamp(),
        }))
    }
}

/// Formatting with a bad pattern fails late, and loudly; so it is looked at first.
fn is_pattern(pattern: &str) -> bool {
    pattern.len() <= MAX_PATTERN
        && StrftimeItems::new(pattern).all(|item| !matches!(item, Item::Error))
}
