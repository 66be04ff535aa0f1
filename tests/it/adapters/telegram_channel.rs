//! Sending and editing against a strict server, and what each failure means.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use minibot::adapters::telegram::config::TelegramConfig;
use minibot::adapters::telegram::{ApiError, TelegramChannel, TelegramSettings};
use minibot::core::channel::{Channel, ChatTarget, DeliveryError, Urgency};
use minibot::core::http_url::HttpUrl;
use minibot::core::ids::{ChannelName, ChatId, MessageId, ThreadId};
use minibot::core::markup::{FormattedText, Span, Style};
use minibot::core::outbox::{Button, Outgoing};
use serde_json::{Value, json};

use crate::support::fake_telegram::{FakeTelegram, Fault};

const OWNER: i64 = 42;
const FORUM: i64 = -1_000_700;
const TOPIC: i64 = 77;

struct World {
    telegram: FakeTelegram,
    channel: TelegramChannel,
}

fn channel_at(url: &str, token: String) -> TelegramChannel {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let api_url = HttpUrl::parse(url).unwrap();
    let config = TelegramConfig {
        api_url,
        ..TelegramConfig::default()
    };
    let settings = TelegramSettings::new(&config, token.into());
    TelegramChannel::new(&settings).unwrap()
}

async fn world() -> World {
    let telegram = FakeTelegram::start().await;
    telegram
        .add_private_chat(OWNER, "Ann")
        .add_forum(FORUM, "Club", &[(TOPIC, "Chess")]);
    let channel = channel_at(&telegram.url(), telegram.token());
    World { telegram, channel }
}

fn target(chat: i64, thread: Option<i64>) -> ChatTarget {
    ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new(chat.to_string()),
        thread: thread.map(|id| ThreadId::new(id.to_string())),
    }
}

fn owner() -> ChatTarget {
    target(OWNER, None)
}

impl World {
    async fn sends(&self, content: &Outgoing) -> MessageId {
        self.channel.send(&owner(), content, None).await.unwrap()
    }

    fn last_call(&self, method: &str) -> Value {
        self.telegram.calls(method).last().unwrap().params.clone()
    }
}

#[tokio::test]
async fn styles_go_as_entities_and_previews_are_off() {
    let world = world().await;
    let styled = |start, end, style| Span { start, end, style };
    let text = FormattedText {
        text: "😀 bold, a link, code and more".to_owned(),
        spans: vec![
            styled(5, 9, Style::Bold),
            styled(
                13,
                17,
                Style::Link {
                    url: "https://example.org/a".to_owned(),
                },
            ),
            styled(
                19,
                23,
                Style::Pre {
                    language: Some("rust".to_owned()),
                },
            ),
            styled(24, 27, Style::Spoiler),
            styled(28, 32, Style::Quote),
        ],
    };
    world.sends(&Outgoing::formatted(text.clone())).await;
    let sent = world.last_call("sendMessage");
    assert_eq!(
        sent,
        json!({
            "chat_id": OWNER,
            "text": text.text,
            "entities": [
                { "type": "bold", "offset": 3, "length": 4 },
                { "type": "text_link", "offset": 11, "length": 4, "url": "https://example.org/a" },
                { "type": "pre", "offset": 17, "length": 4, "language": "rust" },
                { "type": "spoiler", "offset": 22, "length": 3 },
                { "type": "blockquote", "offset": 26, "length": 4 },
            ],
            "link_preview_options": { "is_disabled": true },
        })
    );
}

#[tokio::test]
async fn replies_buttons_and_topics_arrive() {
    let world = world().await;
    let button = |label: &str| Button {
        label: label.to_owned(),
        data: format!("b:{label}"),
    };
    let card = Outgoing::Text {
        text: FormattedText::plain("tea"),
        buttons: vec![vec![button("Done"), button("Later")], vec![button("Never")]],
    };
    let gone = MessageId::new("4000");
    world
        .channel
        .send(&target(FORUM, Some(TOPIC)), &card, Some(&gone))
        .await
        .unwrap();
    let sent = world.last_call("sendMessage");
    assert_eq!(sent["message_thread_id"], json!(TOPIC));
    let reply = json!({ "message_id": 4000, "allow_sending_without_reply": true });
    assert_eq!(sent["reply_parameters"], reply);
    let rows = sent["reply_markup"]["inline_keyboard"].as_array().unwrap();
    assert_eq!(
        rows[0][1],
        json!({ "text": "Later", "callback_data": "b:Later" })
    );
    assert_eq!(rows[1].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_general_topic_is_named_only_in_actions() {
    let world = world().await;
    let general = target(FORUM, None);
    world
        .channel
        .send(&general, &Outgoing::plain("hi"), None)
        .await
        .unwrap();
    assert_eq!(
        world.last_call("sendMessage").get("message_thread_id"),
        None
    );
    world.channel.typing(&general).await;
    assert_eq!(world.telegram.typing(FORUM)[0].thread, Some(1));
    world.channel.typing(&target(FORUM, Some(TOPIC))).await;
    assert_eq!(world.telegram.typing(FORUM)[1].thread, Some(TOPIC));
}

#[tokio::test]
async fn a_group_that_cannot_be_asked_about_is_asked_once() {
    let world = world().await;
    world.telegram.fail("getChat", [Fault::ServerError(500)]);
    let general = target(FORUM, None);
    for _ in 0..2 {
        world.channel.typing(&general).await;
    }
    assert_eq!(world.telegram.calls("getChat").len(), 1);
    // What comes back from a message says it then.
    let said = Outgoing::plain("hi");
    world.channel.send(&general, &said, None).await.unwrap();
    world.channel.typing(&general).await;
    assert_eq!(world.telegram.calls("getChat").len(), 1);
    let shown: Vec<_> = world
        .telegram
        .typing(FORUM)
        .iter()
        .map(|typing| typing.thread)
        .collect();
    assert_eq!(shown.last(), Some(&Some(1)));
}

#[tokio::test]
async fn edits_replace_text_and_buttons_and_no_change_is_success() {
    let world = world().await;
    let button = Button {
        label: "Done".to_owned(),
        data: "done".to_owned(),
    };
    let card = Outgoing::Text {
        text: FormattedText::plain("one"),
        buttons: vec![vec![button]],
    };
    let id = world.sends(&card).await;
    let plain = Outgoing::plain("two");
    for _ in 0..2 {
        assert_eq!(world.channel.edit(&owner(), &id, &plain).await, Ok(()));
    }
    let messages = world.telegram.messages(OWNER);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].text, "two");
    let outcomes: Vec<u16> = world
        .telegram
        .calls("editMessageText")
        .iter()
        .map(|call| call.outcome.as_ref().unwrap().0)
        .collect();
    assert_eq!(outcomes, [200, 400]);
}

#[tokio::test]
async fn a_document_is_uploaded_with_its_caption() {
    let world = world().await;
    let document = Outgoing::Document {
        file_name: "answer.md".to_owned(),
        content: "# Long\n".repeat(1000),
        caption: FormattedText {
            text: "Too long for messages".to_owned(),
            spans: vec![Span {
                start: 0,
                end: 3,
                style: Style::Bold,
            }],
        },
    };
    let id = world
        .channel
        .send(&target(FORUM, Some(TOPIC)), &document, None)
        .await
        .unwrap();
    assert!(id.as_str().parse::<i64>().is_ok());
    let message = world.telegram.messages(FORUM).pop().unwrap();
    assert_eq!(message.thread, Some(TOPIC));
    let file = message.file.unwrap();
    assert_eq!((file.name.as_str(), file.bytes.len()), ("answer.md", 7000));
    let gone = world.channel.edit(&owner(), &id, &document).await;
    assert!(
        matches!(gone, Err(DeliveryError::MessageGone(_))),
        "{gone:?}"
    );
}

#[tokio::test]
async fn presses_commands_and_identity() {
    let world = world().await;
    let me = world.channel.identify().await.unwrap();
    assert_eq!(
        (me.id, me.username),
        (world.telegram.bot_id(), world.telegram.bot_username())
    );
    world
        .channel
        .set_commands(&[("help", "What I can do")])
        .await
        .unwrap();
    let commands = json!([{ "command": "help", "description": "What I can do" }]);
    assert_eq!(world.last_call("setMyCommands")["commands"], commands);
    world.channel.answer_press("unknown", Some("Done")).await;
    let answer = json!({ "callback_query_id": "unknown", "text": "Done" });
    assert_eq!(world.last_call("answerCallbackQuery"), answer);
}

fn kind(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Unreachable(_) => "unreachable",
        DeliveryError::Ambiguous(_) => "ambiguous",
        DeliveryError::Garbled(_) => "garbled",
        DeliveryError::RateLimited { .. } => "rate limited",
        DeliveryError::ServiceDown(_) => "down",
        DeliveryError::BadFormatting(_) => "formatting",
        DeliveryError::MessageGone(_) => "gone",
        DeliveryError::ChatClosed(_) => "closed",
        DeliveryError::Migrated(_) => "migrated",
        DeliveryError::TopicGone(_) => "topic gone",
        DeliveryError::TopicClosed(_) => "topic closed",
        DeliveryError::TooLarge(_) => "too large",
        DeliveryError::Refused(_) => "refused",
    }
}

#[tokio::test]
async fn faults_of_the_line_and_the_server_are_told_apart() {
    let cases = [
        (Fault::ServerError(500), "down"),
        (Fault::HtmlError(502), "down"),
        (Fault::DropBefore, "ambiguous"),
        (Fault::DropAfter, "ambiguous"),
        (Fault::InvalidJson, "ambiguous"),
        (Fault::TooManyRequests { retry_after: 7 }, "rate limited"),
        (
            Fault::Answer {
                status: 302,
                body: String::new(),
            },
            "down",
        ),
        (
            Fault::Answer {
                status: 200,
                body: "{\"ok\":true,\"result\":{}}".to_owned(),
            },
            "garbled",
        ),
        (
            Fault::Answer {
                status: 413,
                body: "<html>too large</html>".to_owned(),
            },
            "too large",
        ),
    ];
    for (fault, expected) in cases {
        let world = world().await;
        world.telegram.fail("sendMessage", [fault.clone()]);
        let error = world
            .channel
            .send(&owner(), &Outgoing::plain("x"), None)
            .await
            .unwrap_err();
        assert_eq!(kind(&error), expected, "{fault:?}: {error}");
        assert_eq!(
            world.telegram.calls("sendMessage").len(),
            1,
            "no call is repeated: {fault:?}"
        );
    }
}

#[tokio::test]
async fn refusals_of_the_server_lead_to_the_next_step() {
    let world = world().await;
    let send = async |chat: i64, text: &str| {
        let sent = world
            .channel
            .send(&target(chat, None), &Outgoing::plain(text), None)
            .await;
        kind(&sent.unwrap_err())
    };
    assert_eq!(send(4711, "x").await, "closed");
    assert_eq!(send(OWNER, &"x".repeat(4097)).await, "refused");
    world.telegram.block(OWNER);
    assert_eq!(send(OWNER, "x").await, "closed");
    world.telegram.unblock(OWNER).migrate(FORUM, -1_000_800);
    let moved = world
        .channel
        .send(&target(FORUM, None), &Outgoing::plain("x"), None)
        .await;
    assert_eq!(moved, Err(DeliveryError::Migrated(ChatId::new("-1000800"))));

    let bold = Span {
        start: 1,
        end: 2,
        style: Style::Bold,
    };
    let code = Span {
        start: 0,
        end: 3,
        style: Style::Code,
    };
    let tangled = FormattedText {
        text: "tangled".to_owned(),
        spans: vec![code, bold],
    };
    let error = world
        .channel
        .send(&owner(), &Outgoing::formatted(tangled), None)
        .await
        .unwrap_err();
    assert_eq!(kind(&error), "formatting", "{error}");

    let id = world.sends(&Outgoing::plain("here")).await;
    world
        .telegram
        .user_deletes(OWNER, id.as_str().parse().unwrap());
    let error = world
        .channel
        .edit(&owner(), &id, &Outgoing::plain("there"))
        .await
        .unwrap_err();
    assert_eq!(kind(&error), "gone", "{error}");
}

#[tokio::test]
async fn a_429_pauses_the_chat() {
    let world = world().await;
    world.telegram.fail(
        "sendMessage",
        [Fault::TooManyRequests { retry_after: 3600 }],
    );
    let limited = world
        .channel
        .send(&owner(), &Outgoing::plain("x"), None)
        .await;
    let wait = Duration::from_secs(3600);
    assert_eq!(
        limited,
        Err(DeliveryError::RateLimited { retry_after: wait })
    );
    assert!(!world.channel.try_reserve(&owner()));
    assert!(world.channel.try_reserve(&target(FORUM, None)));
    world
        .channel
        .reserve(&target(FORUM, None), Urgency::Interactive)
        .await;
}

#[tokio::test]
async fn the_token_is_in_no_error_and_no_debug_text() {
    let token = "123456:a-very-secret-token";
    let telegram = FakeTelegram::start().await;
    let mut texts = Vec::new();
    for url in [telegram.url(), "http://127.0.0.1:1".to_owned()] {
        let channel = channel_at(&url, token.to_owned());
        texts.push(format!("{channel:?}"));
        let error = channel.identify().await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
        let error = channel
            .send(&owner(), &Outgoing::plain("x"), None)
            .await
            .unwrap_err();
        texts.push(format!("{error} {error:?}"));
    }
    let telling = FakeTelegram::start().await;
    let channel = channel_at(&telling.url(), telling.token());
    let description = format!("Bad Request: {} is no good", telling.token());
    let body = json!({ "ok": false, "error_code": 400, "description": description }).to_string();
    telling.fail("getMe", [Fault::Answer { status: 400, body }]);
    let error = channel.identify().await.unwrap_err();
    texts.push(format!("{error} {error:?}"));
    for text in texts {
        for part in [token, telling.token().as_str(), "/bot"] {
            assert!(!text.contains(part), "{text}");
        }
    }
    assert!(matches!(error, ApiError::Refused(_)));
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let channel = channel_at("http://127.0.0.1:1", "1:x".to_owned());
    let error = channel
        .send(&owner(), &Outgoing::plain("x"), None)
        .await
        .unwrap_err();
    assert_eq!(kind(&error), "unreachable", "{error}");
}
