//! What models may cost, from the settings.

use std::sync::Arc;

use super::settings::Settings;
use super::{Ports, model};
use crate::adapters::{console, telegram};
use crate::app::channels::Channels;
use crate::app::signals::Signals;
use crate::app::spending::{Spending, SpendingPorts, SpendingSettings};
use crate::core::budget::BudgetLimits;
use crate::core::channel::ChatTarget;
use crate::core::ids::{ChannelName, ChatId, UserId};
use crate::core::money::{MicroUsd, Price, PriceList};
use crate::llm::config::{BudgetConfig, PriceConfig};

/// The spending of this process.
pub fn build(
    settings: &Settings,
    ports: &Ports,
    channels: &Channels,
    signals: &Arc<Signals>,
) -> Arc<Spending> {
    Spending::new(
        SpendingSettings {
            prices: prices(settings),
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

fn prices(settings: &Settings) -> PriceList {
    let price = |price: &PriceConfig| {
        Some(Price {
            input: MicroUsd::from_usd(price.input)?,
            cached_input: MicroUsd::from_usd(price.cached_input.unwrap_or(price.input))?,
            output: MicroUsd::from_usd(price.output)?,
        })
    };
    let prices = settings.llm.prices.iter();
    let prices: PriceList = prices
        .filter_map(|(model, config)| Some((model.clone(), price(config)?)))
        .collect();
    prices.with_unpriced(model::used(settings).flat_map(|model| model.stand_ins().to_vec()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::config::{LlmConfig, Provider};

    #[test]
    fn a_stand_in_without_a_price_does_not_cost_what_the_first_one_costs() {
        let price = PriceConfig {
            input: 1.0,
            cached_input: None,
            output: 2.0,
        };
        let mut llm = LlmConfig {
            provider: Provider::OpenRouter,
            model: "cheap".to_owned(),
            prices: [("cheap".to_owned(), price)].into(),
            ..LlmConfig::default()
        };
        llm.openrouter.models = vec!["cheap".to_owned(), "dear".to_owned()];
        let prices_of = |llm: &LlmConfig| {
            prices(&Settings {
                llm: llm.clone(),
                ..Settings::default()
            })
        };
        let routed = prices_of(&llm);
        assert!(routed.find("cheap", "cheap").is_some());
        assert_eq!(routed.find("dear", "cheap"), None);
        // Another server knows nothing of them, and calls its model as it likes.
        llm.provider = Provider::OpenAi;
        assert!(prices_of(&llm).find("dear", "cheap").is_some());
    }
}
