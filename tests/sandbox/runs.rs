//! What every mode does: it runs a program, and answers for it.

use std::fs;
use std::num::NonZeroU32;

use minibot::adapters::sandbox::config::JailConfig;
use minibot::adapters::sandbox::{ProcessSandbox, SandboxSettings, check};
use minibot::core::sandbox::{KilledBy, RunEnd, Sandbox, SandboxMode};

use crate::world::World;

/// The modes that every machine has.
const MODES: [SandboxMode; 4] = [
    SandboxMode::None,
    SandboxMode::Basic,
    SandboxMode::Rlimit,
    SandboxMode::Native,
];

#[tokio::test]
async fn limits_with_which_nothing_runs_are_told_as_such() {
    let world = World::new();
    let mut settings = world.settings(SandboxMode::Native);
    assert!(check(&world.place, &settings).await.is_ok());
    settings.limits.nofile = NonZeroU32::new(3).unwrap();
    let unfit = check(&world.place, &settings).await.unwrap_err();
    assert_eq!(unfit.key(), "rlimit");
    let why = unfit.to_string();
    assert!(why.starts_with("a limit is too small: "), "{why}");
    assert!(why.ends_with("the mode \"native\" works here"), "{why}");
}

#[tokio::test]
async fn a_program_reads_its_input_and_the_workspace_and_answers() {
    let world = World::new();
    for mode in MODES {
        let mut request = world.python(
            "import sys\nprint(sys.stdin.read() + open('workspace/note.txt').read())\nprint('aside', file=sys.stderr)\nsys.exit(3)",
        );
        request.stdin = b"given, ".to_vec();
        let outcome = world.sandbox(mode).run(request).await.unwrap();
        assert_eq!(outcome.end, RunEnd::Exited(3), "{mode:?}: {outcome:?}");
        assert_eq!(outcome.stdout.text, "given, own note\n", "{mode:?}");
        assert_eq!(outcome.stderr.text, "aside\n", "{mode:?}");
        assert_eq!(fs::read_dir(world.runs()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_program_ends_at_its_time() {
    let world = World::new();
    for mode in MODES {
        let mut request = world.python("print('begun', flush=True)\nwhile True: pass");
        // Enough for it to begin, beside whatever else this machine does.
        request.timeout = std::time::Duration::from_secs(5);
        let outcome = world.sandbox(mode).run(request).await.unwrap();
        assert_eq!(outcome.end, RunEnd::Killed(KilledBy::Timeout), "{mode:?}");
        assert_eq!(outcome.stdout.text, "begun\n", "{mode:?}");
    }
}

#[tokio::test]
async fn a_jail_is_the_command_that_one_names_around_the_program() {
    let world = World::new();
    let wrapped = |prefix: &[&str]| {
        let settings = SandboxSettings {
            jail: JailConfig {
                command_prefix: prefix.iter().map(|word| (*word).to_owned()).collect(),
            },
            ..world.settings(SandboxMode::Jail)
        };
        ProcessSandbox::new(world.place.clone(), settings)
    };
    let code = "import os, resource\nprint(os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1_000)";
    let jail = wrapped(&["/usr/bin/nice", "-n", "7"]);
    let outcome = jail.run(world.python(code)).await.unwrap();
    assert_eq!(outcome.end, RunEnd::Exited(0), "{outcome:?}");
    assert_eq!(
        outcome.stdout.text, "7 True\n",
        "wrapped, and within the limits"
    );

    let mut endless = world.python("while True: pass");
    endless.timeout = std::time::Duration::from_millis(400);
    let outcome = jail.run(endless).await.unwrap();
    assert_eq!(outcome.end, RunEnd::Killed(KilledBy::Timeout));

    let missing = wrapped(&["/nowhere/jail"])
        .run(world.python("print(1)"))
        .await;
    let ran = missing.is_ok_and(|outcome| outcome.stdout.text.contains('1'));
    assert!(!ran, "a jail that is not there is never left out");
    assert_eq!(fs::read_dir(world.runs()).unwrap().count(), 0);
}
