//! Files that a program leaves: only plain ones inside its folder come out, whatever it tries.

use minibot::core::artifacts::{ArtifactRules, SkipReason};
use minibot::core::sandbox::{RunOutcome, Sandbox, SandboxMode};

use crate::world::World;

async fn leaves(code: &str) -> RunOutcome {
    let world = World::new();
    let mut request = world.python(&format!("import os, time\n{code}"));
    request.artifacts = Some(ArtifactRules {
        globs: Vec::new(),
        extensions: vec![".txt".to_owned()],
        most_files: 3,
        most_file_bytes: 1000,
        most_total_bytes: 1500,
    });
    let outcome = world
        .sandbox(SandboxMode::Native)
        .run(request)
        .await
        .unwrap();
    assert_eq!(world.left_behind(), Vec::<String>::new());
    outcome
}

/// What a program does, which of its files come out, and which are named as left.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, SkipReason)],
);

const CASES: &[Case] = &[
    ("open('a.txt', 'w').write('x')", &["a.txt"], &[]),
    (
        "os.makedirs('out/in'); open('out/in/a.txt', 'w').write('x')",
        &["out/in/a.txt"],
        &[],
    ),
    (
        "os.symlink('/etc/passwd', 'a.txt')",
        &[],
        &[("a.txt", SkipReason::NotRegular)],
    ),
    (
        "os.symlink('workspace/note.txt', 'a.txt')",
        &[],
        &[("a.txt", SkipReason::NotRegular)],
    ),
    (
        "os.symlink('/etc', 'folder')",
        &[],
        &[("folder", SkipReason::NotRegular)],
    ),
    (
        "os.remove('workspace'); os.symlink('/etc', 'workspace')",
        &[],
        &[],
    ),
    (
        "os.mkfifo('a.txt')",
        &[],
        &[("a.txt", SkipReason::NotRegular)],
    ),
    (
        "open('a.txt', 'w'); os.link('a.txt', 'b.txt')",
        &[],
        &[("a.txt", SkipReason::Linked), ("b.txt", SkipReason::Linked)],
    ),
    (
        "os.truncate(os.open('a.txt', os.O_CREAT | os.O_RDWR), 10_000_000)",
        &[],
        &[("a.txt", SkipReason::TooLarge)],
    ),
    (
        "open('a.exe', 'w')",
        &[],
        &[("a.exe", SkipReason::Extension)],
    ),
    (
        "open('a\\x1b[2J.txt', 'w')",
        &[],
        &[("a\u{1b}[2J.txt", SkipReason::BadName)],
    ),
    (
        "open(b'a\\xff.txt', 'w')",
        &[],
        &[("a\u{fffd}.txt", SkipReason::BadName)],
    ),
    (
        "for name in 'abcd': open(name + '.txt', 'w')",
        &["a.txt", "b.txt", "c.txt"],
        &[("d.txt", SkipReason::TooMany)],
    ),
    (
        "for name in 'ab': open(name + '.txt', 'w').write('x' * 900)",
        &["a.txt"],
        &[("b.txt", SkipReason::TotalTooLarge)],
    ),
];

#[tokio::test]
async fn plain_files_come_out_and_nothing_else_does() {
    for (code, taken, skipped) in CASES {
        let outcome = leaves(code).await;
        let names: Vec<&str> = outcome
            .artifacts
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let why: Vec<_> = outcome
            .skipped
            .iter()
            .map(|one| (one.name.as_str(), one.reason))
            .collect();
        assert_eq!(
            (&names[..], &why[..]),
            (*taken, *skipped),
            "{code}: {outcome:?}"
        );
    }
}

/// The files are looked at when nobody is left to change them: one who swaps and grows them all the
/// time gets out what stood there last, and never what it points to.
#[tokio::test]
async fn nobody_swaps_a_file_while_it_is_taken() {
    let code = "open('workspace-copy.txt', 'w').write('mine')\nif os.fork() == 0:\n    while True:\n        open('a.txt', 'a').write('x' * 100)\n        os.rename('a.txt', 'b.txt')\n        os.symlink('workspace/note.txt', 'a.txt')\n        os.remove('a.txt')\ntime.sleep(0.3)";
    for _ in 0..5 {
        let outcome = leaves(code).await;
        for artifact in &outcome.artifacts {
            let content = String::from_utf8(artifact.content.clone()).unwrap();
            assert!(
                content == "mine" || content.chars().all(|letter| letter == 'x'),
                "{artifact:?}"
            );
        }
    }
}

/// A mode of 000 or a bot that is gone keep no file from being removed.
#[tokio::test]
async fn folders_without_rights_are_removed() {
    let outcome = leaves("os.mkdir('shut', 0o000); os.mkdir('a', 0o700); os.mkdir('a/b', 0o100)\nopen('a/c.txt', 'w').write('x')").await;
    assert_eq!(outcome.artifacts.len(), 1, "{outcome:?}");
}
