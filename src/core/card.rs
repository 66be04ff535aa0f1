//! The buttons below cards: what each of them carries, and what answering a reminder means.

use chrono::{DateTime, NaiveTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::approval::{Answer, ApprovalKey};
use super::channel::ChatTarget;
use super::file_list::{self, FileAction, FileKey};
use super::ids::{JobId, OccurrenceId, RuleId, TurnId};
use super::jobs::{Job, JobAction, Occurrence};
use super::note_list::{self, NoteAction, NoteKey};
use super::outbox::{Button, Outgoing};
use super::schedule::resolve_local;

/// What a button carries, as one text of at most 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtonData {
    /// Below a reminder.
    Reminder {
        /// The slot that the card shows.
        occurrence: OccurrenceId,
        /// What the person says to it.
        answer: CardAnswer,
    },
    /// Below the word that a scheduled run has failed.
    Retry {
        /// The slot of that run.
        occurrence: OccurrenceId,
    },
    /// Below a word about the budget: another dollar for today.
    RaiseBudget,
    /// Below a list of reminders: show another page.
    Page {
        /// Counted from 0.
        page: u32,
    },
    /// Below a list of files: show another page.
    FilePage {
        /// Counted from 0.
        page: u32,
    },
    /// Below a list of files: do something to one of them.
    File {
        /// Which, as it was.
        file: FileKey,
        /// What.
        action: FileAction,
        /// The page that the list shows.
        page: u32,
    },
    /// Below a list of notes: show another page.
    NotePage {
        /// Counted from 0.
        page: u32,
    },
    /// Below a list of notes: do something to one of them.
    Note {
        /// Which, as it was.
        note: NoteKey,
        /// What.
        action: NoteAction,
        /// The page that the list shows.
        page: u32,
    },
    /// Below a list of reminders: do something to one of them.
    Job {
        /// Which.
        job: JobId,
        /// What.
        action: JobAction,
        /// The page that the list shows.
        page: u32,
    },
    /// Below a question: whether a call may run.
    Approval {
        /// The question.
        key: ApprovalKey,
        /// What the person says to it.
        answer: Answer,
    },
    /// Below the list of rules: take one back.
    RevokeRule {
        /// Which.
        rule: RuleId,
    },
}

/// What a person can say to a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardAnswer {
    /// It is done.
    Done,
    /// Again later.
    Snooze(Snooze),
}

/// How much later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snooze {
    /// In ten minutes.
    TenMinutes,
    /// In one hour.
    OneHour,
    /// On the next day at nine, by the person's clock.
    Tomorrow,
}

/// What was said to a reminder; each card takes one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reaction {
    /// It is done.
    Done {
        /// Since when.
        at: DateTime<Utc>,
    },
    /// It comes again.
    Snoozed {
        /// When.
        until: DateTime<Utc>,
    },
}

/// What came of a press below the card of a slot.
#[derive(Debug, Clone, PartialEq)]
pub enum Reacted {
    /// It took effect: the job, with the receipt of that slot as it was before.
    Now(Box<Job>),
    /// Somebody was faster: the receipt as it is.
    Already(Box<Occurrence>),
    /// The card belongs to another chat.
    Elsewhere,
    /// There is no such slot any more.
    Unknown,
}

/// The answers, each with its code and its label, in rows as they are shown.
const ANSWERS: [[(CardAnswer, &str, &str); 2]; 2] = [
    [
        (CardAnswer::Done, "done", "✅ Done"),
        (CardAnswer::Snooze(Snooze::TenMinutes), "10m", "💤 10 min"),
    ],
    [
        (CardAnswer::Snooze(Snooze::OneHour), "1h", "💤 1 h"),
        (
            CardAnswer::Snooze(Snooze::Tomorrow),
            "tom",
            "💤 Tomorrow 9:00",
        ),
    ],
];

/// What can be done to a job, with the codes.
const ACTIONS: [(JobAction, &str); 4] = [
    (JobAction::RunNow, "run"),
    (JobAction::Pause, "pause"),
    (JobAction::Resume, "resume"),
    (JobAction::Cancel, "cancel"),
];

const RETRY: &str = "retry";

impl ButtonData {
    /// Reads what a button carries; `None` for a button of another version, or none of ours.
    pub fn parse(data: &str) -> Option<Self> {
        let parts: Vec<&str> = data.split(':').collect();
        match parts.as_slice() {
            ["r", occurrence, RETRY] => Some(Self::Retry {
                occurrence: OccurrenceId(occurrence.parse().ok()?),
            }),
            ["r", occurrence, code] => Some(Self::Reminder {
                occurrence: OccurrenceId(occurrence.parse().ok()?),
                answer: ANSWERS.iter().flatten().find(|row| row.1 == *code)?.0,
            }),
            ["b", "1"] => Some(Self::RaiseBudget),
            ["p", page] => Some(Self::Page {
                page: page.parse().ok()?,
            }),
            ["fp", page] => Some(Self::FilePage {
                page: page.parse().ok()?,
            }),
            ["f", file, code, page] => Some(Self::File {
                file: file.parse().ok()?,
                action: file_list::ACTIONS.iter().find(|row| row.1 == *code)?.0,
                page: page.parse().ok()?,
            }),
            ["np", page] => Some(Self::NotePage {
                page: page.parse().ok()?,
            }),
            ["n", note, code, page] => Some(Self::Note {
                note: note.parse().ok()?,
                action: note_list::ACTIONS.iter().find(|row| row.1 == *code)?.0,
                page: page.parse().ok()?,
            }),
            ["j", job, code, page] => Some(Self::Job {
                job: JobId(job.parse().ok()?),
                action: ACTIONS.iter().find(|row| row.1 == *code)?.0,
                page: page.parse().ok()?,
            }),
            ["a", turn, number, code] => Some(Self::Approval {
                key: ApprovalKey {
                    turn: TurnId(turn.parse().ok()?),
                    number: number.parse().ok()?,
                },
                answer: Answer::coded(code)?,
            }),
            ["u", rule] => Some(Self::RevokeRule {
                rule: RuleId(rule.parse().ok()?),
            }),
            _ => None,
        }
    }

    /// A button that carries this.
    pub fn button(self, label: impl Into<String>) -> Button {
        Button {
            label: label.into(),
            data: self.to_string(),
        }
    }
}

impl std::fmt::Display for ButtonData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reminder { occurrence, answer } => {
                let row = ANSWERS.iter().flatten().find(|row| row.0 == *answer);
                write!(f, "r:{occurrence}:{}", row.map_or("", |row| row.1))
            }
            Self::Retry { occurrence } => write!(f, "r:{occurrence}:{RETRY}"),
            Self::RaiseBudget => f.write_str("b:1"),
            Self::Page { page } => write!(f, "p:{page}"),
            Self::FilePage { page } => write!(f, "fp:{page}"),
            Self::File { file, action, page } => {
                let row = file_list::ACTIONS.iter().find(|row| row.0 == *action);
                write!(f, "f:{file}:{}:{page}", row.map_or("", |row| row.1))
            }
            Self::NotePage { page } => write!(f, "np:{page}"),
            Self::Note { note, action, page } => {
                let row = note_list::ACTIONS.iter().find(|row| row.0 == *action);
                write!(f, "n:{note}:{}:{page}", row.map_or("", |row| row.1))
            }
            Self::Job { job, action, page } => {
                let row = ACTIONS.iter().find(|row| row.0 == *action);
                write!(f, "j:{job}:{}:{page}", row.map_or("", |row| row.1))
            }
            Self::Approval { key, answer } => {
                write!(f, "a:{}:{}:{}", key.turn, key.number, answer.code())
            }
            Self::RevokeRule { rule } => write!(f, "u:{rule}"),
        }
    }
}

impl CardAnswer {
    /// What the answer means when it is given `now`, by the clock of `zone`.
    pub fn reaction(self, now: DateTime<Utc>, zone: Tz) -> Reaction {
        // Stores keep milliseconds.
        let now = now.trunc_subsecs(3);
        let until = match self {
            Self::Done => return Reaction::Done { at: now },
            Self::Snooze(Snooze::TenMinutes) => now + TimeDelta::minutes(10),
            Self::Snooze(Snooze::OneHour) => now + TimeDelta::hours(1),
            Self::Snooze(Snooze::Tomorrow) => tomorrow_at_nine(now, zone),
        };
        Reaction::Snoozed { until }
    }
}

fn tomorrow_at_nine(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let nine = NaiveTime::from_hms_opt(9, 0, 0).expect("nine o'clock is a time");
    let tomorrow = now.with_timezone(&zone).date_naive().succ_opt();
    tomorrow
        .and_then(|day| resolve_local(day.and_time(nine), zone))
        .unwrap_or(now + TimeDelta::days(1))
}

impl Reaction {
    /// The line that the card gets: "✅ Done 09:03", "💤 until 09:13".
    pub fn line(self, now: DateTime<Utc>, zone: Tz) -> String {
        match self {
            Self::Done { at } => format!("✅ Done {}", clock_time(at, now, zone)),
            Self::Snoozed { until } => format!("💤 until {}", clock_time(until, now, zone)),
        }
    }

    /// What whoever pressed first is told for a moment.
    pub fn notice(self, now: DateTime<Utc>, zone: Tz) -> String {
        match self {
            Self::Done { .. } => "Done".into(),
            Self::Snoozed { until } => format!("Snoozed until {}", clock_time(until, now, zone)),
        }
    }

    /// What whoever came later is told.
    pub fn late_notice(self, now: DateTime<Utc>, zone: Tz) -> String {
        match self {
            Self::Done { .. } => "Already done".into(),
            Self::Snoozed { until } => {
                format!("Already snoozed until {}", clock_time(until, now, zone))
            }
        }
    }
}

/// Why a press below the card of this slot's job does nothing; `None` when it may.
pub fn refusal(job: Option<&Job>, pressed_in: &ChatTarget) -> Option<Reacted> {
    let Some(job) = job else {
        return Some(Reacted::Unknown);
    };
    // The topic does not matter: a chat is closed to others as a whole.
    let own = &job.details.target;
    let same = own.channel == pressed_in.channel && own.chat == pressed_in.chat;
    (!same).then_some(Reacted::Elsewhere)
}

/// The card of a slot: the content with the answers below it.
#[must_use]
pub fn with_answers(content: Outgoing, occurrence: OccurrenceId) -> Outgoing {
    let row = |row: &[(CardAnswer, &str, &str)]| {
        row.iter()
            .map(|(answer, _, label)| {
                let answer = *answer;
                ButtonData::Reminder { occurrence, answer }.button(*label)
            })
            .collect()
    };
    content.with_buttons(ANSWERS.iter().map(|answers| row(answers)).collect())
}

/// The time of day, with the date when that is not today's.
pub fn clock_time(moment: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (moment, now) = (moment.with_timezone(&zone), now.with_timezone(&zone));
    let pattern = if moment.date_naive() == now.date_naive() {
        "%H:%M"
    } else {
        "%a %-d %b %H:%M"
    };
    moment.format(pattern).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn data_is_short_and_comes_back() {
        let occurrence = OccurrenceId(i64::MIN);
        let answers = ANSWERS.iter().flatten().map(|row| row.0);
        let mut all: Vec<ButtonData> = answers
            .map(|answer| ButtonData::Reminder { occurrence, answer })
            .collect();
        all.push(ButtonData::Retry { occurrence });
        all.push(ButtonData::RaiseBudget);
        all.push(ButtonData::Page { page: u32::MAX });
        all.push(ButtonData::FilePage { page: u32::MAX });
        let file: FileKey = "ffffffffffffffff".parse().unwrap();
        all.extend(file_list::ACTIONS.map(|(action, _)| ButtonData::File {
            file,
            action,
            page: u32::MAX,
        }));
        all.push(ButtonData::NotePage { page: u32::MAX });
        let note: NoteKey = "9223372036854775807.fffffffffff".parse().unwrap();
        all.extend(note_list::ACTIONS.map(|(action, _)| ButtonData::Note {
            note,
            action,
            page: u32::MAX,
        }));
        all.extend(ACTIONS.iter().map(|(action, _)| ButtonData::Job {
            job: JobId(i64::MIN),
            action: *action,
            page: u32::MAX,
        }));
        all.extend(Answer::all().map(|answer| ButtonData::Approval {
            key: ApprovalKey {
                turn: TurnId(i64::MIN),
                number: u32::MAX,
            },
            answer,
        }));
        all.push(ButtonData::RevokeRule {
            rule: RuleId(i64::MIN),
        });
        for data in all {
            let text = data.to_string();
            assert!(text.len() <= 64, "{text}");
            assert_eq!(ButtonData::parse(&text), Some(data), "{text}");
        }
        assert_eq!(
            ButtonData::parse("r:12:10m").unwrap().to_string(),
            "r:12:10m"
        );
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for data in [
            "",
            "r",
            "r:",
            "r:1",
            "r:1:",
            "r:x:done",
            "r:1:done:2",
            "R:1:done",
            "r:1:2h",
            "p:-1",
            "p:",
            "j:1:run",
            "j:1:eat:0",
            "j::run:0",
            "n:1:show:0",
            "n:1.x:show:0",
            "n:1.2:eat:0",
            "r:99999999999999999999:done",
            "r: 1:done",
            "a:1:1:x",
            "a:1:-1:y",
            "a:1:y",
            "a:1:1:y:1",
            "u:x",
        ] {
            assert_eq!(ButtonData::parse(data), None, "{data}");
        }
    }

    #[test]
    fn tomorrow_is_the_persons_own() {
        for (now, zone, expected) in [
            // Half past midnight in Madrid is still the day before in UTC.
            (
                "2027-06-01T22:30:00Z",
                Tz::Europe__Madrid,
                "2027-06-03T07:00:00Z",
            ),
            (
                "2027-06-01T21:30:00Z",
                Tz::Europe__Madrid,
                "2027-06-02T07:00:00Z",
            ),
            // The clocks change that night, in spring and in autumn.
            (
                "2027-03-27T10:00:00Z",
                Tz::Europe__Madrid,
                "2027-03-28T07:00:00Z",
            ),
            (
                "2027-10-30T10:00:00Z",
                Tz::Europe__Madrid,
                "2027-10-31T08:00:00Z",
            ),
            ("2027-12-31T23:59:59Z", Tz::UTC, "2028-01-01T09:00:00Z"),
            (
                "2027-06-01T10:00:00Z",
                Tz::Pacific__Kiritimati,
                "2027-06-02T19:00:00Z",
            ),
        ] {
            let reaction = CardAnswer::Snooze(Snooze::Tomorrow).reaction(utc(now), zone);
            let until = utc(expected);
            assert_eq!(reaction, Reaction::Snoozed { until }, "{now} {zone}");
        }
    }

    #[test]
    fn a_line_names_the_day_when_it_is_another() {
        let now = utc("2027-06-01T21:55:00Z");
        let zone = Tz::Europe__Madrid;
        let snooze = |snooze| CardAnswer::Snooze(snooze).reaction(now, zone);
        let done = CardAnswer::Done.reaction(now, zone);
        let ten = snooze(Snooze::TenMinutes);
        assert_eq!(done.line(now, zone), "✅ Done 23:55");
        assert_eq!(ten.line(now, zone), "💤 until Wed 2 Jun 00:05");
        assert_eq!(
            ten.line(now + TimeDelta::minutes(6), zone),
            "💤 until 00:05"
        );
        assert_eq!(
            snooze(Snooze::OneHour).late_notice(now, zone),
            "Already snoozed until Wed 2 Jun 00:55"
        );
        assert_eq!(done.late_notice(now, zone), "Already done");
    }
}
