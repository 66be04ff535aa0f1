//! The arguments of http_request, and the request that they make.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::HttpClientConfig;
use crate::core::action::Plainness;
use crate::core::egress::{FetchLimits, FetchMethod, FetchRequest, check_header};
use crate::core::tool::ErrorCode;

/// What a request may send along, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// Headers of its own.
const MAX_HEADERS: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Absolute, https.
    pub(super) url: String,
    /// Default: GET.
    method: Option<Method>,
    headers: Option<BTreeMap<String, String>>,
    /// Text to send.
    body: Option<String>,
    /// JSON to send, instead of body.
    #[schemars(with = "Option<Map<String, Value>>")]
    json: Option<Value>,
    /// A file name: the answer is also saved under it in the workspace, as it came.
    pub(super) save_as: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[serde(alias = "get")]
    Get,
    #[serde(alias = "head")]
    Head,
    #[serde(alias = "options")]
    Options,
    #[serde(alias = "post")]
    Post,
    #[serde(alias = "put")]
    Put,
    #[serde(alias = "patch")]
    Patch,
    #[serde(alias = "delete")]
    Delete,
}

impl From<Method> for FetchMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Head => Self::Head,
            Method::Options => Self::Options,
            Method::Post => Self::Post,
            Method::Put => Self::Put,
            Method::Patch => Self::Patch,
            Method::Delete => Self::Delete,
        }
    }
}

/// Why the arguments make no request.
pub(super) type Unfit = (ErrorCode, String);

impl Arguments {
    fn method(&self) -> FetchMethod {
        self.method.map_or(FetchMethod::Get, FetchMethod::from)
    }

    /// Whether the request tells more than its address.
    pub(super) fn plainness(&self) -> Plainness {
        let bare = self.headers.as_ref().is_none_or(BTreeMap::is_empty)
            && self.body.is_none()
            && self.json.is_none();
        if bare && self.method() == FetchMethod::Get {
            Plainness::Plain
        } else {
            Plainness::Carries(self.method())
        }
    }

    /// The request, checked.
    pub(super) fn request(self, config: &HttpClientConfig) -> Result<FetchRequest, Unfit> {
        let bad = |message: String| (ErrorCode::BadArguments, message);
        let method = self.method();
        let mut headers: Vec<(String, String)> = self.headers.into_iter().flatten().collect();
        if headers.len() > MAX_HEADERS {
            return Err(bad(format!(
                "a request takes at most {MAX_HEADERS} headers"
            )));
        }
        for (name, value) in &headers {
            if let Err(refusal) = check_header(name, value) {
                let shown: String = name.chars().take(40).collect();
                return Err(bad(format!(
                    "the header {shown:?} is refused: {refusal}; leave it out"
                )));
            }
        }
        let (body, content_type) = match (self.body, self.json) {
            (Some(_), Some(_)) => return Err(bad("give body or json, not both".to_owned())),
            (Some(text), None) => (Some(text), "text/plain; charset=utf-8"),
            (None, Some(json)) => (Some(json.to_string()), "application/json"),
            (None, None) => (None, ""),
        };
        if let Some(body) = &body {
            if matches!(method, FetchMethod::Get | FetchMethod::Head) {
                return Err(bad(format!("{} sends no body; use POST", method.as_str())));
            }
            if body.len() > MAX_BODY {
                let message = format!("a request takes at most {MAX_BODY} bytes of body");
                return Err((ErrorCode::TooLarge, message));
            }
        }
        let mut add = |name: &str, value: &str| {
            let has = |(own, _): &(String, String)| own.eq_ignore_ascii_case(name);
            if !headers.iter().any(has) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        if body.is_some() {
            add("Content-Type", content_type);
        }
        if let Some(agent) = &config.user_agent {
            add("User-Agent", agent);
        }
        Ok(FetchRequest {
            method,
            url: self.url,
            headers,
            body: body.map(String::into_bytes),
            limits: FetchLimits {
                time: config.timeout_seconds.get(),
                bytes: config.max_bytes.get(),
                redirects: config.max_redirects,
            },
        })
    }
}
