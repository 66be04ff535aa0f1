//! The HTTP side: key, routes, recording of requests, and replies put on the wire.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request as HttpRequest, State as Extract};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::completion::{self, Envelope};
use super::refusal::Refusal;
use super::reply::{Answer, Kind, Quirk, Reply};
use super::responses;
use super::state::{Request, Shared};
use super::template;
use super::validation::{self, Dialect};
use crate::support::wire::Line;

/// Bigger bodies are cut off; images come inside the JSON.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

/// The APIs that answer as a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Chat,
    Responses,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" => Some(Self::Chat),
            "/v1/responses" => Some(Self::Responses),
            _ => None,
        }
    }

    fn check(self, body: &Map<String, Value>, dialect: Dialect) -> Result<(), Refusal> {
        match self {
            Self::Chat => validation::check(body, dialect),
            Self::Responses => responses::check(body),
        }?;
        template::check(body, dialect)
    }

    fn body(self, envelope: &Envelope, answer: &Answer) -> Value {
        match self {
            Self::Chat => completion::body(envelope, answer),
            Self::Responses => responses::body(envelope, answer),
        }
    }

    fn events(self, envelope: &Envelope, answer: &Answer) -> Vec<String> {
        match self {
            Self::Chat => completion::events(envelope, answer),
            Self::Responses => responses::events(envelope, answer),
        }
    }

    fn beginning(self, envelope: &Envelope, answer: &Answer) -> Vec<String> {
        match self {
            Self::Chat => completion::beginning(envelope, answer),
            Self::Responses => responses::beginning(envelope, answer),
        }
    }
}

/// One arm for each endpoint; a further one is a module and an arm.
async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: HttpRequest,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    if let Err(refusal) = authorize(&shared, &parts.headers) {
        return Ok(refuse(&refusal));
    }
    let path = parts.uri.path();
    let answer = match (parts.method.as_str(), path) {
        ("GET", "/v1/models") => json_response(200, models(&shared).to_string()),
        ("POST", "/v1/audio/transcriptions") => {
            let request = HttpRequest::from_parts(parts, body);
            let (status, body) = shared.transcriptions.answer(request).await;
            json_response(status, body.to_string())
        }
        ("POST", path) if Endpoint::at(path).is_some() => {
            let endpoint = Endpoint::at(path).unwrap_or(Endpoint::Chat);
            let body = axum::body::to_bytes(body, BODY_LIMIT)
                .await
                .unwrap_or_default();
            complete(&shared, &line, endpoint, parts.headers, &body).await
        }
        (method, path) => refuse(&Refusal::unknown_url(method, path)),
    };
    Ok(answer)
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let header = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    match header.and_then(|header| header.strip_prefix("Bearer ")) {
        Some(key) if key == shared.options.api_key => Ok(()),
        given => Err(Refusal::unauthorized(given)),
    }
}

fn models(shared: &Shared) -> Value {
    let models = shared.options.models.iter();
    let data: Vec<Value> = models
        .map(|id| json!({ "id": id, "object": "model", "created": 0, "owned_by": "fake" }))
        .collect();
    json!({ "object": "list", "data": data })
}

async fn complete(
    shared: &Arc<Shared>,
    line: &Line,
    endpoint: Endpoint,
    headers: HeaderMap,
    bytes: &[u8],
) -> Response {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(bytes) else {
        return refuse(&Refusal::invalid(
            "We could not parse the JSON body of your request. The API expects a JSON payload.",
        ));
    };
    let tokens = bytes.len() as u64 / 4;
    let refusal = check(shared, endpoint, &body, tokens).err();
    let request = Request {
        body: Value::Object(body),
        headers: shown(&headers),
        at: Instant::now(),
        refused: refusal.as_ref().map(|refusal| refusal.message.clone()),
    };
    let (reply, serial) = shared.accept(request.clone());
    if let Some(refusal) = refusal {
        return refuse(&refusal);
    }
    let envelope = Envelope {
        id: format!("chatcmpl-{serial:08}"),
        model: request.body["model"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        prompt_tokens: tokens,
        usage_wanted: request.body["stream_options"]["include_usage"] == true,
        serial,
        thoughts_wanted: request.body["include"]
            .as_array()
            .is_some_and(|list| list.contains(&"reasoning.encrypted_content".into())),
    };
    let streaming = request.body["stream"] == true;
    let form = if streaming { Form::Stream } else { Form::Whole };
    send(reply, line, endpoint, envelope, form).await
}

fn check(
    shared: &Shared,
    endpoint: Endpoint,
    body: &Map<String, Value>,
    tokens: u64,
) -> Result<(), Refusal> {
    endpoint.check(body, shared.options.dialect)?;
    let model = body
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = &shared.options.models;
    if !known.is_empty() && !known.iter().any(|known| known == model) {
        return Err(Refusal::unknown_model(model));
    }
    match shared.context_limit() {
        Some(limit) if tokens > limit => Err(Refusal::context_length(limit, tokens)),
        _ => Ok(()),
    }
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or("<bytes>").to_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Stream,
}

async fn send(
    reply: Reply,
    line: &Line,
    endpoint: Endpoint,
    envelope: Envelope,
    form: Form,
) -> Response {
    let streaming = form == Form::Stream;
    if let Some(gate) = &reply.gate {
        gate.pass().await;
    }
    match &reply.kind {
        Kind::Answer(answer) if streaming => {
            let events = endpoint.events(&envelope, answer);
            event_stream(chunks(events, answer), &reply)
        }
        Kind::Answer(answer) => {
            if let Some(pause) = reply.pause {
                sleep(pause).await;
            }
            json_response(200, endpoint.body(&envelope, answer).to_string())
        }
        Kind::Half(text) if streaming => {
            let answer = Answer {
                text: Some(text.clone()),
                ..Answer::default()
            };
            let events = endpoint.beginning(&envelope, &answer);
            let mut parts: Vec<io::Result<Bytes>> = chunks(events, &answer);
            parts.push(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
            event_stream(parts, &reply)
        }
        Kind::Half(_) | Kind::Drop => {
            line.cut();
            refuse(&Refusal::server_error(500))
        }
        Kind::Hang => std::future::pending().await,
        Kind::Endless { beginning, piece } => endless(beginning, piece),
        Kind::Status {
            status,
            retry_after,
            body,
        } => {
            let mut response = json_response(*status, body.clone());
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, (*seconds).into());
            }
            response
        }
    }
}

/// As long as anybody reads.
fn endless(beginning: &str, piece: &str) -> Response {
    let (beginning, piece) = (
        Bytes::from(beginning.to_owned()),
        Bytes::from(piece.to_owned()),
    );
    let pieces = stream::repeat(piece).map(Ok::<_, io::Error>);
    let all = stream::iter([Ok(beginning)]).chain(pieces);
    Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .body(Body::from_stream(all))
        .expect("the headers are valid")
}

fn chunks(events: Vec<String>, answer: &Answer) -> Vec<io::Result<Bytes>> {
    if !answer.has(Quirk::TornBytes) {
        return events
            .into_iter()
            .map(|event| Ok(Bytes::from(event)))
            .collect();
    }
    let bytes = events.concat().into_bytes();
    bytes
        .chunks(37)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect()
}

/// Before each part the stream rests, so that what went before is on the wire when a break comes.
fn event_stream(parts: Vec<io::Result<Bytes>>, reply: &Reply) -> Response {
    let pause = reply.pause;
    let middle = parts.len() / 2;
    let midway = reply.midway.clone();
    let paced = stream::iter(parts.into_iter().enumerate()).then(move |(index, part)| {
        let gate = midway.clone().filter(|_| index == middle);
        async move {
            match pause {
                Some(pause) => sleep(pause).await,
                None => tokio::task::yield_now().await,
            }
            if let Some(gate) = gate {
                gate.pass().await;
            }
            part
        }
    });
    Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .header("cache-control", "no-cache")
        .body(Body::from_stream(paced))
        .expect("the headers are valid")
}

fn json_response(status: u16, body: String) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).expect("a scripted status is a valid one"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .expect("the headers are valid")
}

fn refuse(refusal: &Refusal) -> Response {
    json_response(refusal.status, refusal.body().to_string())
}
