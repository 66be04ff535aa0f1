//! Sentences about notes: save, find, list, delete.
//!
//! A question is taken for a note search when it speaks of the person's own things ("my", "did I"),
//! or is a short "what is/was the X" about a thing and not about the world: no "of", no "in", and
//! not the weather. "What is the capital of France" is free chat.

use super::Intent;
use super::card;
use super::polite;
use super::token::{Token, one_of, rest, starts, starts_any, word};

/// Longest title made of a note's own words.
const TITLE_WORDS: usize = 6;

const SAVE: &str = "note to self|note that|note down|note|take a note|take note|take a note that|\
    take note that|make a note|make a note of|make a note that|make note|\
    make a note about|save a note|save note|save a note about|save this|\
    save a note that|add a note|add note|add a note that|new note|create a note|\
    create note|write a note|write down|write this down|write down that|jot down|\
    jot this down|jot down that|remember that|remember this|remember|keep in mind that|\
    keep in mind|keep a note that|store a note|put a note|leave a note";

pub(super) fn save(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    let tokens = polite_end(tokens);
    let taken = starts_any(tokens, SAVE)?;
    let after = rest(tokens, taken);
    let colon = matches!(word(after, 0), ":" | "-" | "–" | "—" | ",");
    let body = rest(after, usize::from(colon));
    let named = starts_any(body, "called|named|titled|about|with title|of|that").unwrap_or(0);
    let (title, data) = split(sentence, rest(body, named));
    if word(tokens, 0) == "remember"
        && !colon
        && starts(tokens, "remember that").is_none()
        && title.is_none()
    {
        return None;
    }
    if word(after, 0) == "to" && word(tokens, 0) == "remember" {
        return None;
    }
    // "note" is also a thing one asks about ("note taking tips").
    let bare = taken == 1 && word(tokens, 0) == "note" && !colon && title.is_none();
    if bare {
        return None;
    }
    if data.is_empty() {
        return Some(Intent::Incomplete {
            question: "What should I note? For example: note: the wifi password is hunter2."
                .to_owned(),
        });
    }
    let title = title.unwrap_or_else(|| {
        data.split(' ')
            .take(TITLE_WORDS)
            .collect::<Vec<_>>()
            .join(" ")
    });
    Some(Intent::SaveNote { title, data })
}

fn polite_end(tokens: &[Token]) -> &[Token] {
    match tokens {
        [before @ .., last] if matches!(last.text.as_str(), "please" | "pls") => before,
        _ => tokens,
    }
}

/// "wifi is hunter2" is a title and its data; anything longer before the verb is a sentence of its
/// own.
fn split(sentence: &str, tokens: &[Token]) -> (Option<String>, String) {
    let whole = data_text(sentence, tokens);
    let cut = tokens
        .iter()
        .position(|token| matches!(token.text.as_str(), "is" | "are" | "=" | ":" | "was"));
    if let Some(at) = cut.filter(|at| (1..=TITLE_WORDS).contains(at) && at + 1 < tokens.len()) {
        let article = starts_any(tokens, "the|my|our|that the|that my").unwrap_or(0);
        let title = card::text(sentence, &[tokens.get(article..at).unwrap_or(&[])]);
        let vague = [
            "", "it", "this", "that", "he", "she", "there", "i", "we", "they", "today",
        ];
        if !vague.contains(&title.to_lowercase().as_str()) {
            return (Some(title), data_text(sentence, rest(tokens, at + 1)));
        }
    }
    (None, whole)
}

/// The data as written, so that a password keeps its punctuation; only a sentence's own full stop
/// goes.
fn data_text(sentence: &str, tokens: &[Token]) -> String {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return String::new();
    };
    let text = sentence
        .get(first.start..last.end)
        .unwrap_or_default()
        .trim();
    let stop = text
        .strip_suffix('.')
        .filter(|text| text.contains(' ') && !text.ends_with('.'));
    let text = stop.unwrap_or(text);
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    quoted.unwrap_or(text).to_owned()
}

pub(super) fn find(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    let tokens = polite::trim_end(tokens);
    list(tokens)
        .or_else(|| delete(sentence, tokens))
        .or_else(|| search(sentence, tokens))
        .or_else(|| question(sentence, tokens))
}

fn list(tokens: &[Token]) -> Option<Intent> {
    const FILL: &str = "list|show|display|see|view|me|my|all|of|the|notes|saved|what|what's|are|do|i|\
        have|any|there|give|tell|read|please|which|get|open|you|every|your|stored|/notes";
    let noun = tokens
        .iter()
        .any(|token| matches!(token.text.as_str(), "notes" | "/notes"));
    (noun && tokens.iter().all(|token| one_of(&token.text, FILL))).then_some(Intent::ListNotes)
}

/// "the wifi note", "note about the wifi": the words beside the noun.
fn beside_noun(sentence: &str, tokens: &[Token]) -> Option<String> {
    let at = tokens
        .iter()
        .position(|token| matches!(token.text.as_str(), "note" | "notes"))?;
    let article = starts_any(tokens, "the|my|that|a|all my|all the|all|me the|me my").unwrap_or(0);
    let before = tokens.get(article..at).unwrap_or(&[]);
    let after = rest(tokens, at + 1);
    const JOINTS: &str =
        "about|on|for|called|named|titled|with|of|about the|about my|on the|for the";
    let joint = starts_any(after, JOINTS).unwrap_or(0);
    let text = card::text(sentence, &[before, rest(after, joint)]);
    Some(text)
}

fn delete(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const VERBS: &str = "delete|remove|forget|erase|drop|get rid of|clear|cancel";
    let taken = starts_any(tokens, VERBS)?;
    let words = beside_noun(sentence, rest(tokens, taken))?;
    if words.is_empty() {
        let all = tokens
            .iter()
            .any(|token| matches!(token.text.as_str(), "notes" | "all"));
        return Some(if all {
            Intent::Impossible {
                why: "I delete notes one at a time.".to_owned(),
                offer: "delete the wifi note".to_owned(),
            }
        } else {
            Intent::Incomplete {
                question: "Which note should I delete? For example: delete the wifi note."
                    .to_owned(),
            }
        });
    }
    Some(Intent::DeleteNote { words })
}

fn search(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const IN_NOTES: &str = "search my notes for|search the notes for|search notes for|look in my notes for|\
        check my notes for|find in my notes|what do my notes say about|\
        look through my notes for|what does my note say about";
    if let Some(taken) = starts_any(tokens, IN_NOTES) {
        return query(sentence, rest(tokens, taken));
    }
    const VERBS: &str = "find|show|show me|search|look up|open|read|read me|get|search for|give me|\
        do i have|is there|what is in";
    if let Some(taken) = starts_any(tokens, VERBS)
        && let Some(text) = beside_noun(sentence, rest(tokens, taken))
    {
        let lead = ["in my", "any", "a", "for"]
            .iter()
            .find_map(|lead| text.strip_prefix(&format!("{lead} ")));
        let text = lead.unwrap_or(&text).to_owned();
        return (!text.is_empty()).then_some(Intent::FindNote { query: text });
    }
    const RECALL: &str = "do you remember|do you recall|what did i say about|what did i note about|\
        what did i write about|what did i save about|what did i tell you about|\
        what did i write down about|recall|what do you remember about|what do i have on|\
        what have i noted about|what have i saved about|do you know my|can you remember|\
        what did i note down about|what do you know about my|find my";
    let taken = starts_any(tokens, RECALL)?;
    query(sentence, rest(tokens, taken))
}

fn query(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const LEADS: &str = "the|my|our|what the|what my|where my|where the|where i put my|where i put the|\
        about|what is the|what is my|about the|about my|where i parked|that|when my|\
        when the";
    let lead = starts_any(tokens, LEADS).unwrap_or(0);
    let tokens = rest(tokens, lead);
    let tail = tokens.last().is_some_and(|token| {
        matches!(token.text.as_str(), "is" | "was" | "are" | "again" | "were")
    });
    let query = card::text(sentence, &[&tokens[..tokens.len() - usize::from(tail)]]);
    (!one_of(&query.to_lowercase(), "|me|us|you|it|this|that") && tokens.len() <= 12)
        .then_some(Intent::FindNote { query })
}

fn question(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const ASKS: &str = "what is|what's|whats|what was|what are|what were|where is|where's|where are|\
        where was|when is|when was|who is|who was|which is";
    const MINE: &str = "where did i put|where did i park|where did i leave|where did i save|what was i|\
        where have i put";
    if let Some(used) = starts_any(tokens, MINE) {
        return query(sentence, rest(tokens, used));
    }
    let taken = starts_any(tokens, ASKS)?;
    let after = rest(tokens, taken);
    let mine = matches!(word(after, 0), "my" | "our");
    let past = matches!(word(tokens, taken - 1), "was" | "were");
    if mine {
        return query(sentence, after);
    }
    let thing = word(after, 0) == "the"
        && matches!(
            word(tokens, 0),
            "what" | "what's" | "whats" | "where" | "where's"
        );
    let place = word(tokens, 0).starts_with("where");
    const WORLD: &str = "weather|news|difference|best|biggest|largest|meaning|point|matter|most|\
        highest|fastest|tallest|longest|smallest|between|score|temperature|forecast|\
        fuck|hell|problem|date|time|day|price|worst|first|last|world|universe|president|\
        than|moon|sun|capital|population|stock|nearest|closest|cause|war|reason|result";
    let world = after.iter().any(|token| one_of(&token.text, WORLD))
        || (!past && after.iter().any(|token| one_of(&token.text, "of|in")));
    let longest = if past { 8 } else { 5 };
    if !thing || world || after.len() > longest || (place && !past && after.len() > 3) {
        return None;
    }
    query(sentence, after)
}
