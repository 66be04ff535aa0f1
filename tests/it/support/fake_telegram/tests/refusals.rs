//! What is refused, and in which words.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn addresses() {
    let bench = Bench::new().await;
    let token = bench.telegram.token();
    for (path, status, description) in [
        ("bot1:wrong/getMe".to_owned(), 401, "Unauthorized"),
        (format!("bot{token}/getMy"), 404, "Not Found"),
        (format!("bot{token}"), 404, "Not Found"),
        (
            format!("file/bot{token}/documents/none.bin"),
            404,
            "Not Found",
        ),
        (
            "file/bot1:wrong/documents/none.bin".to_owned(),
            401,
            "Unauthorized",
        ),
        (format!("bot{token}/GETME"), 200, ""),
    ] {
        let address = format!("{}/{path}", bench.telegram.url());
        let answer = bench.client.get(address).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            body["description"].as_str().unwrap_or_default(),
            description,
            "{path}"
        );
    }
}

#[tokio::test]
async fn texts_and_places() {
    let bench = Bench::new().await;
    bench.telegram.add_group(-1, "Blocked").block(-1);
    bench.telegram.add_group(-2, "Old").migrate(-2, -1_002);
    bench.telegram.add_group(-3, "Kicked").kick(-3);
    let to = |chat: Value| json!({ "chat_id": chat, "text": "x" });
    let reply = |fields: Value| with(text("x"), "reply_parameters", fields);
    let thread = |chat: i64, id: i64| with(to(json!(chat)), "message_thread_id", json!(id));
    check(
        &bench,
        "sendMessage",
        vec![
            (json!({ "chat_id": ALICE }), 400, "message text is empty"),
            (text(""), 400, "message text is empty"),
            (text(" \n\t"), 400, "message text is empty"),
            (text("\u{200B}\u{2800}"), 400, "message text is empty"),
            (text(&"x".repeat(4096)), 200, ""),
            (text(&"x".repeat(4097)), 400, "message is too long"),
            (text(&"😀".repeat(2048)), 200, ""),
            (text(&"😀".repeat(2049)), 400, "message is too long"),
            (json!({ "text": "x" }), 400, "chat_id is empty"),
            (to(json!(4)), 400, "chat not found"),
            (to(json!("@nobody")), 400, "chat not found"),
            (to(json!(ALICE.to_string())), 200, ""),
            (to(json!(-1)), 403, "Forbidden: bot was blocked by the user"),
            (
                to(json!(-2)),
                400,
                "group chat was upgraded to a supergroup chat",
            ),
            (to(json!(-3)), 403, "Forbidden: bot was kicked"),
            (
                reply(json!({ "message_id": 999 })),
                400,
                "message to be replied not found",
            ),
            (
                reply(json!({ "message_id": 999, "allow_sending_without_reply": true })),
                200,
                "",
            ),
            (reply(json!({})), 400, "can't parse reply parameters"),
            (
                with(text("x"), "reply_to_message_id", json!(999)),
                400,
                "replied not found",
            ),
            (thread(FORUM, TOPIC), 200, ""),
            (thread(FORUM, 1), 400, "message thread not found"),
            (thread(FORUM, 78), 400, "message thread not found"),
            (thread(ALICE, TOPIC), 400, "message thread not found"),
            (
                with(text("x"), "message_thread_id", json!("seven")),
                400,
                "must be an integer",
            ),
            (
                with(text("x"), "parse_mode", json!("MarkdownV2")),
                400,
                "unsupported by this fake",
            ),
            (
                with(text("x"), "parse_mode", json!("Rich")),
                400,
                "unsupported parse_mode",
            ),
        ],
    )
    .await;
    let (_, body) = bench.call("sendMessage", to(json!(-2))).await;
    assert_eq!(body["parameters"]["migrate_to_chat_id"], -1_002);
}

#[tokio::test]
async fn edits_and_deletions() {
    let bench = Bench::new().await;
    let own = bench.sends(ALICE, "hello").await;
    let theirs = bench.telegram.user_sends(ALICE, ALICE, "hi").message_id;
    let edit = |id: i64, text: &str| json!({ "chat_id": ALICE, "message_id": id, "text": text });
    let keys = json!({ "inline_keyboard": [[{ "text": "A", "callback_data": "a" }]] });
    let markup = |id: i64| json!({ "chat_id": ALICE, "message_id": id, "reply_markup": keys });
    check(
        &bench,
        "editMessageText",
        vec![
            (
                edit(own, "hello"),
                400,
                "message is not modified: specified new message content",
            ),
            (edit(own, "hello \n"), 400, "message is not modified"),
            (edit(own, "hello you"), 200, ""),
            (edit(own, " "), 400, "message text is empty"),
            (edit(own, &"x".repeat(4097)), 400, "message is too long"),
            (edit(999, "x"), 400, "message to edit not found"),
            (edit(theirs, "x"), 400, "message can't be edited"),
            (
                json!({ "chat_id": ALICE, "text": "x" }),
                400,
                "identifier is not specified",
            ),
            (
                json!({ "chat_id": 5, "message_id": 1, "text": "x" }),
                400,
                "chat not found",
            ),
        ],
    )
    .await;
    check(
        &bench,
        "editMessageReplyMarkup",
        vec![
            (markup(own), 200, ""),
            (markup(own), 400, "message is not modified"),
            (markup(999), 400, "message to edit not found"),
        ],
    )
    .await;
    let delete = |id: i64| json!({ "chat_id": ALICE, "message_id": id });
    check(
        &bench,
        "deleteMessage",
        vec![
            (delete(own), 200, ""),
            (delete(own), 400, "message to delete not found"),
        ],
    )
    .await;
    let edits = bench.telegram.deleted(ALICE)[0].edits().len();
    assert_eq!(edits, 2);
}

#[tokio::test]
async fn small_methods() {
    let bench = Bench::new().await;
    let action = |chat: i64, action: &str| json!({ "chat_id": chat, "action": action });
    check(
        &bench,
        "sendChatAction",
        vec![
            (action(ALICE, "typing"), 200, ""),
            (action(ALICE, "thinking"), 400, "wrong parameter action"),
            (action(4, "typing"), 400, "chat not found"),
            (
                with(action(FORUM, "typing"), "message_thread_id", json!(1)),
                200,
                "",
            ),
            (
                with(action(FORUM, "typing"), "message_thread_id", json!(2)),
                400,
                "thread not found",
            ),
        ],
    )
    .await;
    assert_eq!(bench.telegram.typing(ALICE).len(), 1);
    let commands = |name: &str, about: &str| json!({ "commands": [{ "command": name, "description": about }] });
    check(
        &bench,
        "setMyCommands",
        vec![
            (commands("help", "What I can do"), 200, ""),
            (commands("Help", "x"), 400, "BOT_COMMAND_INVALID"),
            (commands(&"x".repeat(33), "x"), 400, "BOT_COMMAND_INVALID"),
            (commands("help", ""), 400, "BOT_COMMAND_DESCRIPTION_INVALID"),
            (json!({}), 400, "required"),
        ],
    )
    .await;
    assert_eq!(
        bench.ok("getMyCommands", json!({})).await[0]["command"],
        "help"
    );
    let query = json!({ "callback_query_id": "1" });
    let hook = |url: &str| json!({ "url": url });
    let secret = |secret: &str| json!({ "url": "http://127.0.0.1:1/h", "secret_token": secret });
    check(
        &bench,
        "answerCallbackQuery",
        vec![(query, 400, "query is too old")],
    )
    .await;
    check(
        &bench,
        "getFile",
        vec![(json!({ "file_id": "x" }), 400, "invalid file_id")],
    )
    .await;
    check(
        &bench,
        "getChat",
        vec![(json!({ "chat_id": 4 }), 400, "chat not found")],
    )
    .await;
    check(
        &bench,
        "setWebhook",
        vec![
            (hook("https://example.org/"), 400, "loopback only"),
            (hook("nonsense"), 400, "invalid URL"),
            (secret("with space"), 400, "unallowed characters"),
            (secret(&"x".repeat(257)), 400, "unallowed characters"),
        ],
    )
    .await;
}

#[tokio::test]
async fn files() {
    let bench = Bench::new().await;
    let form = || Form::new().text("chat_id", ALICE.to_string());
    let media = |kinds: &[&str]| {
        let item = |kind: &&str| json!({ "type": kind, "media": "attach://a" });
        let items: Vec<Value> = kinds.iter().map(item).collect();
        form()
            .text("media", json!(items).to_string())
            .part("a", part("a.txt", "hello"))
    };
    let document = || part("a.txt", "hello");
    let caption = |length: usize| {
        form()
            .text("caption", "x".repeat(length))
            .part("document", document())
    };
    let photo = |size: usize| form().part("photo", part("a.jpg", vec![0; size]));
    let group = "sendMediaGroup";
    for (method, form, status, wanted) in [
        ("sendDocument", caption(1024), 200, ""),
        (
            "sendDocument",
            caption(1025),
            400,
            "message caption is too long",
        ),
        (
            "sendDocument",
            form(),
            400,
            "there is no document in the request",
        ),
        (
            "sendDocument",
            form().part("document", part("a", "")),
            400,
            "must be non-empty",
        ),
        (
            "sendDocument",
            form().text("document", "attach://b"),
            400,
            "file is missing",
        ),
        (
            "sendDocument",
            form().text("document", "https://a.b/c"),
            400,
            "HTTP URL content",
        ),
        (
            "sendDocument",
            form().text("document", "unknown"),
            400,
            "wrong remote file",
        ),
        (
            "sendDocument",
            form().text("document", "attach://b").part("b", document()),
            200,
            "",
        ),
        ("sendPhoto", photo(10), 200, ""),
        ("sendPhoto", photo(10 * 1024 * 1024 + 1), 400, "too big"),
        (
            "sendVoice",
            form().part("voice", part("a.ogg", "x")),
            200,
            "",
        ),
        (group, media(&["document"]), 400, "2-10 items"),
        (group, media(&["document"; 11]), 400, "2-10 items"),
        (group, media(&["document", "photo"]), 400, "can't be mixed"),
        (
            group,
            media(&["document", "voice"]),
            400,
            "unexpected media type",
        ),
        (group, media(&["document", "document"]), 200, ""),
    ] {
        let (given, body) = bench.upload(method, form).await;
        assert_eq!(given, status, "{method}: {body}");
        assert!(
            reason(&body).contains(wanted),
            "{method}: wanted {wanted:?}, got {body}"
        );
    }
    let sent = bench.telegram.messages(ALICE);
    assert_eq!(sent.len(), 6);
    assert_eq!(&*sent[0].file.as_ref().unwrap().bytes, b"hello");
    let edit = json!({ "chat_id": ALICE, "message_id": sent[0].id, "text": "x" });
    check(
        &bench,
        "editMessageText",
        vec![(edit, 400, "there is no text in the message")],
    )
    .await;
}
