//! What models may cost, from the settings.

use std::sync::Arc;

use super::Ports;
use super::settings::Settings;
use crate::adapters::{console, telegram};
use crate::app::channels::Channels;
use crate::app::signals::Signals;
use crate::app::spending::{Spending, SpendingPorts, SpendingSettings};
use crate::core::budget::BudgetLimits;
use crate::core::channel::ChatTarget;
use crate::core::ids::{ChannelName, ChatId, UserId};
use crate::core::money::{MicroUsd, Price, PriceList};
use crate::llm::config::{BudgetConfig, LlmConfig, PriceConfig};

/// The spending of this process.
pub fn build(
    settings: &Settings,
    ports: &Ports,
    channels: &Channels,
    signals: &Arc<Signals>,
) -> Arc<Spending> {
    Spending::new(
        SpendingSettings {
            prices: prices(&settings.llm),
            limits: limits(&settings.llm.budget),
            zone: settings.runtime.timezone,
            owner: owner_chat(settings, channels),
        },
        SpendingPorts {
            usage: ports.usage.clone(),
            outbox: ports.outbox.clone(),
            signals: signals.clone(),
            clock: ports.clock.clone(),
        },
    )
}

/// The limits as set.
pub fn limits(budget: &BudgetConfig) -> BudgetLimits {
    BudgetLimits {
        daily: budget.daily_usd.and_then(MicroUsd::from_usd),
        monthly: budget.monthly_usd.and_then(MicroUsd::from_usd),
        warn_per_mille: (budget.warn_at.clamp(0.0, 1.0) * 1000.0).round() as u32,
    }
}

fn prices(llm: &LlmConfig) -> PriceList {
    let price = |price: &PriceConfig| {
        Some(Price {
            input: MicroUsd::from_usd(price.input)?,
            cached_input: MicroUsd::from_usd(price.cached_input.unwrap_or(price.input))?,
            output: MicroUsd::from_usd(price.output)?,
        })
    };
    llm.prices
        .iter()
        .filter_map(|(model, config)| Some((model.clone(), price(config)?)))
        .collect()
}

/// Whose bot this is: the owner in Telegram, and whoever sits at the terminal.
pub(super) fn owners(settings: &Settings) -> Vec<(ChannelName, UserId)> {
    let in_telegram = settings.owner_user_id().map(|id| {
        let channel = ChannelName::new(telegram::CHANNEL);
        (channel, UserId::new(id.to_string()))
    });
    let at_terminal = console::target().channel;
    let at_terminal = (at_terminal, console::person("").user);
    in_telegram.into_iter().chain([at_terminal]).collect()
}

/// Where the owner is told something: in Telegram when it runs here, else in the terminal.
fn owner_chat(settings: &Settings, channels: &Channels) -> Option<ChatTarget> {
    let in_telegram = settings.owner_user_id().map(|id| ChatTarget {
        channel: ChannelName::new(telegram::CHANNEL),
        // The id of a private chat is that of the person.
        chat: ChatId::new(id.to_string()),
        thread: None,
    });
    let places = in_telegram.into_iter().chain([console::target()]);
    places
        .into_iter()
        .find(|place| channels.of(place).is_some())
}
