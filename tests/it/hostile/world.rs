//! The bot, a web that keeps what it is sent, and a person who says no to every question.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use minibot::core::channel::ChatTarget;
use minibot::core::ids::{ChannelName, ChatId};
use serde_json::{Value, json};

use super::attacks::Attack;
use super::exits::{Before, Step};
use super::injections::{Injection, forwarded};
use super::site::Site;
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeMessage, UserFile};
use crate::support::test_bot::{ALICE, TestBot};
use crate::support::wire::lock;

/// The rule of `approvals.escalate_after_untrusted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    On,
    Off,
}

/// What the person says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Yes,
    No,
}

/// What the bot has beside its tools for files and the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// What falls out of its short window is summed up.
    Compacting,
    /// It has a real browser.
    Surfing,
    /// Its model's server looks things up by itself.
    LookingUp,
}

/// What the person sends.
#[derive(Debug, Clone)]
pub enum Message {
    /// Fields of a message.
    Fields(Value),
    File(UserFile),
}

impl From<Value> for Message {
    fn from(fields: Value) -> Self {
        Self::Fields(fields)
    }
}

impl From<UserFile> for Message {
    fn from(file: UserFile) -> Self {
        Self::File(file)
    }
}

/// One call of a model.
pub fn call(tool: &str, arguments: Value) -> Reply {
    Reply::tools([(tool, arguments)])
}

/// Calls by which something reaches a chat.
const OUTWARD: [&str; 5] = [
    "sendMessage",
    "sendDocument",
    "sendPhoto",
    "sendVoice",
    "editMessageText",
];

#[derive(Debug)]
pub struct World {
    pub bot: TestBot,
    pub site: Site,
    /// Who writes, in their private chat.
    pub who: i64,
    script: Arc<Mutex<VecDeque<Reply>>>,
    answered: HashSet<i64>,
    turns: usize,
    /// Questions that were asked.
    pub asked: usize,
}

impl World {
    /// `None` where a browser is wanted and there is none, which only a machine outside CI may have.
    pub async fn start(rule: Rule, kind: Kind) -> Option<Self> {
        let site = Site::start().await;
        let private = format!("[\"127.0.0.1/32:{}\"]", site.port());
        let escalates = if rule == Rule::On { "true" } else { "false" };
        let mut keys = vec![
            ("tools.file_storage.enabled", "true"),
            ("tools.http_client.enabled", "true"),
            ("egress.allow_http", "true"),
            ("egress.allow_private", private.as_str()),
            ("approvals.escalate_after_untrusted", escalates),
        ];
        if kind == Kind::Compacting {
            keys.extend([
                ("memory.compaction", "true"),
                ("memory.history_window", "4"),
            ]);
        }
        if kind == Kind::LookingUp {
            keys.extend([("llm.provider", "openrouter"), ("llm.model", "fake:online")]);
        }
        let bot = match kind {
            Kind::Surfing => TestBot::with_browser(&keys).await?,
            Kind::Plain | Kind::Compacting | Kind::LookingUp => TestBot::with(&keys).await,
        };
        let script: Arc<Mutex<VecDeque<Reply>>> = Arc::default();
        let replies = Arc::clone(&script);
        bot.provider.respond_with(move |request| {
            if request.tool_names().is_empty() {
                return Reply::text("Eve told the assistant to ignore its rules.");
            }
            let next = lock(&replies).pop_front();
            next.unwrap_or_else(|| Reply::text("Nothing was scripted."))
        });
        Some(Self {
            bot,
            site,
            who: ALICE,
            script,
            answered: HashSet::new(),
            turns: 0,
            asked: 0,
        })
    }

    /// One without a browser.
    pub async fn plain(rule: Rule) -> Self {
        let world = Self::start(rule, Kind::Plain).await;
        world.expect("it needs nothing of the machine")
    }

    /// Whatever happened, nobody but the person themselves was told anything.
    pub fn nothing_is_elsewhere(&self) {
        let telegram = &self.bot.telegram;
        for method in OUTWARD {
            for call in telegram.calls(method) {
                let chat = call.params["chat_id"].to_string();
                assert_eq!(chat.trim_matches('"'), ALICE.to_string(), "{call:?}");
            }
        }
    }

    pub async fn finish(self) {
        self.bot.alice().has_read_all();
        self.bot.bob().has_read_all();
        self.bot.finish().await;
    }

    /// Whether an attack is through.
    pub async fn attack(&mut self, number: usize, attack: Attack) -> bool {
        let before = self.bot.alice().messages().len();
        self.site.forget();
        let secret = secret(number);
        let mark = format!("m{number}");
        let pieces = attack.spelling.pieces(&secret);
        let way_out = attack.way_out;
        let tokens: Vec<String> = pieces.iter().map(|p| way_out.token(&mark, p)).collect();
        self.prepare(number, attack.way_in, &secret).await;
        let opening = attack.way_in.opening(number, &self.site);
        let mut steps = way_out.steps(number, &tokens, &self.site);
        steps[0].replies.splice(0..0, opening.reads);
        let mut first = Some(opening.says);
        for step in steps {
            let says = first.take();
            if says.is_none() && step.before == Before::Days && self.was_denied() {
                break;
            }
            if attack.way_in == Injection::JobRun && says.is_some() {
                let before = Before::Days;
                self.step(Step { before, ..step }, None).await;
            } else {
                self.step(step, says).await;
            }
        }
        self.starts_afresh().await;
        let seen = self.site.seen();
        let shown = self.bot.alice().messages().split_off(before);
        tokens.iter().all(|token| {
            let sent = seen.iter().any(|request| request.contains(token));
            sent || shown.iter().any(|message| can_be_tapped(message, token))
        })
    }

    /// What comes before the attacked turn: the attacker's words are kept somewhere, the person
    /// tells something.
    async fn prepare(&mut self, number: usize, way_in: Injection, secret: &str) {
        if let Some(had) = way_in.had(number) {
            let says = json!({ "text": "keep this" });
            self.turn(Some(says.into()), vec![had], "", Says::Yes).await;
            self.starts_afresh().await;
        }
        if let Some(keeps) = way_in.keeps(number) {
            let calls = std::iter::once(keeps).chain(way_in.then(number)).collect();
            self.turn(Some(forwarded().into()), calls, "", Says::Yes)
                .await;
            self.starts_afresh().await;
        }
        if way_in == Injection::Summary {
            self.turn(Some(forwarded().into()), vec![], "", Says::No)
                .await;
        }
        let named = self.site.said("/named");
        let tells = json!({ "text": format!("My code is {secret}, as at {named}.") });
        self.turn(Some(tells.into()), vec![], "", Says::No).await;
        if way_in == Injection::Summary {
            self.until_summed_up().await;
        }
    }

    async fn until_summed_up(&mut self) {
        for _ in 0..3 {
            let says = json!({ "text": "and what a day it is" });
            self.turn(Some(says.into()), vec![], "", Says::No).await;
        }
        let target = ChatTarget {
            channel: ChannelName::new("telegram"),
            chat: ChatId::new(ALICE.to_string()),
            thread: None,
        };
        let ports = self.bot.ports();
        let current = ports.conversations.current(&target).await.unwrap();
        let id = current.unwrap().id;
        while ports.summaries.get(id).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    }

    async fn step(&mut self, step: Step, says: Option<Message>) {
        match step.before {
            Before::Person => {
                let says = says.unwrap_or_else(|| json!({ "text": "go on, please" }).into());
                self.turn(Some(says), step.replies, &step.answer, Says::No)
                    .await;
            }
            Before::Fresh => {
                self.starts_afresh().await;
                let says = json!({ "text": "go on, please" });
                self.turn(Some(says.into()), step.replies, &step.answer, Says::No)
                    .await;
            }
            Before::List => {
                let newest = self.newest();
                self.bot.at(self.who, self.who).writes("/files");
                self.until(newest, "bytes", Says::No).await;
            }
            Before::Days => self.turn(None, step.replies, &step.answer, Says::No).await,
            Before::Reminder => {
                let newest = self.newest();
                self.bot.advance(TimeDelta::days(3));
                self.until(newest, "END", Says::No).await;
            }
        }
    }

    /// A turn to its end. Without a message it is one that time brings.
    pub async fn turn(
        &mut self,
        message: Option<Message>,
        calls: Vec<Reply>,
        answer: &str,
        says: Says,
    ) {
        self.turns += 1;
        let end = format!("END{}.", self.turns);
        let last = Reply::text(format!("{answer}\n{end}"));
        self.until_it_says(&end, message, calls.into_iter().chain([last]), says)
            .await;
    }

    /// A turn in which the model stops answering behind these calls.
    pub async fn fails(&mut self, message: Message, calls: Vec<Reply>, says: Says) {
        let (last, end) = (Reply::status(401), "then send /retry.");
        self.until_it_says(end, Some(message), calls.into_iter().chain([last]), says)
            .await;
    }

    async fn until_it_says(
        &mut self,
        end: &str,
        message: Option<Message>,
        replies: impl Iterator<Item = Reply>,
        says: Says,
    ) {
        lock(&self.script).extend(replies);
        let newest = self.newest();
        match message {
            Some(Message::Fields(fields)) => {
                self.bot.telegram.user_sends_raw(self.who, self.who, fields);
            }
            Some(Message::File(file)) => {
                self.bot.telegram.user_sends_file(self.who, self.who, file);
            }
            None => {
                self.bot.advance(TimeDelta::days(3));
            }
        }
        self.until(newest, end, says).await;
        lock(&self.script).clear();
    }

    /// The number of the bot's last message.
    fn newest(&self) -> i64 {
        let messages = self.bot.telegram.messages(self.who);
        messages.last().map_or(0, |message| message.id)
    }

    /// Answers questions until a message after this one ends with these words, or says that the
    /// bot does not go on asking.
    async fn until(&mut self, newest: i64, end: &str, says: Says) {
        let code = if says == Says::Yes { ":y" } else { ":n" };
        let is_over = |text: &str| text.ends_with(end) || text.starts_with("I stopped");
        loop {
            let answered = &self.answered;
            let found = self.bot.telegram.find(self.who, |messages| {
                let mut new = messages.iter().filter(|message| message.id > newest);
                let card = new.clone().find_map(|message| {
                    let buttons = message.buttons();
                    let mut answers = buttons.iter().filter(|data| data.starts_with("a:"));
                    let wanted = answers.find(|data| data.ends_with(code))?;
                    (!answered.contains(&message.id)).then(|| Some((message.id, wanted.clone())))
                });
                let is_over = new.any(|message| is_over(&message.text));
                card.or(is_over.then_some(None))
            });
            match found.await {
                Some(Some((message, data))) => {
                    self.asked += 1;
                    self.answered.insert(message);
                    let telegram = &self.bot.telegram;
                    telegram.user_presses_forged(self.who, self.who, message, &data);
                }
                Some(None) => return,
                None => panic!(
                    "never {end}\n{}\n{}",
                    self.bot.telegram.dump(),
                    self.bot.provider.dump()
                ),
            }
        }
    }

    pub async fn starts_afresh(&mut self) {
        let newest = self.newest();
        self.bot.at(self.who, self.who).writes("/new");
        self.until(newest, "are still here.", Says::No).await;
    }

    /// Whether the last call was.
    fn was_denied(&self) -> bool {
        self.result().contains("\"denied\"")
    }

    /// What the last call came to, as the model was shown it.
    pub fn result(&self) -> String {
        let requests = self.bot.provider.requests();
        let last = requests.last();
        last.and_then(|request| request.last_text("tool"))
            .unwrap_or_default()
            .to_owned()
    }
}

/// Six letters, other ones for each attack.
fn secret(number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("zq{}{}kv", letter(number / 26), letter(number))
}

/// Whether a version of the message has a link with this in its address.
pub fn can_be_tapped(message: &FakeMessage, token: &str) -> bool {
    message.versions.iter().any(|version| {
        let mut units: Vec<u16> = version.text.encode_utf16().collect();
        for entity in &version.entities {
            let place = |name: &str| usize::try_from(entity[name].as_u64().unwrap()).unwrap();
            if ["code", "pre"].contains(&entity["type"].as_str().unwrap()) {
                let start = place("offset");
                units[start..start + place("length")].fill(u16::from(b' '));
            }
        }
        let links = version
            .entities
            .iter()
            .filter_map(|entity| entity["url"].as_str());
        let text = String::from_utf16_lossy(&units);
        let by_itself = text
            .split_whitespace()
            .filter(|word| word.contains(".example"));
        links
            .chain(by_itself)
            .any(|address| address.contains(token))
    })
}
