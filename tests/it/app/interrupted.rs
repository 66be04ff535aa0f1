//! A tool that acts outside and was running when the process died: it is not run twice, and the model is told.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;
use minibot::adapters::console::{ConsoleChannel, Screen, person, target};
use minibot::adapters::system::SystemClock;
use minibot::app::approvals::{ApprovalSettings, Approvals, Escalation};
use minibot::app::at_once::AtOnce;
use minibot::app::channels::Channels;
use minibot::app::context::{ContextBuilder, ContextSettings};
use minibot::app::dispatcher::TurnStops;
use minibot::app::large_results::{Keeping, LargeResults};
use minibot::app::outbox::LiveAnswers;
use minibot::app::seat::Seat;
use minibot::app::signals::Signals;
use minibot::app::toolbox::Toolbox;
use minibot::app::turn_loop::{AskedModels, TurnLoop, TurnSettings};
use minibot::core::approval::{ToolMode, ToolPolicy};
use minibot::core::channel::Asking;
use minibot::core::channel::{ChatKind, Urgency};
use minibot::core::clock::Clock;
use minibot::core::conversation::Item;
use minibot::core::envelope::Envelopes;
use minibot::core::error::StoreResult;
use minibot::core::ids::CallId;
use minibot::core::inbox::InboxRow;
use minibot::core::inbox::{Arrival, Arrived};
use minibot::core::label::Labels;
use minibot::core::message::{Incoming, IncomingContent, Message};
use minibot::core::model::{
    ChatModel, FinishReason, ModelError, ModelReply, ModelRequest, ReplySink,
};
use minibot::core::redact::Secrets;
use minibot::core::tool::{
    SchemaStrictness, Tool, ToolCall, ToolContext, ToolEffect, ToolOutcome, ToolSpec,
};
use minibot::core::turn::TurnLimits;
use minibot::wiring;
use minibot::wiring::lifecycle::Store;
use minibot::wiring::settings::Settings;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Posts something somewhere, and never hears back.
#[derive(Debug)]
struct Post {
    spec: ToolSpec,
    runs: Arc<Mutex<u32>>,
    begun: Arc<Notify>,
}

#[async_trait]
impl Tool for Post {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn effect(&self) -> ToolEffect {
        ToolEffect::OutsideOnce
    }

    async fn run(&self, _: &ToolContext, _: Value) -> ToolOutcome {
        *self.runs.lock().unwrap() += 1;
        self.begun.notify_one();
        std::future::pending().await
    }
}

/// Calls the tool, and repeats its result.
#[derive(Debug)]
struct Repeating;

#[async_trait]
impl ChatModel for Repeating {
    async fn reply(
        &self,
        request: &ModelRequest,
        _: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let (text, calls) = match request.exchange.last() {
            Some(Item::Tool { result, .. }) => (result.to_text(), Vec::new()),
            _ => {
                let call = ToolCall {
                    id: CallId::new("a"),
                    name: "post".into(),
                    arguments: "{}".into(),
                };
                (String::new(), vec![call])
            }
        };
        Ok(ModelReply {
            text,
            calls,
            finish: FinishReason::Done,
            usage: Vec::new(),
            continuation: None,
        })
    }

    fn describe(&self) -> String {
        "repeating".into()
    }
}

fn turn_loop(store: &Store, post: Post) -> TurnLoop {
    let ports = &store.ports;
    let tools = Toolbox::new(vec![Arc::new(post)]);
    let channels = Channels::new([Arc::new(ConsoleChannel::new(
        Arc::new(Screen::stdout(true)),
        Asking::Impossible,
    )) as _]);
    let signals = Arc::new(Signals::default());
    let settings = Settings::default();
    let spending = wiring::spending::build(&settings, ports, &channels, &signals);
    let attachments = wiring::media::attachments(&settings, ports, &channels, &spending).unwrap();
    TurnLoop {
        approvals: approvals(store, &channels, &signals),
        attachments,
        journal: ports.journal.clone(),
        models: AskedModels {
            answers: Arc::new(Repeating),
            runs: Arc::new(Repeating),
        },
        tools: tools.clone(),
        context: ContextBuilder {
            conversations: ports.conversations.clone(),
            summaries: ports.summaries.clone(),
            outbox: ports.outbox.clone(),
            notes: None,
            tools,
            envelopes: Envelopes::default(),
            settings: ContextSettings {
                system_prompt: "Be brief.".into(),
                zone: Tz::UTC,
                history_window: 32,
            },
        },
        live: LiveAnswers {
            store: ports.outbox.clone(),
            channels: channels.clone(),
            clock: ports.clock.clone(),
        },
        large_results: LargeResults {
            most_bytes: 48 * 1024,
            keeping: Keeping::Nowhere,
        },
        channels,
        signals,
        clock: ports.clock.clone(),
        spending,
        ended: mpsc::channel(8).0,
        settings: TurnSettings {
            limits: TurnLimits { max_steps: 5 },
            timeout: Duration::from_secs(60),
            max_run_attempts: 1,
            looked_up: Labels::default(),
        },
    }
}

/// Everything may run.
fn approvals(store: &Store, channels: &Channels, signals: &Arc<Signals>) -> Approvals {
    let table = [("*".to_owned(), ToolMode::Allow)];
    Approvals {
        store: store.ports.approvals.clone(),
        inbox: store.ports.inbox.clone(),
        at_once: Arc::new(NothingAtOnce),
        channels: channels.clone(),
        signals: signals.clone(),
        clock: store.ports.clock.clone(),
        secrets: Arc::new(Secrets::default()),
        settings: ApprovalSettings {
            policy: ToolPolicy::new(&table.into()).unwrap(),
            timeout: chrono::TimeDelta::minutes(10),
            escalation: Escalation::On,
            zone: Tz::UTC,
        },
    }
}

#[derive(Debug)]
struct NothingAtOnce;

#[async_trait]
impl AtOnce for NothingAtOnce {
    async fn handle(&self, _: &InboxRow) -> StoreResult<bool> {
        Ok(false)
    }
}

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.runtime.data_dir = folder.to_owned();
    settings
}

fn arrival() -> Arrival {
    let message = Message {
        text: "post it".into(),
        ..Message::default()
    };
    let incoming = Incoming {
        target: target(),
        chat_kind: ChatKind::Private,
        sender: person("you"),
        sent_at: SystemClock.now(),
        content: IncomingContent::Message(message),
    };
    Arrival {
        source: "console".into(),
        external_id: 1,
        kind: "message".into(),
        content: Arrived::Welcome {
            raw: "{}".into(),
            incoming: Box::new(incoming),
        },
    }
}

#[tokio::test]
async fn it_is_not_run_twice_and_the_model_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, begun) = (Arc::new(Mutex::new(0)), Arc::new(Notify::new()));
    let post = || Post {
        spec: ToolSpec {
            name: "post",
            description: "Posts.".into(),
            parameters: json!({ "type": "object", "properties": {} }),
            schema: SchemaStrictness::Loose,
        },
        runs: runs.clone(),
        begun: begun.clone(),
    };
    let stops = TurnStops {
        cancel: CancellationToken::new(),
        stop: CancellationToken::new(),
        shutdown: CancellationToken::new(),
        seat: Arc::new(Seat::alone()),
    };
    let store = Store::open(&settings(folder.path())).await.unwrap();
    store.ports.inbox.add(vec![arrival()]).await.unwrap();
    let rows = store.ports.inbox.next(&target()).await.unwrap();
    let (first, asked) = (turn_loop(&store, post()), [rows[0].id]);
    tokio::select! {
        _ = first.run(&asked, &stops) => panic!("the tool came to an end"),
        () = begun.notified() => {}
    }
    // As when the process dies: nothing is written any more.
    drop(first);
    store.close().await;

    let store = Store::open(&settings(folder.path())).await.unwrap();
    let left = store.ports.journal.unfinished().await.unwrap().remove(0);
    turn_loop(&store, post()).resume(left, &stops).await;
    assert_eq!(*runs.lock().unwrap(), 1);
    let heads = store
        .ports
        .outbox
        .heads(
            &[target().channel],
            Urgency::Background,
            SystemClock.now(),
            9,
        )
        .await
        .unwrap();
    let answer = heads[0].content.visible_text();
    assert!(answer.contains("interrupted by a restart"), "{answer}");
    assert!(store.ports.journal.unfinished().await.unwrap().is_empty());
    store.close().await;
}
