//! The account at the end: what stands in the database, compared with what stands in the chats.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use minibot::core::approval::Decision;
use minibot::core::turn::Fact;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::people::{Asked, People};
use crate::support::program::{ALICE, Program};

/// How often it is looked whether everything rests.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is under way, each with a query that counts it.
const UNREST: [(&str, &str); 5] = [
    (
        "messages that wait",
        "SELECT count(*) FROM inbox WHERE state IN ('waiting', 'running')",
    ),
    (
        "turns that run",
        "SELECT count(*) FROM turns WHERE state = 'running'",
    ),
    (
        "messages to send",
        "SELECT count(*) FROM outbox WHERE state IN ('open', 'pending', 'sending')",
    ),
    (
        "runs without an end",
        "SELECT count(*) FROM occurrences WHERE state = 'running'",
    ),
    (
        "jobs to come",
        "SELECT count(*) FROM jobs WHERE status = 'active' AND next_run < (unixepoch() + 30) * 1000",
    ),
];

#[derive(Debug)]
pub struct Ledger {
    database: SqlitePool,
}

/// What came of everything.
#[derive(Debug, Default)]
pub struct Account {
    pub faults: Vec<String>,
    pub answered: usize,
    pub failed: usize,
    pub stopped: usize,
    pub lost: usize,
    /// Albums whose parts came too far from each other to be one message.
    pub torn: usize,
    /// Messages of the bot that stand in a chat.
    pub messages: usize,
    /// Those of them that no row of the outbox knows.
    pub surplus: usize,
    pub jobs: usize,
    pub slots: usize,
    pub calls: usize,
    pub questions: usize,
}

/// How a message was handled.
#[derive(sqlx::FromRow)]
struct Handled {
    state: String,
    turn: Option<i64>,
    turn_state: Option<String>,
}

impl Ledger {
    pub async fn open(program: &Program) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(program.data().join("minibot.db"))
            .read_only(true);
        let database = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await;
        Self {
            database: database.unwrap(),
        }
    }

    /// Lets go of the database.
    pub async fn close(self) {
        self.database.close().await;
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.database)
            .await
            .unwrap()
    }

    /// Waits until nothing is under way; whether that came.
    pub async fn has_come_to_rest(&self, patience: Duration) -> bool {
        let rest = async {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            while !self.unrest().await.is_empty() {
                looks.tick().await;
            }
        };
        tokio::time::timeout(patience, rest).await.is_ok()
    }

    /// What is under way.
    pub async fn unrest(&self) -> String {
        let mut found = Vec::new();
        for (what, query) in UNREST {
            let count = self.count(query).await;
            if count > 0 {
                found.push(format!("{count} {what}"));
            }
        }
        found.join(", ")
    }

    /// Everything that can be known. The bot has ended.
    pub async fn account(&self, program: &Program, people: &People) -> Account {
        let mut account = Account::default();
        if program.telegram.pending_updates() > 0 {
            account.faults.push("updates were never fetched".to_owned());
        }
        let integrity: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&self.database)
            .await
            .unwrap();
        if integrity != "ok" {
            account.faults.push(format!("the database: {integrity}"));
        }
        for asked in &people.said {
            self.follow(asked, program, &mut account).await;
        }
        for update in &people.others {
            let handled = self.handled(*update).await;
            let done = handled
                .as_ref()
                .is_some_and(|row| matches!(row.state.as_str(), "done" | "ignored"));
            if !done {
                account
                    .faults
                    .push(format!("update {update} is not done with"));
            }
        }
        self.compare_chats(program, &mut account).await;
        self.look_at_jobs(program, &mut account).await;
        self.look_at_facts(&mut account).await;
        self.look_at_histories(&mut account).await;
        account.questions =
            usize::try_from(self.count("SELECT count(*) FROM approvals").await).unwrap();
        let open = self
            .count("SELECT count(*) FROM approvals WHERE state = 'waiting'")
            .await;
        if open > 0 {
            account
                .faults
                .push(format!("{open} questions were never closed"));
        }
        account
    }

    async fn handled(&self, update: i64) -> Option<Handled> {
        let rows: Vec<Handled> = sqlx::query_as(
            "SELECT inbox.state, inbox.turn, turns.state AS turn_state
             FROM inbox LEFT JOIN turns ON turns.id = inbox.turn
             WHERE inbox.source LIKE 'telegram:%' AND inbox.external_id = ?",
        )
        .bind(update)
        .fetch_all(&self.database)
        .await
        .unwrap();
        assert!(rows.len() < 2, "update {update} is there twice");
        rows.into_iter().next()
    }

    /// Follows a message to its answer.
    async fn follow(&self, asked: &Asked, program: &Program, account: &mut Account) {
        let mut turns = BTreeSet::new();
        let mut state = String::new();
        for update in &asked.updates {
            match self.handled(*update).await {
                Some(Handled {
                    turn: Some(turn),
                    turn_state: Some(turn_state),
                    ..
                }) => {
                    turns.insert(turn);
                    state = turn_state;
                }
                _ => {
                    account.lost += 1;
                    account.faults.push(format!("lost: {asked:?}"));
                    return;
                }
            }
        }
        if asked.kind == "album" && turns.len() == asked.updates.len() {
            // A poll that failed, or a kill, came between its parts, and the second was not waited for so long.
            account.torn += 1;
            return;
        }
        let Some(turn) = turns.pop_first().filter(|_| turns.is_empty()) else {
            account
                .faults
                .push(format!("one message, several turns: {asked:?}"));
            return;
        };
        let said: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT state, content FROM outbox WHERE turn = ? AND state != 'withdrawn'",
        )
        .bind(turn)
        .fetch_all(&self.database)
        .await
        .unwrap();
        let sent = said.iter().filter(|(state, _)| state == "sent").count();
        if sent == 0 {
            account.lost += 1;
            account
                .faults
                .push(format!("never answered ({state}): {asked:?} {said:?}"));
        }
        let answer = format!("answer {}.", asked.number);
        let shown = program.telegram.messages(asked.chat);
        let shown = shown
            .iter()
            .filter(|message| message.text == answer)
            .count();
        match state.as_str() {
            "answered" => {
                account.answered += 1;
                let rows = said.iter().filter(|(_, content)| {
                    content
                        .as_ref()
                        .is_some_and(|content| content.contains(&answer))
                });
                if rows.count() != 1 || shown == 0 {
                    account
                        .faults
                        .push(format!("answered {shown} times: {asked:?} {said:?}"));
                }
            }
            "failed" => account.failed += 1,
            "stopped" => account.stopped += 1,
            other => account.faults.push(format!("{asked:?} is {other}")),
        }
    }

    /// What the chats show is what the outbox says, and at most what was doubled.
    async fn compare_chats(&self, program: &Program, account: &mut Account) {
        let sent: Vec<(String, Option<String>)> =
            sqlx::query_as("SELECT chat, message FROM outbox WHERE state = 'sent'")
                .fetch_all(&self.database)
                .await
                .unwrap();
        let known: BTreeSet<(i64, i64)> = sent
            .iter()
            .filter_map(|(chat, message)| {
                Some((chat.parse().ok()?, message.as_ref()?.parse().ok()?))
            })
            .collect();
        let mut shown = BTreeSet::new();
        for chat in ALICE..ALICE + 6 {
            shown.extend(
                program
                    .telegram
                    .messages(chat)
                    .iter()
                    .map(|message| (chat, message.id)),
            );
        }
        account.messages = shown.len();
        account.surplus = shown.difference(&known).count();
        for missing in known.difference(&shown) {
            account
                .faults
                .push(format!("{missing:?} was sent and is not there"));
        }
        let failed: Vec<(String, Option<String>)> =
            sqlx::query_as("SELECT chat, error FROM outbox WHERE state = 'failed'")
                .fetch_all(&self.database)
                .await
                .unwrap();
        account
            .faults
            .extend(failed.iter().map(|row| format!("given up: {row:?}")));
    }

    /// Each slot has one receipt, and each receipt that speaks has spoken once.
    async fn look_at_jobs(&self, program: &Program, account: &mut Account) {
        // What was put off is still to come.
        let jobs: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT id, chat, content FROM jobs WHERE status != 'active'")
                .fetch_all(&self.database)
                .await
                .unwrap();
        account.jobs = jobs.len();
        for (id, chat, content) in jobs {
            let slots: Vec<(i64, String)> =
                sqlx::query_as("SELECT slot, state FROM occurrences WHERE job = ? ORDER BY slot")
                    .bind(id)
                    .fetch_all(&self.database)
                    .await
                    .unwrap();
            account.slots += slots.len();
            if slots.is_empty() {
                account
                    .faults
                    .push(format!("job {id} never had its turn: {content}"));
            }
            let gaps: BTreeSet<i64> = slots.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
            if gaps.len() > 1 {
                account
                    .faults
                    .push(format!("job {id} has a gap: {slots:?}"));
            }
            let spoke = slots
                .iter()
                .filter(|(_, state)| matches!(state.as_str(), "ran" | "late"))
                .count();
            let words = content.replace("task", "did");
            let words = words.trim_end_matches('.');
            let exact = |text: &str| text.split(['.', '\n']).next() == Some(words);
            let shown = program.telegram.messages(chat.parse().unwrap());
            let shown = shown.iter().filter(|message| exact(&message.text)).count();
            if shown < spoke {
                account.faults.push(format!(
                    "job {id} spoke {shown} of {spoke} times: {content}"
                ));
            }
        }
    }

    /// Each call has one result.
    async fn look_at_facts(&self, account: &mut Account) {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT turn_facts.turn, turns.state, fact FROM turn_facts JOIN turns ON turns.id = turn
             ORDER BY turn, seq",
        )
        .fetch_all(&self.database)
        .await
        .unwrap();
        let mut turns: BTreeMap<i64, (String, Vec<Fact>)> = BTreeMap::new();
        for (turn, state, fact) in rows {
            let fact = serde_json::from_str(&fact).unwrap();
            turns
                .entry(turn)
                .or_insert_with(|| (state, Vec::new()))
                .1
                .push(fact);
        }
        for (turn, (state, facts)) in turns {
            let mut open: HashMap<String, usize> = HashMap::new();
            for fact in facts {
                match fact {
                    Fact::ModelReplied { reply } => {
                        open.extend(reply.calls.into_iter().map(|call| (call.id.to_string(), 0)));
                    }
                    Fact::ToolFinished { call, .. } => {
                        *open.entry(call.to_string()).or_default() += 1;
                    }
                    // A no is a result too.
                    Fact::Decided { call, decision, .. } if decision != Decision::Approved => {
                        *open.entry(call.to_string()).or_default() += 1;
                    }
                    _ => {}
                }
            }
            account.calls += open.len();
            let twice = open.values().any(|results| *results > 1);
            let without = open.values().any(|results| *results == 0);
            if twice || (without && state == "answered") {
                account
                    .faults
                    .push(format!("turn {turn} ({state}): calls and results {open:?}"));
            }
        }
    }

    /// A conversation is a row of legal exchanges.
    async fn look_at_histories(&self, account: &mut Account) {
        let items: Vec<(i64, String)> =
            sqlx::query_as("SELECT conversation, item FROM items ORDER BY conversation, id")
                .fetch_all(&self.database)
                .await
                .unwrap();
        let mut waiting: (i64, Vec<Value>) = (0, Vec::new());
        for (conversation, item) in items {
            let item: Value = serde_json::from_str(&item).unwrap();
            if conversation != waiting.0 {
                waiting = (conversation, Vec::new());
            }
            let legal = if item["role"] == "tool" {
                let own = waiting.1.iter().position(|call| *call == item["call"]);
                own.map(|own| waiting.1.remove(own)).is_some()
            } else {
                waiting.1.is_empty()
            };
            if !legal {
                account
                    .faults
                    .push(format!("conversation {conversation}: {item} does not fit"));
            }
            if let Some(calls) = item["calls"].as_array() {
                waiting.1 = calls.iter().map(|call| call["id"].clone()).collect();
            }
        }
    }
}
