//! Nothing that the program writes holds its token or its key, however much it logs.

use std::path::PathBuf;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeTelegram, Fault, FileKind, UserFile};
use crate::support::program::{ALICE, Program};

/// The bare level, and everything that every crate says.
const LEVELS: [&str; 2] = ["trace", "trace,minibot=trace"];

/// A key that the server repeats in its errors.
fn leaky_refusal(key: &str) -> Reply {
    let text = format!("Incorrect API key provided: {key}.");
    Reply::custom(
        401,
        serde_json::json!({ "error": { "message": text } }).to_string(),
    )
}

/// What the program left behind, while it ran and after it.
struct Traces {
    written: Vec<(PathBuf, Vec<u8>)>,
    secrets: [String; 2],
}

async fn through_good_and_bad(level: &str) -> Traces {
    let more = format!("[runtime]\nlog_level = \"{level}\"\n[logging]\nfile = \"data/log\"");
    let mut program = Program::new(&more).await;
    let (telegram, provider) = (program.telegram.clone(), program.provider.clone());
    let key = provider.api_key();
    provider.replies([
        Reply::text("Hello."),
        leaky_refusal(&key),
        Reply::custom(400, format!("you sent Bearer {key}")),
        Reply::status(500),
        Reply::drop_connection(),
        Reply::half_stream("half"),
        Reply::text("At last."),
    ]);
    let broken = format!("token {} is odd", telegram.token());
    let body = serde_json::json!({ "ok": false, "error_code": 400, "description": broken });
    let refused = Fault::Answer {
        status: 400,
        body: body.to_string(),
    };
    let faults = [
        Fault::HtmlError(502),
        Fault::DropBefore,
        Fault::InvalidJson,
        refused,
    ];
    program.start();
    telegram.user_sends(ALICE, ALICE, "hi");
    telegram.wait_for_text(ALICE, "Hello.").await;
    for words in ["API key was not accepted", "HTTP 400"] {
        telegram.user_sends(ALICE, ALICE, "what about Mozart?");
        telegram.wait_for_text(ALICE, words).await;
    }
    // The next answer, and then the polls, meet every failure there is.
    telegram.fail("getUpdates", [Fault::HtmlError(502), Fault::DropBefore]);
    provider.replies([Reply::text("And more.")]);
    telegram.user_sends(ALICE, ALICE, "what about Bach?");
    telegram.wait_for_text(ALICE, "the connection broke").await;
    telegram.fail("sendMessage", faults);
    telegram.user_sends(ALICE, ALICE, "/retry");
    telegram
        .wait_for_text(ALICE, "A message to you was refused")
        .await;
    failing_downloads(&telegram).await;
    telegram.go_offline();
    telegram.go_online();
    telegram.user_sends(ALICE, ALICE, "what about Brahms?");
    telegram.wait_for_text(ALICE, "And more.").await;
    let mut written = program.written();
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
    written.extend(program.written());
    Traces {
        written,
        secrets: [telegram.token().split_once(':').unwrap().1.to_owned(), key],
    }
}

/// Files whose addresses hold the token, and that come in every wrong way.
async fn failing_downloads(telegram: &FakeTelegram) {
    let path = format!("../{}/x", telegram.token());
    let body = |path: &str| serde_json::json!({ "ok": true, "result": { "file_id": "f", "file_path": path } });
    let answer = |body: serde_json::Value| Fault::Answer {
        status: 200,
        body: body.to_string(),
    };
    let leak = format!("no such file for {}", telegram.token());
    let refusal = serde_json::json!({ "ok": false, "error_code": 404, "description": leak });
    let ways: [(&str, Vec<Fault>); 6] = [
        (
            "download",
            vec![
                Fault::DropBefore,
                Fault::HtmlError(502),
                Fault::ServerError(500),
            ],
        ),
        (
            "download",
            vec![Fault::Answer {
                status: 404,
                body: refusal.to_string(),
            }],
        ),
        ("download", vec![Fault::Endless]),
        ("getFile", vec![answer(body(&path))]),
        (
            "getFile",
            vec![answer(body(&format!("/{}/secret", telegram.token())))],
        ),
        (
            "getFile",
            vec![Fault::Answer {
                status: 400,
                body: refusal.to_string(),
            }],
        ),
    ];
    for (index, (method, faults)) in ways.into_iter().enumerate() {
        telegram.fail(method, faults);
        let name = format!("a{index}.txt");
        telegram.user_sends_file(
            ALICE,
            ALICE,
            UserFile::new(FileKind::Document, &name, "words"),
        );
        telegram
            .wait_for_text(ALICE, &format!("I did not read {name}"))
            .await;
    }
}

#[tokio::test]
async fn no_secret_in_anything_written() {
    let [bare, everything] = LEVELS;
    let (first, second) =
        tokio::join!(through_good_and_bad(bare), through_good_and_bad(everything));
    for traces in [first, second] {
        let names: Vec<String> = traces
            .written
            .iter()
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        for wanted in ["minibot.db", "minibot.db-wal", "stderr", "log."] {
            assert!(
                names.iter().any(|name| name.starts_with(wanted)),
                "{names:?}"
            );
        }
        for (path, bytes) in &traces.written {
            for secret in &traces.secrets {
                let found = bytes
                    .windows(secret.len())
                    .position(|w| w == secret.as_bytes());
                if let Some(at) = found {
                    let around = &bytes[at.saturating_sub(300)..(at + 60).min(bytes.len())];
                    let around = String::from_utf8_lossy(around);
                    panic!("a secret in {}: … {around} …", path.display());
                }
            }
        }
    }
}
