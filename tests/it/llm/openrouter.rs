//! OpenRouter: what goes beside a chat completion, and its own ways of failing.

use axum::body::Body;
use axum::response::Response;
use minibot::core::model::{ChatModel, ModelErrorKind};
use minibot::core::money::MicroUsd;
use minibot::llm::config::OpenRouterConfig;
use minibot::llm::providers::openrouter;
use serde_json::{Value, json};

use super::model_fixture::{
    RecordingSink, install_crypto, model, overloaded, request, server_of, settings, settings_of,
};
use crate::support::fake_model::{Dialect, FakeModel, Options, Quirk, Reply};

async fn fake() -> FakeModel {
    FakeModel::start_with(Options {
        dialect: Dialect::OpenRouter,
        ..Options::default()
    })
    .await
}

/// What is sent with these settings, which are TOML's in JSON.
async fn sent(config: Value) -> Value {
    let fake = fake().await;
    install_crypto();
    let config: OpenRouterConfig = serde_json::from_value(config).unwrap();
    let model = openrouter::model(settings_of(&fake), &config).unwrap();
    model
        .reply(&request("hi"), &RecordingSink::default())
        .await
        .unwrap();
    assert_eq!(fake.refusals(), Vec::<String>::new());
    fake.requests()[0].body.clone()
}

#[tokio::test]
async fn every_preference_goes_into_the_routing_block() {
    let known = json!({
        "order": ["a", "b"],
        "allow_fallbacks": false,
        "require_parameters": true,
        "data_collection": "deny",
        "zdr": true,
        "enforce_distillable_text": false,
        "only": ["a"],
        "ignore": ["c"],
        "quantizations": ["fp8"],
        "sort": { "by": "price", "partition": "none" },
        "preferred_min_throughput": 20.0,
        "preferred_max_latency": { "p90": 2.0 },
        "max_price": { "prompt": 1.0 },
    });
    let mut routing = known.clone();
    routing["provider_extra"] = json!({ "new_one": [1], "zdr": false });
    let plugins = json!([{ "id": "web", "max_results": 3 }]);
    let body = sent(json!({ "models": ["x/y"], "plugins": plugins, "provider": routing })).await;
    let mut expected = known;
    expected["new_one"] = json!([1]);
    assert_eq!(body["provider"], expected, "what is known wins");
    assert_eq!(
        (&body["models"], &body["plugins"]),
        (&json!(["x/y"]), &plugins)
    );
}

#[tokio::test]
async fn without_preferences_it_is_a_plain_chat_completion() {
    let body = sent(json!({})).await;
    for field in ["provider", "models", "plugins"] {
        assert_eq!(body.get(field), None, "{field}");
    }
    let body = sent(json!({ "provider": { "sort": "latency" } })).await;
    assert_eq!(body["provider"], json!({ "sort": "latency" }));
}

#[tokio::test]
async fn its_own_ways_of_failing_are_understood() {
    let error = |code: Value, message: &str, raw: &str| {
        json!({ "error": { "code": code, "message": message,
            "metadata": { "provider_name": "Host", "raw": raw } } })
    };
    let behind = "Provider returned error";
    let broken = json!({ "id": "gen-1", "object": "chat.completion.chunk",
        "error": { "code": "server_error", "message": "Provider disconnected" },
        "choices": [{ "index": 0, "delta": { "content": "" }, "finish_reason": "error" }] });
    let cases = [
        (
            200,
            error(json!(502), behind, "bad gateway").to_string(),
            overloaded(502),
        ),
        (
            429,
            error(json!(429), behind, "m is rate-limited upstream").to_string(),
            ModelErrorKind::RateLimited { retry_after: None },
        ),
        (
            400,
            error(
                json!(400),
                behind,
                r#"{"message":"prompt is too long: 9 > 8"}"#,
            )
            .to_string(),
            ModelErrorKind::ContextTooLong,
        ),
        (
            402,
            error(json!(402), "This request requires more credits", "").to_string(),
            ModelErrorKind::QuotaExhausted,
        ),
        (
            200,
            error(json!(402), "Insufficient credits", "").to_string(),
            ModelErrorKind::QuotaExhausted,
        ),
        (
            404,
            error(json!(404), "No endpoints found that support tool use.", "").to_string(),
            ModelErrorKind::BadRequest { status: 404 },
        ),
        (
            200,
            format!(": OPENROUTER PROCESSING\n\ndata: {broken}\n\n"),
            overloaded(500),
        ),
    ];
    install_crypto();
    for (status, body, kind) in cases {
        let fake = fake().await;
        fake.replies([Reply::custom(status, body.clone())]);
        let model = openrouter::model(settings_of(&fake), &OpenRouterConfig::default()).unwrap();
        let sink = RecordingSink::default();
        let error = model.reply(&request("hi"), &sink).await.unwrap_err();
        assert_eq!(error.kind, kind, "{body}");
    }
    let fake = fake().await;
    fake.replies([Reply::text("fine").quirk(Quirk::Comments)]);
    let model = openrouter::model(settings_of(&fake), &OpenRouterConfig::default()).unwrap();
    let sink = RecordingSink::default();
    assert_eq!(
        model.reply(&request("hi"), &sink).await.unwrap().text,
        "fine"
    );
}

#[tokio::test]
async fn what_the_host_behind_it_says_is_told_without_the_conversation() {
    install_crypto();
    let secret = "my doctor is called Ada Lovelace";
    let fake = fake().await;
    let body = json!({ "error": { "code": 400, "message": "Provider returned error",
        "metadata": { "raw": format!("cannot parse '{secret}'") } } });
    fake.replies([Reply::custom(400, body.to_string())]);
    let model = openrouter::model(settings_of(&fake), &OpenRouterConfig::default()).unwrap();
    let error = model
        .reply(&request(secret), &RecordingSink::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.detail,
        "HTTP 400: Provider returned error (cannot parse '…')"
    );
}

/// What a call has cost by this `usage` of its last message, told by OpenRouter and by another server.
async fn cost_by(usage: Value) -> [Option<MicroUsd>; 2] {
    let (_server, url) = server_of(move || {
        let said = json!({ "model": "a/b", "choices": [{ "delta": { "content": "OK" }, "finish_reason": "stop" }] });
        let last = json!({ "model": "a/b", "choices": [], "usage": usage });
        Response::new(Body::from(format!("data: {said}\n\ndata: {last}\n\ndata: [DONE]\n\n")))
    })
    .await;
    install_crypto();
    let settings = settings(&url, None);
    let router = openrouter::model(settings.clone(), &OpenRouterConfig::default()).unwrap();
    let mut costs = [None; 2];
    for (model, cost) in [router, model(settings)].iter().zip(&mut costs) {
        let (request, sink) = (request("hi"), RecordingSink::default());
        let reply = model.reply(&request, &sink).await.unwrap();
        assert_eq!(reply.usage[0].model, "a/b");
        *cost = reply.usage[0].cost;
    }
    costs
}

#[tokio::test]
async fn what_openrouter_says_that_a_call_has_cost_is_what_it_has_cost() {
    let cases = [
        (json!({ "cost": 0.95 }), Some(950_000)),
        (json!({ "cost": 0 }), Some(0)),
        // With a key of one's own for the server behind it, that server charges too.
        (
            json!({ "cost": 0.05, "is_byok": true, "cost_details": { "upstream_inference_cost": 1.0 } }),
            Some(1_050_000),
        ),
        (
            json!({ "cost": 0.05, "is_byok": true, "cost_details": { "upstream_inference_cost": null } }),
            Some(50_000),
        ),
        (
            json!({ "cost": 0.05, "is_byok": false, "cost_details": { "upstream_inference_cost": 0.05 } }),
            Some(50_000),
        ),
        (json!({ "cost": -1 }), None),
        (json!({ "cost": "much" }), None),
        (json!({}), None),
    ];
    for (mut usage, cost) in cases {
        usage["prompt_tokens"] = 9.into();
        let [router, other] = cost_by(usage.clone()).await;
        assert_eq!(router, cost.map(MicroUsd::new), "{usage}");
        // Who knows in which currency.
        assert_eq!(other, None);
    }
}
