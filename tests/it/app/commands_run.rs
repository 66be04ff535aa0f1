//! Command lines, from what the model writes to what is run of it: the verdict, the card, the press.

use serde_json::{Value, json};

use super::approvals::{button, outcome, result};
use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeMessage;
use crate::support::test_bot::{ALICE, Chat, TestBot};

/// A bot that decides by the command line, in a mode of the sandbox.
async fn shell(mode: &str) -> TestBot {
    TestBot::with(&[
        ("approvals.tools.*", "allow"),
        ("approvals.tools.bash", "classify"),
        ("tools.bash.enabled", "true"),
        ("tools.bash.sandbox_mode", mode),
        ("tools.file_storage.enabled", "true"),
    ])
    .await
}

fn bash(command: &str) -> Reply {
    Reply::tools([("bash", json!({ "command": command }))])
}

async fn card(chat: Chat<'_>) -> FakeMessage {
    chat.replies_with("May I run bash?").await
}

/// A turn that asks nothing; what the model is told of its command.
async fn unasked(bot: &TestBot, command: &str) -> Value {
    bot.model([bash(command), Reply::text("Well.")]);
    bot.says("go").await.replies("Well.").await;
    result(bot)
}

#[tokio::test]
async fn a_look_runs_without_a_card_and_changes_nothing() {
    let bot = shell("native").await;
    bot.model([
        Reply::tools([(
            "create_file",
            json!({ "path": "a.txt", "content": "one\n" }),
        )]),
        bash("ls && cat a.txt | wc -l"),
        Reply::text("Well."),
    ]);
    bot.says("go").await.replies("Well.").await;
    let told = result(&bot);
    assert_eq!(
        (&told["exit_code"], &told["stdout"]),
        (&json!(0), &json!("a.txt\n1\n")),
        "{told}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_foot_gun_is_refused_without_a_card() {
    let bot = shell("native").await;
    let told = unasked(&bot, "cd / && rm -rf .").await;
    assert_eq!(told["code"], "denied", "{told}");
    assert!(told["error"].as_str().unwrap().contains("delete"), "{told}");
    bot.finish().await;
}

#[tokio::test]
async fn what_is_not_known_runs_after_a_yes_and_not_after_a_no() {
    let bot = shell("native").await;
    for (answer, line, ran) in [
        (":y", "✅ Approved by Alice, 10:00", true),
        (":n", "⛔ Denied by Alice, 10:00", false),
    ] {
        let command = format!("echo done > file{}", &answer[1..]);
        bot.model([bash(&command), Reply::text("Well.")]);
        let question = card(bot.says("go").await).await;
        let shown = format!("• command: {command}");
        assert!(question.text.contains(&shown), "{}", question.text);
        assert!(
            question.text.contains("Why I ask: it redirects"),
            "{}",
            question.text
        );
        press(&bot, ALICE, ALICE, question.id, &button(&question, answer)).await;
        bot.alice().replies("Well.").await;
        assert_eq!(outcome(&bot, ALICE, &question).await, line);
        let told = result(&bot);
        assert_eq!(told["exit_code"] == json!(0), ran, "{told}");
        let listed = unasked(&bot, "ls").await;
        let name = command.rsplit(' ').next().unwrap();
        assert_eq!(
            listed["stdout"].as_str().unwrap().contains(name),
            ran,
            "{listed}"
        );
    }
    bot.finish().await;
}

#[tokio::test]
async fn always_covers_one_command_line_however_it_is_quoted_and_no_other() {
    let bot = shell("native").await;
    bot.model([bash("mkdir 'a'"), Reply::text("Made.")]);
    let question = card(bot.says("go").await).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":a")).await;
    bot.alice().replies("Made.").await;
    let again = unasked(&bot, "mkdir   \"a\"").await;
    assert_eq!(
        again["exit_code"], 1,
        "it ran, and the folder is there: {again}"
    );
    for other in ["mkdir a b", "mkdir a; ls", "mkdir a > b", "mkdir $x"] {
        bot.model([bash(other), Reply::text("Asked.")]);
        let question = card(bot.says("go").await).await;
        press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
        bot.alice().replies("Asked.").await;
        assert_eq!(result(&bot)["code"], "denied", "{other}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn an_input_makes_another_call_of_the_same_command_line() {
    let bot = shell("native").await;
    let with =
        |stdin: &str| Reply::tools([("bash", json!({ "command": "tee a", "stdin": stdin }))]);
    bot.model([with("one"), Reply::text("One.")]);
    let question = card(bot.says("go").await).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":a")).await;
    bot.alice().replies("One.").await;
    bot.model([with("two"), Reply::text("Two.")]);
    let question = card(bot.says("go").await).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
    bot.alice().replies("Two.").await;
    bot.finish().await;
}

#[tokio::test]
async fn what_git_goes_by_is_written_only_after_a_yes() {
    let bot = shell("native").await;
    let write = json!({ "path": "site/.git/config", "content": "[core]" });
    bot.model([Reply::tools([("create_file", write)]), Reply::text("Well.")]);
    let asks = bot.says("go").await;
    let question = asks.replies_with("May I run create_file?").await;
    assert!(
        question
            .text
            .contains("Git runs programs that are named there"),
        "{}",
        question.text
    );
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
    bot.alice().replies("Well.").await;
    assert_eq!(result(&bot)["code"], "denied");
    bot.finish().await;
}

/// Where the kernel does not hold a command in, content from outside makes a question of every one.
#[tokio::test]
async fn outside_of_native_a_command_is_asked_about_once_others_were_read() {
    for (mode, asks) in [("native", false), ("rlimit", true)] {
        let bot = shell(mode).await;
        let before = unasked(&bot, "ls").await;
        assert_eq!(before["exit_code"], 0, "{mode}: {before}");
        bot.model([bash("ls"), Reply::text("Done.")]);
        let passed_on = json!({
            "text": "run ls, now",
            "forward_origin": { "type": "hidden_user", "sender_user_name": "Eve", "date": 1_700_000_000 },
        });
        bot.telegram.user_sends_raw(ALICE, ALICE, passed_on);
        if asks {
            let question = card(bot.alice()).await;
            assert!(
                question
                    .text
                    .contains("Why I ask: what it runs could reach a network"),
                "{}",
                question.text
            );
            assert!(
                !question.buttons().iter().any(|data| data.ends_with(":a")),
                "{:?}",
                question.buttons()
            );
            press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
        }
        bot.alice().replies("Done.").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn outside_of_native_a_look_beyond_the_workspace_is_asked_about() {
    let bot = shell("rlimit").await;
    bot.model([bash("cat /etc/minibot/config.toml"), Reply::text("Well.")]);
    let question = card(bot.says("go").await).await;
    assert!(
        question.text.contains("may lie outside of the workspace"),
        "{}",
        question.text
    );
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":n")).await;
    bot.alice().replies("Well.").await;
    bot.finish().await;
}
