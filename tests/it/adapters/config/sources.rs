//! Where the values of the configuration come from.

use std::os::unix::fs::PermissionsExt;

use minibot::adapters::config::{Environment, Source, Text, WhenMissing, load, load_text};
use minibot::llm::config::Provider;
use minibot::wiring::settings::{RULES, Settings};
use secrecy::ExposeSecret;

use super::{TOKEN, lines, problems, read_with};

#[test]
fn the_environment_wins_over_the_file() {
    let content = "[llm]\nprovider = \"builtin\"\nmodel = \"from-file\"\n[llm.profiles.Fast]\nmodel = \"m\"\n";
    let variables = [
        ("MINIBOT__LLM__PROVIDER", "openai"),
        ("MINIBOT__LLM__MODEL", "123"),
        ("MINIBOT__LLM__API_KEY", "true"),
        ("MINIBOT__LLM__TEMPERATURE", "0.5"),
        ("MINIBOT__LLM__PROFILES__FAST__MODEL", "n"),
        ("MINIBOT__MEMORY__COMPACTION", "false"),
        ("MINIBOT__RUNTIME__TURN_TIMEOUT_SECONDS", "1.5"),
        ("MINIBOT__CHANNELS__TELEGRAM__ALLOWED_USER_IDS", "[1, 2]"),
        ("MINIBOT__CHANNELS__TELEGRAM__MAX_PHOTO_BYTES", "1MiB"),
        ("MINIBOT_OTHER", "ignored"),
    ];
    let settings = read_with(content, &variables).unwrap().settings;
    assert_eq!(settings.llm.provider, Provider::OpenAi);
    assert_eq!(settings.llm.model, "123");
    assert_eq!(settings.llm.api_key.unwrap().expose_secret(), "true");
    assert_eq!(settings.llm.temperature, Some(0.5));
    assert_eq!(settings.llm.profiles["Fast"].model.as_deref(), Some("n"));
    assert!(!settings.memory.compaction);
    assert_eq!(
        settings.runtime.turn_timeout_seconds.get().as_millis(),
        1500
    );
    assert_eq!(settings.channels.telegram.allowed_user_ids, [1, 2]);
    assert_eq!(settings.channels.telegram.max_photo_bytes.get(), 1_048_576);
}

#[test]
fn unknown_keys_in_the_environment_name_the_variable() {
    let cases = [
        (
            "MINIBOT__LLM__MODLE",
            "unknown key llm.modle; did you mean model?",
        ),
        (
            "MINIBOT__TOOL__BASH__ENABLED",
            "unknown key tool; did you mean tools?",
        ),
        (
            "MINIBOT__LLM__MODEL__NAME",
            "llm.model has a value and is not a section",
        ),
        (
            "MINIBOT__LLM",
            "llm: expected a section, found something else",
        ),
    ];
    for (variable, expected) in cases {
        assert_eq!(
            problems("[llm]\nmodel = \"m\"\n", &[(variable, "x")]),
            [format!("environment variable {variable}: {expected}")]
        );
    }
}

#[test]
fn references_to_the_environment_take_the_type_of_the_key() {
    let content = "[channels.telegram]\nallowed_user_ids = [\"${OWNER}\"]\nbot_token = \"${TOKEN}\"\n\
                   media_enabled = \"${MEDIA:-false}\"\n[llm]\nsystem_prompt = \"Call me ${NAME:-boss}.\"\n";
    let settings = read_with(content, &[("OWNER", "42"), ("TOKEN", TOKEN)])
        .unwrap()
        .settings;
    assert_eq!(settings.channels.telegram.allowed_user_ids, [42]);
    assert_eq!(
        settings
            .channels
            .telegram
            .bot_token
            .unwrap()
            .expose_secret(),
        TOKEN
    );
    assert!(!settings.channels.telegram.media_enabled);
    assert_eq!(settings.llm.system_prompt(), "Call me boss.");
}

#[test]
fn secrets_can_stand_in_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    std::fs::write(folder.path().join("prompt.md"), "Be kind.\n").unwrap();
    let read = |content: &str, variables: &[(&str, &str)]| {
        let text = Text {
            label: "config.toml",
            content,
            base_dir: folder.path(),
        };
        load_text::<Settings>(&text, &variables.iter().copied().collect(), &RULES)
    };
    let found = read(
        "[channels.telegram]\nbot_token = \"\"\nbot_token_file = \"token\"\n[llm]\nsystem_prompt_file = \"prompt.md\"\n",
        &[],
    );
    let settings = found.unwrap().settings;
    let token = settings.channels.telegram.bot_token.unwrap();
    assert_eq!(token.expose_secret(), TOKEN);
    assert_eq!(settings.llm.system_prompt(), "Be kind.");

    let file_from_environment = [("MINIBOT__LLM__API_KEY_FILE", "token")];
    let settings = read("[llm]\napi_key = \"other\"\n", &file_from_environment);
    let key = settings.unwrap().settings.llm.api_key.unwrap();
    assert_eq!(key.expose_secret(), TOKEN);

    let cases = [
        (
            "api_key_file = \"gone\"",
            "llm.api_key_file: cannot read gone: it does not exist",
        ),
        (
            "api_key_file = \".\"",
            "llm.api_key_file: cannot read .: it is not a regular file",
        ),
        (
            "api_key_file = \"empty\"",
            "llm.api_key_file: empty is empty",
        ),
        (
            "api_key_file = 3",
            "llm.api_key_file: expected the path of a file in quotes, found 3",
        ),
        (
            "api_key_file = \"token\"\napi_key = \"x\"",
            "llm.api_key_file: api_key is given as well; keep one of the two",
        ),
    ];
    for (line, expected) in cases {
        let problems = read(&format!("[llm]\n{line}\n"), &[]).unwrap_err();
        let expected = format!("config.toml, line 2: {expected}");
        assert_eq!(lines(&problems.problems), [expected], "{line}");
    }
}

#[test]
fn the_file_is_the_named_one_else_the_variables_else_the_default() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["option", "variable", "config"] {
        let path = folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, format!("[llm]\nmodel = \"{name}\"\n")).unwrap();
    }
    let model = |named: Option<&str>, variable: &str| {
        let source = Source {
            named: named.map(Into::into),
            working_dir: folder.path().into(),
            when_missing: WhenMissing::Refuse,
        };
        let environment = [("MINIBOT_CONFIG", variable)].into_iter().collect();
        load::<Settings>(&source, &environment, &RULES)
            .map(|loaded| loaded.settings.llm.model)
            .map_err(|problems| problems.to_string())
    };
    assert_eq!(
        model(Some("option.toml"), "variable.toml").unwrap(),
        "option"
    );
    assert_eq!(model(None, "variable.toml").unwrap(), "variable");
    assert_eq!(model(None, "").unwrap(), "config");
    assert_eq!(
        model(Some("gone.toml"), "").unwrap_err(),
        "cannot read the config file gone.toml (given with --config): it does not exist"
    );
    assert_eq!(
        model(None, "gone.toml").unwrap_err(),
        "cannot read the config file gone.toml (given with $MINIBOT_CONFIG): it does not exist"
    );
    assert_eq!(
        model(Some("."), "").unwrap_err(),
        "cannot read the config file . (given with --config): it is a folder"
    );
}

#[test]
fn without_a_file_the_defaults_hold_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let load = |when_missing| {
        let source = Source {
            named: None,
            working_dir: folder.path().into(),
            when_missing,
        };
        load::<Settings>(&source, &Environment::default(), &RULES)
    };
    let loaded = load(WhenMissing::UseDefaults).unwrap();
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.base_dir, folder.path());
    assert_eq!(
        loaded.settings.database(),
        folder.path().join("data/minibot.db")
    );
    let problems = load(WhenMissing::Refuse).unwrap_err().to_string();
    assert!(
        problems.contains("\"minibot setup\" writes one"),
        "{problems}"
    );
}

#[test]
fn a_file_that_others_may_open_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "").unwrap();
    let warnings = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let source = Source {
            named: None,
            working_dir: folder.path().into(),
            when_missing: WhenMissing::Refuse,
        };
        let loaded = load::<Settings>(&source, &Environment::default(), &RULES).unwrap();
        lines(&loaded.warnings)
    };
    assert_eq!(
        warnings(0o644),
        ["config.toml: others on this machine may open it (mode 0644); run: chmod 600 config.toml"]
    );
    assert_eq!(warnings(0o640).len(), 1);
    assert!(warnings(0o600).is_empty());
}
