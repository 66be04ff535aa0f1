//! The budget: whether another model call may be made, decided before it is made. Pure accounting;
//! days and months are those of the person's zone.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::money::MicroUsd;
use super::schedule::resolve_local;

/// What may be spent; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// In a day.
    pub daily: Option<MicroUsd>,
    /// In a month.
    pub monthly: Option<MicroUsd>,
    /// The share of a limit from which on the owner is told, in thousandths.
    pub warn_per_mille: u32,
}

impl BudgetLimits {
    /// Whether nothing is limited.
    pub fn are_none(&self) -> bool {
        self.daily.is_none() && self.monthly.is_none()
    }
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// The day that it is.
    Today,
    /// The month that it is.
    Month,
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentBudget {
    /// Which.
    pub period: BudgetPeriod,
    /// How much it was, with what the owner added.
    pub limit: MicroUsd,
}

impl SpentBudget {
    /// "today's budget of $1.00 is used up".
    pub fn describe(&self) -> String {
        let Self { period, limit } = self;
        match period {
            BudgetPeriod::Today => format!("today's budget of {limit} is used up"),
            BudgetPeriod::Month => format!("this month's budget of {limit} is used up"),
        }
    }
}

/// That a limit is nearly reached. It is given once in its period, and again when the owner has
/// raised it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetWarning {
    /// The day.
    pub day: NaiveDate,
    /// Which limit.
    pub budget: SpentBudget,
    /// What is spent of it.
    pub spent: MicroUsd,
}

impl BudgetWarning {
    /// The same for the same warning: by it nobody is told of a limit twice in its period.
    pub fn key(&self) -> String {
        let period = match self.budget.period {
            BudgetPeriod::Today => self.day.format("today:%Y-%m-%d"),
            BudgetPeriod::Month => self.day.format("month:%Y-%m"),
        };
        format!("budget:{period}:{}", self.budget.limit.get())
    }

    /// What the owner reads.
    pub fn describe(&self) -> String {
        let period = match self.budget.period {
            BudgetPeriod::Today => "today's",
            BudgetPeriod::Month => "this month's",
        };
        let (spent, limit) = (self.spent, self.budget.limit);
        format!("{spent} of {period} budget of {limit} is spent. /usage shows for what.")
    }
}

/// What of a limit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BudgetLeft {
    /// Which limit.
    pub period: BudgetPeriod,
    /// How much it is, with what the owner added.
    #[serde(rename = "limit_micro_usd")]
    pub limit: MicroUsd,
    /// What is left of it.
    #[serde(rename = "left_micro_usd")]
    pub left: MicroUsd,
}

/// What is known of a day or a month when the account is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeriodTotals {
    /// What was spent.
    pub spent: MicroUsd,
    /// What the owner added to the limit.
    pub raised: MicroUsd,
}

/// What was spent and what the calls under way will probably cost.
#[derive(Debug, Clone)]
pub struct BudgetAccount {
    limits: BudgetLimits,
    zone: Tz,
    day: NaiveDate,
    today: PeriodTotals,
    month: PeriodTotals,
    held: MicroUsd,
    /// The limits of which the owner was told in their present period.
    warned: Vec<BudgetPeriod>,
}

impl BudgetAccount {
    /// An account in which nothing was spent.
    pub fn new(limits: BudgetLimits, zone: Tz, now: DateTime<Utc>) -> Self {
        Self {
            limits,
            zone,
            day: now.with_timezone(&zone).date_naive(),
            today: PeriodTotals::default(),
            month: PeriodTotals::default(),
            held: MicroUsd::ZERO,
            warned: Vec::new(),
        }
    }

    /// Enters what was spent before this process began.
    pub fn enter(&mut self, today: PeriodTotals, month: PeriodTotals, now: DateTime<Utc>) {
        self.turn_page(now);
        (self.today, self.month) = (today, month);
    }

    /// Whether a call may be made that will probably cost `estimate`, which is then held until it
    /// is settled. It may while what is spent and held is below each limit: so all calls that
    /// begin together exceed a limit by no more than one of them. What costs nothing always may.
    pub fn hold(&mut self, estimate: MicroUsd, now: DateTime<Utc>) -> Result<(), SpentBudget> {
        self.turn_page(now);
        if estimate > MicroUsd::ZERO {
            let reached =
                |(budget, spent): &(SpentBudget, MicroUsd)| spent.plus(self.held) >= budget.limit;
            if let Some((budget, _)) = self.budgets().into_iter().flatten().find(reached) {
                return Err(budget);
            }
        }
        self.held = self.held.plus(estimate);
        Ok(())
    }

    /// Enters what a call has cost for which `estimate` was held. Says which limits are nearly
    /// reached, once for each that the owner sets in a period.
    pub fn settle(
        &mut self,
        estimate: MicroUsd,
        cost: MicroUsd,
        now: DateTime<Utc>,
    ) -> Vec<BudgetWarning> {
        self.turn_page(now);
        self.held = self.held.minus(estimate);
        for totals in [&mut self.today, &mut self.month] {
            totals.spent = totals.spent.plus(cost);
        }
        if cost == MicroUsd::ZERO {
            return Vec::new();
        }
        let near = |(budget, spent): &(SpentBudget, MicroUsd)| {
            *spent >= budget.limit.per_mille(self.limits.warn_per_mille)
                && !self.warned.contains(&budget.period)
        };
        let near = self.budgets().into_iter().flatten().filter(near);
        let warnings: Vec<BudgetWarning> = near
            .map(|(budget, spent)| BudgetWarning {
                day: self.day,
                budget,
                spent,
            })
            .collect();
        let periods = warnings.iter().map(|warning| warning.budget.period);
        self.warned.extend(periods);
        warnings
    }

    /// Enters a call that was broken off: it has probably cost what was held for it.
    pub fn forfeit(&mut self, estimate: MicroUsd, now: DateTime<Utc>) {
        self.turn_page(now);
        self.held = self.held.minus(estimate);
        for totals in [&mut self.today, &mut self.month] {
            totals.spent = totals.spent.plus(estimate);
        }
    }

    /// Adds to the limits of this day and this month.
    pub fn raise(&mut self, amount: MicroUsd, now: DateTime<Utc>) {
        self.turn_page(now);
        for totals in [&mut self.today, &mut self.month] {
            totals.raised = totals.raised.plus(amount);
        }
        self.warned.clear();
    }

    /// What is left of each limit.
    pub fn left(&mut self, now: DateTime<Utc>) -> Vec<BudgetLeft> {
        self.turn_page(now);
        let budgets = self.budgets().into_iter().flatten();
        budgets
            .map(|(budget, spent)| BudgetLeft {
                period: budget.period,
                limit: budget.limit,
                left: budget.limit.minus(spent),
            })
            .collect()
    }

    /// The limits there are, each with what is spent of it.
    fn budgets(&self) -> [Option<(SpentBudget, MicroUsd)>; 2] {
        let budget = |period, limit: Option<MicroUsd>, totals: PeriodTotals| {
            let limit = limit?.plus(totals.raised);
            Some((SpentBudget { period, limit }, totals.spent))
        };
        [
            budget(BudgetPeriod::Today, self.limits.daily, self.today),
            budget(BudgetPeriod::Month, self.limits.monthly, self.month),
        ]
    }

    /// A new day begins with nothing spent. A clock that is set back begins none.
    fn turn_page(&mut self, now: DateTime<Utc>) {
        let today = now.with_timezone(&self.zone).date_naive();
        if today <= self.day {
            return;
        }
        if (today.year(), today.month()) != (self.day.year(), self.day.month()) {
            self.month = PeriodTotals::default();
            self.warned.clear();
        }
        self.today = PeriodTotals::default();
        self.warned.retain(|period| *period != BudgetPeriod::Today);
        self.day = today;
    }
}

/// When the day and the month of `now` began.
pub fn beginnings(now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&zone).date_naive();
    let begin = |date: NaiveDate| {
        let midnight = date.and_time(chrono::NaiveTime::MIN);
        resolve_local(midnight, zone).unwrap_or(now)
    };
    let first = today.with_day(1).unwrap_or(today);
    (begin(today), begin(first))
}
