//! What the built-in model says.

use chrono::NaiveDate;

use super::grammar::{CountUnit, DateQuestion};
use crate::core::tool::ToolResult;

/// Text as it is, with nothing in it read as Markdown.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation()
            && !matches!(character, ',' | '\'' | '"' | '?' | ';' | '/')
        {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

pub(super) fn help(examples: &[&str]) -> String {
    with_examples(
        "I understand plain English for what is listed here:",
        examples,
    )
}

pub(super) fn greeting(examples: &[&str]) -> String {
    with_examples("Hello. You could say:", examples)
}

pub(super) fn not_understood(examples: &[&str]) -> String {
    with_examples(
        "I did not understand that: no model answers here, only built-in commands. These work:",
        examples,
    )
}

/// What is said to pictures and files.
pub(super) fn not_seen() -> String {
    "I cannot look at pictures or read files by myself: that needs a model, set in [llm]. \
     Reminders, notes and sums work without one."
        .to_owned()
}

pub(super) fn forwarded() -> String {
    "I do not act on forwarded messages. Tell me in your own words what to do.".into()
}

pub(super) fn impossible(why: &str, offer: &str) -> String {
    let why = plain(why.trim_end_matches('.'));
    if offer.is_empty() {
        format!("{why}.")
    } else {
        format!("{why}. Try: {}", plain(offer))
    }
}

pub(super) fn switched_off(tool: &str) -> String {
    let what = match tool.split('_').next() {
        Some("user") => "Notes are",
        Some("calculate") => "The calculator is",
        Some("current") => "The clock is",
        _ => "Reminders are",
    };
    format!("{what} switched off here.")
}

/// A failed call, in the tool's own words.
pub(super) fn failed(what: &str, result: &ToolResult) -> String {
    let reason = result.error_text().unwrap_or("the answer was unreadable");
    format!("{what}: {}.", plain(reason.trim_end_matches('.')))
}

pub(super) fn date_answer(question: DateQuestion, today: NaiveDate) -> String {
    match question {
        DateQuestion::Day { date } if date < today => {
            date.format("%-d %B %Y was a %A.").to_string()
        }
        DateQuestion::Day { date } => date.format("%-d %B %Y is a %A.").to_string(),
        DateQuestion::Until { date, days, unit } => {
            let day = date.format("%A, %-d %B %Y");
            match days {
                0 => format!("That is today, {day}."),
                1.. => format!("{} until {day}.", counted(days, unit)),
                _ => format!("{} since {day}.", counted(-days, unit)),
            }
        }
        DateQuestion::Between { from, to, days } => format!(
            "{} from {} to {}.",
            number(days.abs(), "day"),
            from.format("%-d %B %Y"),
            to.format("%-d %B %Y")
        ),
    }
}

fn counted(days: i64, unit: CountUnit) -> String {
    let in_days = number(days, "day");
    match unit {
        CountUnit::Days => in_days,
        CountUnit::Weeks => match (days / 7, days % 7) {
            (weeks, 0) => number(weeks, "week"),
            (0, _) => in_days,
            (weeks, rest) => format!(
                "{} and {} ({in_days})",
                number(weeks, "week"),
                number(rest, "day")
            ),
        },
        CountUnit::Months => format!("About {} ({in_days})", number((days + 15) / 30, "month")),
    }
}

/// A sum and what comes of it: `80*12.5/100` reads as 80 × 12.5 / 100.
pub(super) fn sum(expression: &str, result: &str) -> String {
    const ROUNDED: usize = 20;
    let mut spaced = String::new();
    for character in expression.replace("**", "^").chars() {
        let between = spaced.ends_with(|before: char| before.is_ascii_digit() || before == ')');
        match character {
            '^' | '/' | '%' | '+' | '-' if between => {
                spaced.extend([' ', character, ' ']);
            }
            '*' if between => spaced.push_str(" × "),
            _ => spaced.push(character),
        }
    }
    let is_rounded = result
        .split_once('.')
        .is_some_and(|(_, decimals)| decimals.len() >= ROUNDED);
    let sign = if is_rounded { "≈" } else { "=" };
    format!("{} {sign} {}", plain(spaced.trim()), plain(result))
}

/// What a list leaves out: "…and 7 more."
pub(super) fn and_more(total: Option<u64>, shown: usize) -> String {
    let more = total
        .unwrap_or(0)
        .saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    if more == 0 {
        String::new()
    } else {
        format!("\n\n…and {more} more.")
    }
}

/// "1 day", "2 days".
pub(super) fn number(count: i64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

fn with_examples(opening: &str, examples: &[&str]) -> String {
    let lines: Vec<String> = examples
        .iter()
        .map(|example| format!("- {}", plain(example)))
        .collect();
    format!("{opening}\n\n{}", lines.join("\n"))
}
