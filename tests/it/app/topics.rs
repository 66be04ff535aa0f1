//! Forums: topics that are closed or deleted, and groups that become forums.

use chrono::TimeDelta;
use minibot::core::ids::{JobId, ThreadId};
use serde_json::{Value, json};

use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, Chat, TestBot};

const FORUM: i64 = -1_000_600;
const TOPIC: i64 = 5;

/// A bot in a forum with one topic.
async fn forum(overrides: &[(&str, &str)]) -> TestBot {
    let bot = TestBot::with(overrides).await.expecting_refusals();
    bot.telegram.add_forum(FORUM, "Club", &[(TOPIC, "Chess")]);
    bot
}

/// Something that comes every hour from the next hour on.
async fn hourly(bot: &TestBot, chat: Chat<'_>, role: &str) {
    let arguments = json!({
        "content": "drink", "role": role,
        "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Will do."),
    ]);
    chat.says("@fake_mini_bot every hour we should drink")
        .await
        .replies("Will do.")
        .await;
}

fn refusal(description: &str) -> Fault {
    let body: Value = json!({ "ok": false, "error_code": 400, "description": description });
    Fault::Answer {
        status: 400,
        body: body.to_string(),
    }
}

async fn thread_of_the_job(bot: &TestBot) -> Option<ThreadId> {
    let job = bot.ports().jobs.get(JobId(1)).await.unwrap().unwrap();
    job.details.target.thread
}

#[tokio::test]
async fn reminders_of_a_closed_topic_come_to_the_chat_until_it_is_open_again() {
    let bot = forum(&[]).await;
    let chess = bot.in_topic(FORUM, TOPIC, ALICE);
    hourly(&bot, chess, "assistant").await;
    bot.telegram.close_topic(FORUM, TOPIC);
    bot.advance(TimeDelta::hours(1));
    assert_eq!(chess.replies_with("drink").await.thread, None);
    bot.telegram.reopen_topic(FORUM, TOPIC);
    bot.advance(TimeDelta::hours(1));
    assert_eq!(chess.replies_with("drink").await.thread, Some(TOPIC));
    assert_eq!(thread_of_the_job(&bot).await, Some(ThreadId::new("5")));
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_for_a_topic_that_was_closed_meanwhile_goes_to_the_chat() {
    let bot = forum(&[]).await;
    let gate = Gate::new();
    bot.model([Reply::text("e4.").held(&gate)]);
    let chess = bot.in_topic(FORUM, TOPIC, ALICE);
    chess.says("@fake_mini_bot your first move?").await;
    gate.wait_for_arrivals(1).await;
    bot.telegram.close_topic(FORUM, TOPIC);
    gate.open();
    let answer = chess.replies_with("e4.").await;
    assert_eq!((answer.thread, answer.reply_to), (None, None));
    bot.finish().await;
}

#[tokio::test]
async fn word_of_what_a_topic_refused_reaches_the_chat_when_that_is_closed() {
    let bot = forum(&[]).await;
    let chess = bot.in_topic(FORUM, TOPIC, ALICE);
    hourly(&bot, chess, "assistant").await;
    bot.telegram.close_topic(FORUM, TOPIC);
    bot.telegram
        .fail("sendMessage", [refusal("Bad Request: not this one")]);
    bot.advance(TimeDelta::hours(1));
    let notice = chess.replies_with("could not be sent").await;
    assert_eq!(notice.thread, None);
    assert!(notice.text.contains("not this one"), "{}", notice.text);
    bot.finish().await;
}

#[tokio::test]
async fn a_task_whose_topic_is_gone_is_retried_where_its_button_is() {
    let bot = forum(&[
        ("llm.retry_attempts", "1"),
        ("scheduler.prompts.max_attempts", "1"),
    ])
    .await;
    let chess = bot.in_topic(FORUM, TOPIC, ALICE);
    hourly(&bot, chess, "user").await;
    bot.telegram.remove_topic(FORUM, TOPIC);
    bot.model([Reply::status(500)]);
    bot.advance(TimeDelta::hours(1));
    let told = chess.replies_with("was not finished").await;
    assert_eq!(told.thread, None);
    bot.model([Reply::text("All is well.")]);
    let notice = press(&bot, FORUM, ALICE, told.id, &told.buttons()[0]).await;
    assert_eq!(notice, "Trying again");
    let answer = chess.replies_with("All is well.").await;
    assert_eq!(answer.thread, None);
    bot.finish().await;
}

#[tokio::test]
async fn a_group_that_gets_topics_keeps_its_reminders_and_its_conversation() {
    let bot = TestBot::new().await.expecting_refusals();
    bot.telegram.add_supergroup(FORUM, "Club");
    let group = bot.at(FORUM, ALICE);
    hourly(&bot, group, "assistant").await;
    bot.telegram.switch_topics_on(FORUM);
    group.says("/reminders@fake_mini_bot").await;
    let list = group.replies_with("Reminders: 1").await;
    let gate = Gate::new();
    bot.model([Reply::text("You should.").held(&gate)]);
    let typed = bot.telegram.calls("sendChatAction").len();
    group.says("@fake_mini_bot should I?").await;
    let calls = bot
        .telegram
        .wait_for_calls("sendChatAction", typed + 1)
        .await;
    assert_eq!(calls[typed].params["message_thread_id"], 1);
    gate.open();
    group.replies_with("You should.").await;
    let asked = bot.provider.requests()[2].body.to_string();
    assert!(asked.contains("every hour we should drink"), "{asked}");
    bot.advance(TimeDelta::hours(1));
    assert_eq!(group.replies_with("drink").await.thread, None);
    let notice = press(&bot, FORUM, ALICE, list.id, "j:1:cancel:0").await;
    assert_eq!(notice, "Cancelled");
    bot.finish().await;
}

#[tokio::test]
async fn the_list_of_a_topic_is_answered_wherever_it_stands() {
    let bot = forum(&[]).await;
    let chess = bot.in_topic(FORUM, TOPIC, ALICE);
    hourly(&bot, chess, "assistant").await;
    let gate = Gate::new();
    bot.model([Reply::text("Hm.").held(&gate)]);
    chess.says("@fake_mini_bot and then?").await;
    gate.wait_for_arrivals(1).await;
    bot.telegram.close_topic(FORUM, TOPIC);
    chess.says("/reminders@fake_mini_bot").await;
    let list = chess.replies_with("Reminders: 1").await;
    assert_eq!(list.thread, None);
    let notice = press(&bot, FORUM, ALICE, list.id, "j:1:pause:0").await;
    assert_eq!(notice, "Paused");
    bot.telegram.reopen_topic(FORUM, TOPIC);
    gate.open();
    chess.replies_with("Hm.").await;
    bot.finish().await;
}
