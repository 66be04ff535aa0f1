//! Setting the scene: chats, people, who may speak where.

use std::collections::BTreeMap;

use super::FakeTelegram;
use super::chat::{Chat, ChatKind, Standing};

impl FakeTelegram {
    /// A private chat has the id of its person.
    pub fn add_private_chat(&self, user: i64, first_name: &str) -> &Self {
        self.add_user(user, first_name);
        self.add_chat(
            user,
            ChatKind::Private {
                first_name: first_name.to_owned(),
            },
        )
    }

    pub fn add_user(&self, user: i64, first_name: &str) -> &Self {
        self.with(|state| state.users.insert(user, first_name.to_owned()));
        self
    }

    pub fn add_group(&self, chat: i64, title: &str) -> &Self {
        self.add_chat(
            chat,
            ChatKind::Group {
                title: title.to_owned(),
            },
        )
    }

    pub fn add_supergroup(&self, chat: i64, title: &str) -> &Self {
        self.add_chat(
            chat,
            ChatKind::Supergroup {
                title: title.to_owned(),
            },
        )
    }

    /// A supergroup with topics, given as thread id and name.
    pub fn add_forum(&self, chat: i64, title: &str, topics: &[(i64, &str)]) -> &Self {
        let topics = topics
            .iter()
            .map(|(id, name)| (*id, (*name).to_owned()))
            .collect();
        self.add_chat(
            chat,
            ChatKind::Forum {
                title: title.to_owned(),
                topics,
            },
        )
    }

    fn add_chat(&self, id: i64, kind: ChatKind) -> &Self {
        self.with(|state| state.chats.insert(id, Chat::new(id, kind)));
        self
    }

    /// The person blocks the bot: sends answer 403.
    pub fn block(&self, chat: i64) -> &Self {
        self.set_standing(chat, Standing::Blocked)
    }

    pub fn unblock(&self, chat: i64) -> &Self {
        self.set_standing(chat, Standing::Welcome)
    }

    /// The bot is thrown out of the group: sends answer 403.
    pub fn kick(&self, chat: i64) -> &Self {
        self.set_standing(chat, Standing::Kicked)
    }

    /// The group becomes the supergroup `to`, which is added.
    pub fn migrate(&self, chat: i64, to: i64) -> &Self {
        self.add_supergroup(to, "Upgraded")
            .set_standing(chat, Standing::MigratedTo(to))
    }

    /// The chat disappears: calls answer "chat not found".
    pub fn remove_chat(&self, chat: i64) -> &Self {
        self.with(|state| state.chats.remove(&chat));
        self
    }

    pub fn remove_topic(&self, chat: i64, thread: i64) -> &Self {
        self.with(|state| {
            let chat = state.chats.get_mut(&chat).expect("the chat was added");
            if let ChatKind::Forum { topics, .. } = &mut chat.kind {
                topics.remove(&thread);
            }
        });
        self
    }

    /// An administrator closes a topic: sends into it answer 400.
    pub fn close_topic(&self, chat: i64, thread: i64) -> &Self {
        self.with(|state| {
            let chat = state.chats.get_mut(&chat).expect("the chat was added");
            chat.closed_topics.insert(thread);
        });
        self
    }

    pub fn reopen_topic(&self, chat: i64, thread: i64) -> &Self {
        self.with(|state| {
            let chat = state.chats.get_mut(&chat).expect("the chat was added");
            chat.closed_topics.remove(&thread);
        });
        self
    }

    /// Topics are switched on in a supergroup: what was said so far is in the general one.
    pub fn switch_topics_on(&self, chat: i64) -> &Self {
        self.with(|state| {
            let chat = state.chats.get_mut(&chat).expect("the chat was added");
            let ChatKind::Supergroup { title } = &chat.kind else {
                panic!("{chat:?} is no supergroup without topics")
            };
            chat.kind = ChatKind::Forum {
                title: title.clone(),
                topics: BTreeMap::new(),
            };
        });
        self
    }

    /// The person deletes a message, the bot's or their own; the bot is not told.
    pub fn user_deletes(&self, chat: i64, message: i64) -> bool {
        self.with(|state| {
            let chat = state.chats.get_mut(&chat).expect("the chat was added");
            let found = chat.delete(message);
            chat.touch();
            found
        })
    }

    /// Makes a press too old to be answered.
    pub fn expire_callback(&self, query_id: &str) {
        self.with(|state| {
            state
                .callbacks
                .get_mut(query_id)
                .expect("a query that was made")
                .expired = true;
        });
    }

    /// The owner has the token replaced: calls with the old one answer 401, the bot stays the same.
    pub fn revoke_token(&self) {
        self.with(|state| {
            let number = state.next_number();
            let id = state.options.bot_id;
            state.options.token = format!("{id}:BBF-fresh_token_of_thirty_five_ch_{number:02}");
        });
    }

    /// Forgets the undelivered updates, as Telegram does after a day; answers how many.
    pub fn expire_updates(&self) -> usize {
        self.with(|state| state.updates.drain(..).count())
    }

    /// The next update gets this id; after a quiet week Telegram picks a random one.
    pub fn set_next_update_id(&self, id: i64) {
        self.with(|state| state.next_update_id = id);
    }

    fn set_standing(&self, chat: i64, standing: Standing) -> &Self {
        self.with(|state| {
            state
                .chats
                .get_mut(&chat)
                .expect("the chat was added")
                .standing = standing;
        });
        self
    }
}
