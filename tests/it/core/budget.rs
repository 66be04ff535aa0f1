//! The budget's account: what may begin, what is warned of, and when a day ends.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use minibot::core::budget::{
    BudgetAccount, BudgetLimits, BudgetPeriod, BudgetWarning, PeriodTotals, beginnings,
};
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
    let warnings = account.settle(cents(1), MicroUsd::new(u64::MAX), noon());
    assert_eq!(warnings, []);
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

/// What the owner is told when so much more is spent.
fn told(account: &mut BudgetAccount, spent: u64, at: DateTime<Utc>) -> Vec<String> {
    let warnings = account.settle(cents(0), cents(spent), at);
    warnings.iter().map(BudgetWarning::describe).collect()
}

#[test]
fn a_warning_comes_once_a_day() {
    let mut account = account(Some(100), Some(1000));
    assert!(told(&mut account, 79, noon()).is_empty());
    assert_eq!(
        told(&mut account, 1, noon()),
        ["$0.80 of today's budget of $1.00 is spent. /usage shows for what."]
    );
    assert!(told(&mut account, 5, noon()).is_empty());
    let tomorrow = noon() + TimeDelta::days(1);
    assert!(told(&mut account, 5, tomorrow).is_empty());
    assert_eq!(told(&mut account, 80, tomorrow).len(), 1);
}

#[test]
fn a_warning_of_the_day_swallows_none_of_the_month() {
    let mut account = account(Some(100), Some(200));
    let tomorrow = noon() + TimeDelta::days(1);
    let next_month = noon() + TimeDelta::days(3);
    let day =
        |spent| format!("{spent} of today's budget of $1.00 is spent. /usage shows for what.");
    let month =
        |spent| format!("{spent} of this month's budget of $2.00 is spent. /usage shows for what.");
    assert_eq!(told(&mut account, 90, noon()), [day("$0.90")]);
    assert_eq!(told(&mut account, 80, noon()), [month("$1.70")]);
    assert_eq!(told(&mut account, 85, tomorrow), [day("$0.85")]);
    assert!(told(&mut account, 1, tomorrow).is_empty());
    let both = told(&mut account, 170, next_month);
    assert_eq!(both, [day("$1.70"), month("$1.70")]);
}

#[test]
fn the_same_warning_has_the_same_key() {
    let keys = |daily, monthly, at| -> Vec<String> {
        let mut account = account(daily, monthly);
        let warnings = account.settle(cents(0), cents(100), at);
        warnings.iter().map(BudgetWarning::key).collect()
    };
    let tomorrow = noon() + TimeDelta::days(1);
    let today = keys(Some(100), Some(100), noon());
    assert_eq!(
        today,
        [
            "budget:today:2027-03-30:1000000",
            "budget:month:2027-03:1000000"
        ]
    );
    let next = keys(Some(100), Some(100), tomorrow);
    assert_ne!(next[0], today[0]);
    assert_eq!(next[1], today[1], "it is the same month");
    assert_ne!(keys(Some(90), None, noon())[0], today[0]);
}

#[test]
fn a_larger_budget_is_warned_of_anew() {
    let mut account = account(Some(100), None);
    assert_eq!(told(&mut account, 90, noon()).len(), 1);
    account.raise(cents(100), noon());
    assert!(told(&mut account, 60, noon()).is_empty());
    let warnings = account.settle(cents(0), cents(10), noon());
    assert_eq!(warnings[0].budget.limit, cents(200));
    assert!(told(&mut account, 1, noon()).is_empty());
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
