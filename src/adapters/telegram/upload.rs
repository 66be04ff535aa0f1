//! Files as multipart forms: streamed from the disk, never held in memory.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::payload::{addressed, body};
use crate::core::channel::{ChatTarget, DeliveryError};
use crate::core::ids::MessageId;
use crate::core::outgoing_file::{OutgoingFile, SentAs};

/// The method for these files, and its form. Several files are an album.
pub(super) async fn send_files(
    target: &ChatTarget,
    files: &[OutgoingFile],
    reply_to: Option<&MessageId>,
) -> Result<(&'static str, Form), DeliveryError> {
    let mut form = addressed(target, reply_to)?;
    let [file] = files else {
        let mut media = Vec::with_capacity(files.len());
        for (number, file) in files.iter().enumerate() {
            let name = format!("file{number}");
            media.push(in_album(file, &name));
            form = form.part(name, part(file).await?);
        }
        let form = form.text("media", Value::Array(media).to_string());
        return Ok(("sendMediaGroup", form));
    };
    let (method, field) = match file.sent_as {
        SentAs::Photo => ("sendPhoto", "photo"),
        SentAs::Voice => ("sendVoice", "voice"),
        SentAs::Document => ("sendDocument", "document"),
    };
    form = form.part(field, part(file).await?);
    if !file.caption.text.is_empty() {
        let (caption, styles) = body(&file.caption);
        form = form
            .text("caption", caption)
            .text("caption_entities", json!(styles).to_string());
    }
    if file.sent_as == SentAs::Document {
        // A file that looks like one of another kind is still meant as a file.
        form = form.text("disable_content_type_detection", "true");
    }
    Ok((method, form))
}

/// One file of an album (Bot API, InputMedia). Albums have pictures, or files after pictures were refused.
fn in_album(file: &OutgoingFile, part: &str) -> Value {
    let kind = match file.sent_as {
        SentAs::Photo => "photo",
        SentAs::Voice | SentAs::Document => "document",
    };
    let mut media = json!({ "type": kind, "media": format!("attach://{part}") });
    if !file.caption.text.is_empty() {
        let (caption, styles) = body(&file.caption);
        media["caption"] = caption.into();
        media["caption_entities"] = json!(styles);
    }
    media
}

async fn part(file: &OutgoingFile) -> Result<Part, DeliveryError> {
    let gone = |error: std::io::Error| {
        DeliveryError::Refused(format!("the copy of {} is gone: {error}", file.name))
    };
    let part = Part::file(&file.place).await.map_err(gone)?;
    Ok(part.file_name(file.name.clone()))
}
