//! Takes secrets out of texts that are kept or shown: those of the settings, and what looks like one.

use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// What stands where a secret was.
const HIDDEN: &str = "…";

/// A secret of the settings that is shorter says nothing, and would tear holes everywhere.
const SHORTEST_SECRET: usize = 6;

/// Of each text so many characters are kept.
const LONGEST_TEXT: usize = 500;

/// Of all arguments together.
const LONGEST_ARGUMENTS: usize = 4_000;

/// Keys and tokens of well-known services, by their form.
const FORMS: &str = r"(?x)
      -----BEGIN[\ A-Z]*PRIVATE\ KEY-----[\s\S]*
    | \bsk-[A-Za-z0-9_-]{12,}
    | \bgh[pousr]_[A-Za-z0-9]{20,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \bA(?:KIA|SIA)[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,}
    | \b[0-9]{6,12}:[A-Za-z0-9_-]{30,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*";

/// A word for a credential, and what is given for it: `password=…`, `Authorization: Bearer …`.
const NAMED: &str = r#"(?ix)
    ( [\w-]* (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key | access[_-]?key
                | private[_-]?key | credential | authorization | cookie ) [\w-]*
      ["']? \s* [=:] \s* ["']? (?: (?: bearer | basic | token ) \s+ )?
    | \b (?: bearer | basic ) \s+ )
    [^\s"'&;,]{3,}"#;

/// The user and the password in an address.
const USER: &str = r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@?#]*@";

static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(FORMS));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(NAMED));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(USER));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants, and a test uses each")
}

/// The secrets of the settings.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<SecretString>);

impl Secrets {
    /// These.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let long = secrets
            .into_iter()
            .filter(|secret| secret.expose_secret().len() >= SHORTEST_SECRET);
        Self(long.collect())
    }

    /// A text without what is secret in it.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), HIDDEN);
            }
        }
        let text = FORM.replace_all(&text, HIDDEN);
        let text = NAME.replace_all(&text, format!("${{1}}{HIDDEN}"));
        ADDRESS.replace_all(&text, "${1}").into_owned()
    }

    /// A call's arguments without what is secret in them, and not too long: JSON where they were.
    pub fn redact_arguments(&self, arguments: &str) -> String {
        let text = match serde_json::from_str::<Value>(arguments) {
            Ok(value) => self.value(value).to_string(),
            Err(_) => self.short(arguments),
        };
        cut(&text, LONGEST_ARGUMENTS)
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.short(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| {
                    let hidden = value.is_string() && is_credential(&name);
                    let value = if hidden {
                        HIDDEN.into()
                    } else {
                        self.value(value)
                    };
                    (self.short(&name), value)
                };
                Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn short(&self, text: &str) -> String {
        cut(&self.redact(text), LONGEST_TEXT)
    }
}

/// Whether a field of this name holds a credential.
fn is_credential(name: &str) -> bool {
    NAME.is_match(&format!("{name}=abc"))
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => {
            let all = text.chars().count();
            format!("{}… ({all} characters)", &text[..end])
        }
        None => text.to_owned(),
    }
}

/// An address without its user, password and query; other words stay.
pub fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.into();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    if path.is_empty() {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}/{path}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(["tiger-lily-77".into(), "abc".into()])
    }

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, expected) in [
            ("rm -rf build", "rm -rf build"),
            ("echo tiger-lily-77 > a", "echo … > a"),
            ("abc", "abc"),
            ("curl https://u:p@a.org/x?y=1", "curl https://a.org/x?y=1"),
            (
                "https://a.org/?token=hunter2&x=1",
                "https://a.org/?token=…&x=1",
            ),
            (
                "-H 'Authorization: Bearer abcdef123'",
                "-H 'Authorization: Bearer …'",
            ),
            ("bearer abcdef123", "bearer …"),
            (
                "export AWS_SECRET_ACCESS_KEY=xyz123 ls",
                "export AWS_SECRET_ACCESS_KEY=… ls",
            ),
            ("password: \"hunter2\"", "password: \"…\""),
            ("key sk-proj-abcdefghijklmnop!", "key …!"),
            ("ghp_0123456789abcdefghij0123", "…"),
            ("github_pat_0123456789abcdefghij0123", "…"),
            ("glpat-0123456789abcdefghij", "…"),
            ("xoxb-0123456789-abc", "…"),
            ("AKIAIOSFODNN7EXAMPLE", "…"),
            ("AIza0123456789abcdefghij0123456789abc", "…"),
            ("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "…"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.sig", "…"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nxyz", "a …"),
            ("secretary: Ada", "secretary: …"),
            (
                "a tokenizer, and a basic income",
                "a tokenizer, and a basic …",
            ),
        ] {
            assert_eq!(secrets().redact(text), expected, "{text:?}");
        }
    }

    #[test]
    fn arguments_stay_json_and_short() {
        let arguments = json!({
            "url": "https://a.org",
            "headers": { "X-Api-Key": "q", "accept": ["tiger-lily-77"] },
            "body": "x".repeat(900),
            "token": 5,
        });
        let redacted = secrets().redact_arguments(&arguments.to_string());
        let value: Value = serde_json::from_str(&redacted).unwrap();
        assert_eq!(
            value["headers"],
            json!({ "X-Api-Key": "…", "accept": ["…"] })
        );
        assert_eq!(value["url"], "https://a.org");
        assert_eq!(value["token"], 5);
        let body = value["body"].as_str().unwrap();
        assert!(body.ends_with("x… (900 characters)"), "{body}");
        assert_eq!(secrets().redact_arguments("tiger-lily-77 {"), "… {");
        let many: Value = (0..2000).collect();
        assert!(
            secrets()
                .redact_arguments(&many.to_string())
                .chars()
                .count()
                < 4_100
        );
    }
}
