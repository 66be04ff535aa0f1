//! The type that keeps a history legal, and what of it is shown.

use super::{ENVELOPE, FRAME_TOKENS, Item};
use crate::core::label::Labels;
use crate::core::tool::{ErrorCode, ToolCall, ToolResult};

/// Less than this of a message says nothing.
const LEAST_TOKENS: usize = 20;

/// Ends a text that was cut.
const CUT: &str = " …";

/// A list of items that every model accepts: it starts at a user item, and each tool call is
/// followed by exactly one result, in the order of the calls, before anything else comes. No item
/// has a continuation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History(Vec<Item>);

impl History {
    /// Keeps what is legal of `items` and mends the rest: leading items before the first user
    /// item and results without a call are left out; calls without a result get one that says so.
    pub fn repaired(items: Vec<Item>) -> Self {
        let mut legal: Vec<Item> = Vec::with_capacity(items.len());
        let mut open: Vec<ToolCall> = Vec::new();
        for item in items {
            match item {
                Item::Tool { ref call, .. } => {
                    if let Some(place) = open.iter().position(|pending| pending.id == *call) {
                        open.drain(..place)
                            .for_each(|lost| legal.push(interrupted(lost)));
                        open.remove(0);
                        legal.push(item);
                    }
                }
                Item::Assistant {
                    text,
                    calls,
                    labels,
                    continuation: _,
                } => {
                    open.drain(..)
                        .for_each(|lost| legal.push(interrupted(lost)));
                    let says_something = !text.is_empty() || !calls.is_empty();
                    if says_something && !legal.is_empty() {
                        open = unique_calls(calls);
                        legal.push(Item::Assistant {
                            text,
                            calls: open.clone(),
                            continuation: None,
                            labels,
                        });
                    }
                }
                Item::User { .. } => {
                    open.drain(..)
                        .for_each(|lost| legal.push(interrupted(lost)));
                    legal.push(item);
                }
            }
        }
        open.drain(..)
            .for_each(|lost| legal.push(interrupted(lost)));
        Self(legal)
    }

    /// The newest whole turns that together have at most `most_items` items and `most_tokens`
    /// estimated tokens. A turn starts at a user item. Where not even the newest fits, what matters
    /// of it is kept: its question, its answer, and the newest of what was done in between.
    #[must_use]
    pub fn newest_turns(&self, most_items: usize, most_tokens: usize) -> Self {
        let most = Most {
            items: most_items,
            tokens: most_tokens,
        };
        let begins = |item: &Item| matches!(item, Item::User { .. });
        let turns = most.newest(&self.0, begins);
        if !turns.is_empty() {
            return Self(turns.to_vec());
        }
        let newest = self.0.iter().rposition(begins);
        let newest = newest.map_or(&[][..], |start| &self.0[start..]);
        Self(most.of_one_turn(newest))
    }

    /// The items.
    pub fn items(&self) -> &[Item] {
        &self.0
    }

    /// Where its content comes from.
    pub fn labels(&self) -> Labels {
        self.0.iter().map(Item::labels).collect()
    }
}

/// How much is shown.
#[derive(Debug, Clone, Copy)]
struct Most {
    items: usize,
    tokens: usize,
}

impl Most {
    /// The newest items that fit and begin where `begins` says.
    fn newest(self, items: &[Item], begins: impl Fn(&Item) -> bool) -> &[Item] {
        let mut start = items.len();
        let (mut count, mut tokens) = (0, 0);
        for (index, item) in items.iter().enumerate().rev() {
            count += 1;
            tokens += item.estimated_tokens();
            if count > self.items || tokens > self.tokens {
                break;
            }
            if begins(item) {
                start = index;
            }
        }
        &items[start..]
    }

    /// What matters of a turn that is too long.
    fn of_one_turn(self, turn: &[Item]) -> Vec<Item> {
        let Some((question, done)) = turn.split_first() else {
            return Vec::new();
        };
        let (rounds, answer) = match done.split_last() {
            Some((last, rounds)) if last.is_answer() => (rounds, Some(last)),
            _ => (done, None),
        };
        let ends = std::iter::once(question).chain(answer);
        let tokens = ends.clone().map(Item::estimated_tokens).sum();
        let count = ends.clone().count();
        if count > self.items {
            return Vec::new();
        }
        let Some(left) = self.tokens.checked_sub(tokens) else {
            return self.beginnings(question, answer);
        };
        let between = Self {
            items: self.items - count,
            tokens: left,
        };
        let rounds = between.newest(rounds, |item| matches!(item, Item::Assistant { .. }));
        let items = std::iter::once(question).chain(rounds).chain(answer);
        items.cloned().collect()
    }

    /// The beginnings of a question and its answer; nothing where that would say nothing.
    fn beginnings(self, question: &Item, answer: Option<&Item>) -> Vec<Item> {
        if self.tokens < 2 * LEAST_TOKENS {
            return Vec::new();
        }
        let wanted = answer.map_or(0, Item::estimated_tokens);
        let asked = question.estimated_tokens().min(self.tokens / 2);
        let for_question = asked.max(self.tokens.saturating_sub(wanted));
        let question = question.beginning(for_question);
        let left = self.tokens.saturating_sub(question.estimated_tokens());
        let answer = answer.map(|answer| answer.beginning(left));
        std::iter::once(question).chain(answer).collect()
    }
}

impl Item {
    fn is_answer(&self) -> bool {
        matches!(self, Self::Assistant { calls, .. } if calls.is_empty())
    }

    /// As much of the item as so many tokens take. Only for what calls nothing and answers no call.
    fn beginning(&self, tokens: usize) -> Self {
        let mut item = self.clone();
        let mut left = tokens.saturating_sub(FRAME_TOKENS) * 3;
        match &mut item {
            Self::User {
                text, enclosures, ..
            } => {
                cut(text, left);
                left = left.saturating_sub(text.len());
                enclosures.retain_mut(|part| {
                    let room = left.saturating_sub(ENVELOPE);
                    let says_something = room >= LEAST_TOKENS * 3;
                    if says_something {
                        cut(&mut part.text, room);
                        left = room - part.text.len();
                    }
                    says_something
                });
            }
            Self::Assistant { text, .. } => cut(text, left),
            Self::Tool { .. } => {}
        }
        item
    }
}

/// Leaves so many bytes of a text, and a sign that there was more.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes.saturating_sub(CUT.len())));
        text.push_str(CUT);
    }
}

fn unique_calls(calls: Vec<ToolCall>) -> Vec<ToolCall> {
    let mut seen = std::collections::HashSet::new();
    calls
        .into_iter()
        .filter(|call| seen.insert(call.id.clone()))
        .collect()
}

fn interrupted(call: ToolCall) -> Item {
    let result = ToolResult::error(
        ErrorCode::Interrupted,
        "the result of this call was lost; it may or may not have run",
    );
    Item::Tool {
        call: call.id,
        name: call.name,
        result,
        labels: Labels::default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::core::conversation::Enclosure;
    use crate::core::ids::CallId;

    fn says(text: &str, calls: &[&str]) -> Item {
        let call = |id: &&str| ToolCall {
            id: CallId::new(*id),
            name: "look".into(),
            arguments: "{}".into(),
        };
        Item::Assistant {
            text: text.into(),
            calls: calls.iter().map(call).collect(),
            continuation: None,
            labels: Labels::default(),
        }
    }

    fn result(id: &str) -> Item {
        Item::Tool {
            call: CallId::new(id),
            name: "look".into(),
            result: ToolResult::ok(json!({ "found": "x".repeat(300) })),
            labels: Labels::default(),
        }
    }

    /// A question, three steps and an answer: nine items.
    fn long_turn() -> Vec<Item> {
        vec![
            Item::said("how tall is it?"),
            says("Let me look.", &["a", "b"]),
            result("a"),
            result("b"),
            says("", &["c"]),
            result("c"),
            says("", &["d"]),
            result("d"),
            says("4,806 m.", &[]),
        ]
    }

    /// What is shown, a letter for each item.
    fn shown(history: &History) -> String {
        let letter = |item: &Item| match item {
            Item::User { .. } => 'Q',
            Item::Assistant { calls, .. } if calls.is_empty() => 'A',
            Item::Assistant { .. } => 'c',
            Item::Tool { .. } => 'r',
        };
        history.items().iter().map(letter).collect()
    }

    #[test]
    fn of_a_turn_that_is_too_long_the_question_the_answer_and_the_newest_steps_are_kept() {
        let older = [Item::said("hi"), says("Hello.", &[])];
        let items: Vec<Item> = older.into_iter().chain(long_turn()).collect();
        let history = History::repaired(items);
        let unbounded = usize::MAX;
        let cases = [
            (11, unbounded, "QAQcrrcrcrA"),
            (10, unbounded, "QcrrcrcrA"),
            (8, unbounded, "QcrcrA"),
            (5, unbounded, "QcrA"),
            (3, unbounded, "QA"),
            (2, unbounded, "QA"),
            (1, unbounded, ""),
            (unbounded, 400, "QcrcrA"),
            (unbounded, 200, "QcrA"),
            (unbounded, 100, "QA"),
            (unbounded, 39, "QA"),
            (unbounded, 9, ""),
        ];
        for (items, tokens, kept) in cases {
            let newest = history.newest_turns(items, tokens);
            assert_eq!(shown(&newest), kept, "{items} items, {tokens} tokens");
        }
        let cut_off = History::repaired(long_turn()[..4].to_vec());
        assert_eq!(shown(&cut_off.newest_turns(3, unbounded)), "Q");
    }

    #[test]
    fn where_not_even_question_and_answer_fit_their_beginnings_are_kept() {
        let forwarded = Enclosure {
            text: "f".repeat(3000),
            labels: Labels::default(),
        };
        let question = Item::User {
            text: "q".repeat(300),
            enclosures: vec![forwarded],
            labels: Labels::default(),
        };
        let history = History::repaired(vec![question, says(&"ü".repeat(3000), &[])]);
        let newest = history.newest_turns(9, 600);
        let [
            Item::User {
                text, enclosures, ..
            },
            Item::Assistant { text: answer, .. },
        ] = newest.items()
        else {
            unreachable!("{newest:?}")
        };
        assert_eq!(text, &"q".repeat(300));
        assert!(enclosures[0].text.ends_with("f …"), "{enclosures:?}");
        assert!(answer.ends_with("ü …"), "{answer}");
        let tokens: usize = newest.items().iter().map(Item::estimated_tokens).sum();
        assert!((580..=600).contains(&tokens), "{tokens}");
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let ids = prop::sample::subsequence(vec!["a", "b", "c"], 0..3);
        prop_oneof![
            1 => "[a-zü]{0,200}".prop_map(Item::said),
            3 => ("[a-zü]{0,200}", ids).prop_map(|(text, ids)| says(&text, &ids)),
            4 => prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(result),
        ]
    }

    proptest! {
        #[test]
        fn any_trim_is_legal_within_its_limits_and_forgets_no_question(
            items in prop::collection::vec(any_item(), 0..30),
            most_items in 0..20_usize,
            most_tokens in 0..600_usize,
        ) {
            let history = History::repaired(items);
            let newest = history.newest_turns(most_items, most_tokens);
            let shown = newest.items();
            prop_assert_eq!(&History::repaired(shown.to_vec()), &newest);
            prop_assert!(shown.len() <= most_items);
            let tokens: usize = shown.iter().map(Item::estimated_tokens).sum();
            prop_assert!(tokens <= most_tokens);
            if most_items >= 2 && most_tokens >= 40 {
                prop_assert_eq!(shown.is_empty(), history.items().is_empty());
                let last = |items: &[Item]| items.last().is_some_and(Item::is_answer);
                prop_assert_eq!(last(shown), last(history.items()));
            }
        }
    }
}
