//! The JSON of a request.

use serde_json::{Map, Value, json};

use super::Responses;
use super::manners::{EarlierThoughts, Manners, ThoughtsWish};
use crate::core::conversation::Item;
use crate::core::ids::CallId;
use crate::core::media::{Part, Place};
use crate::core::model::{Continuation, ModelRequest};
use crate::core::tool::{SchemaStrictness, ToolCall, ToolSpec};
use crate::llm::providers::http::body::{Body, Files};
use crate::llm::providers::http::legal::{self, LONGEST_CACHE_KEY, LONGEST_CALL_ID};
use crate::llm::providers::http::{Api, Pdfs, ServerSettings};

/// The body of the call.
pub(super) fn body(settings: &ServerSettings, manners: Manners, request: &ModelRequest) -> Body {
    Body::of(|files| json(settings, manners, request, files))
}

fn json(
    settings: &ServerSettings,
    manners: Manners,
    request: &ModelRequest,
    files: &mut Files,
) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.into(), value);
    put("model", settings.model.as_str().into());
    put("stream", true.into());
    // Nothing of a conversation stays on the server.
    put("store", false.into());
    if !request.system.is_empty() {
        put("instructions", request.system.as_str().into());
    }
    put("input", input(settings, manners, request, files).into());
    if !request.tools.is_empty() {
        let strict = settings.wants_strict_tools();
        let tools = request.tools.iter().map(|spec| tool(spec, strict));
        put("tools", tools.collect::<Vec<_>>().into());
    }
    if manners.thoughts == ThoughtsWish::Asked {
        put("include", json!(["reasoning.encrypted_content"]));
    }
    if let Some(effort) = &settings.reasoning_effort {
        put("reasoning", json!({ "effort": effort }));
    }
    if let Some(most) = settings.max_new_tokens {
        put("max_output_tokens", most.get().into());
    }
    if let Some(temperature) = settings.temperature {
        put("temperature", temperature.into());
    }
    if let Some(top_p) = settings.top_p {
        put("top_p", top_p.into());
    }
    if settings.is_openai() && !request.cache_key.is_empty() {
        let key = legal::shortened(&request.cache_key, LONGEST_CACHE_KEY);
        put("prompt_cache_key", key.into());
    }
    Value::Object(fields)
}

fn input(
    settings: &ServerSettings,
    manners: Manners,
    request: &ModelRequest,
    files: &mut Files,
) -> Vec<Value> {
    let mut with_parts = |text: &str, place| {
        let parts = request.parts_at(place);
        let mut parts: Vec<Value> = parts
            .map(|one| match manners.sight.instead(request, one) {
                Some(text) => words(&text),
                None => part(request, one, settings.pdfs, files),
            })
            .collect();
        if parts.is_empty() {
            return message("user", text);
        }
        if !text.is_empty() {
            parts.insert(0, words(text));
        }
        json!({ "type": "message", "role": "user", "content": parts })
    };
    let origin = match manners.earlier {
        EarlierThoughts::Returned => Some(settings.origin(Responses::PATH)),
        EarlierThoughts::LeftOut => None,
    };
    let mut input = Vec::new();
    let user = |text: &String| message("user", text);
    input.extend(request.recap().iter().map(user));
    for item in request.history.items() {
        add(request, item, None, &mut input);
    }
    if !request.preface.is_empty() {
        input.push(message("system", &request.preface));
    }
    input.extend(request.asked_with().map(|text| message("user", &text)));
    input.extend(
        request
            .asked_words()
            .map(|words| with_parts(words, Place::Message)),
    );
    for (index, item) in request.exchange.iter().enumerate() {
        add(request, item, origin.as_deref(), &mut input);
        let place = Place::After(index + 1);
        if request.parts_at(place).next().is_some() {
            input.push(with_parts("", place));
        }
    }
    input
}

fn part(request: &ModelRequest, part: &Part, pdfs: Pdfs, files: &mut Files) -> Value {
    match part {
        Part::Text(text) => words(text),
        Part::Document(document) => words(&request.enclosed(document)),
        Part::Picture { mime, content } => json!({
            "type": "input_image",
            "image_url": files.data_url(mime, content),
            "detail": "auto",
        }),
        Part::Pdf {
            text: Some(text), ..
        } if pdfs == Pdfs::AsText => words(&request.enclosed(text)),
        Part::Pdf { name, content, .. } => json!({
            "type": "input_file",
            "filename": name,
            "file_data": files.data_url("application/pdf", content),
        }),
    }
}

fn words(text: &str) -> Value {
    json!({ "type": "input_text", "text": text })
}

/// Adds the items that say the same. `origin` is who is asked, if thoughts are sent back.
fn add(request: &ModelRequest, item: &Item, origin: Option<&str>, input: &mut Vec<Value>) {
    match item {
        Item::User {
            text, enclosures, ..
        } => {
            let shown = request.shown(text, enclosures);
            input.extend(shown.iter().map(|text| message("user", text)));
        }
        Item::Assistant {
            text,
            calls,
            continuation,
            ..
        } => {
            let own = continuation
                .as_ref()
                .filter(|own| Some(own.origin.as_str()) == origin)
                .and_then(|own| as_it_came(own, calls));
            if let Some(own) = own {
                input.extend(own);
                return;
            }
            if !text.is_empty() {
                input.push(message("assistant", text));
            }
            input.extend(calls.iter().map(function_call));
        }
        Item::Tool {
            call,
            result,
            labels,
            ..
        } => input.push(json!({
            "type": "function_call_output",
            "call_id": call_id(call),
            "output": request.shown_result(result, labels),
        })),
    }
}

/// The server's own items. The turn may have given a call another id or mended its arguments, and
/// its result goes by that; `None` when the calls are not those of the items.
fn as_it_came(own: &Continuation, calls: &[ToolCall]) -> Option<Vec<Value>> {
    let mut calls = calls.iter();
    let mut items = Vec::with_capacity(own.items.len());
    for item in &own.items {
        let mut item = item.clone();
        if item["type"] == "function_call" {
            for (name, value) in told_back(calls.next()?) {
                item[name] = value;
            }
        }
        items.push(item);
    }
    calls.next().is_none().then_some(items)
}

fn message(role: &str, text: &str) -> Value {
    json!({ "type": "message", "role": role, "content": text })
}

fn function_call(call: &ToolCall) -> Value {
    let mut item = json!({ "type": "function_call" });
    for (name, value) in told_back(call) {
        item[name] = value;
    }
    item
}

fn told_back(call: &ToolCall) -> [(&'static str, Value); 3] {
    [
        ("call_id", call_id(&call.id).into()),
        ("name", legal::tool_name(&call.name).into()),
        ("arguments", legal::arguments(&call.arguments).into()),
    ]
}

fn call_id(id: &CallId) -> String {
    legal::shortened(id.as_str(), LONGEST_CALL_ID)
}

/// `strict` is always said: this API takes its absence for a yes.
fn tool(spec: &ToolSpec, strict: bool) -> Value {
    json!({
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
        "strict": strict && spec.schema == SchemaStrictness::Strict,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::http_url::HttpUrl;
    use crate::llm::providers::http::StrictTools;

    fn sent_to(url: &str, cache_key: &str) -> Value {
        let settings = ServerSettings {
            provider_name: "openai_responses".into(),
            base_url: HttpUrl::parse(url).expect("it is one"),
            api_key: None,
            model: "m".into(),
            request_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
            temperature: None,
            max_new_tokens: None,
            reasoning_effort: None,
            top_p: None,
            pdfs: Pdfs::AsFiles,
            strict_tools: StrictTools::WhereKnown,
        };
        let request = ModelRequest {
            cache_key: cache_key.into(),
            ..ModelRequest::default()
        };
        json(
            &settings,
            Manners::default(),
            &request,
            &mut Files::default(),
        )
    }

    #[test]
    fn the_cache_key_goes_to_openai_alone_and_is_the_same_each_time() {
        let openai = "https://api.openai.com/v1";
        let key = |url: &str, key: &str| sent_to(url, key).get("prompt_cache_key").cloned();
        assert_eq!(key(openai, "minibot-7"), Some("minibot-7".into()));
        let long = key(openai, &"k".repeat(100));
        let length = long.as_ref().and_then(Value::as_str).map(str::len);
        assert!(
            length.is_some_and(|length| length <= LONGEST_CACHE_KEY),
            "{long:?}"
        );
        assert_eq!(long, key(openai, &"k".repeat(100)));
        assert_ne!(long, key(openai, &"k".repeat(101)));
        assert_eq!(key(openai, ""), None);
        for url in ["http://localhost:1/v1", "https://api.openai.com.evil.org"] {
            assert_eq!(key(url, "minibot-7"), None, "{url}");
        }
    }
}
