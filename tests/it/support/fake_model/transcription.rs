//! `/v1/audio/transcriptions`: takes what the real server takes, and answers from a queue.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::extract::{FromRequest, Multipart, Request};
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::support::wire::lock;

/// The endings that the real server takes.
const ENDINGS: [&str; 11] = [
    "flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "oga", "wav", "webm", "opus",
];

/// A recording as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub name: String,
    pub model: String,
    pub bytes: Vec<u8>,
}

/// What is answered: a status and a body.
pub type Answer = (u16, Value);

#[derive(Debug, Default)]
pub struct Transcriptions {
    heard: Mutex<Vec<Heard>>,
    answers: Mutex<VecDeque<Answer>>,
}

impl Transcriptions {
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.answers).extend(answers);
    }

    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }

    pub fn unused(&self) -> usize {
        lock(&self.answers).len()
    }

    pub async fn answer(&self, request: Request) -> Answer {
        match read(request).await {
            Ok(heard) => {
                lock(&self.heard).push(heard);
                let next = lock(&self.answers).pop_front();
                next.unwrap_or_else(|| (200, json!({ "text": "hello" })))
            }
            Err(refusal) => (refusal.status, refusal.body()),
        }
    }
}

async fn read(request: Request) -> Result<Heard, Refusal> {
    let broken = |_| Refusal::invalid("We could not parse the form of your request.");
    if request.headers().get("content-length").is_none() {
        return Err(Refusal::invalid("Length required."));
    }
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| Refusal::invalid("Expected a form."))?;
    let mut heard = Heard {
        name: String::new(),
        model: String::new(),
        bytes: Vec::new(),
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" => {
                heard.name = field.file_name().unwrap_or_default().to_owned();
                heard.bytes = field.bytes().await.map_err(broken)?.to_vec();
            }
            "model" => heard.model = field.text().await.map_err(broken)?,
            "response_format" => {
                let format = field.text().await.map_err(broken)?;
                if format != "json" {
                    return Err(Refusal::invalid("Unsupported response_format."));
                }
            }
            other => {
                return Err(Refusal::invalid(format!(
                    "Unrecognized request argument supplied: {other}"
                )));
            }
        }
    }
    let ending = heard.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if !ENDINGS.contains(&ending) {
        return Err(Refusal::invalid(format!(
            "Unrecognized file format. Supported formats: {ENDINGS:?}"
        )));
    }
    if heard.model.is_empty() || heard.bytes.is_empty() {
        return Err(Refusal::missing("model"));
    }
    Ok(heard)
}
