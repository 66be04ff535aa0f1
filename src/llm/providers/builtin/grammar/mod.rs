//! English commands without a model: reminders, notes, sums and dates, told apart from free chat,
//! which it leaves alone.
//!
//! Pure: the caller gives the sentence and the person's local time. Rules worth knowing:
//! - No day and a time already past today: tomorrow. A day without a time: 09:00; morning 09:00,
//!   afternoon 15:00, evening 19:00, night 21:00, end of day 18:00. Loose hours ("at 7"): see
//!   `clock`. Weekdays and dates: see `date`.
//! - "every week", "every month" and "every year" without a day repeat on today's.
//! - "what is the X" is a note search only for what a note may hold (see `notes`); other questions
//!   are free chat.

mod ask;
mod calculate;
mod card;
mod clock;
mod date;
mod duration;
mod head;
mod leftover;
mod manage;
mod notes;
mod numbers;
mod phrase;
mod polite;
mod recurrence;
mod remind;
mod repeating;
mod sums;
mod talk;
mod token;
mod when;
mod zones;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

pub(super) use date::{month, weekday};

/// What a sentence asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    Help,
    Greeting,
    Thanks,
    /// `what` is the text of the card.
    Remind {
        what: String,
        when: When,
    },
    ListReminders,
    /// `words` describe the reminder, in the person's own words.
    CancelReminder {
        words: String,
    },
    CancelAllReminders,
    ChangeReminder {
        words: String,
        when: When,
        shift: Shift,
        told: Told,
    },
    SaveNote {
        title: String,
        data: String,
    },
    /// Only a try: there may be no such note.
    FindNote {
        query: String,
    },
    ListNotes,
    DeleteNote {
        words: String,
    },
    /// Digits, `+ - * / % ** ( )` and decimal points only.
    Calculate {
        expression: String,
    },
    /// `None`: the person's own zone.
    CurrentTime {
        zone: Option<Tz>,
    },
    CurrentDate,
    DateOf {
        question: DateQuestion,
    },
    /// Understood but not possible: one short sentence, and the nearest sentence that works.
    Impossible {
        why: String,
        offer: String,
    },
    /// Something is missing: what to ask, with an example.
    Incomplete {
        question: String,
    },
}

/// What a single new time means for a reminder that repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// "snooze": once more, beside the repeat.
    OnceMore,
    /// "move … to 10": only a time of day, at which the repeat can go on.
    TimeOfDay,
    /// A day, a delay, or a word for this time only: it is not said what becomes of the repeat.
    Unclear,
}

/// How much of a new time was said: a reminder keeps the rest of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    All,
    /// A delay that is counted from now: "in 2 hours".
    FromNow,
    /// The day without a time: "saturday".
    Day(NaiveDate),
    /// The days of a repeat without a time: "tuesdays".
    Days,
    /// The time without a day, each counted from the beginning of the day: two where the half of
    /// the day was not said.
    Time(Vec<TimeDelta>),
}

/// A question about the calendar, with the day already found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateQuestion {
    /// Which weekday and date it is.
    Day { date: NaiveDate },
    /// How far away a day is, counted from today; negative in the past.
    Until {
        date: NaiveDate,
        days: i64,
        unit: CountUnit,
    },
    /// How many days lie between two days.
    Between {
        from: NaiveDate,
        to: NaiveDate,
        days: i64,
    },
}

/// What the person wants the distance counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountUnit {
    Days,
    Weeks,
    Months,
}

/// When a reminder is due, in the person's local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// So many seconds from now.
    In {
        seconds: u64,
    },
    At {
        local: NaiveDateTime,
    },
    /// At a fixed distance; without `first` the first time is one distance from now.
    Every {
        seconds: u64,
        first: Option<NaiveDateTime>,
    },
    /// Five fields, Sunday is 0; `5#2` is the second Friday and `5#L` the last one. `until` is the
    /// last moment.
    Cron {
        expression: String,
        until: Option<NaiveDateTime>,
    },
}

/// Sentences that work, for help and for when nothing was understood.
pub const EXAMPLES: &[&str] = &[
    "remind me in 30 minutes to check my email",
    "remind me tomorrow at 9 to call the dentist",
    "every weekday at 9 remind me to send standup",
    "list my reminders",
    "cancel the standup reminder",
    "move the dentist reminder to 17:00",
    "note: the wifi password is hunter2",
    "what was the wifi password?",
    "what is 12.5% of 80",
    "what time is it in Tokyo",
    "how many days until 24 December",
];

/// Longest sentence that is looked at, in characters: commands are short, and essays are not
/// commands.
const LONGEST: usize = 2000;

/// Understands one sentence. `now` is the person's local time. `None`: not a command.
pub fn parse(text: &str, now: DateTime<Tz>) -> Option<Intent> {
    if text.chars().nth(LONGEST).is_some() {
        return None;
    }
    let tokens = token::tokenise(text);
    if let Some(intent) = talk::parse(&tokens) {
        return Some(intent);
    }
    let body = token::rest(&tokens, polite::lead(&tokens));
    manage::parse(text, body, now)
        .or_else(|| notes::save(text, body))
        .or_else(|| remind::parse(text, body, now))
        .or_else(|| calculate::parse(text, &tokens))
        .or_else(|| ask::parse(text, body, now))
        .or_else(|| notes::find(text, body))
}
