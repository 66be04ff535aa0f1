//! One chat: who is in it, what was said, and whether the bot may speak there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::message::{Author, FakeMessage};
use super::options::FloodLimit;
use super::refusal::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatKind {
    Private {
        first_name: String,
    },
    Group {
        title: String,
    },
    Supergroup {
        title: String,
    },
    /// A supergroup with topics: thread id to name.
    Forum {
        title: String,
        topics: BTreeMap<i64, String>,
    },
}

/// Whether the bot may act in the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Welcome,
    Blocked,
    Kicked,
    MigratedTo(i64),
}

/// A `sendChatAction` the bot sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAction {
    pub action: String,
    pub thread: Option<i64>,
    pub at: Instant,
}

#[derive(Debug)]
pub struct Chat {
    pub id: i64,
    pub kind: ChatKind,
    pub standing: Standing,
    /// Topics in which only administrators may write.
    pub closed_topics: BTreeSet<i64>,
    /// The bot's messages that are still to be seen, oldest first.
    pub sent: Vec<FakeMessage>,
    pub deleted: Vec<FakeMessage>,
    pub received: BTreeMap<i64, FakeMessage>,
    pub actions: Vec<ChatAction>,
    pub changed: watch::Sender<u64>,
    next_message_id: i64,
    recent: VecDeque<Instant>,
    flooded_until: Option<Instant>,
}

impl Chat {
    pub fn new(id: i64, kind: ChatKind) -> Self {
        Self {
            id,
            kind,
            standing: Standing::Welcome,
            closed_topics: BTreeSet::new(),
            sent: Vec::new(),
            deleted: Vec::new(),
            received: BTreeMap::new(),
            actions: Vec::new(),
            changed: watch::Sender::new(0),
            next_message_id: 1,
            recent: VecDeque::new(),
            flooded_until: None,
        }
    }

    pub fn touch(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    pub fn next_message_id(&mut self) -> i64 {
        let id = self.next_message_id;
        self.next_message_id += 1;
        id
    }

    pub fn check_standing(&self) -> Result<(), Refusal> {
        match self.standing {
            Standing::Welcome => Ok(()),
            Standing::Blocked => Err(Refusal::forbidden("bot was blocked by the user")),
            Standing::Kicked => Err(Refusal::forbidden("bot was kicked from the group chat")),
            Standing::MigratedTo(chat) => Err(Refusal::migrated(chat)),
        }
    }

    /// Threads other than a forum's topics are refused. The general topic (1) is not addressable,
    /// as on the real server.
    pub fn check_thread(&self, thread: Option<i64>) -> Result<(), Refusal> {
        let Some(thread) = thread else { return Ok(()) };
        match &self.kind {
            ChatKind::Forum { topics, .. } if topics.contains_key(&thread) => Ok(()),
            _ => Err(Refusal::bad_request("message thread not found")),
        }
    }

    /// Whether the bot may write there.
    pub fn check_open(&self, thread: Option<i64>) -> Result<(), Refusal> {
        match thread {
            Some(thread) if self.closed_topics.contains(&thread) => {
                Err(Refusal::bad_request("TOPIC_CLOSED"))
            }
            _ => Ok(()),
        }
    }

    /// Counts a send or an edit against the flood limit.
    pub fn check_flood(&mut self, limit: Option<FloodLimit>) -> Result<(), Refusal> {
        let Some(limit) = limit else { return Ok(()) };
        let now = Instant::now();
        while self
            .recent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= limit.window)
        {
            self.recent.pop_front();
        }
        let until = match self.flooded_until.filter(|until| *until > now) {
            Some(until) => until,
            None if self.recent.len() >= limit.messages => self.recent[0] + limit.window,
            None => {
                self.recent.push_back(now);
                self.flooded_until = None;
                return Ok(());
            }
        };
        self.flooded_until = Some(until);
        let left = until.duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Err(Refusal::too_many_requests(seconds.max(1)))
    }

    pub fn message(&self, id: i64) -> Option<&FakeMessage> {
        let own = self
            .sent
            .binary_search_by_key(&id, |message| message.id)
            .ok();
        own.map(|index| &self.sent[index])
            .or_else(|| self.received.get(&id))
    }

    pub fn own_message_mut(&mut self, id: i64) -> Option<&mut FakeMessage> {
        let index = self
            .sent
            .binary_search_by_key(&id, |message| message.id)
            .ok()?;
        self.sent.get_mut(index)
    }

    /// Takes a message out of the chat; `false` when there is none.
    pub fn delete(&mut self, id: i64) -> bool {
        if let Ok(index) = self.sent.binary_search_by_key(&id, |message| message.id) {
            let message = self.sent.remove(index);
            self.deleted.push(message);
            return true;
        }
        let received = self.received.remove(&id);
        let found = received.is_some();
        self.deleted.extend(received);
        found
    }

    /// All that is still to be seen, in order.
    pub fn history(&self) -> Vec<FakeMessage> {
        let mut all: Vec<_> = self
            .sent
            .iter()
            .chain(self.received.values())
            .cloned()
            .collect();
        all.sort_by_key(|message| message.id);
        all
    }

    pub fn json(&self) -> Value {
        match &self.kind {
            ChatKind::Private { first_name } => {
                json!({ "id": self.id, "type": "private", "first_name": first_name })
            }
            ChatKind::Group { title } => json!({ "id": self.id, "type": "group", "title": title }),
            ChatKind::Supergroup { title } => {
                json!({ "id": self.id, "type": "supergroup", "title": title })
            }
            ChatKind::Forum { title, .. } => {
                json!({ "id": self.id, "type": "supergroup", "title": title, "is_forum": true })
            }
        }
    }

    /// The chat as `getChat` shows it (Bot API, ChatFullInfo).
    pub fn full_json(&self) -> Value {
        let mut json = self.json();
        json["accent_color_id"] = 0.into();
        json["max_reaction_count"] = 11.into();
        json["accepted_gift_types"] = json!({
            "unlimited_gifts": false,
            "limited_gifts": false,
            "unique_gifts": false,
            "premium_subscription": false,
        });
        if !matches!(self.kind, ChatKind::Private { .. }) {
            json["permissions"] = json!({ "can_send_messages": true });
        }
        json
    }

    /// The message as the Bot API shows it; `people` gives the author's `from`.
    pub fn message_json(&self, message: &FakeMessage, people: &dyn People) -> Value {
        let mut json = self.bare_message_json(message, people);
        let replied = message.reply_to.and_then(|id| self.message(id));
        if let Some(replied) = replied {
            json["reply_to_message"] = self.bare_message_json(replied, people);
        }
        json
    }

    fn bare_message_json(&self, message: &FakeMessage, people: &dyn People) -> Value {
        let mut json = json!({
            "message_id": message.id,
            "from": people.user_json(message.author),
            "chat": self.json(),
            "date": unix_now(),
        });
        let (text, entities) = match &message.file {
            Some(file) => {
                json[file.kind.field()] = file.json();
                ("caption", "caption_entities")
            }
            None => ("text", "entities"),
        };
        if !message.text.is_empty() {
            json[text] = message.text.clone().into();
        }
        if !message.entities.is_empty() {
            json[entities] = message.entities.clone().into();
        }
        if let Some(thread) = message.thread {
            json["message_thread_id"] = thread.into();
            json["is_topic_message"] = true.into();
        }
        if let Some(group) = &message.media_group_id {
            json["media_group_id"] = group.clone().into();
        }
        if let Some(markup) = &message.reply_markup
            && markup.get("inline_keyboard").is_some()
        {
            json["reply_markup"] = markup.clone();
        }
        if !message.edits().is_empty() {
            json["edit_date"] = unix_now().into();
        }
        json
    }
}

/// Who is who, for `from`.
pub trait People {
    fn user_json(&self, author: Author) -> Value;
}

/// Seconds since 1970.
pub fn unix_now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
