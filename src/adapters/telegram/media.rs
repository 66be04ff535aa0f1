//! What a message carries: text, something that can be said in words, or something that is attached.

use teloxide_core::types::{MediaKind, Message, MessageEntity, MessageEntityKind, MessageKind};

use crate::core::file_name::is_deceptive;
use crate::core::media::AttachmentKind;

/// File names come from strangers: so much of one is shown.
const NAME_CHARS: usize = 100;

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Media {
    /// Words, or what reads as well in words.
    Text(String),
    /// Something that is no text, in words; it may have a caption.
    Attached(String),
    /// Something that happened in the chat.
    Service,
    /// A kind that is newer than the types.
    Unknown,
}

impl Media {
    pub(super) fn of(message: &Message) -> Self {
        match &message.kind {
            MessageKind::Common(common) => of_common(&common.media_kind),
            MessageKind::Dice(dice) => {
                let emoji = serde_json::to_value(dice.dice.emoji).unwrap_or_default();
                let emoji = emoji.as_str().unwrap_or("dice");
                Self::Text(format!("[{emoji} shows {}]", dice.dice.value))
            }
            MessageKind::Invoice(_) => Self::attached(AttachmentKind::Invoice),
            MessageKind::Empty {} => Self::Unknown,
            _ => Self::Service,
        }
    }

    fn attached(kind: AttachmentKind) -> Self {
        named(kind, None)
    }
}

fn of_common(media: &MediaKind) -> Media {
    match media {
        MediaKind::Text(text) => Media::Text(with_links(&text.text, &text.entities)),
        MediaKind::Photo(_) => Media::attached(AttachmentKind::Picture),
        MediaKind::Document(media) => named(
            AttachmentKind::Document,
            media.document.file_name.as_deref(),
        ),
        MediaKind::Audio(media) => named(AttachmentKind::Audio, media.audio.file_name.as_deref()),
        MediaKind::Voice(_) => Media::attached(AttachmentKind::Voice),
        MediaKind::Video(_) => Media::attached(AttachmentKind::Video),
        MediaKind::VideoNote(_) => Media::attached(AttachmentKind::VideoNote),
        MediaKind::Animation(_) => Media::attached(AttachmentKind::Animation),
        MediaKind::Sticker(media) => named(AttachmentKind::Sticker, media.sticker.emoji.as_deref()),
        MediaKind::Story(_) => Media::attached(AttachmentKind::Story),
        MediaKind::PaidMedia(_) => Media::attached(AttachmentKind::PaidMedia),
        MediaKind::Game(_) => Media::attached(AttachmentKind::Game),
        MediaKind::Migration(_) => Media::Service,
        MediaKind::Location(_)
        | MediaKind::Venue(_)
        | MediaKind::Contact(_)
        | MediaKind::Poll(_)
        | MediaKind::Checklist(_) => Media::Text(in_words(media)),
    }
}

fn in_words(media: &MediaKind) -> String {
    match media {
        MediaKind::Location(media) => {
            format!(
                "[location: {}, {}]",
                media.location.latitude, media.location.longitude
            )
        }
        MediaKind::Venue(media) => {
            let (venue, place) = (&media.venue, &media.venue.location);
            let (title, address) = (&venue.title, &venue.address);
            format!(
                "[venue: {title}, {address} ({}, {})]",
                place.latitude, place.longitude
            )
        }
        MediaKind::Contact(media) => {
            let contact = &media.contact;
            let last_name = contact.last_name.as_deref().unwrap_or_default();
            let name = format!("{} {last_name}", contact.first_name);
            format!("[contact: {}, {}]", name.trim(), contact.phone_number)
        }
        MediaKind::Poll(media) => {
            let options: Vec<&str> = media
                .poll
                .options
                .iter()
                .map(|one| one.text.as_str())
                .collect();
            format!("[poll: {} — {}]", media.poll.question, options.join(" / "))
        }
        MediaKind::Checklist(media) => {
            let tasks = media
                .checklist
                .tasks
                .iter()
                .map(|task| format!("\n- {}", task.text));
            format!(
                "[checklist: {}]{}",
                media.checklist.title,
                tasks.collect::<String>()
            )
        }
        _ => String::new(),
    }
}

fn named(kind: AttachmentKind, name: Option<&str>) -> Media {
    Media::Attached(with_name(kind.describe(), name))
}

/// The words with a file's name behind them, as far as it is fit to be shown.
pub(super) fn with_name(words: &str, name: Option<&str>) -> String {
    let visible = name.unwrap_or_default().chars();
    let visible = visible.filter(|letter| !is_deceptive(*letter));
    let name: String = visible.take(NAME_CHARS).collect();
    match name.trim() {
        "" => words.to_owned(),
        name => format!("{words} ({name})"),
    }
}

/// The text with the address behind each linked word: a model cannot see it otherwise.
pub(super) fn with_links(text: &str, entities: &[MessageEntity]) -> String {
    let mut links: Vec<(usize, String)> = Vec::new();
    for entity in entities {
        let MessageEntityKind::TextLink { url } = &entity.kind else {
            continue;
        };
        let end = entity.offset.saturating_add(entity.length);
        let (Some(from), Some(to)) = (byte_offset(text, entity.offset), byte_offset(text, end))
        else {
            continue;
        };
        let url = url.to_string();
        if !text[from..to].contains(url.trim_end_matches('/')) {
            links.push((to, format!(" ({url})")));
        }
    }
    links.sort_by_key(|(place, _)| *place);
    let mut whole = text.to_owned();
    for (place, link) in links.iter().rev() {
        whole.insert_str(*place, link);
    }
    whole
}

/// The byte at which the UTF-16 unit `units` begins, if a character begins there.
fn byte_offset(text: &str, units: usize) -> Option<usize> {
    let mut passed = 0;
    for (byte, character) in text.char_indices() {
        if passed >= units {
            return (passed == units).then_some(byte);
        }
        passed += character.len_utf16();
    }
    (passed == units).then_some(text.len())
}
