//! Rules over `[llm]` and its profiles.

use std::collections::BTreeSet;

use super::Settings;
use super::checks::positive;
use crate::adapters::config::Finding;
use crate::core::model::estimated_tokens;
use crate::core::money::{MicroUsd, price_names};
use crate::llm::config::{LlmConfig, Provider};
use crate::wiring::model::request_room;
use crate::wiring::spending::limits;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let (llm, runs) = (&settings.llm, &settings.scheduler.prompts.profile);
    let mut findings = Vec::new();
    if llm.provider == Provider::Builtin {
        unused_model(llm, &mut findings);
    }
    model("llm", llm, &mut findings);
    for name in llm.profiles.keys() {
        if let Some(profile) = llm.profile(name) {
            model(&format!("llm.profiles.{name}"), &profile, &mut findings);
        }
    }
    known("llm.fallbacks", &llm.fallbacks, llm, &mut findings);
    known("scheduler.prompts.profile", runs, llm, &mut findings);
    for (name, profile) in &llm.profiles {
        let key = format!("llm.profiles.{name}.fallbacks");
        known(&key, &profile.fallbacks, llm, &mut findings);
    }
    rooms(settings, &mut findings);
    money(llm, &mut findings);
    unpriced_models(settings, &mut findings);
    findings
}

fn unused_model(llm: &LlmConfig, findings: &mut Vec<Finding>) {
    let given = [
        ("llm.model", !llm.model.is_empty()),
        ("llm.api_key", llm.api_key.is_some()),
        ("llm.base_url", llm.base_url.is_some()),
    ];
    if let Some((key, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        findings.push(Finding::warning(
            [key, "llm.provider"],
            format!("{key} is not used while llm.provider is \"builtin\""),
        ));
    }
}

/// One model: `[llm]` itself or a profile.
fn model(section: &str, llm: &LlmConfig, findings: &mut Vec<Finding>) {
    let key = |name: &str| format!("{section}.{name}");
    if llm.provider != Provider::Builtin {
        if llm.model.trim().is_empty() {
            findings.push(Finding::problem(
                [key("model"), key("provider")],
                format!("{section}.model is missing; this provider needs the name of a model"),
            ));
        }
        match (&llm.api_key, &llm.base_url) {
            (None, None) => findings.push(Finding::problem(
                [
                    key("api_key"),
                    key("provider"),
                    key("base_url"),
                    "llm.api_key".to_owned(),
                    "llm.base_url".to_owned(),
                ],
                format!("{section}.api_key is missing (only a server of your own, named in base_url, may need none)"),
            )),
            (Some(_), Some(url)) if !url.is_https() && !url.is_loopback() => {
                findings.push(Finding::warning(
                    [key("base_url")],
                    format!("{section}.base_url is not https: the key and the conversation travel unencrypted"),
                ));
            }
            _ => {}
        }
    }
    let ranges = [
        ("temperature", llm.temperature, 2.0),
        ("top_p", llm.top_p, 1.0),
    ];
    for (name, value, most) in ranges {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            findings.push(Finding::problem(
                [key(name)],
                format!("{section}.{name}: expected a number from 0 to {most}"),
            ));
        }
    }
    positive(
        &[
            (&key("request_timeout_seconds"), llm.request_timeout_seconds),
            (&key("stall_timeout_seconds"), llm.stall_timeout_seconds),
        ],
        findings,
    );
}

/// Names of profiles.
fn known<'a>(
    key: &str,
    names: impl IntoIterator<Item = &'a String>,
    llm: &LlmConfig,
    findings: &mut Vec<Finding>,
) {
    for name in names {
        if !llm.profiles.contains_key(name) {
            findings.push(Finding::problem(
                [key.to_owned(), format!("llm.profiles.{name}")],
                format!("{key}: there is no [llm.profiles.{name:.40}]"),
            ));
        }
    }
}

/// What the tools that are always there say of themselves, in tokens as they are guessed.
const USUAL_TOOLS: usize = 2_600;

/// What is left for what a person says, and what was said before.
const CONVERSATION: usize = 1_000;

/// Each model that may be asked must have room for more than its prompt.
fn rooms(settings: &Settings, findings: &mut Vec<Finding>) {
    let tools = USUAL_TOOLS + more_tools(settings);
    for (section, used) in used(settings) {
        if used.provider == Provider::Builtin {
            continue;
        }
        let needed = estimated_tokens(used.system_prompt()) + tools + CONVERSATION;
        let room = request_room(&used);
        if room >= needed {
            continue;
        }
        let keys = ["context_tokens", "max_new_tokens"].map(|key| format!("{section}.{key}"));
        let window = used.context_tokens;
        let (answer, enough) = match used.max_new_tokens {
            Some(most) => {
                let most = most.get() as usize;
                (format!("max_new_tokens = {most}"), needed + most)
            }
            None => ("the answer's quarter".to_owned(), needed * 4 / 3 + 1),
        };
        findings.push(Finding::problem(
            keys,
            format!(
                "{section}.context_tokens: {window} less {answer} leaves {room} tokens for a request, and the prompt, \
                 the tools and a short conversation need {needed}; it takes {enough}, or fewer tools"
            ),
        ));
    }
}

/// The same of those that are switched on.
fn more_tools(settings: &Settings) -> usize {
    let tools = &settings.tools;
    [
        (tools.file_storage.enabled, 1_700),
        (tools.http_client.enabled, 600),
        (tools.browser.enabled, 2_500),
        (tools.python_exec.enabled, 500),
        (tools.bash.enabled, 400),
    ]
    .into_iter()
    .filter_map(|(enabled, tokens)| enabled.then_some(tokens))
    .sum()
}

/// The models that may be asked, each with its section; names that lead nowhere are told elsewhere.
fn used(settings: &Settings) -> Vec<(String, LlmConfig)> {
    let (llm, runs) = (&settings.llm, &settings.scheduler.prompts.profile);
    let mut names: BTreeSet<&String> = llm.fallbacks.iter().chain(runs).collect();
    let of_runs = runs.as_ref().and_then(|name| llm.profiles.get(name));
    names.extend(of_runs.iter().flat_map(|profile| &profile.fallbacks));
    let profiles = names.into_iter().filter_map(|name| {
        let profile = llm.profile(name)?;
        Some((format!("llm.profiles.{name}"), profile))
    });
    std::iter::once(("llm".to_owned(), llm.clone()))
        .chain(profiles)
        .collect()
}

fn money(llm: &LlmConfig, findings: &mut Vec<Finding>) {
    let budget = &llm.budget;
    for (key, limit) in [
        ("llm.budget.daily_usd", budget.daily_usd),
        ("llm.budget.monthly_usd", budget.monthly_usd),
    ] {
        if limit.is_some_and(|limit| !is_amount(limit)) {
            findings.push(Finding::problem(
                [key],
                format!("{key}: expected an amount in US dollars, from 0 to a million"),
            ));
        }
    }
    if !(0.0..=1.0).contains(&budget.warn_at) {
        findings.push(Finding::problem(
            ["llm.budget.warn_at"],
            "llm.budget.warn_at: expected a number from 0 to 1",
        ));
    }
    for (model, price) in &llm.prices {
        let amounts = [Some(price.input), price.cached_input, Some(price.output)];
        if !amounts.into_iter().flatten().all(is_amount) {
            findings.push(Finding::problem(
                [format!("llm.prices.{model}")],
                format!("llm.prices.{model}: expected US dollars per million tokens, from 0 to a million"),
            ));
        }
    }
}

fn is_amount(amount: f64) -> bool {
    MicroUsd::from_usd(amount).is_some()
}

/// What has no price costs nothing as far as the budget knows, but for what OpenRouter says that a
/// call has cost: beforehand, and when a call breaks off, it says nothing.
fn unpriced_models(settings: &Settings, findings: &mut Vec<Finding>) {
    let llm = &settings.llm;
    if limits(&llm.budget).are_none() {
        return;
    }
    let has_price = |model: &str| {
        price_names(model)
            .iter()
            .any(|name| llm.prices.contains_key(*name))
    };
    let mut told = BTreeSet::new();
    for (section, used) in used(settings) {
        let model = &used.model;
        if used.provider != Provider::Builtin && !has_price(model) {
            let key = format!("{section}.model");
            findings.push(Finding::warning(
                [key.as_str(), "llm.budget"],
                format!("{key}: llm.budget does not limit {model:.60}, which has no price in [llm.prices]"),
            ));
        }
        for model in used.stand_ins() {
            if has_price(model) || !told.insert(model.clone()) {
                continue;
            }
            let key = format!("{section}.openrouter.models");
            findings.push(Finding::warning(
                [key.as_str(), "llm.openrouter.models", "llm.budget"],
                format!(
                    "{key}: llm.budget does not know what a call of {model:.60} has cost that breaks off, as it has no \
                     price in [llm.prices]"
                ),
            ));
        }
    }
}
