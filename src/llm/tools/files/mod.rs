//! The tools for the files of a chat. They see the workspace only through its port.

mod edit;
mod read;
mod search;
mod send;

use std::sync::Arc;

use serde_json::{Value, json};

use super::typed::failure;
use super::{Family, FileLimits, tool};
use crate::core::files::{FileError, WorkspaceFiles, WorkspaceId, WorkspacePath};
use crate::core::label::Labels;
use crate::core::outgoing_file::OutgoingFiles;
use crate::core::tool::{ErrorCode, ToolContext, ToolOutcome, ToolResult};

const TEXTS: &str = include_str!("../../../../prompts/tools/files.md");

pub(super) fn family(
    files: Arc<dyn WorkspaceFiles>,
    copies: Arc<dyn OutgoingFiles>,
    limits: FileLimits,
) -> Family {
    let most_bytes = limits.max_write_bytes;
    Family {
        ability: "Files of this chat: write, search and send them",
        tools: vec![
            tool(read::ListFiles(files.clone())),
            tool(read::ReadFile(files.clone())),
            tool(edit::CreateFile {
                files: files.clone(),
                most_bytes,
            }),
            tool(edit::EditFile {
                files: files.clone(),
                most_bytes,
            }),
            tool(search::SearchFiles(files.clone())),
            tool(read::FileInfo(files.clone())),
            tool(edit::MoveFile(files.clone())),
            tool(edit::DeleteFile(files.clone())),
            tool(send::SendFile { files, copies }),
        ],
    }
}

fn workspace(context: &ToolContext) -> WorkspaceId {
    WorkspaceId::of(&context.target)
}

/// A folder as models write it: nothing, `.` and `/` mean the workspace itself.
fn folder(written: Option<&str>) -> Result<Option<WorkspacePath>, FileError> {
    match written.unwrap_or_default().trim_matches('/') {
        "" | "." => Ok(None),
        folder => WorkspacePath::parse(folder).map(Some),
    }
}

/// A failure, as the model reads it.
fn failed(error: &FileError) -> ToolOutcome {
    let code = match error {
        FileError::BadPath(_) => ErrorCode::BadArguments,
        FileError::NotFound(_) => ErrorCode::NotFound,
        FileError::TooLarge(_) => ErrorCode::TooLarge,
        FileError::Exists(_) | FileError::Refused(_) | FileError::Failed(_) => ErrorCode::Failed,
    };
    failure(code, error)
}

/// A result with content of files: what came from outside is said to.
fn content(value: Value, labels: Labels) -> ToolOutcome {
    let result = ToolResult::ok(value);
    if labels.is_untrusted() {
        ToolOutcome::Outside { result, labels }
    } else {
        ToolOutcome::Finished(result)
    }
}

fn written(path: &WorkspacePath, size_bytes: u64) -> Value {
    json!({ "ok": true, "path": path.as_str(), "size_bytes": size_bytes })
}

/// What a file is, by its name.
fn mime(path: &WorkspacePath) -> String {
    mime_guess::from_path(path.as_str())
        .first_or_octet_stream()
        .to_string()
}
