//! The model, tried with one real question.

use std::path::Path;

use anyhow::bail;
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;

use super::Options;
use super::file::{ModelAnswers, Secret};
use super::person::Person;
use crate::adapters::config::{Environment, Text, load_text};
use crate::cli::say;
use crate::core::http_url::HttpUrl;
use crate::core::model::{ChatModel, ModelError, ModelErrorKind, ModelRequest, ReplySink};
use crate::core::tool::{SchemaStrictness, ToolSpec};
use crate::core::usage::UsageEntry;
use crate::wiring::model;
use crate::wiring::settings::{RULES, Settings};

const PROVIDERS: [(&str, &str); 5] = [
    ("openai", "OpenAI"),
    ("openai_responses", "OpenAI, the Responses API"),
    ("openrouter", "OpenRouter"),
    (
        "openai",
        "another server that speaks OpenAI's API (Ollama, vLLM, Groq, …)",
    ),
    ("builtin", "none: the offline grammar"),
];

/// Which of them has no address of its own.
const OTHER_SERVER: usize = 3;

/// Asks for the model until it answers, or until the person wants it all the same.
pub(super) fn ask(
    person: &Person,
    options: &Options,
    runtime: &Runtime,
) -> anyhow::Result<ModelAnswers> {
    if let Some(provider) = &options.provider {
        let answers = given(provider, options)?;
        try_it(&answers, runtime).map_err(|problem| anyhow::anyhow!("the model: {problem}"))?;
        return Ok(answers);
    }
    loop {
        let Some(answers) = asked(person)? else {
            return Ok(ModelAnswers::builtin());
        };
        match try_it(&answers, runtime) {
            Ok(()) => return Ok(answers),
            Err(problem) => say(&format!("✗ {problem}")),
        }
        if !person.agrees("Enter it anew?", "--provider")? {
            return Ok(answers);
        }
    }
}

fn given(provider: &str, options: &Options) -> anyhow::Result<ModelAnswers> {
    if !PROVIDERS.iter().any(|(name, _)| *name == provider) {
        bail!("--provider: {provider:?} is none of builtin, openai, openai_responses, openrouter");
    }
    if provider != "builtin" && options.model.is_none() {
        bail!("--provider {provider} needs --model");
    }
    let api_key = options.api_key_file.as_deref();
    Ok(ModelAnswers {
        provider: provider.to_owned(),
        base_url: options.base_url.clone(),
        api_key: api_key.map(Secret::in_file).transpose()?,
        model: options.model.clone().unwrap_or_default(),
    })
}

fn asked(person: &Person) -> anyhow::Result<Option<ModelAnswers>> {
    let labels = PROVIDERS.map(|(_, label)| label);
    let chosen = person.choice("Which model answers?", &labels, "--provider")?;
    let (provider, _) = PROVIDERS[chosen];
    if provider == "builtin" {
        return Ok(None);
    }
    let (base_url, key) = if chosen == OTHER_SERVER {
        let url = address(person)?;
        let key = person.secret("Its API key (empty: none)", "--api-key-file")?;
        (Some(url), key)
    } else {
        (None, needed_key(person)?)
    };
    let model = person.text("The model's name", "", "--model")?;
    Ok(Some(ModelAnswers {
        provider: provider.to_owned(),
        base_url,
        api_key: (!key.is_empty()).then(|| Secret::Here(SecretString::from(key))),
        model,
    }))
}

/// The key of a provider that answers nobody without one.
fn needed_key(person: &Person) -> anyhow::Result<String> {
    loop {
        let key = person.secret("Its API key", "--api-key-file")?;
        if !key.is_empty() {
            return Ok(key);
        }
        say("✗ This provider needs a key: its website gives one. Ctrl-C leaves setup.");
    }
}

fn address(person: &Person) -> anyhow::Result<HttpUrl> {
    loop {
        let url = person.text("Its address", "http://localhost:11434/v1", "--base-url")?;
        match HttpUrl::parse(&url) {
            Ok(url) => return Ok(url),
            Err(problem) => say(&format!("✗ {problem}")),
        }
    }
}

/// One question. The words are for the person.
fn try_it(answers: &ModelAnswers, runtime: &Runtime) -> Result<(), String> {
    let text = Text {
        label: "the answers",
        content: &answers.to_toml(),
        base_dir: Path::new("."),
    };
    let loaded = load_text::<Settings>(&text, &Environment::of_process(), &RULES);
    let settings = loaded.map_err(|problems| problems.to_string())?.settings;
    let built = model::alone(&settings.llm).map_err(|error| error.to_string())?;
    let Some(model) = built else {
        return Ok(());
    };
    say("Asking the model …");
    let answer = runtime.block_on(one_question(model.as_ref()));
    let words = answer.map_err(|error| match error.kind {
        ModelErrorKind::BadRequest { .. } => {
            let detail = &error.detail;
            format!("the model does not answer as each turn asks it: {detail}\n  {CALLS_TOOLS}")
        }
        _ => format!("the model does not answer: {error}"),
    })?;
    say(&format!("✓ {} answers: {words}", model.describe()));
    Ok(())
}

/// What a person is told whose server takes no such request.
pub(in crate::cli) const CALLS_TOOLS: &str = "it must be a model that can call tools, on a server that lets it (vLLM: --enable-auto-tool-choice)";

/// Asks for one word; what comes back is fit to be shown. A tool goes along as in each turn: there are
/// servers that answer without, and refuse every request that has some.
pub(in crate::cli) async fn one_question(model: &dyn ChatModel) -> Result<String, ModelError> {
    let request = ModelRequest {
        system: "You are asked whether you can be reached.".to_owned(),
        user: "Say OK.".to_owned(),
        tools: vec![a_tool()],
        cache_key: "minibot-setup".to_owned(),
        ..ModelRequest::default()
    };
    let reply = model.reply(&request, &Unheard).await?;
    let words = match reply.text.trim() {
        "" if !reply.calls.is_empty() => "(with a call of the tool)",
        words => words,
    };
    Ok(crate::cli::printable(words).chars().take(60).collect())
}

/// One that nobody needs in order to say OK, and that is never run.
fn a_tool() -> ToolSpec {
    ToolSpec {
        name: "time_in",
        description: "Tells the time in a place.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "place": { "type": "string" } },
            "required": ["place"],
            "additionalProperties": false,
        }),
        schema: SchemaStrictness::Strict,
    }
}

/// Nobody watches the answer grow.
struct Unheard;

impl ReplySink for Unheard {
    fn push(&self, _: &str) {}

    fn restart(&self) {}

    fn lost(&self, _: Vec<UsageEntry>) {}
}
