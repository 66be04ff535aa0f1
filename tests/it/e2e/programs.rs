//! Programs that a model runs: what they print and leave behind, where they are stopped, and what is left of them.

use std::fs;
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

/// `/stop` takes effect within this time.
const SOON: Duration = Duration::from_secs(1);

/// As long as a program takes to begin, on a busy machine.
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
    async fn ends(&mut self, within: Duration) {
        let mut rest = Vec::new();
        let read = timeout(within, self.0.read_to_end(&mut rest)).await;
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
        asks("print('begun')\nwhile True: pass", 1.0),
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
    trace.ends(SOON).await;
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
    trace.ends(SOON).await;
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
