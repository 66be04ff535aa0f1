//! What the settings mean once they are read.

use std::path::PathBuf;

use minibot::core::approval::ToolMode;
use secrecy::ExposeSecret;

use super::{read, read_with};

#[test]
fn an_empty_system_prompt_is_the_built_in_one() {
    for text in [
        "",
        "[llm]\nsystem_prompt = \"\"\n",
        "[llm]\nsystem_prompt = \" \"\n",
    ] {
        let settings = read(text).unwrap().settings;
        let prompt = settings.llm.system_prompt();
        assert!(prompt.starts_with("You are minibot"), "{prompt}");
    }
    let profiles = "[llm]\nsystem_prompt = \"Be kind.\"\n\
                    [llm.profiles.same]\nsystem_prompt = \"\"\n\
                    [llm.profiles.other]\nsystem_prompt = \"Be brief.\"\n";
    let settings = read(profiles).unwrap().settings;
    let prompt = |name: &str| {
        settings
            .llm
            .profile(name)
            .unwrap()
            .system_prompt()
            .to_owned()
    };
    assert_eq!(
        (prompt("same"), prompt("other")),
        ("Be kind.".into(), "Be brief.".into())
    );
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let paths = |content: &str| {
        let settings = read(content).unwrap().settings;
        [settings.database(), settings.files_root()].map(|path| path.display().to_string())
    };
    assert_eq!(paths(""), ["/base/./data/minibot.db", "/base/./data/files"]);
    assert_eq!(
        paths("[runtime]\ndata_dir = \"/var/lib/minibot\"\n"),
        ["/var/lib/minibot/minibot.db", "/var/lib/minibot/files"]
    );
    assert_eq!(
        paths("[runtime]\ndata_dir = \"elsewhere\"\n[storage]\npath = \"here.db\"\n"),
        ["/base/here.db", "/base/elsewhere/files"]
    );
    let python = |path: &str| {
        let content = format!("[tools.python_exec]\npython_path = \"{path}\"\n");
        read(&content)
            .unwrap()
            .settings
            .tools
            .python_exec
            .python_path
    };
    assert_eq!(python(""), None);
    assert_eq!(python("python3.13"), Some(PathBuf::from("python3.13")));
    assert_eq!(
        python("venv/bin/python"),
        Some(PathBuf::from("/base/venv/bin/python"))
    );
}

#[test]
fn a_profile_never_takes_the_key_of_another_server() {
    let content = "[llm]\nprovider = \"openai\"\nmodel = \"a\"\napi_key = \"k\"\ntemperature = 0.1\nretry_attempts = 7\n\
                   [llm.profiles.same]\nmodel = \"b\"\n\
                   [llm.profiles.other]\nmodel = \"c\"\nbase_url = \"http://localhost:1/v1\"\n";
    let llm = read(content).unwrap().settings.llm;
    let same = llm.profile("same").unwrap();
    assert_eq!(same.model, "b");
    assert_eq!(same.api_key.unwrap().expose_secret(), "k");
    assert_eq!((same.temperature, same.retry_attempts.get()), (None, 7));
    assert!(llm.profile("other").unwrap().api_key.is_none());
    assert!(llm.profile("third").is_none());
}

#[test]
fn a_profile_takes_the_window_of_llm() {
    let content = "[llm]\nprovider = \"openai\"\nmodel = \"a\"\nbase_url = \"http://localhost:1/v1\"\ncontext_tokens = 8000\n\
                   [llm.profiles.same]\nmodel = \"b\"\n\
                   [llm.profiles.own]\nmodel = \"c\"\ncontext_tokens = 32000\n";
    let llm = read(content).unwrap().settings.llm;
    let window = |name: &str| llm.profile(name).unwrap().context_tokens.get();
    assert_eq!((window("same"), window("own")), (8000, 32_000));
}

#[test]
fn the_same_provider_named_again_is_no_other_one() {
    let content = "[llm]\nprovider = \"openai\"\nmodel = \"a\"\napi_key = \"k\"\nbase_url = \"https://example.org/v1\"\n\
                   [llm.profiles.named]\nprovider = \"openai\"\nmodel = \"b\"\n\
                   [llm.profiles.whole]\nprovider = \"openai\"\nbase_url = \"https://example.org/v1\"\nmodel = \"b\"\n\
                   [llm.profiles.keyed]\nprovider = \"openai\"\napi_key = \"own\"\nmodel = \"b\"\n\
                   [llm.profiles.other]\nprovider = \"openrouter\"\napi_key = \"own\"\nmodel = \"b\"\n";
    let llm = read(content).unwrap().settings.llm;
    let server = |name: &str| {
        let profile = llm.profile(name).unwrap();
        let key = profile.api_key.unwrap().expose_secret().to_owned();
        (key, profile.base_url.is_some())
    };
    assert_eq!(server("named"), ("k".to_owned(), true));
    assert_eq!(server("whole"), ("k".to_owned(), true));
    // A provider with a key of its own is the provider's own server: its key must not go to that of [llm].
    assert_eq!(server("keyed"), ("own".to_owned(), false));
    assert_eq!(server("other"), ("own".to_owned(), false));
}

#[test]
fn an_empty_text_is_as_if_the_key_were_not_there() {
    let content = "[llm]\nreasoning_effort = \"\"\n[llm.profiles.a]\nreasoning_effort = \" \"\n\
                   [tools.browser]\nuser_agent = \"\"\nlocale = \"\"\ntimezone_id = \"\"\n";
    let settings = read(content).unwrap().settings;
    let browser = &settings.tools.browser;
    assert_eq!(settings.llm.reasoning_effort, None);
    assert_eq!(settings.llm.profiles["a"].reasoning_effort, None);
    assert_eq!(
        (&browser.user_agent, &browser.locale, &browser.timezone_id),
        (&None, &None, &None)
    );
}

#[test]
fn an_empty_data_folder_is_the_usual_one() {
    let usual = PathBuf::from("/base/./data");
    let folder = |content: &str, variables: &[(&str, &str)]| {
        read_with(content, variables)
            .unwrap()
            .settings
            .runtime
            .data_dir
    };
    assert_eq!(folder("[runtime]\ndata_dir = \"\"\n", &[]), usual);
    assert_eq!(folder("", &[("MINIBOT__RUNTIME__DATA_DIR", " ")]), usual);
}

#[test]
fn a_table_of_approvals_replaces_the_default_one() {
    let tools = |content| read(content).unwrap().settings.approvals.tools;
    assert_eq!(tools("").len(), 4);
    let own = tools("[approvals.tools]\nbash = \"deny\"\n");
    assert_eq!(
        own.into_iter().collect::<Vec<_>>(),
        [("bash".to_owned(), ToolMode::Deny)]
    );
}

#[test]
fn the_owner_is_set_or_the_first_person_that_is_let_in() {
    let owner = |owner: i64, people: &str, chats: &str| {
        let content = format!(
            "[runtime]\nowner_user_id = {owner}\n[channels.telegram]\nallowed_user_ids = {people}\n\
             allowed_chat_ids = {chats}\n"
        );
        read(&content).unwrap().settings.owner_user_id()
    };
    assert_eq!(owner(7, "[8]", "[9]"), Some(7));
    assert_eq!(owner(0, "[8]", "[9]"), Some(8));
    assert_eq!(owner(0, "[]", "[-100, 9]"), Some(9));
    assert_eq!(owner(0, "[]", "[]"), None);
}
