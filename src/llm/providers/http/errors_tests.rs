//! Which decision each server's way of saying no leads to.

#![allow(clippy::unwrap_used, clippy::panic)]

use reqwest::header::HeaderValue;
use serde_json::json;

use super::ModelErrorKind::{
    BadRequest, ContextTooLong, FilesTooLarge, Malformed, Overloaded, QuotaExhausted, RateLimited,
    Refused, Unauthorized,
};
use super::*;

fn kind(status: u16, body: &str) -> ModelErrorKind {
    Failure::of_status(status, &HeaderMap::new(), body.as_bytes()).kind
}

fn down(status: u16) -> ModelErrorKind {
    Overloaded {
        status,
        retry_after: None,
    }
}

fn openai(message: &str, kind: &str, code: &str) -> String {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
        .to_string()
}

#[test]
fn statuses_decide_where_the_body_says_nothing() {
    let cases = [
        (301, BadRequest { status: 301 }),
        (400, BadRequest { status: 400 }),
        (401, Unauthorized),
        (402, QuotaExhausted),
        (403, Unauthorized),
        (404, BadRequest { status: 404 }),
        (408, down(408)),
        (413, FilesTooLarge),
        (422, BadRequest { status: 422 }),
        (429, RateLimited { retry_after: None }),
        (500, down(500)),
        (503, down(503)),
        (529, down(529)),
    ];
    for (status, expected) in cases {
        for body in [
            "",
            "<html>nginx</html>",
            "{}",
            "null",
            "[]",
            r#"{"error":null}"#,
            "\u{fffd}",
        ] {
            assert_eq!(kind(status, body), expected, "{status} {body:?}");
        }
    }
}

#[test]
fn too_long_a_conversation_is_known_in_many_wordings() {
    let cases = [
        (400, openai("x", "invalid_request_error", "context_length_exceeded")),
        (400, openai("This model's maximum context length is 8192 tokens.", "BadRequestError", "")),
        (400, json!({ "error": { "code": 400, "message": "the request exceeds the available context size",
            "type": "exceed_context_size_error" } }).to_string()),
        (500, json!({ "error": "input length exceeds maximum context length" }).to_string()),
        (400, json!({ "error": "The number of tokens to keep from the initial prompt is greater than \
            the context length" }).to_string()),
        (400, json!([{ "error": { "code": 400, "status": "INVALID_ARGUMENT", "message":
            "The input token count (9) exceeds the maximum number of tokens allowed (8)." } }]).to_string()),
        (400, json!({ "object": "error", "message": "maximum context length is 8", "code": 400 }).to_string()),
        (400, json!({ "message": "Prompt contains 9 tokens, too large for model with 8 maximum context length" })
            .to_string()),
        (400, json!({ "error": { "code": 400, "message": "Provider returned error",
            "metadata": { "raw": "{\"message\":\"prompt is too long: 9 tokens > 8\"}" } } }).to_string()),
        (400, json!({ "error": "This model's maximum prompt length is 8 but the request contains 9" }).to_string()),
        (429, openai("Request too large for gpt on tokens per min (TPM)", "tokens", "rate_limit_exceeded")),
        (413, openai("x", "tokens", "rate_limit_exceeded")),
    ];
    for (status, body) in cases {
        assert_eq!(kind(status, &body), ContextTooLong, "{status} {body}");
    }
}

#[test]
fn codes_decide_before_statuses() {
    let quota = openai(
        "You exceeded your current quota.",
        "insufficient_quota",
        "insufficient_quota",
    );
    assert_eq!(kind(429, &quota), QuotaExhausted);
    let minute = openai(
        "You exceeded your current quota. Please retry in 22.5s.",
        "",
        "",
    );
    assert_eq!(kind(429, &minute), RateLimited { retry_after: None });
    let limit =
        json!({ "error": { "code": 403, "message": "Key limit exceeded (monthly limit)." } });
    assert_eq!(kind(403, &limit.to_string()), QuotaExhausted);
    let filtered = openai("The response was filtered", "", "content_filter");
    assert_eq!(kind(400, &filtered), Refused);
    let moderated = json!({ "error": { "code": 403, "message":
        "Your chosen model requires moderation and your input was flagged" } });
    assert_eq!(kind(403, &moderated.to_string()), Refused);
    let key = openai("API key not valid", "", "invalid_api_key");
    assert_eq!(kind(400, &key), Unauthorized);
    let limit = openai(
        "Rate limit: 10000 tokens per minute",
        "tokens",
        "rate_limit_exceeded",
    );
    assert_eq!(kind(429, &limit), RateLimited { retry_after: None });
}

#[test]
fn an_error_in_place_of_an_answer_is_judged_by_what_it_names() {
    let cases = [
        (
            json!({ "error": { "message": "x", "code": 502 } }),
            down(502),
        ),
        (
            json!({ "error": { "message": "x", "code": "429" } }),
            RateLimited { retry_after: None },
        ),
        (
            json!({ "error": { "message": "x", "type": "rate_limit_error" } }),
            RateLimited { retry_after: None },
        ),
        (
            json!({ "error": { "message": "x", "type": "overloaded_error" } }),
            down(503),
        ),
        (
            json!({ "error": { "message": "x", "code": 401 } }),
            Unauthorized,
        ),
        (
            json!({ "error": { "message": "maximum context length" } }),
            ContextTooLong,
        ),
        (
            json!({ "error": { "message": "x", "type": "invalid_request_error" } }),
            BadRequest { status: 400 },
        ),
        (json!({ "error": "something" }), Malformed),
        (json!({ "error": true, "message": "something" }), Malformed),
        (
            json!({ "object": "error", "message": "x", "code": 500 }),
            down(500),
        ),
    ];
    for (body, expected) in cases {
        let error = ServerError::within(&body).unwrap();
        assert_eq!(Failure::of_answer(&error).kind, expected, "{body}");
    }
    for body in [
        json!({}),
        json!({ "error": null }),
        json!({ "error": "" }),
        json!({ "error": false }),
    ] {
        assert_eq!(ServerError::within(&body), None, "{body}");
    }
}

#[test]
fn the_wait_is_read_in_every_form() {
    const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";
    type Lines = &'static [(&'static str, &'static str)];
    let seconds = |value| Some(Duration::from_secs(value));
    let cases: &[(Lines, Option<Duration>)] = &[
        (&[], None),
        (&[("retry-after", "7")], seconds(7)),
        (&[("retry-after", " 0 ")], seconds(0)),
        (&[("retry-after", "1.5")], Some(Duration::from_millis(1500))),
        (
            &[("retry-after", "1"), ("retry-after-ms", "250")],
            Some(Duration::from_millis(250)),
        ),
        (
            &[
                ("retry-after", "Wed, 21 Oct 2026 07:28:09 GMT"),
                ("date", DATE),
            ],
            seconds(9),
        ),
        (
            &[
                ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"),
                ("date", DATE),
            ],
            None,
        ),
        (&[("retry-after", DATE)], None),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "1e300")], None),
    ];
    for (lines, expected) in cases {
        let mut headers = HeaderMap::new();
        for (name, value) in *lines {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(retry_after(&headers), *expected, "{lines:?}");
    }
}

#[test]
fn the_servers_own_words_are_found() {
    let detail = |body: &str| Failure::of_status(400, &HeaderMap::new(), body.as_bytes()).detail;
    assert_eq!(detail(&openai("too hot", "", "")), "HTTP 400: too hot");
    assert_eq!(
        detail(r#"{"error":{"message":"Provider returned error","metadata":{"raw":"too hot"}}}"#),
        "HTTP 400: Provider returned error (too hot)"
    );
    assert_eq!(detail(r#"{"detail":"Not Found"}"#), "HTTP 400: Not Found");
    assert_eq!(detail(r#"{"message":"no"}"#), "HTTP 400: no");
    assert_eq!(detail("plain words\nand more"), "HTTP 400: plain words");
    assert_eq!(detail("<html><body>nginx"), "HTTP 400: a web page");
    assert_eq!(detail(""), "HTTP 400: ");
}

/// Google names the time to wait in the body alone, and its compatible server sends a list.
#[test]
fn the_time_to_wait_is_read_from_the_body_where_no_header_says_it() {
    let body = |delay: Value| {
        json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "details": [
                { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [] },
                { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay },
            ] } })
    };
    let limited = |seconds: f64| RateLimited {
        retry_after: Some(Duration::from_secs_f64(seconds)),
    };
    for (delay, seconds) in [
        ("34s", 34.0),
        ("0.5s", 0.5),
        ("34.074824224s", 34.074_824_224),
    ] {
        let body = body(json!(delay));
        assert_eq!(kind(429, &body.to_string()), limited(seconds), "{body}");
        let list = json!([body]);
        assert_eq!(kind(429, &list.to_string()), limited(seconds), "{list}");
        let within = ServerError::within(&body).unwrap();
        assert_eq!(Failure::of_answer(&within).kind, limited(seconds));
    }
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    let both = Failure::of_status(429, &headers, body(json!("34s")).to_string().as_bytes());
    assert_eq!(both.kind, limited(7.0));
    for odd in [
        json!("soon"),
        json!("-3s"),
        json!("1e300s"),
        json!(34),
        json!(null),
    ] {
        assert_eq!(kind(429, &body(odd).to_string()), QuotaExhausted);
    }
    let busy = json!({ "error": { "code": 503, "status": "UNAVAILABLE", "message": "overloaded",
        "details": [{ "retryDelay": "2s" }] } });
    let expected = Overloaded {
        status: 503,
        retry_after: Some(Duration::from_secs(2)),
    };
    assert_eq!(kind(503, &busy.to_string()), expected);
}
