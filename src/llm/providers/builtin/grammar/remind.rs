//! Sentences that set a reminder: finds the command, the time phrase around it, and what is left as
//! the text of the card.

use chrono::DateTime;
use chrono_tz::Tz;

use super::Intent;
use super::card::{self, Link};
use super::clock::Part;
use super::date::Fault;
use super::head::{self, Head, Kind};
use super::leftover;
use super::phrase::Phrase;
use super::polite;
use super::token::{Token, one_of, rest, starts_any, word};
use super::when;

/// A task with the words that joined it to the command.
struct Task {
    kind: Kind,
    link: Link,
    text: String,
}

pub(super) fn parse(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let tokens = polite::trim_end(tokens);
    if let Some(head) = head::read(tokens, now) {
        return after_head(sentence, rest(tokens, head.taken), &head, None, now);
    }
    if let Some((phrase, taken)) = Phrase::read(tokens, now) {
        let gap = polite::lead(rest(tokens, taken));
        if let Some(head) = head::read(rest(tokens, taken + gap), now) {
            return after_head(
                sentence,
                rest(tokens, taken + gap + head.taken),
                &head,
                Some(phrase),
                now,
            );
        }
    }
    head_in_the_middle(sentence, tokens, now)
}

/// "Remind me" first, or after the time.
fn after_head(
    sentence: &str,
    tokens: &[Token],
    head: &Head,
    before: Option<Phrase>,
    now: DateTime<Tz>,
) -> Option<Intent> {
    let mut phrase = head.phrase.clone();
    let mut said = head.phrase != Phrase::default();
    if let Some(before) = before {
        said = true;
        if !phrase.merge(before) {
            return None;
        }
    }
    let colon = word(tokens, 0) == ":";
    let tokens = polite::trim_end(rest(
        tokens,
        usize::from(matches!(word(tokens, 0), ":" | "," | "-")),
    ));
    let lead = starts_any(tokens, "again|later|sometime").unwrap_or(0);
    let mut tokens = rest(tokens, lead);
    if let Some((joined, taken)) = phrase.read_on(tokens, now) {
        (phrase, said) = (joined, true);
        tokens = rest(tokens, taken);
    } else if !said && on_an_event(tokens) {
        return (!head.kind.is_weak()).then(|| event(sentence, tokens));
    }
    if said && leftover::goes_on(tokens, now) {
        return Some(not_understood(sentence, tokens));
    }
    let (link, task) = card::link(tokens, head.kind)?;
    if !head.kind.is_weak() {
        if leftover::another_begins(sentence, task, now) {
            return Some(one_at_a_time());
        }
        if !said && link == Link::Plain && leftover::opens(tokens, now) {
            return Some(not_understood(sentence, tokens));
        }
    }
    let (joined, ranges) = take_time(task, said.then_some(&phrase), now);
    if let [front, back] = ranges[..]
        && leftover::goes_on_inside(back, now)
    {
        return Some(not_understood(sentence, front));
    }
    let text = card::text(sentence, &ranges);
    let task = Task {
        kind: head.kind,
        link,
        text,
    };
    match joined {
        Some(phrase) => Some(finish(task, &phrase, now)),
        None if head.kind.is_weak() => None,
        None if head.kind.is_noun() && link == Link::Plain && !colon && !task.text.is_empty() => {
            None
        }
        None if on_an_event_later(&ranges) => Some(event(sentence, tokens)),
        None if link == Link::Plain && strange_words(tokens) => {
            Some(not_understood(sentence, tokens))
        }
        None => Some(Intent::Incomplete {
            question: when_question(&task),
        }),
    }
}

/// "remind me soon to eat": words before "to" that are no time.
fn strange_words(tokens: &[Token]) -> bool {
    (1..=4).any(|at| word(tokens, at) == "to")
        && !matches!(word(tokens, 0), "about" | "of" | "regarding")
}

fn not_understood(sentence: &str, tokens: &[Token]) -> Intent {
    // In "to friday at 9 to clean" it is the last one.
    let joins = |at: &usize| word(tokens, *at) == "to" && !leftover::is_end(word(tokens, at + 1));
    let to = (0..tokens.len()).find(joins);
    let text = card::text(sentence, &[rest(tokens, to.map_or(0, |at| at + 1))]);
    Intent::Incomplete {
        question: leftover::question(&text),
    }
}

fn one_at_a_time() -> Intent {
    let question =
        "One reminder at a time, please. For example: remind me tomorrow at 9:00 to call home.";
    Intent::Incomplete {
        question: question.to_owned(),
    }
}

/// "I need to call the bank at 5, remind me", "the bins go out tomorrow, remind me at 7 today".
fn head_in_the_middle(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let (at, head) = (1..tokens.len()).find_map(|at| {
        let apart = matches!(
            word(tokens, at - 1),
            "," | "." | ";" | "so" | "and" | "please" | "-" | "—"
        );
        let head =
            head::read(rest(tokens, at), now).filter(|head| apart && head.kind == Kind::Remind)?;
        Some((at, head))
    })?;
    let after = polite::trim_end(rest(tokens, at + head.taken));
    let mut phrase = None;
    if !after.is_empty() {
        let (found, taken) = Phrase::read(after, now)?;
        if taken < after.len() {
            return None;
        }
        phrase = Some(found);
    }
    let front = polite::trim_end(&tokens[..at]);
    let front = match front {
        [before @ .., last] if matches!(last.text.as_str(), "so" | "and") => {
            polite::trim_end(before)
        }
        _ => front,
    };
    const NEEDS: &str = "i need to|i have to|i've to|i must|i should|i've got to|i gotta|i got to|\
        i want to|we need to|we have to|we must|i ought to|i am supposed to|\
        i'm supposed to|i will|gotta|got to|need to|have to|must|i'm going to|i am going to";
    let lead = starts_any(front, NEEDS);
    let link = if lead.is_some() { Link::To } else { Link::That };
    let front = rest(front, lead.unwrap_or(0));
    let (mut joined, ranges) = take_time(front, phrase.as_ref(), now);
    if let Some(joined) = joined.as_mut() {
        take_day(joined, front, now);
    }
    let task = Task {
        kind: Kind::Remind,
        link,
        text: card::text(sentence, &ranges),
    };
    match joined {
        Some(phrase) => Some(finish(task, &phrase, now)),
        None => Some(Intent::Incomplete {
            question: when_question(&task),
        }),
    }
}

/// "dentist on friday at 15:00, remind me at 14:00": a time without a day is on the day of what it is about.
fn take_day(phrase: &mut Phrase, about: &[Token], now: DateTime<Tz>) {
    let own = tail(about, &Phrase::default(), now).filter(|(own, _)| own.day.is_some());
    let Some((own, _)) = own else { return };
    if phrase.day.is_some() || phrase.delay.is_some() || phrase.repeat.is_some() {
        return;
    }
    phrase.day = own.day;
    let time = |of: &Phrase| of.clocks.first().map(|clock| clock.time(of.part));
    if time(&own).is_some_and(|begins| time(phrase) >= Some(begins)) {
        let question =
            "On which day should I remind you? For example: remind me tomorrow at 20:00 to pack.";
        phrase.fault = Some(Fault::Ask(question.to_owned()));
    }
}

/// Takes the time out of a task. What is left comes back in order; the phrase is `None` when there
/// is no time at all.
fn take_time<'a>(
    task: &'a [Token],
    base: Option<&Phrase>,
    now: DateTime<Tz>,
) -> (Option<Phrase>, Vec<&'a [Token]>) {
    let none = Phrase::default();
    let start = base.unwrap_or(&none);
    if let Some((phrase, at)) = tail(task, start, now) {
        let front = &task[..at];
        if base.is_none()
            && !phrase.is_complete()
            && let Some((joined, from, to)) = middle(front, &phrase, now)
        {
            return (Some(joined), vec![&front[..from], &front[to..]]);
        }
        return (Some(phrase), vec![front]);
    }
    if base.is_none_or(|base| !base.is_complete())
        && let Some((phrase, from, to)) = middle(task, start, now)
        && !repeats_time(start, &phrase)
    {
        return (Some(phrase), vec![&task[..from], &task[to..]]);
    }
    (base.cloned(), vec![task])
}

/// A time phrase that reaches the end of the task.
fn tail(task: &[Token], base: &Phrase, now: DateTime<Tz>) -> Option<(Phrase, usize)> {
    let open = !base.is_complete();
    let ends = |at: usize| {
        let here = rest(task, at);
        if !open
            && starts_any(
                here,
                "until|till|til|starting|beginning|ending|for the next",
            )
            .is_none()
        {
            return None;
        }
        let (phrase, taken) = base.read_on(here, now)?;
        (at + taken == task.len() && !repeats_time(base, &phrase)).then_some((phrase, at))
    };
    let strict = (0..task.len())
        .filter(|at| stands_free(task, *at))
        .find_map(|at| ends(at).filter(|_| !leftover::is_of_a_day(task, at, now)));
    if strict.is_some() || base != &Phrase::default() {
        return strict;
    }
    // With no other time in the sentence "for tomorrow at 9" will do.
    (0..task.len())
        .filter(|at| word(task, *at) == "for")
        .find_map(ends)
}

/// "at 5pm remind me to book a table at 8pm": the second time belongs to the task.
fn repeats_time(base: &Phrase, joined: &Phrase) -> bool {
    !base.clocks.is_empty() && joined.clocks.len() > base.clocks.len()
}

/// A time phrase inside the task that opens with a word only times open with.
fn middle(task: &[Token], base: &Phrase, now: DateTime<Tz>) -> Option<(Phrase, usize, usize)> {
    const OPENERS: &str = "at|on|in|by|every|each|tomorrow|tonight|today|next|this|daily|weekly|hourly|\
        monthly|@|yearly|tmrw";
    (0..task.len())
        .filter(|at| one_of(word(task, *at), OPENERS) && stands_free(task, *at))
        .find_map(|at| {
            let (phrase, taken) = base.read_on(rest(task, at), now)?;
            let is_free = at + taken < task.len() && !leftover::is_of_a_day(task, at, now);
            is_free.then_some((phrase, at, at + taken))
        })
}

/// "the 7pm show", "for tomorrow", "before 5": times that belong to the task.
fn stands_free(task: &[Token], at: usize) -> bool {
    const OWNERS: &str = "for|from|about|of|the|a|an|my|your|our|his|her|their|before|after|until|till|\
        since|than|around|per|is|are|was|starts|begins|ends|opens|closes|leaves|arrives|due|at|on|in|by|every|each|next|this|to|except|excluding|without|but";
    let opens = !matches!(
        word(task, at),
        "for" | "from" | "about" | "around" | "of" | "since"
    ) || starts_any(rest(task, at), "for the next").is_some();
    opens && (at == 0 || !one_of(word(task, at - 1), OWNERS))
}

const EVENTS: &str = "when|whenever|if|once|as soon as|every time|each time|unless|before|after|where|\
    the moment|next time|the next time";

fn on_an_event(tokens: &[Token]) -> bool {
    let away = super::duration::span(tokens).map_or(0, |(_, used)| used);
    let relative = away > 0 && matches!(word(tokens, away), "before" | "after" | "ahead");
    relative || starts_any(tokens, EVENTS).is_some()
}

fn on_an_event_later(ranges: &[&[Token]]) -> bool {
    const INSIDE: &str =
        "when i|when the|when it|when my|if it|if the|once i|as soon as|whenever|when we";
    ranges
        .iter()
        .any(|tokens| (1..tokens.len()).any(|at| starts_any(rest(tokens, at), INSIDE).is_some()))
}

fn event(sentence: &str, tokens: &[Token]) -> Intent {
    let cut = (0..tokens.len()).find(|at| word(tokens, *at) == "to");
    let task = cut.map_or(&[] as &[Token], |at| rest(tokens, at + 1));
    let until = (0..task.len())
        .find(|at| on_an_event(rest(task, *at)))
        .unwrap_or(task.len());
    let text = card::text(sentence, &[&task[..until]]);
    let text = if text.is_empty() {
        "check again".to_owned()
    } else {
        text
    };
    Intent::Impossible {
        why: "I can remind you at a time, not when something happens.".to_owned(),
        offer: format!("remind me tomorrow at 9:00 to {text}"),
    }
}

fn when_question(task: &Task) -> String {
    let nothing = one_of(&task.text.to_lowercase(), "|at|on|in|by|for|every|each|to");
    if nothing {
        let what = match task.kind {
            Kind::Wake => "When should I wake you? For example: wake me at 7:00.",
            Kind::Timer => "For how long? For example: set a timer for 10 minutes.",
            Kind::Alarm => "For what time? For example: set an alarm for 7:00.",
            _ => {
                "What should I remind you of, and when? For example: remind me at 18:00 to call home."
            }
        };
        return what.to_owned();
    }
    let (yours, text) = (card::yours(&task.text), &task.text);
    let example = card::offer(task.kind, task.link, text, "tomorrow at 9:00");
    let joint = if task.link == Link::Plain {
        String::new()
    } else {
        format!(" {}", task.link.word())
    };
    let colon = if task.link == Link::Plain { ":" } else { "" };
    format!("When should I remind you{joint}{colon} {yours}? For example: {example}.")
}

fn finish(task: Task, phrase: &Phrase, now: DateTime<Tz>) -> Intent {
    let mut phrase = phrase.clone();
    if task.kind == Kind::Wake
        && phrase.delay.is_none()
        && phrase.clocks.iter().all(|clock| clock.may_be_early())
    {
        phrase.part = phrase.part.or(Some(Part::Morning));
    }
    let what = card::heading(task.kind, task.link, &task.text);
    match (when::resolve(&phrase, now), what) {
        (Ok(when), Some(what)) => Intent::Remind { what, when },
        (Ok(_), None) => Intent::Incomplete {
            question: "What should I remind you of? Please say it with the time, for example: remind me at 18:00 to call home."
                .to_owned(),
        },
        (Err(Fault::Ask(question)), _) => Intent::Incomplete { question },
        (Err(Fault::Impossible { why, instead }), _) => Intent::Impossible {
            why,
            offer: card::offer(task.kind, task.link, &task.text, &instead),
        },
    }
}
