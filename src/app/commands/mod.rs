//! The slash commands: one table gives the menu, the help and the dispatch.

mod approvals;
mod files;
mod notes;
mod reminders;
mod start;
mod status;
mod talk;
mod usage;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::BoxFuture;
use tracing::error;

use super::channels::Channels;
use super::dispatcher::Dispatcher;
use super::outbox::{AnswerPlace, compose};
use super::signals::Signals;
use super::spending::Spending;
use crate::core::approval::{ApprovalStore, ToolPolicy};
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::compaction::SummaryStore;
use crate::core::conversation::ConversationStore;
use crate::core::error::{StoreError, StoreResult};
use crate::core::exits::Links;
use crate::core::files::WorkspaceFiles;
use crate::core::ids::{ChannelName, UserId};
use crate::core::inbox::{InboxRow, InboxStore};
use crate::core::jobs::JobStore;
use crate::core::journal::{RunningTurn, TurnJournal};
use crate::core::markup::FormattedText;
use crate::core::message::Incoming;
use crate::core::notes::NoteStore;
use crate::core::outbox::{NewOutbox, OutboxStore, Outgoing};

/// One slash command.
#[derive(Clone, Copy)]
pub struct Command {
    /// Its name, without the slash.
    pub name: &'static str,
    /// One line for the menu and the help.
    pub summary: &'static str,
    /// The tool without which it has nothing to show; it is not offered then.
    needs: Option<&'static str>,
    /// When it runs.
    timing: Timing,
    run: for<'a> fn(&'a Commands, &'a CommandCall<'a>) -> BoxFuture<'a, StoreResult<Answer>>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// When a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    /// When it arrives, whatever else is going on in its chat.
    AtOnce,
    /// When everything before it in its chat is done.
    InTurn,
}

/// What a command is called with.
#[derive(Debug)]
struct CommandCall<'a> {
    row: &'a InboxRow,
    target: &'a ChatTarget,
    now: DateTime<Utc>,
}

/// What a command answers.
#[derive(Debug)]
enum Answer {
    /// Text, in Markdown.
    Text(String),
    /// Text that is finished, of any length.
    Finished(FormattedText),
    /// Something to press on.
    Card(Outgoing),
    /// Messages as they are.
    Rows(Vec<NewOutbox>),
    /// Nothing to say, or said together with a change.
    Silence,
    /// A turn to go on with.
    Rerun(Box<RunningTurn>),
}

/// What became of a row that might be a command.
#[derive(Debug)]
pub enum Handled {
    /// It is done with.
    Done,
    /// It is done with, and this turn goes on.
    Rerun(Box<RunningTurn>),
    /// It is no command.
    NotACommand,
}

/// The table.
const TABLE: [Command; 14] = [
    Command {
        name: "start",
        summary: "Who I am and what I can do",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(start::start(commands, call)),
    },
    Command {
        name: "help",
        summary: "What I can do, with examples",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(start::help(commands, call)),
    },
    Command {
        name: "new",
        summary: "Start a fresh conversation (notes and reminders stay)",
        needs: None,
        timing: Timing::InTurn,
        run: |commands, call| Box::pin(talk::new(commands, call)),
    },
    Command {
        name: "stop",
        summary: "Stop what I am doing now",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(talk::stop(commands, call)),
    },
    Command {
        name: "retry",
        summary: "Run your last message again",
        needs: None,
        timing: Timing::InTurn,
        run: |commands, call| Box::pin(talk::retry(commands, call)),
    },
    Command {
        name: "reminders",
        summary: "Your reminders, with buttons to change them",
        needs: Some("list_scheduled_prompts"),
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(reminders::list(commands, call)),
    },
    Command {
        name: "notes",
        summary: "Your notes, with buttons to show and delete them",
        needs: Some("user_memory_search"),
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(notes::notes(commands, call)),
    },
    Command {
        name: "files",
        summary: "The files of this chat, with buttons to send and delete them",
        needs: Some("list_files"),
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(files::list(commands, call)),
    },
    Command {
        name: "history",
        summary: "What we talked about: the summary and the last messages",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(talk::history(commands, call)),
    },
    Command {
        name: "approvals",
        summary: "What I may always do here without asking",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(approvals::approvals(commands, call)),
    },
    Command {
        name: "usage",
        summary: "Tokens and money: today, this month, what is left",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(usage::usage(commands, call)),
    },
    Command {
        name: "budget",
        summary: "The budget; /budget +1 adds a dollar today",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(usage::budget(commands, call)),
    },
    Command {
        name: "status",
        summary: "Version, uptime, model, queue, next reminder",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(status::status(commands, call)),
    },
    Command {
        name: "whoami",
        summary: "Your ids, and what this chat may do",
        needs: None,
        timing: Timing::AtOnce,
        run: |commands, call| Box::pin(status::whoami(commands, call)),
    },
];

/// What the commands say about this installation.
#[derive(Debug, Clone)]
pub struct About {
    /// The version.
    pub version: &'static str,
    /// What answers.
    pub model: String,
    /// The tools that are switched on: what each group of them is good for, in words.
    pub abilities: Vec<String>,
    /// The names of these tools.
    pub tools: Vec<&'static str>,
    /// What the settings say about them.
    pub policy: ToolPolicy,
    /// Sentences to try.
    pub examples: Vec<String>,
    /// The person's zone.
    pub zone: Tz,
    /// When the process started.
    pub started_at: DateTime<Utc>,
    /// The database file.
    pub database: std::path::PathBuf,
    /// Whose bot this is, on each channel.
    pub owners: Vec<(ChannelName, UserId)>,
}

impl About {
    /// Whether this is written by one whose bot this is.
    fn is_owner(&self, incoming: &Incoming) -> bool {
        incoming.is_by_one_of(&self.owners)
    }
}

/// Runs commands.
#[derive(Debug)]
pub struct Commands {
    /// What arrived.
    pub inbox: Arc<dyn InboxStore>,
    /// What is to be sent.
    pub outbox: Arc<dyn OutboxStore>,
    /// Turns, to run one again.
    pub journal: Arc<dyn TurnJournal>,
    /// Conversations, to end one.
    pub conversations: Arc<dyn ConversationStore>,
    /// What conversations were about.
    pub summaries: Arc<dyn SummaryStore>,
    /// What is always allowed.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Jobs, to tell the next one.
    pub jobs: Arc<dyn JobStore>,
    /// What is remembered.
    pub notes: Arc<dyn NoteStore>,
    /// The files of the chats.
    pub files: Arc<dyn WorkspaceFiles>,
    /// Where answers go.
    pub channels: Channels,
    /// What runs, to stop it.
    pub dispatcher: Arc<Dispatcher>,
    /// Rings for what is to be sent.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What models cost.
    pub spending: Arc<Spending>,
    /// What to say about this installation.
    pub about: About,
}

impl Commands {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|command| command.name)
    }

    /// Names and summaries of those that have something to show here, for the help and for a
    /// channel's menu.
    pub fn menu(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let tools = &self.about.tools;
        let offered = move |command: &&Command| {
            let missing = |tool| !tools.contains(&tool);
            !command.needs.is_some_and(missing)
        };
        let offered = TABLE.iter().filter(offered);
        offered.map(|command| (command.name, command.summary))
    }

    /// Runs what must not wait in line. Says whether the row is done with.
    pub async fn run_at_once(&self, row: &InboxRow) -> StoreResult<bool> {
        match find(row) {
            Some(Found::Known(command)) if command.timing == Timing::AtOnce => {
                self.run(&command, row).await?;
                Ok(true)
            }
            Some(Found::Known(_) | Found::Unknown(_)) | None => Ok(false),
        }
    }

    /// Runs any command; for rows whose turn has come.
    pub async fn run_in_turn(&self, row: &InboxRow) -> StoreResult<Handled> {
        match find(row) {
            Some(Found::Known(command)) => self.run(&command, row).await,
            Some(Found::Unknown(name)) => {
                let text = format!("There is no command /{name}. /help shows what there is.");
                self.finish(row, Answer::Text(text)).await
            }
            None => Ok(Handled::NotACommand),
        }
    }

    async fn run(&self, command: &Command, row: &InboxRow) -> StoreResult<Handled> {
        let target = &row.incoming.target;
        let call = CommandCall {
            row,
            target,
            now: self.clock.now(),
        };
        let answer = match (command.run)(self, &call).await {
            Err(error @ StoreError::Corrupt(_)) => {
                // It would be tried again for ever, and its chat waits behind it.
                error!(%error, "a command came upon what cannot be read");
                Answer::Text("Something broke while I did this.".into())
            }
            answer => answer?,
        };
        self.finish(row, answer).await
    }

    async fn finish(&self, row: &InboxRow, answer: Answer) -> StoreResult<Handled> {
        let (replies, handled) = match answer {
            Answer::Text(text) => (self.compose(&row.incoming.target, &text), Handled::Done),
            Answer::Finished(text) => (self.finished(&row.incoming.target, text), Handled::Done),
            Answer::Card(card) => {
                let target = row.incoming.target.clone();
                (vec![NewOutbox::answer(target, card)], Handled::Done)
            }
            Answer::Rows(rows) => (rows, Handled::Done),
            Answer::Silence => (Vec::new(), Handled::Done),
            // The row is done since its turn has begun.
            Answer::Rerun(turn) => return Ok(Handled::Rerun(turn)),
        };
        self.inbox.finish(row.id, replies).await?;
        self.signals.wake_outbox();
        Ok(handled)
    }

    fn finished(&self, target: &ChatTarget, text: FormattedText) -> Vec<NewOutbox> {
        self.channels.of(target).map_or_else(Vec::new, |channel| {
            compose::text(target, text, channel.capabilities())
        })
    }

    fn compose(&self, target: &ChatTarget, markdown: &str) -> Vec<NewOutbox> {
        let place = AnswerPlace {
            target: target.clone(),
            reply_to: None,
            links: Links::All,
        };
        self.channels.of(target).map_or_else(Vec::new, |channel| {
            compose::answer(&place, markdown, channel.capabilities(), None)
        })
    }
}

enum Found {
    Known(Command),
    Unknown(String),
}

fn find(row: &InboxRow) -> Option<Found> {
    let (name, _) = row.incoming.command()?;
    let known = TABLE.iter().find(|command| command.name == name);
    Some(known.map_or(Found::Unknown(name), |command| Found::Known(*command)))
}
