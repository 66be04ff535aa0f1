//! One person in one chat: what they write, and what they read.

use std::panic::Location;

use super::TestBot;
use crate::support::fake_telegram::{FakeMessage, SentUpdate};

/// A person's view of the bot.
#[derive(Debug, Clone, Copy)]
pub struct Chat<'a> {
    pub(super) bot: &'a TestBot,
    pub(super) chat: i64,
    pub(super) user: i64,
    pub(super) thread: Option<i64>,
}

impl Chat<'_> {
    /// Writes, and waits until the bot has taken it in.
    pub async fn says(self, text: &str) -> Self {
        let sent = self.writes(text);
        self.bot
            .telegram
            .wait_for_confirmation(sent.update_id)
            .await;
        self
    }

    /// Writes, whether the bot is there or not.
    pub fn writes(self, text: &str) -> SentUpdate {
        let telegram = &self.bot.telegram;
        match self.thread {
            Some(thread) => telegram.user_sends_in(self.chat, thread, self.user, text),
            None => telegram.user_sends(self.chat, self.user, text),
        }
    }

    /// Waits until the next message that was not looked at yet says exactly this.
    #[track_caller]
    pub fn replies(self, text: &str) -> impl Future<Output = Self> {
        let wanted = text.to_owned();
        let caller = Location::caller();
        async move {
            let what = format!("{wanted:?}");
            self.next(caller, what, move |message| message.text == wanted)
                .await;
            self
        }
    }

    /// Waits until the next message that was not looked at yet contains this; answers it.
    #[track_caller]
    pub fn replies_with(self, part: &str) -> impl Future<Output = FakeMessage> {
        let wanted = part.to_owned();
        let caller = Location::caller();
        async move {
            let what = format!("… {wanted:?} …");
            self.next(caller, what, move |message| message.text.contains(&wanted))
                .await
        }
    }

    /// What the chat shows of the bot.
    pub fn messages(self) -> Vec<FakeMessage> {
        self.bot.telegram.messages(self.chat)
    }

    /// The texts of that.
    pub fn texts(self) -> Vec<String> {
        self.messages()
            .into_iter()
            .map(|message| message.text)
            .collect()
    }

    /// Takes all that the chat shows as looked at.
    pub fn has_read_all(self) -> Self {
        let count = self.messages().len();
        self.bot.read().insert(self.chat, count);
        self
    }

    async fn next(
        self,
        caller: &Location<'_>,
        what: String,
        fits: impl Fn(&FakeMessage) -> bool,
    ) -> FakeMessage {
        let index = self.bot.read().get(&self.chat).copied().unwrap_or(0);
        let found = self
            .bot
            .telegram
            .find(self.chat, move |messages| {
                messages.get(index).filter(|message| fits(message)).cloned()
            })
            .await;
        let Some(found) = found else {
            panic!(
                "{caller}: message {} of chat {} never was {what}\n{}\n{}",
                index + 1,
                self.chat,
                self.bot.telegram.dump(),
                self.bot.provider.dump()
            );
        };
        self.bot.read().insert(self.chat, index + 1);
        found
    }
}
