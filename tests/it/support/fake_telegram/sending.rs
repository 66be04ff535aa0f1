//! `sendMessage`, `sendPhoto`, `sendDocument` and `sendVoice`.

use serde_json::Value;

use super::message::{Author, FakeFile, FakeMessage, FileKind};
use super::params::{Params, Upload};
use super::refusal::Refusal;
use super::state::State;
use super::text::Formatted;
use super::{markup, text};

/// Bytes that a bot can download (Bot API, getFile).
pub const DOWNLOAD_LIMIT: u64 = 20 * 1024 * 1024;
/// Bytes of a photo that a bot can send (Bot API, "Sending files").
const PHOTO_LIMIT: usize = 10 * 1024 * 1024;

/// Where a message goes; checked.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub chat_id: i64,
    pub thread: Option<i64>,
    pub reply_to: Option<i64>,
}

/// A message that is about to appear.
#[derive(Debug)]
pub struct Draft {
    pub content: Formatted,
    pub reply_markup: Option<Value>,
    pub file: Option<FakeFile>,
    pub media_group_id: Option<String>,
    pub link_preview: Option<Value>,
}

pub fn send_message(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let place = place(state, params)?;
    let draft = Draft {
        content: text::message_text(params)?,
        reply_markup: markup::parse(params)?,
        file: None,
        media_group_id: None,
        link_preview: params.json("link_preview_options")?,
    };
    count_against_flood(state, place.chat_id)?;
    post(state, place, draft)
}

pub fn send_file(state: &mut State, method: &str, params: &Params) -> Result<Value, Refusal> {
    let kind = match method {
        "sendPhoto" => FileKind::Photo,
        "sendVoice" => FileKind::Voice,
        _ => FileKind::Document,
    };
    let place = place(state, params)?;
    let content = text::caption(
        params.text("caption"),
        params.text("parse_mode"),
        params.json("caption_entities")?,
    )?;
    let reply_markup = markup::parse(params)?;
    let file = take_file(state, params, kind, kind.field())?;
    count_against_flood(state, place.chat_id)?;
    let draft = Draft {
        content,
        reply_markup,
        file: Some(file),
        media_group_id: None,
        link_preview: None,
    };
    post(state, place, draft)
}

/// Checks chat, thread and the message replied to.
pub fn place(state: &State, params: &Params) -> Result<Place, Refusal> {
    let chat_id = state.target(params)?;
    let chat = state.chat(chat_id)?;
    let thread = params.number("message_thread_id")?;
    chat.check_thread(thread)?;
    let (wanted, lenient) = reply_parameters(params)?;
    let reply_to = wanted.filter(|id| chat.message(*id).is_some());
    if wanted.is_some() && reply_to.is_none() && !lenient {
        return Err(Refusal::bad_request("message to be replied not found"));
    }
    // A reply that names no topic belongs to that of the message it answers.
    let answered = reply_to.and_then(|id| chat.message(id)?.thread);
    let thread = thread.or(answered);
    chat.check_open(thread)?;
    Ok(Place {
        chat_id,
        thread,
        reply_to,
    })
}

/// The message replied to, and whether the send may go on without it.
fn reply_parameters(params: &Params) -> Result<(Option<i64>, bool), Refusal> {
    let Some(reply) = params.json::<Value>("reply_parameters")? else {
        let legacy = params.number("reply_to_message_id")?;
        return Ok((legacy, params.flag("allow_sending_without_reply")));
    };
    let Some(id) = reply["message_id"].as_i64() else {
        return Err(Refusal::bad_request(
            "can't parse reply parameters: message_id is required",
        ));
    };
    Ok((Some(id), reply["allow_sending_without_reply"] == true))
}

pub fn count_against_flood(state: &mut State, chat_id: i64) -> Result<(), Refusal> {
    let limit = state.options.flood_limit;
    state.chat_mut(chat_id)?.check_flood(limit)
}

/// The file that `field` names: an upload in it, `attach://part`, or the id of a known file.
pub fn take_file(
    state: &mut State,
    params: &Params,
    kind: FileKind,
    field: &str,
) -> Result<FakeFile, Refusal> {
    if let Some(upload) = params.upload(field) {
        return store(state, kind, upload);
    }
    match params.text(field) {
        Some(reference) => referenced_file(state, params, kind, reference),
        None => Err(Refusal::bad_request(format!(
            "there is no {field} in the request"
        ))),
    }
}

pub fn referenced_file(
    state: &mut State,
    params: &Params,
    kind: FileKind,
    reference: &str,
) -> Result<FakeFile, Refusal> {
    if let Some(part) = reference.strip_prefix("attach://") {
        let Some(upload) = params.upload(part) else {
            return Err(Refusal::bad_request(
                "file is missing: no such part in the request",
            ));
        };
        return store(state, kind, upload);
    }
    if reference.contains("://") {
        // The real server would download it; the fake never leaves the machine.
        return Err(Refusal::bad_request("failed to get HTTP URL content"));
    }
    let known = state
        .files
        .get(reference)
        .filter(|file| file.kind == kind)
        .cloned();
    known.ok_or_else(|| {
        Refusal::bad_request("wrong remote file identifier specified: Wrong string length")
    })
}

fn store(state: &mut State, kind: FileKind, upload: &Upload) -> Result<FakeFile, Refusal> {
    if upload.bytes.is_empty() {
        return Err(Refusal::bad_request("file must be non-empty"));
    }
    if kind == FileKind::Photo && upload.bytes.len() > PHOTO_LIMIT {
        return Err(Refusal::bad_request("file is too big for a photo"));
    }
    let file = FakeFile {
        kind,
        file_id: format!("file{}", state.next_number()),
        name: upload.name.clone(),
        mime: upload.mime.clone(),
        bytes: upload.bytes.clone(),
        size: upload.bytes.len() as u64,
    };
    state.files.insert(file.file_id.clone(), file.clone());
    Ok(file)
}

/// Puts the message into the chat and answers it as the Bot API shows it.
pub fn post(state: &mut State, place: Place, draft: Draft) -> Result<Value, Refusal> {
    let chat = state.chat_mut(place.chat_id)?;
    let id = chat.next_message_id();
    let mut message = FakeMessage {
        id,
        chat_id: place.chat_id,
        thread: place.thread,
        author: Author::Bot,
        text: String::new(),
        entities: Vec::new(),
        reply_markup: None,
        reply_to: place.reply_to,
        file: draft.file,
        media_group_id: draft.media_group_id,
        link_preview: draft.link_preview,
        versions: Vec::new(),
    };
    message.revise(draft.content, draft.reply_markup);
    chat.sent.push(message);
    chat.touch();
    show(state, place.chat_id, id)
}

/// The message as the Bot API shows it.
pub fn show(state: &State, chat_id: i64, message_id: i64) -> Result<Value, Refusal> {
    let chat = state.chat(chat_id)?;
    let message = chat.message(message_id);
    let message = message.ok_or_else(|| Refusal::bad_request("message not found"))?;
    Ok(chat.message_json(message, state))
}
