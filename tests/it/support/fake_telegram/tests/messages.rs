//! Sending, faults, flood control and what people do.

use std::time::Duration;

use serde_json::json;

use super::super::{Fault, FileKind, FloodLimit, UserFile};
use super::*;
use crate::support::gate::Gate;

fn hello() -> Value {
    json!({ "chat_id": ALICE, "text": "hello" })
}

#[tokio::test]
async fn forms_and_queries_carry_the_same_call() {
    let bench = Bench::new().await;
    let address = bench.address("sendMessage");
    let query = format!("{address}?chat_id={ALICE}&text=a%20b");
    bench
        .client
        .get(query)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let form = bench.client.post(&address);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(format!("chat_id={ALICE}&text=c+d"));
    form.send().await.unwrap().error_for_status().unwrap();
    let sent: Vec<String> = bench
        .telegram
        .messages(ALICE)
        .into_iter()
        .map(|m| m.text)
        .collect();
    assert_eq!(sent, ["a b", "c d"]);
    assert_eq!(
        bench.telegram.calls("sendmessage")[1].params["chat_id"],
        ALICE
    );
}

#[tokio::test]
async fn trimming_moves_the_entities() {
    let bench = Bench::new().await;
    let bold = json!([{ "type": "bold", "offset": 3, "length": 6 }]);
    let params = json!({ "chat_id": ALICE, "text": " \n a bcd  ", "entities": bold });
    bench.ok("sendMessage", params).await;
    let sent = &bench.telegram.messages(ALICE)[0];
    assert_eq!(sent.text, "a bcd");
    assert_eq!(
        sent.entities,
        [json!({ "type": "bold", "offset": 0, "length": 5 })]
    );
}

#[tokio::test]
async fn scripted_answers_have_no_effect() {
    let bench = Bench::new().await;
    bench.telegram.fail(
        "sendMessage",
        [
            Fault::TooManyRequests { retry_after: 7 },
            Fault::ServerError(502),
            Fault::HtmlError(504),
            Fault::Answer {
                status: 400,
                body: "{}".to_owned(),
            },
        ],
    );
    let (status, body) = bench.call("sendMessage", hello()).await;
    assert_eq!(
        (status, &body["parameters"]["retry_after"]),
        (429, &json!(7))
    );
    let (status, body) = bench.call("sendMessage", hello()).await;
    assert_eq!((status, reason(&body).as_str()), (502, "Bad Gateway"));
    let address = bench.address("sendMessage");
    let html = bench
        .client
        .post(&address)
        .json(&hello())
        .send()
        .await
        .unwrap();
    assert_eq!(html.status().as_u16(), 504);
    assert!(html.text().await.unwrap().starts_with("<html>"));
    assert_eq!(bench.call("sendMessage", hello()).await, (400, json!({})));
    assert!(bench.telegram.messages(ALICE).is_empty());
    assert_eq!(bench.telegram.unused_faults(), 0);
    bench.sends(ALICE, "hello").await;
}

#[tokio::test]
async fn a_connection_drops_before_or_after_the_effect() {
    let bench = Bench::new().await;
    let address = bench.address("sendMessage");
    for (fault, count) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        bench.telegram.fail("sendMessage", [fault]);
        // A fresh client: a pooled connection would be tried again by the client itself.
        let answer = Client::new().post(&address).json(&hello()).send().await;
        assert!(answer.is_err(), "{answer:?}");
        assert_eq!(bench.telegram.messages(ALICE).len(), count);
    }
    bench.telegram.fail(
        "sendMessage",
        [Fault::InvalidJson, Fault::ServerErrorAfter(500)],
    );
    let broken = bench
        .client
        .post(&address)
        .json(&hello())
        .send()
        .await
        .unwrap();
    assert!(broken.json::<Value>().await.is_err());
    assert_eq!(bench.call("sendMessage", hello()).await.0, 500);
    assert_eq!(bench.telegram.messages(ALICE).len(), 3);
}

#[tokio::test]
async fn a_gate_holds_a_call_before_or_after_the_effect() {
    let bench = Bench::new().await;
    for (hold, count) in [
        (Fault::HoldBefore as fn(Gate) -> Fault, 0),
        (Fault::HoldAfter, 2),
    ] {
        let gate = Gate::new();
        bench.telegram.fail("sendMessage", [hold(gate.clone())]);
        let watch = async {
            gate.wait_for_arrivals(1).await;
            assert_eq!(bench.telegram.messages(ALICE).len(), count);
            gate.open();
        };
        let ((status, _), ()) = tokio::join!(bench.call("sendMessage", hello()), watch);
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_before_the_effect_leaves_none() {
    let bench = Bench::new().await;
    let gate = Gate::new();
    bench
        .telegram
        .fail("sendMessage", [Fault::HoldBefore(gate.clone())]);
    tokio::select! {
        answer = bench.call("sendMessage", hello()) => panic!("{answer:?}"),
        () = gate.wait_for_arrivals(1) => {}
    }
    gate.wait_for_departures(1).await;
    gate.open();
    assert!(bench.telegram.messages(ALICE).is_empty());
}

#[tokio::test]
async fn offline_cuts_calls_and_refuses_new_ones() {
    let bench = Bench::new().await;
    let poll = bench
        .client
        .post(bench.address("getUpdates"))
        .json(&json!({ "timeout": 50 }));
    let cut = async {
        bench.telegram.wait_for_calls("getUpdates", 1).await;
        bench.telegram.go_offline();
    };
    let (answer, ()) = tokio::join!(poll.send(), cut);
    assert!(answer.is_err());
    assert!(
        bench
            .client
            .get(bench.address("getMe"))
            .send()
            .await
            .is_err()
    );
    bench.telegram.go_online();
    bench.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn flood_control_counts_sends_and_edits_of_one_chat() {
    let limit = FloodLimit {
        messages: 2,
        window: Duration::from_secs(30),
    };
    let bench = Bench::with(Options {
        flood_limit: Some(limit),
        ..Options::default()
    })
    .await;
    let id = bench.sends(ALICE, "one").await;
    bench
        .ok(
            "editMessageText",
            json!({ "chat_id": ALICE, "message_id": id, "text": "1" }),
        )
        .await;
    for _ in 0..2 {
        let (status, body) = bench.call("sendMessage", hello()).await;
        assert_eq!(status, 429);
        assert_eq!(body["parameters"]["retry_after"], 30);
    }
    bench.sends(BOB, "another chat").await;
    bench.telegram.set_flood_limit(None);
    bench.sends(ALICE, "two").await;
}

#[tokio::test]
async fn a_press_can_be_answered_until_it_is_too_old() {
    let bench = Bench::new().await;
    let keys = json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "y" }]] });
    let ask = json!({ "chat_id": ALICE, "text": "Sure?", "reply_markup": keys });
    let id = bench.ok("sendMessage", ask).await["message_id"]
        .as_i64()
        .unwrap();
    let pressed = bench.telegram.user_presses(ALICE, ALICE, id, "y");
    let update = &bench.ok("getUpdates", json!({})).await[0];
    assert_eq!(update["callback_query"]["data"], "y");
    assert_eq!(update["callback_query"]["message"]["message_id"], id);
    let answer = json!({ "callback_query_id": pressed.query_id, "text": "Done" });
    bench.ok("answerCallbackQuery", answer.clone()).await;
    assert_eq!(
        bench.telegram.callback_answers(&pressed.query_id)[0]["text"],
        "Done"
    );
    bench.telegram.expire_callback(&pressed.query_id);
    assert_eq!(bench.call("answerCallbackQuery", answer).await.0, 400);
}

#[tokio::test]
async fn files_of_people_can_be_downloaded_up_to_a_size() {
    let bench = Bench::new().await;
    let mut big = UserFile::new(FileKind::Document, "big.bin", "x");
    big.claimed_size = Some(20 * 1024 * 1024 + 1);
    let small = UserFile::new(FileKind::Photo, "cat.jpg", "meow");
    bench.telegram.user_sends_file(ALICE, ALICE, big);
    bench.telegram.user_sends_file(ALICE, ALICE, small);
    let updates = bench.ok("getUpdates", json!({})).await;
    let big = json!({ "file_id": updates[0]["message"]["document"]["file_id"] });
    let (status, body) = bench.call("getFile", big).await;
    assert_eq!((status, reason(&body).as_str()), (400, "file is too big"));
    let small = json!({ "file_id": updates[1]["message"]["photo"][0]["file_id"] });
    let path = bench.ok("getFile", small).await["file_path"]
        .as_str()
        .unwrap()
        .to_owned();
    let address = format!(
        "{}/file/bot{}/{path}",
        bench.telegram.url(),
        bench.telegram.token()
    );
    bench.telegram.fail("download", [Fault::ServerError(502)]);
    let failed = bench.client.get(&address).send().await.unwrap();
    assert_eq!(failed.status().as_u16(), 502);
    assert_eq!(
        bench
            .client
            .get(&address)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "meow"
    );
    assert_eq!(bench.telegram.calls("download").len(), 2);
}

#[tokio::test]
async fn people_reply_edit_and_write_into_topics() {
    let bench = Bench::new().await;
    let asked = bench.sends(GROUP, "Who?").await;
    let reply = bench.telegram.user_replies(GROUP, BOB, asked, "me");
    bench.telegram.user_edits(GROUP, reply.message_id, "/me");
    bench.telegram.user_sends_in(FORUM, TOPIC, ALICE, "e4");
    bench
        .telegram
        .user_sends_raw(ALICE, ALICE, json!({ "location": { "latitude": 1.5 } }));
    let updates = bench.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["reply_to_message"]["text"], "Who?");
    assert_eq!(updates[0]["message"]["from"]["first_name"], "Bob");
    assert_eq!(
        updates[1]["edited_message"]["entities"][0]["type"],
        "bot_command"
    );
    assert_eq!(updates[2]["message"]["message_thread_id"], TOPIC);
    assert_eq!(updates[2]["message"]["chat"]["is_forum"], true);
    assert_eq!(updates[3]["message"]["location"]["latitude"], 1.5);
}

#[tokio::test]
async fn waiting_ends_with_the_event_or_with_a_readable_failure() {
    let options = Options {
        wait_timeout: Duration::from_millis(20),
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let wait = bench
        .telegram
        .wait_for(ALICE, |messages| messages.len() == 2);
    let send = async {
        bench.sends(ALICE, "one").await;
        bench.sends(ALICE, "two").await;
    };
    bench
        .telegram
        .with(|state| state.options.wait_timeout = Duration::from_secs(10));
    let (messages, ()) = tokio::join!(wait, send);
    assert_eq!(messages[1].text, "two");
    assert_eq!(bench.telegram.wait_for_text(ALICE, "on").await.text, "one");
    bench
        .telegram
        .with(|state| state.options.wait_timeout = Duration::from_millis(20));
    let telegram = bench.telegram.clone();
    let failure = tokio::spawn(async move { telegram.wait_for_text(ALICE, "three").await });
    let panic = failure.await.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().unwrap();
    for part in [
        "messages.rs",
        "never wrote \"three\"",
        "bot: \"two\"",
        "sendMessage",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
}
