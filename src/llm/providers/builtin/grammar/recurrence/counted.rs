//! Repeats with an ordinal: "every third day", "every other week", "the first and third monday of
//! every month".

use super::super::clock::Part;
use super::super::date::{self, Fault};
use super::super::duration::{self, Span};
use super::super::numbers;
use super::super::repeating;
use super::super::token::{Token, rest, starts_any, word};
use super::{Found, LIST, OF_MONTH, Repeat, months, plain, weekdays};

/// "every other day" and "every third day" are every two and every three days; of "every other
/// week" it is not known which week comes first.
pub(super) fn nth_unit(tokens: &[Token]) -> Option<Found> {
    let (count, used) = match word(tokens, 0) {
        "other" | "alternate" => (2, 1),
        _ => numbers::ordinal(tokens)?,
    };
    let unit = rest(tokens, used);
    let of_month = |used: usize| starts_any(rest(unit, used), OF_MONTH);
    let of = word(unit, 1) == "of" || of_month(1).or_else(|| of_month(2)).is_some();
    let what = word(unit, 0);
    if what == "month" && count > 1 {
        return Some((months(u128::from(count)), used + 1));
    }
    if let Some(day) = date::weekday(what).filter(|_| count == 2 && !of) {
        let name = date::weekday_name(day);
        let other = numbers::ordinal(tokens).is_none();
        let list = weekdays(unit, true).map_or(1, |(_, taken)| taken);
        return Some((Err(every_second(name, other)), used + list));
    }
    if let Some((fault, taken)) = without_count(unit, count, of) {
        let taken = taken + of_month(taken).unwrap_or(0);
        return Some((Err(fault), used + taken));
    }
    if of || count < 2 {
        return None;
    }
    let length = match what {
        "minute" => 60,
        "hour" => 3600,
        "day" => duration::DAY,
        _ => Part::named(what).map(|_| duration::DAY)?,
    };
    let span = Span {
        seconds: length * u128::from(count),
        whole_days: length >= duration::DAY,
        ..Span::default()
    };
    Some((Ok((Repeat::Interval(span), Part::named(what))), used + 1))
}

/// "every other monday" and "every second monday".
fn every_second(weekday: &str, other: bool) -> Fault {
    if other {
        let why = "\"Every other week\" does not say which week comes first.";
        return Fault::new(why, format!("every 2 weeks on {weekday} at 9:00"));
    }
    Fault::new(
        format!("\"Every second {weekday}\" may mean every two weeks, or once a month."),
        format!("on the second {weekday} of every month"),
    )
}

/// What cannot be counted through: weeks, of which the first is not known, working days and years.
fn without_count(unit: &[Token], count: u32, of: bool) -> Option<(Fault, usize)> {
    let what = word(unit, 0);
    let unsure = |day: &str| {
        let nth = if count == 2 {
            "other".to_owned()
        } else {
            nth_word(count)
        };
        let why = format!("\"Every {nth} week\" does not say which week comes first.");
        Fault::new(why, format!("every {count} weeks on {day} at 9:00"))
    };
    const WORKING: &str = "weekday|workday|working day|work day|business day|week day";
    if let Some(used) = starts_any(unit, WORKING) {
        let why = "I cannot count working days.";
        let instead = if of {
            "on the 1st of every month"
        } else {
            "every weekday at 9:00"
        };
        return Some((Fault::new(why, instead), used));
    }
    let fault = match what {
        "week" | "fortnight" | "weekend" if of || count < 2 => {
            Fault::new("I need the day of the month.", "on the 1st of every month")
        }
        "hour" | "minute" | "month" | "year" | "day" if count < 2 && !of => Fault::new(
            "I need the distance between two reminders.",
            "every day at 9:00",
        ),
        "week" | "fortnight" => unsure("Monday"),
        "weekend" => unsure("Saturday"),
        "year" => Fault::new("I cannot skip years.", "every year"),
        _ => return None,
    };
    Some((fault, 1))
}

/// "third", "11th".
fn nth_word(count: u32) -> String {
    const WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let at = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_sub(1));
    at.and_then(|at| WORDS.get(at))
        .map_or_else(|| format!("{count}th"), |word| (*word).to_owned())
}

/// "second monday", "1st and 3rd friday of the month", "last friday of every month".
pub(super) fn counted_weekdays(tokens: &[Token], every: bool) -> Option<Found> {
    let (counts, used) = counts(tokens)?;
    let what = rest(tokens, used);
    let Some(weekday) = date::weekday(word(what, 0)) else {
        let (fault, taken) = without_count(what, 1, true)?;
        let of = starts_any(rest(what, taken), OF_MONTH);
        let taken = used + taken + of.unwrap_or(0);
        return (of.is_some() || counts.len() > 1).then_some((Err(fault), taken));
    };
    let of = starts_any(rest(what, 1), OF_MONTH);
    let name = date::weekday_name(weekday);
    let day = weekday.num_days_from_sunday();
    let taken = used + 1 + of.unwrap_or(0);
    let month = matches!(word(what, 1), "of" | "in") && date::month(word(what, 2)).is_some();
    if month {
        let why = "I can count weekdays in every month only.";
        let instead = format!("on the first {name} of every month");
        return Some((Err(Fault::new(why, instead)), taken + 2));
    }
    if of.is_none() && !every && counts == [None] {
        return None;
    }
    let nths: Option<Vec<&'static str>> = counts.iter().map(|count| nth(*count)).collect();
    let Some(nths) = nths else {
        let why = format!("Not every month has a fifth {name}.");
        let instead = format!("on the last {name} of every month");
        return Some((Err(Fault::new(why, instead)), taken));
    };
    let repeat = Repeat::NthWeekday { nths, day };
    if of.is_none() && !every {
        let instead = repeating::days_said(&repeat);
        let why = "I need to know of which month.";
        return Some((Err(Fault::new(why, instead)), taken));
    }
    plain(repeat, taken)
}

fn nth(count: Option<u32>) -> Option<&'static str> {
    match count {
        Some(1) => Some("1"),
        Some(2) => Some("2"),
        Some(3) => Some("3"),
        Some(4) => Some("4"),
        Some(_) => None,
        None => Some("L"),
    }
}

/// "first", "1st and 3rd", "second and last": `None` is the last one.
fn counts(tokens: &[Token]) -> Option<(Vec<Option<u32>>, usize)> {
    let one = |tokens: &[Token]| match word(tokens, 0) {
        "last" => Some((None, 1)),
        _ => numbers::ordinal(tokens).map(|(count, used)| (Some(count), used)),
    };
    let (first, mut taken) = one(tokens)?;
    let mut counts = vec![first];
    while let Some(joint) = starts_any(rest(tokens, taken), LIST)
        && let Some((count, used)) = one(rest(tokens, taken + joint))
    {
        counts.push(count);
        taken += joint + used;
    }
    counts.dedup();
    Some((counts, taken))
}
