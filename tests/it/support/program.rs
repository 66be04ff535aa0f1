//! The real binary between the fake servers, each life of it a process of its own.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::fake_model::FakeModel;
use super::fake_telegram::{FakeTelegram, Options};

/// A person whom the bot knows; the id of their private chat too.
pub const ALICE: i64 = 1_001;

/// Longer than any orderly end takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often its output is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The world of the binary: what it stands on outlives it.
#[derive(Debug)]
pub struct Program {
    pub telegram: FakeTelegram,
    pub provider: FakeModel,
    folder: TempDir,
    running: Option<Child>,
}

impl Program {
    /// A world for which the program is configured, and in which it does not run yet. `more` is
    /// added to the configuration.
    pub async fn new(more: &str) -> Self {
        let options = Options {
            wait_timeout: PATIENCE,
            ..Options::default()
        };
        let telegram = FakeTelegram::start_with(options).await;
        telegram.add_private_chat(ALICE, "Alice");
        let provider = FakeModel::start().await;
        let folder = tempfile::tempdir().unwrap();
        let world = Self {
            telegram,
            provider,
            folder,
            running: None,
        };
        world.configure(&world.configuration(more));
        world
    }

    /// Replaces the configuration file.
    pub fn configure(&self, text: &str) {
        let path = self.folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, private).unwrap();
    }

    /// From the next start on, Telegram brings the updates to a free port.
    pub fn use_webhook(&self) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let config = std::fs::read_to_string(self.config_path()).unwrap();
        let by_webhook = format!(
            "[channels.telegram]\nmode = \"webhook\"\nwebhook_url = \"http://{address}/hook\"\n\
             webhook_listen = \"{address}\"\n"
        );
        self.configure(&config.replace("[channels.telegram]\n", &by_webhook));
    }

    /// Where the program writes everything.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it has written to its standard outputs, in all its lives.
    pub fn output(&self) -> String {
        let mut text = String::new();
        for name in ["stdout", "stderr"] {
            let path = self.folder.path().join(name);
            if let Ok(mut file) = File::open(path) {
                file.read_to_string(&mut text).unwrap();
            }
        }
        text
    }

    /// Waits until it has written so much of something, in all its lives.
    #[track_caller]
    pub fn says(&self, text: &str, times: usize) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            let said = async {
                while self.output().matches(text).count() < times {
                    looks.tick().await;
                }
            };
            let in_time = timeout(PATIENCE, said).await.is_ok();
            assert!(in_time, "{caller}: never said: {text}\n{}", self.output());
        }
    }

    /// Waits until nothing stands in the outbox that is not known to have been sent: what the chat shows
    /// is there a moment earlier.
    pub async fn has_written_all_down(&self) {
        let options = SqliteConnectOptions::new()
            .filename(self.data().join("minibot.db"))
            .read_only(true);
        let mut database = options.connect().await.unwrap();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let written = async {
            loop {
                let unsent =
                    "SELECT count(*) FROM outbox WHERE state IN ('open', 'pending', 'sending')";
                let unsent: i64 = sqlx::query_scalar(unsent)
                    .fetch_one(&mut database)
                    .await
                    .unwrap();
                if unsent == 0 {
                    return;
                }
                looks.tick().await;
            }
        };
        let in_time = timeout(PATIENCE, written).await.is_ok();
        assert!(in_time, "something is never sent\n{}", self.output());
        database.close().await.unwrap();
    }

    /// A command of the program in this world.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minibot"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.path().join("config.toml"))
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// A command of the program in this world, for a terminal of its own.
    pub fn at_a_terminal(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_minibot"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config_path())
            .current_dir(self.folder.path())
            .env_clear()
            .env("TERM", "xterm")
            .env("NO_COLOR", "1");
        command
    }

    /// Where the configuration file is, or would be.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Runs a command of the program to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        match timeout(PATIENCE, self.command(arguments).output()).await {
            Ok(output) => output.unwrap(),
            Err(_) => panic!("{arguments:?} does not end"),
        }
    }

    /// Starts the bot.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the bot with these variables in its environment.
    pub fn start_with(&mut self, variables: &[(&str, &str)]) {
        let mut command = self.command(&["run"]);
        command
            .envs(variables.iter().copied())
            .stdout(self.append("stdout"))
            .stderr(self.append("stderr"));
        self.running = Some(command.spawn().unwrap());
    }

    /// Starts the bot as the command of another program, in whose place it then is.
    pub fn start_within(&mut self, wrapper: &[&str]) {
        let bot = self.command(&["run"]);
        let mut command = Command::new(wrapper[0]);
        command
            .args(&wrapper[1..])
            .arg(bot.as_std().get_program())
            .args(bot.as_std().get_args())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .stdout(self.append("stdout"))
            .stderr(self.append("stderr"));
        self.running = Some(command.spawn().unwrap());
    }

    /// Asks it to end, as a service manager does, and waits for it.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Asks it to end, as Ctrl-C at a terminal does.
    pub fn interrupt(&mut self) {
        self.signal(Signal::INT);
    }

    /// Ends it without any warning.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        let status = self.ended().await;
        assert_eq!(status.signal(), Some(9), "{status:?}\n{}", self.output());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.running.take().expect("the bot was started");
        match timeout(PATIENCE, child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("it does not end\n{}", self.output()),
        }
    }

    /// The running process, to wait for its end beside other things.
    pub fn child(&mut self) -> &mut Child {
        self.running.as_mut().expect("the bot was started")
    }

    /// Every file that it wrote, with its content.
    pub fn written(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.data(), &mut found);
        for name in ["stdout", "stderr"] {
            let path = self.folder.path().join(name);
            found.extend(std::fs::read(&path).map(|bytes| (path, bytes)));
        }
        found
    }

    fn signal(&mut self, signal: Signal) {
        let id = self.child().id().expect("it was not waited for yet");
        let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn append(&self, name: &str) -> File {
        let path = self.folder.path().join(name);
        File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
    }

    /// The configuration, with `more` added to it.
    pub fn configuration(&self, more: &str) -> String {
        format!(
            r#"
[channels.telegram]
enabled = true
bot_token = "{token}"
api_url = "{api_url}"
allowed_user_ids = [{ALICE}, 1002, 1003, 1004, 1005, 1006]

[channels.telegram.rate_limit]
global_per_second = 1000
chat_per_second = 1000
chat_burst = 1000
group_per_minute = 60000

[llm]
provider = "openai"
base_url = "{base_url}"
api_key = "{key}"
model = "fake"
retry_delay_seconds = 0.01
{more}
"#,
            token = self.telegram.token(),
            api_url = self.telegram.url(),
            base_url = self.provider.url(),
            key = self.provider.api_key(),
        )
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
}
