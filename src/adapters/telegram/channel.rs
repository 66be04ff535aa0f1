//! The way out to Telegram chats: the `Channel` port over the Bot API.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::CHANNEL;
use super::client::{ApiClient, ApiError};
use super::download::TelegramFiles;
use super::envelope::topic;
use super::failure::{delivery_error, is_unchanged};
use super::rate::RateBudget;
use super::settings::TelegramSettings;
use super::{payload, upload};
use crate::core::channel::{
    Asking, Buttons, Capabilities, Channel, ChatTarget, DeliveryError, Urgency,
};
use crate::core::ids::{ChannelName, ChatId, MessageId};
use crate::core::markup::LongCode;
use crate::core::media::MediaSource;
use crate::core::outbox::Outgoing;

/// `sendMessage`, "text".
const MAX_TEXT_UNITS: usize = 4096;
/// A longer answer is easier to read as a file.
const MAX_PARTS: usize = 5;
/// What is only shown for seconds is not worth waiting for longer.
const HINT_TIMEOUT: Duration = Duration::from_secs(5);
/// `answerCallbackQuery`, "text".
const MAX_NOTICE_CHARS: usize = 200;

/// The topic that is a forum itself. Messages do not name it and sends must not, but chat actions do.
const GENERAL: i64 = 1;

/// The account behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotIdentity {
    /// The bot's user id.
    pub id: i64,
    /// Its name without the `@`.
    pub username: String,
}

/// Sends and edits messages of one bot.
#[derive(Debug)]
pub struct TelegramChannel {
    name: ChannelName,
    api: ApiClient,
    capabilities: Capabilities,
    budget: RateBudget,
    files: TelegramFiles,
    /// Whether a chat has topics, as the last answer of the service had it.
    forums: Mutex<HashMap<ChatId, bool>>,
}

impl TelegramChannel {
    /// A channel with a full rate budget. Nothing is sent yet.
    pub fn new(settings: &TelegramSettings) -> Result<Self, ApiError> {
        let api = ApiClient::new(&settings.api_url, &settings.token)?;
        Ok(Self {
            name: ChannelName::new(CHANNEL),
            files: TelegramFiles::new(api.clone()),
            api,
            capabilities: Capabilities {
                max_text_units: MAX_TEXT_UNITS,
                streaming: settings.streaming,
                max_parts: MAX_PARTS,
                long_code: LongCode::Apart,
                buttons: Buttons::Shown,
                asking: Asking::Possible,
            },
            budget: RateBudget::new(settings.rate_limits),
            forums: Mutex::default(),
        })
    }

    /// Asks whose token it is (`getMe`).
    pub async fn identify(&self) -> Result<BotIdentity, ApiError> {
        let me = self.api.call("getMe", &json!({})).await?;
        match (me["id"].as_i64(), me["username"].as_str()) {
            (Some(id), Some(username)) => Ok(BotIdentity {
                id,
                username: username.to_owned(),
            }),
            _ => Err(ApiError::NoAnswer("getMe names no bot".to_owned())),
        }
    }

    /// Sets the commands that Telegram's menu shows: name and summary of each.
    pub async fn set_commands(&self, commands: &[(&str, &str)]) -> Result<(), ApiError> {
        let commands: Vec<Value> = commands
            .iter()
            .map(|(name, summary)| json!({ "command": name, "description": summary }))
            .collect();
        self.api
            .call("setMyCommands", &json!({ "commands": commands }))
            .await
            .map(drop)
    }

    /// The topic in which typing is shown, of the chat of this number.
    async fn thread_of_action(&self, target: &ChatTarget, chat: i64) -> Option<i64> {
        // Only groups have a general topic, and their numbers are negative.
        if target.thread.is_some() || chat > 0 {
            return topic(target);
        }
        let known = self.forums().get(&target.chat).copied();
        let is_forum = match known {
            Some(is_forum) => is_forum,
            None => {
                let chat = json!({ "chat_id": chat });
                let shown = self.api.call_within("getChat", &chat, HINT_TIMEOUT).await;
                // Asked once; after a failure the next message that is sent tells.
                self.learn(&target.chat, &shown.unwrap_or_default())
            }
        };
        is_forum.then_some(GENERAL)
    }

    /// Keeps whether a group has topics.
    fn learn(&self, chat: &ChatId, shown: &Value) -> bool {
        let is_forum = shown["is_forum"] == true;
        let mut forums = self.forums();
        match forums.get_mut(chat) {
            Some(known) => *known = is_forum,
            None => drop(forums.insert(chat.clone(), is_forum)),
        }
        is_forum
    }

    fn forums(&self) -> MutexGuard<'_, HashMap<ChatId, bool>> {
        self.forums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a failure means, after the budget has learnt from it.
    fn failed(&self, target: &ChatTarget, error: ApiError) -> DeliveryError {
        let error = delivery_error(error);
        if let DeliveryError::RateLimited { retry_after } = &error {
            self.budget.pause(&target.chat, *retry_after);
        }
        error
    }
}

#[async_trait]
impl Channel for TelegramChannel {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn media(&self) -> Option<&dyn MediaSource> {
        Some(&self.files)
    }

    async fn reserve(&self, target: &ChatTarget, urgency: Urgency) {
        self.budget.reserve(&target.chat, urgency).await;
    }

    fn try_reserve(&self, target: &ChatTarget) -> bool {
        self.budget.try_reserve(&target.chat)
    }

    async fn send(
        &self,
        target: &ChatTarget,
        content: &Outgoing,
        reply_to: Option<&MessageId>,
    ) -> Result<MessageId, DeliveryError> {
        let answer = match content {
            Outgoing::Text { text, buttons } => {
                let payload = payload::send_message(target, text, buttons, reply_to)?;
                self.api.call("sendMessage", &payload).await
            }
            Outgoing::Document {
                file_name,
                content,
                caption,
            } => {
                let file = (file_name.as_str(), content.as_str());
                let form = payload::send_document(target, file, caption, reply_to)?;
                self.api.upload("sendDocument", form).await
            }
            Outgoing::Files { files } => {
                let (method, form) = upload::send_files(target, files, reply_to).await?;
                let size = files.iter().map(|file| file.size_bytes).sum();
                self.api.upload_file(method, form, size).await
            }
        };
        let message = match answer {
            Ok(message) => message,
            Err(error) => return Err(self.failed(target, error)),
        };
        // An album is a list of messages.
        let first = message.get(0).unwrap_or(&message);
        if first["chat"]["type"] == "supergroup" {
            self.learn(&target.chat, &first["chat"]);
        }
        let id = first["message_id"].as_i64();
        id.map(|id| MessageId::new(id.to_string()))
            .ok_or_else(|| DeliveryError::Garbled("the answer has no message id".to_owned()))
    }

    async fn edit(
        &self,
        target: &ChatTarget,
        message: &MessageId,
        content: &Outgoing,
    ) -> Result<(), DeliveryError> {
        let Outgoing::Text { text, buttons } = content else {
            // The outbox then sends it as a message of its own, which is what is wanted.
            let reason = "a text message cannot become a file";
            return Err(DeliveryError::MessageGone(reason.to_owned()));
        };
        let payload = payload::edit_message_text(target, message, text, buttons)?;
        match self.api.call("editMessageText", &payload).await {
            Ok(_) => Ok(()),
            Err(error) if is_unchanged(&error) => Ok(()),
            Err(error) => Err(self.failed(target, error)),
        }
    }

    async fn typing(&self, target: &ChatTarget) {
        let Ok(chat) = payload::chat_id(target) else {
            return;
        };
        let mut action = json!({ "chat_id": chat, "action": "typing" });
        if let Some(thread) = self.thread_of_action(target, chat).await {
            action["message_thread_id"] = thread.into();
        }
        let _ = self
            .api
            .call_within("sendChatAction", &action, HINT_TIMEOUT)
            .await;
    }

    async fn answer_press(&self, press: &str, notice: Option<&str>) {
        let mut answer = json!({ "callback_query_id": press });
        if let Some(notice) = notice {
            answer["text"] = notice
                .chars()
                .take(MAX_NOTICE_CHARS)
                .collect::<String>()
                .into();
        }
        let _ = self
            .api
            .call_within("answerCallbackQuery", &answer, HINT_TIMEOUT)
            .await;
    }
}
