//! What the built-in model says.

use super::grammar::{CountUnit, DateQuestion, EXAMPLES};
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

pub(super) fn help() -> String {
    format!(
        "I understand reminders, notes, sums, dates and times, in plain English:\n\n{}",
        examples()
    )
}

pub(super) fn greeting() -> String {
    format!("Hello. You could say:\n\n{}", examples())
}

pub(super) fn not_understood() -> String {
    format!(
        "I did not understand that: no model answers here, only built-in commands. These work:\n\n{}",
        examples()
    )
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

pub(super) fn date_answer(question: DateQuestion) -> String {
    match question {
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

/// "1 day", "2 days".
pub(super) fn number(count: i64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

fn examples() -> String {
    EXAMPLES
        .iter()
        .map(|example| format!("- {}", plain(example)))
        .collect::<Vec<_>>()
        .join("\n")
}
