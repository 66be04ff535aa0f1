//! Jobs on a real database: each slot is fired once, whatever happens.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minibot::adapters::sqlite::SqliteJobStore;
use minibot::core::change::{Change, ChangeOutcome};
use minibot::core::channel::{ChatKind, ChatTarget, Sender};
use minibot::core::ids::{ChannelName, JobId, OccurrenceId, ThreadId, UserId};
use minibot::core::inbox::InboxStore;
use minibot::core::jobs::{
    FiredAction, FiredSlot, Firing, Job, JobAction, JobFilter, JobLimits, JobRole, JobStatus,
    JobStatusFilter, JobStore, NewJob, Occurrence, OccurrenceState,
};
use minibot::core::label::{Labels, Source};
use minibot::core::message::{IncomingContent, ScheduledPrompt};
use minibot::core::outbox::{NewOutbox, Outgoing};
use minibot::core::schedule::{Schedule, ScheduleRules, ScheduleTerms};
use serde_json::json;

use super::sqlite_changes::Changes;
use super::sqlite_fixture::{Fixture, StoppedClock, at, chat, pending, target};

const LIMITS: JobLimits = JobLimits {
    max_active_per_chat: 3,
};

fn store(fixture: &Fixture) -> SqliteJobStore {
    SqliteJobStore::new(fixture.database.clone(), Arc::new(StoppedClock))
}

/// A job that runs every hour from `minute` on.
fn job(target: ChatTarget, minute: i64) -> NewJob {
    let rules = ScheduleRules {
        min_interval_seconds: 60,
    };
    let terms = ScheduleTerms {
        zone: Tz::Europe__Madrid,
        ends_at: Some(at(999)),
        now: at(0),
        rules,
    };
    NewJob {
        target,
        chat_kind: ChatKind::Group,
        creator: Sender {
            user: UserId::new("42"),
            name: "Ada".into(),
        },
        title: Some("tea".into()),
        content: "drink tea".into(),
        role: JobRole::User,
        schedule: Schedule::interval(at(minute), 3600, &terms).unwrap(),
        next_run: at(minute),
        metadata: Some(json!({"k": 1})),
        created_at: at(0),
        labels: outside(),
    }
}

fn outside() -> Labels {
    Labels::of(Source::Many)
}

async fn add(changes: &Changes, job: NewJob) -> Job {
    match changes
        .apply(
            Change::AddJob {
                job,
                limits: LIMITS,
            },
            at(0),
        )
        .await
    {
        ChangeOutcome::Job(Some(job)) => *job,
        other => panic!("{other:?}"),
    }
}

fn deliver(minute: i64, target: ChatTarget, text: &str) -> FiredSlot {
    let row = NewOutbox::notice(target, Outgoing::plain(text));
    FiredSlot {
        slot: at(minute),
        state: OccurrenceState::Ran,
        reason: None,
        action: FiredAction::Deliver(Box::new(row)),
    }
}

fn prompt(minute: i64) -> FiredSlot {
    let action = FiredAction::Prompt {
        content: "drink tea".into(),
        remark: None,
        labels: outside(),
    };
    FiredSlot {
        slot: at(minute),
        state: OccurrenceState::Running,
        reason: None,
        action,
    }
}

fn skip(minute: i64) -> FiredSlot {
    FiredSlot {
        slot: at(minute),
        state: OccurrenceState::Skipped,
        reason: Some("missed".into()),
        action: FiredAction::Nothing,
    }
}

/// A firing that was decided on the slot of its first receipt.
fn firing(job: JobId, slots: Vec<FiredSlot>, next_run: Option<i64>) -> Firing {
    Firing {
        job,
        decided_on: slots[0].slot,
        slots,
        next_run: next_run.map(at),
    }
}

fn listed(target: Option<ChatTarget>, status: JobStatusFilter) -> JobFilter {
    JobFilter {
        target,
        status,
        limit: 10,
        offset: 0,
    }
}

async fn ids(store: &SqliteJobStore, filter: JobFilter) -> (u64, Vec<i64>) {
    let page = store.list(filter).await.unwrap();
    (page.total, page.jobs.iter().map(|job| job.id.0).collect())
}

async fn due(store: &SqliteJobStore, now: DateTime<Utc>) -> Vec<i64> {
    store
        .list_due(&[target().channel], now, 10)
        .await
        .unwrap()
        .iter()
        .map(|job| job.id.0)
        .collect()
}

#[tokio::test]
async fn a_job_comes_back_as_it_was_added() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let topic = ChatTarget {
        thread: Some(ThreadId::new("5")),
        ..chat("-9")
    };
    let added = add(&changes, job(topic, 30)).await;
    assert_eq!(
        (added.status, added.next_run),
        (JobStatus::Active, Some(at(30)))
    );
    assert_eq!(store.get(added.id).await.unwrap(), Some(added));
    assert_eq!(store.get(JobId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn due_jobs_come_in_the_order_of_their_times() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    assert_eq!(store.next_due_at(&[target().channel]).await.unwrap(), None);
    for (minute, chat_id) in [(20, "1"), (10, "2"), (10, "1")] {
        add(&changes, job(chat(chat_id), minute)).await;
    }
    assert_eq!(
        store.next_due_at(&[target().channel]).await.unwrap(),
        Some(at(10))
    );
    assert_eq!(due(&store, at(9)).await, [0; 0]);
    assert_eq!(due(&store, at(10)).await, [2, 3]);
    assert_eq!(due(&store, at(20)).await, [2, 3, 1]);
    assert_eq!(
        store
            .list_due(&[target().channel], at(20), 1)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn jobs_of_other_channels_are_left_for_their_own_process() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    add(&changes, job(chat("1"), 10)).await;
    let console = ChannelName::new("console");
    for channels in [vec![], vec![console.clone()]] {
        assert_eq!(store.next_due_at(&channels).await.unwrap(), None);
        assert_eq!(store.list_due(&channels, at(10), 10).await.unwrap(), []);
    }
    let both = [console, target().channel];
    assert_eq!(store.next_due_at(&both).await.unwrap(), Some(at(10)));
    assert_eq!(store.list_due(&both, at(10), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_rests_and_lets_the_others_run() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    add(&changes, job(chat("1"), 10)).await;
    add(&changes, job(chat("1"), 10)).await;
    changes
        .fixture
        .execute("UPDATE jobs SET schedule = '{}' WHERE id = 1")
        .await;
    assert_eq!(due(&store, at(10)).await, [2]);
    changes
        .fixture
        .execute("UPDATE jobs SET status = 'paused' WHERE id = 2")
        .await;
    assert_eq!(due(&store, at(10)).await, [0; 0]);
    let rests = store.get(JobId(2)).await.unwrap().unwrap();
    assert_eq!((rests.status, rests.next_run), (JobStatus::Paused, None));
    let states = changes
        .fixture
        .column("SELECT status FROM jobs ORDER BY id")
        .await;
    assert_eq!(states, ["paused", "paused"]);
    assert_eq!(pending(&changes.fixture).await.len(), 1, "it is told");
}

#[tokio::test]
async fn a_chat_has_so_many_active_jobs_and_no_more() {
    let changes = Changes::new().await;
    let topic = ChatTarget {
        thread: Some(ThreadId::new("5")),
        ..chat("1")
    };
    for target in [chat("1"), topic.clone(), chat("1"), chat("2")] {
        add(&changes, job(target, 10)).await;
    }
    let another = || Change::AddJob {
        job: job(topic.clone(), 10),
        limits: LIMITS,
    };
    let refused = ChangeOutcome::TooManyJobs { limit: 3 };
    assert_eq!(changes.apply(another(), at(0)).await, refused);
    changes
        .apply(
            Change::ActOnJob {
                target: chat("1"),
                job: JobId(1),
                action: JobAction::Cancel,
            },
            at(0),
        )
        .await;
    assert!(matches!(
        changes.apply(another(), at(0)).await,
        ChangeOutcome::Job(Some(_))
    ));
}

#[tokio::test]
async fn a_prompt_is_a_message_of_its_creator() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let fired = firing(id, vec![skip(10), prompt(70)], Some(130));
    assert_eq!(store.fire(vec![fired], at(75)).await.unwrap(), [chat("1")]);
    let rows = changes.fixture.inbox().next(&chat("1")).await.unwrap();
    let incoming = &rows[0].incoming;
    assert_eq!(
        (&incoming.target, incoming.chat_kind),
        (&chat("1"), ChatKind::Group)
    );
    assert_eq!(
        (incoming.sender.user.as_str(), incoming.sent_at),
        ("42", at(75))
    );
    let content = "drink tea".to_owned();
    let expected = ScheduledPrompt {
        occurrence: OccurrenceId(2),
        content,
        due_at: at(70),
        remark: None,
        attempt: 1,
        labels: outside(),
    };
    assert_eq!(incoming.content, IncomingContent::Scheduled(expected));
    let job = store.get(id).await.unwrap().unwrap();
    let receipt = Occurrence {
        id: OccurrenceId(2),
        slot: at(70),
        state: OccurrenceState::Running,
        reason: None,
        recorded_at: at(75),
        reaction: None,
    };
    assert_eq!(
        (job.next_run, job.last_occurrence),
        (Some(at(130)), Some(receipt))
    );
}

#[tokio::test]
async fn the_same_plan_is_carried_out_once() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let plan = || vec![firing(id, vec![deliver(10, chat("1"), "tea")], Some(70))];
    let (first, second) = tokio::join!(store.fire(plan(), at(10)), store.fire(plan(), at(10)));
    assert_eq!((first.unwrap(), second.unwrap()), (vec![], vec![]));
    let twice = [plan(), plan()].concat();
    store.fire(twice, at(10)).await.unwrap();
    assert_eq!(pending(&changes.fixture).await, ["tea"]);
    assert_eq!(store.get(id).await.unwrap().unwrap().next_run, Some(at(70)));
}

#[tokio::test]
async fn after_a_crash_no_slot_is_fired_again_and_none_is_lost() {
    let changes = Changes::new().await;
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let plan = || vec![firing(id, vec![deliver(10, chat("1"), "tea")], Some(70))];
    store(&changes.fixture).fire(plan(), at(10)).await.unwrap();
    let fixture = changes.fixture.after_crash().await;
    let store = store(&fixture);
    assert_eq!(due(&store, at(69)).await, [0; 0]);
    store.fire(plan(), at(11)).await.unwrap();
    // Even a job that was set back does nothing twice.
    fixture
        .execute("UPDATE jobs SET next_run = next_run - 3600000")
        .await;
    assert_eq!(due(&store, at(11)).await, [id.0]);
    store.fire(plan(), at(11)).await.unwrap();
    assert_eq!(pending(&fixture).await, ["tea"]);
    assert_eq!(due(&store, at(70)).await, [id.0]);
}

#[tokio::test]
async fn a_job_that_was_cancelled_meanwhile_is_not_fired() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let other = add(&changes, job(chat("1"), 10)).await.id;
    store.act(None, id, JobAction::Cancel).await.unwrap();
    let plan = [id, other, JobId(99)]
        .map(|job| firing(job, vec![deliver(10, chat("1"), "tea")], Some(70)));
    store.fire(plan.to_vec(), at(10)).await.unwrap();
    assert_eq!(pending(&changes.fixture).await, ["tea"]);
    assert_eq!(
        store.get(id).await.unwrap().unwrap().status,
        JobStatus::Cancelled
    );
}

#[tokio::test]
async fn the_last_run_completes_a_job() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let last = firing(id, vec![deliver(10, chat("1"), "tea")], None);
    store.fire(vec![last], at(10)).await.unwrap();
    let job = store.get(id).await.unwrap().unwrap();
    assert_eq!((job.status, job.next_run), (JobStatus::Completed, None));
    assert_eq!(store.next_due_at(&[target().channel]).await.unwrap(), None);
    let cancelled = store
        .act(None, id, JobAction::Cancel)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(cancelled.status, JobStatus::Completed);
}

#[tokio::test]
async fn a_list_shows_what_is_asked_for() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    for (chat_id, minute) in [("1", 40), ("1", 20), ("2", 30), ("1", 10)] {
        add(&changes, job(chat(chat_id), minute)).await;
    }
    store.act(None, JobId(4), JobAction::Cancel).await.unwrap();
    let first = firing(JobId(2), vec![skip(20), skip(80)], Some(140));
    store.fire(vec![first], at(81)).await.unwrap();
    assert_eq!(
        ids(&store, listed(None, JobStatusFilter::Open)).await,
        (3, vec![3, 1, 2])
    );
    let of_chat = listed(Some(chat("1")), JobStatusFilter::Any);
    assert_eq!(ids(&store, of_chat.clone()).await, (3, vec![1, 2, 4]));
    let page = JobFilter {
        limit: 1,
        offset: 1,
        ..of_chat.clone()
    };
    assert_eq!(ids(&store, page).await, (3, vec![2]));
    let newest: Vec<_> = store.list(of_chat).await.unwrap().jobs;
    let slots: Vec<_> = newest
        .iter()
        .map(|job| job.last_occurrence.as_ref().map(|last| last.slot))
        .collect();
    assert_eq!(slots, [None, Some(at(80)), None]);
}

#[tokio::test]
async fn only_the_chat_of_a_job_can_end_it() {
    let changes = Changes::new().await;
    let store = store(&changes.fixture);
    let id = add(&changes, job(chat("1"), 10)).await.id;
    let none = ChangeOutcome::Job(None);
    let cancel = |target| Change::ActOnJob {
        target,
        job: id,
        action: JobAction::Cancel,
    };
    let delete = |target| Change::DeleteJob { target, job: id };
    assert_eq!(changes.apply(cancel(chat("2")), at(1)).await, none);
    assert_eq!(changes.apply(delete(chat("2")), at(1)).await, none);
    assert_eq!(
        store
            .act(Some(&chat("2")), id, JobAction::Cancel)
            .await
            .unwrap(),
        None
    );
    store
        .fire(vec![firing(id, vec![skip(10)], Some(70))], at(10))
        .await
        .unwrap();
    let cancelled = store
        .act(Some(&chat("1")), id, JobAction::Cancel)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (cancelled.status, cancelled.next_run),
        (JobStatus::Cancelled, None)
    );
    let again = changes.apply(cancel(chat("1")), at(1)).await;
    assert_eq!(again, ChangeOutcome::Job(Some(Box::new(cancelled.clone()))));
    let deleted = changes.apply(delete(chat("1")), at(1)).await;
    assert_eq!(deleted, ChangeOutcome::Job(Some(Box::new(cancelled))));
    assert_eq!(changes.apply(delete(chat("1")), at(1)).await, none);
    let receipts = changes
        .fixture
        .column("SELECT CAST(id AS TEXT) FROM occurrences")
        .await;
    assert_eq!(receipts, [""; 0]);
}
