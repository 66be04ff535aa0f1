//! The list of a chat's files, as a card whose buttons send and delete them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::card::ButtonData;
use super::channel::Buttons;
use super::exits::Links;
use super::files::{EntryKind, FileEntry, Listing};
use super::label::Labels;
use super::markup::FormattedText;
use super::outbox::{Button, Outgoing};
use super::pages::{shorten, turning};

/// Files on one page with buttons.
const PAGE: usize = 6;

/// Files in a list without buttons, which has one page.
const LONG_PAGE: usize = 100;

/// Entries of the workspace that are looked at.
pub const MOST_LISTED: usize = 2000;

/// A file as a button names it: this path with this content, as far as size and time tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKey(u64);

impl FileKey {
    /// Of an entry as it is now.
    pub fn of(entry: &FileEntry) -> Self {
        let mut hash = Sha256::new();
        hash.update(entry.size_bytes.to_be_bytes());
        hash.update(entry.modified_at.timestamp_micros().to_be_bytes());
        hash.update(entry.path.as_str());
        let first = hash.finalize();
        Self(
            first
                .iter()
                .take(8)
                .fold(0, |key, byte| key << 8 | u64::from(*byte)),
        )
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for FileKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What a button of the list does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    /// Sends it.
    Send,
    /// Asks whether it is to be deleted.
    AskDelete,
    /// Deletes it.
    Delete,
    /// Goes back to the list.
    Keep,
}

/// The actions, with their codes.
pub const ACTIONS: [(FileAction, &str); 4] = [
    (FileAction::Send, "send"),
    (FileAction::AskDelete, "ask"),
    (FileAction::Delete, "delete"),
    (FileAction::Keep, "keep"),
];

/// What a page asks about a file before it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// Whether this file is to be deleted.
    Delete(FileKey),
}

/// The file that a button means, if it is there as it was.
pub fn find(listing: &Listing, key: FileKey) -> Option<&FileEntry> {
    files(listing).find(|entry| FileKey::of(entry) == key)
}

fn files(listing: &Listing) -> impl Iterator<Item = &FileEntry> {
    let is_file = |entry: &&FileEntry| entry.kind == EntryKind::File;
    listing.entries.iter().filter(is_file)
}

/// The card of a page; pages count from 0. A page that is no longer there becomes the last one.
pub fn card(listing: &Listing, page: u32, asked: Asked, buttons: Buttons) -> Outgoing {
    let all: Vec<&FileEntry> = files(listing).collect();
    if all.is_empty() && listing.left_out == 0 {
        return Outgoing::plain("No files here.");
    }
    let size = match buttons {
        Buttons::Shown => PAGE,
        Buttons::None => LONG_PAGE,
    };
    let last = all.len().saturating_sub(1) / size;
    let page = (page as usize).min(last);
    let shown = (1..).zip(&all).skip(page * size).take(size);
    let page = u32::try_from(page).unwrap_or(u32::MAX);
    let mut blocks = vec![format!("Files: {}", all.len())];
    let mut rows: Vec<Vec<Button>> = Vec::new();
    let mut labels = Labels::default();
    for (number, entry) in shown {
        labels.join(&entry.labels);
        let path = shorten(entry.path.as_str());
        blocks.push(format!("{number}. {path}\n{}", bytes(entry.size_bytes)));
        rows.push(row(number, FileKey::of(entry), page, asked));
    }
    if buttons == Buttons::None {
        rows.clear();
        let more = all.len().saturating_sub(LONG_PAGE);
        if more > 0 {
            blocks.push(format!("… and {more} more"));
        }
    } else {
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        rows.extend(turning(page, last, |page| ButtonData::FilePage { page }));
    }
    if listing.left_out > 0 {
        blocks.push(format!(
            "… and {} more that cannot be shown",
            listing.left_out
        ));
    }
    Outgoing::formatted(FormattedText::plain(blocks.join("\n\n")))
        .with_links(&Links::under(&labels))
        .with_buttons(rows)
}

fn row(number: usize, file: FileKey, page: u32, asked: Asked) -> Vec<Button> {
    let button = |action, label: String| ButtonData::File { file, action, page }.button(label);
    if asked == Asked::Delete(file) {
        return vec![
            button(FileAction::Delete, format!("{number} · Delete it")),
            button(FileAction::Keep, "Keep it".to_owned()),
        ];
    }
    vec![
        button(FileAction::Send, format!("{number} · Send")),
        button(FileAction::AskDelete, "✖ Delete".to_owned()),
    ]
}

/// A size as people read it.
fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::DateTime;

    use super::*;
    use crate::core::files::WorkspacePath;

    fn entry(path: &str, size_bytes: u64) -> FileEntry {
        FileEntry {
            path: WorkspacePath::parse(path).unwrap(),
            kind: EntryKind::File,
            size_bytes,
            modified_at: DateTime::UNIX_EPOCH,
            labels: Labels::default(),
            is_remembered: true,
        }
    }

    fn listing(count: u64) -> Listing {
        Listing {
            entries: (0..count).map(|n| entry(&format!("{n:03}"), n)).collect(),
            left_out: 0,
        }
    }

    fn rows(card: &Outgoing) -> usize {
        match card {
            Outgoing::Text { buttons, .. } => buttons.len(),
            _ => 0,
        }
    }

    #[test]
    fn a_page_has_a_row_for_each_file_and_one_to_turn() {
        let shown = |page| card(&listing(7), page, Asked::Nothing, Buttons::Shown);
        assert_eq!(
            (rows(&shown(0)), rows(&shown(1)), rows(&shown(99))),
            (7, 2, 2)
        );
        assert!(shown(99).visible_text().contains("7. 006\n6 bytes"));
        let plain = card(&listing(120), 0, Asked::Nothing, Buttons::None);
        assert_eq!(rows(&plain), 0);
        assert!(plain.visible_text().ends_with("… and 20 more"));
        let none = card(&listing(0), 0, Asked::Nothing, Buttons::Shown);
        assert_eq!(none.visible_text(), "No files here.");
        let odd = Listing {
            left_out: 2,
            ..listing(0)
        };
        let odd = card(&odd, 0, Asked::Nothing, Buttons::Shown);
        let text = "Files: 0\n\n… and 2 more that cannot be shown";
        assert_eq!((odd.visible_text(), rows(&odd)), (text, 0));
    }

    #[test]
    fn a_button_means_the_file_as_it_was_listed() {
        let listing = listing(3);
        let key = FileKey::of(&listing.entries[1]);
        assert_eq!(find(&listing, key), Some(&listing.entries[1]));
        assert_ne!(FileKey::of(&entry("001", 2)), key);
        assert_ne!(FileKey::of(&entry("0011", 1)), key);
        let asked = card(&listing, 0, Asked::Delete(key), Buttons::Shown);
        let Outgoing::Text { buttons, .. } = asked else {
            unreachable!("a list is text")
        };
        let labels: Vec<&str> = buttons.iter().map(|row| row[0].label.as_str()).collect();
        assert_eq!(labels, ["1 · Send", "2 · Delete it", "3 · Send"]);
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (size, text) in [(999, "999 bytes"), (1_500, "1 kB"), (2_340_000, "2.3 MB")] {
            assert_eq!(bytes(size), text);
        }
    }
}
