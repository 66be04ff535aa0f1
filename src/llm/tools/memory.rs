//! The notes tools.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::config::KvMemoryConfig;
use super::typed::{TypedTool, failure, lenient_optional_id, outside};
use super::{Family, tool};
use crate::core::action::{Action, Kept};
use crate::core::change::{Change, ChangeOutcome, Deleted};
use crate::core::ids::NoteId;
use crate::core::notes::{NewNote, Note, NoteSearch, NoteSelector, NoteStore};
use crate::core::tool::{
    ErrorCode, SchemaStrictness, ToolContext, ToolEffect, ToolOutcome, ToolResult,
};

const TEXTS: &str = include_str!("../../../prompts/tools/memory.md");

/// The longest title, in characters.
const MAX_TITLE: usize = 100;

/// The longest note, in bytes.
const MAX_DATA: usize = 64 * 1024;

pub(super) fn family(notes: Arc<dyn NoteStore>, config: &KvMemoryConfig) -> Family {
    let search = MemorySearch {
        notes: notes.clone(),
        default_limit: config.default_limit.get(),
        max_limit: config.max_limit.get(),
    };
    Family {
        ability: "Notes that I keep until you delete them",
        tools: vec![
            tool(MemorySave),
            tool(MemoryGet { notes }),
            tool(search),
            tool(MemoryDelete),
        ],
    }
}

#[derive(Debug)]
struct MemorySave;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaveArguments {
    /// A short name, at most 100 characters.
    title: String,
    data: String,
    metadata: Option<Map<String, Value>>,
    source: Option<String>,
    /// When to forget it, RFC 3339 with an offset.
    expires_at: Option<String>,
}

#[async_trait]
impl TypedTool for MemorySave {
    const NAME: &'static str = "user_memory_save";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    const SCHEMA: SchemaStrictness = SchemaStrictness::Loose;
    type Arguments = SaveArguments;

    async fn run(&self, context: &ToolContext, arguments: SaveArguments) -> ToolOutcome {
        let title = arguments.title.trim();
        let length = title.chars().count();
        if length == 0 || length > MAX_TITLE {
            let message =
                format!("the title must have 1 to {MAX_TITLE} characters, this has {length}");
            return failure(ErrorCode::BadArguments, message);
        }
        if arguments.data.len() > MAX_DATA {
            let message = format!("a note may have {MAX_DATA} bytes; save it in parts");
            return failure(ErrorCode::TooLarge, message);
        }
        let expires_at = match expiry(arguments.expires_at.as_deref(), context.now) {
            Ok(expires_at) => expires_at,
            Err(message) => return failure(ErrorCode::BadArguments, message),
        };
        let note = NewNote {
            owner: context.notes_of.clone(),
            title: title.to_owned(),
            data: arguments.data,
            metadata: arguments.metadata.map(Value::Object),
            source: arguments.source,
            expires_at,
            saved_at: context.now,
            labels: context.labels.clone(),
        };
        ToolOutcome::Change {
            change: Box::new(Change::SaveNote(note)),
            describe: Box::new(|outcome| match outcome {
                ChangeOutcome::Note(note) => ToolResult::ok(entry(&note)),
                other => super::unexpected(&other),
            }),
        }
    }
}

fn expiry(text: Option<&str>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let at = DateTime::parse_from_rfc3339(text.trim())
        .map_err(|_| format!("expires_at {text:?} is not RFC 3339; write 2026-05-01T09:00:00Z"))?
        .with_timezone(&Utc);
    if at <= now {
        return Err("expires_at has passed; give a time in the future or null".into());
    }
    Ok(Some(at))
}

#[derive(Debug)]
struct MemoryGet {
    notes: Arc<dyn NoteStore>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelectArguments {
    #[serde(default, deserialize_with = "lenient_optional_id")]
    entry_id: Option<i64>,
    title: Option<String>,
}

impl SelectArguments {
    fn selector(self) -> Result<NoteSelector, &'static str> {
        match (
            self.entry_id,
            self.title.filter(|title| !title.trim().is_empty()),
        ) {
            (Some(id), _) => Ok(NoteSelector::Id(NoteId(id))),
            (None, Some(title)) => Ok(NoteSelector::Title(title.trim().to_owned())),
            (None, None) => Err("give entry_id or title"),
        }
    }
}

#[async_trait]
impl TypedTool for MemoryGet {
    const NAME: &'static str = "user_memory_get";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = SelectArguments;

    async fn run(&self, context: &ToolContext, arguments: SelectArguments) -> ToolOutcome {
        let selector = match arguments.selector() {
            Ok(selector) => selector,
            Err(message) => return failure(ErrorCode::BadArguments, message),
        };
        match self
            .notes
            .get(&context.notes_of, &selector, context.now)
            .await
        {
            Ok(Some(note)) => outside(entry(&note), note.labels),
            Ok(None) => failure(ErrorCode::NotFound, "not found: there is no such note"),
            Err(error) => failure(ErrorCode::Failed, error),
        }
    }
}

#[derive(Debug)]
struct MemorySearch {
    notes: Arc<dyn NoteStore>,
    default_limit: u32,
    max_limit: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    query: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

#[async_trait]
impl TypedTool for MemorySearch {
    const NAME: &'static str = "user_memory_search";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = SearchArguments;

    async fn run(&self, context: &ToolContext, arguments: SearchArguments) -> ToolOutcome {
        let limit = arguments
            .limit
            .unwrap_or(self.default_limit)
            .clamp(1, self.max_limit);
        let offset = arguments.offset.unwrap_or(0);
        let search = NoteSearch {
            owner: context.notes_of.clone(),
            query: arguments.query.filter(|query| !query.trim().is_empty()),
            limit,
            offset,
            now: context.now,
        };
        match self.notes.search(search).await {
            Ok(page) => {
                let labels = page.notes.iter().map(|note| &note.labels).collect();
                let found = json!({
                    "total": page.total,
                    "limit": limit,
                    "offset": offset,
                    "entries": page.notes.iter().map(entry).collect::<Vec<_>>(),
                });
                outside(found, labels)
            }
            Err(error) => failure(ErrorCode::Failed, error),
        }
    }
}

#[derive(Debug)]
struct MemoryDelete;

#[async_trait]
impl TypedTool for MemoryDelete {
    const NAME: &'static str = "user_memory_delete";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    type Arguments = SelectArguments;

    async fn action(&self, _context: &ToolContext, _arguments: SelectArguments) -> Action {
        Action::Forget(Kept::Note)
    }

    async fn run(&self, context: &ToolContext, arguments: SelectArguments) -> ToolOutcome {
        let selector = match arguments.selector() {
            Ok(selector) => selector,
            Err(message) => return failure(ErrorCode::BadArguments, message),
        };
        let change = Change::DeleteNote {
            owner: context.notes_of.clone(),
            selector,
        };
        ToolOutcome::Change {
            change: Box::new(change),
            describe: Box::new(|outcome| match outcome {
                ChangeOutcome::Deleted(Deleted::Gone) => ToolResult::ok(json!({ "deleted": true })),
                ChangeOutcome::Deleted(Deleted::NotFound) => {
                    ToolResult::error(ErrorCode::NotFound, "not found: there is no such note")
                }
                other => super::unexpected(&other),
            }),
        }
    }
}

fn entry(note: &Note) -> Value {
    json!({
        "id": note.id,
        "title": note.title,
        "data": note.data,
        "metadata": note.metadata,
        "source": note.source,
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "expires_at": note.expires_at,
    })
}
