//! The tools that run programs, over a sandbox that writes down what it is asked and answers as told.

mod commands;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::bash::{self, BashTools};
use super::python::{self, ArtifactSettings, PythonTools};
use super::runs::{Interpreter, RunLimits};
use super::test_world::{MemoryWorkspaces, person_in};
use crate::core::action::{Action, Confinement};
use crate::core::artifacts::{Artifact, ArtifactRules, SkipReason, SkippedFile};
use crate::core::command::{Verdict, classify};
use crate::core::label::{Labels, Source};
use crate::core::sandbox::{
    Access, Argument, Captured, KilledBy, Rest, RunEnd, RunFolder, RunOutcome, RunRequest, Sandbox,
    SandboxError, SandboxMode,
};
use crate::core::tool::{Tool, ToolContext, ToolEffect, ToolOutcome};

/// Answers each run alike.
#[derive(Debug)]
struct ScriptedSandbox {
    answer: Result<RunOutcome, SandboxError>,
    mode: SandboxMode,
    asked: Mutex<Vec<RunRequest>>,
    files: Arc<MemoryWorkspaces>,
    /// What another topic of the chat puts into its files while a program runs.
    meanwhile: Mutex<Labels>,
}

#[async_trait]
impl Sandbox for ScriptedSandbox {
    fn mode(&self) -> SandboxMode {
        self.mode
    }

    async fn run(&self, request: RunRequest) -> Result<RunOutcome, SandboxError> {
        self.asked.lock().unwrap().push(request);
        let meanwhile = self.meanwhile.lock().unwrap();
        self.files.labels.lock().unwrap().join(&meanwhile);
        self.answer.clone()
    }
}

struct World {
    sandbox: Arc<ScriptedSandbox>,
    files: Arc<MemoryWorkspaces>,
    tools: Vec<Arc<dyn Tool>>,
}

fn outcome(end: RunEnd, stdout: &str) -> RunOutcome {
    RunOutcome {
        end,
        stdout: Captured::of(stdout.as_bytes(), Rest::Whole),
        stderr: Captured::default(),
        duration: Duration::from_millis(5),
        artifacts: Vec::new(),
        skipped: Vec::new(),
    }
}

impl World {
    fn answering(answer: Result<RunOutcome, SandboxError>) -> Self {
        Self::of(answer, SandboxMode::Native, artifacts())
    }

    fn of(
        answer: Result<RunOutcome, SandboxError>,
        mode: SandboxMode,
        artifacts: ArtifactSettings,
    ) -> Self {
        let files = Arc::new(MemoryWorkspaces::default());
        let sandbox = Arc::new(ScriptedSandbox {
            answer,
            mode,
            asked: Mutex::default(),
            files: files.clone(),
            meanwhile: Mutex::default(),
        });
        let interpreter = |program: &str| Interpreter {
            sandbox: sandbox.clone(),
            program: program.into(),
            readable: vec!["/venv".into()],
            files: files.clone(),
        };
        let limits = RunLimits {
            default_timeout: Duration::from_secs(8),
            max_timeout: Duration::from_secs(20),
            max_output_bytes: 1000,
        };
        let mut tools = python::family(&PythonTools {
            interpreter: interpreter("/usr/bin/python3"),
            limits,
            max_code_bytes: 100,
            artifacts,
        })
        .tools;
        let interpreter = interpreter("/bin/bash");
        tools.extend(
            bash::family(&BashTools {
                interpreter,
                limits,
            })
            .tools,
        );
        Self {
            sandbox,
            files,
            tools,
        }
    }

    fn tool(&self, name: &str) -> &dyn Tool {
        let mut tools = self.tools.iter();
        tools
            .find(|tool| tool.spec().name == name)
            .unwrap()
            .as_ref()
    }

    async fn call(&self, name: &str, arguments: Value) -> Value {
        match self
            .tool(name)
            .run(&context(Labels::default()), arguments)
            .await
        {
            ToolOutcome::Finished(result) => result.value().clone(),
            other => panic!("{other:?}"),
        }
    }

    fn request(&self) -> RunRequest {
        let mut asked = self.sandbox.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        asked.remove(0)
    }
}

fn artifacts() -> ArtifactSettings {
    ArtifactSettings::Within {
        rules: ArtifactRules {
            globs: Vec::new(),
            extensions: vec![".txt".to_owned(), ".png".to_owned()],
            most_files: 5,
            most_file_bytes: 100,
            most_total_bytes: 200,
        },
        folder: "generated".to_owned(),
    }
}

fn context(labels: Labels) -> ToolContext {
    ToolContext {
        labels,
        ..person_in("42")
    }
}

fn words(request: &RunRequest) -> Vec<String> {
    let word = |argument: &Argument| match argument {
        Argument::Text(text) => text.clone(),
        Argument::File { name, content } => format!("{name}={}", String::from_utf8_lossy(content)),
    };
    request.arguments.iter().map(word).collect()
}

#[tokio::test]
async fn python_runs_alone_beside_the_chats_files() {
    let world = World::answering(Ok(outcome(RunEnd::Exited(0), "42\n")));
    let arguments =
        json!({ "code": "print(6*7)", "stdin": "in", "timeout_seconds": 99, "max_artifacts": 9 });
    let told = world.call("python_execute", arguments).await;
    let expected = json!({
        "exit_code": 0, "stdout": "42\n", "stderr": "", "timed_out": false, "truncated": false, "duration_ms": 5,
        "artifacts": [], "skipped": [],
    });
    assert_eq!(told, expected);
    let request = world.request();
    assert_eq!(
        words(&request),
        ["-I", "-B", "-u", "-X", "utf8", "program.py=print(6*7)"]
    );
    assert_eq!(request.program, PathBuf::from("/usr/bin/python3"));
    assert_eq!(request.stdin, b"in");
    assert_eq!(request.timeout, Duration::from_secs(20));
    assert_eq!(request.most_output_bytes, 1000);
    assert_eq!(request.readable, [PathBuf::from("/venv")]);
    let workspace = Some("/files/chats/42".into());
    assert_eq!(request.folder, RunFolder::Private { workspace });
    assert_eq!(request.artifacts.unwrap().most_files, 5);
}

#[tokio::test]
async fn files_that_a_program_leaves_are_saved_with_where_they_come_from() {
    let left = |name: &str| Artifact {
        name: name.to_owned(),
        content: b"png".to_vec(),
    };
    let skipped = vec![SkippedFile {
        name: "link".to_owned(),
        reason: SkipReason::NotRegular,
    }];
    let world = World::answering(Ok(RunOutcome {
        artifacts: vec![left("out/plot.png"), left("full.txt")],
        skipped,
        ..outcome(RunEnd::Exited(0), "")
    }));
    let read = Labels::of(Source::Web {
        host: "x.example".to_owned(),
    });
    let arguments = json!({ "code": "", "artifact_globs": ["*.png"], "artifact_subdir": "plots/new", "max_artifacts": 2 });
    let ran = world
        .tool("python_execute")
        .run(&context(read.clone()), arguments)
        .await;
    let ToolOutcome::Outside {
        result,
        labels: of_result,
    } = ran
    else {
        panic!("{ran:?}");
    };
    // What a program says of what was read is the model's choice.
    let labels = read.rewritten();
    assert_eq!(of_result, labels);
    let kept = json!([{ "path": "plots/new/plot.png", "size_bytes": 3, "mime": "image/png" }]);
    assert_eq!(result.value()["artifacts"], kept);
    let not_kept = json!([
        { "name": "link", "reason": "not a regular file" },
        { "name": "full.txt", "reason": "the folder is full" },
    ]);
    assert_eq!(result.value()["skipped"], not_kept);
    let saved = world.files.saved.lock().unwrap();
    // The folder, whose name the model chose, and the file.
    let of = |at: usize| (saved[at].0.as_str(), &saved[at].1.labels);
    assert_eq!(of(0), ("42/plots/new/", &labels));
    assert_eq!(of(1), ("42/plots/new/plot.png", &labels));
    let rules = world.request().artifacts.unwrap();
    assert_eq!(
        (rules.globs, rules.most_files),
        (vec!["*.png".to_owned()], 2)
    );
}

/// What a program prints may be what a file says, and what a command writes may be what the model read.
#[tokio::test]
async fn what_lies_in_the_folder_comes_out_with_its_labels() {
    let of = |host: &str| {
        Labels::of(Source::Web {
            host: host.to_owned(),
        })
    };
    let (stored, read) = (of("stored.example"), of("read.example"));
    let mut both = stored.clone();
    both.join(&read);
    let both = both.rewritten();
    for (tool, arguments, left) in [
        ("python_execute", json!({ "code": "" }), &stored),
        ("bash", json!({ "command": "cp a b" }), &both),
        ("bash", json!({ "command": "ls" }), &stored),
    ] {
        let world = World::answering(Ok(outcome(RunEnd::Exited(0), "")));
        *world.files.labels.lock().unwrap() = stored.clone();
        let ran = world
            .tool(tool)
            .run(&context(read.clone()), arguments)
            .await;
        let ToolOutcome::Outside { labels, .. } = ran else {
            panic!("{ran:?}");
        };
        assert_eq!(labels, both, "{tool}");
        assert_eq!(*world.files.labels.lock().unwrap(), *left, "{tool}");
    }
}

/// The topics of a chat have one folder, and their turns run side by side.
#[tokio::test]
async fn what_comes_into_the_folder_during_a_run_counts_as_well() {
    let meanwhile = Labels::of(Source::Web {
        host: "meanwhile.example".to_owned(),
    });
    let left = Artifact {
        name: "out.txt".to_owned(),
        content: b"x".to_vec(),
    };
    for (tool, arguments) in [
        ("python_execute", json!({ "code": "" })),
        ("bash", json!({ "command": "cp a b" })),
    ] {
        let world = World::answering(Ok(RunOutcome {
            artifacts: vec![left.clone()],
            ..outcome(RunEnd::Exited(0), "")
        }));
        *world.sandbox.meanwhile.lock().unwrap() = meanwhile.clone();
        let ran = world.tool(tool);
        let ran = ran.run(&context(Labels::default()), arguments).await;
        let ToolOutcome::Outside { labels, .. } = ran else {
            panic!("{ran:?}");
        };
        assert_eq!(labels, meanwhile.rewritten(), "{tool}");
        let saved = world.files.saved.lock().unwrap();
        let mut saved = saved.iter().filter(|(place, _)| !place.ends_with('/'));
        assert!(saved.all(|(_, content)| content.labels == labels));
        if tool == "bash" {
            assert_eq!(*world.files.labels.lock().unwrap(), labels);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_before_it_is() {
    let long = "x".repeat(70_000);
    for (tool, arguments, code, words) in [
        (
            "python_execute",
            json!({ "code": "x".repeat(101) }),
            "too_large",
            "smaller steps",
        ),
        (
            "python_execute",
            json!({ "code": "", "timeout_seconds": 0 }),
            "bad_arguments",
            "more than 0",
        ),
        (
            "python_execute",
            json!({ "code": "", "artifact_subdir": "../x" }),
            "bad_arguments",
            "artifact_subdir",
        ),
        (
            "python_execute",
            json!({ "code": "", "artifact_globs": vec!["*"; 21] }),
            "bad_arguments",
            "at most 20",
        ),
        (
            "python_execute",
            json!({ "code": 1 }),
            "bad_arguments",
            "do not fit",
        ),
        (
            "python_execute",
            json!({ "code": "", "network": true }),
            "bad_arguments",
            "unknown field",
        ),
        ("bash", json!({ "command": long }), "too_large", "as stdin"),
        (
            "bash",
            json!({ "command": "ls \0" }),
            "bad_arguments",
            "zero byte",
        ),
        (
            "bash",
            json!({ "command": "ls", "timeout_seconds": -1 }),
            "bad_arguments",
            "more than 0",
        ),
        ("bash", json!({}), "bad_arguments", "command"),
    ] {
        let world = World::answering(Ok(outcome(RunEnd::Exited(0), "")));
        let told = world.call(tool, arguments).await;
        assert_eq!(told["code"], code, "{told}");
        assert!(told["error"].as_str().unwrap().contains(words), "{told}");
        assert!(world.sandbox.asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_sandbox_that_does_not_run_it_is_told_with_what_is_known() {
    for (error, code, words) in [
        (
            SandboxError::NotStarted("no such file".to_owned()),
            "unavailable",
            "not started",
        ),
        (
            SandboxError::BadRequest("a relative path".to_owned()),
            "bad_arguments",
            "relative",
        ),
        (
            SandboxError::Unavailable("no Landlock".to_owned()),
            "unavailable",
            "no Landlock",
        ),
        (
            SandboxError::Failed("broken pipe".to_owned()),
            "failed",
            "may or may not have run",
        ),
    ] {
        for (tool, arguments) in [
            ("python_execute", json!({ "code": "" })),
            ("python_environment_info", json!({})),
            ("bash", json!({ "command": "ls" })),
        ] {
            let told = World::answering(Err(error.clone()))
                .call(tool, arguments)
                .await;
            assert_eq!(told["code"], code, "{told}");
            assert!(told["error"].as_str().unwrap().contains(words), "{told}");
        }
    }
}

#[tokio::test]
async fn no_files_are_kept_where_that_is_switched_off() {
    let world = || {
        let off = ArtifactSettings::Never("files are not kept here");
        World::of(Ok(outcome(RunEnd::Exited(0), "")), SandboxMode::Jail, off)
    };
    let asked = world();
    let told = asked
        .call(
            "python_execute",
            json!({ "code": "", "save_artifacts": true }),
        )
        .await;
    assert_eq!(told["code"], "unavailable");
    for wish in [Value::Null, json!(false)] {
        let quiet = world();
        let told = quiet
            .call(
                "python_execute",
                json!({ "code": "", "save_artifacts": wish }),
            )
            .await;
        assert!(told.get("artifacts").is_none(), "{told}");
        assert_eq!(quiet.request().artifacts, None);
    }
}
