//! `minibot setup`: at a terminal, from a script, and from an old file; and the bot that its file starts.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::{Duration, Instant};

use nix::sys::termios::{LocalFlags, tcgetattr};
use rexpect::session::{PtySession, spawn_command};

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};

const PATIENCE_MS: u64 = 20_000;

/// Somebody who found the bot before its owner.
const STRANGER: i64 = 4_000;

const DOWN: &str = "\u{1b}[B";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A world in which nothing is configured.
async fn unconfigured() -> Program {
    let program = Program::new("").await;
    std::fs::remove_file(program.config_path()).unwrap();
    program.telegram.add_private_chat(STRANGER, "Mallory");
    program
}

/// Reads up to the question and waits until it is listened to: who types earlier types into the void, for what
/// lies there is thrown away before a secret is read.
fn asked(session: &mut PtySession, question: &str) -> String {
    let before = session.exp_string(question).unwrap();
    wait_for_keys_to_be_read(session);
    before
}

fn press(session: &mut PtySession, keys: &str) {
    session.send(keys).unwrap();
    session.flush().unwrap();
}

/// Reads up to the question and answers with `answer` and Enter.
fn answer(session: &mut PtySession, question: &str, answer: &str) {
    asked(session, question);
    session.send_line(answer).unwrap();
}

/// Takes another server with its own address for the model: the fake.
fn choose_fake(session: &mut PtySession, url: &str, key: &str) {
    answer(session, "Which model answers?", &DOWN.repeat(3));
    // What is offered is deleted first.
    answer(
        session,
        "Its address",
        &format!("{}{url}", "\u{7f}".repeat(60)),
    );
    answer(session, "API key", key);
    answer(session, "model's name", "fake");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_and_the_bot_starts_with_what_was_written() {
    let mut program = unconfigured().await;
    program
        .provider
        .replies([Reply::text("OK"), Reply::text("Hello Alice.")]);
    program.telegram.user_sends(STRANGER, STRANGER, "/start");
    program.telegram.user_sends(ALICE, ALICE, "/start");
    let command = program.at_a_terminal(&["setup", "--api-url", &program.telegram.url()]);
    let (token, key) = (program.telegram.token(), program.provider.api_key());
    let (url, bot) = (program.provider.url(), program.telegram.bot_username());
    let shown = tokio::task::spawn_blocking(move || {
        let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
        answer(&mut session, "The bot's token", "n");
        session.exp_string("this is not a token").unwrap();
        answer(&mut session, "The bot's token", "1:wrong");
        session.exp_string("does not know this token").unwrap();
        answer(&mut session, "The bot's token", &token);
        session.exp_string(&format!("that of @{bot}")).unwrap();
        session.exp_string("write /start").unwrap();
        asked(&mut session, "Is this you: Mallory");
        press(&mut session, "n");
        asked(&mut session, "Is this you: Alice");
        press(&mut session, "y");
        choose_fake(&mut session, &url, &key);
        session.exp_string("answers: OK").unwrap();
        answer(&mut session, "Your time zone", "Europe/Madird");
        answer(&mut session, "no time zone", "Europe/Madrid");
        session.exp_eof().unwrap()
    })
    .await
    .unwrap();
    assert!(shown.contains("is written"), "{shown}");
    let mode = std::fs::metadata(program.config_path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read_to_string(program.config_path()).unwrap();
    assert!(written.contains("Europe/Madrid"), "{written}");
    assert!(
        written.contains(&format!("allowed_user_ids = [{ALICE}]")),
        "{written}"
    );
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    program.telegram.wait_for_text(ALICE, "Hello Alice.").await;
    program.kill().await;
}

/// Setup at a terminal, with its code and the state of the terminal after it.
fn with_its_end(program: &Program) -> std::process::Command {
    let setup = program.at_a_terminal(&["setup", "--api-url", &program.telegram.url()]);
    let mut command = std::process::Command::new("sh");
    let report = "stty echo; trap : INT; \"$@\"; echo \"code $?\"; stty -a";
    command
        .args(["-c", report, "sh"])
        .arg(setup.get_program())
        .args(setup.get_args())
        .current_dir(setup.get_current_dir().unwrap())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm");
    command
}

/// A question is shown a moment before its terminal stops showing what is typed.
fn wait_for_keys_to_be_read(session: &PtySession) {
    let terminal = session.process().get_file_handle().unwrap();
    let until = Instant::now() + Duration::from_millis(PATIENCE_MS);
    let shows = || {
        tcgetattr(&terminal)
            .unwrap()
            .local_flags
            .contains(LocalFlags::ECHO)
    };
    while shows() {
        assert!(Instant::now() < until, "no key is read");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_needs_a_key_is_not_taken_without_one() {
    let program = unconfigured().await;
    let command = program.at_a_terminal(&["setup", "--no-telegram"]);
    tokio::task::spawn_blocking(move || {
        let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
        answer(&mut session, "Which model answers?", "");
        answer(&mut session, "Its API key:", "");
        session.exp_string("This provider needs a key").unwrap();
        asked(&mut session, "Its API key:");
        session.send_control('c').unwrap();
        session.exp_string("nothing was written").unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_any_question_writes_nothing_and_leaves_the_terminal_as_it_was() {
    let program = unconfigured().await;
    for stop_at in [
        "The bot's token",
        "I wait for it",
        "Is this you",
        "Which model answers?",
        "Its address",
        "API key",
        "model's name",
    ] {
        let waits = "I wait for it";
        let words = if stop_at == waits { "hi" } else { "/start" };
        program.telegram.user_sends(ALICE, ALICE, words);
        let (command, token) = (with_its_end(&program), program.telegram.token());
        let (before, after) = tokio::task::spawn_blocking(move || {
            let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
            let steps = [
                ("The bot's token", format!("{token}\n")),
                (waits, String::new()),
                ("Is this you", "y".to_owned()),
                ("Which model answers?", format!("{}\n", DOWN.repeat(3))),
                ("Its address", "\n".to_owned()),
                ("API key", "\n".to_owned()),
                ("model's name", String::new()),
            ];
            let mut before = String::new();
            for (words, keys) in steps {
                before += &if words == waits {
                    session.exp_string(words).unwrap()
                } else {
                    asked(&mut session, words)
                };
                if words == stop_at {
                    break;
                }
                press(&mut session, &keys);
            }
            session.send_control('c').unwrap();
            (before, session.exp_eof().unwrap())
        })
        .await
        .unwrap();
        assert!(after.contains("nothing was written"), "{stop_at}: {after}");
        assert!(after.contains("code 1"), "{stop_at}: {after}");
        assert!(!after.contains("no answer"), "{stop_at}: {after}");
        for mode in ["echo", "icanon", "isig"] {
            let mut modes = after.split_whitespace();
            assert!(modes.any(|found| found == mode), "{stop_at}: {after}");
        }
        let all = before + &after;
        assert!(
            all.rfind("\u{1b}[?25h") >= all.rfind("\u{1b}[?25l"),
            "{stop_at}: the cursor is hidden: {all:?}"
        );
        assert!(!program.config_path().exists(), "{stop_at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_can_be_entered_anew_and_there_is_no_second_run() {
    let program = unconfigured().await;
    program.provider.replies([Reply::text("OK")]);
    let command = program.at_a_terminal(&["setup", "--no-telegram", "--timezone", "UTC"]);
    let (key, url) = (program.provider.api_key(), program.provider.url());
    let shown = tokio::task::spawn_blocking(move || {
        let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
        for (key, then) in [("wrong-key", "HTTP 401"), (&*key, "answers: OK")] {
            choose_fake(&mut session, &url, key);
            session.exp_string(then).unwrap();
            if key == "wrong-key" {
                asked(&mut session, "Enter it anew?");
                press(&mut session, "y");
            }
        }
        session.exp_eof().unwrap()
    })
    .await
    .unwrap();
    assert!(shown.contains("minibot console"), "{shown}");
    let written = std::fs::read_to_string(program.config_path()).unwrap();
    assert!(!written.contains("wrong-key"), "{written}");
    // Refused before anything is asked.
    let again = program.run(&["setup"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again).contains("exists already; --force"),
        "{}",
        text(&again)
    );
    assert_eq!(
        std::fs::read_to_string(program.config_path()).unwrap(),
        written
    );
}

#[tokio::test]
async fn a_script_answers_with_options() {
    let program = unconfigured().await;
    program.provider.replies([Reply::text("OK")]);
    let folder = program.config_path().parent().unwrap().to_owned();
    std::fs::write(
        folder.join("token"),
        format!("{}\n", program.telegram.token()),
    )
    .unwrap();
    std::fs::write(folder.join("key"), program.provider.api_key()).unwrap();
    let (api, base) = (program.telegram.url(), program.provider.url());
    let options = [
        "setup",
        "--bot-token-file",
        "token",
        "--user-id",
        "1001",
        "--api-url",
        &api,
        "--provider",
        "openai",
        "--base-url",
        &base,
        "--api-key-file",
        "key",
        "--model",
        "fake",
        "--timezone",
        "Europe/Madrid",
        "--data-dir",
        "elsewhere",
    ];
    let done = program.run(&options).await;
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let checked = program.run(&["check"]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let written = std::fs::read_to_string(program.config_path()).unwrap();
    assert!(
        !written.contains(&program.telegram.token()),
        "the file's own secret stays there"
    );
    let elsewhere = folder.join("elsewhere");
    assert!(
        written.contains(&format!("data_dir = {elsewhere:?}")),
        "{written}"
    );

    let again = program.run(&options).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("--force"), "{}", text(&again));
    program.provider.replies([Reply::text("OK")]);
    let forced = program.run(&[&options[..], &["--force"]].concat()).await;
    assert_eq!(forced.status.code(), Some(0), "{}", text(&forced));
    let kept = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(kept("config.toml.old"), written);
    // What was there first is the one that somebody may miss.
    std::fs::write(program.config_path(), "# the second\n").unwrap();
    program.provider.replies([Reply::text("OK")]);
    let forced = program.run(&[&options[..], &["--force"]].concat()).await;
    assert_eq!(forced.status.code(), Some(0), "{}", text(&forced));
    assert_eq!(kept("config.toml.old"), written);
    assert_eq!(kept("config.toml.old-2"), "# the second\n");
}

/// In a config `${` begins the name of a variable.
#[tokio::test]
async fn an_answer_that_looks_like_a_variable_is_kept_as_it_is() {
    let program = unconfigured().await;
    let odd = "da$${ta} ${HOME";
    let options = [
        "setup",
        "--no-telegram",
        "--provider",
        "builtin",
        "--timezone",
        "UTC",
    ];
    let done = program
        .run(&[&options[..], &["--data-dir", odd]].concat())
        .await;
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let said = program.run(&["console", "--once", "2+2"]).await;
    assert_eq!(said.status.code(), Some(0), "{}", text(&said));
    let database = program.config_path().with_file_name(odd).join("minibot.db");
    assert!(database.exists());
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_written() {
    let program = unconfigured().await;
    let folder = program.config_path().parent().unwrap().to_owned();
    std::fs::write(folder.join("wrong"), "1:wrong").unwrap();
    std::fs::write(folder.join("token"), program.telegram.token()).unwrap();
    let (api, base) = (program.telegram.url(), program.provider.url());
    let telegram = ["setup", "--api-url", &api, "--bot-token-file"];
    let none = ["setup", "--no-telegram", "--timezone", "UTC", "--provider"];
    let cases: [(Vec<&str>, &str); 6] = [
        (
            [&telegram[..], &["wrong"]].concat(),
            "does not know this token",
        ),
        (
            [&telegram[..], &["missing"]].concat(),
            "missing cannot be read",
        ),
        ([&telegram[..], &["token"]].concat(), "give --user-id"),
        ([&none[..], &["nonsense"]].concat(), "is none of"),
        ([&none[..], &["openai"]].concat(), "needs --model"),
        (
            [
                &none[..],
                &["openai", "--model", "fake", "--base-url", &base],
            ]
            .concat(),
            "HTTP 401",
        ),
    ];
    for (arguments, words) in cases {
        let output = program.run(&arguments).await;
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            text(&output)
        );
        assert!(
            text(&output).contains(words),
            "{arguments:?}: {}",
            text(&output)
        );
        assert!(!text(&output).contains("1:wrong"));
        assert!(!program.config_path().exists(), "{arguments:?}");
    }
}

/// Each turn has tools: a model that answers only without them is of no use.
#[tokio::test]
async fn a_model_that_takes_no_tools_is_not_taken() {
    let program = unconfigured().await;
    let folder = program.config_path().parent().unwrap().to_owned();
    std::fs::write(folder.join("key"), program.provider.api_key()).unwrap();
    let words = "registry.ollama.ai/library/gemma:2b does not support tools";
    program.provider.respond_with(move |request| {
        let body = format!(r#"{{"error":{{"message":"{words}"}}}}"#);
        if request.body["tools"].is_array() {
            Reply::custom(400, body)
        } else {
            Reply::text("OK")
        }
    });
    let base = program.provider.url();
    let setup = ["setup", "--no-telegram", "--timezone", "UTC"];
    let model = ["--provider", "openai", "--model", "fake"];
    let server = ["--base-url", &base, "--api-key-file", "key"];
    let output = program
        .run(&[&setup[..], &model[..], &server[..]].concat())
        .await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains(words), "{}", text(&output));
    assert!(text(&output).contains("call tools"), "{}", text(&output));
    assert!(!program.config_path().exists());
}

#[tokio::test]
async fn the_file_of_the_old_bot_is_taken_over() {
    let program = unconfigured().await;
    let old = program.config_path().with_file_name("old.toml");
    let content = format!(
        "[channels.telegram]\nenabled = true\nbot_token = \"{}\"\nallowed_user_ids = [{ALICE}]\nformat_repair_enabled = true\n\
         [llm]\nprovider = \"openai\"\nmodel = \"fake\"\n[providers.openai]\napi_key = \"key\"\n",
        program.telegram.token()
    );
    std::fs::write(&old, content).unwrap();
    let done = program.run(&["setup", "--from", "old.toml"]).await;
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert!(
        text(&done).contains("left out: channels.telegram.format_repair_enabled"),
        "{}",
        text(&done)
    );
    let checked = program.run(&["check"]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let broken = program.config_path().with_file_name("broken.toml");
    std::fs::write(&broken, "[llm\n").unwrap();
    let refused = program
        .run(&["setup", "--from", "broken.toml", "--force"])
        .await;
    assert_eq!(refused.status.code(), Some(1));
}
