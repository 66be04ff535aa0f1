//! Times of day: "7pm", "19h30", "half past seven", "noon", "at 7".
//!
//! A loose time is one that names a place on a twelve-hour dial and not the half of the day: "7",
//! "ten to nine". Figures with a colon ("9:30", "07:00") and hours from 13 on are read on the
//! 24-hour clock, but for "1:00" to "5:59", which are loose: "04:30" is how to say the small hours.
//! How a loose time is settled: a part of the day decides when there is one ("at 7 in the evening",
//! "tomorrow morning at 8"); with a day or a repeat, 6 to 12 are as written and 1 to 5 are in the
//! afternoon; with neither (or "today") it is the next moment when the dial shows it between 06:00
//! and 22:59. "2h" without a preposition or a day beside it is no time: it may be a length. In the
//! small hours a night is still that of yesterday ("tonight at 2").

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::numbers;
use super::token::{Token, one_of, rest, starts, starts_any, word};

/// A time of day as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// Fully known.
    Exact(NaiveTime),
    /// On a dial of twelve hours: `hour` is 1 to 12.
    Loose { hour: u32, minute: u32 },
    /// In figures without am or pm ("11:30"): the 24-hour clock, unless a part of the day says
    /// otherwise ("tonight").
    Figures { hour: u32, minute: u32 },
    /// The end of the day named: 00:00 of the day after.
    Midnight,
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
    Night,
}

pub(super) fn at(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

impl Part {
    pub(super) fn named(text: &str) -> Option<Self> {
        Some(match text {
            "morning" | "mornings" => Self::Morning,
            "afternoon" | "afternoons" => Self::Afternoon,
            "evening" | "evenings" => Self::Evening,
            "night" | "nights" => Self::Night,
            _ => return None,
        })
    }

    /// The time meant when only the part is named: 09:00, 15:00, 19:00, 21:00.
    pub(super) fn usual(self) -> NaiveTime {
        at(self.hours().0, 0)
    }

    /// A later time in the same part, for when the usual one is over: two hours on.
    pub(super) fn late(self) -> NaiveTime {
        at(self.hours().1, 0)
    }

    fn hours(self) -> (u32, u32) {
        match self {
            Self::Morning => (9, 11),
            Self::Afternoon => (15, 17),
            Self::Evening => (19, 21),
            Self::Night => (21, 23),
        }
    }

    /// The hours of the part, for "every hour between 9:00 and 12:00".
    pub(super) fn span(self) -> (u32, u32) {
        match self {
            Self::Morning => (9, 12),
            Self::Afternoon => (12, 18),
            Self::Evening => (18, 22),
            Self::Night => (20, 23),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
            Self::Night => "night",
        }
    }
}

impl Clock {
    /// The moment on a given day; the small hours of a night belong to the day after.
    pub(super) fn on(self, day: NaiveDate, part: Option<Part>) -> Option<NaiveDateTime> {
        let next = || day.succ_opt();
        match (self.settled(part), part) {
            (Self::Midnight, _) => Some(next()?.and_time(NaiveTime::MIN)),
            (Self::Loose { hour: 12, minute }, Some(Part::Night)) => {
                Some(next()?.and_time(at(0, minute)))
            }
            (Self::Loose { hour, minute }, Some(Part::Night)) if hour < 5 => {
                Some(next()?.and_time(at(hour, minute)))
            }
            _ => Some(day.and_time(self.time(part))),
        }
    }

    /// The time of day where the day does not matter.
    pub(super) fn time(self, part: Option<Part>) -> NaiveTime {
        match (self.settled(part), part) {
            (Self::Exact(time), _) => time,
            (Self::Figures { hour, minute }, _) => at(hour, minute),
            (Self::Midnight, _) => NaiveTime::MIN,
            (Self::Loose { hour, minute }, Some(Part::Morning)) => at(hour % 12, minute),
            (Self::Loose { hour: 12, minute }, Some(Part::Night)) => at(0, minute),
            (Self::Loose { hour, minute }, Some(Part::Night)) if hour < 5 => at(hour, minute),
            (Self::Loose { hour, minute }, Some(_)) => at(hour % 12 + 12, minute),
            (Self::Loose { hour, minute }, None) if (1..=5).contains(&hour) => {
                at(hour + 12, minute)
            }
            (Self::Loose { hour, minute }, None) => at(hour, minute),
        }
    }

    /// Figures beside a part of the day are on the dial, and on the 24-hour clock otherwise.
    fn settled(self, part: Option<Part>) -> Self {
        match (self, part) {
            (Self::Figures { hour, minute }, Some(_)) => Self::Loose { hour, minute },
            (Self::Figures { hour, minute }, None) => Self::Exact(at(hour, minute)),
            _ => self,
        }
    }

    /// A loose hour that a sleeper is woken at.
    pub(super) fn may_be_early(&self) -> bool {
        matches!(self, Self::Loose { hour: 4..=11, .. })
    }

    /// The next moment after `now` for a time without a day.
    pub(super) fn next(self, now: NaiveDateTime) -> Option<NaiveDateTime> {
        let today = now.date();
        let tomorrow = today.succ_opt()?;
        match self.settled(None) {
            Self::Figures { .. } => None,
            Self::Exact(time) => [today, tomorrow]
                .map(|day| day.and_time(time))
                .into_iter()
                .find(|moment| *moment > now),
            Self::Midnight => Some(tomorrow.and_time(NaiveTime::MIN)),
            Self::Loose { hour, minute } => [today, tomorrow]
                .into_iter()
                .flat_map(|day| {
                    [hour % 12, hour % 12 + 12].map(|hour| day.and_time(at(hour, minute)))
                })
                .find(|moment| *moment > now && (at(6, 0)..at(23, 0)).contains(&moment.time())),
        }
    }
}

const PREPOSITIONS: &str =
    "at about|at around|at exactly|at roughly|at precisely|at|by|around|about|@|from|for";

/// A time of day at the start, with its preposition. A bare number counts only after one.
pub(super) fn clock(tokens: &[Token]) -> Option<(Clock, usize)> {
    let lead = starts_any(tokens, PREPOSITIONS).unwrap_or(0);
    let here = rest(tokens, lead);
    let sure = lead > 0 && !matches!(word(tokens, 0), "about" | "for" | "from");
    named(here)
        .or_else(|| spoken(here))
        .or_else(|| half(here).filter(|_| sure))
        .or_else(|| figures(here, sure))
        .map(|(clock, taken)| (clock, lead + taken))
}

/// "2h" and "1h30" without a preposition: as well a length of time as a time of day.
pub(super) fn may_be_a_length(tokens: &[Token]) -> bool {
    let hour = word(tokens, 0).parse::<u32>();
    let glued = tokens
        .get(1)
        .is_some_and(|next| next.glued && next.text == "h");
    glued && hour.is_ok_and(|hour| hour <= 12)
}

/// A time in a list after another one: "9 and 18".
pub(super) fn listed(tokens: &[Token]) -> Option<(Clock, usize)> {
    clock(tokens).or_else(|| figures(tokens, true))
}

/// "8.45" or "9" without a preposition, beside a day: only where nothing follows that the number
/// could count.
pub(super) fn bare(tokens: &[Token]) -> Option<(Clock, usize)> {
    let (clock, taken) = figures(tokens, true)?;
    let after = rest(tokens, taken);
    let dotted = word(tokens, 0).contains('.');
    let free = match after.first() {
        None => dotted,
        Some(next) if next.is_punctuation() => dotted,
        Some(next) => one_of(&next.text, "to|remind|please|pls"),
    };
    // "tomorrow 2 to 3 eggs" is a range.
    let range = super::numbers::whole(rest(after, 1)).is_some();
    (free && !range).then_some((clock, taken))
}

fn named(tokens: &[Token]) -> Option<(Clock, usize)> {
    const NAMES: [(&str, Clock); 16] = [
        ("12 noon", Clock::Exact(hour_of(12))),
        ("noon", Clock::Exact(hour_of(12))),
        ("midday", Clock::Exact(hour_of(12))),
        ("lunchtime", Clock::Exact(hour_of(13))),
        ("lunch time", Clock::Exact(hour_of(13))),
        ("12 midnight", Clock::Midnight),
        ("midnight", Clock::Midnight),
        ("the end of the day", Clock::Exact(hour_of(18))),
        ("the end of day", Clock::Exact(hour_of(18))),
        ("end of the day", Clock::Exact(hour_of(18))),
        ("end of day", Clock::Exact(hour_of(18))),
        ("the end of today", Clock::Exact(hour_of(18))),
        ("end of today", Clock::Exact(hour_of(18))),
        ("close of business", Clock::Exact(hour_of(18))),
        ("eod", Clock::Exact(hour_of(18))),
        ("cob", Clock::Exact(hour_of(18))),
    ];
    NAMES
        .iter()
        .filter_map(|(name, clock)| starts(tokens, name).map(|taken| (*clock, taken)))
        .max_by_key(|found| found.1)
}

const fn hour_of(hour: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, 0, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// "half past seven", "quarter to 6 pm", "twenty past 8", "five minutes to nine".
fn spoken(tokens: &[Token]) -> Option<(Clock, usize)> {
    let article = usize::from(word(tokens, 0) == "a");
    let (minutes, used) = match word(tokens, article) {
        "half" => (30, article + 1),
        "quarter" => (15, article + 1),
        _ => {
            let (minutes, used) = numbers::whole(tokens)?;
            let named = usize::from(matches!(
                word(tokens, used),
                "minutes" | "minute" | "min" | "mins"
            ));
            let minutes = u32::try_from(minutes)
                .ok()
                .filter(|value| (1..30).contains(value))?;
            if named == 0 && minutes % 5 != 0 {
                return None;
            }
            (minutes, used + named)
        }
    };
    let past = match word(tokens, used) {
        "past" | "after" => true,
        "to" | "before" | "till" if minutes != 30 => false,
        _ => return None,
    };
    let (hour, hour_used) = numbers::whole(rest(tokens, used + 1))?;
    let hour = u32::try_from(hour)
        .ok()
        .filter(|hour| (1..=23).contains(hour))?;
    let taken = used + 1 + hour_used;
    let (hour, minutes) = if past {
        (hour, minutes)
    } else {
        (hour - 1, 60 - minutes)
    };
    let loose = if hour == 0 { 12 } else { hour };
    let (clock, suffix) = finish(rest(tokens, taken), loose, minutes)?;
    Some((clock, taken + suffix))
}

/// "half 7", which is half past seven.
fn half(tokens: &[Token]) -> Option<(Clock, usize)> {
    let (hour, used) = numbers::whole(rest(tokens, 1)).filter(|_| word(tokens, 0) == "half")?;
    let hour = u32::try_from(hour)
        .ok()
        .filter(|hour| (1..=12).contains(hour))?;
    let (clock, suffix) = finish(rest(tokens, 1 + used), hour, 30)?;
    Some((clock, 1 + used + suffix))
}

/// "7pm", "7 o'clock", "19:00", "7.30pm", "19h30", "1930", "seven thirty", and "7" where a
/// preposition makes it `sure`.
fn figures(tokens: &[Token], sure: bool) -> Option<(Clock, usize)> {
    let first = tokens.first()?.text.as_str();
    if let Some((hour, minute)) = first.split_once([':', '.']) {
        return with_minutes(tokens, hour, minute, sure || first.contains(':'));
    }
    if first.len() == 4 && first.bytes().all(|byte| byte.is_ascii_digit()) && sure {
        let taken = 1 + usize::from(matches!(word(tokens, 1), "hours" | "hrs" | "h"));
        let (hour, minute) = (first[..2].parse().ok()?, first[2..].parse().ok()?);
        return NaiveTime::from_hms_opt(hour, minute, 0).map(|time| (Clock::Exact(time), taken));
    }
    let (hour, mut taken) = numbers::whole(tokens)?;
    let hour = u32::try_from(hour).ok().filter(|hour| *hour <= 24)?;
    let digits = first.starts_with(|c: char| c.is_ascii_digit());
    if digits && word(tokens, 1) == "h" && tokens[1].glued {
        let minute = tokens.get(2).filter(|token| token.glued);
        let (minute, used) = match minute.and_then(|token| token.text.parse().ok()) {
            Some(minute) => (minute, 3),
            None => (0, 2),
        };
        return NaiveTime::from_hms_opt(hour, minute, 0).map(|time| (Clock::Exact(time), used));
    }
    if digits && first.len() == 2 && first.starts_with('0') && sure {
        let (exact, suffix) = finish(rest(tokens, taken), hour, 0)?;
        let exact = match exact {
            Clock::Loose { hour, minute } => Clock::Exact(at(hour, minute)),
            other => other,
        };
        return super::duration::span(tokens)
            .is_none()
            .then_some((exact, taken + suffix));
    }
    let mut minute = 0;
    if !digits && let Some((value, used)) = numbers::spelled(rest(tokens, taken)) {
        minute = u32::try_from(value)
            .ok()
            .filter(|value| (10..60).contains(value))?;
        taken += used;
    }
    let suffix_at = rest(tokens, taken);
    let marked = matches!(word(suffix_at, 0), "am" | "pm" | "o'clock" | "oclock");
    let counted =
        super::duration::span(tokens).is_some() || matches!(word(suffix_at, 0), "%" | "percent");
    if !marked && (!sure || counted) {
        return None;
    }
    if hour == 24 {
        return (minute == 0).then_some((Clock::Midnight, taken));
    }
    let (clock, suffix) = finish(suffix_at, hour, minute)?;
    Some((clock, taken + suffix))
}

fn with_minutes(tokens: &[Token], hour: &str, minute: &str, sure: bool) -> Option<(Clock, usize)> {
    let (minute, second) = minute.split_once(':').unwrap_or((minute, "00"));
    if minute.len() != 2 || second.len() != 2 || hour.is_empty() || hour.len() > 2 {
        return None;
    }
    let marked = matches!(word(tokens, 1), "am" | "pm");
    if !sure && !marked {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let seconds: u32 = second.parse().ok()?;
    if hours == 24 && minutes == 0 {
        return Some((Clock::Midnight, 1));
    }
    let exact = NaiveTime::from_hms_opt(hours, minutes, seconds)?;
    let suffix = usize::from(
        !marked
            && tokens
                .get(1)
                .is_some_and(|next| next.glued && next.text == "h"),
    );
    if seconds > 0 || (!marked && (hours == 0 || hours > 12 || hour.starts_with('0'))) {
        return Some((Clock::Exact(exact), 1 + suffix));
    }
    if !marked && (hours > 5 || hour.len() == 2) {
        let figures = Clock::Figures {
            hour: hours,
            minute: minutes,
        };
        return Some((figures, 1 + suffix));
    }
    let (clock, suffix) = finish(rest(tokens, 1), hours, minutes)?;
    Some((clock, 1 + suffix))
}

/// Settles an hour with what follows it: "pm", "o'clock", or nothing.
fn finish(tokens: &[Token], hour: u32, minute: u32) -> Option<(Clock, usize)> {
    let o_clock = usize::from(matches!(
        word(tokens, 0),
        "o'clock" | "oclock" | "hours" | "sharp" | "ish"
    ));
    let meridiem = word(tokens, o_clock);
    if matches!(meridiem, "am" | "pm") && (1..=12).contains(&hour) {
        let afternoon = if meridiem == "pm" { 12 } else { 0 };
        let time = NaiveTime::from_hms_opt(hour % 12 + afternoon, minute, 0)?;
        let sharp = usize::from(word(tokens, o_clock + 1) == "sharp");
        return Some((Clock::Exact(time), o_clock + 1 + sharp));
    }
    // "19:00 pm" is said by some; the mark adds nothing to it.
    let extra = usize::from(meridiem == "pm" && (13..=23).contains(&hour));
    let clock = if (1..=12).contains(&hour) {
        NaiveTime::from_hms_opt(hour, minute, 0)?;
        Clock::Loose { hour, minute }
    } else {
        Clock::Exact(NaiveTime::from_hms_opt(hour, minute, 0)?)
    };
    Some((clock, o_clock + extra))
}

/// A part of the day at the start: "in the morning", "at night", "tonight" is a day as well and
/// lives with the dates.
pub(super) fn part(tokens: &[Token]) -> Option<(Part, usize)> {
    let lead = starts_any(tokens, "in the|during the|at|on the")?;
    let part = Part::named(word(tokens, lead))?;
    let fits = (word(tokens, 0) == "at") == (part == Part::Night);
    fits.then_some((part, lead + 1))
}
