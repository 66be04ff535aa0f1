//! What a model got wrong in the past must not make every later request a bad one: names, ids and
//! arguments in the form that servers demand.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// OpenAI refuses longer names of tools.
const LONGEST_TOOL_NAME: usize = 64;
/// OpenAI refuses longer ids of tool calls.
pub const LONGEST_CALL_ID: usize = 40;
/// OpenAI refuses longer cache keys.
pub const LONGEST_CACHE_KEY: usize = 64;

/// Letters, digits, `_` and `-`, at least one.
pub fn tool_name(name: &str) -> String {
    let legal: String = name
        .chars()
        .take(LONGEST_TOOL_NAME)
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    if legal.is_empty() {
        "unknown".into()
    } else {
        legal
    }
}

/// The arguments, if they are one JSON object.
pub fn arguments(text: &str) -> &str {
    if serde_json::from_str::<Map<String, Value>>(text).is_ok() {
        text
    } else {
        "{}"
    }
}

/// The text itself, or a digest of it where it is too long or nothing: the same text always gives
/// the same.
pub fn shortened(text: &str, longest: usize) -> String {
    if !text.is_empty() && text.len() <= longest {
        return text.into();
    }
    format!("id_{}", digest(text, 32))
}

/// The text itself, or a digest of it where it is too long or has other characters than letters,
/// digits, `_` and `-`.
pub fn plain(text: &str, longest: usize) -> String {
    if !text.is_empty() && text.len() <= longest && text.chars().all(is_plain) {
        return text.into();
    }
    format!("id_{}", digest(text, 32))
}

/// The first hexadecimal digits of a digest.
pub fn digest(text: &str, digits: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}
