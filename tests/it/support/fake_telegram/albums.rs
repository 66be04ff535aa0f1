//! `sendMediaGroup`.

use serde_json::Value;

use super::message::FileKind;
use super::params::Params;
use super::refusal::Refusal;
use super::sending::{self, Draft};
use super::state::State;
use super::text;

/// Two to ten files; documents and audio only among themselves (Bot API, sendMediaGroup).
pub fn send_media_group(state: &mut State, params: &Params) -> Result<Value, Refusal> {
    let place = sending::place(state, params)?;
    let media: Vec<Value> = params.json("media")?.unwrap_or_default();
    if !(2..=10).contains(&media.len()) {
        return Err(Refusal::bad_request("media group must include 2-10 items"));
    }
    check_kinds(&media)?;
    let group = format!("group{}", state.next_number());
    let mut drafts = Vec::new();
    for item in &media {
        drafts.push(draft(state, params, item, &group)?);
    }
    sending::count_against_flood(state, place.chat_id)?;
    let sent: Result<Vec<Value>, Refusal> = drafts
        .into_iter()
        .map(|draft| sending::post(state, place, draft))
        .collect();
    sent.map(Value::Array)
}

fn kind_of(item: &Value) -> Result<FileKind, Refusal> {
    let name = item["type"].as_str().unwrap_or_default();
    let kind = FileKind::from_field(name).filter(|kind| *kind != FileKind::Voice);
    kind.ok_or_else(|| {
        Refusal::bad_request(format!(
            "can't parse InputMedia: unexpected media type \"{name}\""
        ))
    })
}

fn check_kinds(media: &[Value]) -> Result<(), Refusal> {
    let kinds = media.iter().map(kind_of).collect::<Result<Vec<_>, _>>()?;
    for alone in [FileKind::Document, FileKind::Audio] {
        let count = kinds.iter().filter(|kind| **kind == alone).count();
        if count > 0 && count < kinds.len() {
            return Err(Refusal::bad_request(format!(
                "{}s can't be mixed with other media types",
                alone.field()
            )));
        }
    }
    Ok(())
}

fn draft(state: &mut State, params: &Params, item: &Value, group: &str) -> Result<Draft, Refusal> {
    let entities = item
        .get("caption_entities")
        .and_then(Value::as_array)
        .cloned();
    let content = text::caption(
        item["caption"].as_str(),
        item["parse_mode"].as_str(),
        entities,
    )?;
    let reference = item["media"].as_str().unwrap_or_default();
    let file = sending::referenced_file(state, params, kind_of(item)?, reference)?;
    Ok(Draft {
        content,
        reply_markup: None,
        file: Some(file),
        media_group_id: Some(group.to_owned()),
        link_preview: None,
    })
}
