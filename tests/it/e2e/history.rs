//! `minibot history` with the real program.

use serde_json::Value;

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};

#[tokio::test]
async fn conversations_are_listed_and_shown_beside_the_running_bot() {
    let mut program = Program::new("").await;
    program
        .provider
        .replies([Reply::text("Hello\u{1b}[31m Alice.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi there");
    program.telegram.wait_for_text(ALICE, "Alice.").await;
    let stdout = async |arguments: &[&str]| {
        let output = program.run(arguments).await;
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let list = stdout(&["history"]).await;
    assert!(
        list.starts_with(&format!("telegram:{ALICE}  2 items")),
        "{list}"
    );
    let chat = ALICE.to_string();
    let shown = stdout(&["history", "--chat", &chat]).await;
    assert!(shown.contains("person: hi there"), "{shown}");
    assert!(shown.contains("bot: Hello"), "{shown}");
    assert!(
        !shown.contains('\u{1b}'),
        "nobody's words drive the terminal"
    );
    let json: Value =
        serde_json::from_str(&stdout(&["history", "--chat", &chat, "--json"]).await).unwrap();
    assert_eq!(json["count"], 1);
    assert_eq!(
        json["conversations"][0]["newest_items"][0]["text"],
        "hi there"
    );
    let unknown = program.run(&["history", "--chat", "-5"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    program.kill().await;
}
