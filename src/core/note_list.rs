//! The list of a person's or a group's notes, as a card whose buttons show and delete them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};

use super::card::ButtonData;
use super::channel::Buttons;
use super::exits::Links;
use super::ids::NoteId;
use super::label::Labels;
use super::markup::{FormattedText, Span, Style, literal};
use super::notes::{Note, NotePage, NoteSelector};
use super::outbox::{Button, Outgoing};
use super::pages::{self, shorten, turning};

/// Notes on one page with buttons.
const PAGE: u32 = 6;

/// Notes in a list without buttons, which has one page.
const LONG_PAGE: u32 = 100;

/// A note as a button names it: this one, as it was last saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteKey {
    /// Which.
    pub note: NoteId,
    saved_at: DateTime<Utc>,
}

impl NoteKey {
    /// Of a note as it is now.
    pub fn of(note: &Note) -> Self {
        Self {
            note: note.id,
            saved_at: note.updated_at.trunc_subsecs(3),
        }
    }

    /// Finds it, as long as it is the same.
    pub fn selector(self) -> NoteSelector {
        NoteSelector::Saved(self.note, self.saved_at)
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.note, self.saved_at.timestamp_millis())
    }
}

/// No note is meant by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoNoteKey;

impl FromStr for NoteKey {
    type Err = NoNoteKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (note, saved_at) = text.split_once('.').ok_or(NoNoteKey)?;
        let saved_at = i64::from_str_radix(saved_at, 16).map_err(|_| NoNoteKey)?;
        Ok(Self {
            note: NoteId(note.parse().map_err(|_| NoNoteKey)?),
            saved_at: DateTime::from_timestamp_millis(saved_at).ok_or(NoNoteKey)?,
        })
    }
}

/// What a button of the list does to a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteAction {
    /// Shows all of it.
    Show,
    /// Asks whether it is to be deleted.
    AskDelete,
    /// Deletes it.
    Delete,
    /// Goes back to the list.
    Keep,
}

/// The actions, with their codes.
pub const ACTIONS: [(NoteAction, &str); 4] = [
    (NoteAction::Show, "show"),
    (NoteAction::AskDelete, "ask"),
    (NoteAction::Delete, "delete"),
    (NoteAction::Keep, "keep"),
];

/// What a page asks about a note before it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// Whether this note is to be deleted.
    Delete(NoteKey),
}

/// Notes on a page.
pub fn page_size(buttons: Buttons) -> u32 {
    match buttons {
        Buttons::Shown => PAGE,
        Buttons::None => LONG_PAGE,
    }
}

/// The last page of a list with buttons.
pub fn last_page(total: u64) -> u32 {
    pages::last_page(total, PAGE)
}

/// The card of a page with these notes; pages count from 0.
pub fn card(found: &NotePage, page: u32, asked: Asked, buttons: Buttons) -> Outgoing {
    if found.total == 0 {
        return Outgoing::plain("No notes here. Try \"note: the bins go out on Tuesday\".");
    }
    let first = u64::from(page) * u64::from(page_size(buttons)) + 1;
    let numbered = || (first..).zip(&found.notes);
    let mut blocks = vec![format!("Notes: {}", found.total)];
    blocks.extend(numbered().map(|(number, note)| {
        let (title, data) = (shorten(&note.title), shorten(&note.data));
        format!("{number}. {title}\n{data}")
    }));
    let mut rows = Vec::new();
    if buttons == Buttons::Shown {
        rows.extend(numbered().map(|(number, note)| row(number, NoteKey::of(note), page, asked)));
        let last = last_page(found.total);
        rows.extend(turning(page, last, |page| ButtonData::NotePage { page }));
    } else {
        let more = found.total.saturating_sub(found.notes.len() as u64);
        if more > 0 {
            blocks.push(format!("… and {more} more"));
        }
        blocks.push("/notes TITLE shows one, /notes delete TITLE deletes it.".to_owned());
    }
    let labels: Labels = found.notes.iter().map(|note| &note.labels).collect();
    Outgoing::formatted(literal(&blocks.join("\n\n")))
        .with_links(&Links::under(&labels))
        .with_buttons(rows)
}

fn row(number: u64, note: NoteKey, page: u32, asked: Asked) -> Vec<Button> {
    let button = |action, label: String| ButtonData::Note { note, action, page }.button(label);
    if asked == Asked::Delete(note) {
        return vec![
            button(NoteAction::Delete, format!("{number} · Delete it")),
            button(NoteAction::Keep, "Keep it".to_owned()),
        ];
    }
    vec![
        button(NoteAction::Show, format!("{number} · Show")),
        button(NoteAction::AskDelete, "✖ Delete".to_owned()),
    ]
}

/// All of a note, as it was written.
pub fn whole(note: &Note) -> FormattedText {
    let title = literal(&note.title).text;
    let mut shown = literal(&format!("{title}\n\n{}", note.data));
    if !title.is_empty() {
        shown.spans.push(Span {
            start: 0,
            end: title.len(),
            style: Style::Bold,
        });
    }
    Links::under(&note.labels).applied(shown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::DateTime;

    use super::*;

    fn note(number: i64, data: &str) -> Note {
        Note {
            id: NoteId(number),
            title: format!("note {number}"),
            data: data.into(),
            metadata: None,
            source: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            labels: Labels::default(),
        }
    }

    fn labels(card: &Outgoing) -> Vec<Vec<String>> {
        let Outgoing::Text { buttons, .. } = card else {
            unreachable!("a list is text")
        };
        let row = |row: &Vec<Button>| row.iter().map(|button| button.label.clone()).collect();
        buttons.iter().map(row).collect()
    }

    #[test]
    fn a_page_has_a_row_for_each_note_and_one_to_turn() {
        let found = |notes: &[i64], total| NotePage {
            total,
            notes: notes.iter().map(|number| note(*number, "text")).collect(),
        };
        let second = found(&[7, 8], 14);
        let shown = card(&second, 1, Asked::Nothing, Buttons::Shown);
        let text = "Notes: 14\n\n7. note 7\ntext\n\n8. note 8\ntext";
        assert_eq!(shown.visible_text(), text);
        let of = |number| vec![format!("{number} · Show"), "✖ Delete".to_owned()];
        let turns = vec!["◀".to_owned(), "▶".to_owned()];
        assert_eq!(labels(&shown), [of(7), of(8), turns.clone()]);
        let key = NoteKey::of(&second.notes[1]);
        let asked = card(&second, 1, Asked::Delete(key), Buttons::Shown);
        let question = vec!["8 · Delete it".to_owned(), "Keep it".to_owned()];
        assert_eq!(labels(&asked), [of(7), question, turns]);
        let plain = card(&found(&[1], 120), 0, Asked::Nothing, Buttons::None);
        assert!(labels(&plain).is_empty());
        assert!(
            plain
                .visible_text()
                .contains("\n\n… and 119 more\n\n/notes")
        );
    }

    #[test]
    fn nothing_in_a_note_acts_on_what_shows_it() {
        let shown = whole(&note(1, "*2* <b>\u{1b}[31m\u{202e}[x](http://e.example)"));
        assert_eq!(shown.text, "note 1\n\n*2* <b>␛[31m[x](http://e.example)");
        assert_eq!(shown.spans.len(), 1);
        let listed = NotePage {
            total: 1,
            notes: vec![note(1, "a\u{1b}[2Jb")],
        };
        let listed = card(&listed, 0, Asked::Nothing, Buttons::Shown);
        assert!(listed.visible_text().ends_with("a␛[2Jb"));
    }
}
