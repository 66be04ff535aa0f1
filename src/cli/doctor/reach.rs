//! What lies outside: Telegram, the models and what listens, each asked once.

use std::collections::BTreeSet;
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
use crate::core::media::{InMemory, Recording, Transcriber};
use crate::core::model::ModelErrorKind;
use crate::llm::config::LlmConfig;
use crate::wiring::settings::Settings;
use crate::wiring::{media, model};

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

/// The models that a turn may come to, each asked once.
pub(super) async fn models(settings: &Settings) -> Vec<Row> {
    let (llm, runs) = (&settings.llm, &settings.scheduler.prompts.profile);
    let of_runs = runs.iter().filter_map(|name| llm.profiles.get(name));
    let of_runs = of_runs.flat_map(|profile| &profile.fallbacks);
    let fallbacks = llm.fallbacks.iter().map(|name| ("fallback model", name));
    let named = fallbacks
        .chain(runs.iter().map(|name| ("model of scheduled jobs", name)))
        .chain(of_runs.map(|name| ("fallback model of scheduled jobs", name)));
    let mut rows = vec![Row::new("model", asked(llm).await)];
    let mut known = BTreeSet::new();
    for (what, name) in named {
        let profile = llm.profile(name).filter(|_| known.insert(name));
        if let Some(profile) = profile {
            rows.push(Row::new(what, asked(&profile).await));
        }
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

/// Whether voice messages are listened to; `None` where that is switched off.
pub(super) async fn transcription(settings: &Settings) -> Option<Found> {
    let name = &settings.tools.audio_transcription.model;
    let listener = match media::listener(settings) {
        Ok(listener) => listener?,
        Err(error) => {
            let fix = "mend [tools.audio_transcription]";
            return Some(Found::broken(error.to_string(), fix));
        }
    };
    let recording = Recording {
        content: InMemory::holding(silence()),
        name: "silence.wav".to_owned(),
    };
    let fix =
        "check [tools.audio_transcription], which without a base_url goes to the server of [llm]";
    let listened = tokio::time::timeout(PATIENCE, listener.transcribe(&recording)).await;
    Some(match listened.map(|listened| listened.words) {
        Ok(Ok(_)) => Found::Well(format!(
            "{name} listens; it was given half a second of silence"
        )),
        Ok(Err(error)) => Found::broken(format!("{name} does not listen: {error}"), fix),
        Err(_) => Found::broken(
            format!("{name} did not answer in {} s", PATIENCE.as_secs()),
            fix,
        ),
    })
}

/// Half a second of it as a WAV file, 16,000 samples of two bytes a second. OpenAI's server refuses
/// what is shorter than a tenth.
fn silence() -> Vec<u8> {
    const SAMPLES: u32 = 8_000;
    const RATE: u32 = 16_000;
    let length = SAMPLES * 2;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Plain samples, of one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    // Two bytes together, 16 bits each.
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.resize(file.len() + length as usize, 0);
    file
}
