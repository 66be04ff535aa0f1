//! `minibot doctor` with the real program: the models and what listens, each tried as the bot uses it.

use serde_json::{Value, json};

use super::doctor::{row, text};
use crate::support::fake_model::Reply;
use crate::support::program::Program;

/// Servers that answer a question and refuse the tools that each turn has, in their own words.
const NO_TOOLS: [(u16, &str); 3] = [
    (
        400,
        "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
    ),
    (
        400,
        "registry.ollama.ai/library/gemma:2b does not support tools",
    ),
    (404, "No endpoints found that support tool use."),
];

#[tokio::test]
async fn a_model_that_takes_no_tools_is_named_in_the_words_of_its_server() {
    let program = Program::new("").await;
    for (status, words) in NO_TOOLS {
        program.provider.respond_with(move |request| {
            let has_tools = request.body["tools"].is_array();
            let body = json!({ "error": { "message": words } }).to_string();
            if has_tools {
                Reply::custom(status, body)
            } else {
                Reply::text("OK")
            }
        });
        let output = program.run(&["doctor"]).await;
        let model = row(&text(&output), "model");
        assert_eq!(output.status.code(), Some(1), "{model}");
        let told = model.starts_with('✗') && model.contains(words);
        assert!(told && model.contains("call tools"), "{model}");
    }
    // Whoever calls the tool answers as well.
    program.provider.respond_with(
        |request| match &request.body["tools"][0]["function"]["name"] {
            Value::String(name) => Reply::tools([(name.as_str(), json!({}))]),
            _ => Reply::status(400),
        },
    );
    let table = text(&program.run(&["doctor"]).await);
    assert!(row(&table, "model").starts_with('✓'), "{table}");
}

#[tokio::test]
async fn every_model_that_a_turn_may_come_to_is_asked_once() {
    let profile = |name: &str, more: &str| {
        let nowhere = "provider = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"";
        format!("[llm.profiles.{name}]\n{nowhere}\nmodel = \"{name}\"\n{more}\n")
    };
    let program = Program::new(&format!(
        "fallbacks = [\"spare\"]\n[scheduler.prompts]\nprofile = \"cheap\"\n{}{}{}{}",
        profile("spare", ""),
        profile("cheap", "fallbacks = [\"spare\", \"last\"]"),
        profile("last", ""),
        profile("unused", ""),
    ))
    .await;
    program.provider.replies([Reply::text("OK")]);
    let table = text(&program.run(&["doctor"]).await);
    let models: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_once(" does not answer")?.0.split_once(' '))
        .map(|(_, what)| what)
        .collect();
    assert_eq!(
        models,
        [
            "fallback model: openai (spare)",
            "model of scheduled jobs: openai (cheap)",
            "fallback model of scheduled jobs: openai (last)",
        ],
        "{table}"
    );
}

#[tokio::test]
async fn the_transcription_server_is_given_something_to_hear() {
    let program = Program::new("[tools.audio_transcription]\nenabled = true\n").await;
    program.provider.respond_with(|_| Reply::text("OK"));
    let words = |status: u16| (status, json!({ "error": { "message": "no" } }));
    // Silence has no words.
    program.provider.hears([(200, json!({ "text": "" }))]);
    let output = program.run(&["doctor"]).await;
    let found = row(&text(&output), "transcription");
    assert_eq!(output.status.code(), Some(0), "{found}");
    assert!(
        found.starts_with('✓') && found.contains("whisper-1"),
        "{found}"
    );
    let heard = program.provider.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].name, "silence.wav");
    assert_eq!(heard[0].model, "whisper-1");
    // A valid file of half a second: less than a tenth is refused by OpenAI's server.
    let bytes = &heard[0].bytes;
    assert_eq!(
        (&bytes[..4], &bytes[8..16]),
        (&b"RIFF"[..], &b"WAVEfmt "[..])
    );
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(number(4) as usize, bytes.len() - 8);
    assert_eq!(number(40) as usize, bytes.len() - 44);
    assert_eq!(number(28), 2 * number(40), "bytes in a second");
    for (status, told) in [
        (401, "does not accept the key"),
        (404, "has no transcription"),
        (503, "HTTP 503"),
    ] {
        program.provider.hears([words(status)]);
        let output = program.run(&["doctor"]).await;
        let found = row(&text(&output), "transcription");
        assert_eq!(output.status.code(), Some(1), "{found}");
        assert!(found.starts_with('✗') && found.contains(told), "{found}");
        assert!(found.contains("→"), "{found}");
    }
}
