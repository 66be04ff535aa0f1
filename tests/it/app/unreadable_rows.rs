//! Rows that cannot be read, as after a return to an older version: no chat falls silent over them, and what is
//! not known of content counts as bad as it could be.

use chrono::TimeDelta;
use minibot::core::ids::{JobId, MessageId};
use minibot::core::jobs::JobStatus;
use serde_json::json;

use super::approvals::{asking, button, card, save};
use super::cards::{press, remind};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeMessage;
use crate::support::gate::Gate;
use crate::support::stored::tamper;
use crate::support::test_bot::{ALICE, TestBot};

/// The label of a source that only a later version knows.
const LATER: &str = r#"[{"from":"satellite"}]"#;

/// A bot that has been spoken to, after `script` was run on its database.
async fn tampered(script: &str) -> TestBot {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await.replies("Hello.").await;
    tamper(&bot.settings.database(), script).await;
    bot
}

#[tokio::test]
async fn a_conversation_with_unreadable_labels_goes_on_as_one_that_has_read_something() {
    let bot = tampered(&format!("UPDATE conversations SET labels = '{LATER}'")).await;
    bot.model([Reply::text("Still here.")]);
    bot.says("and now?").await.replies("Still here.").await;
    let running = bot.ports().conversations.running().await.unwrap();
    let target = &running[0].conversation.target;
    let conversation = bot.ports().conversations.current(target).await.unwrap();
    assert!(conversation.unwrap().labels.is_untrusted());
    bot.finish().await;
}

#[tokio::test]
async fn a_summary_with_unreadable_labels_is_content_and_no_instruction() {
    let bot = tampered(&format!(
        "INSERT INTO summaries (conversation, text, covers_to, created_at, labels)
         SELECT id, 'Alice likes tea.', 0, 0, '{LATER}' FROM conversations"
    ))
    .await;
    bot.model([Reply::text("Still here.")]);
    bot.says("and now?").await.replies("Still here.").await;
    let request = bot.provider.requests().pop().unwrap();
    let told = request.last_text("system").unwrap();
    assert!(!told.contains("tea"), "{told}");
    assert!(request.body.to_string().contains("Alice likes tea."));
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_with_unreadable_labels_is_no_longer_ours() {
    let mut bot = tampered("SELECT 1").await;
    // By then it is known which message the answer is.
    bot.stop().await;
    let script = format!("UPDATE outbox SET labels = '{LATER}'");
    tamper(&bot.settings.database(), &script).await;
    bot.start().await;
    let running = bot.ports().conversations.running().await.unwrap();
    let target = &running[0].conversation.target;
    let said = bot.telegram.messages(ALICE);
    let message = MessageId::new(said.last().unwrap().id.to_string());
    let outbox = &bot.ports().outbox;
    let labels = outbox.labels(&target.channel, &target.chat, &message).await;
    assert!(labels.unwrap().unwrap().is_untrusted());
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_without_its_message_ends_and_the_chat_goes_on() {
    let mut bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    bot.stop().await;
    tamper(&bot.settings.database(), "DELETE FROM inbox").await;
    bot.start().await;
    bot.alice().replies_with("Something broke").await;
    bot.model([Reply::text("Here.")]);
    bot.says("still there?").await.replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_cannot_be_asked_again() {
    for (state, incoming) in [
        ("answered", "{"),
        ("answered", r#"{"target":{}}"#),
        ("failed", "{"),
    ] {
        let script = format!(
            "UPDATE turns SET state = '{state}';
             UPDATE inbox SET incoming = '{incoming}'"
        );
        let bot = tampered(&script).await;
        bot.says("/retry")
            .await
            .replies("There is nothing to try again.")
            .await;
        bot.model([Reply::text("Here.")]);
        bot.says("still there?").await.replies("Here.").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_failed_turn_that_cannot_be_read_is_asked_again_from_its_beginning() {
    let script = r#"
        UPDATE turns SET state = 'failed';
        INSERT INTO turn_facts (turn, seq, fact, created_at)
            SELECT turn, seq + 10, fact, created_at FROM turn_facts;
        UPDATE turn_facts SET fact = '{"later":{}}' WHERE seq < 10"#;
    let bot = tampered(script).await;
    bot.model([Reply::text("Once more.")]);
    bot.says("/retry").await.replies("Once more.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_press_that_meets_an_unreadable_row_ends_and_the_chat_goes_on() {
    let bot = asking().await;
    remind(&bot, "stretch", 600).await;
    bot.advance(TimeDelta::seconds(600));
    let reminder = bot.alice().replies_with("stretch").await;
    tamper(&bot.settings.database(), "UPDATE jobs SET schedule = '{'").await;
    let done = &reminder.buttons()[0];
    let notice = press(&bot, ALICE, ALICE, reminder.id, done).await;
    assert_eq!(notice, "Something broke");
    // A turn that waits for a person goes on beside it.
    bot.model([save("key"), Reply::text("Saved.")]);
    let question = card(bot.says("note the key").await).await;
    let notice = press(&bot, ALICE, ALICE, reminder.id, done).await;
    assert_eq!(notice, "Something broke");
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Saved.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_question_whose_card_cannot_be_read_ends_all_the_same() {
    let mut bot = asking().await;
    bot.model([save("key"), save("door"), Reply::text("Here.")]);
    let end = "⏹ Not run: this has ended";
    card(bot.says("note the key").await).await;
    tamper(&bot.settings.database(), "UPDATE approvals SET card = '{'").await;
    bot.says("/stop")
        .await
        .replies("Stopped.")
        .await
        .replies(end)
        .await;
    card(bot.says("note the door").await).await;
    bot.stop().await;
    let script = "UPDATE approvals SET card = '{'; UPDATE turn_facts SET fact = '{'";
    tamper(&bot.settings.database(), script).await;
    bot.start().await;
    bot.alice().replies_with("Something broke").await;
    bot.alice().replies(end).await;
    bot.says("still there?").await.replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_reminder_that_cannot_be_read_can_be_cancelled() {
    let bot = TestBot::new().await;
    remind(&bot, "stretch", 600).await;
    let tampered = "UPDATE jobs SET metadata = schedule, schedule = '{\"later\":1}'";
    tamper(&bot.settings.database(), tampered).await;
    bot.advance(TimeDelta::seconds(600));
    bot.alice().replies_with("stretch (#1)").await;
    bot.says("/reminders")
        .await
        .replies_with("No reminders here.")
        .await;
    bot.model([
        Reply::tools([("cancel_scheduled_prompt", json!({ "job_id": 1 }))]),
        Reply::text("It is gone."),
    ]);
    bot.says("cancel it").await.replies("It is gone.").await;
    let mended = "UPDATE jobs SET schedule = metadata, metadata = NULL";
    tamper(&bot.settings.database(), mended).await;
    let job = bot.ports().jobs.get(JobId(1)).await.unwrap().unwrap();
    assert_eq!(job.status, JobStatus::Cancelled);
    bot.finish().await;
}

#[tokio::test]
async fn a_reminder_that_cannot_be_read_is_told_and_comes_when_it_can() {
    let bot = TestBot::new().await;
    remind(&bot, "stretch", 600).await;
    let tampered = "UPDATE jobs SET metadata = schedule, schedule = '{\"later\":1}'";
    tamper(&bot.settings.database(), tampered).await;
    bot.advance(TimeDelta::seconds(600));
    let told = bot.alice().replies_with("could not be read").await;
    assert!(told.text.contains("stretch"), "{}", told.text);
    // Whatever reaches the chat lets it try again, and it is told once.
    bot.model([Reply::text("Here."), Reply::text("Still here.")]);
    bot.says("hi").await.replies("Here.").await;
    let mended = "UPDATE jobs SET schedule = metadata, metadata = NULL";
    tamper(&bot.settings.database(), mended).await;
    bot.says("hi").await;
    bot.telegram.wait_for_text(ALICE, "Still here.").await;
    let stretches = |sent: &[FakeMessage]| {
        sent.iter()
            .filter(|one| one.text.contains("stretch"))
            .count()
    };
    let sent = bot
        .telegram
        .wait_for(ALICE, |sent| stretches(sent) == 2)
        .await;
    let told = sent
        .iter()
        .filter(|one| one.text.contains("could not be read"));
    assert_eq!(told.count(), 1, "{}", bot.telegram.dump());
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_reminder_with_unreadable_labels_comes_all_the_same() {
    let bot = TestBot::new().await;
    remind(&bot, "stretch", 600).await;
    let script = format!("UPDATE jobs SET labels = '{LATER}'");
    tamper(&bot.settings.database(), &script).await;
    bot.advance(TimeDelta::seconds(600));
    let card = bot.alice().replies_with("stretch").await;
    assert_eq!(card.text, "stretch");
    bot.finish().await;
}
