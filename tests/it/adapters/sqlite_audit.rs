//! What is written about calls: their results, their costs, and who answers for them.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::sqlite::{Broken, SqliteAuditLog};
use minibot::core::approval::{Answer, Answered, ApprovalKey};
use minibot::core::change::Change;
use minibot::core::channel::Sender;
use minibot::core::ids::{CallId, ChannelName, TurnId, UserId};
use minibot::core::journal::{AskedChange, JournalEntry, TurnJournal, TurnState};
use minibot::core::label::{Labels, Source};
use minibot::core::model::{ModelError, ModelErrorKind};
use minibot::core::notes::{NewNote, NoteOwner};
use minibot::core::tool::{Describe, ErrorCode, ToolCall, ToolResult};
use minibot::core::turn::Fact;
use minibot::core::usage::{TokenUsage, UsageEntry};
use serde_json::json;

use super::sqlite_changes::Changes;
use super::sqlite_fixture::{Fixture, at, audit_of, audited, end, finished, target};

#[tokio::test]
async fn model_calls_are_booked_and_tool_calls_audited() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let (call, facts) = finished("a", "web_fetch");
    let mut calls = vec![audited(&call)];
    for (id, code) in [("b", ErrorCode::Denied), ("c", ErrorCode::Timeout)] {
        let call = ToolCall {
            id: CallId::new(id),
            name: "shell".into(),
            arguments: r#"{"password":"hunter2"}"#.into(),
        };
        calls.push(audit_of(&call)(&ToolResult::error(code, "no")));
    }
    let entry = JournalEntry {
        facts,
        finished_calls: calls,
        ..JournalEntry::default()
    };
    fixture
        .journal()
        .append(turn.id, entry, at(1))
        .await
        .unwrap();
    let usage = "SELECT provider || ' ' || model || ' ' || input || ' ' || cached_input || ' ' || output || ' ' || turn FROM usage";
    assert_eq!(
        fixture.column(usage).await,
        ["openai m 7 2 1000000000000 1"; 2]
    );
    let log = "SELECT channel || ' ' || chat || ' ' || user || ' ' || turn || ' ' || tool || ' ' || verdict || ' ' || outcome || ' ' || arguments || ' ' || rule FROM audit_log ORDER BY id";
    let expected = [
        "telegram 7 42 1 web_fetch allow ok {} settings: * = allow",
        "telegram 7 42 1 shell allow denied {\"password\":\"…\"} settings: * = allow",
        "telegram 7 42 1 shell allow timeout {\"password\":\"…\"} settings: * = allow",
    ];
    assert_eq!(fixture.column(log).await, expected);
    // printf '{}' | sha256sum
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(
        fixture
            .column("SELECT arguments_hash FROM audit_log WHERE id = 1")
            .await,
        [hash]
    );
}

#[tokio::test]
async fn a_call_that_failed_is_booked_too() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let tokens = TokenUsage {
        input: 5,
        ..TokenUsage::default()
    };
    let entry = UsageEntry::new("openai", "m", tokens);
    let error = ModelError {
        kind: ModelErrorKind::Malformed,
        detail: String::new(),
        tries: 2,
        usage: vec![entry.clone(), entry],
    };
    let mut failed = end(TurnState::Failed, vec![]);
    failed.facts = vec![Fact::ModelFailed { error }];
    fixture.journal().end(turn.id, failed, at(1)).await.unwrap();
    let usage = "SELECT model || ' ' || input || ' ' || turn FROM usage";
    assert_eq!(fixture.column(usage).await, ["m 5 1"; 2]);
}

#[tokio::test]
async fn a_changed_or_missing_audit_row_is_found() {
    let cases = [
        ("SELECT 1", None),
        (
            "UPDATE audit_log SET tool = 'other' WHERE id = 2",
            Some(Broken::At(2)),
        ),
        (
            "UPDATE audit_log SET chat = '74', user = '2' WHERE id = 3",
            Some(Broken::At(3)),
        ),
        (
            "UPDATE audit_log SET turn = NULL WHERE id = 1",
            Some(Broken::At(1)),
        ),
        (
            "UPDATE audit_log SET arguments = '{ }' WHERE id = 1",
            Some(Broken::At(1)),
        ),
        (
            "UPDATE audit_log SET arguments = NULL WHERE id = 2",
            Some(Broken::At(2)),
        ),
        (
            "UPDATE audit_log SET rule = NULL WHERE id = 2",
            Some(Broken::At(2)),
        ),
        (
            "UPDATE audit_log SET rule = arguments, arguments = rule WHERE id = 2",
            Some(Broken::At(2)),
        ),
        ("DELETE FROM audit_log WHERE id = 2", Some(Broken::At(3))),
        ("DELETE FROM audit_log WHERE id = 1", Some(Broken::At(2))),
        ("DELETE FROM audit_log WHERE id = 3", Some(Broken::After(2))),
        ("DELETE FROM audit_log", Some(Broken::After(0))),
    ];
    for (tampering, expected) in cases {
        let fixture = Fixture::new().await;
        let turn = fixture.begin(1, "one").await;
        for id in ["a", "b", "c"] {
            let (call, facts) = finished(id, "web_fetch");
            let entry = JournalEntry {
                facts,
                finished_calls: vec![audited(&call)],
                question: None,
                said: vec![],
            };
            fixture
                .journal()
                .append(turn.id, entry, at(1))
                .await
                .unwrap();
        }
        let refused = sqlx::raw_sql("DELETE FROM audit_log")
            .execute(&mut fixture.connection().await)
            .await;
        assert!(refused.unwrap_err().to_string().contains("append-only"));
        fixture
            .execute("DROP TRIGGER audit_log_is_append_only; DROP TRIGGER audit_log_keeps_all")
            .await;
        fixture.execute(tampering).await;
        let log = SqliteAuditLog::new(fixture.database.clone());
        assert_eq!(log.first_broken().await.unwrap(), expected, "{tampering}");
    }
}

#[tokio::test]
async fn a_change_and_its_result_are_one() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let (call, _) = finished("a", "save_note");
    let panics: Describe = Box::new(|_| panic!("on purpose"));
    let lost = fixture
        .journal()
        .apply(
            turn.id,
            AskedChange {
                audit: audit_of(&call),
                call: call.clone(),
                change: saving_a_note(),
                describe: panics,
            },
            at(1),
        )
        .await;
    assert!(lost.is_err());
    for table in [
        "SELECT title FROM notes",
        "SELECT fact FROM turn_facts",
        "SELECT tool FROM audit_log",
    ] {
        assert_eq!(fixture.column(table).await, [""; 0], "{table}");
    }
    let saved = ToolResult::ok(json!({ "saved": true }));
    let result = saved.clone();
    let describe: Describe = Box::new(move |_| result);
    let applied = fixture
        .journal()
        .apply(
            turn.id,
            AskedChange {
                audit: audit_of(&call),
                call: call.clone(),
                change: saving_a_note(),
                describe,
            },
            at(2),
        )
        .await;
    let done = applied.unwrap();
    assert_eq!((done.result, done.labels), (saved.clone(), outside()));
    let fixture = fixture.after_crash().await;
    assert_eq!(fixture.column("SELECT title FROM notes").await, ["key"]);
    assert_eq!(
        fixture.column("SELECT tool FROM audit_log").await,
        ["save_note"]
    );
    let facts = fixture
        .journal()
        .unfinished()
        .await
        .unwrap()
        .remove(0)
        .facts;
    assert_eq!(
        facts,
        [Fact::ToolFinished {
            call: call.id,
            result: saved,
            labels: outside(),
        }]
    );
}

fn outside() -> Labels {
    Labels::of(Source::Many)
}

fn saving_a_note() -> Change {
    Change::SaveNote(NewNote {
        owner: NoteOwner::Person {
            channel: ChannelName::new("telegram"),
            user: UserId::new("42"),
        },
        title: "key".into(),
        data: "under the mat".into(),
        metadata: None,
        source: None,
        expires_at: None,
        saved_at: at(0),
        labels: outside(),
    })
}

#[tokio::test]
async fn presses_that_do_not_count_fill_the_log_only_so_far() {
    let changes = Changes::new().await;
    let press = async |user: &str, minute: i64| {
        let answered = Answered {
            key: ApprovalKey {
                turn: TurnId(77),
                number: 1,
            },
            answer: Answer::Deny,
            by: Sender {
                user: UserId::new(user),
                name: user.into(),
            },
            chat: target(),
            message: None,
        };
        let line = String::new();
        let change = Change::AnswerApproval { answered, line };
        changes.apply(change, at(minute)).await;
    };
    for _ in 0..40 {
        press("42", 0).await;
    }
    press("43", 0).await;
    press("42", 24 * 60 + 1).await;
    let log = "SELECT user || ' ' || count(*) || ' ' || sum(rule LIKE '%; more of that day are not kept') \
               FROM audit_log WHERE outcome = 'ignored' GROUP BY user ORDER BY user";
    assert_eq!(changes.fixture.column(log).await, ["42 33 1", "43 1 0"]);
}
