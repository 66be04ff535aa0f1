//! Events as servers send them, and the replies that come of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Mutex;

use serde_json::json;

use super::*;

#[derive(Debug, Default)]
struct Heard(Mutex<String>);

impl ReplySink for Heard {
    fn push(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }

    fn lost(&self, _: Vec<crate::core::usage::UsageEntry>) {}
}

fn read(events: &[Value]) -> Result<Said, Failure> {
    let (mut answer, heard) = (ResponsesAnswer::default(), Heard::default());
    for event in events {
        answer.take(event, &heard)?;
    }
    answer.close(&heard);
    let said = answer.into_reply()?;
    assert_eq!(
        said.text,
        *heard.0.lock().unwrap(),
        "what was pushed is what is said"
    );
    Ok(said)
}

fn says(index: u64, text: &str) -> Value {
    json!({ "type": "response.output_text.delta", "output_index": index, "delta": text })
}

fn done(index: u64, item: Value) -> Value {
    json!({ "type": "response.output_item.done", "output_index": index, "item": item })
}

fn completed(output: Value) -> Value {
    json!({ "type": "response.completed", "response": { "status": "completed", "output": output } })
}

fn function_call(id: &str) -> Value {
    json!({ "type": "function_call", "call_id": id, "name": "f", "arguments": "{}" })
}

#[test]
fn a_call_that_is_listed_twice_is_one_call() {
    let [a, b] = ["a", "b"].map(function_call);
    let thought = json!({ "type": "reasoning", "id": "r", "encrypted_content": "x" });
    let said = read(&[completed(json!([thought, a, a, b]))]).unwrap();
    let ids: Vec<&str> = said.calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(said.to_return, [thought, a, b]);
}

#[test]
fn several_messages_are_kept_apart_and_thoughts_are_not_said() {
    let said = read(&[
        says(0, "<think>hm</think>One"),
        says(0, "."),
        says(2, "Two."),
        completed(json!([])),
    ]);
    assert_eq!(said.unwrap().text, "One.\n\nTwo.");
}

#[test]
fn what_came_piece_by_piece_is_not_taken_a_second_time_from_the_whole() {
    let message = |text: &str| json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
    let refusal = json!({ "type": "response.refusal.delta", "output_index": 0, "delta": "<" });
    let cases = [
        // Only thoughts, then a call: they must not be said when the whole repeats them.
        (
            vec![says(0, "<think>se"), says(0, "cret</think>")],
            json!([message("<think>secret</think>"), function_call("a")]),
            "",
        ),
        // Held back until the end, since it may be the beginning of a thought.
        (vec![says(0, "<")], json!([message("<")]), "<"),
        (vec![refusal], json!([message("<")]), "<"),
        // Nothing came before: the whole is all there is.
        (vec![], json!([message("<think>a</think>b")]), "b"),
        (vec![says(0, "")], json!([message("b")]), "b"),
    ];
    for (mut events, output, expected) in cases {
        events.push(completed(output));
        assert_eq!(read(&events).unwrap().text, expected, "{events:?}");
    }
}

#[test]
fn calls_are_found_wherever_they_stand() {
    let added = json!({ "type": "response.output_item.added", "output_index": 0,
        "item": { "type": "function_call", "call_id": "a", "name": "f", "arguments": "" } });
    let delta = |text: &str| {
        json!({ "type": "response.function_call_arguments.delta",
        "output_index": 0, "delta": text })
    };
    let whole = json!({ "type": "response.function_call_arguments.done", "output_index": 0,
        "arguments": "{}" });
    let object = json!({ "type": "function_call", "call_id": "a", "name": "f", "arguments": {} });
    let cases = [
        vec![added.clone(), delta("{"), delta("}"), completed(json!([]))],
        vec![added.clone(), delta("{"), whole, completed(json!([]))],
        vec![added, done(0, function_call("a")), completed(Value::Null)],
        vec![done(0, function_call("a")), completed(json!([]))],
        vec![completed(json!([function_call("a")]))],
        vec![completed(json!([object]))],
    ];
    for events in cases {
        let said = read(&events).unwrap();
        let call = &said.calls[0];
        assert_eq!(
            (
                call.id.as_str(),
                call.name.as_str(),
                call.arguments.as_str(),
                said.calls.len()
            ),
            ("a", "f", "{}", 1),
            "{events:?}"
        );
    }
}

#[test]
fn only_what_can_be_sent_back_is_kept() {
    let thought = |sealed: Value| {
        json!({ "type": "reasoning", "id": "rs_1", "summary": [],
        "encrypted_content": sealed })
    };
    let sealed = thought(json!("x"));
    let search = json!({ "type": "web_search_call", "id": "ws_1" });
    let cases = [
        (
            json!([sealed, function_call("a")]),
            json!([sealed, function_call("a")]),
        ),
        (json!([thought(Value::Null), function_call("a")]), json!([])),
        (
            json!([sealed, search, function_call("a")]),
            json!([sealed, function_call("a")]),
        ),
        (json!([function_call("a")]), json!([])),
    ];
    for (output, expected) in cases {
        let said = read(&[completed(output.clone())]).unwrap();
        assert_eq!(json!(said.to_return), expected, "{output}");
    }
    // The encrypted form may come only with the last event.
    let late = [
        done(0, thought(Value::Null)),
        done(1, function_call("a")),
        completed(json!([sealed, function_call("a")])),
    ];
    assert_eq!(read(&late).unwrap().to_return[0], sealed);
}

#[test]
fn runaway_answers_are_cut_off() {
    let (mut answer, heard) = (ResponsesAnswer::default(), Heard::default());
    answer
        .take(&says(0, &"x".repeat(LARGEST_ANSWER)), &heard)
        .unwrap();
    let error = answer.take(&says(0, "x"), &heard).unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
    let many: Vec<Value> = (0..200).map(|n| function_call(&n.to_string())).collect();
    assert!(read(&[completed(json!(many))]).is_err());
}
