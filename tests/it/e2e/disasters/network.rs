//! The way to Telegram and to the model is gone: no name is found, or the token is revoked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::machine::cannot;
use crate::support::program::{ALICE, Program};

const TELEGRAM: &str = "127.0.0.1 bot-api.test\n";
const MODEL: &str = "127.0.0.1 model.test\n";

/// A program whose names are found in a file of its own and nowhere else.
struct Names {
    program: Program,
    hosts: PathBuf,
}

impl Names {
    async fn new() -> Option<Self> {
        let program = Program::new("").await;
        let config = fs::read_to_string(program.config_path()).unwrap();
        let (api, model) = (program.telegram.url(), program.provider.url());
        let config = config
            .replace(&api, &api.replace("127.0.0.1", "bot-api.test"))
            .replace(&model, &model.replace("127.0.0.1", "model.test"));
        program.configure(&config);
        let folder = program.config_path().parent().unwrap().to_owned();
        let hosts = folder.join("hosts");
        fs::write(&hosts, "").unwrap();
        // Nobody answers there.
        fs::write(
            folder.join("resolv.conf"),
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        )
        .unwrap();
        let tried = std::process::Command::new("unshare")
            .args(["-m", "true"])
            .status();
        if !tried.is_ok_and(|status| status.success()) {
            cannot("give a program name files of its own");
            return None;
        }
        Some(Self { program, hosts })
    }

    fn start(&mut self) {
        let folder: &Path = self.hosts.parent().unwrap();
        let script = format!(
            "mount --bind {0}/hosts /etc/hosts && mount --bind {0}/resolv.conf /etc/resolv.conf && exec \"$@\"",
            folder.display()
        );
        self.program
            .start_within(&["unshare", "-m", "sh", "-c", &script, "sh"]);
    }

    fn know(&self, names: &str) {
        fs::write(&self.hosts, names).unwrap();
    }
}

#[tokio::test]
async fn names_that_are_not_found_are_waited_for() {
    let Some(mut world) = Names::new().await else {
        return;
    };
    let telegram = world.program.telegram.clone();
    telegram.user_sends(ALICE, ALICE, "what do you think of Mozart?");
    world.start();
    world
        .program
        .says("Telegram cannot be reached yet", 1)
        .await;
    let asked = Instant::now();
    assert_eq!(world.program.terminate().await.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "a stop waits for no name"
    );

    world.start();
    world
        .program
        .says("Telegram cannot be reached yet", 2)
        .await;
    world.know(TELEGRAM);
    telegram
        .wait_for_text(
            ALICE,
            "The model did not answer (no connection, 3 tries). Your message is kept",
        )
        .await;
    world.know(&format!("{TELEGRAM}{MODEL}"));
    world
        .program
        .provider
        .replies([Reply::text("A great composer.")]);
    telegram.user_sends(ALICE, ALICE, "/retry");
    telegram.wait_for_text(ALICE, "A great composer.").await;

    // They are lost while it runs, and the line with them.
    world.know("");
    telegram.go_offline();
    world.program.says("polling Telegram fails", 1).await;
    telegram.go_online();
    telegram.user_sends(ALICE, ALICE, "are you there?");
    world.program.provider.replies([Reply::text("Here.")]);
    world.know(&format!("{TELEGRAM}{MODEL}"));
    telegram.wait_for_text(ALICE, "Here.").await;
    assert_eq!(world.program.terminate().await.code(), Some(0));
    let output = world.program.output();
    assert_eq!(
        output.matches("polling Telegram fails").count(),
        1,
        "{output}"
    );
    assert_eq!(
        output.matches("Telegram cannot be reached yet").count(),
        2,
        "{output}"
    );
}

#[tokio::test]
async fn a_revoked_token_ends_it_once_and_a_new_one_goes_on() {
    let mut program = Program::new("[runtime]\nshutdown_grace_seconds = 2").await;
    let telegram = program.telegram.clone();
    let (alice, bob) = (ALICE, ALICE + 1);
    telegram.add_private_chat(bob, "Bob");
    let gate = Gate::new();
    let held = gate.clone();
    program
        .provider
        .respond_with(move |request| match request.last_user_text().as_str() {
            "are you there?" => Reply::text("Here.").held(&held),
            "and you?" => Reply::text("Me too."),
            _ => Reply::text("OK"),
        });
    program.start();
    telegram.user_sends(alice, alice, "are you there?");
    gate.wait_for_arrivals(1).await;
    telegram.revoke_token();
    gate.open();
    telegram.user_sends(bob, bob, "and you?");
    let status = program.ended().await;
    let output = program.output();
    assert_eq!(status.code(), Some(1), "{output}");
    let words = "Telegram does not accept this token any more";
    assert_eq!(output.matches(words).count(), 1, "{output}");
    assert!(output.contains("@BotFather"), "{output}");
    let calls = telegram.calls_with_strange_tokens();
    assert!(calls < 20, "it spins: {calls} calls");

    // As a service manager does: the old token is still there.
    program.start();
    assert_eq!(program.ended().await.code(), Some(1));
    let quick = program.run(&["doctor", "--quick"]).await;
    assert_eq!(quick.status.code(), Some(1));
    let table = String::from_utf8_lossy(&quick.stdout).into_owned();
    assert!(table.contains("✗ process: not running"), "{table}");
    let table = program.run(&["doctor"]).await.stdout;
    let table = String::from_utf8_lossy(&table).into_owned();
    assert!(
        table.contains("✗ Telegram: the token is not accepted"),
        "{table}"
    );

    program.configure(&program.configuration(""));
    program.start();
    telegram.wait_for_text(alice, "Here.").await;
    telegram.wait_for_text(bob, "Me too.").await;
    program.terminate().await;
    for chat in [alice, bob] {
        assert_eq!(telegram.messages(chat).len(), 1, "{}", telegram.dump());
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_token_that_is_refused() {
    let mut program = Program::new("").await;
    program.provider.replies([Reply::text("Here.")]);
    program.start();
    let telegram = program.telegram.clone();
    telegram.wait_for_calls("getUpdates", 1).await;
    let end = timeout(Duration::from_secs(10), async {
        telegram.user_sends(ALICE, ALICE, "are you there?");
        telegram.revoke_token();
        program.terminate().await
    });
    let status = end.await.unwrap();
    assert!(status.code().is_some(), "{status:?}");
}
