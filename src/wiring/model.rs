//! The models as configured, each wrapped in what makes it dependable, in the order in which they
//! are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;

use super::Ports;
use super::settings::Settings;
use crate::adapters::system::jitter;
use crate::app::spending::Spending;
use crate::core::http_url::HttpUrl;
use crate::core::label::{Labels, Source};
use crate::core::model::{ChatModel, estimated_tokens};
use crate::llm::breaker::CircuitBreaker;
use crate::llm::chain::Chain;
use crate::llm::config::{LlmConfig, PdfAs, Provider};
use crate::llm::fallback::WithFallback;
use crate::llm::own_limits::{OwnLimits, WithOwnLimits};
use crate::llm::providers::builtin::BuiltinModel;
use crate::llm::providers::openai::OpenAiModel;
use crate::llm::providers::openai_responses::ResponsesModel;
use crate::llm::providers::{Pdfs, ServerSettings, SetupError, StrictTools, openrouter};
use crate::llm::retry::Retrying;

/// Where OpenAI's APIs are without a `base_url`.
const OPENAI: &str = "https://api.openai.com/v1";
const OPENROUTER: &str = "https://openrouter.ai/api/v1";

/// The models of this process.
pub(super) struct Models {
    /// What answers people.
    pub(super) answers: Arc<dyn ChatModel>,
    /// What answers scheduled runs.
    pub(super) runs: Arc<dyn ChatModel>,
    /// The first without the offline grammar, for what that cannot do; `None` when there is no other.
    pub(super) writes: Option<Arc<dyn ChatModel>>,
}

/// Builds the models, each with its fallbacks and, behind all of them, the built-in grammar.
pub(super) fn build(
    settings: &Settings,
    ports: &Ports,
    spending: &Arc<Spending>,
) -> anyhow::Result<Models> {
    let config = &settings.llm;
    let zone = settings.runtime.timezone;
    let builtin = Arc::new(BuiltinModel::new(ports.clock.clone(), zone));
    let mut models = Profiles {
        config,
        ports,
        spending,
        made: BTreeMap::new(),
    };
    let main = models.dependable(config).context("llm")?;
    let main = models.chain(main, &config.fallbacks)?;
    let runs = match &settings.scheduler.prompts.profile {
        None => main.clone(),
        Some(name) => {
            let fallbacks = config.profiles.get(name).map(|profile| &profile.fallbacks);
            let first = models.profile(name)?;
            models.chain(first, fallbacks.into_iter().flatten())?
        }
    };
    let with_grammar = |model: Option<Arc<dyn ChatModel>>| -> Arc<dyn ChatModel> {
        match model {
            Some(model) => Arc::new(WithFallback::new(model, builtin.clone())),
            None => builtin.clone(),
        }
    };
    Ok(Models {
        answers: with_grammar(main.clone()),
        runs: with_grammar(runs),
        writes: main,
    })
}

/// The settings of all models that may be asked, each with what its profile leaves to `[llm]`.
pub(super) fn used(settings: &Settings) -> impl Iterator<Item = LlmConfig> {
    let (config, runs) = (&settings.llm, &settings.scheduler.prompts.profile);
    let of_runs = runs.iter().filter_map(|name| config.profiles.get(name));
    let names = config.fallbacks.iter().chain(runs);
    let names = names.chain(of_runs.flat_map(|profile| &profile.fallbacks));
    let profiles = names.filter_map(|name| config.profile(name));
    std::iter::once(config.clone()).chain(profiles)
}

/// Where what the models say may come from before they have read anything here: a server that looks things up by
/// itself. Which model answers is not known before.
pub(super) fn looked_up(settings: &Settings) -> Labels {
    let looks = used(settings).any(|config| openrouter::looks_things_up(&config));
    let host = || "openrouter.ai".to_owned();
    let labels = looks.then(|| Labels::of(Source::Web { host: host() }));
    labels.unwrap_or_default()
}

/// The tokens that the smallest of the models leaves beside its prompt.
pub(super) fn room(settings: &Settings) -> usize {
    let rooms = used(settings).map(|one| {
        let prompt = estimated_tokens(one.system_prompt());
        let limits = own_limits(&one, &settings.llm);
        limits.request_tokens().saturating_sub(prompt)
    });
    rooms.min().unwrap_or_default()
}

/// Makes the model of each profile once: whoever asks it learns of its failures.
struct Profiles<'a> {
    config: &'a LlmConfig,
    ports: &'a Ports,
    spending: &'a Arc<Spending>,
    made: BTreeMap<String, Option<Arc<dyn ChatModel>>>,
}

impl Profiles<'_> {
    fn profile(&mut self, name: &str) -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
        if let Some(made) = self.made.get(name) {
            return Ok(made.clone());
        }
        let profile = self.config.profile(name);
        let profile = profile.with_context(|| format!("there is no [llm.profiles.{name}]"))?;
        let model = self.dependable(&profile);
        let model = model.with_context(|| format!("llm.profiles.{name}"))?;
        self.made.insert(name.to_owned(), model.clone());
        Ok(model)
    }

    /// The first with those behind it; `None` for the built-in one, which comes last anyway.
    fn chain<'n>(
        &mut self,
        first: Option<Arc<dyn ChatModel>>,
        fallbacks: impl IntoIterator<Item = &'n String>,
    ) -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
        let Some(first) = first else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for name in fallbacks {
            others.extend(self.profile(name)?);
        }
        Ok(Some(Arc::new(Chain::new(first, others))))
    }

    /// One model with its own retries, breaker and window; `None` for the built-in one, which needs
    /// none of them.
    fn dependable(&self, config: &LlmConfig) -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
        let Some(Server { model, origin }) = provider(config)? else {
            return Ok(None);
        };
        let clock = &self.ports.clock;
        let retrying = Retrying::new(
            self.spending.metered(model, &config.model),
            config.retry_attempts,
            config.retry_delay_seconds.get(),
            clock.clone(),
            jitter,
        );
        let spared = CircuitBreaker::new(Arc::new(retrying), clock.clone());
        let limits = OwnLimits {
            origin: Some(origin),
            ..own_limits(config, self.config)
        };
        Ok(Some(Arc::new(WithOwnLimits::new(Arc::new(spared), limits))))
    }
}

/// The model of `config` without anything around it; `None` for the built-in one.
pub fn alone(config: &LlmConfig) -> Result<Option<Arc<dyn ChatModel>>, SetupError> {
    Ok(provider(config)?.map(|server| server.model))
}

/// What one model allows that differs from the main one.
fn own_limits(config: &LlmConfig, main: &LlmConfig) -> OwnLimits {
    let (usual, own) = (main.system_prompt(), config.system_prompt());
    let steps = config.max_tool_iterations.get() as usize;
    OwnLimits {
        context_tokens: config.context_tokens.get() as usize,
        answer_tokens: config.max_new_tokens.map(|most| most.get() as usize),
        prompt: (usual != own).then(|| (usual.to_owned(), own.to_owned())),
        pdfs: pdfs(config),
        max_steps: (config.max_tool_iterations < main.max_tool_iterations).then_some(steps),
        origin: None,
    }
}

/// A model, and whose replies it takes back in their own form.
struct Server {
    model: Arc<dyn ChatModel>,
    origin: String,
}

impl From<OpenAiModel> for Server {
    fn from(model: OpenAiModel) -> Self {
        Self {
            origin: model.origin(),
            model: Arc::new(model),
        }
    }
}

impl From<ResponsesModel> for Server {
    fn from(model: ResponsesModel) -> Self {
        Self {
            origin: model.origin(),
            model: Arc::new(model),
        }
    }
}

fn provider(config: &LlmConfig) -> Result<Option<Server>, SetupError> {
    Ok(Some(match config.provider {
        Provider::Builtin => return Ok(None),
        Provider::OpenAi => OpenAiModel::new(server(config, "openai", OPENAI))?.into(),
        Provider::OpenAiResponses => {
            let server = server(config, "openai_responses", OPENAI);
            ResponsesModel::new(server)?.into()
        }
        Provider::OpenRouter => {
            let server = server(config, "openrouter", OPENROUTER);
            openrouter::model(server, &config.openrouter)?.into()
        }
    }))
}

fn pdfs(config: &LlmConfig) -> Pdfs {
    match config.pdf_as {
        PdfAs::File => Pdfs::AsFiles,
        PdfAs::Text => Pdfs::AsText,
    }
}

/// The tokens that a request may have by the settings of a model alone.
pub(super) fn request_room(config: &LlmConfig) -> usize {
    own_limits(config, config).request_tokens()
}

/// Where the API of `[llm]` lies, or that of OpenAI.
pub(super) fn base_url(config: &LlmConfig) -> HttpUrl {
    let own_url = || HttpUrl::parse(OPENAI).expect("a constant that parses");
    config.base_url.clone().unwrap_or_else(own_url)
}

fn server(config: &LlmConfig, provider_name: &str, own_url: &str) -> ServerSettings {
    let own_url = || HttpUrl::parse(own_url).expect("a constant that parses");
    ServerSettings {
        provider_name: provider_name.into(),
        base_url: config.base_url.clone().unwrap_or_else(own_url),
        api_key: config.api_key.clone(),
        model: config.model.clone(),
        request_timeout: config.request_timeout_seconds.get(),
        stall_timeout: config.stall_timeout_seconds.get(),
        temperature: config.temperature,
        max_new_tokens: config.max_new_tokens,
        reasoning_effort: config.reasoning_effort.clone(),
        top_p: config.top_p,
        pdfs: pdfs(config),
        strict_tools: StrictTools::WhereKnown,
    }
}
