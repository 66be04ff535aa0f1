//! The browser of the real binary: what a page says reaches the model, and nothing of it outlives the bot.

use std::path::Path;
use std::time::Duration;

use minibot::adapters::browser::config::BrowserConfig;
use minibot::adapters::browser::program;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};

/// A site of one page.
async fn site() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await;
            let page =
                "<title>Weather</title><p id=p></p><script>p.textContent = 'Rain at ' + 5</script>";
            let length = page.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

/// Running browsers whose profile is below a folder.
fn processes_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten();
    lines
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(folder) && line.contains("--user-data-dir="))
        .count()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_page_is_read_and_nothing_outlives_the_bot() {
    if let Err(why) = program::find(&BrowserConfig::default()) {
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return;
    }
    let port = site().await;
    let url = format!("http://127.0.0.1:{port}/");
    let more = format!(
        "[egress]\nallow_http = true\nallow_private = [\"127.0.0.1/32:{port}\"]\n[tools.browser]\nenabled = true\n"
    );
    let mut bot = Program::new(&more).await;
    bot.provider.replies([
        Reply::tools([("browser_navigate", json!({ "url": url }))]),
        Reply::tools([("browser_get_data", json!({}))]),
        Reply::tools([("browser_navigate", json!({ "url": "http://127.0.0.1:1/" }))]),
        Reply::text("It rains at five."),
    ]);
    bot.start();
    // An address that nobody has named would be asked about before it is refused.
    let asked = format!("What do {url} and http://127.0.0.1:1/ say about the weather?");
    bot.telegram.user_sends(ALICE, ALICE, &asked);
    bot.telegram.wait_for_text(ALICE, "It rains at five.").await;
    let seen = bot.provider.requests().pop().unwrap().messages().to_vec();
    let seen = json!(seen).to_string();
    for words in ["Weather", "Rain at 5", "egress_refused"] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    let profiles = bot.data().join("browser");
    let world = bot.data().parent().unwrap().to_owned();
    assert!(processes_of(&world) > 0);
    assert!(profiles.join("open").exists());

    // Killed, it cannot clean up; the kernel ends the browser, and the next life removes its folder.
    bot.kill().await;
    until("the browser ends with the bot", || {
        processes_of(&world) == 0
    })
    .await;
    bot.start();
    until("its folder goes", || !profiles.join("open").exists()).await;

    bot.provider.replies([
        Reply::tools([("browser_navigate", json!({ "url": url }))]),
        Reply::text("Still."),
    ]);
    bot.telegram.user_sends(ALICE, ALICE, &asked);
    bot.telegram.wait_for_text(ALICE, "Still.").await;
    let status = bot.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", bot.output());
    until("no browser is left", || processes_of(&world) == 0).await;
    let left = std::fs::read_dir(profiles.join("open"))
        .into_iter()
        .flatten()
        .count();
    assert_eq!(left, 0);
}
