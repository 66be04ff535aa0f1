//! Programs that a model runs: what they print and leave behind, where they are stopped, and what is left of them.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::support::fake_model::{Reply, Request};
use crate::support::program::{ALICE, Program};

const SWITCHED_ON: &str = r#"
[approvals.tools]
"*" = "allow"

[tools.python_exec]
enabled = true
default_timeout_seconds = 8
max_output_bytes = "10KB"

[tools.bash]
enabled = true
"#;

/// As long as a program takes to begin and to be ended, on a busy machine. Its own limit lies far behind.
const PATIENCE: Duration = Duration::from_secs(20);

/// A pipe in the chat's folder that a program holds open: it tells of its beginning and of its end.
struct Trace(pipe::Receiver);

impl Trace {
    /// Programs write to `trace` in their folder.
    fn of(program: &Program) -> Self {
        let folder = program.data().join("files/chats").join(ALICE.to_string());
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("trace");
        mknodat(CWD, &path, FileType::Fifo, Mode::from(0o666), 0).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        Self(pipe::OpenOptions::new().open_receiver(path).unwrap())
    }

    async fn begins(&mut self) {
        let mut byte = [0];
        let read = timeout(PATIENCE, self.0.read_exact(&mut byte)).await;
        read.expect("it never began").unwrap();
    }

    /// The last process that had it open is gone.
    async fn ends(&mut self) {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        read.expect("something of it is left").unwrap();
        assert!(rest.is_empty(), "it went on: {rest:?}");
    }
}

/// Leaves a process of its own session behind, and never ends.
const ENDLESS: &str = "exec 3>trace; setsid sleep 600 & printf x >&3; sleep 600; printf y >&3";

async fn world() -> Program {
    Program::new(SWITCHED_ON).await
}

fn python(code: &str) -> Reply {
    Reply::tools([("python_execute", json!({ "code": code }))])
}

fn bash(command: &str) -> Reply {
    Reply::tools([("bash", json!({ "command": command }))])
}

fn results(request: &Request) -> Vec<Value> {
    let messages = request.messages().iter();
    let tools = messages.filter(|message| message["role"] == "tool");
    tools
        .map(|message| serde_json::from_str(message["content"].as_str().unwrap()).unwrap())
        .collect()
}

/// What the model is told of each of its calls.
async fn told(calls: Vec<Reply>) -> Vec<Value> {
    let mut program = world().await;
    program
        .provider
        .replies(calls)
        .replies([Reply::text("Done.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "go");
    program.telegram.wait_for_text(ALICE, "Done.").await;
    let results = results(program.provider.requests().last().unwrap());
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
    let runs = program.data().join("sandbox");
    assert_eq!(
        fs::read_dir(runs).unwrap().count(),
        0,
        "a run left its folder"
    );
    results
}

#[tokio::test]
async fn what_a_program_leaves_can_be_read_by_the_next_one() {
    let write = "import sys\nopen('plot.txt', 'w').write('a plot')\nprint(6 * 7)\nprint('oh', file=sys.stderr)\nsys.exit(3)";
    let read = "print(open('workspace/generated/plot.txt').read())";
    let results = told(vec![
        python(write),
        python(read),
        bash("cat generated/plot.txt && ls -A"),
        Reply::tools([("python_environment_info", json!({ "name_prefix": "p" }))]),
    ])
    .await;
    let first = &results[0];
    assert_eq!(first["exit_code"], 3, "{first}");
    assert_eq!(
        (&first["stdout"], &first["stderr"]),
        (&json!("42\n"), &json!("oh\n"))
    );
    assert_eq!(
        (&first["timed_out"], &first["truncated"]),
        (&json!(false), &json!(false))
    );
    let kept = json!([{ "path": "generated/plot.txt", "size_bytes": 6, "mime": "text/plain" }]);
    assert_eq!(
        (&first["artifacts"], &first["skipped"]),
        (&kept, &json!([]))
    );
    assert_eq!(results[1]["stdout"], "a plot\n", "{}", results[1]);
    assert_eq!(results[2]["stdout"], "a plotgenerated\n", "{}", results[2]);
    let version = results[3]["version"].as_str().unwrap();
    assert!(version.starts_with("3."), "{}", results[3]);
    assert!(results[3]["packages"].is_array(), "{}", results[3]);
}

#[tokio::test]
async fn programs_are_ended_at_their_limits_and_told_so() {
    let flood = "import sys\nfor _ in range(10_000): sys.stdout.write('x' * 1_000_000)";
    let bytes = "import sys\nsys.stdout.buffer.write(bytes(range(256)))";
    let asks = |code: &str, seconds: f64| {
        let arguments = json!({ "code": code, "timeout_seconds": seconds });
        Reply::tools([("python_execute", arguments)])
    };
    let results = told(vec![
        asks("print('begun')\nwhile True: pass", 4.0),
        asks(flood, 8.0),
        python(bytes),
        python("print(input())"),
        Reply::tools([(
            "python_execute",
            json!({ "code": "print(input())", "stdin": "from outside" }),
        )]),
        python("import socket\nsocket.create_connection(('127.0.0.1', 1))"),
    ])
    .await;
    let [slow, flood, bytes, no_input, input, network] = &results[..] else {
        panic!("{results:?}");
    };
    assert_eq!(
        (&slow["timed_out"], &slow["killed_by"]),
        (&json!(true), &json!("timeout"))
    );
    assert_eq!(
        (&slow["exit_code"], &slow["stdout"]),
        (&Value::Null, &json!("begun\n"))
    );
    assert_eq!(
        (&flood["truncated"], &flood["killed_by"]),
        (&json!(true), &json!("output"))
    );
    assert_eq!(flood["stdout"].as_str().unwrap().len(), 10_000);
    let shown = bytes["stdout"].as_str().unwrap();
    assert!(
        shown.starts_with('␀') && shown.contains("abc") && shown.contains('\u{fffd}'),
        "{shown}"
    );
    assert!(
        no_input["stderr"].as_str().unwrap().contains("EOFError"),
        "{no_input}"
    );
    assert_eq!(input["stdout"], "from outside\n");
    assert_eq!(network["exit_code"], 1, "{network}");
}

#[tokio::test]
async fn a_stop_ends_a_program_and_all_that_it_started() {
    let mut program = world().await;
    let mut trace = Trace::of(&program);
    program.provider.replies([bash(ENDLESS)]);
    program.start();
    let telegram = program.telegram.clone();
    telegram.user_sends(ALICE, ALICE, "go");
    trace.begins().await;
    telegram.user_sends(ALICE, ALICE, "/stop");
    trace.ends().await;
    telegram.wait_for_text(ALICE, "Stopped.").await;
    program.provider.replies([Reply::text("Here.")]);
    telegram.user_sends(ALICE, ALICE, "still there?");
    telegram.wait_for_text(ALICE, "Here.").await;
    let results = results(program.provider.requests().last().unwrap());
    assert_eq!(results[0]["code"], "interrupted", "{results:?}");
    program.terminate().await;
}

#[tokio::test]
async fn a_program_dies_with_the_bot_and_is_not_run_again() {
    let mut program = world().await;
    let mut trace = Trace::of(&program);
    program
        .provider
        .replies([bash(ENDLESS), Reply::text("It was cut short.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "go");
    trace.begins().await;
    program.kill().await;
    trace.ends().await;
    program.start();
    program
        .telegram
        .wait_for_text(ALICE, "It was cut short.")
        .await;
    let results = results(program.provider.requests().last().unwrap());
    assert_eq!(results[0]["code"], "interrupted", "{results:?}");
    program.terminate().await;
}

#[tokio::test]
async fn what_cannot_be_had_ends_the_start_with_its_key() {
    for (more, words) in [
        (
            "[tools.python_exec]\nenabled = true\npython_path = \"/nowhere/python\"",
            "tools.python_exec.python_path",
        ),
        (
            "[tools.bash]\nenabled = true\nsandbox_mode = \"jail\"\n[tools.bash.jail]\ncommand_prefix = [\"/nowhere/jail\"]",
            "tools.bash.sandbox_mode",
        ),
    ] {
        let mut program = Program::new(more).await;
        program.start();
        assert_eq!(program.ended().await.code(), Some(1));
        let output = program.output();
        assert!(output.contains(words), "{output}");
    }
}

/// A virtual environment in the program's folder, with a package of one line.
fn virtual_environment(program: &Program) -> PathBuf {
    let venv = program.config_path().with_file_name("venv");
    let made = std::process::Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&venv)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let libraries = fs::read_dir(venv.join("lib")).unwrap().flatten();
    let library = libraries.map(|entry| entry.path()).next().unwrap();
    fs::write(
        library.join("site-packages/onlyhere.py"),
        "WORD = 'found'\n",
    )
    .unwrap();
    venv
}

#[tokio::test]
async fn the_packages_of_a_virtual_environment_can_be_imported() {
    let mut program = Program::new("").await;
    virtual_environment(&program);
    let switched_on = SWITCHED_ON.replace(
        "[tools.python_exec]",
        "[tools.python_exec]\nvenv_path = \"venv\"",
    );
    program.configure(&program.configuration(&switched_on));
    program.provider.replies([
        python("import onlyhere\nprint(onlyhere.WORD)\nopen('/etc/passwd')"),
        Reply::text("Done."),
    ]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "go");
    program.telegram.wait_for_text(ALICE, "Done.").await;
    let results = results(program.provider.requests().last().unwrap());
    assert_eq!(results[0]["stdout"], "found\n", "{}", results[0]);
    assert!(
        results[0]["stderr"]
            .as_str()
            .unwrap()
            .contains("PermissionError"),
        "{}",
        results[0]
    );
    program.terminate().await;
}

/// What would show the bot's own files to every program ends the start, and nothing is made.
#[tokio::test]
async fn a_start_that_would_show_the_bots_files_is_refused() {
    let mut program = Program::new("").await;
    let venv = virtual_environment(&program);
    let settings = |program: &Program, data: &str| {
        let more = "[tools.python_exec]\nenabled = true\nvenv_path = \"venv\"\n";
        program.configuration(&format!("[runtime]\ndata_dir = \"{data}\"\n{more}"))
    };
    program.configure(&settings(&program, "venv/data"));
    program.start();
    let status = program.ended().await;
    let output = program.output();
    assert_eq!(status.code(), Some(1), "{output}");
    for words in [
        "tools.python_exec.venv_path lets every program",
        "runtime.data_dir",
        "keep the two apart",
    ] {
        assert!(output.contains(words), "{output}");
    }
    assert!(!venv.join("data").exists());
    let doctor = program.run(&["doctor"]).await;
    let table = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        table.contains("✗ Python: tools.python_exec.venv_path lets"),
        "{table}"
    );
    // A secret in a file of its own is guarded like the settings.
    let token = "\nbot_token = ";
    let text = settings(&program, "data");
    let at = text.find(token).unwrap();
    let value = text[at + token.len()..]
        .lines()
        .next()
        .unwrap()
        .trim_matches('"')
        .to_owned();
    fs::write(venv.join("token"), value).unwrap();
    let line = text[at..].lines().nth(1).unwrap();
    program.configure(&text.replace(line, "bot_token_file = \"venv/token\""));
    program.start();
    assert_eq!(program.ended().await.code(), Some(1));
    assert!(
        program.output().contains("a file with settings"),
        "{}",
        program.output()
    );
}

/// What a jail left in the folder that it shares is removed, and what is not of a run stays.
#[tokio::test]
async fn a_shared_folder_is_cleared_at_the_start() {
    let more = "[tools.python_exec]\nenabled = true\nsandbox_mode = \"jail\"\nartifacts_allow_in_jail = true\n\
        artifacts_jail_shared_dir = \"shared\"\n[tools.python_exec.jail]\ncommand_prefix = [\"/usr/bin/nice\"]\n";
    let mut program = Program::new(more).await;
    let shared = program.config_path().with_file_name("shared");
    fs::create_dir_all(shared.join("run-77-old/work")).unwrap();
    fs::write(shared.join("mine.txt"), "").unwrap();
    program.start();
    program.telegram.wait_for_calls("getUpdates", 1).await;
    program.terminate().await;
    let left = fs::read_dir(&shared).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["mine.txt"], "{}", program.output());
}

/// Which mode holds programs, and by which layers, stands in the log of the start.
#[tokio::test]
async fn the_log_tells_what_holds_programs_in() {
    let mut program = world().await;
    program.start();
    program.telegram.wait_for_calls("getUpdates", 1).await;
    program.terminate().await;
    let output = program.output();
    for section in ["tools.python_exec", "tools.bash"] {
        let is_it = |line: &&str| line.contains(&format!("{section}: the sandbox works"));
        let line = output
            .lines()
            .find(is_it)
            .unwrap_or_else(|| panic!("{output}"));
        assert!(
            line.contains("native") && line.contains("Landlock version"),
            "{line}"
        );
    }
}

/// With or without programs, nobody of the same user looks into the bot.
#[tokio::test]
async fn the_bot_shows_itself_to_no_process_of_its_user() {
    const SOMEBODY: u32 = 65_533;
    let program = Program::new("").await;
    let home = program.config_path().parent().unwrap().to_path_buf();
    let own = fs::metadata("/proc/self").unwrap().uid();
    let mut command = program.command(&["run"]);
    let user = if own == 0 {
        for path in [&home, &program.config_path()] {
            chown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        command.uid(SOMEBODY).gid(SOMEBODY);
        SOMEBODY
    } else {
        own
    };
    let mut bot = command.spawn().unwrap();
    program.telegram.wait_for_calls("getUpdates", 1).await;
    let folder = format!("/proc/{}", bot.id().unwrap());
    let status = fs::read_to_string(format!("{folder}/status")).unwrap();
    let is_user = status
        .lines()
        .any(|line| line.starts_with(&format!("Uid:\t{user}\t")));
    assert!(is_user, "{status}");
    // The kernel gives what it shows of an undumpable process to root.
    let environment = fs::metadata(format!("{folder}/environ")).unwrap();
    assert_ne!(environment.uid(), user);
    bot.kill().await.unwrap();
}

/// Even where nearly all variables are passed on, none that holds a key of the settings is.
#[tokio::test]
async fn no_variable_with_a_secret_of_the_settings_reaches_a_program() {
    let more = "[approvals.tools]\n\"*\" = \"allow\"\n[tools.python_exec]\nenabled = true\npass_parent_env = true\n\
        [tools.browser.extra_http_headers]\nX-Key = \"tiger-lily-77\"\n";
    let mut program = Program::new(more).await;
    let key = program.provider.api_key();
    program.provider.replies([
        python("import os\nprint(sorted(name for name in os.environ if name[0] == 'T' and name != 'TMPDIR'))"),
        Reply::text("Done."),
    ]);
    program.start_with(&[
        ("THE_HEADER", "tiger-lily-77"),
        ("THE_KEY", &key),
        ("THE_WEATHER", "fine"),
    ]);
    program.telegram.user_sends(ALICE, ALICE, "go");
    program.telegram.wait_for_text(ALICE, "Done.").await;
    let results = results(program.provider.requests().last().unwrap());
    assert_eq!(results[0]["stdout"], "['THE_WEATHER']\n", "{}", results[0]);
    program.terminate().await;
}
