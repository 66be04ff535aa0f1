//! Files that a model sends.

use std::io::Cursor;

use chrono::TimeDelta;
use serde_json::json;

use super::file_tools::{ON, call, put};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeMessage, Fault, FileKind};
use crate::support::test_bot::{ALICE, TestBot};

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::GrayImage::new(width, height);
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// Waits for so many messages with files.
async fn files(bot: &TestBot, count: usize) -> Vec<FakeMessage> {
    let look = move |messages: &[FakeMessage]| {
        let files = messages.iter().filter(|one| one.file.is_some());
        let files: Vec<FakeMessage> = files.cloned().collect();
        (files.len() >= count).then_some(files)
    };
    let found = bot.telegram.find(ALICE, look).await;
    found.unwrap_or_else(|| panic!("{}", bot.telegram.dump()))
}

/// How many copies wait.
fn copies(bot: &TestBot) -> usize {
    std::fs::read_dir(bot.settings.outgoing_copies()).map_or(0, Iterator::count)
}

#[tokio::test]
async fn each_file_arrives_as_what_it_is_with_its_caption() {
    let bot = TestBot::with(&[ON]).await;
    let opus = [b"OggS".as_slice(), &[0; 24], b"OpusHead", &[0; 40]].concat();
    let caption = format!("**{}**", "x".repeat(2000));
    for (name, bytes, wanted, kind) in [
        ("a.png", png(40, 30), json!(null), FileKind::Photo),
        ("b.png", png(40, 30), json!("document"), FileKind::Document),
        ("long.png", png(2100, 10), json!(null), FileKind::Document),
        ("v.ogg", opus, json!("auto"), FileKind::Voice),
        ("t.txt", b"text".to_vec(), json!(null), FileKind::Document),
    ] {
        put(&bot, name, &bytes);
        let arguments = json!({ "path": name, "caption": caption, "as": wanted });
        let done = format!("{name} is on its way.");
        let answers = [Reply::tools([("send_file", arguments)]), Reply::text(&done)];
        bot.model(answers).says("send it").await;
        bot.telegram.wait_for_text(ALICE, &done).await;
        bot.advance(TimeDelta::seconds(2));
        let look = move |messages: &[FakeMessage]| {
            let named =
                |one: &&FakeMessage| one.file.as_ref().is_some_and(|file| file.name == name);
            messages.iter().find(named).cloned()
        };
        let sent = bot.telegram.find(ALICE, look).await.unwrap();
        let file = sent.file.unwrap();
        assert_eq!((file.kind, file.name.as_str()), (kind, name));
        assert_eq!(&file.bytes[..], bytes);
        assert_eq!(sent.text, "x".repeat(1024));
        bot.alice().has_read_all();
    }
    // Units are those of UTF-16, and no character is cut in two.
    let faces = json!({ "path": "t.txt", "caption": format!("x{}", "😀".repeat(600)) });
    bot.model([Reply::tools([("send_file", faces)]), Reply::text("There.")]);
    bot.says("send it").await;
    bot.telegram.wait_for_text(ALICE, "There.").await;
    let cut = format!("x{}", "😀".repeat(511));
    bot.telegram.wait_for_text(ALICE, &cut).await;
    bot.alice().has_read_all();
    let refused = call(&bot, "send_file", json!({ "path": "t.txt", "as": "photo" })).await;
    assert_eq!(refused["code"], "bad_arguments");
    bot.finish().await;
}

#[tokio::test]
async fn pictures_of_one_step_are_an_album_of_what_they_were_then() {
    let bot = TestBot::with(&[ON]).await;
    let pictures: Vec<Vec<u8>> = (1..=3).map(|side| png(side * 10, 10)).collect();
    for (number, picture) in pictures.iter().enumerate() {
        put(&bot, &format!("{number}.png"), picture);
    }
    let sends = (0..3).map(|number| {
        let path = format!("{number}.png");
        (
            "send_file",
            json!({ "path": path, "caption": format!("*{number}*") }),
        )
    });
    bot.model([Reply::tools(sends), Reply::text("Sent.")]);
    bot.says("send them").await.replies("Sent.").await;
    for number in 0..3 {
        put(&bot, &format!("{number}.png"), "replaced");
    }
    bot.advance(TimeDelta::seconds(2));
    let sent = files(&bot, 3).await;
    assert_eq!(bot.telegram.calls("sendMediaGroup").len(), 1);
    for ((number, message), picture) in sent.iter().enumerate().zip(&pictures) {
        assert_eq!(message.text, number.to_string());
        assert_eq!(&message.file.as_ref().unwrap().bytes[..], picture);
    }
    bot.alice().has_read_all();
    bot.finish().await;
}

/// Sends these as pictures in one step, and lets them settle.
async fn send_at_once(bot: &TestBot, names: &[&str]) {
    let calls = names
        .iter()
        .map(|name| ("send_file", json!({ "path": name })));
    bot.model([Reply::tools(calls), Reply::text("Sent.")]);
    bot.says("send them").await.replies("Sent.").await;
    bot.advance(TimeDelta::seconds(2));
}

#[tokio::test]
async fn pictures_that_are_too_much_for_one_album_are_two() {
    let bot = TestBot::with(&[ON]).await;
    let names = ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"];
    for name in names {
        let mut picture = png(40, 30);
        picture.resize(9_900_000, 0);
        put(&bot, name, picture);
    }
    send_at_once(&bot, &names).await;
    bot.advance(TimeDelta::seconds(2));
    let sent = files(&bot, 6).await;
    let arrived: Vec<&str> = sent
        .iter()
        .map(|one| one.file.as_ref().unwrap().name.as_str())
        .collect();
    assert_eq!(arrived, names);
    let outcomes: Vec<u16> = bot
        .telegram
        .calls("sendMediaGroup")
        .iter()
        .filter_map(|call| call.outcome.clone())
        .map(|(status, _)| status)
        .collect();
    assert_eq!(outcomes, [200, 200]);
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn an_album_that_is_refused_as_too_large_arrives_in_parts() {
    let bot = TestBot::with(&[ON]).await.expecting_refusals();
    let names = ["0.png", "1.png", "2.png", "3.png", "4.png"];
    for name in names {
        put(&bot, name, png(40, 30));
    }
    let too_large = || Fault::Answer {
        status: 413,
        body: r#"{"ok":false,"error_code":413,"description":"Request Entity Too Large"}"#
            .to_owned(),
    };
    bot.telegram
        .fail("sendMediaGroup", [too_large(), too_large()]);
    send_at_once(&bot, &names).await;
    let sent = files(&bot, 5).await;
    let mut arrived: Vec<&str> = sent
        .iter()
        .map(|one| one.file.as_ref().unwrap().name.as_str())
        .collect();
    arrived.sort_unstable();
    assert_eq!(arrived, names);
    assert!(
        sent.iter()
            .all(|one| one.file.as_ref().unwrap().kind == FileKind::Photo)
    );
    bot.alice().has_read_all();
    let mut bot = bot;
    bot.stop().await;
    assert_eq!(copies(&bot), 0);
}

#[tokio::test]
async fn what_is_too_large_for_a_bot_is_said_clearly() {
    let bot = TestBot::with(&[ON]).await;
    let place = put(&bot, "a.bin", "x");
    let file = std::fs::File::options().write(true).open(place).unwrap();
    file.set_len(50 * 1024 * 1024 + 1).unwrap();
    let refused = call(&bot, "send_file", json!({ "path": "a.bin" })).await;
    assert_eq!(refused["code"], "too_large");
    let why = refused["error"].as_str().unwrap();
    assert!(
        why.contains("a bot can send at most 50 MB, so compress or split it"),
        "{why}"
    );
    assert_eq!(copies(&bot), 0);
    bot.finish().await;
}

#[tokio::test]
async fn a_queued_file_survives_a_restart_and_its_copy_does_not_stay() {
    let mut bot = TestBot::with(&[ON]).await.expecting_refusals();
    put(&bot, "a.txt", "before");
    bot.telegram
        .fail("sendDocument", [Fault::TooManyRequests { retry_after: 3 }]);
    let queued = call(&bot, "send_file", json!({ "path": "a.txt" })).await;
    assert_eq!(queued["ok"], true);
    bot.telegram.wait_for_calls("sendDocument", 1).await;
    bot.stop().await;
    put(&bot, "a.txt", "after");
    let orphan = bot.settings.outgoing_copies().join("orphan");
    std::fs::write(&orphan, "left by a crash").unwrap();
    bot.start().await;
    bot.advance(TimeDelta::seconds(3));
    assert!(!orphan.exists());
    let sent = files(&bot, 1).await;
    assert_eq!(&sent[0].file.as_ref().unwrap().bytes[..], b"before");
    bot.stop().await;
    assert_eq!(copies(&bot), 0);
}
