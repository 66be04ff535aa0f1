//! The list of a chat's reminders, as a card whose buttons change them.

use chrono::{DateTime, Utc};

use super::card::ButtonData;
use super::channel::{Buttons, ChatTarget};
use super::exits::Links;
use super::jobs::{
    Job, JobAction, JobFilter, JobPage, JobRole, JobStatus, JobStatusFilter, OccurrenceState,
};
use super::label::Labels;
use super::markup::FormattedText;
use super::outbox::{Button, Outgoing};
use super::pages::{self, shorten, turning};
use super::reminder;

/// Reminders on one page with buttons: more rows of them are hard to tell apart.
const PAGE: u32 = 5;

/// Reminders in a list without buttons, which has one page.
const LONG_PAGE: u32 = 50;

/// The buttons of a job, each with its label, by where the job stands.
const ACTIVE: [(JobAction, &str); 3] = [
    (JobAction::RunNow, "Run now"),
    (JobAction::Pause, "⏸ Pause"),
    (JobAction::Cancel, "✖ Cancel"),
];
const PAUSED: [(JobAction, &str); 3] = [
    (JobAction::RunNow, "Run now"),
    (JobAction::Resume, "▶ Resume"),
    (JobAction::Cancel, "✖ Cancel"),
];

/// Which jobs a page of the list shows; pages count from 0.
pub fn filter(target: &ChatTarget, page: u32, buttons: Buttons) -> JobFilter {
    let limit = match buttons {
        Buttons::Shown => PAGE,
        Buttons::None => LONG_PAGE,
    };
    JobFilter {
        target: Some(target.clone()),
        status: JobStatusFilter::Open,
        limit,
        offset: page.saturating_mul(limit),
    }
}

/// The last page of a list with buttons.
pub fn last_page(total: u64) -> u32 {
    pages::last_page(total, PAGE)
}

/// The card of a page that `filter` has found.
pub fn card(found: &JobPage, filter: &JobFilter, now: DateTime<Utc>) -> Outgoing {
    if found.total == 0 {
        return Outgoing::plain("No reminders here. Try \"remind me in 30 minutes to stretch\".");
    }
    let mut blocks = vec![format!("Reminders: {}", found.total)];
    blocks.extend(found.jobs.iter().map(|job| entry(job, now)));
    let shown = u64::from(filter.offset) + found.jobs.len() as u64;
    let page = filter.offset / filter.limit.max(1);
    let mut rows: Vec<Vec<Button>> = found.jobs.iter().map(|job| buttons(job, page)).collect();
    if filter.limit == PAGE {
        let last = last_page(found.total);
        rows.extend(turning(page, last, |page| ButtonData::Page { page }));
    } else if shown < found.total {
        blocks.push(format!("… and {} more", found.total - shown));
    }
    let labels: Labels = found.jobs.iter().map(|job| &job.details.labels).collect();
    Outgoing::formatted(FormattedText::plain(blocks.join("\n\n")))
        .with_links(&Links::under(&labels))
        .with_buttons(rows)
}

/// It has one number, by which it is cancelled and changed in words as well.
fn entry(job: &Job, now: DateTime<Utc>) -> String {
    let kind = match job.details.role {
        JobRole::Assistant => "",
        JobRole::User => " · task",
    };
    let paused = match job.status {
        JobStatus::Paused => " · paused",
        JobStatus::Active | JobStatus::Completed | JobStatus::Cancelled => "",
    };
    let (id, when) = (job.id, reminder::when(job, now));
    format!("#{id} {}\n{when}{kind}{paused}", label(job))
}

/// A job in a few words: its title, or the beginning of its text.
pub fn label(job: &Job) -> String {
    let text = job.details.title.as_ref().unwrap_or(&job.details.content);
    shorten(text)
}

fn buttons(job: &Job, page: u32) -> Vec<Button> {
    let table = match job.status {
        JobStatus::Paused => PAUSED,
        JobStatus::Active | JobStatus::Completed | JobStatus::Cancelled => ACTIVE,
    };
    table
        .into_iter()
        .enumerate()
        .map(|(place, (action, label))| {
            let job = job.id;
            let label = match place {
                0 => format!("#{job} · {label}"),
                _ => label.to_owned(),
            };
            ButtonData::Job { job, action, page }.button(label)
        })
        .collect()
}

/// What came of an action, in a word or two, by what the job is now.
pub fn outcome(job: &Job, action: JobAction) -> &'static str {
    let last = job.last_occurrence.as_ref().map(|last| last.state);
    match (action, job.status) {
        (JobAction::Cancel, JobStatus::Cancelled) => "Cancelled",
        (JobAction::Pause, JobStatus::Paused) => "Paused",
        (JobAction::Resume, JobStatus::Active) => "Resumed",
        (JobAction::Resume, JobStatus::Completed) => "Its time has passed",
        (JobAction::RunNow, JobStatus::Active | JobStatus::Paused) => match last {
            Some(OccurrenceState::Skipped) => "Still running",
            _ => "On its way",
        },
        _ => "This reminder is over",
    }
}
