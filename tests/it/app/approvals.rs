//! Questions about calls: who may answer, what an answer does, and that it counts once.

use chrono::TimeDelta;
use minibot::adapters::sqlite::{AuditFilter, SqliteAuditLog};
use minibot::core::audit::AuditEntry;
use serde_json::{Value, json};

use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeMessage, Fault};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, BOB, Chat, STRANGER, TestBot};

const GROUP: i64 = -100;

/// A bot that asks before it saves a note.
pub async fn asking() -> TestBot {
    TestBot::with(&[
        ("approvals.tools.*", "allow"),
        ("approvals.tools.user_memory_save", "ask"),
    ])
    .await
}

pub fn save(title: &str) -> Reply {
    Reply::tools([("user_memory_save", json!({ "title": title, "data": "x" }))])
}

/// The next message, which asks.
pub async fn card(chat: Chat<'_>) -> FakeMessage {
    chat.replies_with("May I run user_memory_save?").await
}

pub fn button(card: &FakeMessage, code: &str) -> String {
    let buttons = card.buttons();
    let found = buttons.iter().find(|data| data.ends_with(code));
    found.unwrap_or_else(|| panic!("{buttons:?}")).clone()
}

/// How a card reads once it says how it ended.
pub async fn settled(bot: &TestBot, chat: i64, card: &FakeMessage) -> FakeMessage {
    let id = card.id;
    let look = move |messages: &[FakeMessage]| {
        let found = messages.iter().find(|one| one.id == id)?;
        (!found.edits().is_empty()).then(|| found.clone())
    };
    let found = bot.telegram.find(chat, look).await;
    let found = found.unwrap_or_else(|| panic!("never edited\n{}", bot.telegram.dump()));
    assert_eq!(found.buttons(), [""; 0], "the buttons go");
    found
}

/// The last line of a card.
pub async fn outcome(bot: &TestBot, chat: i64, card: &FakeMessage) -> String {
    let text = settled(bot, chat, card).await.text;
    text.lines().last().unwrap_or_default().to_owned()
}

/// What the model got of its last call.
pub fn result(bot: &TestBot) -> Value {
    let requests = bot.provider.requests();
    let messages = requests.last().unwrap().messages();
    let last = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "tool");
    serde_json::from_str(last.unwrap()["content"].as_str().unwrap()).unwrap()
}

/// The answers that did not count, as the audit log tells of them, the oldest first.
async fn refused(bot: &TestBot) -> Vec<AuditEntry> {
    let log = SqliteAuditLog::new(bot.process().store.database.clone());
    let filter = AuditFilter {
        chat: None,
        tool: None,
        limit: 100,
    };
    let rows = log.list(&filter).await.unwrap().into_iter();
    rows.map(|(_, row)| row)
        .filter(|row| (row.verdict.as_str(), row.outcome.as_str()) == ("refused", "ignored"))
        .collect()
}

fn code(bot: &TestBot) -> String {
    result(bot)["code"].as_str().unwrap_or("ok").to_owned()
}

#[tokio::test]
async fn a_yes_runs_it_and_a_no_tells_the_model() {
    for (answer, notice, line, expected) in [
        (":y", "Approved", "✅ Approved by Alice, 10:00", "ok"),
        (":n", "Denied", "⛔ Denied by Alice, 10:00", "denied"),
    ] {
        let bot = asking().await;
        bot.model([save("key"), Reply::text("Well.")]);
        let card = card(bot.says("note the key").await).await;
        for part in [
            "• data: x\n",
            "• title: key\n",
            "Why I ask: the settings say so for user_memory_save.",
            "For Alice: \"note the key\"",
            "Without an answer by 10:10",
        ] {
            assert!(card.text.contains(part), "{part:?} in {}", card.text);
        }
        assert_eq!(card.buttons().len(), 3);
        let pressed = press(&bot, ALICE, ALICE, card.id, &button(&card, answer)).await;
        assert_eq!(pressed, notice);
        bot.alice().replies("Well.").await;
        assert_eq!(outcome(&bot, ALICE, &card).await, line);
        assert_eq!(code(&bot), expected);
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_yes_that_is_faster_than_the_record_of_the_card_takes_its_buttons_too() {
    let bot = asking().await;
    let gate = Gate::new();
    bot.telegram
        .fail("sendMessage", [Fault::HoldAfter(gate.clone())]);
    bot.model([save("key"), Reply::text("Well.")]);
    let card = card(bot.says("note the key").await).await;
    let pressed = press(&bot, ALICE, ALICE, card.id, &button(&card, ":y")).await;
    assert_eq!(pressed, "Approved");
    gate.open();
    bot.alice().replies("Well.").await;
    let line = outcome(&bot, ALICE, &card).await;
    assert!(line.starts_with("✅ Approved by Alice"), "{line}");
    assert_eq!(bot.alice().messages().len(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn what_was_denied_is_refused_again_without_a_card() {
    let bot = asking().await;
    bot.model([save("key"), save("key"), Reply::text("I give up.")]);
    let card = card(bot.says("note the key").await).await;
    press(&bot, ALICE, ALICE, card.id, &button(&card, ":n")).await;
    bot.alice().replies("I give up.").await;
    let error = result(&bot)["error"].as_str().unwrap().to_owned();
    assert!(
        error.starts_with("denied: this was refused before"),
        "{error}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn always_covers_the_same_call_in_this_chat_until_it_is_revoked() {
    let bot = asking().await;
    bot.model([save("key"), Reply::text("One.")]);
    let first = card(bot.says("note the key").await).await;
    let notice = press(&bot, ALICE, ALICE, first.id, &button(&first, ":a")).await;
    assert_eq!(notice, "Approved, now and always");
    bot.alice().replies("One.").await;
    let line = outcome(&bot, ALICE, &first).await;
    assert!(
        line.ends_with("and always from now on (see /approvals)"),
        "{line}"
    );
    // The same again, in this chat.
    bot.model([save("key"), Reply::text("Two.")]);
    bot.says("again").await.replies("Two.").await;
    assert_eq!(code(&bot), "ok");
    // In another chat, and with other arguments, it asks.
    bot.model([save("key"), Reply::text("Bob's.")]);
    let bobs = card(bot.bob().says("note the key").await).await;
    press(&bot, BOB, BOB, bobs.id, &button(&bobs, ":n")).await;
    bot.bob().replies("Bob's.").await;
    bot.model([save("door"), Reply::text("Three.")]);
    let other = card(bot.says("note the door").await).await;
    press(&bot, ALICE, ALICE, other.id, &button(&other, ":n")).await;
    bot.alice().replies("Three.").await;
    // Revoked, it asks again.
    let list = bot
        .says("/approvals")
        .await
        .replies_with("1. user_memory_save")
        .await;
    let revoke = list.buttons()[0].clone();
    assert_eq!(
        press(&bot, BOB, BOB, bobs.id, &revoke).await,
        "This rule is no longer there"
    );
    bot.bob().has_read_all();
    let notice = press(&bot, ALICE, ALICE, list.id, &revoke).await;
    assert_eq!(notice, "Revoked: I will ask again");
    let empty = settled(&bot, ALICE, &list).await.text;
    assert!(
        empty.starts_with("Nothing is always allowed here"),
        "{empty}"
    );
    bot.model([save("key"), Reply::text("Four.")]);
    let again = card(bot.says("again").await).await;
    press(&bot, ALICE, ALICE, again.id, &button(&again, ":n")).await;
    bot.alice().replies("Four.").await;
    // All of it can be told from the log.
    let log = SqliteAuditLog::new(bot.process().store.database.clone());
    let filter = AuditFilter {
        chat: Some(ALICE.to_string()),
        tool: Some("user_memory_save".to_owned()),
        limit: 100,
    };
    let rows = log
        .list(&filter)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, row)| row);
    let told: Vec<String> = rows
        .filter(|row| row.rule.contains("always rule"))
        .map(|row| {
            format!(
                "{} {} by {}: {}",
                row.verdict, row.outcome, row.user, row.rule
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "approved answered by 1001: settings: user_memory_save = ask; kept as always rule 1",
            "allow ok by 1001: always rule 1",
            "revoked revoked by 1001: always rule 1",
        ]
    );
    assert_eq!(log.first_broken().await.unwrap(), None);
    bot.finish().await;
}

#[tokio::test]
async fn nobody_but_the_person_of_the_turn_can_answer() {
    let bot = asking().await;
    bot.telegram.add_group(GROUP, "Friends");
    bot.model([save("key")]);
    let alice = bot.at(GROUP, ALICE);
    let question = card(alice.says("@fake_mini_bot note it").await).await;
    let yes = button(&question, ":y");
    // Another one of the group, who may talk to the bot.
    for data in [
        yes.clone(),
        button(&question, ":a"),
        button(&question, ":n"),
    ] {
        let notice = press(&bot, GROUP, BOB, question.id, &data).await;
        assert_eq!(notice, "Only the person who is asked can answer");
    }
    // Somebody who may not: nothing happens, not even a word.
    let stranger = bot
        .telegram
        .user_presses(GROUP, STRANGER, question.id, &yes);
    bot.telegram.wait_for_confirmation(stranger.update_id).await;
    assert!(bot.telegram.callback_answers(&stranger.query_id).is_empty());
    // The same person, from another chat; and the data of no question.
    bot.model([Reply::text("Hello Alice."), Reply::text("Saved.")]);
    bot.says("hi").await.replies("Hello Alice.").await;
    let mine = bot.alice().messages()[0].id;
    for (chat, user, message, data, expected) in [
        (
            ALICE,
            ALICE,
            mine,
            yes.as_str(),
            "This button is not for this chat",
        ),
        (
            GROUP,
            ALICE,
            question.id,
            "a:1:7:y",
            "This question is no longer there",
        ),
        (
            GROUP,
            ALICE,
            question.id,
            "a:99:1:y",
            "This question is no longer there",
        ),
        (
            GROUP,
            ALICE,
            question.id,
            "a:1:1:yes",
            "This button is no longer in use",
        ),
    ] {
        let notice = press(&bot, chat, user, message, data).await;
        assert_eq!(notice, expected, "{data}");
    }
    assert!(
        !bot.telegram
            .messages(GROUP)
            .iter()
            .any(|one| one.text == "Saved.")
    );
    assert_eq!(
        press(&bot, GROUP, ALICE, question.id, &yes).await,
        "Approved"
    );
    alice.replies("Saved.").await;
    assert_eq!(
        press(&bot, GROUP, ALICE, question.id, &yes).await,
        "Already approved"
    );
    assert_eq!(
        press(&bot, GROUP, BOB, question.id, &yes).await,
        "Only the person who is asked can answer"
    );
    // None of that is forgotten.
    let (alice, bob) = (ALICE.to_string(), BOB.to_string());
    let (private, group) = (ALICE.to_string(), GROUP.to_string());
    let not_theirs = (group.clone(), bob, "somebody else was asked");
    let expected = [
        not_theirs.clone(),
        not_theirs.clone(),
        not_theirs.clone(),
        (private, alice.clone(), "it was asked in another chat"),
        (group.clone(), alice.clone(), "there is no such question"),
        (group.clone(), alice.clone(), "there is no such question"),
        (group, alice, "it had been answered before"),
        not_theirs,
    ];
    let rows = refused(&bot).await;
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, (chat, user, why)) in rows.iter().zip(expected) {
        assert_eq!((row.chat.as_str(), row.user.as_str()), (&*chat, &*user));
        assert!(row.rule.ends_with(why), "{row:?} instead of {why}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn a_scheduled_run_asks_whoever_created_it() {
    let bot = asking().await;
    let job = json!({ "content": "save the news", "delay_seconds": 600, "role": "user" });
    bot.model([
        Reply::tools([("schedule_prompt", job)]),
        Reply::text("Set."),
    ]);
    bot.says("every day …").await.replies("Set.").await;
    bot.model([save("news"), Reply::text("Saved the news.")]);
    bot.advance(TimeDelta::seconds(600));
    let question = card(bot.alice()).await;
    let origin = "For the scheduled task of Alice: \"save the news\"";
    assert!(question.text.contains(origin), "{}", question.text);
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Saved the news.").await;
    bot.finish().await;
}

/// The group sees the card; only whoever wanted the task can answer, and nobody else ends the wait.
#[tokio::test]
async fn a_scheduled_run_in_a_group_asks_whoever_created_it() {
    let bot = asking().await;
    bot.telegram.add_group(GROUP, "Friends");
    let (alice, bob) = (bot.at(GROUP, ALICE), bot.at(GROUP, BOB));
    let job = json!({ "content": "save the news", "delay_seconds": 600, "role": "user" });
    bot.model([
        Reply::tools([("schedule_prompt", job)]),
        Reply::text("Set."),
    ]);
    alice
        .says("@fake_mini_bot every day …")
        .await
        .replies("Set.")
        .await;
    bot.model([
        save("news"),
        Reply::text("Saved the news."),
        Reply::text("Hello Bob."),
    ]);
    bot.advance(TimeDelta::seconds(600));
    let question = card(alice).await;
    let origin = "For the scheduled task of Alice: \"save the news\"";
    assert!(question.text.contains(origin), "{}", question.text);
    let yes = button(&question, ":y");
    let notice = press(&bot, GROUP, BOB, question.id, &yes).await;
    assert_eq!(notice, "Only the person who is asked can answer");
    bob.says("@fake_mini_bot hello").await;
    let notice = press(&bot, GROUP, ALICE, question.id, &yes).await;
    assert_eq!(notice, "Approved");
    alice
        .replies("Saved the news.")
        .await
        .replies("Hello Bob.")
        .await;
    bot.finish().await;
}

/// Nobody can say yes to what they were not shown.
#[tokio::test]
async fn a_card_whose_file_did_not_arrive_can_only_be_denied() {
    let bot = asking().await;
    let refusal =
        json!({ "ok": false, "error_code": 400, "description": "Bad Request: wrong file" });
    let fault = Fault::Answer {
        status: 400,
        body: refusal.to_string(),
    };
    bot.telegram.fail("sendDocument", [fault]);
    let note = json!({ "title": "all", "data": "line\n".repeat(900) });
    bot.model([
        Reply::tools([("user_memory_save", note)]),
        Reply::text("Not saved."),
    ]);
    bot.says("note all this").await;
    let is_card = |messages: &[FakeMessage]| {
        let mut cards = messages.iter().filter(|one| one.text.contains("May I run"));
        cards.next().cloned()
    };
    let question = bot.telegram.find(ALICE, is_card).await.unwrap();
    for answer in [":y", ":a"] {
        let notice = press(&bot, ALICE, ALICE, question.id, &button(&question, answer)).await;
        assert_eq!(
            notice,
            "The file with all of it did not arrive: it can only be denied"
        );
    }
    let notice = press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
    assert_eq!(notice, "Denied");
    bot.telegram.wait_for_text(ALICE, "Not saved.").await;
    assert_eq!(code(&bot), "denied");
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn long_arguments_come_as_a_file_before_the_card() {
    let bot = asking().await;
    let note = json!({ "title": "all", "data": "line\n".repeat(900) });
    bot.model([
        Reply::tools([("user_memory_save", note)]),
        Reply::text("Saved."),
    ]);
    bot.says("note all this").await;
    let file = bot.alice().replies_with("").await;
    let content = String::from_utf8(file.file.unwrap().bytes.to_vec()).unwrap();
    assert_eq!(content.matches("│ line").count(), 900);
    let question = card(bot.alice()).await;
    assert!(
        question.text.contains("is in the file above"),
        "{}",
        question.text
    );
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Saved.").await;
    bot.finish().await;
}

#[tokio::test]
async fn what_the_settings_deny_is_refused_and_what_nothing_matches_is_asked() {
    let bot = TestBot::with(&[
        ("approvals.tools.user_memory_save", "deny"),
        ("approvals.tools.user_memory_get", "allow"),
    ])
    .await;
    bot.model([save("key"), Reply::text("I may not.")]);
    bot.says("note the key").await.replies("I may not.").await;
    let error = result(&bot)["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "denied: the settings do not allow user_memory_save");
    let sum = json!({ "expression": "6*7" });
    bot.model([
        Reply::tools([("calculate_expression", sum)]),
        Reply::text("42"),
    ]);
    let asks = bot.says("6*7 please, with thought").await;
    let question = asks.replies_with("May I run calculate_expression?").await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("42").await;
    bot.finish().await;
}
