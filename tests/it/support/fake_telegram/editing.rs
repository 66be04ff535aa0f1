//! Edits and deletions.

use serde_json::Value;

use super::markup;
use super::params::Params;
use super::refusal::Refusal;
use super::sending;
use super::state::State;
use super::text::{self, Formatted};

const NOT_MODIFIED: &str = "message is not modified: specified new message content and reply \
                            markup are exactly the same as a current content and reply markup of \
                            the message";

pub fn edit_text(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let (chat_id, message_id) = own_message(state, params)?;
    let content = text::message_text(params)?;
    if state
        .chat(chat_id)?
        .message(message_id)
        .is_some_and(|message| message.file.is_some())
    {
        return Err(Refusal::bad_request(
            "there is no text in the message to edit",
        ));
    }
    revise(
        state,
        (chat_id, message_id),
        Some(content),
        markup::parse(params)?,
    )
}

pub fn edit_caption(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let (chat_id, message_id) = own_message(state, params)?;
    let content = text::caption(
        params.text("caption"),
        params.text("parse_mode"),
        params.json("caption_entities")?,
    )?;
    if state
        .chat(chat_id)?
        .message(message_id)
        .is_some_and(|message| message.file.is_none())
    {
        return Err(Refusal::bad_request(
            "there is no caption in the message to edit",
        ));
    }
    revise(
        state,
        (chat_id, message_id),
        Some(content),
        markup::parse(params)?,
    )
}

pub fn edit_markup(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let place = own_message(state, params)?;
    revise(state, place, None, markup::parse(params)?)
}

/// The chat and message a call names; only the bot's own can be edited.
fn own_message(state: &State, params: &Params) -> Result<(i64, i64), Refusal> {
    let chat_id = state.target(params)?;
    let Some(id) = params.number("message_id")? else {
        return Err(Refusal::bad_request("message identifier is not specified"));
    };
    let chat = state.chat(chat_id)?;
    if chat.received.contains_key(&id) {
        return Err(Refusal::bad_request("message can't be edited"));
    }
    match chat.message(id) {
        Some(_) => Ok((chat_id, id)),
        None => Err(Refusal::bad_request("message to edit not found")),
    }
}

/// Gives the message new content (`None`: keeps it) and markup (`None`: removes it).
fn revise(
    state: &mut State,
    (chat_id, message_id): (i64, i64),
    content: Option<Formatted>,
    reply_markup: Option<Value>,
) -> Result<Value, Refusal> {
    sending::count_against_flood(state, chat_id)?;
    let chat = state.chat_mut(chat_id)?;
    let Some(message) = chat.own_message_mut(message_id) else {
        return Err(Refusal::bad_request("message to edit not found"));
    };
    let current = Formatted {
        text: message.text.clone(),
        entities: message.entities.clone(),
    };
    let content = content.unwrap_or_else(|| current.clone());
    if current == content && message.reply_markup == reply_markup {
        return Err(Refusal::bad_request(NOT_MODIFIED));
    }
    message.revise(content, reply_markup);
    chat.touch();
    sending::show(state, chat_id, message_id)
}

pub fn delete(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let chat_id = state.target(params)?;
    let Some(id) = params.number("message_id")? else {
        return Err(Refusal::bad_request("message identifier is not specified"));
    };
    let chat = state.chat_mut(chat_id)?;
    if !chat.delete(id) {
        return Err(Refusal::bad_request("message to delete not found"));
    }
    chat.touch();
    Ok(Value::Bool(true))
}
