//! The reminders that exist, as the list tool tells of them, and which one is meant.

use serde_json::{Value, json};

use super::matching::{self, Entry, Match};
use super::occasion;
use super::words::{and_more, failed, plain};
use super::{Done, Move};
use crate::core::tool::ToolResult;

const LIST: &str = "list_scheduled_prompts";

/// Reminders that are named in one answer.
const MOST_LINES: usize = 50;

pub(super) const NONE: &str = "You have no reminders.";

/// A reminder as the list has it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) id: i64,
    pub(super) text: String,
    pub(super) human: String,
    pub(super) is_paused: bool,
    /// The next run, with its offset.
    pub(super) run_at: Option<String>,
    pub(super) rule: Rule,
    /// What a new one takes over as it is.
    pub(super) kept: Value,
}

/// How a reminder repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Once,
    Interval {
        seconds: u64,
        zone: Option<String>,
        ends_at: Option<String>,
    },
    Cron {
        expression: String,
        zone: Option<String>,
        ends_at: Option<String>,
    },
}

impl Rule {
    fn of(recurrence: &Value) -> Self {
        let text = |key: &str| recurrence[key].as_str().map(str::to_owned);
        let (zone, ends_at) = (text("timezone"), text("end_at"));
        match (recurrence["interval_seconds"].as_u64(), text("cron")) {
            (Some(seconds), _) => Self::Interval {
                seconds,
                zone,
                ends_at,
            },
            (None, Some(expression)) => Self::Cron {
                expression,
                zone,
                ends_at,
            },
            (None, None) => Self::Once,
        }
    }

    pub(super) fn ends_at(&self) -> Option<&str> {
        match self {
            Self::Once => None,
            Self::Interval { ends_at, .. } | Self::Cron { ends_at, .. } => ends_at.as_deref(),
        }
    }
}

impl Listed {
    pub(super) fn line(&self) -> String {
        format!(
            "{} – {} (#{})",
            plain(&self.text),
            plain(&self.human),
            self.id
        )
    }

    fn read(job: &Value) -> Option<Self> {
        let kept = ["role", "title", "metadata"].map(|key| (key.to_owned(), job[key].clone()));
        let kept = kept.into_iter().filter(|(_, value)| !value.is_null());
        Some(Self {
            id: job["job_id"].as_i64()?,
            text: job["text"].as_str()?.to_owned(),
            human: job["human"].as_str()?.to_owned(),
            is_paused: job["status"] == "paused",
            run_at: job["run_at"].as_str().map(str::to_owned),
            rule: Rule::of(&job["recurrence"]),
            kept: Value::Object(kept.collect()),
        })
    }

    fn entry(&self) -> Entry {
        Entry {
            text: self.text.clone(),
            when: format!("{} {}", self.human, self.kinds()),
        }
    }

    /// What people call such a reminder.
    fn kinds(&self) -> &'static str {
        let human = self.human.as_str();
        if self.rule == Rule::Once {
            ""
        } else if human.starts_with("every day") {
            "daily recurring repeating"
        } else if human.contains("of every month") {
            "monthly recurring repeating"
        } else if human.starts_with("every year") {
            "yearly annual recurring repeating"
        } else if human.contains("day at ") {
            "weekly recurring repeating"
        } else {
            "recurring repeating"
        }
    }
}

pub(super) fn jobs(result: &ToolResult) -> Vec<Listed> {
    let rows = result.value()["jobs"].as_array();
    rows.into_iter()
        .flatten()
        .filter_map(Listed::read)
        .collect()
}

/// All reminders, out of as many lists as they take, and what was done after that; or what comes first.
pub(super) fn all<'a>(done: &'a [Done<'a>]) -> Result<(Vec<Listed>, &'a [Done<'a>]), Move> {
    let Some(first) = done.first() else {
        return Err(Move::Call(vec![list_call(0)]));
    };
    let count = first.result.value()["count"].as_u64().unwrap_or_default();
    let page = jobs(first.result).len().max(1);
    let pages = usize::try_from(count).unwrap_or(1).div_ceil(page).max(1);
    let Some((lists, after)) = done.split_at_checked(pages) else {
        let others = (1..pages).map(|at| list_call(at * page));
        return Err(Move::Call(others.collect()));
    };
    if let Some(broken) = lists.iter().find(|list| list.result.error_text().is_some()) {
        let text = failed("I could not read the reminders", broken.result);
        return Err(Move::Say(text));
    }
    let found: Vec<Listed> = lists.iter().flat_map(|list| jobs(list.result)).collect();
    if found.is_empty() {
        return Err(Move::Say(NONE.into()));
    }
    Ok((found, after))
}

pub(super) fn list_call(offset: usize) -> (&'static str, Value) {
    let offset = (offset > 0).then_some(offset);
    (
        LIST,
        json!({ "active_only": true, "limit": null, "offset": offset }),
    )
}

/// The reminder that is meant, or what to say instead.
pub(super) fn choose(words: &str, mut jobs: Vec<Listed>) -> Result<Listed, String> {
    place(words, &jobs).map(|at| jobs.swap_remove(at))
}

/// The repeat that is meant where the words say which of its times as well, also one at which it
/// does not come.
pub(super) fn one_time(words: &str, jobs: &[Listed]) -> Option<usize> {
    let rest = occasion::without_time(words);
    let without = |question| {
        if rest.is_empty() {
            Err(question)
        } else {
            place(&rest, jobs)
        }
    };
    let found = place(words, jobs).or_else(without).ok()?;
    occasion::is_one_time(words, jobs.get(found)?).then_some(found)
}

fn place(words: &str, jobs: &[Listed]) -> Result<usize, String> {
    if let Some(number) = number(words) {
        let found = jobs.iter().position(|job| job.id == number);
        let missing = || format!("I found no reminder {number}. You have:\n\n{}", lines(jobs));
        return found.ok_or_else(missing);
    }
    let entries: Vec<Entry> = jobs.iter().map(Listed::entry).collect();
    match matching::find(words, &entries) {
        Match::One(at) => Ok(at),
        Match::Several(places) => Err(format!(
            "Several reminders fit. Which one? Use its words or number:\n\n{}",
            lines(places.iter().filter_map(|at| jobs.get(*at)))
        )),
        Match::None => Err(format!(
            "I found no reminder about \"{}\". You have:\n\n{}",
            plain(words),
            lines(jobs)
        )),
    }
}

fn lines<'a>(jobs: impl IntoIterator<Item = &'a Listed>) -> String {
    let lines: Vec<String> = jobs
        .into_iter()
        .map(|job| format!("- {}\n", job.line()))
        .collect();
    let shown = lines.len().min(MOST_LINES);
    let more = and_more(u64::try_from(lines.len()).ok(), shown);
    lines[..shown].concat() + &more
}

/// "3", "#3", "number 3": the number that the lists show, and never a word of the reminder.
fn number(words: &str) -> Option<i64> {
    let words = words.trim();
    let bare = ["number ", "no ", "no. "]
        .into_iter()
        .find_map(|lead| words.to_lowercase().strip_prefix(lead).map(str::to_owned));
    let bare = bare.as_deref().unwrap_or(words);
    bare.trim_start_matches('#').trim().parse().ok()
}
