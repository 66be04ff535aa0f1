//! What a turn has done so far, cut to what a model can read.

use serde_json::Value;

use super::Item;
use crate::core::model::Continuation;

/// What is left of a result at least, in bytes of its JSON.
const SHORT_RESULT: usize = 400;

/// What is left of a text in the arguments of a call at least, in bytes.
const SHORT_ARGUMENT: usize = 200;

/// Ends a text in the arguments of a call that is not shown whole.
const CUT: &str = " … (cut)";

/// The items, cut to so many estimated tokens where that is possible: the results first, then what
/// providers want to have back, then the arguments of the calls, of each the oldest first. No item is
/// left out: a model must not believe that what it has done is still to be done.
pub fn shortened(mut items: Vec<Item>, most_tokens: usize) -> Vec<Item> {
    let all: usize = items.iter().map(Item::estimated_tokens).sum();
    let mut excess = all.saturating_sub(most_tokens);
    for shorten in [shorten_result, leave_out_continuation, shorten_arguments] {
        for item in &mut items {
            if excess == 0 {
                return items;
            }
            let before = item.estimated_tokens();
            shorten(item, excess);
            excess = excess.saturating_sub(before.saturating_sub(item.estimated_tokens()));
        }
    }
    items
}

fn shorten_result(item: &mut Item, excess: usize) {
    if let Item::Tool { result, .. } = item {
        let bytes = result.to_text().len();
        let most = bytes.saturating_sub((excess + 1) * 3).max(SHORT_RESULT);
        if most < bytes {
            *result = result.excerpt(most, None);
        }
    }
}

fn leave_out_continuation(item: &mut Item, _: usize) {
    if let Item::Assistant { continuation, .. } = item
        && let Some(own) = continuation.take_if(|own| own.bytes() > 0)
    {
        *continuation = own.without_thoughts();
    }
}

fn shorten_arguments(item: &mut Item, _: usize) {
    let Item::Assistant {
        calls,
        continuation,
        ..
    } = item
    else {
        return;
    };
    for call in calls {
        let Ok(mut arguments) = serde_json::from_str::<Value>(&call.arguments) else {
            continue;
        };
        if shorten_texts(&mut arguments) > 0 {
            call.arguments = arguments.to_string();
            // The provider's own form still has them whole, unless it stands beside them.
            *continuation = continuation.take().and_then(Continuation::without_thoughts);
        }
    }
}

/// How many texts there were to shorten.
fn shorten_texts(value: &mut Value) -> usize {
    match value {
        Value::String(text) if text.len() > SHORT_ARGUMENT => {
            text.truncate(text.floor_char_boundary(SHORT_ARGUMENT - CUT.len()));
            text.push_str(CUT);
            1
        }
        Value::Array(values) => values.iter_mut().map(shorten_texts).sum(),
        Value::Object(fields) => fields.values_mut().map(shorten_texts).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::core::conversation::History;
    use crate::core::ids::CallId;
    use crate::core::label::Labels;
    use crate::core::tool::{ToolCall, ToolResult};

    fn calls(id: &str, content: &str) -> Item {
        Item::Assistant {
            text: String::new(),
            calls: vec![ToolCall {
                id: CallId::new(id),
                name: "create_file".into(),
                arguments: json!({ "path": "a", "content": content }).to_string(),
            }],
            continuation: Some(Continuation {
                origin: "here".into(),
                items: Vec::new(),
                thoughts: 0,
            }),
            labels: Labels::default(),
        }
    }

    fn finds(id: &str, found: &str) -> Item {
        Item::Tool {
            call: CallId::new(id),
            name: "create_file".into(),
            result: ToolResult::ok(json!({ "found": found })),
            labels: Labels::default(),
        }
    }

    fn tokens(items: &[Item]) -> Vec<usize> {
        items.iter().map(Item::estimated_tokens).collect()
    }

    #[test]
    fn the_oldest_results_give_way_first_and_then_the_arguments() {
        let long = "\"ü\" ".repeat(1000);
        let mut whole = Vec::new();
        for id in ["a", "b"] {
            whole.extend([calls(id, "x"), finds(id, &long)]);
        }
        let all: usize = tokens(&whole).iter().sum();
        assert_eq!(shortened(whole.clone(), all), whole);
        let a_little = shortened(whole.clone(), all - 500);
        assert!(tokens(&a_little)[1] + 500 <= tokens(&whole)[1]);
        assert_eq!(a_little[2..], whole[2..], "the newer one is still whole");
        let Item::Tool { result, .. } = &a_little[1] else {
            unreachable!()
        };
        let value = result.value();
        assert_eq!(value["truncated"], true);
        assert!(value["head"].as_str().unwrap().starts_with("{\"found\":"));
        assert!(value["tail"].as_str().unwrap().ends_with("\"}"));
        // What was cut once is cut further, and still says how much there was.
        let most = shortened(a_little.clone(), 0);
        let sizes = tokens(&most);
        assert!(sizes[1] < 150 && sizes[3] < 150, "{sizes:?}");
        let Item::Tool { result, .. } = &most[1] else {
            unreachable!()
        };
        assert_eq!(result.value()["size_bytes"], value["size_bytes"]);

        let written = vec![calls("a", &long), finds("a", "x")];
        let Item::Assistant {
            calls,
            continuation,
            ..
        } = &shortened(written.clone(), 150)[0]
        else {
            unreachable!()
        };
        let arguments: Value = serde_json::from_str(&calls[0].arguments).unwrap();
        assert_eq!(arguments["path"], "a");
        assert!(arguments["content"].as_str().unwrap().ends_with(CUT));
        assert_eq!(*continuation, None, "it still had them whole");
    }

    #[test]
    fn thoughts_count_and_the_oldest_give_way_before_any_argument() {
        let thinks = |id: &str| {
            let mut item = calls(id, &"x".repeat(600));
            if let Item::Assistant { continuation, .. } = &mut item {
                let items = vec![json!({ "thought": "y".repeat(3000) })];
                *continuation = continuation.take().map(|own| Continuation { items, ..own });
            }
            item
        };
        let whole = vec![thinks("a"), finds("a", "z"), thinks("b"), finds("b", "z")];
        let all: usize = tokens(&whole).iter().sum();
        assert!(all > 2 * (3000 + 600) / 3, "{all}");
        let one_less = shortened(whole.clone(), all - 500);
        assert_eq!(one_less[0], whole[0].clone().settled());
        assert_eq!(one_less[1..], whole[1..]);
        let none = shortened(whole.clone(), all - 1500);
        assert_eq!(none[2], whole[2].clone().settled());
    }

    /// What a server wants to have back with a call: what it thought, and a signature that it demands.
    fn own_form(thought: usize, signature: Option<usize>) -> Continuation {
        let signed = signature.map(|bytes| json!({ "signature": "s".repeat(bytes) }));
        Continuation {
            origin: "here".into(),
            thoughts: usize::from(signed.is_some()),
            items: [json!({ "thought": "y".repeat(thought) })]
                .into_iter()
                .chain(signed)
                .collect(),
        }
    }

    fn own_of(item: &Item) -> Option<&Continuation> {
        let Item::Assistant { continuation, .. } = item else {
            return None;
        };
        continuation.as_ref()
    }

    #[test]
    fn thoughts_give_way_without_the_signatures_beside_them() {
        let mut thinks = calls("a", &"x".repeat(600));
        if let Item::Assistant { continuation, .. } = &mut thinks {
            *continuation = Some(own_form(3000, Some(50)));
        }
        let signed = own_form(3000, Some(50)).without_thoughts();
        let whole = vec![thinks, finds("a", "z")];
        for most in [600, 250, 0] {
            let short = shortened(whole.clone(), most);
            assert_eq!(own_of(&short[0]), signed.as_ref(), "{most}");
            assert_eq!(shortened(short.clone(), most), short, "{most}");
        }
    }

    type Step = ((usize, usize), Option<(usize, Option<usize>)>);

    fn any_step() -> impl Strategy<Value = Step> {
        let own = (0..3000_usize, prop::option::of(0..300_usize));
        ((0..3000_usize, 0..3000_usize), prop::option::of(own))
    }

    proptest! {
        #[test]
        fn no_step_and_no_signature_is_left_out(
            steps in prop::collection::vec(any_step(), 0..6),
            most_tokens in 0..4000_usize,
        ) {
            let mut items = vec![Item::said("hi")];
            for (number, ((asked, found), own)) in steps.into_iter().enumerate() {
                let id = number.to_string();
                let mut call = calls(&id, &"ä".repeat(asked));
                if let Item::Assistant { continuation, .. } = &mut call {
                    *continuation = own.map(|(thought, signature)| own_form(thought, signature));
                }
                items.push(call);
                items.push(finds(&id, &"\n".repeat(found)));
            }
            let least = |item: &Item| {
                let signed = own_of(item).cloned().and_then(Continuation::without_thoughts);
                let signed = signed.map_or(0, |own| own.bytes() / 3 + 1);
                item.estimated_tokens().min(160 + signed)
            };
            let least: usize = items.iter().map(least).sum();
            let short = shortened(items.clone(), most_tokens);
            prop_assert_eq!(short.len(), items.len());
            let repaired = History::repaired(short.clone());
            let settled: Vec<Item> = short.iter().cloned().map(Item::settled).collect();
            prop_assert_eq!(repaired.items(), settled);
            let left: usize = tokens(&short).iter().sum();
            prop_assert!(left <= most_tokens.max(least), "{left} of {most_tokens}, {least}");
            let signatures = |items: &[Item]| -> Vec<Value> {
                let own = items.iter().filter_map(own_of);
                own.flat_map(|own| own.items.iter().skip(1).cloned()).collect()
            };
            prop_assert_eq!(signatures(&short), signatures(&items));
        }
    }
}
