//! The commands of the program: what they do, and how they end.

use std::process::Output;

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::program::{ALICE, Program};

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_message_is_answered_and_a_stop_ends_it_well() {
    let mut program = Program::new("").await;
    program.provider.replies([Reply::text("Hello Alice.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    program.telegram.wait_for_text(ALICE, "Hello Alice.").await;
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", program.output());
    assert_eq!(program.telegram.pending_updates(), 0);
}

#[tokio::test]
async fn ctrl_c_lets_a_running_turn_come_to_its_end_and_is_a_success() {
    let mut program = Program::new("[runtime]\nenvironment = \"attic\"").await;
    let gate = Gate::new();
    let answer = Reply::text("Hello Alice.").held(&gate);
    program.provider.replies([answer]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    gate.wait_for_arrivals(1).await;
    program.interrupt();
    program.says("message=stopping signal=SIGINT", 1).await;
    gate.open();
    program.telegram.wait_for_text(ALICE, "Hello Alice.").await;
    let status = program.ended().await;
    let output = program.output();
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(output.contains("message=stopped"), "{output}");
    let started = output.lines().find(|line| line.contains("message=started"));
    let started = started.unwrap_or_else(|| panic!("{output}"));
    assert!(started.contains("environment=attic"), "{started}");
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let mut program = Program::new("").await;
    program.start();
    program.telegram.wait_for_calls("getUpdates", 1).await;
    let pid = program.child().id().unwrap();
    let second = program.run(&["run"]).await;
    let (_, error) = said(&second);
    assert_eq!(second.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&format!("already running, pid {pid}")),
        "{error}"
    );
    let third = program.run(&["console", "--once", "hi"]);
    assert_eq!(third.await.status.code(), Some(1));
    program.kill().await;
    let fourth = program.run(&["console", "--once", "2+2"]).await;
    assert_eq!(fourth.status.code(), Some(0), "{}", said(&fourth).1);
}

#[tokio::test]
async fn the_console_prints_one_answer() {
    let program = Program::new("").await;
    program.configure("");
    let question = ["console", "--once", "what is 12*12?"];
    let output = program.run(&question).await;
    let (answer, error) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(answer.contains("144"), "{answer}");
}

#[tokio::test]
async fn a_broken_configuration_is_told_with_every_line() {
    let program = Program::new("").await;
    program.configure("[runtime]\ntimezone = \"Europe/Madird\"\n[llm]\nprovder = \"builtin\"\n");
    let output = program.run(&["check"]).await;
    let (_, error) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for part in [
        "config.toml, line 2",
        "Europe/Madrid",
        "config.toml, line 4",
        "provider",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    let output = program.run(&["run"]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_refused_token_ends_it_with_an_error() {
    let mut program = Program::new("").await;
    let text = format!(
        "[channels.telegram]\nenabled = true\nbot_token = \"1:wrong\"\napi_url = \"{}\"\nallowed_user_ids = [1]\n",
        program.telegram.url()
    );
    program.configure(&text);
    program.start();
    let status = program.ended().await;
    assert_eq!(status.code(), Some(1));
    let output = program.output();
    assert!(
        output.contains("Telegram does not know this token"),
        "{output}"
    );
    assert!(!output.contains("1:wrong"), "{output}");
}
