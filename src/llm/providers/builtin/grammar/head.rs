//! The command words of a reminder: "remind me", "set an alarm", "don't let me forget", "wake me
//! up".

use chrono::DateTime;
use chrono_tz::Tz;

use super::phrase::Phrase;
use super::polite;
use super::token::{Token, rest, starts, starts_any, word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Remind,
    /// "reminder: …": without a time, only with a joining word or a colon.
    Noun,
    /// "alert me", "ping me": a reminder only with a time and a joining word.
    Nudge,
    /// "tell me to …", "let me know that …": common in other sentences, so only with these joining
    /// words.
    Say,
    Ask,
    Wake,
    Alarm,
    Timer,
}

impl Kind {
    /// Too common in other sentences to ask back for a time.
    pub(super) fn is_weak(self) -> bool {
        matches!(self, Self::Nudge | Self::Say | Self::Ask)
    }

    /// A noun that may open any sentence ("alarm clocks are loud").
    pub(super) fn is_noun(self) -> bool {
        matches!(self, Self::Noun | Self::Alarm | Self::Timer)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// What the command itself says of the time ("a daily reminder", "a 10 minute timer").
    pub(super) phrase: Phrase,
    pub(super) taken: usize,
}

const PLAIN: [(&str, Kind); 39] = [
    ("remind me", Kind::Remind),
    ("remind us", Kind::Remind),
    ("remind to", Kind::Remind),
    ("reming me", Kind::Remind),
    ("be reminded", Kind::Remind),
    ("don't let me forget", Kind::Remind),
    ("dont let me forget", Kind::Remind),
    ("do not let me forget", Kind::Remind),
    ("never let me forget", Kind::Remind),
    ("make sure i don't forget", Kind::Remind),
    ("make sure i remember", Kind::Remind),
    ("help me remember", Kind::Remind),
    ("remember to", Kind::Remind),
    ("don't forget to", Kind::Remind),
    ("dont forget to", Kind::Remind),
    ("do not forget to", Kind::Remind),
    ("alert me", Kind::Nudge),
    ("ping me", Kind::Nudge),
    ("notify me", Kind::Nudge),
    ("nudge me", Kind::Nudge),
    ("tell me", Kind::Say),
    ("message me", Kind::Say),
    ("text me", Kind::Say),
    ("buzz me", Kind::Nudge),
    ("warn me", Kind::Nudge),
    ("poke me", Kind::Nudge),
    ("prompt me", Kind::Nudge),
    ("let me know", Kind::Say),
    ("get me to", Kind::Nudge),
    ("ask me", Kind::Ask),
    ("wake me up", Kind::Wake),
    ("wake me", Kind::Wake),
    ("wake us up", Kind::Wake),
    ("get me up", Kind::Wake),
    ("new reminder", Kind::Noun),
    ("reminder", Kind::Noun),
    ("new alarm", Kind::Alarm),
    ("alarm", Kind::Alarm),
    ("timer", Kind::Timer),
];

/// A command at the start, after polite words.
pub(super) fn read(tokens: &[Token], now: DateTime<Tz>) -> Option<Head> {
    let lead = polite::lead(tokens);
    let here = rest(tokens, lead);
    let mut head = set(here, now).or_else(|| plain(here, now))?;
    head.taken += lead;
    Some(head)
}

fn plain(tokens: &[Token], now: DateTime<Tz>) -> Option<Head> {
    let (taken, text, kind) = PLAIN
        .iter()
        .filter_map(|(text, kind)| starts(tokens, text).map(|taken| (taken, *text, *kind)))
        .max_by_key(|found| found.0)?;
    // The "to" is left to join the task.
    let mut taken = taken - usize::from(text.ends_with(" to"));
    let mut phrase = Phrase::default();
    if kind == Kind::Timer {
        let lead = usize::from(word(tokens, taken) == "for");
        if let Some((span, used)) = super::duration::span(rest(tokens, taken + lead)) {
            phrase.delay = Some(span);
            taken += lead + used;
        }
    }
    if kind == Kind::Alarm {
        taken += hour(rest(tokens, taken), &mut phrase, now);
    }
    Some(Head {
        kind,
        phrase,
        taken,
    })
}

/// "set (me) a (daily) reminder", "create an alarm", "start a 10 minute timer".
fn set(tokens: &[Token], now: DateTime<Tz>) -> Option<Head> {
    const VERBS: &str = "set up|set me up|set me|set|create|add|make|make me|schedule|start|send me|\
        give me|i need|i want|i'd like";
    let mut taken = starts_any(tokens, VERBS)?;
    const ARTICLES: &str = "another|a new|a|an|the|my|one|new|me a|me an";
    taken += starts_any(rest(tokens, taken), ARTICLES).unwrap_or(0);
    let mut phrase = Phrase::default();
    if let Some((found, used)) = Phrase::read(rest(tokens, taken), now) {
        phrase = found;
        taken += used;
    } else if let Some((span, used)) = super::duration::span(rest(tokens, taken)) {
        phrase.delay = Some(span);
        taken += used;
    } else {
        taken += starts_any(rest(tokens, taken), "recurring|repeating|quick|new").unwrap_or(0);
    }
    let kind = match word(tokens, taken) {
        "reminder" | "alert" | "notification" | "reminders" => Kind::Remind,
        "alarm" => Kind::Alarm,
        "timer" | "countdown" => Kind::Timer,
        _ => return None,
    };
    taken += 1;
    taken += starts_any(rest(tokens, taken), "for me|for us").unwrap_or(0);
    if kind != Kind::Remind || starts_any(rest(tokens, taken), "for").is_some() {
        taken += length(rest(tokens, taken), kind, &mut phrase);
    }
    if kind == Kind::Alarm {
        taken += hour(rest(tokens, taken), &mut phrase, now);
    }
    Some(Head {
        kind,
        phrase,
        taken,
    })
}

/// "for 6" after "an alarm", where nothing follows that there could be six of.
fn hour(tokens: &[Token], phrase: &mut Phrase, now: DateTime<Tz>) -> usize {
    if word(tokens, 0) != "for" || !phrase.clocks.is_empty() || phrase.delay.is_some() {
        return 0;
    }
    let Some((clock, used)) = super::clock::listed(rest(tokens, 1)) else {
        return 0;
    };
    let mut joined = phrase.clone();
    joined.clocks.push(clock);
    let after = polite::trim_end(rest(tokens, 1 + used));
    let ends = after.is_empty() || word(after, 0) == "to" || joined.read_on(after, now).is_some();
    if !ends {
        return 0;
    }
    *phrase = joined;
    1 + used
}

/// "for 10 minutes" after "set a timer"; for other commands "for" leads into the time or the task.
fn length(tokens: &[Token], kind: Kind, phrase: &mut Phrase) -> usize {
    if word(tokens, 0) != "for" || phrase.delay.is_some() {
        return 0;
    }
    match super::duration::span(rest(tokens, 1)) {
        Some((span, used)) if kind != Kind::Remind || word(tokens, 1 + used) == "from" => {
            phrase.delay = Some(span);
            let now = starts(rest(tokens, 1 + used), "from now").unwrap_or(0);
            1 + used + now
        }
        _ => 0,
    }
}
