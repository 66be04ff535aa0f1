//! `minibot doctor` with the real program: each row as it should be, and each once broken.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::machine::cannot;
use crate::support::program::{ALICE, Program};

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The row of a thing with the line of its fix.
pub fn row(table: &str, what: &str) -> String {
    let mut lines = table.lines();
    let is_row = |line: &&str| {
        let signs = ['✓', '!', '✗', ' '];
        line.trim_start_matches(signs)
            .starts_with(&format!("{what}:"))
    };
    let found = lines.find(is_row);
    let found = found.unwrap_or_else(|| panic!("no row {what} in\n{table}"));
    let below = lines.take_while(|line| line.starts_with("    "));
    std::iter::once(found)
        .chain(below)
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_bot_that_is_well_has_nothing_but_ticks() {
    let mut program = Program::new("").await;
    program
        .provider
        .replies([Reply::text("Hello Alice."), Reply::text("OK")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    program.telegram.wait_for_text(ALICE, "Hello Alice.").await;
    let output = program.run(&["doctor"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(0), "{table}");
    for (what, words) in [
        ("config", "no problems"),
        ("process", "running, pid"),
        ("database", "schema"),
        ("Telegram", "@"),
        ("updates", "last completed poll"),
        ("model", "answers"),
        ("time zone", "UTC"),
        ("disk", "MB free"),
        ("sandbox", "basic"),
    ] {
        let row = row(&table, what);
        assert!(row.contains(words), "{row}");
        assert!(!row.starts_with('✗'), "{row}");
    }
    program.kill().await;
}

/// What is wrong: settings that are added, the row that says so, and words of it.
const BROKEN: &[(&str, &str, &str)] = &[
    ("[storage]\npath = \"broken.db\"", "database", "✗"),
    (
        "[llm.profiles.none]\nprovider = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"x\"\n",
        "fallback model",
        "no connection",
    ),
    (
        "[scheduler.prompts]\nprofile = \"none\"\n[llm.profiles.none]\nprovider = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"x\"\n",
        "model of scheduled jobs",
        "no connection",
    ),
    ("[runtime]\ndata_dir = \"/proc\"", "disk", "0 MB free"),
    (
        "[tools.python_exec]\nenabled = true\npython_path = \"/nowhere/python\"",
        "Python",
        "/nowhere/python",
    ),
    (
        "[tools.bash]\nenabled = true\nsandbox_mode = \"cgroup\"",
        "Bash",
        "cgroup",
    ),
    (
        "[tools.bash]\nenabled = true\nsandbox_mode = \"jail\"\n[tools.bash.jail]\ncommand_prefix = [\"/nowhere/jail\"]",
        "Bash",
        "/nowhere/jail",
    ),
    (
        "[tools.python_exec]\nenabled = true\n[tools.python_exec.rlimit]\nnofile = 3",
        "Python",
        "change rlimit",
    ),
    (
        "[tools.python_exec]\nenabled = true\nvenv_path = \"no-venv\"",
        "Python",
        "no-venv",
    ),
    #[cfg(feature = "browser")]
    (
        "[tools.browser]\nenabled = true\nexecutable_path = \"/nowhere/chromium\"",
        "browser",
        "/nowhere/chromium",
    ),
    ("[channels.telegram.rate_limit_nobody_has]", "config", ""),
];

#[tokio::test]
async fn each_thing_that_is_broken_is_named_with_what_to_do() {
    for &(settings, what, words) in BROKEN {
        let (settings, top) = match what {
            "fallback model" => (settings, "fallbacks = [\"none\"]\n"),
            _ => (settings, ""),
        };
        let program = Program::new(&format!("{top}{settings}")).await;
        program.provider.replies([Reply::text("OK")]);
        std::fs::write(program.config_path().with_file_name("broken.db"), [7; 8192]).unwrap();
        let output = program.run(&["doctor"]).await;
        let table = text(&output);
        assert_eq!(output.status.code(), Some(1), "{what}: {table}");
        if what == "config" {
            assert!(table.contains("unknown key"), "{table}");
            continue;
        }
        let row = row(&table, what);
        assert!(row.starts_with('✗') && row.contains(words), "{row}");
        assert!(row.contains('→'), "no fix: {row}");
    }
}

/// What is configured is tried as it is configured.
#[tokio::test]
async fn the_modes_of_the_settings_are_tried() {
    let program = Program::new(
        "[tools.python_exec]\nenabled = true\n[tools.bash]\nenabled = true\nsandbox_mode = \"jail\"\n\
         [tools.bash.jail]\ncommand_prefix = [\"/usr/bin/nice\"]",
    )
    .await;
    program.provider.replies([Reply::text("OK")]);
    let table = text(&program.run(&["doctor"]).await);
    for (what, words) in [
        (
            "Python",
            "in the mode \"native\": resource limits, Landlock version",
        ),
        (
            "Bash",
            "in the mode \"jail\": resource limits, and the jail of the settings",
        ),
    ] {
        let row = row(&table, what);
        assert!(row.starts_with('✓') && row.contains(words), "{row}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_and_a_model_that_is_down_are_named() {
    let program = Program::new("").await;
    let text_of_config = std::fs::read_to_string(program.config_path()).unwrap();
    let wrong = text_of_config.replace(&program.telegram.token(), "1:wrong");
    let wrong = wrong.replace(&program.provider.api_key(), "wrong-key");
    program.configure(&wrong);
    let output = program.run(&["doctor"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(row(&table, "Telegram").contains("not accepted"), "{table}");
    assert!(
        row(&table, "model").contains("the API key was not accepted"),
        "{table}"
    );
    assert!(row(&table, "process").starts_with('!'), "{table}");
    assert!(row(&table, "database").starts_with('!'), "{table}");
    assert!(
        !table.contains("1:wrong") && !table.contains("wrong-key"),
        "{table}"
    );
}

#[tokio::test]
async fn a_config_that_others_can_read_is_remarked_on() {
    let program = Program::new("").await;
    program.provider.replies([Reply::text("OK")]);
    let open = PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(program.config_path(), open).unwrap();
    let output = program.run(&["doctor"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(row(&table, "config").starts_with("! config"), "{table}");
    assert!(table.contains("chmod 600"), "{table}");
}

#[tokio::test]
async fn updates_that_do_not_arrive_are_named() {
    let mut program = Program::new("").await;
    program.provider.replies([Reply::text("OK")]);
    let gate = Gate::new();
    program
        .telegram
        .fail("getUpdates", [Fault::HoldBefore(gate.clone())]);
    program.start();
    program.telegram.wait_for_calls("getUpdates", 1).await;
    let output = program.run(&["doctor"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(
        row(&table, "updates").contains("no poll has completed"),
        "{table}"
    );
    program.kill().await;
}

/// With a webhook nobody polls: what counts is that it listens.
#[tokio::test]
async fn a_webhook_that_does_not_listen_is_named() {
    let mut program = Program::new("").await;
    program.use_webhook();
    let gate = Gate::new();
    program
        .telegram
        .fail("getMe", [Fault::HoldBefore(gate.clone())]);
    program.start();
    program.telegram.wait_for_calls("getMe", 1).await;
    let updates = async || {
        let output = program.run(&["doctor", "--quick"]).await;
        (output.status.code(), row(&text(&output), "updates"))
    };
    let (code, found) = updates().await;
    assert_eq!(code, Some(1), "{found}");
    let words = "✗ updates: the webhook does not listen yet";
    assert!(found.starts_with(words) && found.contains('→'), "{found}");
    // A sign of an hour ago is no better.
    let long_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    std::fs::write(program.data().join("heartbeat"), long_ago.to_rfc3339()).unwrap();
    let (code, found) = updates().await;
    assert_eq!(code, Some(1), "{found}");
    assert!(
        found.starts_with("✗ updates: last sign of the webhook 36") && found.contains('→'),
        "{found}"
    );
    gate.open();
    program.telegram.user_sends(ALICE, ALICE, "/whoami");
    program.telegram.wait_for_text(ALICE, "1001").await;
    let (code, found) = updates().await;
    assert_eq!(code, Some(0), "{found}");
    assert!(found.starts_with('✓'), "{found}");
    program.kill().await;
}

/// The bot listens, and Telegram was never told, was told otherwise, or does not get through.
#[tokio::test]
async fn a_webhook_that_telegram_does_not_reach_is_named() {
    let mut program = Program::new("").await;
    program.use_webhook();
    program.provider.respond_with(|_| Reply::text("OK"));
    program
        .telegram
        .fail_times("setWebhook", 1_000, Fault::ServerError(502));
    program.start();
    program.telegram.wait_for_calls("setWebhook", 1).await;
    let webhook = async || {
        let output = program.run(&["doctor"]).await;
        (output.status.code(), row(&text(&output), "webhook"))
    };
    let (code, found) = webhook().await;
    assert_eq!(code, Some(1), "{found}");
    let words = "✗ webhook: Telegram was told none";
    assert!(found.starts_with(words) && found.contains('→'), "{found}");
    program.telegram.clear_faults();
    program.telegram.user_sends(ALICE, ALICE, "/whoami");
    program.telegram.wait_for_text(ALICE, "1001").await;
    let (code, found) = webhook().await;
    assert_eq!(code, Some(0), "{found}");
    assert!(found.starts_with("✓ webhook: "), "{found}");
    program.kill().await;
}

/// The address in the settings leads elsewhere than to the bot.
#[tokio::test]
async fn a_webhook_behind_which_nobody_listens_is_named() {
    let mut program = Program::new("").await;
    program.use_webhook();
    let config = std::fs::read_to_string(program.config_path()).unwrap();
    let listen = config
        .lines()
        .find(|line| line.starts_with("webhook_listen"));
    let elsewhere = "webhook_listen = \"127.0.0.1:0\"";
    program.configure(&config.replace(listen.unwrap(), elsewhere));
    program.provider.replies([Reply::text("OK")]);
    program.start();
    program.telegram.wait_for_calls("setWebhook", 1).await;
    program.telegram.user_sends(ALICE, ALICE, "/whoami");
    program.telegram.wait_for_webhook_attempts(1).await;
    let output = program.run(&["doctor"]).await;
    let found = row(&text(&output), "webhook");
    assert_eq!(output.status.code(), Some(1), "{found}");
    let words = "✗ webhook: Telegram does not get through (1 waiting): Connection refused";
    assert!(found.starts_with(words) && found.contains('→'), "{found}");
    program.kill().await;
}

#[tokio::test]
async fn a_telegram_that_is_not_reached_is_named() {
    let program = Program::new("").await;
    program.provider.replies([Reply::text("OK")]);
    program.telegram.go_offline();
    let output = program.run(&["doctor"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let telegram = row(&table, "Telegram");
    assert!(
        telegram.starts_with("✗ Telegram: not reached") && telegram.contains("check the network"),
        "{telegram}"
    );
    assert!(!table.contains(&program.telegram.token()), "{table}");
}

/// Switches a system call off for itself, and becomes the program.
#[cfg(target_arch = "x86_64")]
const WITHOUT_LANDLOCK: &str = r"
import ctypes, os, struct, sys
LOAD, EQUAL, ANSWER, ALLOWED, ENOSYS = 0x20, 0x15, 0x06, 0x7FFF0000, 0x50000 | 38
LANDLOCK_CREATE_RULESET = 444
rules = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, LANDLOCK_CREATE_RULESET), (ANSWER, 0, 0, ENOSYS), (ANSWER, 0, 0, ALLOWED)]
filter = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(rules), ctypes.addressof(filter)))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
";

/// The machine has Landlock; the program is shown a kernel without.
#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn a_kernel_without_the_native_sandbox_is_named() {
    let program = Program::new("[tools.bash]\nenabled = true").await;
    program.provider.replies([Reply::text("OK")]);
    let doctor = program.command(&["doctor"]);
    let mut command = tokio::process::Command::new("/usr/bin/python3");
    command
        .args(["-c", WITHOUT_LANDLOCK])
        .arg(doctor.as_std().get_program())
        .args(doctor.as_std().get_args())
        .env_clear()
        .current_dir(program.data().parent().unwrap());
    let output = command.output().await.unwrap();
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let sandbox = row(&table, "sandbox");
    assert!(sandbox.starts_with("! sandbox: "), "{table}");
    for words in [
        "no Landlock",
        "native does not: ",
        "→ a kernel with Landlock",
    ] {
        assert!(sandbox.contains(words), "{words}: {table}");
    }
    // And what was to run in it does not.
    let bash = row(&table, "Bash");
    assert!(
        bash.starts_with("✗ Bash: ") && bash.contains('→'),
        "{table}"
    );
}

#[tokio::test]
async fn a_bot_that_does_not_run_is_unwell_for_a_health_check() {
    let mut program = Program::new("").await;
    let output = program.run(&["doctor", "--quick"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let process = row(&table, "process");
    assert!(process.starts_with("✗ process: not running"), "{table}");
    assert!(process.contains("minibot run"), "{table}");
    program.start();
    program.telegram.wait_for_calls("getUpdates", 2).await;
    let output = program.run(&["doctor", "--quick"]).await;
    let table = text(&output);
    assert_eq!(output.status.code(), Some(0), "{table}");
    let rows: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(rows, ["✓ config", "✓ process", "✓ database", "✓ updates"]);
    program.kill().await;
}

#[tokio::test]
async fn a_bot_by_utc_on_a_machine_elsewhere_is_remarked_on() {
    let program = Program::new("").await;
    program
        .provider
        .replies([Reply::text("OK"), Reply::text("OK"), Reply::text("OK")]);
    let zone_in = async |variable: &str| {
        let mut command = program.command(&["doctor"]);
        let output = command.env("TZ", variable).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        row(&text(&output), "time zone")
    };
    let elsewhere = zone_in("America/New_York").await;
    assert!(elsewhere.starts_with("! time zone: UTC"), "{elsewhere}");
    assert!(elsewhere.contains("America/New_York"), "{elsewhere}");
    assert!(elsewhere.contains("→ set runtime.timezone"), "{elsewhere}");
    let same = zone_in("Etc/UTC").await;
    assert!(same.starts_with("✓ time zone: UTC"), "{same}");
    program.configure(&program.configuration("[runtime]\ntimezone = \"Europe/Madrid\""));
    let chosen = zone_in("America/New_York").await;
    assert!(chosen.starts_with("✓ time zone: Europe/Madrid"), "{chosen}");
}

#[tokio::test]
async fn a_temporary_folder_that_is_not_there_is_named() {
    let program = Program::new("").await;
    program.provider.replies([Reply::text("OK")]);
    let mut command = program.command(&["doctor"]);
    let output = command.env("TMPDIR", "/nowhere").output().await.unwrap();
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let sandbox = row(&table, "sandbox");
    assert!(
        sandbox.starts_with("✗ sandbox: ") && sandbox.contains('→'),
        "{table}"
    );
}

/// The machine has Bash; the program is shown one without.
#[tokio::test]
async fn a_missing_bash_is_named() {
    let program = Program::new("[tools.bash]\nenabled = true").await;
    program.provider.replies([Reply::text("OK")]);
    let bash = std::fs::canonicalize("/bin/bash").unwrap();
    let hide = format!("mount --bind /dev/null {} && exec \"$@\"", bash.display());
    let hidden = || {
        let mut command = tokio::process::Command::new("unshare");
        if !rustix::process::getuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "--", "/bin/sh", "-c", &hide, "sh"]);
        command
    };
    let tried = hidden().arg("true").output().await;
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return cannot("hide a program from another");
    }
    let doctor = program.command(&["doctor"]);
    let mut command = hidden();
    command
        .arg(doctor.as_std().get_program())
        .args(doctor.as_std().get_args())
        .env_clear()
        .current_dir(program.data().parent().unwrap());
    let output = command.output().await.unwrap();
    let table = text(&output);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let bash = row(&table, "Bash");
    assert!(
        bash.starts_with("✗ Bash: ") && bash.contains('→'),
        "{table}"
    );
}
