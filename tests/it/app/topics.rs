//! Forums, and groups that become forums.

use chrono::TimeDelta;
use serde_json::json;

use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, Chat, TestBot};

const FORUM: i64 = -1_000_600;

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
