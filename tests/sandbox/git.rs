//! Git in a folder whose settings are hostile: it runs what they name, and none of that changes anything
//! where the command line may only look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use minibot::core::action::Confinement;
use minibot::core::command::{Verdict, classify};
use minibot::core::sandbox::{Access, RunFolder, RunRequest, Sandbox, SandboxMode};
use minibot::llm::tools::bash::ENVIRONMENT;
use minibot::llm::tools::bash::parse::read;

use crate::machine::cannot;
use crate::world::World;

/// Every way that a repository's own settings name programs that a look may run.
const SETTINGS: &str = r#"
[core]
    pager = touch pwned-pager #
    sshCommand = touch pwned-ssh #
    hooksPath = hooks
[diff]
    external = touch pwned-external #
[diff "evil"]
    textconv = touch pwned-textconv #
[filter "evil"]
    clean = touch pwned-clean #
    smudge = touch pwned-smudge #
[gpg]
    program = touch pwned-gpg #
[log]
    showSignature = true
[pager]
    log = touch pwned-log #
[status]
    submoduleSummary = true
"#;

fn program() -> Option<&'static str> {
    let mut places = ["/usr/bin/git", "/usr/local/bin/git"].into_iter();
    places.find(|path| Path::new(path).exists())
}

fn git(program: &str, folder: &Path, words: &[&str]) {
    let done = Command::new(program)
        .args([
            "-c",
            "user.name=Alice",
            "-c",
            "user.email=alice@example.org",
            "-c",
            "commit.gpgSign=false",
        ])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
}

/// A repository with something to show for every command, and then with hostile settings.
fn hostile_repository(program: &str, folder: &Path) {
    fs::write(folder.join("README.md"), "one\ntwo\nthree\n").unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), "fn main() {}\n".repeat(30)).unwrap();
    git(program, folder, &["init", "-q", "-b", "main"]);
    git(program, folder, &["add", "."]);
    git(program, folder, &["commit", "-q", "-m", "First"]);
    git(program, folder, &["branch", "feature"]);
    git(program, folder, &["tag", "v1"]);
    fs::write(folder.join("README.md"), "one\nthree\n").unwrap();
    git(program, folder, &["commit", "-q", "-a", "-m", "Second"]);
    fs::write(folder.join(".gitattributes"), "* diff=evil filter=evil\n").unwrap();
    fs::write(folder.join("README.md"), "one\nTHREE\n").unwrap();
    let config = folder.join(".git/config");
    let own = fs::read_to_string(&config).unwrap();
    fs::write(&config, own + SETTINGS).unwrap();
}

fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                all.insert(path.clone(), Vec::new());
                open.push(path);
            } else {
                all.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[tokio::test]
async fn a_look_with_git_changes_nothing_whatever_the_repository_says() {
    let Some(program) = program() else {
        return cannot("run git");
    };
    let world = World::new();
    let workspace = world.workspace();
    hostile_repository(program, &workspace);
    let looks = include_str!("../../src/llm/tools/bash/tests/reads.txt");
    let looks: Vec<&str> = looks
        .lines()
        .filter(|line| line.starts_with("git "))
        .collect();
    for line in &looks {
        assert_eq!(
            classify(&read(line), Confinement::Native),
            Verdict::Allow,
            "{line}"
        );
    }
    let request = |script: &str, access: Access| {
        let mut request = RunRequest {
            folder: RunFolder::Workspace(workspace.clone(), access),
            ..world.bash(script)
        };
        let folder = Path::new(program).parent().unwrap().display();
        let path = format!("{folder}:/usr/bin:/bin");
        request.environment.push(("PATH".to_owned(), path));
        let own = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        request.environment.extend(own);
        request
    };
    let sandbox = world.sandbox(SandboxMode::Native);
    let before = everything(&workspace);
    let outcome = sandbox
        .run(request(&looks.join("\n"), Access::Look))
        .await
        .unwrap();
    assert!(outcome.stdout.text.contains("README.md"), "{outcome:?}");
    let changed: Vec<PathBuf> = {
        let after = everything(&workspace);
        let names = before.keys().chain(after.keys());
        names
            .filter(|path| before.get(*path) != after.get(*path))
            .cloned()
            .collect()
    };
    assert_eq!(changed, Vec::<PathBuf>::new());

    // The same with leave to change shows that these settings are no idle threat.
    sandbox
        .run(request("git status; git diff; git log -p", Access::Change))
        .await
        .unwrap();
    let pwned = everything(&workspace)
        .into_keys()
        .filter(|path| path.display().to_string().contains("pwned"));
    assert!(pwned.count() >= 3, "{:?}", everything(&workspace).keys());
}

/// Whoever may write files, and nothing below a `.git`, may still lay a whole repository out in the open.
#[tokio::test]
async fn a_repository_laid_bare_in_the_workspace_is_none() {
    let Some(program) = program() else { return };
    let world = World::new();
    let workspace = world.workspace();
    hostile_repository(program, &workspace);
    let own = workspace.join(".git");
    for entry in fs::read_dir(&own).unwrap().flatten() {
        fs::rename(entry.path(), workspace.join(entry.file_name())).unwrap();
    }
    fs::remove_dir(&own).unwrap();
    let config = fs::read_to_string(workspace.join("config")).unwrap();
    let config = config + "[core]\n    bare = false\n    worktree = .\n";
    fs::write(workspace.join("config"), config).unwrap();
    let sandbox = world.sandbox(SandboxMode::Native);
    // Without the last of the settings it is one, and what it names is run.
    for (count, is_one) in [("2", false), ("1", true)] {
        let mut request = RunRequest {
            folder: RunFolder::Workspace(workspace.clone(), Access::Change),
            ..world.bash("git status; git diff; git log -p")
        };
        let folder = Path::new(program).parent().unwrap().display();
        let path = format!("{folder}:/usr/bin:/bin");
        request.environment.push(("PATH".to_owned(), path));
        let own = ENVIRONMENT.iter().map(|(name, value)| {
            let value = if *name == "GIT_CONFIG_COUNT" {
                count
            } else {
                value
            };
            ((*name).to_owned(), value.to_owned())
        });
        request.environment.extend(own);
        sandbox.run(request).await.unwrap();
        let pwned = everything(&workspace)
            .into_keys()
            .any(|path| path.display().to_string().contains("pwned"));
        assert_eq!(pwned, is_one, "{:?}", everything(&workspace).keys());
    }
}
