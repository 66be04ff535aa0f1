//! What arrives: typed, with nothing left of the form it had on its channel.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::channel::{ChatKind, ChatTarget, Sender};
use super::ids::{AlbumId, ChannelName, MessageId, OccurrenceId, UserId};
use super::label::Labels;
use super::media::{Attachment, FileOrigin};

/// One thing that arrived for the bot and that it may act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// Where it was said.
    pub target: ChatTarget,
    /// Whether others read along.
    pub chat_kind: ChatKind,
    /// Who said it.
    pub sender: Sender,
    /// When it was said.
    pub sent_at: DateTime<Utc>,
    /// What it is.
    pub content: IncomingContent,
}

/// The kinds of thing that can arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IncomingContent {
    /// A message to answer.
    Message(Message),
    /// A message that replaces an earlier one with the same id.
    Edit(Message),
    /// A pressed button.
    Press(Press),
    /// A scheduled job that wants a turn.
    Scheduled(ScheduledPrompt),
}

/// A message of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The channel's id of the message.
    pub id: Option<MessageId>,
    /// The person's own words, unchanged; empty where only a file came.
    pub text: String,
    /// The message this one replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The author of a forwarded message: its text is that author's, not the sender's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<String>,
    /// Whose words a forwarded message repeats.
    #[serde(default, skip_serializing_if = "QuotedAuthor::is_other")]
    pub forwarded_by: QuotedAuthor,
    /// The album this message is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<AlbumId>,
    /// The files that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A quoted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Who wrote it, as shown.
    pub author: String,
    /// What it said.
    pub text: String,
    /// Whose words these are.
    #[serde(default)]
    pub by: QuotedAuthor,
    /// The channel's id of it, where it stands in this chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The files that came with it: they are part of the question too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl Quote {
    /// The bot's own message that it repeats, in this chat.
    pub fn of_bot(&self) -> Option<&MessageId> {
        match self.by {
            QuotedAuthor::Bot => self.message.as_ref(),
            QuotedAuthor::Person | QuotedAuthor::Other => None,
        }
    }
}

/// Whose words a quote repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuotedAuthor {
    /// The person's who quotes them.
    Person,
    /// The bot's own.
    Bot,
    /// Somebody else's, or nobody knows whose.
    #[default]
    Other,
}

impl QuotedAuthor {
    fn is_other(&self) -> bool {
        *self == Self::Other
    }

    /// Where a file on a message with these words comes from.
    fn origin(self, of_others: FileOrigin) -> FileOrigin {
        match self {
            Self::Bot => FileOrigin::Ours,
            Self::Person | Self::Other => of_others,
        }
    }
}

/// A pressed button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// The channel's id of the press, to acknowledge it.
    pub id: String,
    /// The message with the button.
    pub message: Option<MessageId>,
    /// What the button carries.
    pub data: String,
}

/// A job whose time has come and that wants a turn of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledPrompt {
    /// The slot that this run fills.
    pub occurrence: OccurrenceId,
    /// What the job says.
    pub content: String,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// How late it is, in words, when that is worth a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Which attempt this is.
    #[serde(default = "first")]
    pub attempt: u32,
    /// What had been read by whoever wrote the content.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

fn first() -> u32 {
    1
}

impl Incoming {
    /// The message, when this is one to answer.
    pub fn message(&self) -> Option<&Message> {
        match &self.content {
            IncomingContent::Message(message) | IncomingContent::Edit(message) => Some(message),
            IncomingContent::Press(_) | IncomingContent::Scheduled(_) => None,
        }
    }

    /// Whether it comes from one of these people.
    pub fn is_by_one_of(&self, people: &[(ChannelName, UserId)]) -> bool {
        let by = (&self.target.channel, &self.sender.user);
        people.iter().any(|(channel, user)| by == (channel, user))
    }

    /// The files that are part of the question: the message's own, then those of the message that
    /// it replies to.
    pub fn attachments(&self) -> impl Iterator<Item = (FileOrigin, &Attachment)> {
        let message = self.message();
        let own = message.into_iter().flat_map(|message| &message.attachments);
        let quoted = message
            .and_then(|message| message.quote.as_ref())
            .into_iter()
            .flat_map(|quote| &quote.attachments);
        let origin = match message {
            Some(message) if message.forwarded_from.is_some() => {
                message.forwarded_by.origin(FileOrigin::Forwarded)
            }
            _ => FileOrigin::Own,
        };
        let own = own.map(move |one| (origin, one));
        let by = message.and_then(|message| Some(message.quote.as_ref()?.by));
        let origin = by.unwrap_or_default().origin(FileOrigin::Quoted);
        own.chain(quoted.map(move |one| (origin, one)))
    }

    /// Whether nobody has just written: a job's time has come.
    pub fn is_scheduled(&self) -> bool {
        matches!(self.content, IncomingContent::Scheduled(_))
    }

    /// The scheduled run that it asks for.
    pub fn run(&self) -> Option<OccurrenceId> {
        match &self.content {
            IncomingContent::Scheduled(prompt) => Some(prompt.occurrence),
            IncomingContent::Message(_) | IncomingContent::Edit(_) | IncomingContent::Press(_) => {
                None
            }
        }
    }

    /// The slash command that this message is: its name in lower case and its arguments.
    ///
    /// `@botname` after the name is dropped (Bot API, "Commands"). Forwarded text is never a
    /// command of the person who forwards it.
    pub fn command(&self) -> Option<(String, &str)> {
        let IncomingContent::Message(message) = &self.content else {
            return None;
        };
        if message.forwarded_from.is_some() {
            return None;
        }
        let rest = message.text.trim().strip_prefix('/')?;
        let (head, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let name = head.split('@').next().unwrap_or(head);
        let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        valid.then(|| (name.to_ascii_lowercase(), arguments.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::QuotedAuthor;

    #[test]
    fn rows_of_earlier_versions_are_read() {
        let bot = r#"{"kind":"bot","at":"2027-03-01T09:00:00Z"}"#;
        let read: QuotedAuthor = serde_json::from_str(bot).unwrap();
        assert_eq!(read, QuotedAuthor::Bot);
    }
}
