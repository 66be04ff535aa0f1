//! Nothing that the program writes or says holds its token or one of its keys, however much it logs.

use std::path::PathBuf;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::fake_model::{FakeModel, Options, Reply};
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

/// What the program left behind, while it ran and after it, and what it said.
struct Traces {
    written: Vec<(PathBuf, Vec<u8>)>,
    said: Vec<String>,
    secrets: Vec<String>,
}

/// A server of models that takes only this key.
async fn server_for(key: &str) -> FakeModel {
    let options = Options {
        api_key: key.to_owned(),
        ..Options::default()
    };
    FakeModel::start_with(options).await
}

/// A model of another API that is asked when the first one fails, and what listens; each with a key of its
/// own. The first line belongs to `[llm]`.
fn with_others(spare: &FakeModel, ears: &FakeModel) -> String {
    format!(
        r#"fallbacks = ["spare"]

[llm.profiles.spare]
provider = "openai_responses"
base_url = "{}"
api_key = "{}"
model = "spare"

[tools.audio_transcription]
enabled = true
base_url = "{}"
api_key = "{}"
"#,
        spare.url(),
        spare.api_key(),
        ears.url(),
        ears.api_key()
    )
}

fn good_and_bad(key: &str) -> [Reply; 7] {
    [
        Reply::text("Hello."),
        leaky_refusal(key),
        Reply::custom(400, format!("you sent Bearer {key}")),
        Reply::status(500),
        Reply::drop_connection(),
        Reply::half_stream("half"),
        Reply::text("At last."),
    ]
}

fn bad_sends(telegram: &FakeTelegram) -> [Fault; 4] {
    let broken = format!("token {} is odd", telegram.token());
    let body = json!({ "ok": false, "error_code": 400, "description": broken });
    let refused = Fault::Answer {
        status: 400,
        body: body.to_string(),
    };
    [
        Fault::HtmlError(502),
        Fault::DropBefore,
        Fault::InvalidJson,
        refused,
    ]
}

async fn through_good_and_bad(level: &str) -> Traces {
    let spare = server_for("sk-spare-9876543210").await;
    let ears = server_for("sk-ears-5647382910").await;
    let spare_key = spare.api_key();
    spare.respond_with(move |_| leaky_refusal(&spare_key));
    let others = with_others(&spare, &ears);
    let more =
        format!("{others}[runtime]\nlog_level = \"{level}\"\n[logging]\nfile = \"data/log\"");
    let mut program = Program::new(&more).await;
    let (telegram, provider) = (program.telegram.clone(), program.provider.clone());
    let key = provider.api_key();
    provider.replies(good_and_bad(&key));
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
    telegram.fail("sendMessage", bad_sends(&telegram));
    telegram.user_sends(ALICE, ALICE, "/retry");
    telegram
        .wait_for_text(ALICE, "A message to you was refused")
        .await;
    failing_downloads(&telegram).await;
    failing_ears(&telegram, &ears).await;
    telegram.go_offline();
    telegram.go_online();
    telegram.user_sends(ALICE, ALICE, "what about Brahms?");
    telegram.wait_for_text(ALICE, "And more.").await;
    let mut written = program.written();
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
    written.extend(program.written());
    assert!(spare.requests().len() >= 3, "it was never asked");
    let mut said = said_to(&telegram);
    for model in [&provider, &spare] {
        said.extend(model.requests().iter().map(|one| one.body.to_string()));
    }
    let token = telegram.token().split_once(':').unwrap().1.to_owned();
    Traces {
        written,
        said,
        secrets: vec![token, key, spare.api_key(), ears.api_key()],
    }
}

/// All that it sent to Telegram to be shown.
fn said_to(telegram: &FakeTelegram) -> Vec<String> {
    let methods = ["sendMessage", "editMessageText", "sendDocument"];
    let calls = methods
        .into_iter()
        .flat_map(|method| telegram.calls(method));
    calls.map(|call| call.params.to_string()).collect()
}

/// Recordings that a server refuses, repeating its key.
async fn failing_ears(telegram: &FakeTelegram, ears: &FakeModel) {
    let leak = json!({ "error": { "message": format!("no such key: {}", ears.api_key()) } });
    for status in [401, 400] {
        ears.hears([(status, leak.clone())]);
        let voice = UserFile::new(FileKind::Voice, "voice.ogg", b"OggS and sound".to_vec());
        telegram.user_sends_file(ALICE, ALICE, voice);
    }
    telegram
        .wait_for(ALICE, |messages| {
            let told = messages.iter().map(|message| message.text.as_str());
            told.filter(|text| text.contains("transcription")).count() >= 2
        })
        .await;
    assert_eq!(ears.heard().len(), 2);
}

const HOOK_SECRET: &str = "s3cret_of-the-webhook";

/// A life behind a webhook, at which somebody knocks with the right secret and with wrong ones.
async fn behind_a_webhook(level: &str) -> Traces {
    let more = format!("[runtime]\nlog_level = \"{level}\"\n[logging]\nfile = \"data/log\"");
    let mut program = Program::new(&more).await;
    let (telegram, provider) = (program.telegram.clone(), program.provider.clone());
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let hook = format!(
        "enabled = true\nmode = \"webhook\"\nwebhook_url = \"http://{address}/hook\"\n\
         webhook_listen = \"{address}\"\nwebhook_secret = \"{HOOK_SECRET}\""
    );
    let text = program.configuration(&more);
    program.configure(&text.replacen("enabled = true", &hook, 1));
    provider.replies([Reply::text("Hello."), Reply::text("Again.")]);
    telegram.fail("setWebhook", [Fault::HtmlError(502), Fault::DropBefore]);
    program.start();
    telegram.user_sends(ALICE, ALICE, "hi");
    telegram.wait_for_text(ALICE, "Hello.").await;
    let almost = &HOOK_SECRET[..HOOK_SECRET.len() - 1];
    for (secret, body, status) in [
        (HOOK_SECRET, "no JSON", 400),
        (HOOK_SECRET, "{\"update_id\":\"odd\"}", 0),
        (almost, "{}", 401),
    ] {
        let request = format!(
            "POST /hook HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             X-Telegram-Bot-Api-Secret-Token: {secret}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let line = answer.lines().next().unwrap_or_default();
        assert!(status == 0 || line.contains(&status.to_string()), "{line}");
        assert!(!answer.contains(HOOK_SECRET), "{answer}");
    }
    telegram.user_sends(ALICE, ALICE, "hi again");
    telegram.wait_for_text(ALICE, "Again.").await;
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
    Traces {
        written: program.written(),
        said: said_to(&telegram),
        secrets: vec![
            HOOK_SECRET.to_owned(),
            telegram.token().split_once(':').unwrap().1.to_owned(),
            provider.api_key(),
        ],
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
async fn no_secret_in_anything_written_or_said() {
    let [bare, everything] = LEVELS;
    let (first, second, third) = tokio::join!(
        through_good_and_bad(bare),
        through_good_and_bad(everything),
        behind_a_webhook(everything)
    );
    for traces in [first, second, third] {
        let names: Vec<String> = traces
            .written
            .iter()
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        for wanted in ["minibot.db", "stderr", "log."] {
            assert!(
                names.iter().any(|name| name.starts_with(wanted)),
                "{names:?}"
            );
        }
        assert!(!traces.said.is_empty());
        for (path, bytes) in &traces.written {
            holds_none(&traces.secrets, bytes, &path.display().to_string());
        }
        for said in &traces.said {
            holds_none(&traces.secrets, said.as_bytes(), "what was said");
        }
    }
}

#[track_caller]
fn holds_none(secrets: &[String], bytes: &[u8], place: &str) {
    for secret in secrets {
        let found = bytes
            .windows(secret.len())
            .position(|w| w == secret.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(300)..(at + 60).min(bytes.len())];
            let around = String::from_utf8_lossy(around);
            panic!("a secret in {place}: … {around} …");
        }
    }
}
