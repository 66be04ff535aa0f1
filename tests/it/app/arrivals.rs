//! What arrives in other forms: in groups and topics, edited, in albums, or unreadable.

use image::ImageFormat;
use serde_json::json;

use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::gate::Gate;
use crate::support::pictures::picture;
use crate::support::test_bot::{ALICE, BOB, TestBot};

const GROUP: i64 = -500;
const FORUM: i64 = -1_000_600;

#[tokio::test]
async fn in_a_group_it_answers_mentions_replies_and_commands() {
    let bot = TestBot::new().await;
    bot.telegram.add_group(GROUP, "Friends");
    let (alice, bob) = (bot.at(GROUP, ALICE), bot.at(GROUP, BOB));
    bot.model([Reply::text("Here."), Reply::text("You are welcome.")]);
    bob.says("lovely weather").await;
    alice
        .says("@fake_mini_bot are you there?")
        .await
        .replies("Here.")
        .await;
    let answer = alice.messages().remove(0);
    assert!(answer.reply_to.is_some(), "it says whom it answers");
    bot.telegram.user_replies(GROUP, BOB, answer.id, "thanks");
    bob.replies("You are welcome.").await;
    bob.says("/whoami")
        .await
        .replies_with("This is a group")
        .await;
    bob.says("/whoami@other_bot").await;
    assert_eq!(
        bot.provider.requests()[0].last_user_text(),
        "are you there?"
    );
    assert_eq!(bot.provider.requests().len(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_for_a_deleted_topic_goes_to_the_chat() {
    let bot = TestBot::new().await.expecting_refusals();
    bot.telegram.add_forum(FORUM, "Club", &[(5, "Chess")]);
    let gate = Gate::new();
    bot.model([Reply::text("e4.").held(&gate)]);
    let chess = bot.in_topic(FORUM, 5, ALICE);
    chess.says("@fake_mini_bot your first move?").await;
    gate.wait_for_arrivals(1).await;
    bot.telegram.remove_topic(FORUM, 5);
    gate.open();
    chess.replies("e4.").await;
    assert_eq!(chess.messages()[0].thread, None);
    bot.finish().await;
}

#[tokio::test]
async fn topics_are_conversations_of_their_own() {
    let bot = TestBot::new().await;
    bot.telegram
        .add_forum(FORUM, "Club", &[(5, "Chess"), (7, "Go")]);
    let (chess, go) = (bot.in_topic(FORUM, 5, ALICE), bot.in_topic(FORUM, 7, ALICE));
    bot.model([Reply::text("e4."), Reply::text("Tengen.")]);
    chess
        .says("@fake_mini_bot your first move?")
        .await
        .replies("e4.")
        .await;
    go.says("@fake_mini_bot and here?")
        .await
        .replies("Tengen.")
        .await;
    let threads: Vec<Option<i64>> = go.messages().iter().map(|message| message.thread).collect();
    assert_eq!(threads, [Some(5), Some(7)]);
    assert!(!bot.provider.requests()[1].body.to_string().contains("e4"));
    let gate = Gate::new();
    bot.model([Reply::text("Sicilian.").held(&gate)]);
    chess.says("@fake_mini_bot and black?").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(chrono::TimeDelta::seconds(1));
    bot.telegram.wait_for_calls("sendChatAction", 1).await;
    gate.open();
    chess.replies("Sicilian.").await;
    let typing = bot.telegram.typing(FORUM);
    assert!(
        typing.iter().all(|action| action.thread == Some(5)),
        "{typing:?}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn an_edit_changes_what_waits_and_nothing_else() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("One.").held(&gate), Reply::text("Two.")]);
    let first = bot.alice().writes("first");
    gate.wait_for_arrivals(1).await;
    let second = bot.alice().writes("wrong");
    let edit = bot.telegram.user_edits(ALICE, second.message_id, "right");
    bot.telegram.wait_for_confirmation(edit.update_id).await;
    gate.open();
    bot.alice().replies("One.").await.replies("Two.").await;
    assert_eq!(bot.provider.requests()[1].last_user_text(), "right");
    let late = bot.telegram.user_edits(ALICE, first.message_id, "too late");
    bot.telegram.wait_for_confirmation(late.update_id).await;
    bot.finish().await;
}

#[tokio::test]
async fn an_album_is_one_turn() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Three pictures.")]);
    for (caption, name) in [("my holiday", "a.jpg"), ("", "b.jpg"), ("", "c.jpg")] {
        let mut file = UserFile::new(FileKind::Photo, name, picture(8, 8, ImageFormat::Png));
        file.caption = caption.to_owned();
        file.media_group_id = Some("album".to_owned());
        bot.telegram.user_sends_file(ALICE, ALICE, file);
    }
    bot.alice().replies("Three pictures.").await;
    assert_eq!(bot.provider.requests().len(), 1);
    assert_eq!(bot.provider.requests()[0].last_user_text(), "my holiday");
    bot.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_blocks_nothing() {
    let bot = TestBot::new().await;
    let chat = json!({ "id": ALICE, "type": "private", "first_name": "Alice" });
    let from = json!({ "id": ALICE, "is_bot": false, "first_name": "Alice" });
    let updates = [
        json!({ "message": { "message_id": "seven", "chat": chat, "from": from, "date": 1, "text": 5 } }),
        json!({ "message": [] }),
        json!({ "message": null }),
        json!({ "hologram": { "chat": chat, "from": from } }),
        json!({}),
    ];
    for update in updates {
        bot.telegram.push_update_raw(update);
    }
    let entity = json!({
        "text": "hi",
        "entities": [{ "type": "hologram", "offset": 0, "length": 2, "depth": 3 }],
    });
    bot.telegram.user_sends_raw(ALICE, ALICE, entity);
    bot.model([Reply::text("Hello.")]);
    bot.alice().replies("Hello.").await;
    assert_eq!(bot.provider.requests()[0].last_user_text(), "hi");
    bot.finish().await;
}

#[tokio::test]
async fn a_press_on_an_old_button_is_answered() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await.replies("Hello.").await;
    let message = bot.alice().messages()[0].id;
    let pressed = bot
        .telegram
        .user_presses_forged(ALICE, ALICE, message, "old:1");
    bot.telegram.wait_for_calls("answerCallbackQuery", 1).await;
    let answers = bot.telegram.callback_answers(&pressed.query_id);
    assert_eq!(answers[0]["text"], "This button is no longer in use");
    let gone = bot
        .telegram
        .user_presses_forged(ALICE, ALICE, 99_999, "old:2");
    bot.telegram.expire_callback(&gone.query_id);
    bot.telegram.wait_for_confirmation(gone.update_id).await;
    bot.says("/stop").await.replies("Nothing is running.").await;
    bot.finish().await;
}

#[tokio::test]
async fn the_same_update_twice_is_one_message() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Hello.")]);
    let sent = bot.alice().writes("hi");
    bot.alice().replies("Hello.").await;
    let again = json!({ "update_id": sent.update_id, "message": {
        "message_id": sent.message_id, "date": 1, "text": "hi",
        "chat": { "id": ALICE, "type": "private", "first_name": "Alice" },
        "from": { "id": ALICE, "is_bot": false, "first_name": "Alice" },
    }});
    bot.telegram.push_update_raw(again);
    bot.says("/stop").await.replies("Nothing is running.").await;
    bot.finish().await;
}

#[tokio::test]
async fn reminders_of_a_topic_that_is_gone_are_listed_in_its_group() {
    let bot = TestBot::new().await.expecting_refusals();
    bot.telegram.add_forum(FORUM, "Club", &[(5, "Chess")]);
    let hourly = serde_json::json!({
        "content": "drink", "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", hourly)]),
        Reply::text("Will do."),
    ]);
    let chess = bot.in_topic(FORUM, 5, ALICE);
    chess
        .says("@fake_mini_bot every hour we should drink")
        .await
        .replies("Will do.")
        .await;
    bot.telegram.remove_topic(FORUM, 5);
    bot.advance(chrono::TimeDelta::hours(1));
    let group = bot.at(FORUM, ALICE);
    let card = group.replies_with("drink").await;
    assert_eq!(card.thread, None);
    group.says("/reminders@fake_mini_bot").await;
    let list = group.replies_with("Reminders: 1").await;
    assert!(list.text.contains("drink"), "{}", list.text);
    // The card that went elsewhere takes its answer.
    let done = press(&bot, FORUM, ALICE, card.id, "r:1:done").await;
    assert_ne!(done, "This button is not for this chat");
    bot.advance(chrono::TimeDelta::hours(1));
    assert_eq!(group.replies_with("drink").await.thread, None);
    bot.finish().await;
}
