//! Chunks as servers send them, and the replies that come of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Mutex;

use serde_json::json;

use super::*;

#[derive(Debug, Default)]
struct Heard(Mutex<String>);

impl ReplySink for Heard {
    fn push(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }

    fn lost(&self, _: Vec<crate::core::usage::UsageEntry>) {}
}

fn read(values: &[Value]) -> Result<Said, Failure> {
    read_counted(values).map(|(said, _)| said)
}

fn read_counted(values: &[Value]) -> Result<(Said, Counted), Failure> {
    let (mut answer, heard) = (ChatAnswer::default(), Heard::default());
    for value in values {
        answer.take(value, &heard)?;
    }
    answer.close(&heard);
    let counted = answer.counted();
    let reply = answer.into_reply()?;
    assert_eq!(
        reply.text,
        *heard.0.lock().unwrap(),
        "what was pushed is what is said"
    );
    Ok((reply, counted))
}

fn chunk(delta: Value) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
}

fn end(reason: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

/// The calls of a stream whose chunks each hold one piece of a call.
fn calls(pieces: &[Value]) -> Vec<(String, String, String)> {
    let mut chunks: Vec<Value> = pieces
        .iter()
        .map(|piece| chunk(json!({ "tool_calls": [piece] })))
        .collect();
    chunks.push(end("tool_calls"));
    let reply = read(&chunks).unwrap();
    reply
        .calls
        .into_iter()
        .map(|c| (c.id.as_str().into(), c.name, c.arguments))
        .collect()
}

fn expect_calls(pieces: &[Value], expected: &[(&str, &str, &str)]) {
    let found = calls(pieces);
    let found: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(found, expected, "{pieces:?}");
}

#[test]
fn calls_in_pieces_are_put_together() {
    expect_calls(
        &[
            json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": "" } }),
            json!({ "index": 0, "function": { "arguments": "{\"x\"" } }),
            json!({ "index": 1, "id": "b", "function": { "name": "g", "arguments": "{" } }),
            json!({ "index": 0, "id": "", "function": { "name": null, "arguments": ":1}" } }),
            json!({ "index": 1, "id": null, "function": { "name": "", "arguments": "}" } }),
        ],
        &[("a", "f", "{\"x\":1}"), ("b", "g", "{}")],
    );
}

#[test]
fn pieces_without_index_find_their_call() {
    expect_calls(
        &[
            json!({ "id": "a", "function": { "name": "f", "arguments": "{" } }),
            json!({ "function": { "arguments": "}" } }),
            json!({ "id": "b", "function": { "name": "f", "arguments": "{\"y\":" } }),
            json!({ "id": "b", "function": { "arguments": "2" } }),
            json!({ "id": "b", "function": { "name": "f", "arguments": "}" } }),
        ],
        &[("a", "f", "{}"), ("b", "f", "{\"y\":2}")],
    );
    expect_calls(
        &[
            json!({ "function": { "name": "f", "arguments": "{}" } }),
            json!({ "function": { "name": "f", "arguments": "{}" } }),
        ],
        &[("call_0", "f", "{}"), ("call_1", "f", "{}")],
    );
}

#[test]
fn whole_calls_that_all_claim_the_first_place_are_kept_apart() {
    expect_calls(
        &[
            json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{}" } }),
            json!({ "index": 0, "id": "b", "function": { "name": "g", "arguments": "{}" } }),
            json!({ "index": 0, "id": "", "function": { "name": "h", "arguments": "{}" } }),
        ],
        &[("a", "f", "{}"), ("b", "g", "{}"), ("call_2", "h", "{}")],
    );
}

#[test]
fn ids_are_made_where_they_are_missing_or_doubled() {
    expect_calls(
        &[
            json!({ "index": 0, "function": { "name": "f" } }),
            json!({ "index": 1, "id": "call_0", "function": { "name": "g" } }),
            json!({ "index": 2, "id": "call_0", "function": { "name": "h" } }),
            json!({ "index": 3, "id": 17, "function": { "name": "i" } }),
        ],
        &[
            ("call_1", "f", ""),
            ("call_0", "g", ""),
            ("call_2", "h", ""),
            ("17", "i", ""),
        ],
    );
}

#[test]
fn a_call_that_is_sent_again_is_one_call() {
    let whole = |index: u64, arguments: &str| json!({ "index": index, "id": "a", "function": { "name": "f", "arguments": arguments } });
    let once: &[(&str, &str, &str)] = &[("a", "f", "{\"x\":1}")];
    let nameless =
        |index: u64| json!({ "index": index, "id": "a", "function": { "arguments": "{\"x\":1}" } });
    let cases: &[&[Value]] = &[
        // At each place once more (LocalAI).
        &[whole(0, "{\"x\":1}"), whole(1, "{\"x\":1}")],
        &[whole(0, "{\"x\":1}"), whole(1, "{ \"x\": 1 }")],
        &[whole(0, ""), whole(1, "{\"x\":1}")],
        &[whole(0, ""), nameless(1)],
        &[whole(0, "{\"x\":1}"), nameless(1)],
        // Once more when it is whole (vLLM's parser for GLM, LiteLLM).
        &[
            whole(0, ""),
            json!({ "index": 0, "function": { "arguments": "{\"x\":" } }),
            json!({ "index": 0, "function": { "arguments": "1}" } }),
            whole(0, ""),
        ],
        &[whole(0, "{\"x\":1}"), whole(0, "{\"x\":1}")],
        &[whole(0, "{\"x\":1}"), whole(0, "\"{\\\"x\\\":1}\"")],
        &[
            json!({ "id": "a", "function": { "name": "f", "arguments": "{\"x\":1}" } }),
            json!({ "id": "a", "function": { "name": "f", "arguments": "{\"x\":1}" } }),
        ],
    ];
    for pieces in cases {
        expect_calls(pieces, once);
    }
}

#[test]
fn pieces_that_all_name_their_call_are_put_together() {
    let piece = |index: u64, arguments: &str| json!({ "index": index, "id": "a", "function": { "name": "f", "arguments": arguments } });
    for indexes in [[0, 0, 0, 0], [0, 1, 2, 3]] {
        let [a, b, c, d] = indexes;
        expect_calls(
            &[
                piece(a, ""),
                piece(b, "{\"x\":"),
                piece(c, "{}"),
                piece(d, "}"),
            ],
            &[("a", "f", "{\"x\":{}}")],
        );
    }
}

#[test]
fn calls_that_share_an_id_are_kept_apart_where_they_differ() {
    let piece = |index: u64, name: &str, arguments: &str| json!({ "index": index, "id": "a", "function": { "name": name, "arguments": arguments } });
    expect_calls(
        &[
            piece(0, "f", "{}"),
            piece(0, "g", "{}"),
            piece(1, "h", "{}"),
        ],
        &[
            ("a", "f", "{}"),
            ("call_1", "g", "{}"),
            ("call_2", "h", "{}"),
        ],
    );
    let more = |index: u64, arguments: &str| json!({ "index": index, "function": { "arguments": arguments } });
    for pieces in [
        &[piece(0, "f", "{\"x\":1}"), piece(1, "f", "{\"x\":2}")][..],
        &[piece(0, "f", "{\"x\":1}"), piece(0, "f", "{\"x\":2}")],
        &[
            piece(0, "f", ""),
            piece(1, "f", ""),
            more(0, "{\"x\":"),
            more(1, "{\"x\":"),
            more(1, "2}"),
            more(0, "1}"),
        ],
        &[
            piece(0, "f", ""),
            more(0, "{\"x\":1}"),
            piece(1, "f", ""),
            more(1, "{\"x\":2}"),
        ],
    ] {
        expect_calls(
            pieces,
            &[("a", "f", "{\"x\":1}"), ("call_1", "f", "{\"x\":2}")],
        );
    }
}

/// What belongs to a call goes with it, also when the call came twice.
#[test]
fn what_a_server_wants_back_stays_with_calls_that_came_twice() {
    let piece = |index: u64, id: &str, sign: u64| {
        json!({ "index": index, "id": id,
        "function": { "name": "f", "arguments": "{}" }, "extra_content": { "s": sign } })
    };
    let calls = [piece(0, "a", 1), piece(1, "a", 1), piece(2, "b", 2)];
    let reply = read(&[chunk(json!({ "tool_calls": calls })), end("tool_calls")]).unwrap();
    assert_eq!(
        reply.to_return,
        [
            json!({}),
            json!({ "extra_content": { "s": 1 } }),
            json!({ "extra_content": { "s": 2 } }),
        ]
    );
}

#[test]
fn arguments_may_be_objects_and_functions_unframed() {
    expect_calls(
        &[
            json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": { "x": [1] } } }),
            json!({ "index": 1, "id": "b", "name": "g", "arguments": null }),
            json!({ "index": 2, "id": "c" }),
        ],
        &[("a", "f", "{\"x\":[1]}"), ("b", "g", "")],
    );
}

#[test]
fn calls_of_a_plain_answer_are_whole_each() {
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [
        { "id": "same", "index": 0, "type": "function", "function": { "name": "f", "arguments": "{}" } },
        { "id": "same", "index": 0, "type": "function", "function": { "name": "f", "arguments": "{\"x\":1}" } },
        { "id": "same", "index": 0, "type": "function", "function": { "name": "f", "arguments": "{}" } },
    ] });
    // Calls count also when the server says that it simply stopped.
    let reply =
        read(&[json!({ "choices": [{ "message": message, "finish_reason": "stop" }] })]).unwrap();
    let ids: Vec<&str> = reply.calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(
        (ids, reply.finish),
        (vec!["same", "call_1"], FinishReason::Done)
    );
}

#[test]
fn contents_are_read_in_every_form() {
    let cases = [
        (json!({ "content": "hi" }), "hi"),
        (json!({ "content": null }), ""),
        (json!({}), ""),
        (
            json!({ "content": ["h", { "type": "text", "text": "i" }] }),
            "hi",
        ),
        (
            json!({ "content": [{ "type": "thinking", "text": "hm" }, { "text": "hi" }] }),
            "hi",
        ),
        (json!({ "content": 7 }), ""),
        (
            json!({ "content": "hi", "reasoning_content": "hm", "reasoning": "hm" }),
            "hi",
        ),
        (
            json!({ "content": null, "refusal": "I can't." }),
            "I can't.",
        ),
        (json!({ "content": "<think>hm</think>\nhi" }), "hi"),
        (Value::Null, ""),
    ];
    for (message, expected) in cases {
        for name in ["delta", "message"] {
            let value = json!({ "choices": [{ name: message, "finish_reason": "stop" }] });
            assert_eq!(read(&[value]).unwrap().text, expected, "{name} {message}");
        }
    }
}

#[test]
fn reasons_to_stop_are_understood() {
    use FinishReason::{Done, Filtered, Length};
    let cases = [
        ("stop", Done),
        ("tool_calls", Done),
        ("end_turn", Done),
        ("eos", Done),
        ("odd", Done),
        ("length", Length),
        ("MAX_TOKENS", Length),
        ("model_length", Length),
        ("content_filter", Filtered),
        ("SAFETY", Filtered),
    ];
    for (reason, expected) in cases {
        let reply = read(&[chunk(json!({ "content": "x" })), end(reason)]).unwrap();
        assert_eq!(reply.finish, expected, "{reason}");
    }
}

#[test]
fn what_is_no_answer_is_a_failure() {
    let kind = |values: &[Value]| read(values).unwrap_err().kind;
    assert_eq!(kind(&[]), ModelErrorKind::Malformed);
    assert_eq!(kind(&[json!([])]), ModelErrorKind::Malformed);
    assert_eq!(kind(&[json!({ "choices": [] })]), ModelErrorKind::Malformed);
    assert_eq!(kind(&[end("tool_calls")]), ModelErrorKind::Malformed);
    assert_eq!(
        kind(&[chunk(json!({ "content": "x" })), end("error")]),
        ModelErrorKind::Malformed
    );
    assert_eq!(kind(&[end("content_filter")]), ModelErrorKind::Refused);
    let of_choice = json!({ "choices": [{ "error": { "code": 502, "message": "x" } }] });
    assert_eq!(
        kind(&[of_choice]),
        ModelErrorKind::Overloaded {
            status: 502,
            retry_after: None
        }
    );
    assert_eq!(read(&[end("stop")]).unwrap().text, "");
}

fn tokens(value: Value) -> Option<TokenUsage> {
    read_counted(&[end("stop"), value]).unwrap().1.tokens
}

fn some(input: u64, cached_input: u64, output: u64) -> Option<TokenUsage> {
    Some(TokenUsage {
        input,
        cached_input,
        output,
    })
}

#[test]
fn the_tokens_are_found_wherever_they_stand() {
    let cases = [
        (
            json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": { "cached_tokens": 4 } } }),
            some(9, 4, 2),
        ),
        (
            json!({ "usage": { "prompt_tokens": 9.0, "completion_tokens": 2, "prompt_cache_hit_tokens": 4 } }),
            some(9, 4, 2),
        ),
        (
            json!({ "choices": [], "x_groq": { "usage": { "prompt_tokens": 9 } } }),
            some(9, 0, 0),
        ),
        (
            json!({ "usage": { "prompt_tokens": -1, "completion_tokens": 1e30 } }),
            some(0, 0, 0),
        ),
        (
            json!({ "usage": { "prompt_tokens": 1, "prompt_tokens_details": { "cached_tokens": 4 } } }),
            some(1, 1, 0),
        ),
        (json!({ "usage": null }), None),
        (json!({ "usage": "many" }), None),
    ];
    for (value, expected) in cases {
        assert_eq!(tokens(value.clone()), expected, "{value}");
    }
}

#[test]
fn thoughts_are_tokens_wherever_they_are_counted() {
    let cases = [
        // Thoughts that are counted apart (xAI), or only in the whole (Gemini).
        (
            json!({ "usage": { "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
            "completion_tokens_details": { "reasoning_tokens": 94 } } }),
            some(32, 0, 103),
        ),
        (
            json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 900 } }),
            some(8, 0, 892),
        ),
        (
            json!({ "usage": { "input_tokens": 8, "output_tokens": 5, "total_tokens": 13,
            "output_tokens_details": { "reasoning_tokens": 4 } } }),
            some(8, 0, 5),
        ),
        // Wholes that are none: too small, without its other part, or more than the thoughts explain.
        (
            json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 0 } }),
            some(8, 0, 5),
        ),
        (
            json!({ "usage": { "completion_tokens": 5, "total_tokens": 900 } }),
            some(0, 0, 5),
        ),
        (
            json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 900,
            "completion_tokens_details": { "reasoning_tokens": 0 } } }),
            some(8, 0, 5),
        ),
        (
            json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 1e30 } }),
            some(8, 0, 5),
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(tokens(value.clone()), expected, "{value}");
    }
}

#[test]
fn the_model_is_named_as_it_names_itself() {
    let named = |value: Value| read_counted(&[end("stop"), value]).unwrap().1.model;
    assert_eq!(
        named(json!({ "model": "m-2026" })).as_deref(),
        Some("m-2026")
    );
    assert_eq!(named(json!({})), None);
}

#[test]
fn runaway_answers_are_cut_off() {
    let (mut answer, heard) = (ChatAnswer::default(), Heard::default());
    let text = chunk(json!({ "content": "x".repeat(LARGEST_ANSWER) }));
    answer.take(&text, &heard).unwrap();
    let more = chunk(json!({ "content": "x" }));
    assert_eq!(
        answer.take(&more, &heard).unwrap_err().kind,
        ModelErrorKind::Malformed
    );

    let mut answer = ChatAnswer::default();
    let failed = (0..1000u32).find(|index| {
        let piece = json!({ "tool_calls": [{ "index": index, "function": { "name": "f" } }] });
        answer.take(&chunk(piece), &heard).is_err()
    });
    assert!(failed.is_some_and(|index| index < 200), "{failed:?}");
}

#[test]
fn what_a_call_does_not_have_is_not_counted() {
    let (mut answer, heard) = (ChatAnswer::default(), Heard::default());
    for extra in [json!(null), json!({ "a": 1 })] {
        let call =
            json!({ "index": 0, "id": "i", "function": { "name": "f" }, "extra_content": extra });
        answer
            .take(&chunk(json!({ "tool_calls": [call] })), &heard)
            .unwrap();
    }
    assert_eq!(answer.size(), 2 + 2 + r#"{"a":1}"#.len());
}
