//! What lies outside: Telegram and the models, each asked once.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Found, Row};
use crate::adapters::sqlite::DatabaseLock;
use crate::adapters::system::SystemClock;
use crate::adapters::telegram::config::UpdateMode;
use crate::adapters::telegram::{ApiClient, ApiError};
use crate::cli::setup::{CALLS_TOOLS, one_question};
use crate::core::clock::Clock;
use crate::core::http_url::HttpUrl;
use crate::core::model::ModelErrorKind;
use crate::llm::config::LlmConfig;
use crate::wiring::model;
use crate::wiring::settings::Settings;

/// Longer than this nobody waits for a table.
const PATIENCE: Duration = Duration::from_secs(30);

/// Telegram tries again within this time.
const RECENT: Duration = Duration::from_secs(15 * 60);

pub(super) async fn telegram(settings: &Settings) -> Found {
    let config = &settings.channels.telegram;
    let Some(token) = &config.bot_token else {
        return Found::broken(
            "no token",
            "set channels.telegram.bot_token, or run minibot setup",
        );
    };
    match get_me(&config.api_url, token).await {
        Ok(name) => Found::Well(format!("@{name}")),
        Err(ApiError::Refused(refusal)) if matches!(refusal.code, 401 | 404) => Found::broken(
            "the token is not accepted",
            "copy it from @BotFather once more into channels.telegram.bot_token",
        ),
        Err(error) => Found::broken(
            format!("not reached: {error}"),
            "check the network and channels.telegram.api_url",
        ),
    }
}

async fn get_me(api_url: &HttpUrl, token: &SecretString) -> Result<String, ApiError> {
    let bot = ApiClient::new(api_url, token)?
        .call("getMe", &json!({}))
        .await?;
    Ok(bot["username"].as_str().unwrap_or("the bot").to_owned())
}

/// Whether Telegram knows the webhook of the running bot and gets through to it. `None` with long polling, where no bot runs that would have
/// set it, and where Telegram does not answer, which is told elsewhere.
pub(super) async fn webhook(settings: &Settings) -> Option<Found> {
    let config = &settings.channels.telegram;
    let (token, url) = (config.bot_token.as_ref()?, config.webhook_url.as_ref()?);
    if config.mode != UpdateMode::Webhook || DatabaseLock::holder(&settings.database()).is_none() {
        return None;
    }
    let api = ApiClient::new(&config.api_url, token).ok()?;
    let info = api.call("getWebhookInfo", &json!({})).await.ok()?;
    Some(of_webhook(&info, url))
}

/// What the answer to getWebhookInfo means (Bot API, WebhookInfo).
fn of_webhook(info: &Value, url: &HttpUrl) -> Found {
    let known = info["url"].as_str().unwrap_or_default();
    if known != url.as_url().as_str() {
        let known = if known.is_empty() {
            "none"
        } else {
            "another one"
        };
        return Found::broken(
            format!("Telegram was told {known}"),
            "look at the log for why setWebhook fails, and end other programs that use this token",
        );
    }
    let waiting = info["pending_update_count"].as_u64().unwrap_or_default();
    let failed_at = info["last_error_date"].as_i64().unwrap_or_default();
    let is_recent = SystemClock.now().timestamp() - failed_at < RECENT.as_secs().cast_signed();
    match info["last_error_message"].as_str() {
        // The last error stays when all is well again.
        Some(error) if waiting > 0 && is_recent => Found::broken(
            format!("Telegram does not get through ({waiting} waiting): {error}"),
            "check channels.telegram.webhook_url and the proxy in front of channels.telegram.webhook_listen",
        ),
        _ => Found::Well("Telegram knows it".to_owned()),
    }
}

/// The model and those that stand in for it.
pub(super) async fn models(settings: &Settings) -> Vec<Row> {
    let llm = &settings.llm;
    let mut rows = vec![Row::new("model", asked(llm).await)];
    for name in &llm.fallbacks {
        if let Some(profile) = llm.profile(name) {
            rows.push(Row::new("fallback model", asked(&profile).await));
        }
    }
    let of_runs = settings.scheduler.prompts.profile.as_ref();
    if let Some(profile) = of_runs.and_then(|name| llm.profile(name)) {
        rows.push(Row::new("model of scheduled jobs", asked(&profile).await));
    }
    rows
}

async fn asked(config: &LlmConfig) -> Found {
    let model = match model::alone(config) {
        Ok(Some(model)) => model,
        Ok(None) => {
            return Found::Well("the offline grammar; \"minibot setup\" adds a model".to_owned());
        }
        Err(error) => return Found::broken(error.to_string(), "mend [llm]"),
    };
    let name = model.describe();
    match tokio::time::timeout(PATIENCE, one_question(model.as_ref())).await {
        Ok(Ok(_)) => Found::Well(format!("{name} answers")),
        Ok(Err(error)) => match error.kind {
            // Only the server's own words tell what it does not take.
            ModelErrorKind::BadRequest { .. } => Found::broken(
                format!(
                    "{name} does not answer as each turn asks it: {}",
                    error.detail
                ),
                format!("check llm.base_url and llm.model: {CALLS_TOOLS}"),
            ),
            kind => Found::broken(
                format!("{name} does not answer: {}", kind.summary()),
                "check llm.base_url, llm.model and llm.api_key",
            ),
        },
        Err(_) => Found::broken(
            format!("{name} did not answer in {} s", PATIENCE.as_secs()),
            "check llm.base_url, or whether its server is loaded",
        ),
    }
}
