//! All that a fake Telegram knows, behind one lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::chat::{Chat, People};
use super::fault::Fault;
use super::message::{Author, FakeFile};
use super::options::Options;
use super::params::Params;
use super::refusal::Refusal;
use super::webhook::Webhook;
use crate::support::wire::lock;

/// A call the bot made.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub params: Value,
    pub at: Instant,
    /// How it was answered: the HTTP status, and the reason of a refusal. `None` while it waits.
    pub outcome: Option<(u16, String)>,
}

/// A press on a button, until it expires.
#[derive(Debug, Clone)]
pub struct CallbackQuery {
    pub expired: bool,
    /// The parameters of each `answerCallbackQuery`.
    pub answers: Vec<Value>,
}

#[derive(Debug)]
pub struct State {
    pub options: Options,
    pub chats: HashMap<i64, Chat>,
    pub users: HashMap<i64, String>,
    pub updates: VecDeque<Value>,
    /// Updates that the bot did not ask for in `allowed_updates`.
    pub filtered: Vec<Value>,
    pub next_update_id: i64,
    pub confirmed_offset: i64,
    pub allowed_updates: Vec<String>,
    /// Counts `getUpdates`; the newest wins.
    pub poll: u64,
    pub webhook: Option<Webhook>,
    pub commands: BTreeMap<(String, String), Value>,
    pub callbacks: HashMap<String, CallbackQuery>,
    pub files: HashMap<String, FakeFile>,
    pub calls: HashMap<String, Vec<Call>>,
    pub faults: HashMap<String, VecDeque<Fault>>,
    /// Calls with a token that is not the bot's.
    pub strange_tokens: usize,
    counter: u64,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            next_update_id: options.first_update_id,
            options,
            chats: HashMap::new(),
            users: HashMap::new(),
            updates: VecDeque::new(),
            filtered: Vec::new(),
            confirmed_offset: 0,
            allowed_updates: Vec::new(),
            poll: 0,
            webhook: None,
            commands: BTreeMap::new(),
            callbacks: HashMap::new(),
            files: HashMap::new(),
            calls: HashMap::new(),
            faults: HashMap::new(),
            strange_tokens: 0,
            counter: 0,
        }
    }

    /// A number not given out before.
    pub fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub fn next_update_id(&mut self) -> i64 {
        let id = self.next_update_id;
        self.next_update_id += 1;
        id
    }

    pub fn chat(&self, id: i64) -> Result<&Chat, Refusal> {
        self.chats
            .get(&id)
            .ok_or_else(|| Refusal::bad_request("chat not found"))
    }

    pub fn chat_mut(&mut self, id: i64) -> Result<&mut Chat, Refusal> {
        self.chats
            .get_mut(&id)
            .ok_or_else(|| Refusal::bad_request("chat not found"))
    }

    /// The chat a call names, which must welcome the bot.
    pub fn target(&self, params: &Params) -> Result<i64, Refusal> {
        let Some(text) = params.text("chat_id") else {
            return Err(Refusal::bad_request("chat_id is empty"));
        };
        let id = text
            .parse()
            .map_err(|_| Refusal::bad_request("chat not found"))?;
        self.chat(id)?.check_standing()?;
        Ok(id)
    }

    /// The bot as `getMe` shows it.
    pub fn bot_json(&self) -> Value {
        json!({
            "id": self.options.bot_id,
            "is_bot": true,
            "first_name": "Mini",
            "username": self.options.bot_username,
        })
    }

    pub fn take_fault(&mut self, method: &str) -> Option<Fault> {
        let own = self.faults.get_mut(method).and_then(VecDeque::pop_front);
        own.or_else(|| self.faults.get_mut("*").and_then(VecDeque::pop_front))
    }

    /// One block of text that says how things stand, for a failure's message.
    pub fn dump(&self, chat_id: Option<i64>) -> String {
        let mut lines = Vec::new();
        for chat in self
            .chats
            .values()
            .filter(|chat| chat_id.is_none_or(|id| id == chat.id))
        {
            lines.push(format!(
                "chat {} ({:?}, {:?}):",
                chat.id, chat.kind, chat.standing
            ));
            lines.extend(
                chat.history()
                    .iter()
                    .map(|message| format!("  {}", message.summary())),
            );
            lines.extend(
                chat.deleted
                    .iter()
                    .map(|m| format!("  deleted {}", m.summary())),
            );
        }
        lines.push(format!(
            "{} updates undelivered, {} filtered out, confirmed below {}",
            self.updates.len(),
            self.filtered.len(),
            self.confirmed_offset
        ));
        let mut calls: Vec<&Call> = self.calls.values().flatten().collect();
        calls.sort_by_key(|call| call.at);
        lines.push(format!("the last of {} calls:", calls.len()));
        for call in calls.iter().rev().take(15).rev() {
            let outcome = call
                .outcome
                .as_ref()
                .map_or("unanswered".to_owned(), |(status, why)| {
                    format!("{status} {why}")
                });
            let params: String = call.params.to_string().chars().take(200).collect();
            lines.push(format!("  {} {params} -> {outcome}", call.method));
        }
        lines.join("\n")
    }
}

impl People for State {
    fn user_json(&self, author: Author) -> Value {
        match author {
            Author::Bot => self.bot_json(),
            Author::User(id) => {
                let name = self
                    .users
                    .get(&id)
                    .cloned()
                    .unwrap_or_else(|| format!("User {id}"));
                json!({ "id": id, "is_bot": false, "first_name": name, "language_code": "en" })
            }
        }
    }
}

/// The state, and the signal that something in it changed.
#[derive(Debug)]
pub struct Shared {
    pub state: Mutex<State>,
    pub changed: watch::Sender<u64>,
}

impl Shared {
    pub fn new(options: Options) -> Self {
        Self {
            state: Mutex::new(State::new(options)),
            changed: watch::Sender::new(0),
        }
    }

    pub fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut lock(&self.state))
    }

    /// Tells those who wait for calls, updates or confirmations.
    pub fn announce(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}
