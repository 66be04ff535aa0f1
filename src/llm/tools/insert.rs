//! The tool that puts a file of the workspace before the model.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Inserting;
use super::typed::{TypedTool, failure};
use crate::core::files::{FileError, WorkspaceId, WorkspacePath};
use crate::core::media::{Artifact, ArtifactKind, Readable, Wanted};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome, ToolResult};

/// What is said beside a file, in characters.
const LONGEST_TEXT: usize = 4_000;

/// Looks at a file of the workspace.
#[derive(Debug)]
pub(super) struct SelfInsertArtifact(pub(super) Inserting);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The file, relative to the workspace.
    path: String,
    /// What it is taken for.
    #[serde(rename = "as")]
    taken_as: TakenAs,
    /// Words that stand before it.
    text: Option<String>,
    /// In whose name; only "user".
    #[expect(dead_code, reason = "there is only one")]
    role: Option<Role>,
    /// Ignored: the content decides.
    #[expect(dead_code, reason = "the content decides")]
    mime: Option<String>,
    /// The name that is shown; default: its own.
    filename: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TakenAs {
    Image,
    File,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
}

#[async_trait]
impl TypedTool for SelfInsertArtifact {
    const NAME: &'static str = "self_insert_artifact";
    const TEXTS: &'static str = include_str!("../../../prompts/tools/insert.md");
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = Arguments;

    async fn run(&self, context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        let path = match WorkspacePath::parse(&arguments.path) {
            Ok(path) => path,
            Err(error) => return failure(ErrorCode::BadArguments, error),
        };
        let workspace = WorkspaceId::of(&context.target);
        let file = self.0.workspaces.open(&workspace, &path, self.0.most_bytes);
        let file = match file.await {
            Ok(file) => file,
            Err(error) => return failure(code(&error), error),
        };
        let kind = match arguments.taken_as {
            TakenAs::Image => ArtifactKind::Image,
            TakenAs::File => ArtifactKind::File,
        };
        let (content, labels) = (file.content, file.labels);
        // Looked at now, so that the model hears at once when there is nothing to see.
        let wanted = Wanted {
            most_bytes: 1,
            pdf_text: false,
        };
        match (self.0.reader.read(&content, wanted).await, kind) {
            (Err(error), _) => return failure(ErrorCode::Failed, error),
            (Ok(Readable::Text(_) | Readable::Pdf { .. }), ArtifactKind::Image) => {
                return failure(
                    ErrorCode::BadArguments,
                    "it is not a picture; use as = \"file\"",
                );
            }
            (Ok(_), _) => {}
        }
        let text = arguments.text.filter(|text| !text.trim().is_empty());
        let named = arguments.filename.filter(|name| !name.trim().is_empty());
        let artifact = Artifact {
            path: path.as_str().to_owned(),
            taken_as: kind,
            text: text.map(|text| text.chars().take(LONGEST_TEXT).collect()),
            file_name: named.unwrap_or_else(|| path.name().to_owned()),
            labels,
        };
        let result = ToolResult::ok(json!({
            "ok": true,
            "path": path.as_str(),
            "size_bytes": content.size(),
        }));
        ToolOutcome::Insert {
            result,
            artifact: Box::new(artifact),
        }
    }
}

fn code(error: &FileError) -> ErrorCode {
    match error {
        FileError::BadPath(_) => ErrorCode::BadArguments,
        FileError::NotFound(_) => ErrorCode::NotFound,
        FileError::TooLarge(_) => ErrorCode::TooLarge,
        FileError::Exists(_) | FileError::Refused(_) | FileError::Failed(_) => ErrorCode::Failed,
    }
}
