//! What people do: they write, reply, edit, send files, press buttons, block the bot.

use serde_json::{Value, json};

use super::FakeTelegram;
use super::chat::People;
use super::message::{Author, FakeFile, FakeMessage, FileKind};
use super::state::{CallbackQuery, State};
use super::text::Formatted;
use super::updates;

/// The update and the message that a person's act made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentUpdate {
    pub update_id: i64,
    pub message_id: i64,
}

/// The update and the query that a press made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PressedButton {
    pub update_id: i64,
    pub query_id: String,
}

/// A file that a person sends.
#[derive(Debug, Clone)]
pub struct UserFile {
    pub kind: FileKind,
    pub name: String,
    pub mime: Option<String>,
    pub bytes: Vec<u8>,
    pub caption: String,
    /// The size Telegram claims, where it differs from that of `bytes`.
    pub claimed_size: Option<u64>,
    /// Files with the same id are one album.
    pub media_group_id: Option<String>,
}

impl UserFile {
    pub fn new(kind: FileKind, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            mime: None,
            bytes: bytes.into(),
            caption: String::new(),
            claimed_size: None,
            media_group_id: None,
        }
    }
}

/// A person's message before it has an id.
#[derive(Debug, Default)]
struct Note {
    text: String,
    thread: Option<i64>,
    reply_to: Option<i64>,
    file: Option<FakeFile>,
    media_group_id: Option<String>,
    /// Fields of the message that replace the normal ones.
    extra: Value,
}

impl FakeTelegram {
    pub fn user_sends(&self, chat: i64, user: i64, text: &str) -> SentUpdate {
        self.receive(
            chat,
            user,
            Note {
                text: text.to_owned(),
                ..Note::default()
            },
        )
    }

    /// Writes into a topic of a forum.
    pub fn user_sends_in(&self, chat: i64, thread: i64, user: i64, text: &str) -> SentUpdate {
        let note = Note {
            text: text.to_owned(),
            thread: Some(thread),
            ..Note::default()
        };
        self.receive(chat, user, note)
    }

    pub fn user_replies(&self, chat: i64, user: i64, to: i64, text: &str) -> SentUpdate {
        let note = Note {
            text: text.to_owned(),
            reply_to: Some(to),
            ..Note::default()
        };
        self.receive(chat, user, note)
    }

    pub fn user_sends_file(&self, chat: i64, user: i64, file: UserFile) -> SentUpdate {
        let note = self.with(|state| {
            let size = file.claimed_size.unwrap_or(file.bytes.len() as u64);
            let stored = FakeFile {
                kind: file.kind,
                file_id: format!("file{}", state.next_number()),
                name: file.name,
                mime: file.mime,
                bytes: file.bytes.into(),
                size,
            };
            state.files.insert(stored.file_id.clone(), stored.clone());
            Note {
                text: file.caption,
                file: Some(stored),
                media_group_id: file.media_group_id,
                ..Note::default()
            }
        });
        self.receive(chat, user, note)
    }

    /// Sends a message whose `fields` are laid over the normal ones (location, sticker, quote …).
    pub fn user_sends_raw(&self, chat: i64, user: i64, fields: Value) -> SentUpdate {
        let text = fields["text"].as_str().unwrap_or_default().to_owned();
        self.receive(
            chat,
            user,
            Note {
                text,
                extra: fields,
                ..Note::default()
            },
        )
    }

    pub fn user_edits(&self, chat: i64, message_id: i64, text: &str) -> SentUpdate {
        let update_id = self.with(|state| {
            let known = state.chats.get_mut(&chat).expect("the chat was added");
            let message = known
                .received
                .get_mut(&message_id)
                .expect("a person's message");
            message.revise(person_text(text), None);
            let json = shown(state, chat, message_id);
            updates::enqueue(state, json!({ "edited_message": json }))
        });
        self.announce();
        SentUpdate {
            update_id,
            message_id,
        }
    }

    /// Presses a button that is on the bot's message.
    pub fn user_presses(&self, chat: i64, user: i64, message: i64, data: &str) -> PressedButton {
        let found = self
            .messages(chat)
            .into_iter()
            .find(|known| known.id == message);
        let Some(found) = found else {
            panic!(
                "no message {message} of the bot in chat {chat}\n{}",
                self.dump()
            );
        };
        let buttons = found.buttons();
        assert!(
            buttons.iter().any(|button| button == data),
            "message {message} has no button {data:?}, only {buttons:?}"
        );
        self.user_presses_forged(chat, user, message, data)
    }

    /// What a forged client can do: any data, for a button that may not exist.
    pub fn user_presses_forged(
        &self,
        chat: i64,
        user: i64,
        message: i64,
        data: &str,
    ) -> PressedButton {
        let pressed = self.with(|state| {
            let query_id = format!("{}", 7_000_000_000_u64 + state.next_number());
            let query = CallbackQuery {
                expired: false,
                answers: Vec::new(),
            };
            state.callbacks.insert(query_id.clone(), query);
            let message = shown(state, chat, message);
            let update = json!({ "callback_query": {
                "id": query_id,
                "from": state.user_json(Author::User(user)),
                "message": message,
                "chat_instance": format!("instance{chat}"),
                "data": data,
            }});
            PressedButton {
                update_id: updates::enqueue(state, update),
                query_id,
            }
        });
        self.announce();
        pressed
    }

    /// Queues any update as it is; without an `update_id` it gets the next one.
    pub fn push_update_raw(&self, update: Value) -> i64 {
        let id = self.with(|state| updates::enqueue(state, update));
        self.announce();
        id
    }

    fn receive(&self, chat: i64, user: i64, note: Note) -> SentUpdate {
        let sent = self.with(|state| receive(state, chat, user, note));
        self.announce();
        sent
    }
}

fn person_text(text: &str) -> Formatted {
    let command = text
        .split_whitespace()
        .next()
        .filter(|word| word.starts_with('/'));
    let entities = command.map_or(Vec::new(), |command| {
        vec![json!({ "type": "bot_command", "offset": 0, "length": command.len() })]
    });
    Formatted {
        text: text.to_owned(),
        entities,
    }
}

fn shown(state: &State, chat: i64, message: i64) -> Value {
    let chat = state.chats.get(&chat).expect("the chat was added");
    match chat.message(message) {
        Some(message) => chat.message_json(message, state),
        // What Telegram shows of a message that is gone: date 0.
        None => json!({ "message_id": message, "chat": chat.json(), "date": 0 }),
    }
}

fn receive(state: &mut State, chat_id: i64, user: i64, note: Note) -> SentUpdate {
    let chat = state.chats.get_mut(&chat_id).expect("the chat was added");
    let id = chat.next_message_id();
    let mut message = FakeMessage {
        id,
        chat_id,
        thread: note.thread,
        author: Author::User(user),
        text: String::new(),
        entities: Vec::new(),
        reply_markup: None,
        reply_to: note.reply_to,
        file: note.file,
        media_group_id: note.media_group_id,
        link_preview: None,
        versions: Vec::new(),
    };
    message.revise(person_text(&note.text), None);
    chat.received.insert(id, message);
    chat.touch();
    let mut json = shown(state, chat_id, id);
    if let (Some(fields), Some(extra)) = (json.as_object_mut(), note.extra.as_object()) {
        fields.extend(extra.clone());
    }
    let update_id = updates::enqueue(state, json!({ "message": json }));
    SentUpdate {
        update_id,
        message_id: id,
    }
}
