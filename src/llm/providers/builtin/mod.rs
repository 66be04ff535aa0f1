//! The built-in model: an offline grammar that answers through the same port as a real model, by
//! calling the same tools. It knows no store and no network.

mod changing;
pub mod grammar;
mod keeping;
mod listed;
mod matching;
mod notes;
mod occasion;
mod reminders;
mod words;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Value, json};

use self::changing::Change;
use self::grammar::{EXAMPLES, Intent, parse};
use self::reminders::Waited;
use self::words::plain;
use crate::core::clock::Clock;
use crate::core::conversation::Item;
use crate::core::ids::CallId;
use crate::core::model::{
    ChatModel, FinishReason, ModelError, ModelReply, ModelRequest, ReplySink,
};
use crate::core::tool::{ToolCall, ToolResult};
use crate::llm::fallback::{OFFLINE_CALL_PREFIX, OfflineAnswer};

/// The offline grammar as a model.
#[derive(Debug)]
pub struct BuiltinModel {
    clock: Arc<dyn Clock>,
    zone: Tz,
}

/// What to do next.
#[derive(Debug, PartialEq)]
enum Move {
    Say(String),
    Call(Vec<(&'static str, Value)>),
}

/// A finished call of this turn.
#[derive(Debug)]
struct Done<'a> {
    result: &'a ToolResult,
}

impl BuiltinModel {
    /// A model that reads times in the person's zone.
    pub fn new(clock: Arc<dyn Clock>, zone: Tz) -> Self {
        Self { clock, zone }
    }

    fn now(&self) -> DateTime<Tz> {
        self.clock.now().with_timezone(&self.zone)
    }

    fn intent(&self, request: &ModelRequest) -> Option<Intent> {
        (!is_forwarded(request))
            .then(|| parse(&request.user, self.asked_at(request)))
            .flatten()
    }

    /// When the message arrived: what it says of times was meant then, however long a model that
    /// did not answer was waited for.
    fn asked_at(&self, request: &ModelRequest) -> DateTime<Tz> {
        let (asked, now) = (request.asked_at, self.now());
        asked.map_or(now, |at| at.with_timezone(&self.zone).min(now))
    }

    fn next(&self, request: &ModelRequest) -> Move {
        if is_forwarded(request) {
            return Move::Say(words::forwarded());
        }
        let done = finished_calls(&request.exchange);
        let intent = match self.intent(request) {
            Some(Intent::Help) => return Move::Say(words::help(&self.examples(request))),
            Some(Intent::Greeting) => return Move::Say(words::greeting(&self.examples(request))),
            None if !request.attached.is_empty() => return Move::Say(words::not_seen()),
            None => return Move::Say(words::not_understood(&self.examples(request))),
            Some(intent) => intent,
        };
        let asked_at = self.asked_at(request);
        match next_for(&intent, &done, (asked_at, self.now())) {
            Move::Call(calls) => match missing_tool(&calls, request) {
                Some(name) => Move::Say(words::switched_off(name)),
                None => Move::Call(calls),
            },
            say @ Move::Say(_) => say,
        }
    }

    /// The examples whose tools are switched on.
    fn examples(&self, request: &ModelRequest) -> Vec<&'static str> {
        let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
        examples(offered, self.now()).collect()
    }
}

/// The examples that work with the tools that are `offered`.
pub fn examples(
    offered: impl Fn(&str) -> bool,
    now: DateTime<Tz>,
) -> impl Iterator<Item = &'static str> {
    let works = move |example: &&str| {
        let intent = parse(example, now);
        intent.is_some_and(|intent| match next_for(&intent, &[], (now, now)) {
            Move::Call(calls) => calls.iter().all(|(name, _)| offered(name)),
            Move::Say(_) => true,
        })
    };
    EXAMPLES.iter().copied().filter(works)
}

/// What others wrote is not a command of the person who forwards it.
fn is_forwarded(request: &ModelRequest) -> bool {
    request.user.is_empty() && !request.enclosures.is_empty()
}

fn missing_tool(calls: &[(&'static str, Value)], request: &ModelRequest) -> Option<&'static str> {
    let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
    calls
        .iter()
        .map(|(name, _)| *name)
        .find(|name| !offered(name))
}

#[async_trait]
impl ChatModel for BuiltinModel {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let (text, calls) = match self.next(request) {
            Move::Say(text) => (text, Vec::new()),
            Move::Call(calls) => (String::new(), calls),
        };
        sink.push(&text);
        let number = request.exchange.len();
        let calls = calls
            .into_iter()
            .enumerate()
            .map(|(index, (name, arguments))| ToolCall {
                id: CallId::new(format!("{OFFLINE_CALL_PREFIX}{number}_{index}")),
                name: name.to_owned(),
                arguments: arguments.to_string(),
            })
            .collect();
        Ok(ModelReply {
            text,
            calls,
            finish: FinishReason::Done,
            usage: Vec::new(),
            continuation: None,
        })
    }

    fn describe(&self) -> String {
        "built-in commands (no model)".into()
    }
}

impl OfflineAnswer for BuiltinModel {
    fn understands(&self, request: &ModelRequest) -> bool {
        self.intent(request).is_some()
    }
}

fn finished_calls(exchange: &[Item]) -> Vec<Done<'_>> {
    exchange
        .iter()
        .filter_map(|item| match item {
            Item::Tool { result, .. } => Some(Done { result }),
            Item::User { .. } | Item::Assistant { .. } => None,
        })
        .collect()
}

fn next_for(
    intent: &Intent,
    done: &[Done<'_>],
    (asked_at, now): (DateTime<Tz>, DateTime<Tz>),
) -> Move {
    let waited = Waited::between(asked_at, now);
    let last = done.last().map(|done| done.result);
    match intent {
        Intent::Help => Move::Say(words::help(EXAMPLES)),
        Intent::Greeting => Move::Say(words::greeting(EXAMPLES)),
        Intent::Thanks => Move::Say("You are welcome.".into()),
        Intent::Remind { what, when } => {
            reminders::remind(what, (when, waited), last, now.timezone())
        }
        Intent::ListReminders => reminders::list(last),
        Intent::CancelReminder { words } => reminders::cancel(words, done),
        Intent::CancelAllReminders => reminders::cancel_all(done),
        Intent::ChangeReminder {
            words,
            when,
            shift,
            told,
        } => {
            let change = Change {
                when,
                shift: *shift,
                told,
                waited,
            };
            changing::change(words, change, done, now)
        }
        Intent::SaveNote { title, data } => notes::save(title, data, done),
        Intent::FindNote { query } => notes::find(query, last),
        Intent::ListNotes => notes::list(last),
        Intent::DeleteNote { words } => notes::delete(words, done),
        Intent::Calculate { expression } => calculate(expression, last),
        Intent::CurrentTime { zone } => current_time(*zone, last),
        Intent::CurrentDate => Move::Say(now.format("It is %A, %-d %B %Y.").to_string()),
        Intent::DateOf { question } => Move::Say(words::date_answer(*question, now.date_naive())),
        Intent::Impossible { why, offer } => Move::Say(words::impossible(why, offer)),
        Intent::Incomplete { question } => Move::Say(plain(question)),
    }
}

fn calculate(expression: &str, last: Option<&ToolResult>) -> Move {
    match last {
        None => Move::Call(vec![(
            "calculate_expression",
            json!({ "expression": expression, "scale": null }),
        )]),
        Some(result) => Move::Say(match result.value()["result"].as_str() {
            Some(number) => words::sum(expression, number),
            None => words::failed("I could not calculate that", result),
        }),
    }
}

fn current_time(zone: Option<Tz>, last: Option<&ToolResult>) -> Move {
    let Some(result) = last else {
        let zone = zone.map(|zone| zone.name());
        return Move::Call(vec![(
            "current_datetime",
            json!({ "timezone": zone, "format": "%H:%M on %A, %-d %B" }),
        )]);
    };
    match (
        result.value()["local"].as_str(),
        result.value()["timezone"].as_str(),
    ) {
        (Some(local), Some(zone)) => Move::Say(format!("It is {local} ({}).", plain(zone))),
        _ => Move::Say(words::failed("I could not read the clock", result)),
    }
}
