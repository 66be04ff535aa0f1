//! A database that cannot be written for a while, at each moment of a message's way: the disk is full, or another
//! process holds it.

use futures::StreamExt;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::support::fake_model::{Reply, Request};
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::machine::SmallDisk;
use crate::support::program::{ALICE, Program};

/// Worlds at the same time.
const WORLDS: usize = 4;

/// Room for a database and its log, and little more.
const DISK_KB: u32 = 4_096;

/// A lock is waited for no longer than that.
const SETTINGS: &str = "[storage]\nbusy_timeout_ms = 200\n[runtime]\nshutdown_grace_seconds = 1";

/// What keeps the database from being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    DiskFull,
    Locked,
}

impl Trouble {
    const ALL: [Self; 2] = [Self::DiskFull, Self::Locked];

    /// What the log says of it.
    fn words(self) -> &'static str {
        match self {
            Self::DiskFull => "the disk is full; make room",
            Self::Locked => "another program holds it; end that",
        }
    }
}

/// A world in which it can be brought about.
struct World {
    program: Program,
    disk: Option<SmallDisk>,
    holder: Option<SqliteConnection>,
    trouble: Trouble,
}

impl World {
    async fn new(trouble: Trouble) -> Option<Self> {
        let program = Program::new(SETTINGS).await;
        let disk = match trouble {
            Trouble::DiskFull => Some(SmallDisk::mount_at(&program.data(), DISK_KB)?),
            Trouble::Locked => None,
        };
        Some(Self {
            program,
            disk,
            holder: None,
            trouble,
        })
    }

    async fn begin(&mut self) {
        match &self.disk {
            Some(disk) => disk.fill(),
            None => {
                let options = SqliteConnectOptions::new().filename(self.database());
                let mut holder = options.connect().await.unwrap();
                sqlx::query("BEGIN IMMEDIATE")
                    .execute(&mut holder)
                    .await
                    .unwrap();
                self.holder = Some(holder);
            }
        }
    }

    async fn end(&mut self) {
        if let Some(disk) = &self.disk {
            disk.free();
        }
        if let Some(holder) = self.holder.take() {
            holder.close().await.unwrap();
        }
    }

    fn database(&self) -> std::path::PathBuf {
        self.program.data().join("minibot.db")
    }

    /// What stands in the chat, of Alice and of the bot.
    fn answers(&self) -> Vec<String> {
        let messages = self.program.telegram.messages(ALICE).into_iter();
        messages.map(|message| message.text).collect()
    }
}

/// Where in the way of a message the trouble begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Arrival,
    Model,
    /// A tool that writes its effect and its result together.
    Change,
    Sending,
    Reminder,
}

impl Moment {
    const ALL: [Self; 5] = [
        Self::Arrival,
        Self::Model,
        Self::Change,
        Self::Sending,
        Self::Reminder,
    ];

    /// How often the model is asked, over all: nothing is paid for twice.
    fn requests(self) -> usize {
        match self {
            Self::Arrival | Self::Model | Self::Sending => 2,
            Self::Change | Self::Reminder => 3,
        }
    }

    /// What the person has read in the end.
    fn read(self) -> &'static [&'static str] {
        match self {
            Self::Reminder => &["Hello.", "Will do.", "stretch"],
            _ => &["Hello.", "Here."],
        }
    }
}

/// What happens to the bot while the trouble lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    /// It is asked to end, and started again when the trouble is over.
    Terminated,
}

fn reply(request: &Request, moment: Moment, gate: &Gate) -> Reply {
    let messages = request.messages();
    let after_tool = messages.last().is_some_and(|m| m["role"] == "tool");
    let question = request.last_user_text();
    match (question.as_str(), moment, after_tool) {
        ("hello", ..) => Reply::text("Hello."),
        (_, Moment::Model, _) => Reply::text("Here.").held(gate),
        (_, Moment::Change, false) => {
            let note = json!({ "title": "key", "data": "under the mat" });
            Reply::tools([("user_memory_save", note)]).held(gate)
        }
        (_, Moment::Reminder, false) => {
            let stretch = json!({ "content": "stretch", "delay_seconds": 8 });
            Reply::tools([("schedule_prompt", stretch)])
        }
        (_, Moment::Reminder, true) => Reply::text("Will do."),
        _ => Reply::text("Here."),
    }
}

/// Goes through a trouble that begins at `moment`, and says what was not as it should be.
async fn pass_through(trouble: Trouble, moment: Moment, meanwhile: Meanwhile) {
    let Some(mut world) = World::new(trouble).await else {
        return;
    };
    let gate = Gate::new();
    let held = gate.clone();
    let responder = move |request: &Request| reply(request, moment, &held);
    world.program.provider.respond_with(responder);
    world.program.start();
    let telegram = world.program.telegram.clone();
    telegram.user_sends(ALICE, ALICE, "hello");
    telegram.wait_for_text(ALICE, "Hello.").await;
    world.program.has_written_all_down().await;
    reach(&mut world, moment, &gate).await;
    world.program.says(world.trouble.words(), 1).await;
    if meanwhile == Meanwhile::Terminated {
        let status = world.program.terminate().await;
        assert_eq!(status.code(), Some(0), "{}", world.program.output());
        world.end().await;
        world.program.start();
    } else {
        world.end().await;
    }
    let last = moment.read().last().unwrap();
    telegram.wait_for_text(ALICE, last).await;
    world
        .program
        .says(
            "the database can be written again",
            usize::from(meanwhile == Meanwhile::Nothing),
        )
        .await;
    telegram.user_sends(ALICE, ALICE, "/done");
    telegram
        .wait_for_text(ALICE, "There is no command /done")
        .await;
    world.program.terminate().await;
    check(&world, moment, meanwhile);
}

/// Brings the bot to the moment, and the trouble about.
async fn reach(world: &mut World, moment: Moment, gate: &Gate) {
    let telegram = world.program.telegram.clone();
    match moment {
        Moment::Arrival => {
            world.begin().await;
            telegram.user_sends(ALICE, ALICE, "are you there?");
        }
        Moment::Model | Moment::Change => {
            telegram.user_sends(ALICE, ALICE, "are you there?");
            gate.wait_for_arrivals(1).await;
            world.begin().await;
            gate.open();
        }
        Moment::Sending => {
            telegram.fail("sendMessage", [Fault::HoldAfter(gate.clone())]);
            telegram.user_sends(ALICE, ALICE, "are you there?");
            gate.wait_for_arrivals(1).await;
            world.begin().await;
            gate.open();
        }
        Moment::Reminder => {
            telegram.user_sends(ALICE, ALICE, "stretch in two seconds");
            telegram.wait_for_text(ALICE, "Will do.").await;
            world.program.has_written_all_down().await;
            world.begin().await;
        }
    }
}

fn check(world: &World, moment: Moment, meanwhile: Meanwhile) {
    let (trouble, output) = (world.trouble, world.program.output());
    let what = format!("{trouble:?}, {moment:?}, {meanwhile:?}");
    let mut answers = world.answers();
    answers.pop();
    // What the process could not write down before it ended is not known to have happened.
    let twice = meanwhile == Meanwhile::Terminated && moment == Moment::Sending;
    let mut expected: Vec<&str> = moment.read().to_vec();
    if twice {
        expected.push("Here.");
    }
    assert_eq!(answers, expected, "{what}\n{output}");
    let asked = world.program.provider.requests().len();
    // What the model said could not be written down before the end.
    let unheard = matches!(moment, Moment::Model | Moment::Change);
    let again = usize::from(meanwhile == Meanwhile::Terminated && unheard);
    assert_eq!(
        asked,
        moment.requests() + again,
        "{what}: {}",
        world.program.provider.dump()
    );
    // Whoever looks into the log is told once, and not every second.
    assert_eq!(
        output.matches(trouble.words()).count(),
        1,
        "{what}\n{output}"
    );
    let lines = output
        .lines()
        .filter(|line| line.contains("level=warn") || line.contains("level=error"));
    assert!(lines.count() < 8, "{what}\n{output}");
    assert!(world.program.provider.refusals().is_empty(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_database_cannot_be_written() {
    let mut cases = Vec::new();
    for trouble in Trouble::ALL {
        for moment in Moment::ALL {
            cases.push((trouble, moment, Meanwhile::Nothing));
            cases.push((trouble, moment, Meanwhile::Terminated));
        }
    }
    let runs = cases
        .into_iter()
        .map(|(trouble, moment, meanwhile)| pass_through(trouble, moment, meanwhile));
    futures::stream::iter(runs)
        .buffer_unordered(WORLDS)
        .for_each(|()| async {})
        .await;
}
