//! Notes: the calls that an intent takes, and what is said then.

use serde_json::{Value, json};

use super::matching::{self, Match};
use super::words::{failed, plain};
use super::{Done, Move};
use crate::core::tool::ToolResult;

const SAVE: &str = "user_memory_save";
const SEARCH: &str = "user_memory_search";
const DELETE: &str = "user_memory_delete";

pub(super) fn save(title: &str, data: &str, last: Option<&ToolResult>) -> Move {
    let Some(result) = last else {
        return Move::Call(vec![(
            SAVE,
            json!({ "title": title, "data": data, "source": "built-in" }),
        )]);
    };
    match result.value()["title"].as_str() {
        Some(title) => Move::Say(format!("Noted: **{}** – {}", plain(title), plain(data))),
        None => Move::Say(failed("I could not save that note", result)),
    }
}

pub(super) fn find(query: &str, last: Option<&ToolResult>) -> Move {
    let Some(result) = last else {
        return Move::Call(vec![search(Some(query))]);
    };
    if result.error_text().is_some() {
        return Move::Say(failed("I could not read the notes", result));
    }
    let notes = entries(result);
    if notes.is_empty() {
        return Move::Say(format!(
            "I have no note about {}. To make one, say \"note: {} is …\".",
            plain(query),
            plain(query)
        ));
    }
    Move::Say(
        notes
            .iter()
            .take(3)
            .map(Listed::line)
            .collect::<Vec<_>>()
            .join("\n\n"),
    )
}

pub(super) fn list(last: Option<&ToolResult>) -> Move {
    let Some(result) = last else {
        return Move::Call(vec![search(None)]);
    };
    if result.error_text().is_some() {
        return Move::Say(failed("I could not read the notes", result));
    }
    let notes = entries(result);
    if notes.is_empty() {
        return Move::Say("You have no notes. To make one, say \"note: wifi is hunter2\".".into());
    }
    let lines: Vec<String> = notes
        .iter()
        .map(|note| format!("- {}", note.line()))
        .collect();
    Move::Say(format!("**Your notes**\n\n{}", lines.join("\n")))
}

pub(super) fn delete(words: &str, done: &[Done<'_>]) -> Move {
    let Some(listed) = done.first() else {
        return Move::Call(vec![search(None)]);
    };
    let notes = entries(listed.result);
    let titles: Vec<String> = notes
        .iter()
        .map(|note| format!("{} {} {}", note.id, note.title, note.data))
        .collect();
    let found = match matching::find(words, &titles) {
        Match::One(at) => &notes[at],
        Match::Several(places) => {
            let lines: String = places
                .iter()
                .map(|at| format!("- {}\n", notes[*at].line()))
                .collect();
            return Move::Say(format!("Several notes fit. Which one?\n\n{lines}"));
        }
        Match::None => return Move::Say(format!("I have no note about {}.", plain(words))),
    };
    match done.get(1) {
        None => Move::Call(vec![(
            DELETE,
            json!({ "entry_id": found.id, "title": null }),
        )]),
        Some(deleted) if deleted.result.error_text().is_none() => {
            Move::Say(format!("Deleted: {}", plain(&found.title)))
        }
        Some(deleted) => Move::Say(failed("I could not delete that note", deleted.result)),
    }
}

fn search(query: Option<&str>) -> (&'static str, Value) {
    (
        SEARCH,
        json!({ "query": query, "limit": null, "offset": null }),
    )
}

/// A note as the search has it.
#[derive(Debug)]
struct Listed {
    id: i64,
    title: String,
    data: String,
}

impl Listed {
    fn line(&self) -> String {
        format!("**{}**: {}", plain(&self.title), plain(&self.data))
    }
}

fn entries(result: &ToolResult) -> Vec<Listed> {
    let rows = result.value()["entries"].as_array();
    rows.into_iter()
        .flatten()
        .filter_map(|entry| {
            Some(Listed {
                id: entry["id"].as_i64()?,
                title: entry["title"].as_str()?.to_owned(),
                data: entry["data"].as_str()?.to_owned(),
            })
        })
        .collect()
}
