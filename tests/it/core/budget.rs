//! The budget's account: what may begin, what is warned of, and when a day ends.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use minibot::core::budget::{BudgetAccount, BudgetLimits, BudgetPeriod, PeriodTotals, beginnings};
use minibot::core::money::MicroUsd;

const MADRID: Tz = Tz::Europe__Madrid;

fn cents(cents: u64) -> MicroUsd {
    MicroUsd::new(cents * 10_000)
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 3, 30, 10, 0, 0).unwrap()
}

fn account(daily: Option<u64>, monthly: Option<u64>) -> BudgetAccount {
    let limits = BudgetLimits {
        daily: daily.map(cents),
        monthly: monthly.map(cents),
        warn_per_mille: 800,
    };
    BudgetAccount::new(limits, MADRID, noon())
}

#[test]
fn calls_begin_while_what_is_spent_and_held_is_below_the_limit() {
    let mut account = account(Some(100), None);
    let begun = (0..50).filter(|_| account.hold(cents(30), noon()).is_ok());
    assert_eq!(begun.count(), 4, "the fourth began at 90 of 100");
    let refused = account.hold(cents(1), noon()).unwrap_err();
    assert_eq!(refused.describe(), "today's budget of $1.00 is used up");
    assert!(
        account.hold(MicroUsd::ZERO, noon()).is_ok(),
        "free of charge"
    );
    // They were cheaper than was held for them.
    for _ in 0..4 {
        account.settle(cents(30), cents(10), noon());
    }
    assert_eq!(account.left(noon())[0].left, cents(60));
    assert!(account.hold(cents(30), noon()).is_ok());
}

#[test]
fn without_limits_nothing_is_refused() {
    let mut account = account(None, None);
    assert!(account.hold(MicroUsd::new(u64::MAX), noon()).is_ok());
    assert!(account.hold(MicroUsd::new(u64::MAX), noon()).is_ok());
    let warning = account.settle(cents(1), MicroUsd::new(u64::MAX), noon());
    assert_eq!(warning, None);
    assert!(account.left(noon()).is_empty());
}

#[test]
fn a_call_that_is_broken_off_counts_as_what_was_held() {
    let mut account = account(Some(100), None);
    account.hold(cents(100), noon()).unwrap();
    account.forfeit(cents(100), noon());
    assert!(account.hold(cents(1), noon()).is_err());
    account.raise(cents(100), noon());
    let budget = account.left(noon())[0];
    assert_eq!((budget.limit, budget.left), (cents(200), cents(100)));
}

#[test]
fn a_warning_comes_once_a_day() {
    let mut account = account(Some(100), Some(1000));
    assert_eq!(account.settle(cents(0), cents(79), noon()), None);
    let warning = account.settle(cents(0), cents(1), noon()).unwrap();
    assert_eq!(
        warning.describe(),
        "$0.80 of today's budget of $1.00 is spent. /usage shows for what."
    );
    assert_eq!(account.settle(cents(0), cents(5), noon()), None);
    let tomorrow = noon() + TimeDelta::days(1);
    assert_eq!(account.settle(cents(0), cents(5), tomorrow), None);
    assert!(account.settle(cents(0), cents(80), tomorrow).is_some());
}

#[test]
fn a_larger_budget_is_warned_of_anew() {
    let mut account = account(Some(100), None);
    assert!(account.settle(cents(0), cents(90), noon()).is_some());
    account.raise(cents(100), noon());
    assert_eq!(account.settle(cents(0), cents(60), noon()), None);
    let warning = account.settle(cents(0), cents(10), noon()).unwrap();
    assert_eq!(warning.budget.limit, cents(200));
    assert_eq!(account.settle(cents(0), cents(1), noon()), None);
}

#[test]
fn days_and_months_are_those_of_the_zone() {
    let midnight = Utc.with_ymd_and_hms(2027, 3, 31, 22, 0, 0).unwrap();
    let mut account = account(Some(100), Some(150));
    let spent = PeriodTotals {
        spent: cents(100),
        raised: MicroUsd::ZERO,
    };
    account.enter(spent, spent, noon());
    assert!(account.hold(cents(1), noon()).is_err());
    let next_day = noon() + TimeDelta::hours(14);
    assert!(account.hold(cents(0), next_day).is_ok());
    account.settle(cents(0), cents(50), next_day);
    let refused = account.hold(cents(1), next_day).unwrap_err();
    assert_eq!(refused.period, BudgetPeriod::Month);
    // The clock is set back: no new day.
    assert!(account.hold(cents(1), noon()).is_err());
    let before = midnight - TimeDelta::seconds(1);
    assert!(account.hold(cents(1), before).is_err());
    assert!(account.hold(cents(1), midnight).is_ok());
    assert_eq!(beginnings(midnight, MADRID), (midnight, midnight));
    let (day, month) = beginnings(noon(), MADRID);
    assert_eq!(day.to_rfc3339(), "2027-03-29T22:00:00+00:00");
    assert_eq!(month.to_rfc3339(), "2027-02-28T23:00:00+00:00");
}
