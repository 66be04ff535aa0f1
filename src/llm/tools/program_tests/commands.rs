//! How shell commands run, and what the tools say of themselves.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

#[tokio::test]
async fn a_command_runs_in_the_chats_folder() {
    let world = World::answering(Ok(RunOutcome {
        stderr: Captured::of(b"late", Rest::CutOff),
        ..outcome(RunEnd::Killed(KilledBy::Timeout), "a\u{1b}[1m")
    }));
    let told = world
        .call("bash", json!({ "command": "ls -la; $x", "stdin": null }))
        .await;
    let expected = json!({
        "exit_code": null, "stdout": "a␛[1m", "stderr": "late", "timed_out": true, "truncated": true, "duration_ms": 5,
        "killed_by": "timeout",
    });
    assert_eq!(told, expected);
    let request = world.request();
    assert_eq!(
        words(&request),
        ["--noprofile", "--norc", "-c", "ls -la; $x"]
    );
    assert_eq!(
        request.folder,
        RunFolder::Workspace("/files/chats/42".into(), Access::Change)
    );
    assert_eq!(
        (request.timeout, request.artifacts),
        (Duration::from_secs(8), None)
    );
}

/// What runs without a question because it only reads cannot write.
#[tokio::test]
async fn a_command_that_only_reads_gets_no_more_than_that() {
    for (mode, command, access) in [
        (SandboxMode::Native, "ls -la && git status", Access::Look),
        (SandboxMode::Native, "ls -la && touch x", Access::Change),
        (SandboxMode::Native, "rm -rf /", Access::Change),
        (SandboxMode::Rlimit, "cat notes.txt", Access::Look),
        (SandboxMode::Rlimit, "git status", Access::Change),
    ] {
        let world = World::of(Ok(outcome(RunEnd::Exited(0), "")), mode, artifacts());
        world.call("bash", json!({ "command": command })).await;
        let folder = world.request().folder;
        assert_eq!(
            folder,
            RunFolder::Workspace("/files/chats/42".into(), access),
            "{command}"
        );
    }
}

#[tokio::test]
async fn a_call_says_what_it_is_about_to_do() {
    for (mode, held) in [
        (SandboxMode::Native, Confinement::Native),
        (SandboxMode::Rlimit, Confinement::Weaker),
    ] {
        let world = World::of(Ok(outcome(RunEnd::Exited(0), "")), mode, artifacts());
        let context = context(Labels::default());
        let python = world.tool("python_execute");
        let code = python.action(&context, &json!({ "code": "x" })).await;
        assert_eq!(code, Action::Code { confinement: held });
        assert_eq!(python.effect(), ToolEffect::OutsideOnce);
        let info = world.tool("python_environment_info");
        assert_eq!(
            (info.action(&context, &json!({})).await, info.effect()),
            (Action::Inside, ToolEffect::ReadOnly)
        );
        let bash = world.tool("bash");
        assert_eq!(bash.effect(), ToolEffect::OutsideOnce);
        let Action::Command { line, confinement } =
            bash.action(&context, &json!({ "command": "ls" })).await
        else {
            panic!("a command is a command");
        };
        assert_eq!((line.source.as_str(), confinement), ("ls", held));
        assert_eq!(classify(&line, confinement), Verdict::Allow);
    }
}

#[tokio::test]
async fn they_are_described_in_the_strict_form() {
    let world = World::answering(Ok(outcome(RunEnd::Exited(0), "")));
    for tool in &world.tools {
        let spec = tool.spec();
        assert!(spec.description.len() > 20, "{}", spec.name);
        let schema = &spec.parameters;
        assert_eq!(schema["additionalProperties"], false, "{}", spec.name);
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(
            schema["required"].as_array().unwrap().len(),
            properties.len(),
            "{schema}"
        );
        assert!(!schema.to_string().contains("\"format\""), "{schema}");
    }
    let size: usize = world
        .tools
        .iter()
        .map(|tool| tool.spec().parameters.to_string().len())
        .sum();
    assert!(size < 3_000, "{size}");
}
