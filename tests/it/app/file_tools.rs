//! The file tools, called by a model.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;

pub const ON: (&str, &str) = ("tools.file_storage.enabled", "true");

/// The folder of Alice's chat.
pub fn workspace(bot: &TestBot) -> PathBuf {
    let folder = bot.settings.files_root().join("chats/1001");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Puts a file into Alice's folder.
pub fn put(bot: &TestBot, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let place = workspace(bot).join(name);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, bytes).unwrap();
    place
}

/// Lets the model make one call, and says what it read.
pub async fn call(bot: &TestBot, tool: &str, arguments: Value) -> Value {
    let before = bot.provider.requests().len();
    bot.model([Reply::tools([(tool, arguments)]), Reply::text("Done.")]);
    bot.says("do it").await.replies("Done.").await;
    let requests = bot.provider.requests();
    let request = &requests[before + 1];
    let messages = request.messages();
    let result = messages.iter().rfind(|m| m["role"] == "tool").unwrap();
    serde_json::from_str(result["content"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_file_is_written_read_changed_found_moved_and_deleted() {
    let bot = TestBot::with(&[ON, ("approvals.tools.*", "allow")]).await;
    let create = json!({ "path": "notes/a.txt", "content": "one\ntwo\nthree\n" });
    let made = call(&bot, "create_file", create.clone()).await;
    assert_eq!(
        made,
        json!({ "ok": true, "path": "notes/a.txt", "size_bytes": 14 })
    );
    // The same again is there already; another content is not written over it.
    assert_eq!(call(&bot, "create_file", create).await["ok"], true);
    let other = json!({ "path": "notes/a.txt", "content": "other" });
    let refused = call(&bot, "create_file", other).await;
    assert_eq!(refused["code"], "failed");
    let read = json!({ "path": "notes/a.txt", "offset": 1, "limit": 1 });
    let read = call(&bot, "read_file", read).await;
    assert_eq!(
        read,
        json!({ "content": "two\n", "total_lines": 3, "truncated": true, "mime": "text/plain" })
    );
    let edit = json!({ "path": "notes/a.txt", "old": "t", "new": "T" });
    assert_eq!(call(&bot, "edit_file", edit).await["code"], "bad_arguments");
    let edit = json!({ "path": "notes/a.txt", "old": "t", "new": "T", "replace_all": true });
    assert_eq!(call(&bot, "edit_file", edit).await["replacements"], 2);
    let found = call(&bot, "search_files", json!({ "pattern": "^T\\w+$" })).await;
    assert_eq!(
        found["matches"],
        json!([
            { "path": "notes/a.txt", "line": 2, "text": "Two" },
            { "path": "notes/a.txt", "line": 3, "text": "Three" },
        ])
    );
    let moved = json!({ "source_path": "notes/a.txt", "destination_path": "b.md" });
    assert_eq!(call(&bot, "move_file", moved).await["path"], "b.md");
    let info = call(&bot, "file_info", json!({ "path": "b.md" })).await;
    assert_eq!(
        (&info["size_bytes"], &info["mime"]),
        (&json!(14), &json!("text/markdown"))
    );
    let listed = call(&bot, "list_files", json!({ "recursive": true })).await;
    let paths: Vec<&Value> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["path"])
        .collect();
    assert_eq!(paths, ["b.md", "notes"]);
    assert_eq!(
        call(&bot, "delete_file", json!({ "path": "b.md" })).await["ok"],
        true
    );
    let gone = call(&bot, "read_file", json!({ "path": "b.md" })).await;
    assert_eq!(gone["code"], "not_found");
    bot.finish().await;
}

#[tokio::test]
async fn what_leads_out_or_is_too_much_is_a_result_that_says_so() {
    let bot = TestBot::with(&[ON, ("tools.file_storage.max_write_bytes", "1KB")]).await;
    let large = "x".repeat(2000);
    std::os::unix::fs::symlink("/etc", workspace(&bot).join("etc")).unwrap();
    put(&bot, "picture.bin", [0xff, 0xfe, 0x00]);
    for (tool, arguments, code) in [
        (
            "read_file",
            json!({ "path": "../1002/a.txt" }),
            "bad_arguments",
        ),
        (
            "read_file",
            json!({ "path": "/etc/passwd" }),
            "bad_arguments",
        ),
        ("read_file", json!({ "path": "etc/passwd" }), "failed"),
        ("read_file", json!({ "path": "picture.bin" }), "failed"),
        ("list_files", json!({ "folder": "etc" }), "failed"),
        (
            "create_file",
            json!({ "path": "etc/new", "content": "x" }),
            "failed",
        ),
        (
            "create_file",
            json!({ "path": "a.txt", "content": large }),
            "too_large",
        ),
        ("search_files", json!({ "pattern": "(" }), "bad_arguments"),
        (
            "search_files",
            json!({ "pattern": "x", "folder": ".." }),
            "bad_arguments",
        ),
        ("send_file", json!({ "path": "etc/passwd" }), "failed"),
    ] {
        let result = call(&bot, tool, arguments.clone()).await;
        assert_eq!(result["code"], code, "{tool} {arguments} {result}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn without_the_setting_there_are_no_file_tools() {
    let bot = TestBot::new().await;
    let result = call(&bot, "read_file", json!({ "path": "a.txt" })).await;
    assert_eq!(result["code"], "unknown_tool");
    bot.finish().await;
}
