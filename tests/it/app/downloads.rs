//! Files on their way from Telegram: what goes wrong, and what is told of it.

use chrono::TimeDelta;
use serde_json::json;

use super::attachments::{file, parts, sends};
use super::file_tools::ON;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{Fault, FileKind, UserFile};
use crate::support::machine::SmallDisk;
use crate::support::test_bot::{ALICE, TestBot};

fn words() -> UserFile {
    file(FileKind::Document, "a.txt", "words", "")
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let bot = TestBot::new().await;
    bot.telegram
        .fail("getFile", [Fault::TooManyRequests { retry_after: 30 }]);
    bot.model([Reply::text("Read.")]);
    sends(&bot, words());
    bot.telegram.wait_for_calls("getFile", 1).await;
    bot.bob().says("/whoami").await.replies_with("Bob").await;
    assert_eq!(bot.telegram.calls("getFile").len(), 1);
    while bot.telegram.calls("getFile").len() < 2 {
        bot.advance(TimeDelta::seconds(30));
        bot.bob().says("/whoami").await.replies_with("Bob").await;
    }
    bot.alice().replies("Read.").await;
    assert_eq!(bot.telegram.calls("getFile").len(), 2);
    // One that asks for too long is not waited for.
    bot.telegram
        .fail("getFile", [Fault::TooManyRequests { retry_after: 4_000 }]);
    sends(&bot, words());
    bot.alice()
        .replies("I did not read a.txt: it could not be fetched just now; please send it again.")
        .await;
    bot.finish().await;
}

/// What a Bot API server of one's own answers that runs with `--local`.
fn lies_at(path: &std::path::Path) -> Fault {
    let result = json!({ "file_id": "f", "file_unique_id": "u", "file_path": path });
    Fault::Answer {
        status: 200,
        body: json!({ "ok": true, "result": result }).to_string(),
    }
}

#[tokio::test]
async fn a_server_of_ones_own_names_files_of_this_machine() {
    let bot = TestBot::new().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("f");
    std::fs::write(&place, "from the disk").unwrap();
    bot.telegram.fail("getFile", [lies_at(&place)]);
    bot.model([Reply::text("Read.")]);
    sends(&bot, words());
    bot.alice().replies("Read.").await;
    let text = bot.provider.requests()[0].last_user_text();
    assert!(text.contains("from the disk"), "{text}");
    assert_eq!(bot.telegram.calls("download").len(), 0);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&place, &link).unwrap();
    for odd in [link, folder.path().to_owned(), folder.path().join("gone")] {
        bot.telegram.fail("getFile", [lies_at(&odd)]);
        sends(&bot, words());
        bot.alice()
            .replies("I did not read a.txt: it is no longer there; please send it again.")
            .await;
    }
    // The limit holds there too, whatever was claimed.
    std::fs::write(&place, vec![b'x'; 10_000_001]).unwrap();
    bot.telegram.fail("getFile", [lies_at(&place)]);
    sends(&bot, words());
    bot.alice()
        .replies("I did not read a.txt: it is larger than the limit of 10.0 MB.")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn the_files_of_a_message_have_one_limit_together_whatever_was_claimed() {
    let limit = ("channels.telegram.max_total_media_bytes", "1000");
    let bot = TestBot::with(&[limit]).await;
    bot.model([Reply::text("Two.")]);
    for (name, size) in [("a.txt", 600), ("b.txt", 500), ("c.txt", 300)] {
        let mut part = file(FileKind::Document, name, vec![b'x'; size], "");
        part.claimed_size = Some(10);
        part.media_group_id = Some("album".to_owned());
        sends(&bot, part);
    }
    bot.alice()
        .replies("I did not read b.txt: the files of one message may have 1.0 kB together.")
        .await
        .replies("Two.")
        .await;
    let body = bot.provider.requests()[0].body.to_string();
    assert!(
        body.contains(&"x".repeat(600)) && body.contains("c.txt"),
        "{body}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_next_file_is_read_again() {
    let Some(disk) = SmallDisk::mount(12 * 1024) else {
        return;
    };
    let place = disk.path().join("data").display().to_string();
    let bot = TestBot::with(&[("runtime.data_dir", &place)]).await;
    let filling = disk.path().join("filling");
    let mut size = 12 << 20;
    // All but half a megabyte.
    while std::fs::write(&filling, vec![0; size]).is_err() {
        size -= 1 << 18;
    }
    std::fs::write(&filling, vec![0; size - (1 << 19)]).unwrap();
    sends(
        &bot,
        file(FileKind::Document, "a.txt", vec![b'x'; 3_000_000], ""),
    );
    bot.alice()
        .replies("I did not read a.txt: there was no room for it here; please send it again later.")
        .await;
    bot.model([Reply::text("Read.")]);
    sends(&bot, words());
    bot.alice().replies("Read.").await;
    bot.finish().await;
}

#[tokio::test]
async fn what_is_kept_for_a_day_goes_after_a_day() {
    let bot = TestBot::with(&[ON]).await;
    bot.model([Reply::text("One."), Reply::text("Two.")]);
    for (name, answer) in [("old.txt", "One."), ("new.txt", "Two.")] {
        sends(&bot, file(FileKind::Document, name, "words", ""));
        bot.alice().replies(answer).await;
    }
    let folder = bot.settings.files_root().join("chats/1001/uploads/temp");
    let touch = |name: &str, age: TimeDelta| {
        use minibot::core::clock::Clock;
        let file = std::fs::File::options().write(true).open(folder.join(name));
        let at = std::time::SystemTime::from(bot.clock.now() - age);
        file.unwrap().set_modified(at).unwrap();
    };
    touch("old.txt", TimeDelta::hours(25));
    touch("new.txt", TimeDelta::hours(1));
    let gone = async |name: &str| {
        while folder.join(name).exists() {
            bot.bob().says("/whoami").await.replies_with("Bob").await;
        }
    };
    bot.advance(TimeDelta::minutes(6));
    gone("old.txt").await;
    assert!(folder.join("new.txt").exists());
    while folder.join("new.txt").exists() {
        bot.advance(TimeDelta::hours(7));
        bot.bob().says("/whoami").await.replies_with("Bob").await;
    }
    bot.finish().await;
}

#[tokio::test]
async fn two_files_of_one_name_are_two_files() {
    let bot = TestBot::with(&[ON]).await;
    for (content, path) in [
        ("one", "uploads/temp/a.txt"),
        ("two", "uploads/temp/a (2).txt"),
        ("one", "uploads/temp/a.txt"),
    ] {
        bot.model([Reply::text("Read.")]);
        sends(&bot, file(FileKind::Document, "a.txt", content, ""));
        bot.alice().replies("Read.").await;
        let request = bot.provider.requests().pop().unwrap();
        let told = parts(&request)[0]["text"].as_str().unwrap().to_owned();
        assert!(told.contains(&format!("It is kept as {path}.")), "{told}");
    }
    let folder = bot.settings.files_root().join("chats/1001/uploads/temp");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn a_file_that_is_replied_to_is_kept_once() {
    let bot = TestBot::with(&[ON]).await;
    bot.model([
        Reply::text("One."),
        Reply::text("Two."),
        Reply::text("Three."),
    ]);
    let sent = sends_and_tells(&bot, words());
    bot.alice().replies("One.").await;
    for answer in ["Two.", "Three."] {
        bot.telegram.user_replies(ALICE, ALICE, sent, "and this?");
        bot.alice().replies(answer).await;
    }
    let folder = bot.settings.files_root().join("chats/1001/uploads/temp");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    bot.finish().await;
}

fn sends_and_tells(bot: &TestBot, file: UserFile) -> i64 {
    bot.telegram.user_sends_file(ALICE, ALICE, file).message_id
}

#[tokio::test]
async fn what_could_not_be_kept_is_said_to_the_person_and_the_model() {
    let keep = ("tools.file_storage.save_incoming_uploads", "true");
    let quota = ("tools.file_storage.quota_bytes", "1000");
    let bot = TestBot::with(&[ON, keep, quota]).await;
    bot.model([Reply::text("Read.")]);
    sends(
        &bot,
        file(FileKind::Document, "a.txt", vec![b'x'; 1_001], "keep it"),
    );
    bot.alice()
        .replies("I did not keep a.txt: the workspace is full: 0 of 1000 bytes are used, and this needs 1001; delete something.")
        .await
        .replies("Read.")
        .await;
    let body = bot.provider.requests()[0].body.to_string();
    assert!(
        body.contains("It is not kept: the workspace is full"),
        "{body}"
    );
    bot.finish().await;
}
