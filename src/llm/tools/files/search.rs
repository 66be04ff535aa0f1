//! Searching in files, within limits of time and size that no pattern and no file can exceed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::typed::{TypedTool, failure};
use super::{TEXTS, content, failed, folder, workspace};
use crate::core::files::{Depth, EntryKind, WorkspaceFiles};
use crate::core::label::Labels;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

/// The longest pattern, in bytes.
const LONGEST_PATTERN: usize = 1000;

/// What a pattern may become when it is compiled, in bytes.
const LARGEST_PATTERN: usize = 512 * 1024;

/// Files that are looked into.
const MOST_FILES: usize = 2000;

/// The largest file that is looked into, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Lines in one answer.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// The longest line in an answer, in bytes.
const LONGEST_LINE: usize = 300;

/// A search that takes longer says what it has.
const TIME: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct SearchFiles(pub(super) Arc<dyn WorkspaceFiles>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchArguments {
    pattern: String,
    folder: Option<String>,
    limit: Option<usize>,
}

#[async_trait]
impl TypedTool for SearchFiles {
    const NAME: &'static str = "search_files";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = SearchArguments;

    async fn run(&self, context: &ToolContext, arguments: SearchArguments) -> ToolOutcome {
        let pattern = match compile(&arguments.pattern) {
            Ok(pattern) => pattern,
            Err(message) => return failure(ErrorCode::BadArguments, message),
        };
        let folder = match folder(arguments.folder.as_deref()) {
            Ok(folder) => folder,
            Err(error) => return failed(&error),
        };
        let workspace = workspace(context);
        let listing = self
            .0
            .list(&workspace, folder.as_ref(), Depth::Tree, MOST_FILES)
            .await;
        let listing = match listing {
            Ok(listing) => listing,
            Err(error) => return failed(&error),
        };
        let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let mut found = Found {
            is_cut: listing.left_out > 0,
            ..Found::default()
        };
        let until = Instant::now() + TIME;
        let plain = |kind| kind == EntryKind::File;
        for entry in listing.entries.iter().filter(|entry| plain(entry.kind)) {
            if found.matches.len() >= limit || Instant::now() > until {
                found.is_cut = true;
                break;
            }
            // What is too large or no text, or has gone meanwhile, has no lines.
            let Ok(file) = self.0.read(&workspace, &entry.path, LARGEST_FILE).await else {
                continue;
            };
            let Ok(text) = String::from_utf8(file.bytes) else {
                continue;
            };
            if found.add(&pattern, (entry.path.as_str(), &text), limit) {
                found.labels.join(&file.labels);
            }
        }
        let value = json!({ "matches": found.matches, "truncated": found.is_cut });
        content(value, found.labels)
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return Err(format!(
            "the pattern must have 1 to {LONGEST_PATTERN} bytes"
        ));
    }
    RegexBuilder::new(pattern)
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN)
        .build()
        .map_err(|error| format!("the pattern is no regular expression: {error}"))
}

#[derive(Default)]
struct Found {
    matches: Vec<Value>,
    labels: Labels,
    is_cut: bool,
}

impl Found {
    /// Adds the lines of a file that match; says whether there are any.
    fn add(&mut self, pattern: &Regex, (path, text): (&str, &str), limit: usize) -> bool {
        let before = self.matches.len();
        for (number, line) in (1..).zip(text.lines()) {
            if !pattern.is_match(line) {
                continue;
            }
            if self.matches.len() >= limit {
                self.is_cut = true;
                break;
            }
            let end = line.floor_char_boundary(LONGEST_LINE);
            let cut = if end < line.len() { "…" } else { "" };
            let text = format!("{}{cut}", &line[..end]);
            let found = json!({ "path": path, "line": number, "text": text });
            self.matches.push(found);
        }
        self.matches.len() > before
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn patterns_that_would_take_the_memory_are_refused() {
        assert!(compile("^fn .*$").is_ok());
        for pattern in [
            "",
            "(",
            "(?:a{1000}){1000}",
            r"\pL{1000}{10}",
            &"a".repeat(1001),
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
