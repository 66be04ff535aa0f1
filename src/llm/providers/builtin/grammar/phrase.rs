//! A time phrase: the run of words in a sentence that says when ("every monday at 18:30 until 1
//! March").

use chrono::{DateTime, Datelike, Days, NaiveDate};
use chrono_tz::Tz;

use super::clock::{self, Clock, Part};
use super::date::{self, Day, Fault, Said};
use super::duration::{self, Span};
use super::leftover;
use super::recurrence::{self, Repeat};
use super::repeating;
use super::token::{Token, rest, starts_any, word};
use super::zones;

/// Ends a repeat that it stands behind.
const THIS: &str = "this week|this month|this year";

/// When a repeat ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The whole of the day, or up to a time on it.
    Day(Day, Option<Clock>),
    /// A time of the day of asking.
    Time(Clock),
    /// So long from now.
    After(Span),
}

/// The parts of a time phrase, each said at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) day: Option<Day>,
    pub(super) clocks: Vec<Clock>,
    pub(super) part: Option<Part>,
    pub(super) delay: Option<Span>,
    pub(super) repeat: Option<Repeat>,
    /// Narrows "every hour" to some days of the week.
    pub(super) weekdays: Option<Vec<u32>>,
    /// "between 9 and 17".
    pub(super) window: Option<(Clock, Clock)>,
    pub(super) start: Option<Day>,
    pub(super) until: Option<Until>,
    pub(super) zone: Option<Tz>,
    pub(super) fault: Option<Fault>,
}

enum Piece {
    Day(Day),
    DayPart(Day, Part),
    Clock(Clock),
    Part(Part),
    Delay(Span),
    Repeat(Repeat, Option<Part>),
    Window(Clock, Clock),
    Start(Day),
    Until(Until),
    /// "from monday to friday", alone or beside "every day" and "every hour".
    WeekdaysFrom(Vec<u32>),
    /// What "every month" is said to be.
    Instead(Repeat),
    Zone(Tz),
    Fault(Fault),
}

impl Phrase {
    /// The longest time phrase that begins exactly here, and its length in tokens.
    pub(super) fn read(tokens: &[Token], now: DateTime<Tz>) -> Option<(Self, usize)> {
        Self::default().read_on(tokens, now)
    }

    /// Reads on from what is known already, and adds to it.
    pub(super) fn read_on(&self, tokens: &[Token], now: DateTime<Tz>) -> Option<(Self, usize)> {
        let today = now.date_naive();
        let mut phrase = self.clone();
        let mut taken = 0;
        while taken < tokens.len() {
            let joint = if taken == 0 {
                0
            } else {
                phrase.joint(rest(tokens, taken))
            };
            let here = rest(tokens, taken + joint);
            // "every day this week", but "every monday to plan this week".
            let own = taken > 0 || starts_any(here, THIS).is_none();
            let Some((piece, used)) = phrase.piece(here, today).filter(|_| own) else {
                break;
            };
            if used == 0 || !phrase.add(piece) {
                break;
            }
            taken += joint + used;
        }
        (taken > 0 && phrase.makes_sense()).then_some((phrase, taken))
    }

    /// Words that may stand between two pieces.
    fn joint(&self, tokens: &[Token]) -> usize {
        let list = !self.clocks.is_empty();
        match word(tokens, 0) {
            "and" | "&" if list || self.repeat.is_some() => 1,
            "," if list && word(tokens, 1) == "and" => 2,
            "," => 1,
            // "starting at 16:00"; before a day it says when the repeat begins.
            "starting" | "beginning" if clock::clock(rest(tokens, 1)).is_some() => 1,
            // "2026-12-01T14:30"
            "t" if tokens[0].glued && self.day.is_some() => 1,
            _ => 0,
        }
    }

    fn piece(&self, tokens: &[Token], today: NaiveDate) -> Option<(Piece, usize)> {
        if self.repeat == Some(Repeat::Months(1))
            && let Some((found, used)) = recurrence::of_the_month(tokens)
        {
            return Some(match found {
                Ok((repeat, _)) => (Piece::Instead(repeat), used),
                Err(fault) => (Piece::Fault(fault), used),
            });
        }
        if let Some((repeat, used)) = recurrence::repeat(tokens, today) {
            return Some(match repeat {
                Ok((repeat, part)) => (Piece::Repeat(repeat, part), used),
                Err(fault) => (Piece::Fault(fault), used),
            });
        }
        if let Some(used) = leftover::vague(tokens, today) {
            let question = leftover::question("call home");
            return Some((Piece::Fault(Fault::Ask(question)), used));
        }
        let repeats = self.repeat.is_some();
        until(tokens, today, self)
            .or_else(|| window(tokens).filter(|_| repeats))
            .or_else(|| delay(tokens))
            .or_else(|| self.part_of_day(tokens, today))
            .or_else(|| self.weekdays_from(tokens))
            .or_else(|| self.start(tokens, today))
            .or_else(|| self.zone_suffix(tokens))
            .or_else(|| self.day_or_clock(tokens, today))
    }

    fn part_of_day(&self, tokens: &[Token], today: NaiveDate) -> Option<(Piece, usize)> {
        if let Some((part, used)) = clock::part(tokens) {
            return Some((Piece::Part(part), used));
        }
        let day = Day {
            date: today,
            said: Said::Today,
        };
        if let Some(used) = starts_any(tokens, "tonight|later tonight|tonite") {
            return Some((Piece::DayPart(day, Part::Night), used));
        }
        if let Some(used) = starts_any(tokens, "this|later this")
            && let Some(part) = Part::named(word(tokens, used))
        {
            return Some((Piece::DayPart(day, part), used + 1));
        }
        let beside = self.day.is_some() || self.repeat.is_some();
        Part::named(word(tokens, 0))
            .filter(|_| beside)
            .map(|part| (Piece::Part(part), 1))
    }

    /// "starting 11 december", and "from friday" beside a repeat.
    fn start(&self, tokens: &[Token], today: NaiveDate) -> Option<(Piece, usize)> {
        const LEADS: &str =
            "starting|starting on|starting from|beginning|beginning on|beginning from";
        let sure = starts_any(tokens, LEADS);
        let from = || starts_any(tokens, "from|as of|as from|since");
        let lead = sure.or_else(|| from().filter(|_| self.repeat.is_some()))?;
        let here = rest(tokens, lead);
        match date::day(here, today) {
            Some((Ok(day), used)) => Some((Piece::Start(day), lead + used)),
            Some((Err(fault), used)) => {
                let fault = self.beside_repeat(fault, "starting");
                sure.map(|_| (Piece::Fault(fault), lead + used))
            }
            None => {
                // "starting in january": a beginning that is no day.
                let end = (0..6).find(|at| matches!(word(here, *at), "" | "to" | "at" | ","))?;
                let why = "A repeat begins at once, not on a later day.";
                let fault = Piece::Fault(Fault::new(why, "every day at 9:00"));
                let unknown = self.repeat.is_some() && sure.is_some() && end > 0;
                unknown.then_some((fault, lead + end))
            }
        }
    }

    /// The refusal of a day at which a repeat begins or ends offers the repeat as well.
    fn beside_repeat(&self, fault: Fault, joint: &str) -> Fault {
        let (Some(repeat), Fault::Impossible { why, instead }) = (&self.repeat, &fault) else {
            return fault;
        };
        let Some(day) = instead.strip_prefix("on ") else {
            return fault;
        };
        let repeat_said = repeating::said(repeat, self);
        match repeat {
            Repeat::Interval(span) if joint == "starting" && span.whole_days => {
                Fault::new(why, format!("{repeat_said} {joint} {day}"))
            }
            Repeat::Interval(_) => Fault::new(why, repeat_said),
            _ if joint == "starting" => Fault::new(why, repeat_said),
            _ => Fault::new(why, format!("{repeat_said} {joint} {day}")),
        }
    }

    /// "from monday to friday".
    fn weekdays_from(&self, tokens: &[Token]) -> Option<(Piece, usize)> {
        let lead = usize::from(word(tokens, 0) == "from");
        let (found, used) = recurrence::weekday_range(rest(tokens, lead)).filter(|_| lead > 0)?;
        Some((Piece::WeekdaysFrom(found), lead + used))
    }

    fn zone_suffix(&self, tokens: &[Token]) -> Option<(Piece, usize)> {
        if self.clocks.is_empty() {
            return None;
        }
        zones::suffix(tokens).map(|(zone, used)| (Piece::Zone(zone), used))
    }

    fn day_or_clock(&self, tokens: &[Token], today: NaiveDate) -> Option<(Piece, usize)> {
        let day = date::day(tokens, today);
        let dated = self.day.is_some() || self.repeat.is_some();
        let clock = if self.clocks.is_empty() {
            clock::clock(tokens)
                .filter(|_| dated || !clock::may_be_a_length(tokens))
                .or_else(|| clock::bare(tokens).filter(|_| dated))
        } else {
            clock::listed(tokens)
        };
        if clock.is_none()
            && matches!(word(tokens, 0), "at" | "by")
            && let Some((hour, minute)) = word(tokens, 1).split_once(':')
            && [hour, minute]
                .iter()
                .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let why = format!("There is no {hour}:{minute} on the clock.");
            return Some((Piece::Fault(Fault::new(why, "at 18:00")), 2));
        }
        match (day, clock) {
            (Some((_, day_used)), Some((clock, used))) if used >= day_used => {
                Some((Piece::Clock(clock), used))
            }
            (Some((Ok(day), used)), _) => Some((Piece::Day(day), used)),
            (Some((Err(fault), used)), _) => Some((Piece::Fault(fault), used)),
            (None, Some((clock, used))) => Some((Piece::Clock(clock), used)),
            (None, None) => None,
        }
    }

    /// Takes a piece; false when it would say something a second time.
    fn add(&mut self, piece: Piece) -> bool {
        let mut one = Self::default();
        match piece {
            Piece::Day(day) => one.day = Some(day),
            Piece::DayPart(day, part) => (one.day, one.part) = (Some(day), Some(part)),
            Piece::Clock(clock) => one.clocks.push(clock),
            Piece::Part(part) => one.part = Some(part),
            Piece::Delay(span) => one.delay = Some(span),
            Piece::Repeat(Repeat::Weekdays(days), _)
                if matches!(self.repeat, Some(Repeat::Interval(_))) =>
            {
                one.weekdays = Some(days);
            }
            Piece::WeekdaysFrom(days) => match self.repeat {
                Some(Repeat::Interval(_)) => one.weekdays = Some(days),
                Some(Repeat::Daily) => {
                    self.repeat = Some(Repeat::Weekdays(days));
                    return true;
                }
                _ => one.repeat = Some(Repeat::Weekdays(days)),
            },
            Piece::Instead(repeat) => {
                self.repeat = Some(repeat);
                return true;
            }
            Piece::Repeat(repeat, part) => (one.repeat, one.part) = (Some(repeat), part),
            Piece::Window(from, to) => one.window = Some((from, to)),
            Piece::Start(day) => one.start = Some(day),
            Piece::Until(until) => one.until = Some(until),
            Piece::Zone(zone) => one.zone = Some(zone),
            Piece::Fault(fault) => one.fault = Some(fault),
        }
        let several = self.repeat.is_some() || one.repeat.is_some();
        if !one.clocks.is_empty() && !self.clocks.is_empty() && !several && self.clocks.len() < 12 {
            self.clocks.append(&mut one.clocks);
            return true;
        }
        self.merge(one)
    }

    /// Joins two phrases of one sentence; false, and no change, when both say the same thing.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        let day = join_days(self.day, other.day);
        let clash = [
            day.is_none() && self.day.is_some() && other.day.is_some(),
            self.part.is_some() && other.part.is_some(),
            self.delay.is_some() && other.delay.is_some(),
            self.repeat.is_some() && other.repeat.is_some(),
            self.weekdays.is_some() && other.weekdays.is_some(),
            self.window.is_some() && other.window.is_some(),
            self.start.is_some() && other.start.is_some(),
            self.until.is_some() && other.until.is_some(),
            self.zone.is_some() && other.zone.is_some(),
            self.fault.is_some() && other.fault.is_some(),
            self.clocks.len() + other.clocks.len() > 12,
            !self.clocks.is_empty()
                && !other.clocks.is_empty()
                && self.repeat.is_none()
                && other.repeat.is_none(),
        ];
        if clash.contains(&true) {
            return false;
        }
        let mut joined = self.clone();
        joined.day = day;
        joined.clocks.extend(other.clocks);
        joined.part = joined.part.or(other.part);
        joined.delay = joined.delay.or(other.delay);
        joined.repeat = joined.repeat.or(other.repeat);
        joined.weekdays = joined.weekdays.or(other.weekdays);
        joined.window = joined.window.or(other.window);
        joined.start = joined.start.or(other.start);
        joined.until = joined.until.or(other.until);
        joined.zone = joined.zone.or(other.zone);
        joined.fault = joined.fault.or(other.fault);
        if !joined.fits() {
            return false;
        }
        *self = joined;
        true
    }

    /// "in 2 hours" stands alone; "in 3 days" may have a time of day.
    fn fits(&self) -> bool {
        let Some(delay) = self.delay else { return true };
        let timed = !self.clocks.is_empty() || self.part.is_some();
        self.day.is_none() && self.repeat.is_none() && (!timed || delay.whole_days)
    }

    fn makes_sense(&self) -> bool {
        let timed = self.day.is_some()
            || !self.clocks.is_empty()
            || self.part.is_some()
            || self.delay.is_some();
        let repeats = self.repeat.is_some() || self.fault.is_some();
        repeats || (timed && self.start.is_none())
    }

    /// It says which day (or repeat) and which time.
    pub(super) fn is_complete(&self) -> bool {
        self.delay.is_some_and(|delay| !delay.whole_days)
            || matches!(self.repeat, Some(Repeat::Interval(_)))
            || (!self.clocks.is_empty()
                && (self.day.is_some() || self.repeat.is_some() || self.delay.is_some()))
    }
}

fn join_days(one: Option<Day>, other: Option<Day>) -> Option<Day> {
    let (first, second) = match (one, other) {
        (Some(first), Some(second)) => (first, second),
        (first, second) => return first.or(second),
    };
    let (monday, weekday) = match (first.said, second.said) {
        (Said::NextWeek, Said::Weekday(day)) => (first.date, day),
        (Said::Weekday(day), Said::NextWeek) => (second.date, day),
        _ => return None,
    };
    let date = monday.checked_add_days(Days::new(u64::from(weekday.num_days_from_monday())))?;
    Some(Day {
        date,
        said: Said::Fixed,
    })
}

fn delay(tokens: &[Token]) -> Option<(Piece, usize)> {
    let negative = word(tokens, 0) == "in" && word(tokens, 1).starts_with('-');
    let ago = duration::span(tokens).filter(|(_, used)| word(tokens, *used) == "ago");
    if negative || ago.is_some() {
        let unit = usize::from(word(tokens, 2) != "to");
        let used = ago.map_or((2 + unit).min(tokens.len()), |(_, used)| used + 1);
        return Some((
            Piece::Fault(Fault::new("That is in the past.", "in 10 minutes")),
            used,
        ));
    }
    const LEADS: &str = "in|in about|in around|in exactly|in the next|within|within the next|after|\
        in like";
    if let Some(lead) = starts_any(tokens, LEADS) {
        let (span, used) = duration::span(rest(tokens, lead)).or_else(|| {
            let next = word(tokens, lead - 1) == "next";
            duration::one(rest(tokens, lead)).filter(|_| next)
        })?;
        // "after 2 days of rest", "in 5 minutes of silence": a length of something else.
        // So is "in a week from friday", and counted from there.
        let after = rest(tokens, lead + used);
        let elsewhere = word(after, 0) == "from" && !matches!(word(after, 1), "now" | "today");
        let belongs = elsewhere || matches!(word(after, 0), "of" | "before" | "after");
        return (!belongs).then_some((Piece::Delay(span), lead + used));
    }
    let (span, used) = duration::span(tokens)?;
    let tail = starts_any(rest(tokens, used), "from now|from today|hence")?;
    Some((Piece::Delay(span), used + tail))
}

fn window(tokens: &[Token]) -> Option<(Piece, usize)> {
    let lead = starts_any(tokens, "between|from")?;
    let (from, used) = clock::listed(rest(tokens, lead))?;
    let joint = starts_any(rest(tokens, lead + used), "and|to|until|till|-")?;
    let (to, to_used) = clock::listed(rest(tokens, lead + used + joint))?;
    Some((Piece::Window(from, to), lead + used + joint + to_used))
}

fn until(tokens: &[Token], today: NaiveDate, known: &Phrase) -> Option<(Piece, usize)> {
    known.repeat.as_ref()?;
    if let Some(lead) = starts_any(tokens, "for|for the next|over the next")
        && let Some((span, used)) = duration::span(rest(tokens, lead))
    {
        return Some((Piece::Until(Until::After(span)), lead + used));
    }
    if let Some(used) = starts_any(tokens, THIS) {
        return Some((end_of(word(tokens, used - 1), today)?, used));
    }
    let lead = starts_any(
        tokens,
        "until|till|til|up to|through|ending|ending on|until the",
    )?;
    let here = rest(tokens, lead);
    if let Some(used) = starts_any(
        here,
        "the end of the month|the end of the year|end of the year",
    ) {
        return Some((end_of(word(here, used - 1), today)?, lead + used));
    }
    if let Some((day, used)) = date::day(here, today) {
        return Some(match day {
            Ok(day) => match clock::clock(rest(here, used)).filter(|_| !known.clocks.is_empty()) {
                Some((clock, more)) => (
                    Piece::Until(Until::Day(day, Some(clock))),
                    lead + used + more,
                ),
                None => (Piece::Until(Until::Day(day, None)), lead + used),
            },
            Err(fault) => {
                let fault = known.beside_repeat(fault, "until");
                (Piece::Fault(fault), lead + used)
            }
        });
    }
    let (clock, used) = clock::listed(here)?;
    Some((Piece::Until(Until::Time(clock)), lead + used))
}

/// Until the end of the week (its Sunday), the month or the year that it is.
fn end_of(unit: &str, today: NaiveDate) -> Option<Piece> {
    let sunday = 6 - today.weekday().num_days_from_monday();
    let date = match unit {
        "week" => today.checked_add_days(Days::new(u64::from(sunday)))?,
        _ => {
            let month = if unit == "year" { 12 } else { today.month() };
            (28..=31)
                .rev()
                .find_map(|day| NaiveDate::from_ymd_opt(today.year(), month, day))?
        }
    };
    let day = Day {
        date,
        said: Said::Fixed,
    };
    Some(Piece::Until(Until::Day(day, None)))
}
