//! Code that is too long to be read in a chat: a file behind the text that names it.

use chrono::TimeDelta;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeMessage, Fault};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

/// A fence with so many lines, tabs in them.
fn fence(language: &str, lines: usize) -> String {
    format!("```{language}\n{}```", code(lines))
}

fn code(lines: usize) -> String {
    (1..=lines).map(|line| format!("\tx = {line}\n")).collect()
}

/// The names and the contents of the files that were sent.
async fn files(bot: &TestBot, count: usize) -> Vec<(String, String)> {
    let sent = move |messages: &[FakeMessage]| {
        let files = messages.iter().filter_map(|one| one.file.clone());
        let files: Vec<(String, String)> = files
            .map(|file| (file.name, String::from_utf8(file.bytes.to_vec()).unwrap()))
            .collect();
        (files.len() == count).then_some(files)
    };
    let found = bot.telegram.find(ALICE, sent).await;
    found.unwrap_or_else(|| panic!("{}", bot.telegram.dump()))
}

#[tokio::test]
async fn long_code_is_a_file_and_short_code_stays() {
    let bot = TestBot::new().await;
    let answer = format!(
        "Here:\n\n{}\n\nand\n\n{}\n\nand\n\n{}\n\nDone.",
        fence("python", 51),
        fence("", 50),
        fence("rust", 80)
    );
    bot.model([Reply::text(&answer)]);
    let read = bot.says("go").await.replies_with("Here:").await;
    let parts: Vec<&str> = read.text.split("\n\n").collect();
    assert_eq!(parts[1], "📎 code.py (51 lines) follows as a file");
    assert_eq!(parts[3].lines().count(), 50);
    assert_eq!(parts[5], "📎 code-2.rs (80 lines) follows as a file");
    let wanted = [("code.py", code(51)), ("code-2.rs", code(80))];
    let wanted = wanted.map(|(name, code)| (name.to_owned(), code));
    assert_eq!(files(&bot, 2).await, wanted);
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_growing_answer_never_shows_long_code_and_ends_in_its_message() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    let answer = format!("Here:\n\n{}", fence("sh", 200));
    bot.model([Reply::text(&answer).held_midway(&gate)]);
    bot.says("go").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    gate.open();
    let whole = "Here:\n\n📎 code.sh (200 lines) follows as a file";
    bot.alice().replies(whole).await;
    assert_eq!(files(&bot, 1).await, [("code.sh".to_owned(), code(200))]);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    // However much of it had arrived when it was shown.
    for version in &bot.alice().messages()[0].versions {
        let lines = version.text.lines().count();
        assert!(lines <= 2 + 50, "{}", version.text);
    }
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_restart_sends_neither_the_text_nor_the_file_twice() {
    let mut bot = TestBot::new().await;
    bot.telegram
        .fail("sendDocument", [Fault::TooManyRequests { retry_after: 30 }]);
    bot.model([Reply::text(fence("sql", 60))]);
    let line = "📎 code.sql (60 lines) follows as a file";
    bot.says("go").await.replies(line).await;
    bot.telegram.wait_for_calls("sendDocument", 1).await;
    bot.restart().await;
    bot.advance(TimeDelta::seconds(31));
    assert_eq!(files(&bot, 1).await, [("code.sql".to_owned(), code(60))]);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn more_than_a_chat_takes_is_one_document_with_all_of_it() {
    let bot = TestBot::new().await;
    let answer = vec![fence("js", 60); 5].join("\n\nand\n\n");
    bot.model([Reply::text(&answer)]);
    bot.says("go").await;
    assert_eq!(files(&bot, 1).await, [("answer.md".to_owned(), answer)]);
    bot.alice().has_read_all();
    bot.finish().await;
}
