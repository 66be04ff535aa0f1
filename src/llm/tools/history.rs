//! The tools about the conversation's own length.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::typed::{TypedTool, failure, success};
use super::{Family, ToolRules, tool};
use crate::core::action::{Action, Kept};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::conversation::ConversationStore;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome, ToolResult};

const TEXTS: &str = include_str!("../../../prompts/tools/history.md");

pub(super) fn family(conversations: Arc<dyn ConversationStore>, rules: ToolRules) -> Family {
    Family {
        ability: "Our conversation, remembered until /new",
        tools: vec![
            tool(HistoryInfo {
                conversations,
                rules,
            }),
            tool(HistoryTrim),
        ],
    }
}

#[derive(Debug)]
struct HistoryInfo {
    conversations: Arc<dyn ConversationStore>,
    rules: ToolRules,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

#[async_trait]
impl TypedTool for HistoryInfo {
    const NAME: &'static str = "chat_history_info";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = NoArguments;

    async fn run(&self, context: &ToolContext, _arguments: NoArguments) -> ToolOutcome {
        match self.conversations.count_items(context.conversation).await {
            Ok(total) => success(json!({
                "total_messages": total,
                "max_history_messages": self.rules.max_history_messages,
                "window": self.rules.history_window,
            })),
            Err(error) => failure(ErrorCode::Failed, error),
        }
    }
}

#[derive(Debug)]
struct HistoryTrim;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TrimArguments {
    /// How many of the newest messages stay.
    keep_latest: u64,
}

#[async_trait]
impl TypedTool for HistoryTrim {
    const NAME: &'static str = "chat_history_trim";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    type Arguments = TrimArguments;

    async fn action(&self, _context: &ToolContext, _arguments: TrimArguments) -> Action {
        Action::Forget(Kept::History)
    }

    async fn run(&self, context: &ToolContext, arguments: TrimArguments) -> ToolOutcome {
        let change = Change::TrimHistory {
            conversation: context.conversation,
            keep: arguments.keep_latest,
        };
        ToolOutcome::Change {
            change: Box::new(change),
            describe: Box::new(|outcome| match outcome {
                ChangeOutcome::Trimmed { removed, remaining } => ToolResult::ok(
                    json!({ "removed_messages": removed, "remaining_messages": remaining }),
                ),
                other => super::unexpected(&other),
            }),
        }
    }
}
