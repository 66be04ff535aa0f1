//! Files on their way and at rest: kept, looked at again, cut off, stopped, mended.

use image::ImageFormat;
use serde_json::{Value, json};

use super::attachments::{file, parts, sends};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{Fault, FileKind};
use crate::support::pictures::picture;
use crate::support::test_bot::{ALICE, TestBot};

const FILES: (&str, &str) = ("tools.file_storage.enabled", "true");

#[tokio::test]
async fn files_are_kept_and_can_be_looked_at_again() {
    let bot = TestBot::with(&[FILES, ("tools.file_storage.save_incoming_uploads", "true")]).await;
    let photo = picture(40, 30, ImageFormat::Png);
    let another = picture(41, 30, ImageFormat::Png);
    bot.model([Reply::text("A gradient."), Reply::text("Another.")]);
    for (answer, photo) in [("A gradient.", &photo), ("Another.", &another)] {
        sends(
            &bot,
            file(FileKind::Photo, "p.png", photo.clone(), "keep it"),
        );
        bot.alice().replies(answer).await;
    }
    let folder = bot.settings.files_root().join("chats/1001/uploads");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    let first = names.iter().min_by_key(|name| name.len()).unwrap();
    assert_eq!(std::fs::read(folder.join(first)).unwrap(), photo);
    let body = bot.provider.requests()[0].body.to_string();
    let path = format!(
        "uploads/{}",
        names.iter().min_by_key(|name| name.len()).unwrap()
    );
    assert!(body.contains(&format!("It is kept as {path}.")), "{body}");
    let look = json!({ "path": path, "as": "image", "text": "once more" });
    bot.model([
        Reply::tools([("self_insert_artifact", look)]),
        Reply::text("It is green."),
    ]);
    bot.says("what colour was the first?")
        .await
        .replies("It is green.")
        .await;
    let request = bot.provider.requests().pop().unwrap();
    let expected = json!([
        { "type": "text", "text": "once more" },
        { "type": "image_url", "image_url": { "url": format!("data:image/png {}", photo.len()) } },
    ]);
    assert_eq!(Value::from(parts(&request)), expected);
    let roles: Vec<&str> = request
        .messages()
        .iter()
        .filter_map(|one| one["role"].as_str())
        .collect();
    assert_eq!(roles[roles.len() - 3..], ["assistant", "tool", "user"]);
    // Only within its turn.
    bot.model([Reply::text("Yes.")]);
    bot.says("sure?").await.replies("Yes.").await;
    let body = bot.provider.requests().pop().unwrap().body.to_string();
    assert!(
        !body.contains("base64") && body.contains("[picture, kept as uploads/"),
        "{body}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn what_cannot_be_inserted_is_said_to_the_model() {
    let bot = TestBot::with(&[FILES]).await;
    let cases = [
        (json!({ "path": "../x", "as": "image" }), "bad_arguments"),
        (json!({ "path": "nothing.png", "as": "image" }), "not_found"),
        (json!({ "path": "x.png", "as": "picture" }), "bad_arguments"),
        (
            json!({ "path": "x.png", "as": "file", "role": "system" }),
            "bad_arguments",
        ),
    ];
    for (arguments, code) in cases {
        bot.model([
            Reply::tools([("self_insert_artifact", arguments)]),
            Reply::text("No."),
        ]);
        bot.says("look").await.replies("No.").await;
        let request = bot.provider.requests().pop().unwrap();
        let result = request.last_text("tool").unwrap();
        assert!(result.contains(&format!("\"code\":\"{code}\"")), "{result}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn what_nobody_can_read_is_kept_for_tools() {
    let bot = TestBot::with(&[FILES]).await;
    bot.model([Reply::text("I can unpack it.")]);
    let zip = b"PK\x03\x04\x00\x00\x00\x00 and more".to_vec();
    sends(&bot, file(FileKind::Document, "../../a.zip", zip, ""));
    bot.alice().replies("I can unpack it.").await;
    let body = bot.provider.requests()[0].body.to_string();
    assert!(
        body.contains(
            "I cannot read files of the type application/zip. It is kept as uploads/temp/"
        ),
        "{body}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_stop_ends_a_download() {
    let bot = TestBot::new().await;
    let gate = crate::support::gate::Gate::new();
    bot.telegram
        .fail("download", [Fault::HoldBefore(gate.clone())]);
    sends(&bot, file(FileKind::Document, "a.txt", "words", "read it"));
    gate.wait_for_arrivals(1).await;
    bot.says("/stop").await.replies("Stopped.").await;
    gate.open();
    bot.finish().await;
}

#[tokio::test]
async fn a_download_that_never_ends_is_cut_off_at_the_limit() {
    let bot = TestBot::new().await;
    bot.telegram.fail("download", [Fault::Endless]);
    sends(&bot, file(FileKind::Document, "a.txt", "words", ""));
    bot.alice()
        .replies("I did not read a.txt: it is larger than the limit of 10.0 MB.")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn a_part_of_an_album_that_comes_seconds_later_has_its_own_answer() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Two."), Reply::text("One more.")]);
    let part = || {
        let mut part = file(
            FileKind::Photo,
            "p.png",
            picture(9, 9, ImageFormat::Png),
            "",
        );
        part.media_group_id = Some("album".to_owned());
        part
    };
    sends(&bot, part());
    sends(&bot, part());
    bot.alice().replies("Two.").await;
    sends(&bot, part());
    bot.alice().replies("One more.").await;
    let counts: Vec<usize> = bot
        .provider
        .requests()
        .iter()
        .map(|one| parts(one).len())
        .collect();
    assert_eq!(counts, [2, 1]);
    bot.finish().await;
}

#[tokio::test]
async fn a_caption_that_is_mended_keeps_its_picture() {
    let bot = TestBot::new().await;
    let gate = crate::support::gate::Gate::new();
    bot.model([Reply::text("One.").held(&gate), Reply::text("Two.")]);
    bot.alice().writes("first");
    gate.wait_for_arrivals(1).await;
    let photo = file(
        FileKind::Photo,
        "p.png",
        picture(9, 9, ImageFormat::Png),
        "wrong",
    );
    let sent = bot.telegram.user_sends_file(ALICE, ALICE, photo);
    let edit = bot.telegram.user_edits(ALICE, sent.message_id, "right");
    bot.telegram.wait_for_confirmation(edit.update_id).await;
    gate.open();
    bot.alice().replies("One.").await.replies("Two.").await;
    let asked = parts(&bot.provider.requests()[1]);
    assert_eq!((asked[0]["text"].as_str(), asked.len()), (Some("right"), 2));
    bot.finish().await;
}
