//! The whole program behind a webhook: Telegram brings a message, and the answer comes back.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeTelegram;
use crate::support::gate::Gate;
use crate::support::program::{ALICE, Program};

const OWNER: i64 = 42;

/// An installation: its folder, its fake Telegram, and the port that the webhook listens on.
struct Installation {
    folder: TempDir,
    telegram: FakeTelegram,
    port: u16,
}

impl Installation {
    async fn new() -> Self {
        let telegram = FakeTelegram::start().await;
        telegram.add_private_chat(OWNER, "Ann");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[channels.telegram]\nenabled = true\nmode = \"webhook\"\nallowed_user_ids = [{OWNER}]\n\
             bot_token = \"{}\"\napi_url = \"{}\"\n\
             webhook_url = \"http://127.0.0.1:{port}/hook\"\nwebhook_listen = \"127.0.0.1:{port}\"\n",
            telegram.token(),
            telegram.url()
        );
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self {
            folder,
            telegram,
            port,
        }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minibot"));
        command.args(arguments).arg("--config").arg(self.config());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn start(&self) -> Child {
        self.command(&["run"]).spawn().unwrap()
    }

    fn secrets(&self) -> Vec<String> {
        let calls = self.telegram.calls("setWebhook").into_iter();
        calls
            .map(|call| call.params["secret_token"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn stop(bot: Child) -> Output {
    let pid = Pid::from_raw(i32::try_from(bot.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    end_of(bot).await
}

async fn end_of(bot: Child) -> Output {
    let end = timeout(Duration::from_secs(30), bot.wait_with_output());
    end.await.expect("the bot ends").unwrap()
}

#[tokio::test]
async fn a_message_is_brought_and_answered_and_each_start_has_its_own_secret() {
    let installation = Installation::new().await;
    let telegram = &installation.telegram;
    let mut logs = String::new();
    for question in ["what is 12.5% of 80", "what is 40 / 4"] {
        let asked = telegram.messages(OWNER).len();
        let bot = installation.start();
        telegram.user_sends(OWNER, OWNER, question);
        let answers = telegram
            .wait_for(OWNER, move |sent| sent.len() > asked)
            .await;
        assert!(answers[asked].text.contains("10"), "{answers:?}");

        let health = installation.command(&["doctor", "--quick"]).output().await;
        let health = health.unwrap();
        let shown = String::from_utf8_lossy(&health.stdout).into_owned();
        assert!(health.status.success(), "{shown}");
        assert!(shown.contains("sign of the webhook"), "{shown}");

        let end = stop(bot).await;
        let log = String::from_utf8_lossy(&end.stderr).into_owned();
        assert!(end.status.success(), "{log}");
        logs.push_str(&log);
    }
    assert!(telegram.calls("getUpdates").is_empty());
    let secrets = installation.secrets();
    assert_eq!(secrets.len(), 2);
    assert_ne!(secrets[0], secrets[1]);
    for secret in secrets {
        assert_eq!(secret.len(), 43);
        assert!(!logs.contains(&secret), "the secret is in the log");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_ends_the_program_with_the_key_to_change() {
    let installation = Installation::new().await;
    let taken = TcpListener::bind(("127.0.0.1", installation.port)).unwrap();
    let end = end_of(installation.start()).await;
    drop(taken);
    let said = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{said}");
    let expected = format!(
        "channels.telegram.webhook_listen: cannot listen on 127.0.0.1:{}",
        installation.port
    );
    assert!(said.contains(&expected), "{said}");
    assert!(installation.secrets().is_empty());
}

/// Telegram gives up on an answer that is late, and brings the message again.
#[tokio::test]
async fn a_message_is_confirmed_while_its_turn_still_waits_for_the_model() {
    let mut program = Program::new("").await;
    program.use_webhook();
    let telegram = program.telegram.clone();
    let gate = Gate::new();
    let held = Reply::text("Hello Alice.").held(&gate);
    program.provider.replies([held]);
    program.start();
    telegram.user_sends(ALICE, ALICE, "what do you think of Mozart?");
    telegram.wait_for_webhook_attempts(1).await;
    gate.wait_for_arrivals(1).await;
    assert_eq!(telegram.webhook_attempts(), [200]);
    assert_eq!(telegram.messages(ALICE), []);
    gate.open();
    telegram.wait_for_text(ALICE, "Hello Alice.").await;
    assert_eq!(program.terminate().await.code(), Some(0));
    assert_eq!(telegram.webhook_attempts(), [200]);
}
