//! The people of the soak: what they do, and what they make Telegram do.

use std::collections::BTreeMap;
use std::time::Duration;

use image::ImageFormat;
use tokio::time::Instant;

use crate::support::fake_telegram::{FakeTelegram, Fault, FileKind, SentUpdate, UserFile};
use crate::support::pictures::{pdf, picture};
use crate::support::program::{ALICE, Program};

/// People, each with a chat of their own.
const CHATS: i64 = 6;

/// What the second button of a reminder puts it off by.
const LATER: Duration = Duration::from_secs(600);

/// How long after the end nothing may fall due: the account is drawn up then.
const QUIET: Duration = Duration::from_secs(180);

/// One call in so many that reaches a chat loses its answer: it must stay below one in a hundred.
const LOSES_ANSWER: u32 = 400;

/// What people ask, and how often of so many times.
const KINDS: [(&str, u32); 12] = [
    ("chat", 40),
    ("sum", 12),
    ("note", 6),
    ("file", 10),
    ("remind", 8),
    ("run", 5),
    ("repeat", 1),
    ("bash", 4),
    ("python", 3),
    ("picture", 4),
    ("paper", 4),
    ("album", 3),
];

/// Whether Telegram fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Any,
    None,
}

/// A message that wants an answer.
#[derive(Debug)]
pub struct Asked {
    pub chat: i64,
    pub kind: &'static str,
    pub number: String,
    /// The updates that brought it.
    pub updates: Vec<i64>,
}

#[derive(Debug)]
pub struct People {
    telegram: FakeTelegram,
    pub said: Vec<Asked>,
    pub trouble: Trouble,
    pub presses: usize,
    pub stops: usize,
    pub edits: usize,
    pub faults: usize,
    /// Sends that took effect and whose answers were lost.
    pub lost_answers: usize,
    /// Other updates, which want no answer of a model.
    pub others: Vec<i64>,
    pressed: Vec<(i64, i64)>,
    ends: Instant,
}

impl People {
    /// People who are there until `ends`.
    pub fn new(program: &Program, ends: Instant) -> Self {
        let telegram = program.telegram.clone();
        for chat in ALICE..ALICE + CHATS {
            telegram.add_private_chat(chat, "Somebody");
        }
        Self {
            telegram,
            said: Vec::new(),
            trouble: Trouble::Any,
            presses: 0,
            stops: 0,
            edits: 0,
            faults: 0,
            lost_answers: 0,
            others: Vec::new(),
            pressed: Vec::new(),
            ends,
        }
    }

    pub fn asked(&self) -> usize {
        self.said.len()
    }

    pub fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for asked in &self.said {
            *kinds.entry(asked.kind).or_default() += 1;
        }
        kinds
    }

    /// Somebody does something, and perhaps something fails.
    pub fn act(&mut self) {
        let chat = rand::random_range(ALICE..ALICE + CHATS);
        match rand::random_range(0..100) {
            0..6 => self.stop(chat),
            6..10 => self.edit(chat),
            10..30 => self.press(chat),
            _ => self.ask(chat),
        }
        if self.trouble == Trouble::Any {
            self.disturb();
        }
    }

    fn ask(&mut self, chat: i64) {
        let kind = pick();
        let number = format!("#{}", self.said.len() + 1);
        let text = format!("{kind} {number}");
        let sent = match kind {
            "picture" => {
                let bytes = picture(9, 9, ImageFormat::Png);
                let file = UserFile::new(FileKind::Photo, "p.png", bytes);
                vec![self.sends_file(chat, file, &text)]
            }
            "paper" => {
                let bytes = pdf("A paper.");
                let file = UserFile::new(FileKind::Document, "p.pdf", bytes);
                vec![self.sends_file(chat, file, &text)]
            }
            "album" => {
                let part = |name| UserFile {
                    media_group_id: Some(format!("album{number}")),
                    ..UserFile::new(FileKind::Photo, name, picture(8, 8, ImageFormat::Png))
                };
                let first = self.sends_file(chat, part("a.png"), &text);
                let second = self.sends_file(chat, part("b.png"), "");
                vec![first, second]
            }
            _ => vec![self.telegram.user_sends(chat, chat, &text)],
        };
        self.said.push(Asked {
            chat,
            kind,
            number,
            updates: sent.into_iter().map(|sent| sent.update_id).collect(),
        });
    }

    fn sends_file(&self, chat: i64, file: UserFile, caption: &str) -> SentUpdate {
        let file = UserFile {
            caption: caption.to_owned(),
            ..file
        };
        self.telegram.user_sends_file(chat, chat, file)
    }

    fn stop(&mut self, chat: i64) {
        self.stops += 1;
        let sent = self.telegram.user_sends(chat, chat, "/stop");
        self.others.push(sent.update_id);
    }

    /// The newest message gets other words; it may be answered by then.
    fn edit(&mut self, chat: i64) {
        let mine = self.telegram.history(chat);
        let newest = mine
            .iter()
            .rev()
            .find(|message| message.text.starts_with("chat #"));
        let Some(newest) = newest else { return };
        self.edits += 1;
        let words = format!("well, {}", newest.text);
        let sent = self.telegram.user_edits(chat, newest.id, &words);
        self.others.push(sent.update_id);
    }

    /// One of the buttons that nobody has pressed; some are never pressed.
    fn press(&mut self, chat: i64) {
        let cards = self.telegram.messages(chat);
        let fresh = |id: i64| !self.pressed.contains(&(chat, id));
        let card = cards
            .iter()
            .rev()
            .take(20)
            .find(|card| !card.buttons().is_empty() && fresh(card.id));
        let Some(card) = card else { return };
        self.pressed.push((chat, card.id));
        if rand::random_ratio(1, 4) {
            return;
        }
        self.presses += 1;
        let buttons = card.buttons();
        // The first two: yes and no, or done and later.
        let choice = if self.may_put_off() { 2 } else { 1 };
        let button = &buttons[rand::random_range(0..buttons.len().min(choice))];
        let pressed = self
            .telegram
            .user_presses_forged(chat, chat, card.id, button);
        self.others.push(pressed.update_id);
    }

    /// Whether what is put off now does not come back while the account is drawn up.
    fn may_put_off(&self) -> bool {
        let back = Instant::now() + LATER;
        !(self.ends..self.ends + QUIET).contains(&back)
    }

    fn disturb(&mut self) {
        if rand::random_ratio(1, 12) {
            self.faults += 1;
            let methods = [
                "sendMessage",
                "sendMessage",
                "getUpdates",
                "editMessageText",
                "sendChatAction",
                "download",
            ];
            let method = methods[rand::random_range(0..methods.len())];
            let fault = match rand::random_range(0..6) {
                0 => Fault::TooManyRequests { retry_after: 1 },
                1 => Fault::ServerError(500),
                2 => Fault::HtmlError(502),
                3 => Fault::ServerError(503),
                4 => Fault::Delay(Duration::from_millis(300)),
                _ => Fault::DropBefore,
            };
            self.telegram.fail(method, [fault]);
        }
        if rand::random_ratio(1, LOSES_ANSWER) {
            self.lost_answers += 1;
            let fault = match rand::random_range(0..3) {
                0 => Fault::DropAfter,
                1 => Fault::InvalidJson,
                _ => Fault::ServerErrorAfter(502),
            };
            self.telegram.fail("sendMessage", [fault]);
        }
        if rand::random_ratio(1, 300) {
            self.faults += 1;
            // Every connection is cut; calls that had taken effect lose their answers.
            self.lost_answers += self.telegram.calls_without_answer("sendMessage");
            self.telegram.go_offline();
            self.telegram.go_online();
        }
    }
}

fn pick() -> &'static str {
    let all = KINDS.iter().map(|(_, weight)| weight).sum();
    let mut point: u32 = rand::random_range(0..all);
    for (kind, weight) in KINDS {
        if point < weight {
            return kind;
        }
        point -= weight;
    }
    "chat"
}
