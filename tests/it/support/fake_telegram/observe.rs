//! What a test can see of the bot, at once or by waiting for it.

use std::future::Future;
use std::panic::Location;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::FakeTelegram;
use super::chat::ChatAction;
use super::message::FakeMessage;
use super::state::Call;

impl FakeTelegram {
    /// The bot's messages that are still to be seen in the chat, oldest first.
    pub fn messages(&self, chat: i64) -> Vec<FakeMessage> {
        self.with(|state| {
            state
                .chats
                .get(&chat)
                .map(|chat| chat.sent.clone())
                .unwrap_or_default()
        })
    }

    /// Everyone's messages that are still to be seen in the chat, oldest first.
    pub fn history(&self, chat: i64) -> Vec<FakeMessage> {
        self.with(|state| {
            state
                .chats
                .get(&chat)
                .map(|chat| chat.history())
                .unwrap_or_default()
        })
    }

    /// What was deleted from the chat, by anyone.
    pub fn deleted(&self, chat: i64) -> Vec<FakeMessage> {
        self.with(|state| {
            state
                .chats
                .get(&chat)
                .map(|chat| chat.deleted.clone())
                .unwrap_or_default()
        })
    }

    /// The chat actions of the bot in the chat, "typing" and others.
    pub fn actions(&self, chat: i64) -> Vec<ChatAction> {
        self.with(|state| {
            state
                .chats
                .get(&chat)
                .map(|chat| chat.actions.clone())
                .unwrap_or_default()
        })
    }

    /// The "typing" actions of the bot in the chat.
    pub fn typing(&self, chat: i64) -> Vec<ChatAction> {
        let mut actions = self.actions(chat);
        actions.retain(|action| action.action == "typing");
        actions
    }

    /// The calls of a method (`"download"`: of files) in the order they came, refused ones too.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        let method = super::methods::observed(method).expect("a method of the fake");
        self.with(|state| state.calls.get(method).cloned().unwrap_or_default())
    }

    /// Everything below this update id is confirmed.
    pub fn confirmed_offset(&self) -> i64 {
        self.with(|state| state.confirmed_offset)
    }

    /// How many calls came with a token that is not the bot's.
    pub fn calls_with_strange_tokens(&self) -> usize {
        self.with(|state| state.strange_tokens)
    }

    /// How many updates are not confirmed yet.
    pub fn pending_updates(&self) -> usize {
        self.with(|state| state.updates.len())
    }

    /// Updates not delivered because `allowed_updates` leaves their kind out.
    pub fn filtered_updates(&self) -> Vec<Value> {
        self.with(|state| state.filtered.clone())
    }

    /// The parameters of each answer to a press.
    pub fn callback_answers(&self, query_id: &str) -> Vec<Value> {
        self.with(|state| {
            state
                .callbacks
                .get(query_id)
                .map(|query| query.answers.clone())
                .unwrap_or_default()
        })
    }

    /// The status of each webhook delivery so far; 0 where the connection failed.
    pub fn webhook_attempts(&self) -> Vec<u16> {
        self.with(|state| {
            state
                .webhook
                .as_ref()
                .map(|webhook| webhook.attempts.clone())
                .unwrap_or_default()
        })
    }

    /// All that a failure's reader wants to know.
    pub fn dump(&self) -> String {
        self.with(|state| state.dump(None))
    }

    /// Waits until the bot's messages in the chat satisfy `done`; answers them. `done` runs under the
    /// fake's lock, so it must not use the fake.
    #[track_caller]
    pub fn wait_for<F>(&self, chat: i64, done: F) -> impl Future<Output = Vec<FakeMessage>> + use<F>
    where
        F: Fn(&[FakeMessage]) -> bool,
    {
        let caller = Location::caller();
        let world = self.clone();
        async move {
            let receiver = world.with(|state| {
                let chat = state.chats.get(&chat).expect("the chat was added");
                chat.changed.subscribe()
            });
            let found = world.wait(receiver, || {
                world.with(|state| {
                    let sent = &state.chats.get(&chat)?.sent;
                    done(sent).then(|| sent.clone())
                })
            });
            match found.await {
                Some(messages) => messages,
                None => {
                    let dump = world.with(|state| state.dump(Some(chat)));
                    panic!("{caller}: the bot's messages never became what was waited for\n{dump}")
                }
            }
        }
    }

    /// Waits until `look` finds something among the bot's messages in the chat; `None` when it never
    /// does. `look` runs under the fake's lock.
    pub async fn find<T>(
        &self,
        chat: i64,
        look: impl Fn(&[FakeMessage]) -> Option<T>,
    ) -> Option<T> {
        let receiver = self.with(|state| {
            let chat = state.chats.get(&chat).expect("the chat was added");
            chat.changed.subscribe()
        });
        self.wait(receiver, || {
            self.with(|state| look(&state.chats.get(&chat)?.sent))
        })
        .await
    }

    /// Waits until a message of the bot contains `text`; answers the last such message.
    #[track_caller]
    pub fn wait_for_text(
        &self,
        chat: i64,
        text: &str,
    ) -> impl Future<Output = FakeMessage> + use<> {
        let wanted = text.to_owned();
        let needle = wanted.clone();
        let caller = Location::caller();
        let world = self.clone();
        async move {
            let receiver = world.with(|state| {
                state
                    .chats
                    .get(&chat)
                    .expect("the chat was added")
                    .changed
                    .subscribe()
            });
            let found = world.wait(receiver, || {
                world.with(|state| {
                    let sent = &state.chats.get(&chat)?.sent;
                    sent.iter()
                        .rev()
                        .find(|message| message.text.contains(&needle))
                        .cloned()
                })
            });
            match found.await {
                Some(message) => message,
                None => {
                    let dump = world.with(|state| state.dump(Some(chat)));
                    panic!("{caller}: the bot never wrote {wanted:?}\n{dump}")
                }
            }
        }
    }

    /// Waits until the method has been called `count` times; answers the calls.
    #[track_caller]
    pub fn wait_for_calls(
        &self,
        method: &str,
        count: usize,
    ) -> impl Future<Output = Vec<Call>> + use<> {
        let method = super::methods::observed(method).expect("a method of the fake");
        self.wait_until(format!("{count} calls of {method}"), move |world| {
            world.with(|state| {
                let calls = state.calls.get(method).filter(|calls| calls.len() >= count);
                calls.cloned().or_else(|| (count == 0).then(Vec::new))
            })
        })
    }

    /// Waits until the update is confirmed, by offset or by the webhook's answer.
    #[track_caller]
    pub fn wait_for_confirmation(&self, update_id: i64) -> impl Future<Output = ()> + use<> {
        self.wait_until(
            format!("confirmation of update {update_id}"),
            move |world| (world.confirmed_offset() > update_id).then_some(()),
        )
    }

    /// Waits until `count` deliveries to the webhook were tried; answers their statuses.
    #[track_caller]
    pub fn wait_for_webhook_attempts(
        &self,
        count: usize,
    ) -> impl Future<Output = Vec<u16>> + use<> {
        self.wait_until(format!("{count} webhook attempts"), move |world| {
            Some(world.webhook_attempts()).filter(|attempts| attempts.len() >= count)
        })
    }

    #[track_caller]
    fn wait_until<T, F>(&self, what: String, look: F) -> impl Future<Output = T> + use<T, F>
    where
        F: Fn(&FakeTelegram) -> Option<T>,
    {
        let caller = Location::caller();
        let world = self.clone();
        async move {
            let receiver = world.shared.changed.subscribe();
            match world.wait(receiver, || look(&world)).await {
                Some(found) => found,
                None => panic!("{caller}: never came: {what}\n{}", world.dump()),
            }
        }
    }

    /// Looks after every change until there is something, or the time is over.
    async fn wait<T>(
        &self,
        mut changed: watch::Receiver<u64>,
        look: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let limit = self.with(|state| state.options.wait_timeout);
        let search = async {
            loop {
                if let Some(found) = look() {
                    return Some(found);
                }
                if changed.changed().await.is_err() {
                    return None;
                }
            }
        };
        timeout(limit, search).await.ok().flatten()
    }
}
