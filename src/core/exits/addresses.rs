//! The addresses that stand verbatim in what the person wrote and in what was fetched.

use std::collections::HashSet;

use serde_json::Value;
use url::{Position, Url};

use super::Surroundings;
use crate::core::conversation::Item;
use crate::core::egress::parse_url;
use crate::core::ids::CallId;
use crate::core::label::Labels;

/// The longest address that is looked for, in bytes.
const LONGEST: usize = 4096;

/// Ends of one address that are looked at, in text that says nothing of where it ends.
const MOST_ENDS: usize = 16;

/// Text in which addresses stand.
#[derive(Debug, Clone, Copy)]
pub enum Words<'a> {
    /// The person's own.
    Own(&'a str),
    /// Those of others, as they came.
    Fetched(&'a str),
}

/// The addresses that stand in texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAddresses {
    said: HashSet<String>,
    fetched: HashSet<String>,
}

impl KnownAddresses {
    /// The addresses in these texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = Words<'a>>) -> Self {
        let mut known = Self::default();
        for text in texts {
            match text {
                Words::Own(text) => {
                    written(text, |url| remember(url, &mut known.said));
                    bare(text, |url| remember(url, &mut known.said));
                }
                Words::Fetched(text) => written(text, |url| remember(url, &mut known.fetched)),
            }
        }
        known
    }

    /// Those in the items of a conversation. What a model wrote is neither the person's nor
    /// fetched, wherever it was kept in between.
    pub fn in_items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        Self::of(items.into_iter().flat_map(words_of))
    }

    /// Whether the person wrote it.
    pub fn is_said(&self, url: &Url) -> bool {
        self.said.contains(url.as_str())
    }

    /// Whether it stands in fetched content.
    pub fn is_fetched(&self, url: &Url) -> bool {
        self.fetched.contains(url.as_str())
    }

    /// Whether it stands in either.
    pub fn holds(&self, url: &Url) -> bool {
        self.is_said(url) || self.is_fetched(url)
    }
}

/// Where a turn has been: one place however its scheme and the part behind `#` were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visited(HashSet<String>);

impl Visited {
    /// Whether it has been there.
    pub fn holds(&self, url: &Url) -> bool {
        self.0.contains(place(url))
    }

    /// Goes there, and tells whether it is for the first time.
    fn add(&mut self, url: &Url) -> bool {
        self.0.insert(place(url).to_owned())
    }
}

fn place(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterQuery]
}

impl Surroundings {
    /// Those of a call in a turn: `before` is what the turn began with, the message included;
    /// `exchange` is what it has said and done so far, this call and its neighbours included.
    pub fn of<'a>(
        call: &CallId,
        labels: &Labels,
        before: impl IntoIterator<Item = &'a Item>,
        exchange: &'a [Item],
    ) -> Self {
        if !labels.is_untrusted() {
            return Self::default();
        }
        let known = KnownAddresses::in_items(before.into_iter().chain(exchange));
        let calls = exchange.iter().flat_map(|item| match item {
            Item::Assistant { calls, .. } => calls.as_slice(),
            Item::User { .. } | Item::Tool { .. } => &[],
        });
        let mut visited = Visited::default();
        let mut followed = 0;
        for earlier in calls.take_while(|earlier| earlier.id != *call) {
            if follows(&earlier.arguments, &known, &mut visited) {
                followed += 1;
            }
        }
        Self {
            labels: labels.clone(),
            known,
            followed,
            visited,
        }
    }
}

/// Whether a call's arguments name an address that only fetched content knows, or one again.
fn follows(arguments: &str, known: &KnownAddresses, visited: &mut Visited) -> bool {
    let Ok(arguments) = serde_json::from_str::<Value>(arguments) else {
        return false;
    };
    let mut texts = Vec::new();
    strings(&arguments, &mut texts);
    let urls = texts.iter().filter_map(|text| named(text));
    let mut counts = false;
    for url in urls.filter(|url| known.holds(url)) {
        counts |= !visited.add(&url) || !known.is_said(&url);
    }
    counts
}

/// The address as the tools read it, which mend its host. What they would refuse counts as well.
fn named(text: &str) -> Option<Url> {
    parse_url(text)
        .ok()
        .or_else(|| Url::parse(text.trim()).ok())
}

fn words_of(item: &Item) -> Vec<Words<'_>> {
    let mut words = Vec::new();
    match item {
        Item::User {
            text,
            enclosures,
            labels,
        } => {
            // The content of a job that was planned after reading something is the model's.
            if !labels.is_rewritten() {
                words.push(Words::Own(text));
            }
            let enclosures = enclosures.iter().filter(|part| is_as_it_came(&part.labels));
            words.extend(enclosures.map(|part| Words::Fetched(&part.text)));
        }
        Item::Tool { result, labels, .. } if is_as_it_came(labels) => {
            let mut texts = Vec::new();
            strings(result.value(), &mut texts);
            words.extend(texts.into_iter().map(Words::Fetched));
        }
        Item::Tool { .. } | Item::Assistant { .. } => {}
    }
    words
}

fn is_as_it_came(labels: &Labels) -> bool {
    labels.is_untrusted() && !labels.is_rewritten()
}

fn strings<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The address itself and, as a server never sees the part behind `#`, the same without it.
fn remember(mut url: Url, addresses: &mut HashSet<String>) {
    addresses.insert(url.as_str().to_owned());
    url.set_fragment(None);
    addresses.insert(url.into());
}

/// Finds the addresses that are written out with their scheme.
fn written(text: &str, mut found: impl FnMut(Url)) {
    for (at, _) in text.match_indices("://") {
        let before = &text[..at];
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let start = before.len().checked_sub(scheme.len());
            let start = start.and_then(|start| before.get(start..));
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if let Some(scheme) = scheme {
            let rest = text.get(at - scheme.len()..).unwrap_or_default();
            ends(run(rest), |address| found_in(address, &mut found));
        }
    }
}

/// Finds what a person writes without a scheme: `example.org/page`.
fn bare(text: &str, mut found: impl FnMut(Url)) {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"'`([{".contains(c));
    for word in words.filter(|word| word.contains('.') && !word.contains("://")) {
        ends(word, |word| {
            let host = word.split(['/', '?', '#']).next().unwrap_or_default();
            if host.contains('.') && !host.contains('@') && word.len() <= LONGEST {
                for scheme in ["https", "http"] {
                    found_in(&format!("{scheme}://{word}"), &mut found);
                }
            }
        });
    }
}

fn found_in(address: &str, found: &mut impl FnMut(Url)) {
    if let Ok(url) = Url::parse(address)
        && url.has_host()
    {
        found(url);
    }
}

/// The longest piece that can be one address.
fn run(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`".contains(c));
    let run = &text[..end.unwrap_or(text.len())];
    if run.len() <= LONGEST { run } else { "" }
}

/// The pieces of a run that can be the address: all of it, and up to each mark that may belong to
/// the text around it.
fn ends(run: &str, mut found: impl FnMut(&str)) {
    found(run);
    let marks = run.char_indices().filter(|(_, c)| {
        ".,;:!?'*_~()[]{}|\\".contains(*c) || (!c.is_ascii() && !c.is_alphanumeric())
    });
    let inner = marks
        .clone()
        .filter(|(_, c)| ")]}'|\\".contains(*c))
        .map(|(at, _)| at);
    inner.take(MOST_ENDS).for_each(|at| found(&run[..at]));
    let trailing = run.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/');
    let trailing = marks.map(|(at, _)| at).filter(|at| *at >= trailing.len());
    trailing.take(MOST_ENDS).for_each(|at| found(&run[..at]));
}
