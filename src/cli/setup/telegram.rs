//! The bot's token, tried with `getMe`, and its owner, who shows themselves by writing `/start`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::Options;
use super::file::{Secret, TelegramAnswers};
use super::person::Person;
use crate::adapters::telegram::{ApiClient, ApiError};
use crate::cli::say;
use crate::core::http_url::HttpUrl;
use crate::wiring::settings::is_token;

const API_URL: &str = "https://api.telegram.org";

/// One long poll.
const POLL_SECONDS: u64 = 20;

/// How long the owner's `/start` is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// Asks for the bot and its owner; `None` when there is to be no Telegram.
pub(super) fn ask(
    person: &Person,
    options: &Options,
    runtime: &Runtime,
) -> anyhow::Result<Option<TelegramAnswers>> {
    if options.no_telegram {
        return Ok(None);
    }
    let api_url = match &options.api_url {
        Some(url) => url.clone(),
        None => HttpUrl::parse(API_URL).expect("a constant that parses"),
    };
    let Some((token, client, name)) = bot(person, options, &api_url, runtime)? else {
        return Ok(None);
    };
    say(&format!("✓ The token is that of @{name}."));
    let owner = match options.user_id {
        Some(id) if id > 0 => id,
        Some(_) => bail!("--user-id is a positive number; /whoami of the bot shows yours"),
        None => runtime.block_on(owner(person, &client, &name))?,
    };
    Ok(Some(TelegramAnswers {
        name,
        token,
        owner,
        api_url: options.api_url.clone(),
    }))
}

type Bot = (Secret, ApiClient, String);

/// The token, until Telegram knows it.
fn bot(
    person: &Person,
    options: &Options,
    api_url: &HttpUrl,
    runtime: &Runtime,
) -> anyhow::Result<Option<Bot>> {
    if let Some(path) = &options.bot_token_file {
        let token = secret_of_file(path)?;
        let (client, name) = runtime
            .block_on(try_token(api_url, &token))
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))?;
        return Ok(Some((Secret::in_file(path)?, client, name)));
    }
    say(
        "Make a bot: write /newbot to @BotFather in Telegram. Without one, press Enter: the terminal works all the same.",
    );
    loop {
        let token = person.secret("The bot's token", "--bot-token-file, or --no-telegram")?;
        if token.is_empty() {
            return Ok(None);
        }
        match runtime.block_on(try_token(api_url, &SecretString::from(token.clone()))) {
            Ok((client, name)) => return Ok(Some((Secret::Here(token.into()), client, name))),
            Err(problem) => say(&format!("✗ {problem}")),
        }
    }
}

fn secret_of_file(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// The client and the bot's user name, or what is wrong with the token.
async fn try_token(api_url: &HttpUrl, token: &SecretString) -> Result<(ApiClient, String), String> {
    if !is_token(token.expose_secret()) {
        return Err(
            "this is not a token as @BotFather gives them (digits, a colon, letters)".to_owned(),
        );
    }
    let client = ApiClient::new(api_url, token).map_err(|error| error.to_string())?;
    match client.call("getMe", &json!({})).await {
        Ok(bot) => {
            let name = bot["username"].as_str().unwrap_or("the bot").to_owned();
            Ok((client, name))
        }
        Err(ApiError::Refused(refusal)) if matches!(refusal.code, 401 | 404) => {
            Err("Telegram does not know this token; copy it from @BotFather once more".to_owned())
        }
        Err(error) => Err(format!("Telegram was asked, and: {error}")),
    }
}

/// Waits for `/start` and asks whether that was the owner: anybody can write to a bot.
async fn owner(person: &Person, client: &ApiClient, name: &str) -> anyhow::Result<i64> {
    if *person == Person::Absent {
        bail!("there is no terminal to ask on; give --user-id");
    }
    say(&format!(
        "Now write /start to @{name} in Telegram. I wait for it."
    ));
    let mut offset = 0;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        for update in updates(client, offset).await? {
            if let Some(found) = start_of(&update) {
                let question = format!("Is this you: {} (id {})?", found.shown, found.id);
                if person.agrees(&question, "--user-id")? {
                    // It is not confirmed: the bot greets its owner at its first start.
                    return Ok(found.id);
                }
            }
            let id = update["update_id"].as_i64().unwrap_or(offset);
            offset = offset.max(id.saturating_add(1));
        }
    }
    bail!("no /start came within ten minutes; try again, or give --user-id");
}

async fn updates(client: &ApiClient, offset: i64) -> anyhow::Result<Vec<Value>> {
    let mut body = json!({ "timeout": POLL_SECONDS, "allowed_updates": ["message"] });
    if offset > 0 {
        body["offset"] = json!(offset);
    }
    let limit = Duration::from_secs(POLL_SECONDS + 10);
    match client.call_within("getUpdates", &body, limit).await {
        Ok(Value::Array(updates)) => Ok(updates),
        Ok(_) => bail!("Telegram answered getUpdates with something else than a list"),
        Err(ApiError::Refused(refusal)) if refusal.code == 409 => bail!(
            "another program fetches this bot's messages, or a webhook is set; stop it, or give --user-id"
        ),
        Err(error) => Err(error).context("messages could not be fetched; try again"),
    }
}

struct Starter {
    id: i64,
    shown: String,
}

/// Who wrote `/start` in a private chat.
fn start_of(update: &Value) -> Option<Starter> {
    let message = &update["message"];
    let words = message["text"].as_str()?.split_whitespace().next()?;
    if words != "/start" || message["chat"]["type"] != "private" {
        return None;
    }
    let from = &message["from"];
    let part = |key: &str| from[key].as_str().unwrap_or_default();
    let user_name = from["username"].as_str().map(|name| format!(", @{name}"));
    let shown = format!(
        "{} {}{}",
        part("first_name"),
        part("last_name"),
        user_name.unwrap_or_default()
    );
    Some(Starter {
        id: from["id"].as_i64()?,
        shown: crate::cli::printable(&shown).replace(" ,", ","),
    })
}
