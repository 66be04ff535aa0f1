//! Sending a file: a copy is taken, and queued together with the result of the call.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::typed::{TypedTool, failure};
use super::read::MOST_READ;
use super::{TEXTS, failed, workspace};
use crate::core::action::{Action, Opened};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::exits::{leads_nowhere, may_be_rendered};
use crate::core::files::{FileError, WorkspaceFiles, WorkspacePath};
use crate::core::markup::{self, FormattedText};
use crate::core::outgoing_file::{MAX_CAPTION, OutgoingFiles, SentAs, Wanted};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome, ToolResult};

#[derive(Debug)]
pub(super) struct SendFile {
    pub(super) files: Arc<dyn WorkspaceFiles>,
    pub(super) copies: Arc<dyn OutgoingFiles>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendArguments {
    path: String,
    caption: Option<String>,
    r#as: Option<How>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    Auto,
    Document,
    Photo,
    Voice,
}

impl How {
    fn wanted(self) -> Wanted {
        match self {
            Self::Auto => Wanted::Auto,
            Self::Document => Wanted::As(SentAs::Document),
            Self::Photo => Wanted::As(SentAs::Photo),
            Self::Voice => Wanted::As(SentAs::Voice),
        }
    }
}

#[async_trait]
impl TypedTool for SendFile {
    const NAME: &'static str = "send_file";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    type Arguments = SendArguments;

    async fn action(&self, context: &ToolContext, arguments: SendArguments) -> Action {
        Action::SendFile {
            opened: self.opened(context, &arguments.path).await,
            path: arguments.path,
            caption: arguments.caption.unwrap_or_default(),
        }
    }

    async fn run(&self, context: &ToolContext, arguments: SendArguments) -> ToolOutcome {
        let path = match WorkspacePath::parse(&arguments.path) {
            Ok(path) => path,
            Err(error) => return failed(&error),
        };
        let kept = match self.copies.keep(&workspace(context), &path).await {
            Ok(kept) => kept,
            Err(error) => return failed(&error),
        };
        let wanted = arguments.r#as.map_or(Wanted::Auto, How::wanted);
        let sent_as = match kept.sent_as(wanted) {
            Ok(sent_as) => sent_as,
            Err(problem) => {
                // What is left behind goes with the next housekeeping.
                let _ = self.copies.discard(&kept.copy).await;
                return failure(ErrorCode::BadArguments, format!("{path}: {problem}"));
            }
        };
        let caption = caption(arguments.caption.as_deref().unwrap_or_default());
        let file = kept.outgoing(path.name(), sent_as, caption);
        ToolOutcome::Change {
            change: Box::new(Change::SendFile {
                target: context.target.clone(),
                file: Box::new(file),
            }),
            describe: Box::new(|outcome| match outcome {
                ChangeOutcome::Queued => ToolResult::ok(json!({ "ok": true, "message": "queued" })),
                other => super::super::unexpected(&other),
            }),
        }
    }
}

impl SendFile {
    /// What happens where the file is opened. Where it cannot be looked at, the worst is taken.
    async fn opened(&self, context: &ToolContext, path: &str) -> Opened {
        // Nobody asks for it, or it will be refused.
        let path = WorkspacePath::parse(path).ok();
        let Some(path) = path.filter(|_| context.labels.is_untrusted()) else {
            return Opened::Shown;
        };
        if !may_be_rendered(path.name()) {
            return Opened::Shown;
        }
        let workspace = workspace(context);
        match self.files.info(&workspace, &path).await {
            Ok(entry) if entry.labels.is_rewritten() => {}
            Ok(_) | Err(FileError::NotFound(_)) => return Opened::Shown,
            Err(_) => return Opened::Leads,
        }
        match self.files.read(&workspace, &path, MOST_READ).await {
            Ok(file) if leads_nowhere(path.name(), &file.bytes) => Opened::Shown,
            Ok(_) | Err(_) => Opened::Leads,
        }
    }
}

/// The caption as it is shown: as much of it as there is room for, cut where a text is split.
fn caption(markdown: &str) -> FormattedText {
    let parts = markup::split(&markup::render(markdown), MAX_CAPTION);
    parts
        .into_iter()
        .next()
        .unwrap_or_else(|| FormattedText::plain(String::new()))
}

#[cfg(test)]
mod tests {
    use super::caption;

    #[test]
    fn captions_are_rendered_and_cut_by_the_units_of_the_service() {
        assert_eq!(caption("").text, "");
        assert_eq!(caption("a **b**").text, "a b");
        for long in ["😀".repeat(1000), "word ".repeat(1000), "x".repeat(5000)] {
            let cut = caption(&long).text;
            let units = cut.encode_utf16().count();
            assert!(units > 900 && units <= 1024, "{units}");
        }
    }
}
