//! Databases with a past: written with SQL, into the tables that the bot's own migrations make.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use minibot::adapters::sqlite::Database;
use minibot::core::channel::{ChatKind, ChatTarget, Sender};
use minibot::core::conversation::Item;
use minibot::core::ids::{ChannelName, ChatId, MessageId, UserId};
use minibot::core::label::Labels;
use minibot::core::message::{Incoming, IncomingContent, Message};
use minibot::core::model::{FinishReason, ModelReply};
use minibot::core::outbox::Outgoing;
use minibot::core::schedule::{Recurrence, Schedule};
use minibot::core::turn::Fact;
use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::world::FIRST;

const QUESTION: &str = "Could you tell me which of the two trains to the coast is the quicker one?";
const ANSWER: &str = "The one at 9:40: it does not stop on the way and is there at 11:05, a quarter of an hour \
                      before the other one, which leaves earlier but takes the long way round.";

/// Writes `count` messages of a chat with the first person, questions and answers in turn, each as
/// old as a second for each that follows it, with all that the bot keeps of them.
pub async fn messages(database: &Path, count: usize) -> Result<()> {
    let mut connection = open(database).await?;
    let turns = i64::try_from(count / 2)?;
    let now = Utc::now().timestamp_millis();
    sqlx::query("INSERT INTO conversations (channel, chat, started_at) VALUES ('telegram', ?, ?)")
        .bind(FIRST.to_string())
        .bind(now - turns * 1000)
        .execute(&mut connection)
        .await?;
    let samples = Samples::new()?;
    for rows in TABLES {
        let statement = format!(
            "WITH RECURSIVE turn (i, at) AS (SELECT 1, ?2 UNION ALL SELECT i + 1, at + 1000 FROM turn WHERE i < ?1) {rows}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(turns)
            .bind(now - turns * 1000)
            .bind(FIRST.to_string())
            .bind(&samples.incoming)
            .bind(&samples.asked)
            .bind(&samples.answered)
            .bind(&samples.fact)
            .bind(&samples.outgoing);
        query.execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// What stands in each table of a finished turn. ?3 is the chat; ?4 to ?8 are JSON.
const TABLES: [&str; 6] = [
    "INSERT INTO turns (id, conversation, state, started_at, ended_at) SELECT i, 1, 'answered', at, at FROM turn",
    "INSERT INTO turn_facts (turn, seq, fact, created_at) SELECT i, 1, ?7, at FROM turn",
    "INSERT INTO items (conversation, turn, role, item, created_at)
     SELECT 1, i, role, CASE role WHEN 'user' THEN ?5 ELSE ?6 END, at FROM turn, (SELECT 'user' AS role UNION ALL SELECT 'assistant')",
    "INSERT INTO inbox (source, external_id, kind, channel, chat, sender, message, state, raw, incoming, turn, received_at, done_at)
     SELECT 'telegram:123456789', i, 'message', 'telegram', ?3, ?3, i, 'done', ?4, ?4, i, at, at FROM turn",
    "INSERT INTO outbox (channel, chat, urgency, state, content, message, turn, attempts, created_at, done_at)
     SELECT 'telegram', ?3, 0, 'sent', ?8, i, i, 1, at, at FROM turn",
    "INSERT INTO usage (at, turn, provider, model, input, cached_input, output) SELECT at, i, 'openai', 'fake', 900, 0, 40 FROM turn",
];

/// The JSON columns.
struct Samples {
    incoming: String,
    asked: String,
    answered: String,
    fact: String,
    outgoing: String,
}

impl Samples {
    fn new() -> Result<Self> {
        let incoming = Incoming {
            target: ChatTarget {
                channel: ChannelName::new("telegram"),
                chat: ChatId::new(FIRST.to_string()),
                thread: None,
            },
            chat_kind: ChatKind::Private,
            sender: somebody(),
            sent_at: Utc::now(),
            content: IncomingContent::Message(Message {
                id: Some(MessageId::new("1")),
                text: QUESTION.to_owned(),
                ..Message::default()
            }),
        };
        let (asked, answered) = (QUESTION.to_owned(), ANSWER.to_owned());
        let reply = ModelReply {
            continuation: None,
            text: answered.clone(),
            calls: Vec::new(),
            finish: FinishReason::Done,
            usage: Vec::new(),
        };
        Ok(Self {
            incoming: json(&incoming)?,
            asked: json(&Item::said(asked))?,
            answered: json(&Item::Assistant {
                continuation: None,
                text: answered,
                calls: Vec::new(),
                labels: Labels::default(),
            })?,
            fact: json(&Fact::ModelReplied { reply })?,
            outgoing: json(&Outgoing::plain(ANSWER))?,
        })
    }
}

/// Writes a reminder for each chat and moment, which must be whole milliseconds, as the bot's own are.
pub async fn reminders(database: &Path, due: &[(i64, DateTime<Utc>)]) -> Result<()> {
    let mut connection = open(database).await?;
    let creator = json(&somebody())?;
    let mut transaction = connection.begin().await?;
    for (chat, at) in due {
        let schedule = Schedule::restore(Recurrence::Once, *at, chrono_tz::UTC, None)?;
        let insert = sqlx::query(
            "INSERT INTO jobs (channel, chat, chat_kind, creator, content, role, schedule, status, next_run, created_at, updated_at)
             VALUES ('telegram', ?, 'private', ?, 'Water the plants', 'assistant', ?, 'active', ?, 0, 0)",
        );
        insert
            .bind(chat.to_string())
            .bind(&creator)
            .bind(json(&schedule)?)
            .bind(at.timestamp_millis())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(connection.close().await?)
}

/// A database that another process uses, to look into.
pub async fn look_into(database: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(database);
    Ok(options.read_only(true).connect().await?)
}

/// A connection of our own, to a database with the bot's tables. It need not survive a crash.
async fn open(database: &Path) -> Result<SqliteConnection> {
    let (handle, writer) = Database::open(database, Duration::from_secs(5)).await?;
    drop(handle);
    writer.run().await;
    let options = SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

fn somebody() -> Sender {
    Sender {
        user: UserId::new(FIRST.to_string()),
        name: "Somebody".to_owned(),
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}
