//! The scheduler under load, at rest, and under clocks that jump.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use minibot::adapters::console::{self, ConsoleChannel, Screen};
use minibot::adapters::sqlite::Database;
use minibot::app::signals::Signals;
use minibot::core::channel::ChatTarget;
use minibot::core::clock::Clock;
use minibot::core::error::StoreResult;
use minibot::core::ids::{ChannelName, JobId};
use minibot::core::jobs::{Firing, Job, JobAction, JobFilter, JobPage, JobStore};
use minibot::core::schedule::{CronExpression, Recurrence, Schedule};
use minibot::llm::config::Provider;
use minibot::wiring::settings::Settings;
use minibot::wiring::{Ports, Stops, assemble};
use proptest::prelude::*;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

/// A clock that stands until it is set.
#[derive(Debug)]
struct StillClock(watch::Sender<DateTime<Utc>>);

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        let mut now = self.0.subscribe();
        let _ = now.wait_for(|now| *now >= moment).await;
    }
}

/// Counts the questions to the store that it stands before.
#[derive(Debug)]
struct Counted {
    store: Arc<dyn JobStore>,
    questions: AtomicUsize,
    /// How often there was nothing more to do.
    rests: watch::Sender<usize>,
}

impl Counted {
    fn count(&self) -> &dyn JobStore {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.store.as_ref()
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl JobStore for Counted {
    async fn next_due_at(&self, channels: &[ChannelName]) -> StoreResult<Option<DateTime<Utc>>> {
        let next = self.count().next_due_at(channels).await;
        self.rests.send_modify(|rests| *rests += 1);
        next
    }

    async fn list_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<Job>> {
        let due = self.count().list_due(channels, now, limit).await?;
        assert!(due.len() <= limit as usize);
        Ok(due)
    }

    async fn fire(&self, firings: Vec<Firing>, now: DateTime<Utc>) -> StoreResult<Vec<ChatTarget>> {
        self.count().fire(firings, now).await
    }

    async fn get(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.count().get(id).await
    }

    async fn list(&self, filter: JobFilter) -> StoreResult<JobPage> {
        self.count().list(filter).await
    }

    async fn act(
        &self,
        target: Option<&ChatTarget>,
        id: JobId,
        action: JobAction,
    ) -> StoreResult<Option<Job>> {
        self.count().act(target, id, action).await
    }

    async fn retry_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<ChatTarget>> {
        self.count().retry_due(channels, now).await
    }

    async fn settle_lost(&self, before: DateTime<Utc>) -> StoreResult<u64> {
        self.count().settle_lost(before).await
    }
}

/// A scheduler alone on a real database.
struct Alone {
    folder: tempfile::TempDir,
    clock: Arc<StillClock>,
    life: Option<Life>,
}

/// One process.
struct Life {
    database: Database,
    jobs: Arc<Counted>,
    signals: Arc<Signals>,
    stops: Stops,
    tasks: Vec<JoinHandle<()>>,
}

const START: &str = "2027-03-27T09:00:00Z";

impl Alone {
    async fn new() -> Self {
        let clock = Arc::new(StillClock(watch::Sender::new(START.parse().unwrap())));
        let folder = tempfile::tempdir().unwrap();
        let mut alone = Self {
            folder,
            clock,
            life: None,
        };
        alone.begin().await;
        alone
    }

    async fn begin(&mut self) {
        let path = self.folder.path().join("minibot.db");
        let (database, writer) = Database::open(&path, Duration::from_secs(5)).await.unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let mut ports = Ports::on(&Settings::default(), &database, clock);
        let jobs = Arc::new(Counted {
            store: ports.jobs.clone(),
            questions: AtomicUsize::new(0),
            rests: watch::Sender::new(0),
        });
        ports.jobs = jobs.clone();
        let mut settings = Settings::default();
        settings.llm.provider = Provider::Builtin;
        let stops = Stops::default();
        let channel = Arc::new(ConsoleChannel::new(
            Arc::new(Screen::stdout(true)),
            minibot::core::channel::Asking::Possible,
        ));
        let writer = tokio::spawn(writer.run());
        let app = assemble(&settings, &ports, vec![channel], &stops).unwrap();
        let scheduler = app.scheduler.unwrap();
        let stop = stops.stop.clone();
        let scheduler = tokio::spawn(async move { scheduler.run(stop).await.unwrap() });
        self.life = Some(Life {
            database,
            jobs,
            signals: app.signals,
            stops,
            tasks: vec![scheduler, writer],
        });
        self.rest(0).await;
    }

    async fn end(&mut self) {
        let Some(life) = self.life.take() else { return };
        life.stops.stop.cancel();
        drop((life.database, life.jobs, life.signals));
        for task in life.tasks {
            task.await.unwrap();
        }
    }

    fn life(&self) -> &Life {
        self.life.as_ref().unwrap()
    }

    /// Waits until the scheduler has come to rest more often than that.
    async fn rest(&self, than: usize) {
        let mut rests = self.life().jobs.rests.subscribe();
        let rested = rests.wait_for(|rests| *rests > than);
        let rested = tokio::time::timeout(Duration::from_secs(100), rested).await;
        rested.expect("it comes to rest").unwrap();
    }

    /// Makes the scheduler look, and waits until it has: twice, since the first rest can be the end
    /// of a look that began before this call.
    async fn look(&self) {
        for _ in 0..2 {
            let before = *self.life().jobs.rests.borrow();
            self.life().signals.wake_scheduler();
            self.rest(before).await;
        }
    }

    fn jump(&self, seconds: i64) {
        self.clock
            .0
            .send_modify(|now| *now += TimeDelta::seconds(seconds));
    }

    async fn connection(&self) -> SqliteConnection {
        let path: &Path = &self.folder.path().join("minibot.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        options.connect().await.unwrap()
    }

    /// Adds this many jobs with the same schedule, around the stores.
    async fn add(&self, schedule: &Schedule, count: i64) {
        let target = console::target();
        sqlx::query(
            "INSERT INTO jobs (channel, chat, chat_kind, creator, content, role, schedule,
                status, next_run, created_at, updated_at)
             WITH RECURSIVE number(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
             SELECT ?2, ?3, 'private', '{\"user\":\"1\",\"name\":\"Ada\"}', 'job ' || n, 'assistant',
                ?4, 'active', ?5, 0, 0 FROM number",
        )
        .bind(count)
        .bind(target.channel.as_str())
        .bind(target.chat.as_str())
        .bind(serde_json::to_string(schedule).unwrap())
        .bind(schedule.first_run().unwrap().timestamp_millis())
        .execute(&mut self.connection().await)
        .await
        .unwrap();
    }

    async fn numbers(&self, sql: &'static str) -> Vec<i64> {
        let mut connection = self.connection().await;
        let rows = sqlx::query_scalar(sql).fetch_all(&mut connection);
        rows.await.unwrap()
    }
}

fn schedule(recurrence: Recurrence, after_seconds: i64, zone: Tz) -> Schedule {
    let start: DateTime<Utc> = START.parse().unwrap();
    let anchor = start + TimeDelta::seconds(after_seconds);
    Schedule::restore(recurrence, anchor, zone, None).unwrap()
}

#[tokio::test]
async fn nothing_is_asked_while_nothing_is_due() {
    let mut alone = Alone::new().await;
    alone
        .add(&schedule(Recurrence::Once, 600, Tz::UTC), 1)
        .await;
    alone.look().await;
    let asked = alone.life().jobs.questions();
    for _ in 0..59 {
        alone.jump(1);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(alone.life().jobs.questions(), asked);
    // The safety net.
    let rests = *alone.life().jobs.rests.borrow();
    alone.jump(1);
    alone.rest(rests).await;
    assert_eq!(alone.life().jobs.questions(), asked + 4);
    alone.end().await;
}

#[tokio::test]
async fn ten_thousand_jobs_of_one_second_go_out_in_batches_and_in_order() {
    let mut alone = Alone::new().await;
    alone
        .add(&schedule(Recurrence::Once, 60, Tz::UTC), 10_000)
        .await;
    let rests = *alone.life().jobs.rests.borrow();
    alone.jump(60);
    alone.rest(rests).await;
    let sent = alone
        .numbers(
            "SELECT CAST(substr(content ->> '$.text.text', 5) AS INTEGER) FROM outbox ORDER BY id",
        )
        .await;
    assert_eq!(sent, (1..=10_000).collect::<Vec<i64>>());
    // Each batch is read and written once: nothing holds all of them.
    assert!(alone.life().jobs.questions() >= 2 * 10_000 / 50);
    alone.end().await;
}

#[tokio::test]
async fn an_answer_goes_before_the_reminders_that_wait() {
    let bot = TestBot::new().await;
    let reminders: Vec<_> = (1..=6)
        .map(|number| {
            let arguments =
                serde_json::json!({ "content": format!("job {number}"), "delay_seconds": 600 });
            ("schedule_prompt", arguments)
        })
        .collect();
    bot.model([Reply::tools(reminders), Reply::text("Set.")]);
    bot.says("remind me").await.replies("Set.").await;
    let gate = Gate::new();
    bot.telegram
        .fail("sendMessage", [Fault::HoldBefore(gate.clone())]);
    bot.advance(TimeDelta::seconds(600));
    gate.wait_for_arrivals(1).await;
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await;
    let seven = async {
        while bot.ports().outbox.count_waiting(None).await.unwrap() < 7 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), seven)
        .await
        .unwrap();
    gate.open();
    let chat = bot.alice().replies_with("job").await;
    assert_eq!(chat.chat_id, ALICE);
    bot.alice().replies("Hello.").await;
    for _ in 0..5 {
        bot.alice().replies_with("job").await;
    }
    bot.finish().await;
}

fn recurrences() -> impl Strategy<Value = Recurrence> {
    let cron = prop::sample::select(vec!["0 * * * *", "30 2 * * *", "15 */3 * * *", "0 9 * * 1"]);
    prop_oneof![
        1 => Just(Recurrence::Once),
        2 => (1_200u64..30_000).prop_map(|every_seconds| Recurrence::Interval { every_seconds }),
        2 => cron.prop_map(|text| Recurrence::Cron {
            expression: CronExpression::parse(text).unwrap(),
        }),
    ]
}

/// What happens to the scheduler: the clock jumps by seconds, and perhaps the process ends before.
#[derive(Debug, Clone, Copy)]
enum Event {
    Jump(i64),
    Restart(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Suspend and hours of downtime, ticks, and a clock that is set back.
    let seconds = || prop_oneof![0i64..100, 0i64..90_000, -9_000i64..0];
    let event = prop_oneof![
        seconds().prop_map(Event::Jump),
        seconds().prop_map(Event::Restart)
    ];
    prop::collection::vec(event, 1..8)
}

/// Plays the events; returns the slots with a receipt, those that ran, and the latest moment.
async fn play(schedule: &Schedule, events: &[Event]) -> (Vec<i64>, usize, usize, DateTime<Utc>) {
    let mut alone = Alone::new().await;
    alone.add(schedule, 1).await;
    let mut latest = alone.clock.now();
    for event in events {
        match event {
            Event::Jump(seconds) => alone.jump(*seconds),
            Event::Restart(seconds) => {
                alone.end().await;
                alone.jump(*seconds);
                alone.begin().await;
            }
        }
        latest = latest.max(alone.clock.now());
        alone.look().await;
    }
    let slots = alone
        .numbers("SELECT slot FROM occurrences ORDER BY slot")
        .await;
    let ran = alone
        .numbers("SELECT id FROM occurrences WHERE state IN ('ran', 'late')")
        .await;
    let sent = alone.numbers("SELECT id FROM outbox").await;
    alone.end().await;
    (slots, ran.len(), sent.len(), latest)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_slot_has_one_receipt_over_restarts_and_jumps(
        recurrence in recurrences(),
        after in 0i64..5_000,
        zone in prop::sample::select(vec![Tz::UTC, Tz::Europe__Madrid]),
        events in events(),
    ) {
        let schedule = schedule(recurrence, after, zone);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (slots, ran, sent, latest) = runtime.block_on(play(&schedule, &events));
        let walk = std::iter::successors(schedule.first_run(), |slot| schedule.next_after(*slot));
        let expected: Vec<i64> = walk
            .take_while(|slot| *slot <= latest)
            .map(|slot| slot.timestamp_millis())
            .collect();
        prop_assert_eq!(slots, expected);
        prop_assert_eq!(ran, sent);
    }
}
