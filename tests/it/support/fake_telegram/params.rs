//! The parameters of a call, whether they came as JSON, as a query, as a form or as multipart.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::refusal::Refusal;

/// Telegram refuses bigger uploads (Bot API, "Sending files").
const UPLOAD_LIMIT: usize = 50 * 1024 * 1024;

/// Fields whose value is JSON inside a string when the body is not JSON.
const JSON_FIELDS: [&str; 10] = [
    "allowed_updates",
    "caption_entities",
    "commands",
    "entities",
    "link_preview_options",
    "media",
    "reaction",
    "reply_markup",
    "reply_parameters",
    "scope",
];

/// A file that came with the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub name: String,
    pub mime: Option<String>,
    pub bytes: Arc<[u8]>,
}

/// Like the real server it keeps every field as a string and parses it when it is used.
#[derive(Debug, Clone, Default)]
pub struct Params {
    fields: BTreeMap<String, String>,
    uploads: BTreeMap<String, Upload>,
    shown: Map<String, Value>,
}

impl Params {
    pub async fn read(request: Request) -> Result<Self, Refusal> {
        let mut params = Self::default();
        let query = request.uri().query().unwrap_or_default().to_owned();
        params.add_form(query.as_bytes());
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if content_type.starts_with("multipart/form-data") {
            params.add_multipart(request).await?;
            return Ok(params);
        }
        let body = axum::body::to_bytes(request.into_body(), UPLOAD_LIMIT)
            .await
            .map_err(|_| Refusal::too_large())?;
        if content_type.starts_with("application/json") {
            params.add_json(&body)?;
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            params.add_form(&body);
        } else if !body.is_empty() {
            return Err(Refusal::bad_request(
                "unsupported content type of the request body",
            ));
        }
        Ok(params)
    }

    fn add_form(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            self.add_text(name.into_owned(), value.into_owned());
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if body.is_empty() {
            return Ok(());
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(Refusal::bad_request("can't parse JSON object"));
        };
        for (name, value) in fields {
            let text = match &value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.shown.insert(name.clone(), value);
            self.fields.insert(name, text);
        }
        Ok(())
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), Refusal> {
        let broken = |_| Refusal::bad_request("can't parse the multipart body");
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|_| Refusal::bad_request("can't find the boundary of the multipart body"))?;
        let mut size = 0;
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            let mime = part.content_type().map(str::to_owned);
            if let Some(file_name) = part.file_name().map(str::to_owned) {
                let bytes = part.bytes().await.map_err(|_| Refusal::too_large())?;
                size += bytes.len();
                let upload = Upload {
                    name: file_name,
                    mime,
                    bytes: Arc::from(&bytes[..]),
                };
                self.shown
                    .insert(name.clone(), format!("<{} bytes>", bytes.len()).into());
                self.uploads.insert(name, upload);
            } else {
                let text = part.text().await.map_err(broken)?;
                self.add_text(name, text);
            }
        }
        if size > UPLOAD_LIMIT {
            return Err(Refusal::too_large());
        }
        Ok(())
    }

    fn add_text(&mut self, name: String, text: String) {
        let parsed = if JSON_FIELDS.contains(&name.as_str()) {
            serde_json::from_str(&text).ok()
        } else {
            text.parse::<i64>()
                .ok()
                .filter(|_| is_number_field(&name))
                .map(Value::from)
        };
        self.shown
            .insert(name.clone(), parsed.unwrap_or_else(|| text.clone().into()));
        self.fields.insert(name, text);
    }

    /// The parameters as a test wants to see them; files appear by their size only.
    pub fn shown(&self) -> Value {
        Value::Object(self.shown.clone())
    }

    /// The field's text; an empty one counts as absent, as in the real server.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().map_err(|_| {
            Refusal::bad_request(format!("invalid {name} specified: it must be an integer"))
        })?;
        Ok(Some(number))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| ["true", "yes", "1"].contains(&text.to_ascii_lowercase().as_str()))
    }

    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let value = serde_json::from_str(text)
            .map_err(|error| Refusal::bad_request(format!("can't parse {name}: {error}")))?;
        Ok(Some(value))
    }

    pub fn upload(&self, name: &str) -> Option<&Upload> {
        self.uploads.get(name)
    }
}

fn is_number_field(name: &str) -> bool {
    name.ends_with("_id") && name != "callback_query_id" && name != "file_id"
        || ["offset", "limit", "timeout"].contains(&name)
}
