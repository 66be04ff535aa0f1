//! `/notes`: the list, what its buttons do, and whose notes it shows.

use minibot::app::commands::Commands;
use serde_json::{Value, json};

use super::cards::{press, shown};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeMessage;
use crate::support::test_bot::{ALICE, BOB, Chat, TestBot};

const GROUP: i64 = -100_555;

/// Somebody has these saved.
async fn save(bot: &TestBot, chat: Chat<'_>, notes: &[(&str, &str)]) {
    let calls: Vec<(&str, Value)> = notes
        .iter()
        .map(|(title, data)| ("user_memory_save", json!({ "title": title, "data": data })))
        .collect();
    bot.model([Reply::tools(calls), Reply::text("Saved.")]);
    chat.says("@fake_mini_bot remember")
        .await
        .replies("Saved.")
        .await;
}

/// The list as it is shown now.
async fn list(chat: Chat<'_>) -> FakeMessage {
    chat.says("/notes").await.replies_with("Notes: ").await
}

#[tokio::test]
async fn a_note_is_shown_whole_and_deleted_after_a_second_press() {
    let bot = TestBot::new().await;
    let empty = "No notes here. Try \"note: the bins go out on Tuesday\".";
    bot.says("/notes").await.replies(empty).await;
    let long = "*2* and so on, one word after another, until nobody would call it short any more, not even here";
    save(&bot, bot.alice(), &[("wifi", "hunter2"), ("long", long)]).await;
    let list = list(bot.alice()).await;
    assert!(
        list.text.starts_with("Notes: 2\n\n1. long\n*2* and"),
        "{}",
        list.text
    );
    assert!(
        list.text.ends_with("…\n\n2. wifi\nhunter2"),
        "{}",
        list.text
    );
    let buttons = list.buttons();
    press(&bot, ALICE, ALICE, list.id, &buttons[0]).await;
    bot.alice().replies(&format!("long\n\n{long}")).await;
    press(&bot, ALICE, ALICE, list.id, &buttons[1]).await;
    let asked = shown(&bot, list.id, |one| one.buttons() != buttons).await;
    // The person thinks better of it, and then does it.
    press(&bot, ALICE, ALICE, list.id, &asked.buttons()[1]).await;
    shown(&bot, list.id, |one| one.buttons() == buttons).await;
    let delete = &asked.buttons()[0];
    assert_eq!(press(&bot, ALICE, ALICE, list.id, delete).await, "Deleted");
    let left = shown(&bot, list.id, |one| one.text.starts_with("Notes: 1")).await;
    assert_eq!(left.text, "Notes: 1\n\n1. wifi\nhunter2");
    let notice = press(&bot, ALICE, ALICE, list.id, delete).await;
    assert_eq!(notice, "This note is gone or has changed");
    bot.finish().await;
}

#[tokio::test]
async fn everybody_sees_and_touches_only_their_own() {
    let bot = TestBot::new().await;
    bot.telegram.add_group(GROUP, "Friends");
    save(&bot, bot.alice(), &[("wifi", "hunter2")]).await;
    let alices = list(bot.alice()).await;
    bot.bob()
        .says("/notes")
        .await
        .replies_with("No notes here.")
        .await;
    let bobs = bot.bob().messages()[0].id;
    for button in alices.buttons() {
        for code in ["show", "ask", "delete", "keep"] {
            let forged = button.replace(":show:", &format!(":{code}:"));
            let notice = press(&bot, BOB, BOB, bobs, &forged).await;
            assert_eq!(notice, "This note is gone or has changed", "{forged}");
        }
    }
    // The notes of a group are another list, and everybody's in it.
    let alice_there = bot.at(GROUP, ALICE);
    save(&bot, alice_there, &[("beer", "Bob brings it")]).await;
    let bob_there = bot.at(GROUP, BOB);
    let groups = list(bob_there).await;
    assert_eq!(groups.text, "Notes: 1\n\n1. beer\nBob brings it");
    let forged = press(&bot, GROUP, ALICE, groups.id, &alices.buttons()[0]).await;
    assert_eq!(forged, "This note is gone or has changed");
    press(&bot, GROUP, BOB, groups.id, &groups.buttons()[0]).await;
    bob_there.replies("beer\n\nBob brings it").await;
    assert_eq!(list(bot.alice()).await.text, "Notes: 1\n\n1. wifi\nhunter2");
    bot.finish().await;
}

#[tokio::test]
async fn a_note_that_has_changed_since_is_not_deleted() {
    let bot = TestBot::new().await;
    save(&bot, bot.alice(), &[("wifi", "hunter2")]).await;
    let card = list(bot.alice()).await;
    press(&bot, ALICE, ALICE, card.id, &card.buttons()[1]).await;
    let asked = shown(&bot, card.id, |one| one.buttons() != card.buttons()).await;
    bot.advance(chrono::TimeDelta::seconds(1));
    save(&bot, bot.alice(), &[("wifi", "hunter3")]).await;
    let notice = press(&bot, ALICE, ALICE, card.id, &asked.buttons()[0]).await;
    assert_eq!(notice, "This note is gone or has changed");
    shown(&bot, card.id, |one| one.text.ends_with("wifi\nhunter3")).await;
    bot.finish().await;
}

#[tokio::test]
async fn the_list_turns_its_pages_and_loses_the_last_one_with_its_notes() {
    let bot = TestBot::new().await;
    let many = ["a", "b", "c", "d", "e", "f", "g"].map(|title| (title, "x"));
    save(&bot, bot.alice(), &many).await;
    let first = list(bot.alice()).await;
    assert_eq!(first.buttons().len(), 6 * 2 + 1);
    press(&bot, ALICE, ALICE, first.id, &first.buttons()[12]).await;
    let second = shown(&bot, first.id, |one| one.text.contains("7. ")).await;
    assert_eq!(second.text, "Notes: 7\n\n7. a\nx");
    let delete = second.buttons()[0].replace(":show:", ":delete:");
    press(&bot, ALICE, ALICE, first.id, &delete).await;
    let left = shown(&bot, first.id, |one| one.text.starts_with("Notes: 6")).await;
    assert_eq!(left.buttons().len(), 6 * 2);
    bot.finish().await;
}

#[tokio::test]
async fn a_title_shows_or_deletes_one_and_what_is_deleted_is_shown_once_more() {
    let bot = TestBot::new().await;
    save(
        &bot,
        bot.alice(),
        &[("wifi", "hunter2"), ("Delete this", "no")],
    )
    .await;
    let none = "There is no note with this title. /notes lists them.";
    bot.says("/notes WIFI")
        .await
        .replies("wifi\n\nhunter2")
        .await;
    bot.says("/notes delete this")
        .await
        .replies("Delete this\n\nno")
        .await;
    bot.says("/notes garage").await.replies(none).await;
    bot.says("/notes delete garage").await.replies(none).await;
    let gone = bot.says("/notes delete wifi").await;
    gone.replies("Deleted. It said:")
        .await
        .replies("wifi\n\nhunter2")
        .await;
    bot.says("/notes wifi").await.replies(none).await;
    bot.finish().await;
}

#[tokio::test]
async fn what_has_nothing_to_show_is_not_offered() {
    let off = [
        ("tools.kv_memory.enabled", "false"),
        ("scheduler.prompts.enabled", "false"),
    ];
    let bot = TestBot::with(&off).await;
    let calls = bot.telegram.wait_for_calls("setMyCommands", 1).await;
    let menu = calls[0].params["commands"].to_string();
    let help = bot.says("/help").await.replies_with("What I can do").await;
    let start = bot.says("/start").await.replies_with("Hello Alice").await;
    for name in Commands::names() {
        let hidden = ["notes", "reminders", "files"].contains(&name);
        assert_eq!(
            help.text.contains(&format!("/{name} – ")),
            !hidden,
            "{name}"
        );
        let listed =
            menu.contains(&format!("\"{name}\"")) || menu.contains(&format!("\\\"{name}\\\""));
        assert_eq!(listed, !hidden, "{name} in {menu}");
    }
    for text in [help.text, start.text] {
        assert!(text.contains("what is 12.5% of 80"), "{text}");
        assert!(text.contains("what time is it in Tokyo"), "{text}");
        for word in ["remind me", "dentist", "wifi", "note:"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
    bot.finish().await;
}
