//! What a person reads when the configuration is wrong.

use minibot::adapters::config::known_keys;
use minibot::wiring::settings::{RULES, Settings};

use super::{problems, read, warnings};

/// A line, and what is wrong with it.
pub type Cases = &'static [(&'static str, &'static str)];

/// A problem in line 2, below the section.
pub fn assert_line_2(section: &str, cases: Cases) {
    for (line, expected) in cases {
        let content = format!("[{section}]\n{line}\n");
        let expected = format!("config.toml, line 2: {expected}");
        assert_eq!(problems(&content, &[]), [expected], "{line}");
    }
}

const TELEGRAM: Cases = &[
    (
        "enabled = \"yes\"",
        "channels.telegram.enabled: expected true or false, found \"yes\"",
    ),
    (
        "allowed_user_ids = [1, \"two\"]",
        "channels.telegram.allowed_user_ids: expected a whole number, found \"two\"",
    ),
    (
        "allowed_user_ids = 7",
        "channels.telegram.allowed_user_ids: expected a list in brackets, found 7",
    ),
    (
        "mode = \"webhok\"",
        "channels.telegram.mode: expected \"long_polling\" or \"webhook\", found \"webhok\"; did you mean \
                 \"webhook\"?",
    ),
    (
        "mode = 3",
        "channels.telegram.mode: expected \"long_polling\" or \"webhook\", found 3",
    ),
    (
        "max_photo_bytes = \"5 bananas\"",
        "channels.telegram.max_photo_bytes: expected a size such as 5000000, \"5MB\" or \"5MiB\", found \
                 \"5 bananas\"",
    ),
    (
        "poll_timeout_seconds = -1",
        "channels.telegram.poll_timeout_seconds: expected a number of seconds such as 10 or 2.5, found -1",
    ),
    (
        "max_attachments_per_message = 0",
        "channels.telegram.max_attachments_per_message: expected a whole number from 1 to 4294967295, found 0",
    ),
    (
        "api_url = \"telegram\"",
        "channels.telegram.api_url: expected an http or https URL, found \"telegram\"",
    ),
    (
        "webhook_listen = \"8443\"",
        "channels.telegram.webhook_listen: expected an address and port such as \"127.0.0.1:8443\", found \
                 \"8443\"",
    ),
    (
        "stream_edit_interval_ms = 500",
        "channels.telegram.stream_edit_interval_ms: expected 700 or more, found 500",
    ),
    (
        "rate_limit = 5",
        "channels.telegram.rate_limit: expected a section, found 5",
    ),
    (
        "rate_limit = [30, 1]",
        "channels.telegram.rate_limit: expected a section, found a list",
    ),
    (
        "poll_timeout_seconds = 0.5",
        "channels.telegram.poll_timeout_seconds: expected 1 to 50: the sign of life that a service manager waits for \
                 comes after each poll",
    ),
    (
        "poll_timeout_seconds = 2026-11-20",
        "channels.telegram.poll_timeout_seconds: expected a number of seconds such as 10 or 2.5, found a \
                 date or time",
    ),
];

#[test]
fn wrong_types_say_what_is_expected_and_what_was_found() {
    assert_line_2("channels.telegram", TELEGRAM);
}

const RUNTIME: Cases = &[
    (
        "timezone = \"Europe/Madird\"",
        "runtime.timezone: expected an IANA time zone such as \"Europe/Madrid\" (perhaps \
                 \"Europe/Madrid\"), found \"Europe/Madird\"",
    ),
    (
        "log_level = \"minibot=louder\"",
        "runtime.log_level: expected trace, debug, info, warn, error or off, or directives such as \
                 \"info,minibot=debug\"",
    ),
    (
        "log_level = \"inf\"",
        "runtime.log_level: expected trace, debug, info, warn, error or off, or directives such as \
                 \"info,minibot=debug\"; \"inf\" names no level",
    ),
    (
        "log_level = \"minibot,sqlx\"",
        "runtime.log_level: expected trace, debug, info, warn, error or off, or directives such as \
                 \"info,minibot=debug\"; \"minibot,sqlx\" names no level",
    ),
    (
        "turn_timeout_seconds = 0",
        "runtime.turn_timeout_seconds: expected more than 0 seconds",
    ),
    (
        "owner_user_id = -5",
        "runtime.owner_user_id: expected a person's id, which is never negative",
    ),
    (
        "owner_user_id = 99999999999999999999",
        "this number is too large",
    ),
];

const APPROVALS: Cases = &[
    (
        "bash = \"yes\"",
        "approvals.tools.bash: expected \"allow\", \"classify\", \"ask\" or \"deny\", found \"yes\"",
    ),
    (
        "delete_file = \"classify\"",
        "approvals.tools.delete_file: \"classify\" is only for bash; expected \"allow\", \"ask\" or \"deny\"",
    ),
];

const MODEL: Cases = &[
    (
        "provider = \"openai\"\nmodel = \"m\"",
        "llm.api_key is missing (only a server of your own, named in base_url, may need none)",
    ),
    (
        "provider = \"openai\"\napi_key = \"k\"",
        "llm.model is missing; this provider needs the name of a model",
    ),
    (
        "fallbacks = [\"spare\"]",
        "llm.fallbacks: there is no [llm.profiles.spare]",
    ),
    (
        "temperature = 3",
        "llm.temperature: expected a number from 0 to 2",
    ),
    (
        "prices = { m = { input = 1 } }",
        "llm.prices.m: the key output is missing",
    ),
];

const PROMPTS: Cases = &[(
    "profile = \"cheap\"",
    "scheduler.prompts.profile: there is no [llm.profiles.cheap]",
)];

const EGRESS: Cases = &[
    (
        "allow_private = [\"10.0.0.5\"]",
        "egress.allow_private: expected a network such as \"10.0.0.5/32\" or \"127.0.0.1/32:8080\", found \
                 \"10.0.0.5\"",
    ),
    (
        "denied_domains = [\"https://x.org/\"]",
        "egress.denied_domains: expected domains such as \"example.com\", without scheme, port, path or *, \
                 found \"https://x.org/\"",
    ),
];

const BASH: Cases = &[
    (
        "sandbox_mode = \"none\"",
        "tools.bash.sandbox_mode = \"none\" runs the model's code as you; it needs i_understand_the_risk = \
                 true (\"native\" is the safe default)",
    ),
    (
        "sandbox_mode = \"jail\"",
        "tools.bash.jail.command_prefix is missing, and sandbox_mode = \"jail\" needs it",
    ),
    (
        "default_timeout_seconds = 500",
        "tools.bash.default_timeout_seconds is more than max_timeout_seconds",
    ),
];

const BROWSER: Cases = &[
    (
        "launch_args = [\"--force-dark-mode\", \"--no-sandbox\"]",
        "tools.browser.launch_args: expected arguments that are known to be harmless; docs/browser.md lists them",
    ),
    (
        "session_ttl_seconds = 0",
        "tools.browser.session_ttl_seconds: expected more than 0 seconds",
    ),
    (
        "extra_http_headers = { \"X Y\" = \"1\" }",
        "tools.browser.extra_http_headers: expected names and values that a request can carry",
    ),
    (
        "extra_http_headers = { \"X-A\" = \"1\\r\\nX-B: 2\" }",
        "tools.browser.extra_http_headers: expected names and values that a request can carry",
    ),
    (
        "extra_http_headers = { \"Host\" = \"a\" }",
        "tools.browser.extra_http_headers: headers of the connection are set by the browser",
    ),
    (
        "extra_http_headers = { \"Proxy-Authorization\" = \"a\" }",
        "tools.browser.extra_http_headers: headers of the proxy are set by the browser",
    ),
];

#[test]
fn values_out_of_bounds_are_refused_at_their_line() {
    assert_line_2("runtime", RUNTIME);
    assert_line_2("approvals.tools", APPROVALS);
    assert_line_2("llm", MODEL);
    assert_line_2("scheduler.prompts", PROMPTS);
    assert_line_2("egress", EGRESS);
    assert_line_2("tools.bash", BASH);
    assert_line_2("tools.browser", BROWSER);
}

#[test]
fn transcription_needs_a_server_that_can_do_it() {
    let cases: Cases = &[(
        "enabled = true",
        "tools.audio_transcription.base_url is missing: the provider in [llm] has no transcription",
    )];
    assert_line_2("tools.audio_transcription", cases);
}

#[test]
fn unknown_keys_come_with_the_nearest_known_one() {
    assert_line_2(
        "channels.telegram",
        &[
            (
                "bot_tokn = \"x\"",
                "unknown key channels.telegram.bot_tokn; did you mean bot_token?",
            ),
            (
                "bot_token_fil = \"x\"",
                "unknown key channels.telegram.bot_token_fil; did you mean bot_token_file?",
            ),
            (
                "history_window = 3",
                "unknown key channels.telegram.history_window; history_window belongs in [memory]",
            ),
            ("zebra = 3", "unknown key channels.telegram.zebra"),
        ],
    );
    assert_eq!(
        problems("[channels.console]\ncolour = 1\n[tool]\n", &[]),
        [
            "config.toml, line 2: unknown key channels.console.colour; this section has no keys",
            "config.toml, line 3: unknown key tool; did you mean tools?",
        ]
    );
}

#[test]
fn keys_of_the_python_minibot_are_answered_with_what_to_write() {
    assert_eq!(
        problems(
            "[memory]\nsqlite_url = \"sqlite+aiosqlite:///./data/minibot.db\"\n[tools.playwright]\nenabled = true\n",
            &[]
        ),
        [
            "config.toml, line 2: memory.sqlite_url is a key of the Python MiniBot; write storage.path with the path \
             of the file",
            "config.toml, line 3: tools.playwright is a key of the Python MiniBot; write [tools.browser], and its \
             network rules into [egress]",
        ]
    );
}

#[test]
fn no_retired_key_is_a_key_of_today() {
    let known = known_keys::<Settings>();
    for retired in RULES.retired {
        let below = format!("{}.", retired.path);
        let is_known = |key: &String| key == retired.path || key.starts_with(&below);
        assert!(!known.iter().any(is_known), "{}", retired.path);
    }
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_lines() {
    let content = "\
[llm]
modle = \"m\"
max_tool_iterations = \"many\"
[runtime]
timezone = \"Nowhere\"
[channels.telegram]
enabled = true
bot_token = \"${TOKEN}\"
stream_edit_interval_ms = 1
";
    assert_eq!(
        problems(content, &[("MINIBOT__MEMORY__COMPACTION", "perhaps")]),
        [
            "config.toml, line 2: unknown key llm.modle; did you mean model?",
            "config.toml, line 3: llm.max_tool_iterations: expected a whole number from 1 to 4294967295, found \"many\"",
            "config.toml, line 5: runtime.timezone: expected an IANA time zone such as \"Europe/Madrid\", found \
             \"Nowhere\"",
            "config.toml, line 8: channels.telegram.bot_token needs the environment variable TOKEN, which is not set \
             (a fallback is written as \"${TOKEN:-fallback}\")",
            "config.toml, line 9: channels.telegram.stream_edit_interval_ms: expected 700 or more, found 1",
            "environment variable MINIBOT__MEMORY__COMPACTION: memory.compaction: expected true or false, found \
             something else",
        ]
    );
}

#[test]
fn syntax_errors_have_their_line() {
    let found = problems("[llm]\nmodel = \"open\n[runtime]\nlog_level = info\n", &[]);
    assert!(found[0].starts_with("config.toml, line 2: "), "{found:?}");
    assert!(found[1].starts_with("config.toml, line 4: "), "{found:?}");
    let twice = problems("[llm]\nmodel = \"a\"\nmodel = \"b\"\n", &[]);
    assert_eq!(
        problems("a = 01\n", &[]),
        ["config.toml, line 1: unexpected leading zero, expected nothing"]
    );
    assert_eq!(twice, ["config.toml, line 3: duplicate key model"]);
}

#[test]
fn rules_over_several_keys_point_to_the_line_that_asks_for_them() {
    assert_eq!(
        problems(
            "[channels.telegram]\nenabled = true\nmode = \"webhook\"\n",
            &[]
        ),
        [
            "config.toml, line 2: channels.telegram.bot_token is missing; @BotFather in Telegram gives one",
            "config.toml, line 3: channels.telegram.webhook_url is missing, and mode = \"webhook\" needs it",
        ]
    );
    let remote = "[channels.telegram]\nenabled = true\nbot_token = \"1:a\"\nmode = \"webhook\"\n\
                  webhook_url = \"http://example.com/hook\"\n";
    assert_eq!(
        problems(remote, &[]),
        [
            "config.toml, line 5: channels.telegram.webhook_url: expected an https URL (http only for this machine)"
        ]
    );
    assert!(problems(&remote.replace("example.com", "127.0.0.1"), &[]).is_empty());
}

#[test]
fn a_server_of_ones_own_needs_no_key() {
    let local =
        "[llm]\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"http://localhost:11434/v1\"\n";
    assert!(read(local).unwrap().warnings.is_empty());
}

#[test]
fn folders_for_uploads_are_two_and_no_common_ones() {
    let both = "[tools.file_storage]\nuploads_subdir = \"in\"\nincoming_temp_subdir = \"./in/\"\n";
    assert_eq!(
        problems(both, &[]),
        [
            "config.toml, line 3: tools.file_storage.incoming_temp_subdir: expected a folder inside the workspace, \
             without .. and not absolute"
        ]
    );
    let same = "[tools.file_storage]\nuploads_subdir = \"in\"\nincoming_temp_subdir = \"in/\"\n";
    assert_eq!(
        problems(same, &[]),
        [
            "config.toml, line 3: tools.file_storage.incoming_temp_subdir is the same folder as uploads_subdir: \
             what is there goes after a day"
        ]
    );
    let above =
        "[tools.file_storage]\nuploads_subdir = \"in/kept\"\nincoming_temp_subdir = \"in\"\n";
    assert_eq!(problems(above, &[]), Vec::<String>::new());
    for key in ["uploads_subdir", "incoming_temp_subdir"] {
        for folder in ["shared", "shared/in"] {
            let text = format!("[tools.file_storage]\n{key} = \"{folder}\"\n");
            let line = format!(
                "config.toml, line 2: tools.file_storage.{key}: shared is the folder of all chats; \
                 expected one of each chat's own"
            );
            assert_eq!(problems(&text, &[]), [line]);
        }
    }
}

/// A model with these further settings, and another one.
fn with_spare(more: &str, spare: &str) -> String {
    format!(
        "[llm]\nprovider = \"openai\"\napi_key = \"k\"\nmodel = \"m\"\n{more}\n\
         [llm.profiles.spare]\nmodel = \"s\"\n{spare}\n"
    )
}

#[test]
fn a_window_without_room_for_a_request_is_a_problem_of_each_model_that_is_used() {
    let full = "context_tokens = 8000\nmax_new_tokens = 8000";
    let used = "fallbacks = [\"spare\"]";
    for (more, spare, expected) in [
        (
            full,
            "",
            "config.toml, line 5: llm.context_tokens: 8000 less max_new_tokens = 8000 leaves 0 tokens for a request,",
        ),
        (
            "context_tokens = 3000",
            "",
            "config.toml, line 5: llm.context_tokens: 3000 less the answer's quarter leaves 2250 tokens for a request,",
        ),
        (
            used,
            full,
            "config.toml, line 8: llm.profiles.spare.context_tokens: 8000 less max_new_tokens = 8000 leaves 0 tokens",
        ),
    ] {
        let found = problems(&with_spare(more, spare), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{found:?}");
    }
    let runs = format!(
        "{}[scheduler.prompts]\nprofile = \"spare\"\n",
        with_spare("", full)
    );
    assert_eq!(problems(&runs, &[]).len(), 1, "it runs the jobs");
    for (more, spare) in [
        ("", full),
        (used, "context_tokens = 6000"),
        ("context_tokens = 8000\nmax_new_tokens = 2000", ""),
    ] {
        let found = problems(&with_spare(more, spare), &[]);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn warnings_do_not_stop_the_start() {
    let telegram = "[channels.telegram]\nenabled = true\nbot_token = \"1:a\"\n";
    assert_eq!(
        warnings(telegram),
        [
            "config.toml, line 1: channels.telegram.allowed_user_ids and channels.telegram.allowed_chat_ids are both empty: \
          nobody is let in; write to the bot, and its refusal shows the id to add"
        ]
    );
    assert_eq!(
        warnings(&format!("{telegram}require_authorized = false\n")),
        [
            "config.toml, line 4: channels.telegram.require_authorized is false: everybody who finds the bot can use it and \
          spend your money"
        ]
    );
    let llm = "[llm]\nprovider = \"openai\"\napi_key = \"k\"\nmodel = \"m\"\n[llm.budget]\ndaily_usd = 1\n";
    assert_eq!(
        warnings(llm),
        [
            "config.toml, line 4: llm.model: llm.budget does not limit m, which has no price in [llm.prices]"
        ]
    );
    let priced = format!("{llm}[llm.prices]\nm = {{ input = 1, output = 2 }}\n");
    assert!(warnings(&priced).is_empty());
    let models = "[llm.openrouter]\nmodels = [\"m\", \"dear\"]\n";
    // They are nothing to another provider.
    assert!(warnings(&format!("{priced}{models}")).is_empty());
    let routed = format!("{priced}{models}").replace("\"openai\"", "\"openrouter\"");
    let spare = "[llm.profiles.spare]\nmodel = \"m\"\n";
    let with_spare = routed.replace("[llm.budget]", "fallbacks = [\"spare\"]\n[llm.budget]");
    assert_eq!(
        warnings(&routed),
        [
            "config.toml, line 10: llm.openrouter.models: llm.budget does not know what a call of dear has cost that \
             breaks off, as it has no price in [llm.prices]"
        ]
    );
    assert_eq!(warnings(&format!("{with_spare}{spare}")).len(), 1);
    assert!(warnings("").is_empty());
}
