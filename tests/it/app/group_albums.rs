//! Albums in groups: of the parts only one says for whom the album is.

use chrono::TimeDelta;
use image::ImageFormat;
use sqlx::{Connection, SqliteConnection};

use super::attachments::{file, parts};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{Fault, FileKind, SentUpdate, UserFile};
use crate::support::gate::Gate;
use crate::support::pictures::picture;
use crate::support::test_bot::{ALICE, TestBot};

const GROUP: i64 = -500;
const MEANT: &str = "@fake_mini_bot what do they show?";

/// Longer than any machine is slow; the clock leaps over it.
const SETTLE: (&str, &str) = ("channels.telegram.album_settle_ms", "60000");

async fn in_group() -> TestBot {
    let bot = TestBot::with(&[SETTLE]).await;
    bot.telegram.add_group(GROUP, "Friends");
    bot
}

fn part(album: &str, caption: &str) -> UserFile {
    let bytes = picture(9, 9, ImageFormat::Png);
    UserFile {
        media_group_id: Some(album.to_owned()),
        ..file(FileKind::Photo, "p.png", bytes, caption)
    }
}

fn sends(bot: &TestBot, file: UserFile) -> SentUpdate {
    bot.telegram.user_sends_file(GROUP, ALICE, file)
}

/// Sends, and waits until the bot has stored it: what comes next is another batch.
async fn brings(bot: &TestBot, file: UserFile) {
    let sent = sends(bot, file);
    bot.telegram.wait_for_confirmation(sent.update_id).await;
}

/// How many parts each request has: the words, and the pictures.
fn counts(bot: &TestBot) -> Vec<usize> {
    let requests = bot.provider.requests();
    requests.iter().map(|one| parts(one).len()).collect()
}

async fn answers(bot: &TestBot, answer: &str) {
    bot.advance(TimeDelta::seconds(61));
    bot.at(GROUP, ALICE).replies(answer).await;
}

#[tokio::test]
async fn all_parts_of_an_album_are_read_of_which_one_is_meant() {
    let bot = in_group().await;
    for (captions, pictures) in [
        (vec![MEANT, "", ""], 3),
        (vec!["", "", MEANT], 3),
        (vec!["a cat", MEANT, "a dog"], 3),
    ] {
        bot.model([Reply::text("Pictures.")]);
        let album = captions.concat();
        let sent = captions
            .iter()
            .map(|caption| sends(&bot, part(&album, caption)));
        let last = sent.last().unwrap();
        bot.telegram.wait_for_confirmation(last.update_id).await;
        answers(&bot, "Pictures.").await;
        let request = bot.provider.requests().pop().unwrap();
        assert_eq!(parts(&request).len(), 1 + pictures, "{captions:?}");
        let text = parts(&request)[0]["text"].as_str().unwrap().to_owned();
        assert!(text.contains("what do they show?"), "{text}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn the_parts_may_come_in_two_batches_in_either_order() {
    let bot = in_group().await;
    bot.model([Reply::text("One."), Reply::text("Two.")]);
    brings(&bot, part("a", "")).await;
    brings(&bot, part("a", MEANT)).await;
    answers(&bot, "One.").await;
    brings(&bot, part("b", MEANT)).await;
    brings(&bot, part("b", "")).await;
    answers(&bot, "Two.").await;
    assert_eq!(counts(&bot), [3, 3]);
    // One that comes when the question has been answered is a question of its own, as in private.
    bot.model([Reply::text("Three.")]);
    brings(&bot, part("b", "")).await;
    answers(&bot, "Three.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_part_that_came_before_a_restart_is_not_lost() {
    let mut bot = in_group().await;
    brings(&bot, part("a", "")).await;
    bot.stop().await;
    let meant = sends(&bot, part("a", MEANT));
    bot.model([Reply::text("Two.")]);
    bot.start().await;
    bot.telegram.wait_for_confirmation(meant.update_id).await;
    answers(&bot, "Two.").await;
    assert_eq!(counts(&bot), [3]);
    bot.finish().await;
}

#[tokio::test]
async fn a_part_that_came_before_a_restart_waits_until_telegram_is_reached() {
    let mut bot = TestBot::with(&[("channels.telegram.album_settle_ms", "30000")]).await;
    bot.telegram.add_group(GROUP, "Friends");
    brings(&bot, part("a", "")).await;
    bot.stop().await;
    let meant = sends(&bot, part("a", MEANT));
    let gate = Gate::new();
    bot.telegram
        .fail("getUpdates", [Fault::HoldBefore(gate.clone())]);
    bot.model([Reply::text("Two.")]);
    bot.start().await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(45));
    gate.open();
    bot.telegram.wait_for_confirmation(meant.update_id).await;
    answers(&bot, "Two.").await;
    assert_eq!(counts(&bot), [3]);
    bot.finish().await;
}

#[tokio::test]
async fn what_nobody_meant_goes_even_when_the_database_is_held_at_that_moment() {
    let bot = TestBot::with(&[SETTLE, ("storage.busy_timeout_ms", "1")]).await;
    bot.telegram.add_group(GROUP, "Friends");
    brings(&bot, part("a", "a secret")).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(bot.settings.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut database)
        .await
        .unwrap();
    bot.advance(TimeDelta::seconds(61));
    bot.clock.someone_sleeps(900..1_001).await;
    sqlx::query("COMMIT").execute(&mut database).await.unwrap();
    bot.advance(TimeDelta::seconds(2));
    let held = "SELECT count(*) FROM held_parts";
    while sqlx::query_scalar::<_, i64>(held)
        .fetch_one(&mut database)
        .await
        .unwrap()
        > 0
    {
        tokio::task::yield_now().await;
    }
    drop(database);
    bot.finish().await;
}

#[tokio::test]
async fn albums_of_others_are_no_answer_and_leave_nothing_behind() {
    let mut bot = in_group().await;
    brings(&bot, part("a", "a secret")).await;
    brings(&bot, part("a", "")).await;
    brings(&bot, part("b", "/help@other_bot")).await;
    let path = bot.settings.database();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let mut held = async || {
        let count = sqlx::query_as("SELECT count(*) FROM held_parts");
        let (count,): (i64,) = count.fetch_one(&mut database).await.unwrap();
        count
    };
    assert_eq!(held().await, 2);
    bot.advance(TimeDelta::seconds(61));
    while held().await > 0 {
        tokio::task::yield_now().await;
    }
    let stored = "SELECT count(*) FROM inbox \
                  WHERE raw IS NOT NULL OR incoming IS NOT NULL OR chat <> '' OR album IS NOT NULL";
    let (stored,): (i64,) = sqlx::query_as(stored)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(stored, 0);
    // What was held while the bot was away goes too.
    brings(&bot, part("c", "another secret")).await;
    bot.stop().await.start().await;
    bot.advance(TimeDelta::seconds(61));
    let left = "SELECT count(*) FROM held_parts";
    while sqlx::query_as::<_, (i64,)>(left)
        .fetch_one(&mut database)
        .await
        .unwrap()
        .0
        > 0
    {
        tokio::task::yield_now().await;
    }
    drop(database);
    assert_eq!(bot.provider.requests().len(), 0);
    bot.finish().await;
}
