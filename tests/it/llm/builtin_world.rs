//! A chat with the built-in model over the real tools and a real database: each message is a real
//! turn of its own.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz::Europe__Madrid;
use minibot::adapters::sqlite::{
    SqliteInboxStore, SqliteJobStore, SqliteNoteStore, SqliteOutboxStore, SqliteSummaryStore,
};
use minibot::app::context::{ContextBuilder, ContextSettings};
use minibot::app::toolbox::Toolbox;
use minibot::core::channel::{ChatKind, ChatTarget, Sender};
use minibot::core::clock::Clock;
use minibot::core::envelope::Envelopes;
use minibot::core::ids::{CallId, ConversationId, InboxId, TurnId, UserId};
use minibot::core::inbox::{Arrival, Arrived, InboxStore, Stored};
use minibot::core::jobs::JobLimits;
use minibot::core::journal::{AskedChange, JournalEntry, TurnEnd, TurnJournal, TurnState};
use minibot::core::label::Labels;
use minibot::core::markup;
use minibot::core::message::{Incoming, IncomingContent, Message};
use minibot::core::model::ChatModel;
use minibot::core::notes::NoteOwner;
use minibot::core::schedule::ScheduleRules;
use minibot::core::tool::{FinishedCall, Tool, ToolContext, ToolOutcome, ToolResult, TurnOrigin};
use minibot::core::turn::{Ending, Fact, PlannedCall, Step, Turn, TurnLimits};
use minibot::llm::providers::builtin::BuiltinModel;
use minibot::llm::tools::{
    ProgramTools, SchedulerSwitch, ToolPorts, ToolRules, ToolSettings, builtin,
};

use super::model_fixture::{LeapingClock, RecordingSink};
use crate::adapters::sqlite_fixture::{Fixture, audit_of, target};

/// Rules as in a default configuration, but for few reminders.
pub const RULES: ToolRules = ToolRules {
    schedule: ScheduleRules {
        min_interval_seconds: 60,
    },
    jobs: JobLimits {
        max_active_per_chat: 12,
    },
    scheduler: SchedulerSwitch::On,
    max_history_messages: 0,
    history_window: 32,
};

/// The chat, at Friday 2026-11-20 13:00 in Madrid.
pub struct Chat {
    pub fixture: Fixture,
    pub clock: Arc<LeapingClock>,
    tools: Vec<Arc<dyn Tool>>,
    updates: i64,
}

impl Chat {
    pub async fn new() -> Self {
        Self::with(&ToolSettings::default(), RULES).await
    }

    pub async fn with(settings: &ToolSettings, rules: ToolRules) -> Self {
        let fixture = Fixture::new().await;
        let clock = LeapingClock::new();
        let ports = ToolPorts {
            conversations: Arc::new(fixture.conversations()),
            notes: Arc::new(SqliteNoteStore::new(fixture.database.clone())),
            jobs: Arc::new(SqliteJobStore::new(fixture.database.clone(), clock.clone())),
            files: fixture.files(),
            copies: fixture.copies(),
            browser: None,
            programs: ProgramTools::default(),
            inserting: None,
        };
        let families = builtin(settings, rules, &ports);
        let tools = families.into_iter().flat_map(|family| family.tools);
        Self {
            fixture,
            clock,
            tools: tools.collect(),
            updates: 0,
        }
    }

    /// Lets time pass.
    pub fn wait(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// What the bot answers to a message.
    pub async fn says(&mut self, text: &str) -> String {
        let message = Message {
            text: text.into(),
            ..Message::default()
        };
        self.receives(message).await
    }

    /// Says several things, one after the other; the answers do not matter.
    pub async fn says_all(&mut self, texts: &[&str]) {
        for text in texts {
            self.says(text).await;
        }
    }

    /// Says each, and expects each answer as it is shown.
    pub async fn talk(&mut self, lines: &[(&str, &str)]) {
        for (says, expected) in lines {
            let answer = self.says(says).await;
            assert_eq!(shown(&answer), *expected, "{says:?}");
        }
    }

    /// What the bot answers to a message that somebody else wrote.
    pub async fn forwards(&mut self, text: &str) -> String {
        let message = Message {
            text: text.into(),
            forwarded_from: Some("Eve".into()),
            ..Message::default()
        };
        self.receives(message).await
    }

    async fn receives(&mut self, message: Message) -> String {
        let inbox = self.queue(message).await;
        let journal = self.fixture.journal();
        let now = self.clock.now();
        let running = journal.begin(&[inbox], now).await.unwrap().unwrap();
        let model = BuiltinModel::new(self.clock.clone(), Europe__Madrid);
        let builder = self.context_builder();
        let context = builder
            .load(&running.conversation, &running.inbox, now)
            .await
            .unwrap();
        let limits = TurnLimits { max_steps: 15 };
        let mut turn = Turn::new(limits, builder.tools.effects(), context.labels.clone());
        let text = loop {
            match turn.step() {
                Step::AskModel => {
                    let request = builder.request(running.id, &context, turn.items(), Vec::new());
                    let sink = RecordingSink::default();
                    let reply = model.reply(&request, &sink).await.unwrap();
                    assert_eq!(sink.heard(), reply.text);
                    turn.feed(Fact::ModelReplied { reply });
                }
                // Everything may run.
                Step::Judge { calls } | Step::RunTools { calls, .. } => {
                    for call in calls {
                        let id = call.call.id.clone();
                        let done = self.run(running.id, running.conversation.id, call).await;
                        turn.feed(Fact::ToolFinished {
                            call: id,
                            result: done.result,
                            labels: done.labels,
                        });
                    }
                }
                Step::Finish(Ending::Answered { text, .. }) => break text,
                other => panic!("{other:?}"),
            }
        };
        let mut said = vec![context.item()];
        said.extend(turn.items());
        let end = TurnEnd {
            facts: Vec::new(),
            finished_calls: Vec::new(),
            state: TurnState::Answered,
            items: said,
            said: Vec::new(),
            receipt: None,
        };
        journal.end(running.id, end, now).await.unwrap();
        text
    }

    /// What a tool answers to a call with these arguments.
    pub async fn calls(&mut self, tool: &str, arguments: &serde_json::Value) -> ToolResult {
        self.calls_from(tool, arguments, TurnOrigin::Person).await
    }

    /// The same in a turn that was started by something else.
    pub async fn calls_from(
        &mut self,
        tool: &str,
        arguments: &serde_json::Value,
        origin: TurnOrigin,
    ) -> ToolResult {
        let inbox = self.queue(Message::default()).await;
        let journal = self.fixture.journal();
        let now = self.clock.now();
        let running = journal.begin(&[inbox], now).await.unwrap().unwrap();
        let found = self.tools.iter().find(|known| known.spec().name == tool);
        let context = ToolContext {
            origin,
            ..self.tool_context(running.conversation.id)
        };
        let outcome = found.unwrap().run(&context, arguments.clone()).await;
        let call = super::model_fixture::call("c", tool, &arguments.to_string());
        let result = self.settle(running.id, call, outcome).await.result;
        let end = TurnEnd {
            facts: Vec::new(),
            finished_calls: Vec::new(),
            state: TurnState::Answered,
            items: Vec::new(),
            said: Vec::new(),
            receipt: None,
        };
        journal.end(running.id, end, now).await.unwrap();
        result
    }

    /// How the tools are described to a model.
    pub fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn context_builder(&self) -> ContextBuilder {
        ContextBuilder {
            notes: None,
            summaries: Arc::new(SqliteSummaryStore::new(self.fixture.database.clone())),
            outbox: Arc::new(SqliteOutboxStore::new(
                self.fixture.database.clone(),
                self.clock.clone(),
            )),
            conversations: Arc::new(self.fixture.conversations()),
            tools: Toolbox::new(self.tools.clone()),
            envelopes: Envelopes::new([7; 32]),
            settings: ContextSettings {
                system_prompt: String::new(),
                zone: Europe__Madrid,
                history_window: 32,
            },
        }
    }

    async fn queue(&mut self, message: Message) -> InboxId {
        self.updates += 1;
        let incoming = Incoming {
            target: target(),
            chat_kind: ChatKind::Private,
            sender: sender(),
            sent_at: self.clock.now(),
            content: IncomingContent::Message(message),
        };
        let arrival = Arrival {
            source: "telegram:1".into(),
            external_id: self.updates,
            kind: "message".into(),
            content: Arrived::Welcome {
                raw: "{}".into(),
                incoming: Box::new(incoming),
            },
        };
        // It arrives now, by the clock of the chat.
        let inbox = SqliteInboxStore::new(self.fixture.database.clone(), self.clock.clone());
        let stored = inbox.add(vec![arrival]).await.unwrap();
        let [Stored::Queued(id)] = stored[..] else {
            panic!("{stored:?}")
        };
        id
    }

    async fn run(
        &self,
        turn: TurnId,
        conversation: ConversationId,
        planned: PlannedCall,
    ) -> FinishedCall {
        let context = self.tool_context(conversation);
        let toolbox = Toolbox::new(self.tools.clone());
        let outcome = toolbox.run(&planned, &context).await;
        self.settle(turn, planned.call, outcome).await
    }

    async fn settle(
        &self,
        turn: TurnId,
        call: minibot::core::tool::ToolCall,
        outcome: ToolOutcome,
    ) -> FinishedCall {
        let journal = self.fixture.journal();
        let now = self.clock.now();
        match outcome {
            outcome @ (ToolOutcome::Finished(_)
            | ToolOutcome::Outside { .. }
            | ToolOutcome::Insert { .. }) => {
                let done = match outcome {
                    ToolOutcome::Outside { result, labels } => FinishedCall { result, labels },
                    ToolOutcome::Finished(result) | ToolOutcome::Insert { result, .. } => {
                        result.into()
                    }
                    ToolOutcome::Change { .. } => unreachable!(),
                };
                let fact = Fact::ToolFinished {
                    call: CallId::new(call.id.as_str()),
                    result: done.result.clone(),
                    labels: done.labels.clone(),
                };
                let entry = JournalEntry {
                    facts: vec![fact],
                    ..JournalEntry::default()
                };
                journal.append(turn, entry, now).await.unwrap();
                done
            }
            ToolOutcome::Change { change, describe } => {
                let change = *change;
                let asked = AskedChange {
                    audit: audit_of(&call),
                    call,
                    change,
                    describe,
                };
                journal.apply(turn, asked, now).await.unwrap()
            }
        }
    }

    fn tool_context(&self, conversation: ConversationId) -> ToolContext {
        let target: ChatTarget = target();
        ToolContext {
            notes_of: NoteOwner::of(&target, ChatKind::Private, &sender().user),
            target,
            chat_kind: ChatKind::Private,
            conversation,
            sender: sender(),
            now: self.clock.now(),
            zone: Europe__Madrid,
            origin: TurnOrigin::Person,
            labels: Labels::default(),
        }
    }
}

/// An answer as it is shown.
pub fn shown(answer: &str) -> String {
    markup::render(answer).text
}

fn sender() -> Sender {
    Sender {
        user: UserId::new("42"),
        name: "Ada".into(),
    }
}
