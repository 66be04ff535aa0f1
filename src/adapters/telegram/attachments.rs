//! The files of a raw message. They are read without the types, which refuse some that lack an optional
//! field, or whose sender made up a MIME type.

use serde_json::Value;

use crate::core::ids::FileRef;
use crate::core::media::{Attachment, AttachmentKind, FileVersion};

/// The fields of a message that hold a file, with what it is. An animation stands in `document` as
/// well, so it is looked at first.
const FIELDS: [(&str, AttachmentKind); 12] = [
    ("animation", AttachmentKind::Animation),
    ("photo", AttachmentKind::Picture),
    ("sticker", AttachmentKind::Sticker),
    ("voice", AttachmentKind::Voice),
    ("audio", AttachmentKind::Audio),
    ("video_note", AttachmentKind::VideoNote),
    ("video", AttachmentKind::Video),
    ("document", AttachmentKind::Document),
    ("story", AttachmentKind::Story),
    ("paid_media", AttachmentKind::PaidMedia),
    ("game", AttachmentKind::Game),
    ("invoice", AttachmentKind::Invoice),
];

/// What a message carries beside words; at most one thing, which may have no file for bots. Whatever
/// has a caption is something, even if it is new.
pub(super) fn attachments(message: &Value) -> Vec<Attachment> {
    let found = FIELDS.iter().find(|(field, _)| !message[*field].is_null());
    match found {
        Some((field, kind)) => vec![attachment(*kind, &message[*field])],
        None if message["caption"].is_string() => {
            vec![attachment(AttachmentKind::Unknown, &Value::Null)]
        }
        None => Vec::new(),
    }
}

fn attachment(kind: AttachmentKind, file: &Value) -> Attachment {
    let mut versions = match kind {
        AttachmentKind::Picture => by_size(file),
        AttachmentKind::Sticker => still(file).into_iter().collect(),
        kind if kind.is_read() => version(file).into_iter().collect(),
        _ => Vec::new(),
    };
    let largest = if versions.is_empty() {
        FileVersion {
            id: FileRef::new(""),
            size_bytes: None,
            width: None,
            height: None,
        }
    } else {
        versions.remove(0)
    };
    let text = |field: &str| file[field].as_str().map(str::to_owned);
    let name = match kind {
        AttachmentKind::Sticker => text("emoji"),
        _ => text("file_name"),
    };
    Attachment {
        kind,
        file: largest,
        smaller: versions,
        name,
        mime: text("mime_type"),
        duration_seconds: number(&file["duration"]),
    }
}

/// The versions of a photo, the largest first.
fn by_size(sizes: &Value) -> Vec<FileVersion> {
    let sizes = sizes.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut versions: Vec<FileVersion> = sizes.iter().filter_map(version).collect();
    let pixels = |one: &FileVersion| {
        u64::from(one.width.unwrap_or_default()) * u64::from(one.height.unwrap_or_default())
    };
    versions.sort_by_key(|one| std::cmp::Reverse(pixels(one)));
    versions
}

/// A sticker that moves is read by its still picture.
fn still(sticker: &Value) -> Option<FileVersion> {
    let moves = sticker["is_animated"] == true || sticker["is_video"] == true;
    if moves {
        version(&sticker["thumbnail"])
    } else {
        version(sticker)
    }
}

fn version(file: &Value) -> Option<FileVersion> {
    let id = file["file_id"].as_str().filter(|id| !id.is_empty())?;
    Some(FileVersion {
        id: FileRef::new(id),
        size_bytes: file["file_size"].as_u64(),
        width: number(&file["width"]),
        height: number(&file["height"]),
    })
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| number.try_into().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: Value) -> Vec<String> {
        let shown = |file: &FileVersion| format!("{}:{:?}", file.id, file.size_bytes);
        attachments(&message)
            .iter()
            .map(|one| {
                let versions = std::iter::once(&one.file).chain(&one.smaller);
                let versions: Vec<String> = versions.map(shown).collect();
                format!("{:?} {} {versions:?}", one.kind, one.shown_name())
            })
            .collect()
    }

    #[test]
    fn each_kind_of_file_is_found() {
        let size = |id: &str, side: u32| json!({ "file_id": id, "width": side, "height": side });
        let cases = [
            (json!({ "text": "hi" }), ""),
            (
                json!({ "photo": [size("s", 90), size("l", 800), size("m", 320)] }),
                "Picture a photo [\"l:None\", \"m:None\", \"s:None\"]",
            ),
            (json!({ "photo": [] }), "Picture a photo [\":None\"]"),
            (json!({ "photo": "x" }), "Picture a photo [\":None\"]"),
            (
                json!({ "document": { "file_id": "d", "file_size": 9, "file_name": "a\u{7}.pdf", "mime_type": "not a type" } }),
                "Document a.pdf [\"d:Some(9)\"]",
            ),
            (
                json!({ "document": { "file_id": "d", "file_name": "invoice\u{202e}fdp\u{200b}.exe" } }),
                "Document invoicefdp.exe [\"d:None\"]",
            ),
            (
                json!({ "document": { "file_name": "a.pdf" } }),
                "Document a.pdf [\":None\"]",
            ),
            (
                json!({ "animation": { "file_id": "a" }, "document": { "file_id": "d" } }),
                "Animation an animation [\":None\"]",
            ),
            (
                json!({ "video": { "file_id": "v" } }),
                "Video a video [\":None\"]",
            ),
            (json!({ "story": { "id": 1 } }), "Story a story [\":None\"]"),
            (
                json!({ "hologram": {}, "caption": "look" }),
                "Unknown an attachment [\":None\"]",
            ),
            (
                json!({ "voice": { "file_id": "v", "file_size": -3, "duration": 3 } }),
                "Voice a voice message [\"v:None\"]",
            ),
            (
                json!({ "sticker": { "file_id": "s", "emoji": "😀" } }),
                "Sticker 😀 [\"s:None\"]",
            ),
            (
                json!({ "sticker": { "file_id": "s", "is_video": true, "thumbnail": { "file_id": "t" } } }),
                "Sticker a sticker [\"t:None\"]",
            ),
            (
                json!({ "sticker": { "file_id": "s", "is_animated": true } }),
                "Sticker a sticker [\":None\"]",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(read(message.clone()).concat(), expected, "{message}");
        }
    }
}
