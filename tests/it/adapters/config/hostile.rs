//! Hostile files, and what must never be shown.

use minibot::adapters::config::{Environment, known_keys};
use minibot::wiring::settings::Settings;
use proptest::prelude::*;

use super::{TOKEN, lines, read, read_with};

#[test]
fn no_secret_is_ever_shown() {
    const NUMBER: &str = "5551234";
    let long = format!("{TOKEN}-long-enough-to-be-a-real-key");
    let contents = [
        format!("[channels.telegram]\nbot_token = [\"{TOKEN}\"]\n"),
        format!("[channels.telegram]\nbot_token = \"{TOKEN}/\"\nenabled = true\n"),
        format!("[channels.telegram]\nbot_token = {{ value = \"{TOKEN}\" }}\n"),
        format!("[channels.telegram]\nwebhook_secret = \"{TOKEN}!\"\n"),
        format!("[channels.telegram]\nbot_tokn = \"{TOKEN}\"\n"),
        format!("[llm]\nprovider = \"{long}\"\n"),
        format!("[llm]\nbase_url = \"https://user:{TOKEN}@example.com\"\n"),
        format!("[llm]\nprovider = \"${{KEY}}\"\nmax_tool_iterations = \"${{KEY:-{TOKEN}}}\"\n"),
        format!("[llm]\napi_key = \"{TOKEN}\nmodel = \"m\"\n"),
        format!("[llm]\napi_key = {TOKEN}\n"),
        format!("[llm]\napi_key = {NUMBER}\n"),
        "[llm]\nmax_tool_iterations = 0\n".to_owned(),
    ];
    let variables = [("KEY", TOKEN), ("MINIBOT__LLM__PDF_AS", TOKEN)];
    for content in contents {
        let problems = read_with(&content, &variables).unwrap_err();
        let shown = format!("{problems} {problems:?}");
        for secret in ["AbCdEf", NUMBER] {
            assert!(!shown.contains(secret), "{content}: {shown}");
        }
    }
    let settings = format!(
        "[channels.telegram]\nbot_token = \"{TOKEN}\"\nwebhook_secret = \"AbCdEf\"\n[llm]\napi_key = \"{TOKEN}\"\n\
         base_url = \"https://example.com/v1?key=AbCdEf\"\n[llm.profiles.a]\napi_key = \"{TOKEN}\"\n\
         [tools.browser]\nextra_http_headers = {{ Authorization = \"AbCdEf\" }}\n\
         [tools.audio_transcription]\napi_key = \"{TOKEN}\"\n"
    );
    let loaded = read(&settings).unwrap();
    assert!(!format!("{loaded:?}").contains("AbCdEf"));
    let environment: Environment = [("KEY", TOKEN)].into_iter().collect();
    assert!(!format!("{environment:?}").contains("AbCdEf"));
}

/// Deep and long inputs that have broken parsers of such files before.
#[test]
fn hostile_files_are_problems_and_not_crashes() {
    let contents = [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        (0..5000)
            .map(|number| format!("key{number} = 1\n"))
            .collect(),
        "\u{feff}[llm]\nmodle = 1".to_owned(),
        "a = \"${\"".to_owned(),
        "\0".to_owned(),
    ];
    for content in contents {
        assert!(read(&content).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Err(problems) = read(&text) {
            prop_assert!(!problems.problems.is_empty());
        }
    }

    #[test]
    fn keys_are_shown_without_control_characters(key in "[\\x00-\\x1f\\u{202a}-\\u{202e}a-z]{1,8}") {
        // The escapes of JSON are those of a TOML key.
        let key = serde_json::to_string(&key).unwrap();
        let found = read(&format!("[llm]\n{key} = 1\n[approvals.tools]\n{key} = 1\n")).unwrap_err();
        prop_assert_eq!(found.problems.len(), 2);
        for line in lines(&found.problems) {
            let moves = |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
            prop_assert!(!line.contains(moves), "{:?}", line);
        }
    }

    #[test]
    fn arbitrary_values_never_panic(
        key in prop::sample::select(known_keys::<Settings>()),
        value in prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:?}")),
            any::<bool>().prop_map(|flag| flag.to_string()),
            any::<String>().prop_map(|text| toml::Value::String(text).to_string()),
            Just("[1, [2]]".to_owned()),
            Just("{ a = { b = 1 } }".to_owned()),
            Just("2026-11-20".to_owned()),
        ],
        variable in any::<String>(),
    ) {
        let content = format!("{key} = {value}\n");
        if let Err(problems) = read(&content) {
            for problem in lines(&problems.problems) {
                prop_assert!(problem.starts_with("config.toml, line 1: "), "{}", problem);
            }
        }
        let name = format!("MINIBOT__{}", key.to_uppercase().replace('.', "__"));
        let _ = read_with("", &[(&name, &variable)]);
    }
}
