//! Sentences about reminders that exist: list, cancel, move.

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use super::card;
use super::clock::{self, Clock};
use super::date::{self, Fault};
use super::duration::DAY;
use super::phrase::Phrase;
use super::polite;
use super::recurrence::Repeat;
use super::token::{self, Token, one_of, rest, starts_any, word};
use super::when::{self, USUAL};
use super::{Intent, Shift, Told, When};

const NOUNS: &str = "reminder|reminders|alarm|alarms|timer|timers|alert|alerts|notification|\
    notifications|schedule|schedules";

pub(super) fn parse(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let tokens = polite::trim_end(tokens);
    list(tokens)
        .or_else(|| when_is(tokens))
        .or_else(|| cancel(sentence, tokens))
        .or_else(|| change(sentence, tokens, now))
}

/// "What do I have coming up", "anything due tomorrow", "what's left for today": no noun, but a
/// question about what is ahead, and nothing else.
fn ahead(tokens: &[Token]) -> bool {
    const HAVE: &str = "what do i have|what have i got|what've i got|do i have anything|\
        have i got anything|do i have something|have i anything|what else do i have|\
        what else have i got|anything|anything else|is there anything";
    const ASKS: &str = "what's|whats|what is|anything|anything else|something|is anything|\
        is there anything|is there something|got anything|what else is|any|what";
    const STATES: &str = "coming up|coming|due|left|left to do|scheduled|planned|upcoming|pending|\
        lined up|to come|still to come|remaining|up next|up|on|going on|\
        to do|on my list|on my schedule|on my plate|open";
    const DAYS: &str = "today|tonight|tomorrow|tmrw|this week|next week|this weekend|the weekend|\
        this month|next month|now|next|soon|later|later today|this morning|\
        this afternoon|this evening|tomorrow morning|tomorrow afternoon|\
        tomorrow evening|the day|the rest of the day|the week|the rest of the week";
    const FIRM: &str = "coming up|due|scheduled|upcoming|pending|lined up|still to come";
    let have = starts_any(tokens, HAVE);
    let Some(lead) = have.or_else(|| starts_any(tokens, ASKS)) else {
        return false;
    };
    let asked = rest(tokens, lead);
    let state = starts_any(asked, STATES).unwrap_or(0);
    let firm = starts_any(asked, FIRM).is_some();
    let joint = starts_any(rest(asked, state), "for|on|in").unwrap_or(0);
    let when = rest(asked, state + joint);
    let day = starts_any(when, DAYS).or_else(|| date::weekday(word(when, 0)).map(|_| 1));
    match day {
        Some(day) => day == when.len() && (state > 0 || have.is_some()),
        None => when.is_empty() && joint == 0 && firm,
    }
}

/// A noun for reminders, and otherwise only words that such a request is made of.
fn list(tokens: &[Token]) -> Option<Intent> {
    const FILL: &str = "list|show|display|see|view|print|read|check|me|my|all|of|the|active|current|\
        upcoming|pending|scheduled|open|existing|what|what's|whats|which|are|is|do|does|\
        i|have|got|any|there|set|for|today|tomorrow|week|this|give|tell|get|out|up|\
        coming|next|a|please|i've|you|still|your|how|many|about|?|,|let|full|recurring|\
        daily|can|list?|now|right|on";
    const OTHERS: &str = "what's scheduled|what is scheduled|what's coming up|what is coming up|\
        what do i have scheduled|what have i got scheduled|what's on my schedule|\
        what is on my schedule|what are you reminding me about|\
        what are you going to remind me about|what will you remind me about|\
        what will you remind me of|/reminders|what did i ask you to remind me";
    if starts_any(tokens, OTHERS) == Some(tokens.len()) || ahead(tokens) {
        return Some(Intent::ListReminders);
    }
    const OPENERS: &str = "list|show|display|see|view|print|read|check|what|what's|whats|which|do|have|are|\
        is|how|my|all|give|tell|get";
    let plural = |text: &str| one_of(text, NOUNS) && text.ends_with('s');
    let nouns = tokens.iter().filter(|token| plural(&token.text)).count();
    let nouns = nouns
        + usize::from(
            starts_any(
                rest(tokens, tokens.len().saturating_sub(2)),
                "next reminder",
            )
            .is_some(),
        );
    let opener = one_of(word(tokens, 0), OPENERS) || plural(word(tokens, 0));
    let opener = opener
        || matches!(
            word(tokens, 0),
            "active" | "upcoming" | "pending" | "current" | "reminder"
        );
    let known = |token: &Token| one_of(&token.text, NOUNS) || one_of(&token.text, FILL);
    (nouns == 1 && opener && tokens.iter().all(known)).then_some(Intent::ListReminders)
}

/// "When is my dentist reminder?": the list says it.
fn when_is(tokens: &[Token]) -> Option<Intent> {
    const ASKS: &str = "when is|when's|whens|when are|what time is|what time's|at what time is|\
        what day is|when do i have";
    const OWN: &str = "my|the|that";
    let asked = rest(tokens, starts_any(tokens, ASKS)?);
    let named = rest(asked, starts_any(asked, OWN)?);
    let named = token::trim(named);
    let is_one = named.last().is_some_and(|last| one_of(&last.text, NOUNS));
    is_one.then_some(Intent::ListReminders)
}

fn cancel(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const STOP: &str = "stop reminding me|don't remind me|dont remind me|do not remind me|\
        quit reminding me|no longer remind me|stop asking me|stop telling me|\
        stop waking me|stop pinging me";
    if let Some(taken) = starts_any(tokens, STOP) {
        let what = not_anymore(rest(tokens, taken));
        let joint = starts_any(what, "about|to|of|that|for|every day to|up").unwrap_or(0);
        return Some(cancel_words(card::text(sentence, &[rest(what, joint)])));
    }
    const VERBS: &str = "i don't need|i dont need|i do not need|i no longer need|no longer need|\
        cancel|delete|remove|stop|drop|clear|kill|get rid of|turn off|switch off|unset|forget|forget about|dismiss|erase";
    let taken = starts_any(tokens, VERBS)?;
    let what = not_anymore(rest(tokens, taken));
    let noun = what.iter().any(|token| one_of(&token.text, NOUNS));
    let firm = word(tokens, 0) == "cancel"
        && !what
            .iter()
            .any(|token| one_of(&token.text, "is|are|was|has"));
    let one = what.last().is_some_and(|token| token.text == "one");
    if what
        .iter()
        .any(|token| matches!(token.text.as_str(), "note" | "notes"))
        && !noun
    {
        return None;
    }
    if (!noun && !firm && !one) || what.len() > if noun { 20 } else { 6 } {
        return None;
    }
    const FILL: &str = "all|every|my|the|of|them|everything|each|active|your|single|these";
    // A timer that was set without a name is called so.
    let is_timer = |token: &Token| matches!(token.text.as_str(), "timer" | "timers");
    let only_timers = |token: &Token| is_timer(token) || one_of(&token.text, FILL);
    if what.iter().any(is_timer) && what.iter().all(only_timers) {
        return Some(cancel_words("timer".to_owned()));
    }
    let sweeping = |token: &Token| one_of(&token.text, FILL) || one_of(&token.text, NOUNS);
    let many = |token: &Token| {
        let text = token.text.as_str();
        matches!(text, "all" | "every" | "everything" | "each")
            || (one_of(text, NOUNS) && text.ends_with('s'))
    };
    if !what.is_empty() && what.iter().all(sweeping) && what.iter().any(many) {
        return Some(Intent::CancelAllReminders);
    }
    Some(cancel_words(described(sentence, what)))
}

/// Without the "anymore" of "I don't need the standup reminder anymore".
fn not_anymore(tokens: &[Token]) -> &[Token] {
    match tokens {
        [before @ .., any, more] if any.text == "any" && one_of(&more.text, "more|longer") => {
            before
        }
        [before @ .., last] if one_of(&last.text, "anymore|now") => before,
        _ => tokens,
    }
}

fn cancel_words(words: String) -> Intent {
    let vague =
        ["", "it", "that", "this", "one", "them", "me"].contains(&words.to_lowercase().as_str());
    if vague {
        return Intent::Incomplete {
            question: "Which reminder should I cancel? For example: cancel the dentist reminder."
                .to_owned(),
        };
    }
    Intent::CancelReminder { words }
}

/// The words that tell one reminder from another: "the standup reminder", "my reminder to call
/// mum".
fn described(sentence: &str, tokens: &[Token]) -> String {
    let mut kept: Vec<&[Token]> = Vec::new();
    let article = starts_any(tokens, "the|my|that|this|a|your|all my|all the|all").unwrap_or(0);
    let tokens = rest(tokens, article);
    let noun = tokens
        .iter()
        .position(|token| one_of(&token.text, NOUNS) || token.text == "one");
    let noun = noun.filter(|at| tokens[*at].text != "one" || at + 1 == tokens.len());
    match noun {
        Some(at) => {
            kept.push(&tokens[..at]);
            let after = rest(tokens, at + 1);
            const JOINTS: &str = "to|about|for|of|that says|called|named|number|#|no|with|the one about|\
                saying|on";
            let joint = starts_any(after, JOINTS).unwrap_or(0);
            let article = starts_any(rest(after, joint), "the|my|a").unwrap_or(0);
            kept.push(rest(after, joint + article));
        }
        None => kept.push(tokens),
    }
    kept.retain(|part| !part.is_empty());
    card::text(sentence, &kept)
}

const MOVES: &str = "move|change|reschedule|push|shift|postpone|delay|snooze|update|bring forward|\
    put off|push back|set back|edit|switch|make";

fn change(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let taken = starts_any(tokens, MOVES)?;
    let verb = word(tokens, 0);
    let what = rest(tokens, taken);
    let noun = what.iter().any(|token| one_of(&token.text, NOUNS));
    let firm = matches!(verb, "reschedule" | "postpone" | "snooze" | "move") || noun;
    if !firm || (verb == "make" && word(what, 0) != "the" && word(what, 0) != "my") {
        return None;
    }
    let found = new_time(what, now);
    let Some((at, phrase, by)) = found else {
        let words = described(sentence, what);
        let asks = noun && !words.is_empty() && verb != "make";
        return asks.then(|| Intent::Incomplete {
            question: format!("When should the {words} reminder be? For example: move the {words} reminder to 17:00."),
        });
    };
    let from = (0..at)
        .find(|place| word(what, *place) == "from" && noun)
        .unwrap_or(at);
    let words = described(sentence, &what[..from]);
    if words.is_empty() || matches!(words.to_lowercase().as_str(), "it" | "that" | "this") {
        return (noun || verb == "snooze").then(|| Intent::Incomplete {
            question:
                "Which reminder should I move? For example: move the dentist reminder to 17:00."
                    .to_owned(),
        });
    }
    let amount = matches!(verb, "postpone" | "delay" | "push") && phrase.delay.is_some();
    if by || (amount && word(what, at) != "in") {
        return Some(Intent::Impossible {
            why: "I can move a reminder to a time, not by an amount.".to_owned(),
            offer: format!("move the {words} reminder to 17:00"),
        });
    }
    let shift = shift(verb, &phrase, now);
    let told = told(&phrase, rest(what, at), now.date_naive());
    if is_elsewhere(&phrase, now) && matches!(told, Told::Time(_)) {
        return Some(Intent::Incomplete {
            question: format!(
                "On which day? For example: move the {words} reminder to tomorrow at 17:00."
            ),
        });
    }
    Some(match new_moment(&phrase, &told, now) {
        Ok(when) => Intent::ChangeReminder {
            words,
            when,
            shift,
            told,
        },
        Err(Fault::Ask(question)) => Intent::Incomplete { question },
        Err(Fault::Impossible { why, instead }) => {
            let time = instead.strip_prefix("at ").unwrap_or(&instead);
            Intent::Impossible {
                why,
                offer: format!("move the {words} reminder to {time}"),
            }
        }
    })
}

fn shift(verb: &str, phrase: &Phrase, now: DateTime<Tz>) -> Shift {
    const FOR_GOOD: &str = "move|change|reschedule|update|edit|switch|make";
    if verb == "snooze" {
        return Shift::OnceMore;
    }
    let is_dated = phrase.day.is_some() || phrase.delay.is_some();
    if is_dated || is_elsewhere(phrase, now) || !one_of(verb, FOR_GOOD) {
        return Shift::Unclear;
    }
    if phrase.clocks.len() == 1 || (phrase.clocks.is_empty() && phrase.part.is_some()) {
        Shift::TimeOfDay
    } else {
        Shift::Unclear
    }
}

fn is_elsewhere(phrase: &Phrase, now: DateTime<Tz>) -> bool {
    phrase.zone.is_some_and(|zone| zone != now.timezone())
}

/// What of the time was said in the words of it.
fn told(phrase: &Phrase, words: &[Token], today: NaiveDate) -> Told {
    let is_timed = !phrase.clocks.is_empty() || phrase.part.is_some();
    match (&phrase.repeat, phrase.day) {
        (Some(Repeat::Interval(span)), _) if span.months > 0 || span.seconds % DAY > 0 => Told::All,
        (Some(_), _) if !is_timed && phrase.window.is_none() => Told::Days,
        (None, Some(day)) if !is_timed => Told::Day(day.date),
        (None, None) if phrase.delay.is_none() => {
            let moments = match (phrase.clocks.first().copied(), phrase.part) {
                (Some(Clock::Loose { hour, minute }), None) => [hour % 12, hour % 12 + 12]
                    .map(|hour| today.and_time(clock::at(hour, minute)))
                    .to_vec(),
                (Some(clock), part) => clock.on(today, part).into_iter().collect(),
                (None, part) => part
                    .map(|part| today.and_time(part.usual()))
                    .into_iter()
                    .collect(),
            };
            let start = today.and_time(NaiveTime::MIN);
            Told::Time(moments.into_iter().map(|moment| moment - start).collect())
        }
        (None, None) if word(words, 0) == "in" => Told::FromNow,
        (None, None) if words.last().is_some_and(|last| last.text == "now") => Told::FromNow,
        _ => Told::All,
    }
}

/// A day alone is taken with the time that the reminder has, also today.
fn new_moment(phrase: &Phrase, told: &Told, now: DateTime<Tz>) -> Result<When, Fault> {
    match (when::resolve(phrase, now), told) {
        (Err(Fault::Ask(_)), Told::Day(day)) if *day == now.date_naive() => Ok(When::At {
            local: day.and_time(clock::at(USUAL.0, USUAL.1)),
        }),
        (resolved, _) => resolved,
    }
}

/// The place from which only a time stands, that time, and whether it is an amount ("by an hour").
fn new_time(what: &[Token], now: DateTime<Tz>) -> Option<(usize, Phrase, bool)> {
    const JOINTS: &str = "to|until|till|for|by|back to|forward to|from|to be|so it is";
    // The "10" of "reminder 10 to 5pm" says which one, and not "ten to five".
    let names_one = |at: &usize| {
        let before = at.checked_sub(1).map_or("", |before| word(what, before));
        let is_number = word(what, *at).bytes().all(|byte| byte.is_ascii_digit());
        let is_named = one_of(before, NOUNS) || matches!(before, "#" | "number");
        is_number && is_named && starts_any(rest(what, at + 1), JOINTS).is_some()
    };
    (old_time(what, now)..what.len())
        .filter(|at| !names_one(at))
        .find_map(|at| {
            let joint = starts_any(rest(what, at), JOINTS);
            let here = rest(what, at + joint.unwrap_or(0));
            let by = joint.is_some() && word(what, at) == "by";
            if let Some((span, used)) = super::duration::span(here)
                && used == here.len()
                && joint.is_some()
            {
                let phrase = Phrase {
                    delay: Some(span),
                    ..Phrase::default()
                };
                return Some((at, phrase, by));
            }
            // "an hour later"
            if let Some((span, used)) = super::duration::span(here)
                && starts_any(rest(here, used), "later|earlier|sooner") == Some(here.len() - used)
            {
                let phrase = Phrase {
                    delay: Some(span),
                    ..Phrase::default()
                };
                return Some((at, phrase, true));
            }
            let (phrase, used) = Phrase::read(here, now).or_else(|| clock_only(here))?;
            (used == here.len()).then_some((at, phrase, false))
        })
}

/// Where the new time begins behind the one it had: "from monday to friday".
fn old_time(what: &[Token], now: DateTime<Tz>) -> usize {
    let is_time = |tokens: &[Token]| {
        let read = Phrase::read(tokens, now).or_else(|| clock_only(tokens));
        read.is_some_and(|(_, used)| used == tokens.len())
    };
    let from = (0..what.len()).find(|at| word(what, *at) == "from");
    let new = from.and_then(|from| {
        (from + 2..what.len()).find(|to| word(what, *to) == "to" && is_time(&what[from + 1..*to]))
    });
    new.unwrap_or(0)
}

/// "to 5": a bare hour after "to".
fn clock_only(tokens: &[Token]) -> Option<(Phrase, usize)> {
    let (clock, used) = super::clock::listed(tokens)?;
    Some((
        Phrase {
            clocks: vec![clock],
            ..Phrase::default()
        },
        used,
    ))
}
