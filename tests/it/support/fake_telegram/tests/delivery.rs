//! Updates on their way to the bot: long polls, confirmation, conflicts and webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::support::wire::{Server, lock};

fn ids(updates: &Value) -> Vec<i64> {
    let updates = updates.as_array().unwrap();
    updates
        .iter()
        .map(|update| update["update_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn an_offset_confirms_what_lies_below_it() {
    let bench = Bench::new().await;
    let sent: Vec<i64> = (0..3)
        .map(|_| bench.telegram.user_sends(ALICE, ALICE, "hi").update_id)
        .collect();
    assert_eq!(ids(&bench.ok("getUpdates", json!({})).await), sent);
    assert_eq!(
        ids(&bench.ok("getUpdates", json!({ "limit": 1 })).await),
        sent[..1]
    );
    assert_eq!(bench.telegram.confirmed_offset(), 0);
    assert_eq!(
        ids(&bench.ok("getUpdates", json!({ "offset": sent[1] })).await),
        sent[1..]
    );
    assert_eq!(bench.telegram.confirmed_offset(), sent[1]);
    assert_eq!(
        ids(&bench.ok("getUpdates", json!({ "offset": -1 })).await),
        sent[2..]
    );
    bench.telegram.wait_for_confirmation(sent[1]).await;
    assert_eq!(bench.telegram.pending_updates(), 1);
}

#[tokio::test]
async fn a_poll_wakes_for_an_update_and_ends_at_the_cap() {
    let options = Options {
        longest_poll: Duration::from_millis(30),
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let began = Instant::now();
    assert!(ids(&bench.ok("getUpdates", json!({ "timeout": 50 })).await).is_empty());
    assert!(began.elapsed() >= Duration::from_millis(30));
    bench
        .telegram
        .with(|state| state.options.longest_poll = Duration::from_secs(50));
    let send = async {
        bench.telegram.wait_for_calls("getUpdates", 2).await;
        bench.telegram.user_sends(ALICE, ALICE, "hi").update_id
    };
    let (updates, id) = tokio::join!(bench.ok("getUpdates", json!({ "timeout": 50 })), send);
    assert_eq!(ids(&updates), [id]);
}

#[tokio::test]
async fn kinds_that_were_not_asked_for_are_left_out() {
    let bench = Bench::new().await;
    bench.telegram.push_update_raw(json!({ "chat_member": {} }));
    bench
        .ok("getUpdates", json!({ "allowed_updates": ["chat_member"] }))
        .await;
    bench.telegram.user_sends(ALICE, ALICE, "hi");
    let odd = bench
        .telegram
        .push_update_raw(json!({ "chat_member": {}, "update_id": 5 }));
    // Without the parameter the last setting stays.
    assert_eq!(ids(&bench.ok("getUpdates", json!({})).await), [odd]);
    assert_eq!(bench.telegram.filtered_updates().len(), 2);
}

#[tokio::test]
async fn the_newest_poll_ends_the_one_before() {
    let bench = Bench::new().await;
    bench
        .telegram
        .with(|state| state.options.longest_poll = Duration::from_secs(10));
    let second = async {
        bench.telegram.wait_for_calls("getUpdates", 1).await;
        bench.call("getUpdates", json!({})).await
    };
    let poll = json!({ "timeout": 50 });
    let ((status, body), (second, _)) = tokio::join!(bench.call("getUpdates", poll), second);
    assert_eq!((status, second), (409, 200));
    assert_eq!(
        reason(&body),
        "Conflict: terminated by other getUpdates request; \
         make sure that only one bot instance is running"
    );
}

#[tokio::test]
async fn a_webhook_gets_updates_in_order_and_again_until_it_accepts() {
    let options = Options {
        webhook_retry: Duration::from_millis(1),
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let seen: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
    let log = Arc::clone(&seen);
    let hook = Router::new().route("/hook", post(move |request: Request| answer(log, request)));
    let hook = Server::start(hook).await;
    let url = format!("http://{}/hook?x=1", hook.address());
    let first = bench.telegram.user_sends(ALICE, ALICE, "hi").update_id;
    bench
        .ok(
            "setWebhook",
            json!({ "url": url, "secret_token": "s3cret" }),
        )
        .await;
    let (status, body) = bench.call("getUpdates", json!({})).await;
    assert_eq!(status, 409);
    assert!(reason(&body).contains("webhook is active"), "{body}");
    let second = bench.telegram.user_sends(ALICE, ALICE, "you").update_id;
    bench.telegram.wait_for_confirmation(second).await;
    assert_eq!(bench.telegram.webhook_attempts(), [500, 200, 200]);
    let wanted = [first, first, second].map(|id| ("s3cret".to_owned(), id));
    assert_eq!(*lock(&seen), wanted);
    assert_eq!(
        bench.ok("getWebhookInfo", json!({})).await["pending_update_count"],
        0
    );
    bench.ok("deleteWebhook", json!({})).await;
    assert!(ids(&bench.ok("getUpdates", json!({})).await).is_empty());
}

/// Fails the first time.
async fn answer(log: Arc<Mutex<Vec<(String, i64)>>>, request: Request) -> StatusCode {
    let secret = request
        .headers()
        .get("x-telegram-bot-api-secret-token")
        .cloned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let update: Value = serde_json::from_slice(&body).unwrap();
    let mut log = lock(&log);
    let secret = secret.unwrap().to_str().unwrap().to_owned();
    log.push((secret, update["update_id"].as_i64().unwrap()));
    if log.len() == 1 {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    }
}

#[tokio::test]
async fn hundreds_of_chats_at_once() {
    let bench = Bench::new().await;
    let chats = 2000..2300;
    for chat in chats.clone() {
        bench.telegram.add_private_chat(chat, "Someone");
    }
    let waits = chats
        .clone()
        .map(|chat| bench.telegram.wait_for_text(chat, "hello"));
    let waits = futures::future::join_all(waits.collect::<Vec<_>>());
    let sends = futures::future::join_all(chats.map(|chat| bench.sends(chat, "hello")));
    let (heard, sent) = tokio::join!(waits, sends);
    assert_eq!((heard.len(), sent.len()), (300, 300));
}
