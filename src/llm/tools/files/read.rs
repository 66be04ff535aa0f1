//! Looking at files.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::typed::{TypedTool, failure};
use super::{TEXTS, content, failed, folder, mime, workspace};
use crate::core::files::{
    Depth, EntryKind, FileContent, FileEntry, FileError, WorkspaceFiles, WorkspacePath,
};
use crate::core::label::Labels;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

/// Entries in one answer.
const MOST_ENTRIES: usize = 300;

/// The largest file that is read as text.
pub(super) const MOST_READ: u64 = 4 * 1024 * 1024;

/// The longest content in one answer, in bytes.
const MOST_CONTENT: usize = 24 * 1024;

/// Lines in one answer, unless more are wanted.
const DEFAULT_LINES: usize = 400;

#[derive(Debug)]
pub(super) struct ListFiles(pub(super) Arc<dyn WorkspaceFiles>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    folder: Option<String>,
    recursive: Option<bool>,
}

#[async_trait]
impl TypedTool for ListFiles {
    const NAME: &'static str = "list_files";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = ListArguments;

    async fn run(&self, context: &ToolContext, arguments: ListArguments) -> ToolOutcome {
        let folder = match folder(arguments.folder.as_deref()) {
            Ok(folder) => folder,
            Err(error) => return failed(&error),
        };
        let depth = match arguments.recursive {
            Some(true) => Depth::Tree,
            Some(false) | None => Depth::Folder,
        };
        let files = &self.0;
        let listing = files
            .list(&workspace(context), folder.as_ref(), depth, MOST_ENTRIES)
            .await;
        let listing = match listing {
            Ok(listing) => listing,
            Err(error) => return failed(&error),
        };
        let mut labels = Labels::default();
        for entry in &listing.entries {
            labels.join(&entry.labels);
        }
        let shown = |entry: &FileEntry| describe(entry, context);
        let entries: Vec<Value> = listing.entries.iter().map(shown).collect();
        let mut value = json!({ "entries": entries });
        if listing.left_out > 0 {
            value["truncated"] = true.into();
            value["left_out"] = listing.left_out.into();
        }
        content(value, labels)
    }
}

fn describe(entry: &FileEntry, context: &ToolContext) -> Value {
    let kind = match entry.kind {
        EntryKind::File => "file",
        EntryKind::Folder => "folder",
        EntryKind::Other => "other",
    };
    let modified_at = entry.modified_at.with_timezone(&context.zone);
    json!({
        "path": entry.path.as_str(),
        "kind": kind,
        "size_bytes": entry.size_bytes,
        "modified_at": modified_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    })
}

#[derive(Debug)]
pub(super) struct FileInfo(pub(super) Arc<dyn WorkspaceFiles>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PathArguments {
    pub(super) path: String,
}

#[async_trait]
impl TypedTool for FileInfo {
    const NAME: &'static str = "file_info";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = PathArguments;

    async fn run(&self, context: &ToolContext, arguments: PathArguments) -> ToolOutcome {
        let entry = async {
            let path = WorkspacePath::parse(&arguments.path)?;
            self.0.info(&workspace(context), &path).await
        };
        match entry.await {
            Ok(entry) => {
                let mut value = describe(&entry, context);
                if entry.kind == EntryKind::File {
                    value["mime"] = mime(&entry.path).into();
                }
                content(value, entry.labels)
            }
            Err(error) => failed(&error),
        }
    }
}

#[derive(Debug)]
pub(super) struct ReadFile(pub(super) Arc<dyn WorkspaceFiles>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadArguments {
    path: String,
    offset: Option<usize>,
    limit: Option<usize>,
}

#[async_trait]
impl TypedTool for ReadFile {
    const NAME: &'static str = "read_file";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = ReadArguments;

    async fn run(&self, context: &ToolContext, arguments: ReadArguments) -> ToolOutcome {
        let (path, text, labels) = match read_text(self.0.as_ref(), context, &arguments.path).await
        {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        let offset = arguments.offset.unwrap_or(0);
        let limit = arguments.limit.unwrap_or(DEFAULT_LINES);
        let (part, total_lines, is_cut) = lines(&text, offset, limit);
        let value = json!({
            "content": part,
            "total_lines": total_lines,
            "truncated": is_cut,
            "mime": mime(&path),
        });
        content(value, labels)
    }
}

/// A text file with where it comes from, or what to tell the model.
async fn read_text(
    files: &dyn WorkspaceFiles,
    context: &ToolContext,
    path: &str,
) -> Result<(WorkspacePath, String, Labels), ToolOutcome> {
    let path = WorkspacePath::parse(path).map_err(|error| failed(&error))?;
    let read = files.read(&workspace(context), &path, MOST_READ).await;
    let read = read.map_err(|error: FileError| failed(&error))?;
    let (text, labels) = text_of(read, &path)?;
    Ok((path, text, labels))
}

/// The text of a file with where it comes from, or what to tell the model.
pub(super) fn text_of(
    file: FileContent,
    path: &WorkspacePath,
) -> Result<(String, Labels), ToolOutcome> {
    match String::from_utf8(file.bytes) {
        Ok(text) => Ok((text, file.labels)),
        Err(_) => {
            let message = format!("{path} is not text ({}); it can be sent", mime(path));
            Err(failure(ErrorCode::Failed, message))
        }
    }
}

/// `limit` lines from `offset` on as far as they have room, the number of all lines, and whether
/// there are more behind them.
fn lines(text: &str, offset: usize, limit: usize) -> (&str, usize, bool) {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .filter(|start| *start < text.len())
        .collect();
    let place = |line: usize| starts.get(line).copied().unwrap_or(text.len());
    let from = place(offset);
    let to = place(offset.saturating_add(limit));
    let most = text.floor_char_boundary(from.saturating_add(MOST_CONTENT).min(text.len()));
    let end = to.min(most);
    (&text[from..end], starts.len(), end < text.len())
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_part_of_a_text_is_whole_lines_as_far_as_they_have_room() {
        for (text, offset, limit, expected) in [
            ("", 0, 10, ("", 0, false)),
            ("a", 0, 10, ("a", 1, false)),
            ("a\nb\n", 0, 10, ("a\nb\n", 2, false)),
            ("a\nb\nc", 1, 1, ("b\n", 3, true)),
            ("a\nb\nc", 2, 9, ("c", 3, false)),
            ("a\nb\nc", 3, 9, ("", 3, false)),
            ("a\nb", 0, 0, ("", 2, true)),
            ("a\nb", usize::MAX, usize::MAX, ("", 2, false)),
        ] {
            assert_eq!(lines(text, offset, limit), expected, "{text:?} {offset}");
        }
        let long = "ü".repeat(20_000);
        let (part, total, is_cut) = lines(&long, 0, 9);
        assert_eq!((part.len(), total, is_cut), (24 * 1024, 1, true));
    }
}
