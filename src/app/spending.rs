//! Spending: each call of a model is held against the budget before it is made, and entered when it
//! is done. A model is metered by wrapping it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tracing::warn;

use super::signals::Signals;
use crate::core::budget::{
    BudgetAccount, BudgetLimits, BudgetWarning, PeriodTotals, SpentBudget, beginnings,
};
use crate::core::card::ButtonData;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::markup::FormattedText;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink, estimated_tokens,
};
use crate::core::money::{MicroUsd, PriceList};
use crate::core::outbox::{Button, NewOutbox, OutboxStore, Outgoing};
use crate::core::usage::{
    CallOutcome, CallPurpose, ModelUsage, TokenUsage, UsageEntry, UsageStore,
};
use crate::core::usage_report::UsageReport;

/// What an answer is expected to need, before it is there.
const USUAL_ANSWER: u64 = 1000;

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
    /// Not yet booked.
    broken_off: Mutex<Vec<UsageEntry>>,
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
            broken_off: Mutex::default(),
        })
    }

    /// Reads what was spent before. Before the first call.
    pub async fn recall(&self) -> StoreResult<()> {
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

    /// What was used and what is left.
    pub async fn report(&self) -> StoreResult<UsageReport> {
        self.book_broken_off().await?;
        let now = self.ports.clock.now();
        let totals = totals(self.ports.usage.as_ref(), self.settings.zone, now).await?;
        Ok(UsageReport {
            today: totals.today,
            month: totals.month,
            budget: self.account().left(now),
        })
    }

    /// Books the calls that were broken off. Nobody is left who would do it for them.
    pub async fn book_broken_off(&self) -> StoreResult<()> {
        let entries = std::mem::take(&mut *self.broken_off());
        if entries.is_empty() {
            return Ok(());
        }
        let (usage, now) = (&self.ports.usage, self.ports.clock.now());
        let booked = usage.book(CallPurpose::Turn, &entries, now).await;
        if booked.is_err() {
            self.broken_off().extend(entries);
        }
        booked
    }

    /// Takes note that the budget was raised by a change of the database.
    pub fn note_raise(&self, amount: MicroUsd) {
        self.account().raise(amount, self.ports.clock.now());
    }

    /// Holds what `call` will probably cost.
    fn hold(&self, call: UsageEntry) -> Result<Hold<'_>, SpentBudget> {
        let estimate = call.cost.unwrap_or_default();
        self.account().hold(estimate, self.ports.clock.now())?;
        Ok(Hold {
            spending: self,
            call: Some(call),
        })
    }

    /// Tells the owner; the outbox takes the same day's warning only once.
    async fn tell(&self, warning: BudgetWarning) {
        warn!(budget = warning.describe(), "the budget is nearly used up");
        let Some(owner) = &self.settings.owner else {
            return;
        };
        let line = Outgoing::Text {
            text: FormattedText::plain(warning.describe()),
            buttons: vec![vec![Button {
                label: "+$1 today".into(),
                data: ButtonData::RaiseBudget.to_string(),
            }]],
        };
        let row = NewOutbox {
            dedupe_key: Some(format!("budget:{}", warning.day)),
            ..NewOutbox::notice(owner.clone(), line)
        };
        match self.ports.outbox.add(vec![row]).await {
            Ok(_) => self.ports.signals.wake_outbox(),
            Err(error) => warn!(%error, "the owner could not be told of the budget"),
        }
    }

    fn broken_off(&self) -> MutexGuard<'_, Vec<UsageEntry>> {
        self.broken_off
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self) -> MutexGuard<'_, BudgetAccount> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

/// What is held for a call under way. Dropped, the call was broken off.
struct Hold<'a> {
    spending: &'a Spending,
    /// The call as it is booked when it is broken off.
    call: Option<UsageEntry>,
}

impl Hold<'_> {
    fn settle(mut self, cost: MicroUsd) -> Option<BudgetWarning> {
        let estimate = self.call.take()?.cost.unwrap_or_default();
        let now = self.spending.ports.clock.now();
        self.spending.account().settle(estimate, cost, now)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let now = self.spending.ports.clock.now();
            let estimate = call.cost.unwrap_or_default();
            self.spending.account().forfeit(estimate, now);
            self.spending.broken_off().push(call);
        }
    }
}

/// A model whose calls are held against the budget and priced. It belongs directly around the
/// provider, so that each try counts.
#[derive(Debug)]
struct Metered {
    inner: Arc<dyn ChatModel>,
    name: String,
    spending: Arc<Spending>,
}

impl Metered {
    fn estimate(&self, model: &str, request: &ModelRequest, output: u64) -> Option<MicroUsd> {
        let price = self.spending.settings.prices.find(model, &self.name)?;
        Some(price.of(TokenUsage {
            input: request.estimated_tokens() as u64,
            cached_input: 0,
            output,
        }))
    }

    /// The call before anything is known of it but its request.
    fn expected(&self, request: &ModelRequest) -> UsageEntry {
        let described = self.inner.describe();
        let provider = described.split(" (").next().unwrap_or_default();
        UsageEntry {
            cost: self.estimate(&self.name, request, USUAL_ANSWER),
            outcome: CallOutcome::Failed,
            ..UsageEntry::new(provider, self.name.as_str(), TokenUsage::default())
        }
    }

    /// Writes into the entries how the call ended and what it cost; a server that counts nothing
    /// is counted for. `said` is the length of the answer in tokens.
    fn price(
        &self,
        request: &ModelRequest,
        entries: &mut [UsageEntry],
        (outcome, said): (CallOutcome, u64),
    ) -> MicroUsd {
        let last = entries.len().saturating_sub(1);
        for (index, entry) in entries.iter_mut().enumerate() {
            // A provider may ask again by itself; only the last call gave the reply.
            entry.outcome = if index == last {
                outcome
            } else {
                CallOutcome::Failed
            };
            entry.cost = if entry.tokens == TokenUsage::default() {
                self.estimate(&entry.model, request, said)
            } else {
                let prices = &self.spending.settings.prices;
                let price = prices.find(&entry.model, &self.name);
                price.map(|price| price.of(entry.tokens))
            };
        }
        entries.iter().filter_map(|entry| entry.cost).sum()
    }
}

#[async_trait]
impl ChatModel for Metered {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let hold = self
            .spending
            .hold(self.expected(request))
            .map_err(not_asked)?;
        let mut outcome = self.inner.reply(request, sink).await;
        let cost = match &mut outcome {
            Ok(reply) => {
                let calls = reply.calls.iter().map(|call| call.arguments.len());
                let said = estimated_tokens(&reply.text) + calls.sum::<usize>() / 3;
                let ended = (CallOutcome::Ok, said as u64);
                self.price(request, &mut reply.usage, ended)
            }
            Err(error) => self.price(request, &mut error.usage, (CallOutcome::Failed, 0)),
        };
        if let Some(warning) = hold.settle(cost) {
            self.spending.tell(warning).await;
        }
        outcome
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

fn not_asked(budget: SpentBudget) -> ModelError {
    ModelError {
        kind: ModelErrorKind::BudgetSpent { budget },
        detail: "not asked".into(),
        tries: 0,
        usage: Vec::new(),
    }
}
