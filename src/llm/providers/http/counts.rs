//! What a call took, under all the names that servers give it.

use serde_json::Value;

use crate::core::money::MicroUsd;
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
    let count = |pointers: &[&str]| number(usage, pointers);
    let input = count(&["/prompt_tokens", "/input_tokens"]).unwrap_or_default();
    let cached = count(&[
        "/prompt_tokens_details/cached_tokens",
        "/input_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
    ]);
    Some(TokenUsage {
        input,
        cached_input: cached.unwrap_or_default().min(input),
        output: output(usage, input),
    })
}

/// What the call has cost, as OpenRouter tells it: what it takes itself, and what the server behind it
/// takes from the person's own account there.
pub fn cost(answer: &Value) -> Option<MicroUsd> {
    let usage = answer.get("usage")?;
    let amount = |pointer: &str| MicroUsd::from_usd(usage.pointer(pointer)?.as_f64()?);
    let behind = amount("/cost_details/upstream_inference_cost")
        .filter(|_| usage.get("is_byok") == Some(&Value::Bool(true)));
    Some(amount("/cost")?.plus(behind.unwrap_or_default()))
}

/// What was written and what was thought. xAI counts the thoughts apart, and Gemini only in the
/// whole: so the whole counts, as far as there is an input to take away from it, and no further than
/// the thoughts explain where they are counted.
fn output(usage: &Value, input: u64) -> u64 {
    let written = number(usage, &["/completion_tokens", "/output_tokens"]).unwrap_or_default();
    let whole = number(usage, &["/total_tokens"]).filter(|_| input > 0);
    let rest = whole.unwrap_or_default().saturating_sub(input);
    let thought = number(
        usage,
        &[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
        ],
    );
    let explained = thought.map_or(rest, |thought| rest.min(written + thought));
    written.max(explained)
}

/// The first of these that is a number; they may be written `12.0`.
fn number(usage: &Value, pointers: &[&str]) -> Option<u64> {
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
}
