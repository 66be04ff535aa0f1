//! While a question waits: time passes, people write, others go on, the process ends.

use chrono::TimeDelta;
use serde_json::json;

use super::approvals::{asking, button, card, outcome, result, save};
use super::cards::press;
use crate::support::fake_model::{Reply, Request};
use crate::support::gate::Gate;
use crate::support::stored::tamper;
use crate::support::test_bot::{ALICE, BOB, TestBot};

#[tokio::test]
async fn without_an_answer_it_does_not_run() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("Nobody answered.")]);
    let question = card(bot.says("note the key").await).await;
    // Behind this answer the card is known to be sent: before that it cannot be changed.
    let said = bot.says("/whoami").await;
    said.replies_with("1001").await;
    bot.advance(TimeDelta::minutes(9));
    bot.advance(TimeDelta::minutes(1));
    bot.alice().replies("Nobody answered.").await;
    let line = outcome(&bot, ALICE, &question).await;
    assert_eq!(line, "⌛ Not run: nobody answered by 10:10");
    assert_eq!(result(&bot)["code"], "expired");
    let late = press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    assert_eq!(late, "Too late: this was not run");
    bot.finish().await;
}

#[tokio::test]
async fn the_time_is_over_after_a_restart_too() {
    let mut bot = asking().await;
    bot.model([save("key"), Reply::text("Nobody answered.")]);
    let question = card(bot.says("note the key").await).await;
    bot.stop().await;
    bot.advance(TimeDelta::minutes(11));
    bot.start().await;
    bot.alice().replies("Nobody answered.").await;
    let line = outcome(&bot, ALICE, &question).await;
    assert_eq!(line, "⌛ Not run: nobody answered by 10:11");
    bot.finish().await;
}

#[tokio::test]
async fn a_restart_asks_nothing_twice_and_a_press_meanwhile_counts() {
    let mut bot = asking().await;
    bot.model([save("key"), Reply::text("Saved.")]);
    let question = card(bot.says("note the key").await).await;
    bot.restart().await;
    bot.stop().await;
    bot.telegram
        .user_presses(ALICE, ALICE, question.id, &button(&question, ":y"));
    bot.start().await;
    bot.alice().replies("Saved.").await;
    let line = outcome(&bot, ALICE, &question).await;
    assert_eq!(line, "✅ Approved by Alice, 10:00");
    bot.finish().await;
}

/// The yes is to exactly what was asked: a question that is stored otherwise by now is a no.
#[tokio::test]
async fn a_question_that_was_changed_is_answered_with_no() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("Not saved.")]);
    let question = card(bot.says("note the key").await).await;
    let other = "UPDATE approvals SET fingerprint = 'of something else'";
    tamper(&bot.settings.database(), other).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Not saved.").await;
    assert_eq!(result(&bot)["code"], "denied");
    bot.finish().await;
}

#[tokio::test]
async fn the_next_message_ends_the_wait_and_is_the_next_turn() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("Yes, sunny.")]);
    let question = card(bot.says("note the key").await).await;
    bot.says("never mind: is it sunny?")
        .await
        .replies("Yes, sunny.")
        .await;
    let line = outcome(&bot, ALICE, &question).await;
    assert_eq!(line, "⏭ Not run: you went on, 10:00");
    // The model knows that it was not run.
    assert_eq!(result(&bot)["code"], "superseded");
    let late = press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    assert_eq!(late, "No longer asked: you went on");
    bot.finish().await;
}

#[tokio::test]
async fn in_a_group_another_ones_message_waits_and_ends_nothing() {
    const GROUP: i64 = -100;
    let bot = asking().await;
    bot.telegram.add_group(GROUP, "Friends");
    let (alice, bob) = (bot.at(GROUP, ALICE), bot.at(GROUP, BOB));
    bot.model([
        save("key"),
        Reply::text("Saved."),
        Reply::text("Hello Bob."),
    ]);
    let question = card(alice.says("@fake_mini_bot note the key").await).await;
    bob.says("@fake_mini_bot hello").await;
    bob.says("@fake_mini_bot yes").await;
    bot.model([Reply::text("Yes what?")]);
    let notice = press(&bot, GROUP, ALICE, question.id, &button(&question, ":y")).await;
    assert_eq!(notice, "Approved");
    alice
        .replies("Saved.")
        .await
        .replies("Hello Bob.")
        .await
        .replies("Yes what?")
        .await;
    let line = outcome(&bot, GROUP, &question).await;
    assert_eq!(line, "✅ Approved by Alice, 10:00");
    bot.finish().await;
}

/// However many of others wait before it.
#[tokio::test]
async fn in_a_busy_group_the_persons_own_message_ends_the_wait_all_the_same() {
    const GROUP: i64 = -100;
    const OTHERS: usize = 70;
    let bot = TestBot::with(&[
        ("approvals.tools.*", "allow"),
        ("approvals.tools.user_memory_save", "ask"),
        ("channels.telegram.rate_limit.chat_burst", "1000"),
        ("channels.telegram.rate_limit.group_per_minute", "1000"),
    ])
    .await;
    bot.telegram.add_group(GROUP, "Friends");
    let (alice, bob) = (bot.at(GROUP, ALICE), bot.at(GROUP, BOB));
    bot.model([save("key")]);
    let question = card(alice.says("@fake_mini_bot note the key").await).await;
    for _ in 0..OTHERS {
        bob.writes("@fake_mini_bot hello");
    }
    // The question's own turn says nothing more.
    bot.model((0..=OTHERS).map(|_| Reply::text("Fine.")));
    alice.says("@fake_mini_bot never mind").await;
    let line = outcome(&bot, GROUP, &question).await;
    assert_eq!(line, "⏭ Not run: you went on, 10:00");
    for _ in 0..=OTHERS {
        alice.replies("Fine.").await;
    }
    bot.finish().await;
}

#[tokio::test]
async fn what_was_written_before_the_question_does_not_end_it() {
    let bot = asking().await;
    let gate = Gate::new();
    bot.model([
        save("key").held(&gate),
        Reply::text("Saved."),
        Reply::text("And hello."),
    ]);
    bot.says("note the key").await.says("and hello").await;
    bot.advance(TimeDelta::seconds(1));
    gate.open();
    let question = card(bot.alice()).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice()
        .replies("Saved.")
        .await
        .replies("And hello.")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn stop_ends_the_wait_at_once_and_other_commands_go_on() {
    let bot = asking().await;
    bot.model([save("key")]);
    let question = card(bot.says("note the key").await).await;
    bot.says("/whoami").await.replies_with("1001").await;
    bot.alice().writes("/stop");
    // The question itself waits for ten minutes, by a clock that stands still.
    bot.alice().replies("Stopped.").await;
    let line = outcome(&bot, ALICE, &question).await;
    assert_eq!(line, "⏹ Not run: this has ended");
    let late = press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    assert_eq!(late, "No longer asked: you went on");
    bot.finish().await;
}

#[tokio::test]
async fn what_was_stopped_while_it_asked_asks_again_after_retry() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("Saved.")]);
    card(bot.says("note the key").await).await;
    bot.says("/stop").await.replies("Stopped.").await;
    card(bot.says("/retry").await).await;
    bot.says("/stop").await.replies("Stopped.").await;
    let third = card(bot.says("/retry").await).await;
    press(&bot, ALICE, ALICE, third.id, &button(&third, ":y")).await;
    bot.alice().replies("Saved.").await;
    assert_eq!(result(&bot)["code"], serde_json::Value::Null);
    bot.finish().await;
}

#[tokio::test]
async fn the_sixth_card_within_ten_minutes_is_not_sent() {
    let bot = asking().await;
    bot.model((0..6).map(|number| save(&number.to_string())));
    bot.says("note everything").await;
    for _ in 0..5 {
        let question = card(bot.alice()).await;
        press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    }
    let words = "I stopped: I have asked for your approval too often.";
    bot.alice().replies_with(words).await;
    bot.finish().await;
}

#[tokio::test]
async fn others_go_on_while_twenty_wait_and_two_may_run() {
    let people: Vec<i64> = (2_001..=2_020).collect();
    let allowed = format!(
        "[{ALICE}, {}]",
        people
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    );
    let bot = TestBot::with(&[
        ("approvals.tools.*", "allow"),
        ("approvals.tools.user_memory_save", "ask"),
        ("runtime.max_parallel_turns", "2"),
        ("channels.telegram.allowed_user_ids", &allowed),
    ])
    .await;
    bot.provider.respond_with(|request: &Request| {
        let is_done = request
            .messages()
            .iter()
            .any(|message| message["role"] == "tool");
        match request.last_user_text().as_str() {
            "save" if !is_done => {
                let note = json!({ "title": "key", "data": "x" });
                Reply::tools([("user_memory_save", note)])
            }
            "save" => Reply::text("Saved."),
            _ => Reply::text("Hello."),
        }
    });
    for person in &people {
        bot.telegram.add_private_chat(*person, "Somebody");
        bot.at(*person, *person).writes("save");
    }
    let mut cards = Vec::new();
    for person in &people {
        cards.push((*person, card(bot.at(*person, *person)).await));
    }
    // Everybody waits, and nobody is in the way.
    bot.says("hi").await.replies("Hello.").await;
    bot.says("hi").await.replies("Hello.").await;
    for (person, card) in &cards {
        press(&bot, *person, *person, card.id, &button(card, ":y")).await;
    }
    for person in &people {
        bot.at(*person, *person).replies("Saved.").await;
    }
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_that_waits_is_not_typing() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("Saved.")]);
    let question = card(bot.says("note the key").await).await;
    let rounds = async |count: usize| {
        for _ in 0..count {
            bot.advance(TimeDelta::seconds(10));
            bot.says("/whoami").await.replies_with("1001").await;
        }
        bot.telegram.typing(ALICE).len()
    };
    // The turn may be about to type when its question is there already, and not again.
    let shown = bot.telegram.typing(ALICE).len();
    let before = rounds(2).await;
    assert!(before <= shown + 1, "{before} after {shown}");
    assert_eq!(rounds(5).await, before);
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Saved.").await;
    bot.finish().await;
}
