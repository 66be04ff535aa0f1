//! The tools that are switched on, and how one is run without ever failing the turn.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;

use crate::core::action::Action;
use crate::core::tool::{ErrorCode, Tool, ToolContext, ToolOutcome, ToolResult, ToolSpec};
use crate::core::turn::{PlannedCall, ToolEffects};

/// The tools of this process.
#[derive(Debug, Clone, Default)]
pub struct Toolbox(Vec<Arc<dyn Tool>>);

impl Toolbox {
    /// The given tools. Names must differ.
    pub fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self(tools)
    }

    /// How they are described to a model, in a fixed order (providers cache by prefix).
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.0.iter().map(|tool| tool.spec().clone()).collect()
    }

    /// What each touches.
    pub fn effects(&self) -> ToolEffects {
        self.0
            .iter()
            .map(|tool| (tool.spec().name, tool.effect()))
            .collect()
    }

    /// What a call is about to do; `None` when that cannot be told.
    pub async fn action(&self, call: &PlannedCall, context: &ToolContext) -> Option<Action> {
        let tool = self.find(call)?;
        let action = AssertUnwindSafe(tool.action(context, &call.arguments));
        action.catch_unwind().await.ok()
    }

    fn find(&self, call: &PlannedCall) -> Option<&Arc<dyn Tool>> {
        let named = |tool: &&Arc<dyn Tool>| tool.spec().name == call.call.name;
        self.0.iter().find(named)
    }

    /// Runs a call. A panic in a tool is a failed call.
    pub async fn run(&self, call: &PlannedCall, context: &ToolContext) -> ToolOutcome {
        let Some(tool) = self.find(call) else {
            let message = format!("the tool {:?} is switched off", call.call.name);
            return ToolOutcome::Finished(ToolResult::error(ErrorCode::UnknownTool, message));
        };
        let run = AssertUnwindSafe(tool.run(context, call.arguments.clone()));
        run.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(tool = %call.call.name, "a tool panicked");
            let message = "the tool broke down; do it another way, or tell the person";
            ToolOutcome::Finished(ToolResult::error(ErrorCode::Failed, message))
        })
    }
}
