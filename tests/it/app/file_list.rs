//! `/files`: the list, and what its buttons do.

use super::cards::{press, shown};
use super::file_tools::{ON, put, workspace};
use crate::support::fake_telegram::FakeMessage;
use crate::support::test_bot::{ALICE, TestBot};

/// The list as it is shown now.
async fn list(bot: &TestBot) -> FakeMessage {
    bot.says("/files").await;
    bot.alice().replies_with("Files: ").await
}

#[tokio::test]
async fn a_file_is_sent_and_deleted_after_a_second_press() {
    let bot = TestBot::with(&[ON]).await;
    bot.says("/files").await.replies("No files here.").await;
    put(&bot, "docs/a.txt", "one");
    let b = put(&bot, "b.txt", "four");
    std::os::unix::fs::symlink("/etc/passwd", workspace(&bot).join("link")).unwrap();
    let list = list(&bot).await;
    assert_eq!(
        list.text,
        "Files: 2\n\n1. b.txt\n4 bytes\n\n2. docs/a.txt\n3 bytes"
    );
    let buttons = list.buttons();
    let notice = press(&bot, ALICE, ALICE, list.id, &buttons[0]).await;
    assert_eq!(notice, "On its way");
    let sent = |messages: &[FakeMessage]| messages.iter().find_map(|one| one.file.clone());
    let sent = bot.telegram.find(ALICE, sent).await.unwrap();
    assert_eq!(
        (sent.name.as_str(), &sent.bytes[..]),
        ("b.txt", b"four".as_slice())
    );
    press(&bot, ALICE, ALICE, list.id, &buttons[1]).await;
    let asked = shown(&bot, list.id, |one| one.buttons() != buttons).await;
    assert!(b.exists());
    // The person thinks better of it, and then does it.
    press(&bot, ALICE, ALICE, list.id, &asked.buttons()[1]).await;
    shown(&bot, list.id, |one| one.buttons() == buttons).await;
    assert_eq!(
        press(&bot, ALICE, ALICE, list.id, &asked.buttons()[0]).await,
        "Deleted"
    );
    assert!(!b.exists());
    shown(&bot, list.id, |one| one.text.starts_with("Files: 1")).await;
    let notice = press(&bot, ALICE, ALICE, list.id, &asked.buttons()[0]).await;
    assert_eq!(notice, "This file is gone or has changed");
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn the_list_has_the_common_files_too_and_says_what_it_leaves_out() {
    let bot = TestBot::with(&[ON]).await;
    put(&bot, "a.txt", "one");
    put(&bot, "evil\u{202e}gpj.exe", "x");
    let shared = bot.settings.files_root().join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::write(shared.join("b.txt"), "common").unwrap();
    let list = list(&bot).await;
    assert_eq!(
        list.text,
        "Files: 2\n\n1. a.txt\n3 bytes\n\n2. shared/b.txt\n6 bytes\n\n… and 1 more that cannot be shown"
    );
    press(&bot, ALICE, ALICE, list.id, &list.buttons()[2]).await;
    let sent = |messages: &[FakeMessage]| messages.iter().find_map(|one| one.file.clone());
    let sent = bot.telegram.find(ALICE, sent).await.unwrap();
    assert_eq!(&sent.bytes[..], b"common");
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_to_be_sent_says_so() {
    let bot = TestBot::with(&[ON]).await;
    let place = put(&bot, "a.bin", "x");
    let file = std::fs::File::options().write(true).open(place).unwrap();
    file.set_len(60_000_000).unwrap();
    let list = list(&bot).await;
    let notice = press(&bot, ALICE, ALICE, list.id, &list.buttons()[0]).await;
    assert!(notice.contains("a bot can send at most 50 MB"), "{notice}");
    bot.finish().await;
}

#[tokio::test]
async fn a_button_of_a_file_that_was_replaced_does_nothing() {
    let bot = TestBot::with(&[ON]).await;
    let a = put(&bot, "a.txt", "one");
    let list = list(&bot).await;
    let ask = &list.buttons()[1];
    press(&bot, ALICE, ALICE, list.id, ask).await;
    let asked = shown(&bot, list.id, |one| one.buttons()[1] != *ask).await;
    put(&bot, "a.txt", "another one");
    let notice = press(&bot, ALICE, ALICE, list.id, &asked.buttons()[0]).await;
    assert_eq!(notice, "This file is gone or has changed");
    assert!(a.exists());
    bot.finish().await;
}

#[tokio::test]
async fn the_list_turns_its_pages() {
    let bot = TestBot::with(&[ON]).await;
    for number in 1..=8 {
        put(&bot, &format!("{number}.txt"), "x");
    }
    let list = list(&bot).await;
    assert_eq!(list.buttons().len(), 6 * 2 + 1);
    press(&bot, ALICE, ALICE, list.id, list.buttons().last().unwrap()).await;
    let second = shown(&bot, list.id, |one| one.text.contains("8. 8.txt")).await;
    assert_eq!(second.buttons().len(), 2 * 2 + 1);
    bot.finish().await;
}
