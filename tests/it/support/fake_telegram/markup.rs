//! The check of `reply_markup`: inline keyboards in full, the others by their shape.

use serde_json::Value;

use super::params::Params;
use super::refusal::Refusal;

/// Bytes of a button's `callback_data` (Bot API, InlineKeyboardButton).
const CALLBACK_DATA_LIMIT: usize = 64;
/// Buttons of one keyboard.
const MAX_BUTTONS: usize = 100;

/// Answers the markup; an inline keyboard without buttons means none.
pub fn parse(params: &Params) -> Result<Option<Value>, Refusal> {
    let Some(markup) = params.json::<Value>("reply_markup")? else {
        return Ok(None);
    };
    let Some(fields) = markup.as_object() else {
        return Err(Refusal::bad_request("object expected as reply markup"));
    };
    if fields.is_empty() {
        return Ok(None);
    }
    let Some(rows) = fields.get("inline_keyboard") else {
        let known = ["keyboard", "remove_keyboard", "force_reply"];
        if known.iter().any(|kind| fields.contains_key(*kind)) {
            return Ok(Some(markup));
        }
        return Err(Refusal::bad_request("can't parse reply markup JSON object"));
    };
    let count = check_rows(rows)?;
    Ok((count > 0).then_some(markup))
}

fn check_rows(rows: &Value) -> Result<usize, Refusal> {
    let refusal = || Refusal::bad_request("field \"inline_keyboard\" must be an Array of Arrays");
    let mut count = 0;
    for row in rows.as_array().ok_or_else(refusal)? {
        for button in row.as_array().ok_or_else(refusal)? {
            check_button(button)?;
            count += 1;
        }
    }
    if count > MAX_BUTTONS {
        return Err(Refusal::bad_request("REPLY_MARKUP_TOO_LONG"));
    }
    Ok(count)
}

fn check_button(button: &Value) -> Result<(), Refusal> {
    let wrong = |reason: &str| {
        Refusal::bad_request(format!("can't parse inline keyboard button: {reason}"))
    };
    let label = button["text"]
        .as_str()
        .ok_or_else(|| wrong("field \"text\" must be a String"))?;
    if label.trim().is_empty() {
        return Err(Refusal::bad_request("BUTTON_TEXT_EMPTY"));
    }
    if let Some(data) = button.get("callback_data") {
        let data = data
            .as_str()
            .ok_or_else(|| wrong("field \"callback_data\" must be a String"))?;
        if data.is_empty() || data.len() > CALLBACK_DATA_LIMIT {
            return Err(Refusal::bad_request("BUTTON_DATA_INVALID"));
        }
        return Ok(());
    }
    if let Some(address) = button.get("url") {
        let valid = address.as_str().is_some_and(super::entities::is_link);
        return if valid {
            Ok(())
        } else {
            Err(Refusal::bad_request("BUTTON_URL_INVALID"))
        };
    }
    let others = [
        "copy_text",
        "web_app",
        "login_url",
        "switch_inline_query",
        "pay",
    ];
    if others.iter().any(|action| button.get(*action).is_some()) {
        return Ok(());
    }
    Err(wrong("Text buttons are unallowed in the inline keyboard"))
}
