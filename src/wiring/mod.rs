//! Builds and joins everything: the only place, with `cli`, that knows all parts.

mod approvals;
pub mod beside;
#[cfg(feature = "browser")]
pub mod browser;
mod damage;
mod exposed;
#[cfg(feature = "failpoints")]
pub mod failpoints;
pub mod lifecycle;
mod maintenance;
pub mod media;
pub mod model;
#[cfg(not(feature = "browser"))]
mod no_browser;
mod ports;
pub mod programs;
pub mod settings;
pub mod spending;
pub mod telegram;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::ports::Ports;
use self::settings::Settings;
use crate::adapters::system::{jitter, random_bytes};
use crate::app::approvals::Approvals;
use crate::app::at_once::{AtOnce, PressesAndCommands};
use crate::app::attachments::Attachments;
use crate::app::channels::Channels;
use crate::app::commands::{About, Commands};
use crate::app::config::MissedRun;
use crate::app::context::{ContextBuilder, ContextSettings};
use crate::app::dispatcher::{Dispatcher, DispatcherSettings, Work};
use crate::app::intake::Intake;
use crate::app::large_results::{Keeping, LargeResults};
use crate::app::outbox::{Calls, LiveAnswers, Outbox};
use crate::app::presses::Presses;
use crate::app::scheduler::{Scheduler, SchedulerSettings};
use crate::app::signals::Signals;
use crate::app::spending::Spending;
use crate::app::toolbox::Toolbox;
use crate::app::turn_loop::{AskedModels, TurnLoop, TurnSettings};
use crate::app::upkeep::{Compaction, Upkeep, ended_turns};
use crate::app::work::ChatWork;
use crate::core::channel::Channel;
use crate::core::envelope::Envelopes;
use crate::core::files::Workspaces;
use crate::core::ids::ConversationId;
use crate::core::jobs::JobLimits;
use crate::core::model::{ChatModel, ModelRequest};
use crate::core::schedule::{DueRules, MissedPolicy, ScheduleRules};
use crate::core::tool::largest_result;
use crate::core::turn::TurnLimits;
use crate::llm::providers::builtin;
use crate::llm::tools::{
    self, Family, FileLimits, SchedulerSwitch, ToolPorts, ToolRules, ToolSettings,
};

/// Later than this, a run counts as late and says so.
const LATE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The two ways of ending. `stop` begins no more; `shutdown` also leaves what runs.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// Begin nothing new.
    pub stop: CancellationToken,
    /// Leave what runs, for the next start to take up.
    pub shutdown: CancellationToken,
}

/// The joined parts.
#[derive(Debug)]
pub struct App {
    /// Wake-up calls between the parts.
    pub signals: Arc<Signals>,
    /// The way in.
    pub intake: Arc<Intake>,
    /// The workers.
    pub dispatcher: Arc<Dispatcher>,
    /// The sender.
    pub outbox: Outbox,
    /// The scheduler, where it is switched on.
    pub scheduler: Option<Scheduler>,
    /// The channels.
    pub channels: Channels,
    /// How turns are worked.
    pub work: Arc<dyn Work>,
    /// What models cost.
    pub spending: Arc<Spending>,
    /// What conversations need behind the turns.
    pub upkeep: Upkeep,
    /// The commands that are offered, with their summaries.
    pub menu: Vec<(&'static str, &'static str)>,
}

/// Joins the parts over the given ports and channels.
pub fn assemble(
    settings: &Settings,
    ports: &Ports,
    channels: Vec<Arc<dyn Channel>>,
    stops: &Stops,
) -> anyhow::Result<App> {
    let dispatcher = Dispatcher::new(
        ports.inbox.clone(),
        ports.clock.clone(),
        DispatcherSettings {
            max_parallel_turns: settings.runtime.max_parallel_turns.get() as usize,
            album_settle: delta(settings.channels.telegram.album_settle()),
        },
        stops.stop.clone(),
        stops.shutdown.clone(),
    );
    let (channels, signals) = (Channels::new(channels), Arc::new(Signals::default()));
    let joints = Joints {
        settings,
        ports,
        spending: spending::build(settings, ports, &channels, &signals),
        channels,
        signals,
        dispatcher,
    };
    joints.join()
}

/// What all parts are joined at.
struct Joints<'a> {
    settings: &'a Settings,
    ports: &'a Ports,
    channels: Channels,
    signals: Arc<Signals>,
    dispatcher: Arc<Dispatcher>,
    spending: Arc<Spending>,
}

impl Joints<'_> {
    fn join(self) -> anyhow::Result<App> {
        let families = families(self.settings, self.ports);
        let models = model::build(self.settings, self.ports, &self.spending)?;
        let (told, ended) = ended_turns();
        let described = models.answers.describe();
        let about = about(self.settings, self.ports, &families, described)?;
        let commands = Arc::new(self.commands(about));
        let presses = Arc::new(self.presses());
        let at_once: Arc<dyn AtOnce> = Arc::new(PressesAndCommands {
            commands: commands.clone(),
            presses: presses.clone(),
            dispatcher: self.dispatcher.clone(),
        });
        let approvals = self.approvals(at_once.clone())?;
        let attachments =
            media::attachments(self.settings, self.ports, &self.channels, &self.spending)?;
        let tools = toolbox(self.settings, self.ports);
        let upkeep = self.upkeep(models.writes, &tools, ended);
        let asked = AskedModels {
            answers: models.answers,
            runs: models.runs,
        };
        let turns = self.turns((asked, told), tools, approvals, attachments);
        let work: Arc<dyn Work> = Arc::new(ChatWork {
            commands: commands.clone(),
            presses: presses.clone(),
            turns,
        });
        let intake = Arc::new(Intake {
            inbox: self.ports.inbox.clone(),
            at_once,
            dispatcher: self.dispatcher.clone(),
            work: work.clone(),
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
        });
        Ok(App {
            menu: commands.menu().collect(),
            outbox: self.outbox(),
            scheduler: self.scheduler(intake.clone()),
            upkeep,
            signals: self.signals,
            intake,
            dispatcher: self.dispatcher,
            channels: self.channels,
            work,
            spending: self.spending,
        })
    }

    fn commands(&self, about: About) -> Commands {
        Commands {
            inbox: self.ports.inbox.clone(),
            outbox: self.ports.outbox.clone(),
            journal: self.ports.journal.clone(),
            conversations: self.ports.conversations.clone(),
            summaries: self.ports.summaries.clone(),
            approvals: self.ports.approvals.clone(),
            jobs: self.ports.jobs.clone(),
            notes: self.ports.notes.clone(),
            files: self.ports.files.clone(),
            channels: self.channels.clone(),
            dispatcher: self.dispatcher.clone(),
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
            spending: self.spending.clone(),
            about,
        }
    }

    fn presses(&self) -> Presses {
        Presses {
            inbox: self.ports.inbox.clone(),
            outbox: self.ports.outbox.clone(),
            jobs: self.ports.jobs.clone(),
            notes: self.ports.notes.clone(),
            files: self.ports.files.clone(),
            copies: self.ports.copies.clone(),
            approvals: self.ports.approvals.clone(),
            channels: self.channels.clone(),
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
            zone: self.settings.runtime.timezone,
            spending: self.spending.clone(),
            owners: spending::owners(self.settings),
        }
    }

    fn turns(
        &self,
        (models, ended): (AskedModels, mpsc::Sender<ConversationId>),
        tools: Toolbox,
        approvals: Approvals,
        attachments: Attachments,
    ) -> TurnLoop {
        TurnLoop {
            approvals,
            journal: self.ports.journal.clone(),
            models,
            tools: tools.clone(),
            context: context(self.settings, self.ports, tools),
            attachments,
            live: LiveAnswers {
                store: self.ports.outbox.clone(),
                channels: self.channels.clone(),
                clock: self.ports.clock.clone(),
            },
            large_results: LargeResults {
                most_bytes: largest_result(self.settings.llm.context_tokens.get() as usize),
                keeping: if self.settings.tools.file_storage.enabled {
                    Keeping::InWorkspace(self.ports.files.clone())
                } else {
                    Keeping::Nowhere
                },
            },
            channels: self.channels.clone(),
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
            spending: self.spending.clone(),
            ended,
            settings: TurnSettings {
                limits: TurnLimits {
                    max_steps: self.settings.llm.max_tool_iterations.get(),
                },
                timeout: self.settings.runtime.turn_timeout_seconds.get(),
                max_run_attempts: self.settings.scheduler.prompts.max_attempts.get(),
                looked_up: model::looked_up(self.settings),
            },
        }
    }

    fn upkeep(
        &self,
        writes: Option<Arc<dyn ChatModel>>,
        tools: &Toolbox,
        ended: mpsc::Receiver<ConversationId>,
    ) -> Upkeep {
        let memory = &self.settings.memory;
        let beside_history = ModelRequest {
            system: system_prompt(self.settings, tools),
            tools: tools.specs(),
            ..ModelRequest::default()
        };
        let compaction = writes
            .filter(|_| memory.compaction)
            .map(|model| Compaction {
                summaries: self.ports.summaries.clone(),
                model,
                spending: self.spending.clone(),
                clock: self.ports.clock.clone(),
                window_items: memory.history_window.get() as usize,
                beside_history: beside_history.estimated_tokens(),
                envelopes: Envelopes::new(random_bytes()),
            });
        Upkeep {
            conversations: self.ports.conversations.clone(),
            keep_items: memory.max_history_messages,
            compaction,
            spending: self.spending.clone(),
            clock: self.ports.clock.clone(),
            ended,
        }
    }

    fn outbox(&self) -> Outbox {
        Outbox {
            store: self.ports.outbox.clone(),
            channels: self.channels.clone(),
            clock: self.ports.clock.clone(),
            signals: self.signals.clone(),
            files: self.ports.files.clone(),
            copies: self.ports.copies.clone(),
            jitter,
            calls: Calls::default(),
            hurry: CancellationToken::new(),
        }
    }

    fn scheduler(&self, intake: Arc<Intake>) -> Option<Scheduler> {
        let enabled = self.settings.scheduler.prompts.enabled;
        enabled.then(|| Scheduler {
            jobs: self.ports.jobs.clone(),
            intake,
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
            settings: scheduling(self.settings, &self.channels),
        })
    }
}

/// The tools that are switched on.
pub fn toolbox(settings: &Settings, ports: &Ports) -> Toolbox {
    let families = families(settings, ports).into_iter();
    Toolbox::new(families.flat_map(|family| family.tools).collect())
}

fn families(settings: &Settings, ports: &Ports) -> Vec<Family> {
    let files = &settings.tools.file_storage;
    let config = ToolSettings {
        chat_history: settings.tools.chat_history,
        kv_memory: settings.tools.kv_memory,
        time: settings.tools.time,
        calculator: settings.tools.calculator,
        files: files.enabled.then(|| FileLimits {
            max_write_bytes: files.max_write_bytes.get(),
        }),
    };
    let prompts = &settings.scheduler.prompts;
    let rules = ToolRules {
        schedule: ScheduleRules {
            min_interval_seconds: prompts.min_recurrence_interval_seconds.get().as_secs(),
        },
        jobs: JobLimits {
            max_active_per_chat: prompts.max_active_per_chat.get(),
        },
        scheduler: if prompts.enabled {
            SchedulerSwitch::On
        } else {
            SchedulerSwitch::Off
        },
        max_history_messages: settings.memory.max_history_messages,
        history_window: settings.memory.history_window.get(),
    };
    let tool_ports = ToolPorts {
        conversations: ports.conversations.clone(),
        notes: ports.notes.clone(),
        jobs: ports.jobs.clone(),
        files: ports.files.clone(),
        copies: ports.copies.clone(),
        browser: ports.browser.clone(),
        programs: ports.programs.clone(),
        inserting: media::inserting(settings, ports),
    };
    let mut families = tools::builtin(&config, rules, &tool_ports);
    let http = &settings.tools.http_client;
    if http.enabled {
        let files = settings.tools.file_storage.enabled;
        let files = files.then(|| ports.files.clone() as Arc<dyn Workspaces>);
        families.push(tools::http::family(ports.web.clone(), files, http));
    }
    families
}

fn context(settings: &Settings, ports: &Ports, tools: Toolbox) -> ContextBuilder {
    ContextBuilder {
        conversations: ports.conversations.clone(),
        summaries: ports.summaries.clone(),
        outbox: ports.outbox.clone(),
        notes: (settings.tools.kv_memory.enabled).then(|| ports.notes.clone()),
        settings: context_settings(settings, &tools),
        tools,
        envelopes: Envelopes::new(random_bytes()),
    }
}

fn context_settings(settings: &Settings, tools: &Toolbox) -> ContextSettings {
    ContextSettings {
        system_prompt: system_prompt(settings, tools),
        zone: settings.runtime.timezone,
        history_window: settings.memory.history_window.get(),
    }
}

/// The manner, which each model may have its own of, and behind it what all are told of the tools.
fn system_prompt(settings: &Settings, tools: &Toolbox) -> String {
    let manner = settings.llm.system_prompt();
    format!("{manner}\n\n{}", tools::guidance(&tools.specs()))
}

fn scheduling(settings: &Settings, channels: &Channels) -> SchedulerSettings {
    let prompts = &settings.scheduler.prompts;
    SchedulerSettings {
        poll_interval: delta(prompts.poll_interval_seconds.get()),
        lease_timeout: delta(prompts.lease_timeout_seconds.get()),
        batch_size: prompts.batch_size.get(),
        due: DueRules {
            missed: match prompts.missed {
                MissedRun::RunOnce => MissedPolicy::RunOnce,
                MissedRun::Skip => MissedPolicy::Skip,
            },
            grace: delta(prompts.misfire_grace_seconds.get()),
            late_after: LATE_AFTER,
        },
        zone: settings.runtime.timezone,
        channels: channels.names().cloned().collect(),
    }
}

fn about(
    settings: &Settings,
    ports: &Ports,
    families: &[Family],
    model: String,
) -> anyhow::Result<About> {
    let tools = families.iter().flat_map(|family| &family.tools);
    let tools: Vec<&str> = tools.map(|tool| tool.spec().name).collect();
    let now = ports.clock.now().with_timezone(&settings.runtime.timezone);
    let examples = builtin::examples(|name| tools.contains(&name), now);
    let examples = examples.map(str::to_owned).collect();
    Ok(About {
        version: env!("CARGO_PKG_VERSION"),
        model,
        abilities: families
            .iter()
            .map(|family| family.ability.to_owned())
            .collect(),
        examples,
        tools,
        policy: approvals::policy(settings)?,
        zone: settings.runtime.timezone,
        started_at: ports.clock.now(),
        database: settings.database(),
        owners: spending::owners(settings),
    })
}

fn delta(duration: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
