//! Notes: the calls that an intent takes, and what is said then.

use serde_json::{Value, json};

use super::matching::{self, Entry, Match};
use super::words::{self, failed, plain};
use super::{Done, Move};
use crate::core::tool::ToolResult;

const GET: &str = "user_memory_get";
const SAVE: &str = "user_memory_save";
const SEARCH: &str = "user_memory_search";
const DELETE: &str = "user_memory_delete";

/// Notes looked at in one go; the tool may allow fewer.
const MOST: u32 = 100;

/// A note of the same title is replaced; what it said before is told, so that nothing is lost
/// unseen.
pub(super) fn save(title: &str, data: &str, done: &[Done<'_>]) -> Move {
    let saved = match done {
        [] => {
            return Move::Call(vec![(GET, json!({ "entry_id": null, "title": title }))]);
        }
        [_] => {
            return Move::Call(vec![(
                SAVE,
                json!({ "title": title, "data": data, "source": "built-in" }),
            )]);
        }
        [.., saved] => saved.result,
    };
    let Some(title) = saved.value()["title"].as_str() else {
        return Move::Say(failed("I could not save that note", saved));
    };
    let before = done
        .first()
        .and_then(|known| known.result.value()["data"].as_str())
        .filter(|before| *before != data)
        .map_or(String::new(), |before| {
            format!("\n\nThis replaces: {}", plain(before))
        });
    Move::Say(format!(
        "Noted: **{}** – {}{before}",
        plain(title),
        plain(data)
    ))
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
    let more = words::and_more(result.value()["total"].as_u64(), notes.len());
    Move::Say(format!("**Your notes**\n\n{}{more}", lines.join("\n")))
}

/// Looks among the notes with these words and among the newest, because a word may be half a
/// word of the note.
pub(super) fn delete(words: &str, done: &[Done<'_>]) -> Move {
    let [by_words, newest, after @ ..] = done else {
        return Move::Call(vec![search(Some(words)), search(None)]);
    };
    if newest.result.error_text().is_some() {
        return Move::Say(failed("I could not read the notes", newest.result));
    }
    let mut notes = entries(by_words.result);
    for note in entries(newest.result) {
        if notes.iter().all(|known| known.id != note.id) {
            notes.push(note);
        }
    }
    let texts = notes.iter().map(|note| Entry {
        text: format!("{} {}", note.title, note.data),
        when: String::new(),
    });
    let found = match matching::find(words, &texts.collect::<Vec<_>>()) {
        Match::One(at) => &notes[at],
        Match::Several(places) => {
            let lines: Vec<String> = places
                .iter()
                .map(|at| format!("- {}", notes[*at].line()))
                .collect();
            let question = "Several notes fit. Which one? Use more of its words:";
            return Move::Say(format!("{question}\n\n{}", lines.join("\n")));
        }
        Match::None => return Move::Say(format!("I have no note about \"{}\".", plain(words))),
    };
    match after {
        [] => Move::Call(vec![(
            DELETE,
            json!({ "entry_id": found.id, "title": null }),
        )]),
        [.., deleted] if deleted.result.error_text().is_none() => {
            Move::Say(format!("Deleted: {}", found.line()))
        }
        [.., deleted] => Move::Say(failed("I could not delete that note", deleted.result)),
    }
}

fn search(query: Option<&str>) -> (&'static str, Value) {
    (
        SEARCH,
        json!({ "query": query, "limit": MOST, "offset": null }),
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
