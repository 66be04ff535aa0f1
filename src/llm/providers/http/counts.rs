//! Token counts, under all the names that servers give them.

use serde_json::Value;

use crate::core::usage::TokenUsage;

/// The counts in an answer. OpenAI's names first, then Groq's place for the whole, and DeepSeek's
/// for the cached part.
pub fn usage(answer: &Value) -> Option<TokenUsage> {
    let usage = [
        answer.get("usage"),
        answer.get("x_groq").and_then(|groq| groq.get("usage")),
    ]
    .into_iter()
    .flatten()
    .find(|usage| usage.is_object())?;
    let input = number(usage, &["/prompt_tokens", "/input_tokens"]);
    let cached = number(
        usage,
        &[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
        ],
    );
    let output = number(usage, &["/completion_tokens", "/output_tokens"]);
    Some(TokenUsage {
        input,
        cached_input: cached.min(input),
        output,
    })
}

/// The first of these that is a number; they may be written `12.0`.
fn number(usage: &Value, pointers: &[&str]) -> u64 {
    let whole = |value: &Value| {
        value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
    };
    pointers
        .iter()
        .find_map(|pointer| usage.pointer(pointer).and_then(whole))
        // More than any model has ever read is a mistake, and would not fit the database.
        .filter(|count| *count <= u64::from(u32::MAX))
        .unwrap_or_default()
}
