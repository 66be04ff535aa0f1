//! Puts the events of an answer together: only the last one is needed where it holds everything,
//! and none is taken for granted.

use serde_json::Value;

use super::output::{self, Piece};
use crate::core::model::{FinishReason, ModelErrorKind, ReplySink};
use crate::core::usage::TokenUsage;
use crate::llm::providers::http::answer::{
    Answer, Counted, LARGEST_ANSWER, MOST_CALLS, Said, distinct_calls, told_once,
};
use crate::llm::providers::http::counts;
use crate::llm::providers::http::errors::{Failure, ServerError};
use crate::llm::providers::http::think::ThinkFilter;

/// Items of one answer: calls, and what is thought and said around them.
const MOST_ITEMS: usize = 1024;

fn few_items(count: usize) -> Result<(), Failure> {
    if count > MOST_ITEMS {
        return Err(Failure::malformed(format!("more than {MOST_ITEMS} items")));
    }
    Ok(())
}

/// An answer in the making.
#[derive(Debug, Default)]
pub struct ResponsesAnswer {
    thoughts: ThinkFilter,
    text: String,
    /// Where the text comes from.
    source: TextSource,
    /// Which item the newest text belongs to.
    speaking: Option<u64>,
    pieces: Vec<Piece>,
    /// The items as the last event lists them.
    whole: Vec<Value>,
    end: Option<End>,
    model: Option<String>,
    usage: Option<TokenUsage>,
    size: usize,
    has_begun: bool,
    is_flowing: bool,
}

/// Servers that send no pieces say all of it in the end. What came in pieces must not be taken a
/// second time: some of it may have been held back, or left out as a thought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TextSource {
    #[default]
    Whole,
    Pieces,
}

/// How the server says that it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Completed,
    Cut,
    Withheld,
}

impl Answer for ResponsesAnswer {
    fn take(&mut self, part: &Value, sink: &dyn ReplySink) -> Result<(), Failure> {
        if !part.is_object() {
            return Err(Failure::malformed("the answer is no JSON object"));
        }
        let kind = part["type"].as_str().unwrap_or_default();
        if let Some(error) = ServerError::within(part) {
            return Err(Failure::of_answer(&error));
        }
        self.has_begun |= kind.starts_with("response.") || part["output"].is_array();
        self.is_flowing = self.flows_after(kind, part);
        match kind {
            "response.output_text.delta" | "response.refusal.delta" => self.hear(part, sink)?,
            "response.output_item.added" | "response.output_item.done" => self.learn_item(part)?,
            "response.function_call_arguments.delta" => self.add_arguments(part)?,
            "response.function_call_arguments.done" => self.set_arguments(part)?,
            "response.reasoning_text.delta" => self.grow(delta(part).len())?,
            _ if part["response"].is_object() => {
                let state = kind.trim_start_matches("response.");
                self.take_response(&part["response"], state, sink)?;
            }
            _ if part["output"].is_array() => self.take_response(part, "completed", sink)?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, sink: &dyn ReplySink) {
        let said = self.thoughts.finish();
        self.say(&said, sink);
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn is_flowing(&self) -> bool {
        self.is_flowing
    }

    fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    fn counted(&self) -> Counted {
        Counted {
            model: self.model.clone(),
            tokens: self.usage,
            cost: None,
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn into_reply(self) -> Result<Said, Failure> {
        let end = self
            .end
            .ok_or_else(|| Failure::malformed("the answer holds no output"))?;
        let call = |item: &Value| output::is_call(item).then(|| output::call(item));
        let items = items(self.whole, self.pieces);
        // Each is compared with all others.
        few_items(items.len())?;
        let items = told_once(items, call);
        let own_calls: Vec<_> = items.iter().filter(|item| output::is_call(item)).collect();
        if own_calls.len() > MOST_CALLS {
            return Err(Failure::malformed(format!(
                "more than {MOST_CALLS} tool calls"
            )));
        }
        let calls = distinct_calls(own_calls.iter().map(|item| output::call(item)));
        let finish = match end {
            End::Completed => FinishReason::Done,
            End::Cut => FinishReason::Length,
            End::Withheld if self.text.is_empty() && calls.is_empty() => {
                return Err(Failure {
                    kind: ModelErrorKind::Refused,
                    detail: "the whole answer was withheld".into(),
                });
            }
            End::Withheld => FinishReason::Filtered,
        };
        // Where a call was nothing, the items and the calls no longer go together.
        let to_return = if calls.len() == own_calls.len() {
            output::to_return(&items)
        } else {
            Vec::new()
        };
        Ok(Said {
            text: self.text,
            calls,
            finish,
            to_return,
            // Each belongs to the item after it.
            thoughts: 0,
        })
    }
}

impl ResponsesAnswer {
    /// An announced thought comes when it is thought, and its summary in parts with long rests
    /// between; what else is announced begins at once.
    fn flows_after(&self, kind: &str, part: &Value) -> bool {
        match kind {
            "response.output_item.added" => part["item"]["type"] != "reasoning",
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.function_call_arguments.delta"
            | "response.reasoning_text.delta" => true,
            _ => self.is_flowing,
        }
    }

    fn hear(&mut self, part: &Value, sink: &dyn ReplySink) -> Result<(), Failure> {
        let delta = delta(part);
        if delta.is_empty() {
            return Ok(());
        }
        self.grow(delta.len())?;
        self.source = TextSource::Pieces;
        let index = part["output_index"].as_u64().unwrap_or_default();
        let is_another = self
            .speaking
            .replace(index)
            .is_some_and(|last| last != index);
        if is_another && !self.text.is_empty() {
            self.say("\n\n", sink);
        }
        let said = self.thoughts.pass(delta);
        self.say(&said, sink);
        Ok(())
    }

    fn learn_item(&mut self, part: &Value) -> Result<(), Failure> {
        let item = &part["item"];
        self.grow(item.to_string().len())?;
        self.piece(part)?.item = item.clone();
        Ok(())
    }

    fn add_arguments(&mut self, part: &Value) -> Result<(), Failure> {
        let delta = delta(part);
        self.grow(delta.len())?;
        self.piece(part)?.arguments.push_str(delta);
        Ok(())
    }

    fn set_arguments(&mut self, part: &Value) -> Result<(), Failure> {
        if let Some(arguments) = part["arguments"].as_str() {
            self.grow(arguments.len())?;
            self.piece(part)?.arguments = arguments.into();
        }
        Ok(())
    }

    /// The piece that the event is about. Servers that leave out its place send one at a time.
    fn piece(&mut self, part: &Value) -> Result<&mut Piece, Failure> {
        let begins = part["type"] == "response.output_item.added";
        let newest = self.pieces.last().map(|piece| piece.index);
        let index = match (part["output_index"].as_u64(), newest) {
            (Some(index), _) => index,
            (None, Some(newest)) if begins => newest + 1,
            (None, newest) => newest.unwrap_or_default(),
        };
        few_items(self.pieces.len())?;
        let known = self.pieces.iter().position(|piece| piece.index == index);
        let at = known.unwrap_or_else(|| {
            self.pieces.push(Piece {
                index,
                ..Piece::default()
            });
            self.pieces.len() - 1
        });
        self.pieces
            .get_mut(at)
            .ok_or_else(|| Failure::malformed("an event belongs to no item"))
    }

    /// The whole, as far as the server has it: it comes with the first event and with the last.
    /// `state` is how it stands where the server does not say so in the whole itself.
    fn take_response(
        &mut self,
        response: &Value,
        state: &str,
        sink: &dyn ReplySink,
    ) -> Result<(), Failure> {
        if let Some(model) = response["model"].as_str().filter(|name| !name.is_empty()) {
            self.model = Some(model.into());
        }
        self.usage = counts::usage(response).or(self.usage);
        if let Some(error) = ServerError::within(response) {
            return Err(Failure::of_answer(&error));
        }
        let end = match response["status"].as_str().unwrap_or(state) {
            "completed" => End::Completed,
            "incomplete" if response["incomplete_details"]["reason"] == "content_filter" => {
                End::Withheld
            }
            "incomplete" => End::Cut,
            "failed" | "cancelled" => {
                return Err(Failure::malformed(
                    "the server gave up and does not say why",
                ));
            }
            _ => return Ok(()),
        };
        if let Value::Array(output) = &response["output"] {
            self.whole.clone_from(output);
        }
        if self.source == TextSource::Whole {
            let text = output::text(&items(self.whole.clone(), self.pieces.clone()));
            self.grow(text.len())?;
            let said = self.thoughts.pass(&text);
            self.say(&said, sink);
        }
        self.end = Some(end);
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        self.size += bytes;
        if self.size > LARGEST_ANSWER {
            return Err(Failure::malformed(format!(
                "the answer is larger than {LARGEST_ANSWER} bytes"
            )));
        }
        Ok(())
    }

    fn say(&mut self, said: &str, sink: &dyn ReplySink) {
        if !said.is_empty() {
            self.text.push_str(said);
            sink.push(said);
        }
    }
}

fn delta(part: &Value) -> &str {
    part["delta"].as_str().unwrap_or_default()
}

/// The last event's list, unless more has come before it: some servers leave it empty.
fn items(whole: Vec<Value>, mut pieces: Vec<Piece>) -> Vec<Value> {
    if whole.len() >= pieces.len() {
        return whole;
    }
    pieces.sort_by_key(|piece| piece.index);
    pieces.into_iter().map(Piece::into_item).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
