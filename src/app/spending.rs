//! Spending: each call of a model is held against the budget before it is made, and entered when it
//! is done. A model is metered by wrapping it.

mod hold;
mod listening;
mod metered;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::listening::MeteredTranscriber;
use self::metered::Metered;
use super::signals::Signals;
use super::store_trouble;
use crate::core::budget::{BudgetAccount, BudgetLimits, BudgetWarning, PeriodTotals, beginnings};
use crate::core::card::ButtonData;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::markup::FormattedText;
use crate::core::media::Transcriber;
use crate::core::model::ChatModel;
use crate::core::money::{MicroUsd, PriceList};
use crate::core::outbox::{Button, NewOutbox, OutboxStore, Outgoing};
use crate::core::usage::{CallPurpose, ModelUsage, TokenUsage, UsageEntry, UsageStore};
use crate::core::usage_report::UsageReport;

/// How long it rests when calls cannot be booked.
const REST: Duration = Duration::from_secs(1);

/// Settings of the spending.
#[derive(Debug, Clone)]
pub struct SpendingSettings {
    /// What models cost.
    pub prices: PriceList,
    /// What may be spent.
    pub limits: BudgetLimits,
    /// The person's zone: when days and months begin.
    pub zone: Tz,
    /// Where the owner is warned.
    pub owner: Option<ChatTarget>,
}

/// Where spending is written down, and who is told.
#[derive(Debug, Clone)]
pub struct SpendingPorts {
    /// The rows.
    pub usage: Arc<dyn UsageStore>,
    /// Warnings.
    pub outbox: Arc<dyn OutboxStore>,
    /// Rings for them.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What is spent, over all models.
#[derive(Debug)]
pub struct Spending {
    settings: SpendingSettings,
    ports: SpendingPorts,
    account: Mutex<BudgetAccount>,
    /// Calls that belong to no turn, or to none any more, and are not yet booked.
    lost: Mutex<Vec<(CallPurpose, UsageEntry)>>,
    /// Rings when there are some.
    lost_some: Notify,
}

/// What was used, and what that makes of the budget.
struct Totals {
    today: Vec<ModelUsage>,
    month: Vec<ModelUsage>,
    today_total: PeriodTotals,
    month_total: PeriodTotals,
}

impl Spending {
    /// Nothing is known of what was spent before; [`Spending::recall`] reads it.
    pub fn new(settings: SpendingSettings, ports: SpendingPorts) -> Arc<Self> {
        let account = BudgetAccount::new(settings.limits, settings.zone, ports.clock.now());
        Arc::new(Self {
            settings,
            ports,
            account: Mutex::new(account),
            lost: Mutex::default(),
            lost_some: Notify::new(),
        })
    }

    /// Reads what was spent before. Before the first call. Where nothing is limited, nobody asks for it.
    pub async fn recall(&self) -> StoreResult<()> {
        if self.settings.limits.are_none() {
            return Ok(());
        }
        let now = self.ports.clock.now();
        let totals = totals(self.ports.usage.as_ref(), self.settings.zone, now).await?;
        self.account()
            .enter(totals.today_total, totals.month_total, now);
        Ok(())
    }

    /// The model, metered. `name` is what it is asked for as.
    pub fn metered(self: &Arc<Self>, model: Arc<dyn ChatModel>, name: &str) -> Arc<dyn ChatModel> {
        Arc::new(Metered {
            inner: model,
            name: name.to_owned(),
            spending: self.clone(),
        })
    }

    /// What listens, metered; its calls are booked too. `name` is what it is asked for as.
    pub fn metered_transcriber(
        self: &Arc<Self>,
        transcriber: Arc<dyn Transcriber>,
        name: &str,
    ) -> Arc<dyn Transcriber> {
        Arc::new(MeteredTranscriber {
            inner: transcriber,
            name: name.to_owned(),
            spending: self.clone(),
        })
    }

    /// What was used and what is left.
    pub async fn report(&self) -> StoreResult<UsageReport> {
        self.book_lost().await?;
        let now = self.ports.clock.now();
        let totals = totals(self.ports.usage.as_ref(), self.settings.zone, now).await?;
        Ok(UsageReport {
            today: totals.today,
            month: totals.month,
            budget: self.account().left(now),
        })
    }

    /// Takes calls that no turn books: those of no turn, and those for whose reply nobody waits any
    /// more. [`Spending::book_lost`] books them, so that no caller who leaves takes them along.
    pub fn lose(&self, purpose: CallPurpose, usage: Vec<UsageEntry>) {
        self.lost()
            .extend(usage.into_iter().map(|entry| (purpose, entry)));
        self.lost_some.notify_one();
    }

    /// Books what is lost whenever something is, until `end`: what is only in memory is gone with
    /// the process. Dropped in the middle of a write, it would take along what that failed to write.
    pub async fn keep_booking_lost(&self, end: &CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = self.lost_some.notified() => {}
            }
            if let Err(error) = self.book_lost().await {
                // It has rung again, since they are lost again.
                store_trouble::tell(&error, "a model's call could not be booked; trying again");
                tokio::select! {
                    () = end.cancelled() => return,
                    () = self.ports.clock.sleep(REST) => {}
                }
            }
        }
    }

    /// Books the calls that were lost. Nobody is left who would do it for them.
    pub async fn book_lost(&self) -> StoreResult<()> {
        let now = self.ports.clock.now();
        let lost = std::mem::take(&mut *self.lost());
        let mut outcome = Ok(());
        for purpose in CallPurpose::ALL {
            let of_it = lost.iter().filter(|(other, _)| *other == purpose);
            let entries: Vec<UsageEntry> = of_it.map(|(_, entry)| entry.clone()).collect();
            if !entries.is_empty()
                && let Err(error) = self.ports.usage.book(purpose, &entries, now).await
            {
                self.lose(purpose, entries);
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Takes note that the budget was raised by a change of the database.
    pub fn note_raise(&self, amount: MicroUsd) {
        self.account().raise(amount, self.ports.clock.now());
    }

    /// Writes into the entries what they cost. `name` is what the model was asked for as.
    fn price(&self, entries: &mut [UsageEntry], name: &str) -> MicroUsd {
        for entry in entries.iter_mut() {
            let guess = entry.guess.take().unwrap_or_default();
            let is_counted = entry.tokens != TokenUsage::default();
            let tokens = if is_counted { entry.tokens } else { guess };
            let price = || self.settings.prices.find(&entry.model, name);
            // The server's own word counts first.
            entry.cost = entry.cost.or_else(|| Some(price()?.of(tokens)));
        }
        entries.iter().filter_map(|entry| entry.cost).sum()
    }

    /// Whether this is where the owner is told things.
    pub fn is_of_owner(&self, place: &ChatTarget) -> bool {
        self.settings.owner.as_ref() == Some(place)
    }

    /// Tells the owner; the outbox takes the same warning of a period only once.
    async fn tell(&self, warnings: Vec<BudgetWarning>) {
        for warning in &warnings {
            warn!(budget = warning.describe(), "the budget is nearly used up");
        }
        let Some(owner) = self
            .settings
            .owner
            .as_ref()
            .filter(|_| !warnings.is_empty())
        else {
            return;
        };
        let row = |warning: &BudgetWarning| {
            let line = Outgoing::Text {
                text: FormattedText::plain(warning.describe()),
                buttons: raise_buttons(),
            };
            NewOutbox {
                dedupe_key: Some(warning.key()),
                ..NewOutbox::notice(owner.clone(), line)
            }
        };
        match self
            .ports
            .outbox
            .add(warnings.iter().map(row).collect())
            .await
        {
            Ok(_) => self.ports.signals.wake_outbox(),
            Err(error) => warn!(%error, "the owner could not be told of the budget"),
        }
    }

    fn lost(&self) -> MutexGuard<'_, Vec<(CallPurpose, UsageEntry)>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self) -> MutexGuard<'_, BudgetAccount> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With which the owner adds to the budget.
pub fn raise_buttons() -> Vec<Vec<Button>> {
    vec![vec![Button {
        label: "+$1 today".into(),
        data: ButtonData::RaiseBudget.to_string(),
    }]]
}

/// What was used and what is left, from the rows alone: for a look from beside the bot.
pub async fn report(
    usage: &dyn UsageStore,
    limits: BudgetLimits,
    zone: Tz,
    now: DateTime<Utc>,
) -> StoreResult<UsageReport> {
    let totals = totals(usage, zone, now).await?;
    let mut account = BudgetAccount::new(limits, zone, now);
    account.enter(totals.today_total, totals.month_total, now);
    Ok(UsageReport {
        today: totals.today,
        month: totals.month,
        budget: account.left(now),
    })
}

async fn totals(usage: &dyn UsageStore, zone: Tz, now: DateTime<Utc>) -> StoreResult<Totals> {
    let (day, first_of_month) = beginnings(now, zone);
    let (today, month) = (
        usage.by_model(day).await?,
        usage.by_model(first_of_month).await?,
    );
    let spent = |models: &[ModelUsage]| models.iter().map(|model| model.cost).sum();
    Ok(Totals {
        today_total: PeriodTotals {
            spent: spent(&today),
            raised: usage.raised_since(day).await?,
        },
        month_total: PeriodTotals {
            spent: spent(&month),
            raised: usage.raised_since(first_of_month).await?,
        },
        today,
        month,
    })
}
