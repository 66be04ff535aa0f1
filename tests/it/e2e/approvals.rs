//! Approvals with the real program: a kill while a card waits, the audit log, and the console.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeMessage;
use crate::support::program::{ALICE, Program};
use crate::support::stored::tamper;

const ASKS: &str = "[approvals.tools]\n\"*\" = \"allow\"\nuser_memory_save = \"ask\"\n";

async fn program() -> Program {
    let program = Program::new(ASKS).await;
    let note = json!({ "title": "key", "data": "password: hunter2" });
    program.provider.replies([
        Reply::tools([("user_memory_save", note)]),
        Reply::text("Done with it."),
    ]);
    program
}

/// Asks for something that needs a yes, and returns the card.
async fn card(program: &mut Program) -> FakeMessage {
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "note it");
    let card = program.telegram.wait_for_text(ALICE, "May I run").await;
    // Behind this answer the card is recorded as sent: a kill before that could double it.
    program.telegram.user_sends(ALICE, ALICE, "/whoami");
    program.telegram.wait_for_text(ALICE, "1001").await;
    card
}

fn button(card: &FakeMessage, code: &str) -> String {
    let found = card.buttons().into_iter().find(|data| data.ends_with(code));
    found.unwrap()
}

/// What is in the audit log: verdict and outcome of each row.
async fn audited(program: &Program) -> Vec<String> {
    let output = program.run(&["audit", "--json"]).await;
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = log["entries"].as_array().unwrap().clone();
    let word = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|entry| format!("{} {}", word(entry, "verdict"), word(entry, "outcome")))
        .collect()
}

#[tokio::test]
async fn a_question_survives_a_kill_and_its_answer_counts_once_before_or_after_the_start() {
    for (pressed_while_down, code, last) in [
        (true, ":y", "approved ok"),
        (false, ":y", "approved ok"),
        (true, ":n", "denied denied"),
        (false, ":n", "denied denied"),
    ] {
        let mut program = program().await;
        let card = card(&mut program).await;
        program.kill().await;
        let telegram = program.telegram.clone();
        let press = || telegram.user_presses(ALICE, ALICE, card.id, &button(&card, code));
        if pressed_while_down {
            press();
            program.start();
        } else {
            program.start();
            let polls = telegram.calls("getUpdates").len();
            telegram.wait_for_calls("getUpdates", polls + 1).await;
            press();
        }
        telegram.wait_for_text(ALICE, "Done with it.").await;
        // Once more, after it was decided.
        let late = telegram.user_presses_forged(ALICE, ALICE, card.id, &button(&card, ":y"));
        telegram.wait_for_confirmation(late.update_id).await;
        program.terminate().await;
        let messages = telegram.messages(ALICE);
        let cards = messages
            .iter()
            .filter(|one| one.text.starts_with("May I run"));
        assert_eq!(cards.count(), 1, "{}", telegram.dump());
        // The answer to /whoami was being written down when the bot was killed: it may stand there twice.
        let others = messages
            .iter()
            .filter(|one| !one.text.starts_with("You are"));
        assert_eq!(others.count(), 2, "{}", telegram.dump());
        assert!(messages[0].buttons().is_empty(), "{}", telegram.dump());
        let mut log = audited(&program).await;
        assert_eq!(log.pop().unwrap(), "refused ignored", "{log:?}");
        assert_eq!(log.first().unwrap(), "ask asked", "{log:?}");
        assert_eq!(log.last().unwrap(), last, "{log:?}");
        assert_eq!(log.len(), 3, "{log:?}");
        assert_eq!(program.provider.requests().len(), 2);
        let verified = program.run(&["audit", "--verify"]).await;
        assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    }
}

#[tokio::test]
async fn the_audit_log_is_shown_without_secrets_and_a_cut_is_found() {
    let mut program = program().await;
    let card = card(&mut program).await;
    let yes = button(&card, ":y");
    program.telegram.user_presses(ALICE, ALICE, card.id, &yes);
    program.telegram.wait_for_text(ALICE, "Done with it.").await;
    let text = async |arguments: &[&str]| {
        let output = program.run(arguments).await;
        String::from_utf8(output.stdout).unwrap()
    };
    let chat = ALICE.to_string();
    let shown = text(&["audit", "--chat", &chat, "--tool", "user_memory_save"]).await;
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(
        shown.contains("(settings: user_memory_save = ask)"),
        "{shown}"
    );
    assert!(
        shown.contains("password: …") && !shown.contains("hunter2"),
        "{shown}"
    );
    assert_eq!(text(&["audit", "--chat", "5"]).await, "No entries.\n");
    assert_eq!(text(&["audit", "--limit", "1"]).await.lines().count(), 1);
    program.terminate().await;
    for (tampering, words) in [
        (
            "UPDATE audit_log SET verdict = 'allow' WHERE id = 2",
            "row 2 was changed",
        ),
        ("DELETE FROM audit_log WHERE id = 3", "row 2 was changed"),
        (
            "UPDATE audit_log SET verdict = 'approved' WHERE id = 2",
            "behind row 2 are missing",
        ),
    ] {
        let script = format!(
            "DROP TRIGGER IF EXISTS audit_log_is_append_only; \
             DROP TRIGGER IF EXISTS audit_log_keeps_all; {tampering}"
        );
        tamper(&program.data().join("minibot.db"), &script).await;
        let verified = program.run(&["audit", "--verify"]).await;
        let error = String::from_utf8(verified.stderr).unwrap();
        assert_eq!(verified.status.code(), Some(1), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

/// Writes lines into a console, and returns what it prints.
async fn console(program: &Program, lines: &str) -> String {
    let mut command = program.command(&["console"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    drop(stdin);
    let output = timeout(Duration::from_secs(20), child.wait_with_output()).await;
    String::from_utf8(output.unwrap().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn the_console_takes_a_word_for_an_answer() {
    let note = "note: the key is under the mat\n";
    for (lines, expected) in [
        ("y\n", vec!["✅ Approved"]),
        ("No\n", vec!["⛔ Denied"]),
        (
            "always\n/approvals\n/approvals revoke 1\n",
            vec![
                "always from now on",
                "1. user_memory_save",
                "Revoked: I will ask again",
            ],
        ),
        ("what is 6*7?\n", vec!["⏭ Not run", "42"]),
    ] {
        let program = Program::new("").await;
        program.configure(ASKS);
        let printed = console(&program, &format!("{note}{lines}")).await;
        assert!(
            printed.contains("y: run it · n: do not · a: always"),
            "{printed}"
        );
        for part in expected {
            assert!(printed.contains(part), "{lines:?}: {part:?} in {printed}");
        }
    }
}

#[tokio::test]
async fn where_nobody_can_be_asked_it_is_refused_with_a_word() {
    let program = Program::new("").await;
    program.configure(ASKS);
    let output = program
        .run(&["console", "--once", "note: the key is under the mat"])
        .await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected =
        "user_memory_save was not run: it needs your approval, and nobody can be asked here.";
    assert!(printed.contains(expected), "{printed}");
    // Before it saves a note, the grammar looks for one of that title.
    let log = audited(&program).await;
    assert_eq!(
        log.last().map(String::as_str),
        Some("deny denied"),
        "{log:?}"
    );
}
