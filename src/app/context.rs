//! What a model is shown: the system prompt, the history within its limits, a word about now, and
//! the person's message as it was written.

mod passed_back;

use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use self::passed_back::{PassedBack, Said};
use super::attachments::ReadFiles;
use super::toolbox::Toolbox;
use crate::core::channel::{ChatKind, ChatTarget};
use crate::core::compaction::{Summary, SummaryStore};
use crate::core::conversation::{Conversation, ConversationStore, Enclosure, History, Item};
use crate::core::envelope::Envelopes;
use crate::core::error::StoreResult;
use crate::core::exits::{KnownAddresses, Links, Surroundings};
use crate::core::ids::{CallId, ConversationId, MessageId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::label::Labels;
use crate::core::media::{Attached, Part, Place, ReceivedFile};
use crate::core::message::{IncomingContent, Quote};
use crate::core::model::ModelRequest;
use crate::core::notes::{NoteOwner, NoteStore, that_matter};
use crate::core::outbox::OutboxStore;
use crate::core::scheduled_run::NOTHING_TO_REPORT;

/// Settings of the context.
#[derive(Debug, Clone)]
pub struct ContextSettings {
    /// The system prompt.
    pub system_prompt: String,
    /// The person's zone.
    pub zone: Tz,
    /// Items of history shown, at most.
    pub history_window: u32,
}

/// Builds requests.
#[derive(Debug)]
pub struct ContextBuilder {
    /// What was said before.
    pub conversations: Arc<dyn ConversationStore>,
    /// What was said before that.
    pub summaries: Arc<dyn SummaryStore>,
    /// What the bot has said, for those who reply to it.
    pub outbox: Arc<dyn OutboxStore>,
    /// What goes with messages of what was noted; `None` where notes are switched off.
    pub notes: Option<Arc<dyn NoteStore>>,
    /// What can be called.
    pub tools: Toolbox,
    /// What content from outside stands in.
    pub envelopes: Envelopes,
    /// The settings.
    pub settings: ContextSettings,
}

/// What the request of a turn is made of; the same for all its steps.
#[derive(Debug, Clone)]
pub struct TurnContext {
    /// What was said before the history, where all of it is the person's and ours; else empty.
    notes: String,
    /// The same where it repeats content from outside.
    recap: Option<Enclosure>,
    history: History,
    preface: String,
    enclosures: Vec<Enclosure>,
    files: ReadFiles,
    /// What the person wrote, or said.
    pub user: String,
    asked_at: Option<DateTime<Utc>>,
    /// The labels of the message and what came with it.
    asked_labels: Labels,
    /// The labels of all of this.
    pub labels: Labels,
    cache_key: String,
}

impl TurnContext {
    /// The message, as it stays in the conversation.
    pub fn item(&self) -> Item {
        Item::User {
            text: self.user.clone(),
            enclosures: self
                .enclosures
                .iter()
                .cloned()
                .chain(self.mentions())
                .collect(),
            labels: self.asked_labels.clone(),
        }
    }

    /// The message with all that the model reads with it in this turn: the addresses in a document are
    /// known while it does.
    fn item_as_read(&self) -> Item {
        let mut item = self.item();
        if let Item::User { enclosures, .. } = &mut item {
            let documents = self.files.parts.iter().filter_map(|part| match part {
                Part::Document(document)
                | Part::Pdf {
                    text: Some(document),
                    ..
                } => Some(document.clone()),
                Part::Pdf { text: None, .. } | Part::Text(_) | Part::Picture { .. } => None,
            });
            enclosures.extend(documents);
        }
        item
    }

    /// What a call of a turn with these labels stands in. `exchange` is what the turn has said and
    /// done so far, the call included.
    pub fn surroundings(&self, call: &CallId, labels: &Labels, exchange: &[Item]) -> Surroundings {
        let asked = self.item_as_read();
        let before = self.history.items().iter().chain([&asked]);
        Surroundings::of(call, labels, before, exchange)
    }

    /// What may be a link in the answer of a turn with these labels.
    pub fn links(&self, labels: &Labels, exchange: &[Item]) -> Links {
        if !labels.is_untrusted() {
            return Links::All;
        }
        let asked = self.item_as_read();
        let items = self.history.items().iter().chain([&asked]).chain(exchange);
        Links::Only(Arc::new(KnownAddresses::in_items(items)))
    }

    /// What stays of each file in the conversation: never its content.
    fn mentions(&self) -> impl Iterator<Item = Enclosure> {
        let files = self.files.files.iter();
        let silent = files.filter(|file| file.spoken().is_none());
        silent.map(|file| Enclosure {
            text: file.mention(),
            labels: file.name_labels(),
        })
    }

    /// Where the content and the names of the files come from.
    pub fn file_labels(&self) -> &Labels {
        &self.files.labels
    }

    /// The bytes of text that the files brought along.
    pub fn file_text_bytes(&self) -> usize {
        self.files.parts.iter().map(Part::text_bytes).sum()
    }

    /// What goes with the message that is to be answered.
    fn attached(&self) -> Vec<Attached> {
        let place = Place::Message;
        let parts = self.files.parts.iter().cloned();
        parts.map(|part| Attached { place, part }).collect()
    }
}

impl ContextBuilder {
    /// Says that calls of the turn have returned what they did at a try before this one.
    pub fn add_beginning(&self, context: &mut TurnContext, began: DateTime<Utc>) {
        let local = began.with_timezone(&self.settings.zone);
        context.preface = format!(
            "{}\nA try before this one began at {}: what its calls returned is from then.",
            context.preface,
            local.format("%Y-%m-%dT%H:%M:%S%:z")
        );
    }

    /// Adds what was read of the attachments.
    pub fn add_files(&self, context: &mut TurnContext, inbox: &[InboxRow], mut files: ReadFiles) {
        context.user = user_text(inbox, &files.files);
        // A name that somebody gave to a file is content; only what has none is told in our words.
        let mut named = Vec::new();
        for file in &files.files {
            let labels = file.remark_labels();
            if labels.is_empty() {
                context.preface = format!("{}\n{}", context.preface, file.remark());
            } else {
                let text = file.remark();
                files.labels.join(&labels);
                named.push(Part::Document(Enclosure { text, labels }));
            }
        }
        files.parts.splice(0..0, named);
        context.asked_labels.join(&files.labels);
        context.labels.join(&files.labels);
        context.files = files;
    }

    /// Reads what the turn needs.
    pub async fn load(
        &self,
        conversation: &Conversation,
        inbox: &[InboxRow],
        now: DateTime<Utc>,
    ) -> StoreResult<TurnContext> {
        let user = user_text(inbox, &[]);
        let (items, summary, noted, of_rows) = tokio::try_join!(
            self.newest_items(conversation.id),
            self.summaries.get(conversation.id),
            self.noted(inbox, conversation, &user, now),
            self.said(inbox),
        )?;
        let window = self.settings.history_window as usize;
        let (notes, recap) = shown_summary(summary);
        // Each model takes of it what fits its own window.
        let history = History::repaired(items).newest_turns(window, usize::MAX);
        let said = Said {
            history: &history,
            of_rows,
        };
        let messages = inbox.iter().filter_map(|row| row.incoming.message());
        let passed: Vec<PassedBack<'_>> = messages
            .map(|message| PassedBack::of(message, &said))
            .collect();
        let enclosures: Vec<Enclosure> = passed.iter().flat_map(PassedBack::enclosures).collect();
        let mut preface = self.preface(inbox, &passed, now);
        // It changes with the message: what stands before it can be cached.
        preface.extend(noted.map(|noted| format!("\n{noted}")));
        let asked_labels: Labels = enclosures
            .iter()
            .map(|part| &part.labels)
            .chain(inbox.iter().filter_map(job_labels))
            .collect();
        let mut labels = conversation.labels.clone();
        labels.join(&history.labels());
        labels.join(&recap.iter().map(|recap| &recap.labels).collect());
        labels.join(&asked_labels);
        Ok(TurnContext {
            notes,
            recap,
            history,
            preface,
            enclosures,
            files: ReadFiles::default(),
            user,
            asked_at: inbox.iter().map(|row| row.received_at).min(),
            asked_labels,
            labels,
            cache_key: format!("minibot-{}", conversation.id),
        })
    }

    /// The person's own notes that may matter.
    async fn noted(
        &self,
        inbox: &[InboxRow],
        conversation: &Conversation,
        message: &str,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<String>> {
        let (Some(notes), Some(first)) = (&self.notes, inbox.first()) else {
            return Ok(None);
        };
        let (kind, sender) = (first.incoming.chat_kind, &first.incoming.sender);
        let owner = NoteOwner::of(&conversation.target, kind, &sender.user);
        let newest = notes.newest_own(&owner, now).await?;
        Ok(that_matter(newest, message))
    }

    /// As many items as are shown, and in any case the question of the newest turn: that may have
    /// done more than that since.
    async fn newest_items(&self, id: ConversationId) -> StoreResult<Vec<Item>> {
        let window = self.settings.history_window;
        let mut items = self.conversations.newest_items(id, window).await?;
        let is_question = |item: &Item| matches!(item, Item::User { .. });
        if !items.is_empty() && !items.iter().any(is_question) {
            let question = self.conversations.newest_question(id).await?;
            items.splice(0..0, question);
        }
        Ok(items)
    }

    /// The request of the next step.
    /// `inserted` is what tools put before the model.
    pub fn request(
        &self,
        turn: TurnId,
        context: &TurnContext,
        exchange: Vec<Item>,
        inserted: Vec<Attached>,
    ) -> ModelRequest {
        let mut attached = context.attached();
        attached.extend(inserted);
        ModelRequest {
            turn: Some(turn),
            // Behind the prompt, where every provider takes it and it seldom changes.
            system: format!("{}\n\n{}", self.settings.system_prompt, context.notes)
                .trim_end()
                .to_owned(),
            recap: context.recap.clone(),
            history: context.history.clone(),
            preface: context.preface.clone(),
            enclosures: context.enclosures.clone(),
            user: context.user.clone(),
            asked_at: context.asked_at,
            exchange,
            attached,
            tools: self.tools.specs(),
            cache_key: context.cache_key.clone(),
            envelopes: self.envelopes.clone(),
        }
    }

    /// Those messages of the bot which are replied to and say only what is ours.
    async fn said(&self, inbox: &[InboxRow]) -> StoreResult<Vec<MessageId>> {
        let mut ours = Vec::new();
        for row in inbox {
            let quote = row
                .incoming
                .message()
                .and_then(|message| message.quote.as_ref());
            let Some(message) = quote.and_then(Quote::of_bot) else {
                continue;
            };
            let ChatTarget { channel, chat, .. } = &row.incoming.target;
            let labels = self.outbox.labels(channel, chat, message).await?;
            if labels.is_some_and(|labels| !labels.is_untrusted()) {
                ours.push(message.clone());
            }
        }
        Ok(ours)
    }

    fn preface(&self, inbox: &[InboxRow], passed: &[PassedBack<'_>], now: DateTime<Utc>) -> String {
        let local = now.with_timezone(&self.settings.zone);
        let mut lines = vec![format!(
            "Now: {}, {} (time zone {}). Week {}.",
            local.format("%A"),
            local.format("%Y-%m-%dT%H:%M:%S%:z"),
            self.settings.zone,
            local.iso_week().week()
        )];
        let Some(first) = inbox.first() else {
            return lines.concat();
        };
        let incoming = &first.incoming;
        lines.push(match incoming.chat_kind {
            ChatKind::Private => format!("The person: {}.", incoming.sender.name),
            ChatKind::Group => {
                format!(
                    "A group chat; this message is from {}.",
                    incoming.sender.name
                )
            }
        });
        lines.extend(passed.iter().flat_map(PassedBack::remarks));
        lines.extend(inbox.iter().flat_map(run_remarks));
        lines.join("\n")
    }
}

/// The person's own words, written or spoken, or a job's content; the parts of an album are joined.
fn user_text(inbox: &[InboxRow], files: &[ReceivedFile]) -> String {
    let mut files = files.iter();
    let texts = inbox.iter().filter_map(|row| match &row.incoming.content {
        IncomingContent::Message(message) | IncomingContent::Edit(message) => {
            let of_row = files.by_ref().take(row.incoming.attachments().count());
            let spoken = of_row.filter_map(ReceivedFile::spoken);
            let own = message.forwarded_from.is_none() && !message.text.is_empty();
            let written = own.then_some(message.text.as_str());
            let said: Vec<&str> = written.into_iter().chain(spoken).collect();
            (!said.is_empty()).then(|| said.join("\n\n"))
        }
        IncomingContent::Scheduled(prompt) => Some(prompt.content.clone()),
        IncomingContent::Press(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// A summary of our own words stands with the prompt; one that repeats content from outside, where
/// every provider takes it as content: in a user message.
fn shown_summary(summary: Option<Summary>) -> (String, Option<Enclosure>) {
    match summary {
        None => (String::new(), None),
        Some(summary) if summary.labels.is_empty() => (summary.note(), None),
        Some(summary) => {
            let enclosure = Enclosure {
                text: summary.note(),
                labels: summary.labels,
            };
            (String::new(), Some(enclosure))
        }
    }
}

/// What had been read by whoever wrote the content of a scheduled run.
fn job_labels(row: &InboxRow) -> Option<&Labels> {
    match &row.incoming.content {
        IncomingContent::Scheduled(prompt) => Some(&prompt.labels),
        _ => None,
    }
}

/// What stands beside the words of a scheduled run.
fn run_remarks(row: &InboxRow) -> Vec<String> {
    let IncomingContent::Scheduled(prompt) = &row.incoming.content else {
        return Vec::new();
    };
    let run = format!(
        "This is a scheduled run: nobody has just written. Do what the message says, and create no \
         schedules. When there is nothing that the person should read now, answer exactly \
         {NOTHING_TO_REPORT} and nothing else: then no message is sent."
    );
    let late = prompt
        .remark
        .as_ref()
        .map(|late| format!("This run {late}."));
    std::iter::once(run).chain(late).collect()
}
