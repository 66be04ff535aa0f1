//! The table of methods, and the small ones themselves.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::chat::{ChatAction, ChatKind};
use super::params::Params;
use super::refusal::Refusal;
use super::state::{Shared, State};
use super::text::utf16_length;
use super::{albums, editing, sending, updates, webhook};

const METHODS: [&str; 22] = [
    "getMe",
    "getUpdates",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
    "setMyCommands",
    "getMyCommands",
    "deleteMyCommands",
    "sendMessage",
    "sendPhoto",
    "sendDocument",
    "sendVoice",
    "sendMediaGroup",
    "sendChatAction",
    "editMessageText",
    "editMessageCaption",
    "editMessageReplyMarkup",
    "deleteMessage",
    "answerCallbackQuery",
    "getFile",
    "getChat",
    "setMessageReaction",
];

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// Under this name downloads are recorded and meet faults; it is no method.
pub const DOWNLOAD: &str = "download";

/// What calls are recorded under: a method's own spelling, or [`DOWNLOAD`].
pub fn observed(name: &str) -> Option<&'static str> {
    canonical(name).or_else(|| (name == DOWNLOAD).then_some(DOWNLOAD))
}

/// The method's own spelling; the server takes any case.
pub fn canonical(name: &str) -> Option<&'static str> {
    METHODS
        .into_iter()
        .find(|method| method.eq_ignore_ascii_case(name))
}

pub async fn dispatch(
    shared: &Arc<Shared>,
    method: &str,
    params: &Params,
) -> Result<Value, Refusal> {
    match method {
        "getUpdates" => updates::get_updates(shared, params).await,
        "setWebhook" => webhook::set(shared, params),
        "deleteWebhook" => webhook::delete(shared, params),
        _ => shared.with(|state| answer(state, method, params)),
    }
}

fn answer(state: &mut State, method: &str, params: &Params) -> Result<Value, Refusal> {
    match method {
        "getMe" => Ok(get_me(state)),
        "getWebhookInfo" => Ok(webhook::info(state)),
        "setMyCommands" => set_commands(state, params),
        "getMyCommands" => Ok(state
            .commands
            .get(&command_key(params)?)
            .cloned()
            .unwrap_or(json!([]))),
        "deleteMyCommands" => {
            state.commands.remove(&command_key(params)?);
            Ok(Value::Bool(true))
        }
        "sendMessage" => sending::send_message(state, params),
        "sendPhoto" | "sendDocument" | "sendVoice" => sending::send_file(state, method, params),
        "sendMediaGroup" => albums::send_media_group(state, params),
        "sendChatAction" => send_chat_action(state, params),
        "editMessageText" => editing::edit_text(state, params),
        "editMessageCaption" => editing::edit_caption(state, params),
        "editMessageReplyMarkup" => editing::edit_markup(state, params),
        "deleteMessage" => editing::delete(state, params),
        "answerCallbackQuery" => answer_callback(state, params),
        "getFile" => get_file(state, params),
        "getChat" => state
            .chat(state.target(params)?)
            .map(|chat| chat.full_json()),
        "setMessageReaction" => set_reaction(state, params),
        _ => Err(Refusal::not_found()),
    }
}

fn get_me(state: &State) -> Value {
    let mut me = state.bot_json();
    me["can_join_groups"] = true.into();
    me["can_read_all_group_messages"] = false.into();
    me["supports_inline_queries"] = false.into();
    me["can_connect_to_business"] = false.into();
    me["has_main_web_app"] = false.into();
    me
}

fn command_key(params: &Params) -> Result<(String, String), Refusal> {
    let scope: Option<Value> = params.json("scope")?;
    let scope = scope.unwrap_or_else(|| json!({ "type": "default" }));
    Ok((
        scope.to_string(),
        params.text("language_code").unwrap_or_default().to_owned(),
    ))
}

/// Limits: Bot API, setMyCommands and BotCommand.
fn set_commands(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let key = command_key(params)?;
    let Some(commands) = params.json::<Vec<Value>>("commands")? else {
        return Err(Refusal::bad_request("parameter \"commands\" is required"));
    };
    if commands.len() > 100 {
        return Err(Refusal::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in &commands {
        let name = command["command"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches('/');
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(Refusal::bad_request("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if !(1..=256).contains(&description.chars().count()) {
            return Err(Refusal::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    state.commands.insert(key, commands.into());
    Ok(Value::Bool(true))
}

fn send_chat_action(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let chat_id = state.target(params)?;
    let action = params.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(Refusal::bad_request("wrong parameter action in request"));
    }
    let thread = params.number("message_thread_id")?;
    let chat = state.chat_mut(chat_id)?;
    // Unlike sends, actions may name a forum's general topic.
    let general = matches!(chat.kind, ChatKind::Forum { .. }) && thread == Some(1);
    if !general {
        chat.check_thread(thread)?;
    }
    chat.actions.push(ChatAction {
        action: action.to_owned(),
        thread,
        at: Instant::now(),
    });
    chat.touch();
    Ok(Value::Bool(true))
}

fn answer_callback(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    if params
        .text("text")
        .is_some_and(|text| utf16_length(text) > 200)
    {
        return Err(Refusal::bad_request("MESSAGE_TOO_LONG"));
    }
    let id = params.text("callback_query_id").unwrap_or_default();
    let Some(query) = state.callbacks.get_mut(id).filter(|query| !query.expired) else {
        return Err(Refusal::bad_request(
            "query is too old and response timeout expired or query ID is invalid",
        ));
    };
    query.answers.push(params.shown());
    Ok(Value::Bool(true))
}

fn get_file(state: &State, params: &Params) -> Result<Value, Refusal> {
    let id = params.text("file_id").unwrap_or_default();
    let Some(file) = state.files.get(id) else {
        return Err(Refusal::bad_request("invalid file_id"));
    };
    if file.size > sending::DOWNLOAD_LIMIT {
        return Err(Refusal::bad_request("file is too big"));
    }
    Ok(json!({
        "file_id": file.file_id,
        "file_unique_id": format!("u{}", file.file_id),
        "file_size": file.size,
        "file_path": file.path(),
    }))
}

fn set_reaction(state: &State, params: &Params) -> Result<Value, Refusal> {
    let chat = state.chat(state.target(params)?)?;
    let message = params.number("message_id")?.unwrap_or_default();
    if chat.message(message).is_none() {
        return Err(Refusal::bad_request("message to react not found"));
    }
    Ok(Value::Bool(true))
}
