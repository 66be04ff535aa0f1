//! The JSON of a request.

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCalls,
    ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage,
    ChatCompletionRequestSystemMessage, ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, ChatCompletionTool,
    ChatCompletionTools, CreateChatCompletionRequest, FunctionCall, FunctionObject,
};
use serde_json::{Map, Value};

use super::manners::{
    CallIds, LimitField, Manners, OwnFieldsWish, PrefacePlace, TurnOrder, UsageWish,
};
use super::{ChatCompletions, alternation, own_fields, parts};
use crate::core::conversation::Item;
use crate::core::media::Place;
use crate::core::model::{Continuation, ModelRequest};
use crate::core::tool::{SchemaStrictness, ToolCall, ToolSpec};
use crate::llm::providers::http::body::Body;
use crate::llm::providers::http::legal::{self, LONGEST_CACHE_KEY};
use crate::llm::providers::http::{Api, ServerSettings};

/// The body of the call.
pub(super) fn body(
    settings: &ServerSettings,
    manners: Manners,
    request: &ModelRequest,
    further_fields: &Map<String, Value>,
) -> Body {
    Body::of(|files| {
        let parts = parts::Writer {
            files,
            pdfs: settings.pdfs,
            sight: manners.sight,
        };
        json(settings, manners, (request, parts), further_fields)
    })
}

fn json(
    settings: &ServerSettings,
    manners: Manners,
    (request, parts): (&ModelRequest, parts::Writer<'_>),
    further_fields: &Map<String, Value>,
) -> Value {
    let mut body = typed(settings, manners, request);
    // Chosen here and not in the typed request: its `f32` would make 0.7 into 0.699999988, and its
    // list of efforts does not know those of other servers.
    if let Value::Object(fields) = &mut body {
        let messages = messages(settings, manners, (request, parts));
        fields.insert("messages".into(), messages.into());
        let numbers = [
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                fields.insert(name.into(), number.into());
            }
        }
        if let Some(effort) = &settings.reasoning_effort {
            fields.insert("reasoning_effort".into(), effort.as_str().into());
        }
        require_content(fields);
        for (name, value) in further_fields {
            fields.insert(name.clone(), value.clone());
        }
    }
    body
}

/// Some servers demand the field even beside tool calls.
fn require_content(fields: &mut Map<String, Value>) {
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        message.entry("content").or_insert(Value::Null);
    }
}

/// All but the messages, which have fields that the types do not know.
fn typed(settings: &ServerSettings, manners: Manners, request: &ModelRequest) -> Value {
    let most_tokens = settings.max_new_tokens.map(u32::from);
    let (max_completion_tokens, max_tokens) = match manners.limit {
        LimitField::Completion => (most_tokens, None),
        LimitField::Classic => (None, most_tokens),
    };
    let stream_options = match manners.usage {
        UsageWish::Asked => Some(ChatCompletionStreamOptions {
            include_usage: Some(true),
            include_obfuscation: None,
        }),
        UsageWish::Unasked => None,
    };
    let strict = settings.wants_strict_tools();
    let tools: Vec<ChatCompletionTools> = request
        .tools
        .iter()
        .map(|spec| {
            tool(
                spec,
                (strict && spec.schema == SchemaStrictness::Strict).then_some(true),
            )
        })
        .collect();
    #[expect(
        deprecated,
        reason = "`max_tokens` is for servers that are not OpenAI's"
    )]
    let typed = CreateChatCompletionRequest {
        model: settings.model.clone(),
        max_completion_tokens,
        max_tokens,
        stream: Some(true),
        stream_options,
        tools: (!tools.is_empty()).then_some(tools),
        prompt_cache_key: (settings.is_openai() && !request.cache_key.is_empty())
            .then(|| legal::shortened(&request.cache_key, LONGEST_CACHE_KEY)),
        ..CreateChatCompletionRequest::default()
    };
    serde_json::to_value(typed).expect("the request's maps have text keys")
}

fn messages(
    settings: &ServerSettings,
    manners: Manners,
    (request, mut parts): (&ModelRequest, parts::Writer<'_>),
) -> Vec<Value> {
    let said = |item| message(request, item, manners.ids);
    let mut typed = Vec::new();
    match manners.preface {
        PrefacePlace::BeforeMessage => typed.extend(system(&request.system)),
        PrefacePlace::InSystem | PrefacePlace::InUser => {
            let both = format!("{}\n\n{}", request.system, request.preface);
            typed.extend(system(both.trim()));
        }
    }
    typed.extend(request.recap().as_deref().map(user));
    typed.extend(request.history.items().iter().flat_map(said));
    if manners.preface == PrefacePlace::BeforeMessage {
        typed.extend(system(&request.preface));
    }
    typed.extend(request.asked_with().map(|text| user(&text)));
    typed.extend(
        request
            .asked_words()
            .map(|words| parts.user(request, words, Place::Message)),
    );
    let mut messages: Vec<Value> = typed.into_iter().map(value).collect();
    let origin = settings.origin(ChatCompletions::PATH);
    for (index, item) in request.exchange.iter().enumerate() {
        messages.extend(said(item).into_iter().map(value));
        if let Some(own) = own_fields_of(item, manners, &origin)
            && let Some(answer) = messages.last_mut()
        {
            own_fields::give_back(answer, own);
        }
        let place = Place::After(index + 1);
        if request.parts_at(place).next().is_some() {
            messages.push(value(parts.user(request, "", place)));
        }
    }
    in_order(messages, manners)
}

/// The messages as the server's chat template takes them.
fn in_order(mut messages: Vec<Value>, manners: Manners) -> Vec<Value> {
    if manners.preface == PrefacePlace::InUser {
        messages = alternation::without_system(messages);
    }
    if manners.turns == TurnOrder::Alternating {
        messages = alternation::alternating(messages);
    }
    if manners.own_fields == OwnFieldsWish::Demanded {
        own_fields::without_gaps(&mut messages);
    }
    messages
}

/// What this server added to its answer, if it wants that back.
fn own_fields_of<'a>(item: &'a Item, manners: Manners, origin: &str) -> Option<&'a Continuation> {
    let Item::Assistant { continuation, .. } = item else {
        return None;
    };
    let is_wanted = manners.own_fields != OwnFieldsWish::LeftOut;
    continuation
        .as_ref()
        .filter(|own| is_wanted && own.origin == origin)
}

fn value(message: ChatCompletionRequestMessage) -> Value {
    serde_json::to_value(message).expect("a message's maps have text keys")
}

fn system(text: &str) -> Option<ChatCompletionRequestMessage> {
    (!text.is_empty()).then(|| {
        ChatCompletionRequestMessage::System(ChatCompletionRequestSystemMessage {
            content: text.into(),
            name: None,
        })
    })
}

pub(super) fn user(text: &str) -> ChatCompletionRequestMessage {
    ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage {
        content: text.into(),
        name: None,
    })
}

fn message(request: &ModelRequest, item: &Item, ids: CallIds) -> Vec<ChatCompletionRequestMessage> {
    vec![match item {
        Item::User {
            text, enclosures, ..
        } => {
            let shown = request.shown(text, enclosures);
            return shown.iter().map(|text| user(text)).collect();
        }
        Item::Assistant { text, calls, .. } => {
            let calls: Vec<_> = calls.iter().map(|call| tool_call(call, ids)).collect();
            // Neither text nor calls: OpenAI wants at least an empty text.
            let content = (!text.is_empty() || calls.is_empty()).then(|| text.as_str().into());
            ChatCompletionRequestMessage::Assistant(ChatCompletionRequestAssistantMessage {
                content,
                tool_calls: (!calls.is_empty()).then_some(calls),
                ..ChatCompletionRequestAssistantMessage::default()
            })
        }
        Item::Tool {
            call,
            result,
            labels,
            ..
        } => ChatCompletionRequestMessage::Tool(ChatCompletionRequestToolMessage {
            content: request.shown_result(result, labels).into(),
            tool_call_id: ids.spell(call),
        }),
    }]
}

/// A call as it is told back.
fn tool_call(call: &ToolCall, ids: CallIds) -> ChatCompletionMessageToolCalls {
    ChatCompletionMessageToolCalls::Function(ChatCompletionMessageToolCall {
        id: ids.spell(&call.id),
        function: FunctionCall {
            name: legal::tool_name(&call.name),
            arguments: legal::arguments(&call.arguments).into(),
        },
    })
}

fn tool(spec: &ToolSpec, strict: Option<bool>) -> ChatCompletionTools {
    ChatCompletionTools::Function(ChatCompletionTool {
        function: FunctionObject {
            name: spec.name.into(),
            description: Some(spec.description.clone()),
            parameters: Some(spec.parameters.clone()),
            strict,
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::num::NonZeroU32;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::core::http_url::HttpUrl;
    use crate::llm::providers::http::body::Files;
    use crate::llm::providers::http::sight::Sight;
    use crate::llm::providers::http::{Pdfs, StrictTools};

    fn sent_to(base_url: &str) -> Value {
        let settings = ServerSettings {
            provider_name: "openai".into(),
            base_url: HttpUrl::parse(base_url).unwrap(),
            api_key: None,
            model: "m".into(),
            request_timeout: Duration::ZERO,
            stall_timeout: Duration::ZERO,
            temperature: None,
            max_new_tokens: NonZeroU32::new(9),
            reasoning_effort: None,
            top_p: None,
            pdfs: Pdfs::AsFiles,
            strict_tools: StrictTools::WhereKnown,
        };
        let request = ModelRequest {
            tools: vec![ToolSpec {
                name: "t",
                description: String::new(),
                parameters: json!({ "type": "object" }),
                schema: SchemaStrictness::Strict,
            }],
            cache_key: "k".repeat(100),
            ..ModelRequest::default()
        };
        let files = &mut Files::default();
        let pdfs = settings.pdfs;
        let sight = Sight::default();
        let parts = parts::Writer { files, pdfs, sight };
        json(
            &settings,
            Manners::towards(&settings),
            (&request, parts),
            &Map::new(),
        )
    }

    #[test]
    fn what_only_openai_knows_goes_only_there() {
        for url in ["https://api.openai.com/v1", "https://eu.api.openai.com/v1"] {
            let body = sent_to(url);
            assert_eq!(body["max_completion_tokens"], 9, "{url}");
            assert_eq!(body.get("max_tokens"), None, "{url}");
            assert_eq!(body["tools"][0]["function"]["strict"], true, "{url}");
            let key = body["prompt_cache_key"].as_str().unwrap();
            assert!((1..=LONGEST_CACHE_KEY).contains(&key.len()), "{url} {key}");
        }
        for url in [
            "https://openrouter.ai/api/v1",
            "http://localhost:1/v1",
            "https://api.openai.com.evil.org",
        ] {
            let body = sent_to(url);
            assert_eq!(body["max_tokens"], 9, "{url}");
            assert_eq!(body.get("max_completion_tokens"), None, "{url}");
            assert_eq!(body["tools"][0]["function"].get("strict"), None, "{url}");
            assert_eq!(body.get("prompt_cache_key"), None, "{url}");
        }
    }
}
