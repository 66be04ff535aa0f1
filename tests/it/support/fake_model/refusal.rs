//! Errors in the shape that OpenAI gives them.

use serde_json::{Value, json};

/// HTTP status and the `error` object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub message: String,
    pub kind: &'static str,
    pub param: Option<String>,
    pub code: Option<&'static str>,
}

impl Refusal {
    /// 400 "invalid_request_error".
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            kind: "invalid_request_error",
            param: None,
            code: None,
        }
    }

    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::invalid(format!("Missing required parameter: '{param}'."))
            .at(param)
            .code("missing_required_parameter")
    }

    pub fn wrong_type(param: impl Into<String>, expected: &str, given: &Value) -> Self {
        let param = param.into();
        let given = match given {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Self::invalid(format!(
            "Invalid type for '{param}': expected {expected}, but got {given} instead."
        ))
        .at(param)
        .code("invalid_type")
    }

    pub fn empty_array(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::invalid(format!(
            "Invalid '{param}': empty array. Expected an array with minimum length 1, \
             but got an empty array instead."
        ))
        .at(param)
        .code("empty_array")
    }

    pub fn unauthorized(given: Option<&str>) -> Self {
        let message = match given {
            Some(key) => format!(
                "Incorrect API key provided: {key}. You can find your API key at \
                 https://platform.openai.com/account/api-keys."
            ),
            None => "You didn't provide an API key. You need to provide your API key in an \
                     Authorization header using Bearer auth."
                .to_owned(),
        };
        let code = given.map(|_| "invalid_api_key");
        Self {
            status: 401,
            code,
            ..Self::invalid(message)
        }
    }

    pub fn unknown_model(model: &str) -> Self {
        let message =
            format!("The model `{model}` does not exist or you do not have access to it.");
        Self {
            status: 404,
            code: Some("model_not_found"),
            ..Self::invalid(message)
        }
    }

    pub fn unknown_url(method: &str, path: &str) -> Self {
        Self {
            status: 404,
            code: Some("unknown_url"),
            ..Self::invalid(format!("Unknown request URL: {method} {path}."))
        }
    }

    pub fn context_length(limit: u64, used: u64) -> Self {
        Self::invalid(format!(
            "This model's maximum context length is {limit} tokens. However, your messages \
             resulted in {used} tokens. Please reduce the length of the messages."
        ))
        .at("messages")
        .code("context_length_exceeded")
    }

    pub fn server_error(status: u16) -> Self {
        let message = "The server had an error while processing your request. Sorry about that!";
        Self {
            status,
            kind: "server_error",
            ..Self::invalid(message)
        }
    }

    pub fn rate_limited() -> Self {
        Self {
            status: 429,
            kind: "requests",
            code: Some("rate_limit_exceeded"),
            ..Self::invalid("Rate limit reached for requests.")
        }
    }

    pub fn body(&self) -> Value {
        json!({ "error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }
}
