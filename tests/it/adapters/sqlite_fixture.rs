//! A real database in a folder of its own, and what the tests of the stores put into it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use minibot::adapters::files::{CapWorkspaces, OutgoingCopies};
use minibot::adapters::sqlite::{
    Database, SqliteConversationStore, SqliteFileLabelStore, SqliteInboxStore, SqliteTurnJournal,
};
use minibot::core::approval::{Ruling, Verdict};
use minibot::core::audit::AuditedCall;
use minibot::core::channel::{ChatKind, ChatTarget, Sender};
use minibot::core::clock::Clock;
use minibot::core::conversation::Item;
use minibot::core::ids::{AlbumId, CallId, ChannelName, ChatId, InboxId, MessageId, UserId};
use minibot::core::inbox::{Arrival, Arrived, InboxStore, Stored};
use minibot::core::journal::{
    DescribeCall, JournalEntry, RunningTurn, TurnEnd, TurnJournal, TurnState,
};
use minibot::core::label::Labels;
use minibot::core::message::{Incoming, IncomingContent, Message};
use minibot::core::model::{FinishReason, ModelReply};
use minibot::core::outbox::{NewOutbox, Outgoing};
use minibot::core::redact::Secrets;
use minibot::core::tool::{ToolCall, ToolResult};
use minibot::core::turn::Fact;
use minibot::core::units::ByteCount;
use minibot::core::usage::{TokenUsage, UsageEntry};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinHandle;

/// An open database.
pub struct Fixture {
    folder: tempfile::TempDir,
    pub database: Database,
    writer: JoinHandle<()>,
}

impl Fixture {
    /// A new database.
    pub async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    /// The same file after a process that ended without a word.
    pub async fn after_crash(self) -> Self {
        self.writer.abort();
        let _ = self.writer.await;
        drop(self.database);
        Self::open(self.folder).await
    }

    async fn open(folder: tempfile::TempDir) -> Self {
        let path = folder.path().join("minibot.db");
        let (database, writer) = Database::open(&path, Duration::from_secs(5)).await.unwrap();
        let writer = tokio::spawn(writer.run());
        Self {
            folder,
            database,
            writer,
        }
    }

    pub fn inbox(&self) -> SqliteInboxStore {
        SqliteInboxStore::new(self.database.clone(), Arc::new(StoppedClock))
    }

    pub fn journal(&self) -> SqliteTurnJournal {
        SqliteTurnJournal::new(self.database.clone())
    }

    pub fn conversations(&self) -> SqliteConversationStore {
        SqliteConversationStore::new(self.database.clone())
    }

    /// The workspaces beside the database.
    pub fn files(&self) -> Arc<CapWorkspaces> {
        let labels = SqliteFileLabelStore::new(self.database.clone());
        let (root, quota) = (self.folder.path().join("files"), ByteCount::megabytes(1));
        Arc::new(CapWorkspaces::new(root, quota, Arc::new(labels)))
    }

    /// The copies of their files.
    pub fn copies(&self) -> Arc<OutgoingCopies> {
        let below = |name| self.folder.path().join(name);
        Arc::new(OutgoingCopies::new(below("files"), below("copies")))
    }

    /// A connection that goes around the stores.
    pub async fn connection(&self) -> SqliteConnection {
        let path: PathBuf = self.folder.path().join("minibot.db");
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path))
            .await
            .unwrap()
    }

    /// The first column of what a statement returns, as text.
    pub async fn column(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql)
            .fetch_all(&mut self.connection().await)
            .await
            .unwrap()
    }

    /// Runs statements around the stores.
    pub async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut self.connection().await)
            .await
            .unwrap();
    }

    /// Stores one message and returns its row.
    pub async fn receive(&self, number: i64, text: &str) -> InboxId {
        let stored = self
            .inbox()
            .add(vec![message(number, text).arrival()])
            .await
            .unwrap();
        let [Stored::Queued(id)] = stored[..] else {
            panic!("{stored:?}")
        };
        id
    }

    /// Stores one message and begins its turn.
    pub async fn begin(&self, number: i64, text: &str) -> RunningTurn {
        let id = self.receive(number, text).await;
        self.journal()
            .begin(&[id], at(number))
            .await
            .unwrap()
            .unwrap()
    }
}

/// The moment `minutes` after the fixed one at which everything arrives.
pub fn at(minutes: i64) -> DateTime<Utc> {
    StoppedClock.now() + TimeDelta::minutes(minutes)
}

pub fn target() -> ChatTarget {
    ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("7"),
        thread: None,
    }
}

pub fn chat(id: &str) -> ChatTarget {
    ChatTarget {
        chat: ChatId::new(id),
        ..target()
    }
}

pub fn answer(text: &str) -> NewOutbox {
    NewOutbox::answer(target(), Outgoing::plain(text))
}

/// A message that is on its way in. Its update and its id have the same number.
#[derive(Clone)]
pub struct Draft {
    update: i64,
    target: ChatTarget,
    message: Message,
    is_edit: bool,
}

pub fn message(number: i64, text: &str) -> Draft {
    let id = Some(MessageId::new(number.to_string()));
    let message = Message {
        id,
        text: text.into(),
        ..Message::default()
    };
    Draft {
        update: number,
        target: target(),
        message,
        is_edit: false,
    }
}

impl Draft {
    pub fn part_of(mut self, album: &str) -> Self {
        self.message.album = Some(AlbumId::new(album));
        self
    }

    pub fn said_in(mut self, target: ChatTarget) -> Self {
        self.target = target;
        self
    }

    /// The update with which the person changes the message.
    pub fn edited(mut self, update: i64, text: &str) -> Self {
        self.update = update;
        self.message.text = text.into();
        self.is_edit = true;
        self
    }

    pub fn arrival(self) -> Arrival {
        let content = if self.is_edit {
            IncomingContent::Edit(self.message)
        } else {
            IncomingContent::Message(self.message)
        };
        let incoming = Incoming {
            target: self.target,
            chat_kind: ChatKind::Private,
            sender: Sender {
                user: UserId::new("42"),
                name: "Ada".into(),
            },
            sent_at: at(0),
            content,
        };
        Arrival {
            source: "telegram:1".into(),
            external_id: self.update,
            kind: "message".into(),
            content: Arrived::Welcome {
                raw: "{}".into(),
                incoming: Box::new(incoming),
            },
        }
    }
}

/// A call, and the facts of a model that made it and a tool that answered.
pub fn finished(id: &str, tool: &str) -> (ToolCall, Vec<Fact>) {
    let call = ToolCall {
        id: CallId::new(id),
        name: tool.into(),
        arguments: "{}".into(),
    };
    let tokens = TokenUsage {
        input: 7,
        cached_input: 2,
        output: u64::MAX,
    };
    let usage = UsageEntry::new("openai", "m", tokens);
    let reply = ModelReply {
        text: String::new(),
        calls: vec![call.clone()],
        finish: FinishReason::Done,
        usage: vec![usage.clone(), usage],
        continuation: None,
    };
    let result = ToolResult::ok(json!({ "found": 1 }));
    let finish = Fact::ToolFinished {
        call: call.id.clone(),
        result,
        labels: Labels::default(),
    };
    (call, vec![Fact::ModelReplied { reply }, finish])
}

/// A finished call as the audit log takes it.
pub fn audited(call: &ToolCall) -> AuditedCall {
    audit_of(call)(&ToolResult::ok(json!({})))
}

/// The same of a call whose result is not known yet.
pub fn audit_of(call: &ToolCall) -> DescribeCall {
    let call = call.clone();
    Box::new(move |result| {
        let ruling = Ruling {
            verdict: Verdict::Allow,
            rule: "settings: * = allow".into(),
            reason: String::new(),
        };
        AuditedCall::of(&call, result, Some(&ruling), &Secrets::default())
    })
}

/// How a turn ends that began with "hello".
pub fn end(state: TurnState, said: Vec<NewOutbox>) -> TurnEnd {
    let items = vec![Item::said("hello")];
    TurnEnd {
        facts: Vec::new(),
        finished_calls: Vec::new(),
        state,
        items,
        said,
        receipt: None,
    }
}

/// A step in which nothing happens but that something is said.
pub fn saying(texts: &[&str]) -> JournalEntry {
    let said = texts.iter().map(|text| answer(text)).collect();
    JournalEntry {
        said,
        ..JournalEntry::default()
    }
}

/// The ids of the answers that are still being written.
pub async fn open_rows(fixture: &Fixture) -> Vec<String> {
    fixture
        .column("SELECT CAST(id AS TEXT) FROM outbox WHERE state = 'open'")
        .await
}

/// What is to be sent, in order.
pub async fn pending(fixture: &Fixture) -> Vec<String> {
    fixture
        .column("SELECT content ->> '$.text.text' FROM outbox WHERE state = 'pending' ORDER BY id")
        .await
}

/// A clock that stands at the fixed moment.
#[derive(Debug)]
pub struct StoppedClock;

#[async_trait::async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap()
    }

    async fn sleep_until(&self, _moment: DateTime<Utc>) {}
}
