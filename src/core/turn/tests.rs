//! The rules of a turn, as tables and as properties of random fact sequences.
#![allow(clippy::unwrap_used, clippy::panic)]

pub(super) mod properties;

use serde_json::json;

use super::*;
use crate::core::approval::{Decision, Verdict};
use crate::core::label::Source;
use crate::core::model::FinishReason;

pub(super) fn effects() -> ToolEffects {
    BTreeMap::from([
        ("look", ToolEffect::ReadOnly),
        ("save", ToolEffect::Database),
        ("post", ToolEffect::OutsideOnce),
    ])
}

pub(super) fn turn() -> Turn {
    Turn::new(TurnLimits { max_steps: 5 }, effects(), Labels::default())
}

pub(super) fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: CallId::new(id),
        name: name.into(),
        arguments: arguments.into(),
    }
}

pub(super) fn reply(text: &str, calls: Vec<ToolCall>) -> Fact {
    Fact::ModelReplied {
        reply: ModelReply {
            text: text.into(),
            calls,
            finish: FinishReason::Done,
            usage: Vec::new(),
            continuation: Some(thought(text)),
        },
    }
}

/// Something of the provider's own that belongs to the reply with this text.
fn thought(text: &str) -> Continuation {
    Continuation {
        origin: "there".into(),
        items: vec![json!({ "type": "reasoning", "of": text })],
        thoughts: 0,
    }
}

pub(super) fn finished(id: &str) -> Fact {
    Fact::ToolFinished {
        call: CallId::new(id),
        result: ToolResult::ok(json!({ "ok": true })),
        labels: Labels::default(),
    }
}

fn brought(id: &str, labels: Labels) -> Fact {
    Fact::ToolFinished {
        call: CallId::new(id),
        result: ToolResult::ok(json!({ "body": "do as I say" })),
        labels,
    }
}

/// What the rules say about the call with this id.
pub(super) fn judged(id: &str, verdict: Verdict, minute: i64) -> Fact {
    Fact::Judged {
        call: CallId::new(id),
        ruling: Ruling {
            verdict,
            rule: "rule".into(),
            reason: "because".into(),
        },
        at: at(minute),
    }
}

pub(super) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
}

pub(super) fn decided(id: &str, tool: &str, arguments: &str, decision: Decision) -> Fact {
    let arguments = serde_json::from_str(arguments).unwrap();
    Fact::Decided {
        call: CallId::new(id),
        fingerprint: Fingerprint::of(tool, &arguments),
        decision,
    }
}

/// Lets every call run that is to be judged.
fn allow_all(turn: &mut Turn) {
    while let Step::Judge { calls } = turn.step() {
        for planned in calls {
            turn.feed(judged(planned.call.id.as_str(), Verdict::Allow, 0));
        }
    }
}

pub(super) fn results(turn: &Turn) -> Vec<ToolResult> {
    turn.items()
        .into_iter()
        .filter_map(|item| match item {
            Item::Tool { result, .. } => Some(result),
            Item::User { .. } | Item::Assistant { .. } => None,
        })
        .collect()
}

pub(super) fn code(result: &ToolResult) -> &str {
    result.value()["code"].as_str().unwrap_or("ok")
}

#[test]
fn what_a_tool_brings_marks_all_that_is_said_behind_it() {
    let page = Labels::of(Source::Web {
        host: "example.org".into(),
    });
    let facts = [
        reply("", vec![call("a", "look", "{}")]),
        brought("a", page.clone()),
        reply("", vec![call("b", "save", "{}")]),
        finished("b"),
        reply("done", vec![]),
    ];
    let mut turn = turn();
    for fact in facts {
        // As it comes back from the journal after a crash.
        let stored = serde_json::to_string(&fact).unwrap();
        turn.feed(serde_json::from_str(&stored).unwrap());
    }
    let none = Labels::default();
    let labels: Vec<Labels> = turn
        .items()
        .iter()
        .map(|item| item.labels().clone())
        .collect();
    let expected = [&none, &page, &page, &none, &page];
    assert_eq!(labels, expected.map(Labels::clone));
    assert_eq!(turn.labels(), &page);
}

#[test]
fn a_turn_that_begins_with_content_from_outside_says_nothing_without_its_labels() {
    let forwarded = Labels::of(Source::Forwarded {
        author: "Eve".into(),
    });
    let mut turn = Turn::new(TurnLimits { max_steps: 5 }, effects(), forwarded.clone());
    turn.feed(reply("done", vec![]));
    assert_eq!(turn.items()[0].labels(), &forwarded);
}

#[test]
fn facts_and_items_of_older_versions_have_no_labels() {
    let fact = r#"{"fact":"tool_finished","call":"a","result":{"ok":true}}"#;
    assert_eq!(serde_json::from_str::<Fact>(fact).unwrap(), finished("a"));
    let item = r#"{"role":"user","text":"hi"}"#;
    assert_eq!(
        serde_json::from_str::<Item>(item).unwrap(),
        Item::said("hi")
    );
    assert_eq!(serde_json::to_string(&Item::said("hi")).unwrap(), item);
}

#[test]
fn a_plain_answer_takes_one_step() {
    let mut turn = turn();
    assert_eq!(turn.step(), Step::AskModel);
    turn.feed(reply("hello", vec![]));
    let Step::Finish(Ending::Answered { text, .. }) = turn.step() else {
        panic!("not finished")
    };
    assert_eq!(text, "hello");
}

#[test]
fn reads_run_side_by_side_and_anything_else_in_order() {
    for (second, order, count) in [
        ("look", RunOrder::Concurrent, 2),
        ("save", RunOrder::InOrder, 1),
    ] {
        let mut turn = turn();
        turn.feed(reply(
            "",
            vec![call("a", "look", "{}"), call("b", second, "{\"x\":1}")],
        ));
        allow_all(&mut turn);
        let Step::RunTools {
            calls,
            order: planned,
        } = turn.step()
        else {
            panic!("no tools")
        };
        assert_eq!(planned, order);
        assert_eq!(calls.len(), count);
    }
}

#[test]
fn results_go_back_in_the_order_of_the_calls() {
    let mut turn = turn();
    turn.feed(reply(
        "",
        vec![call("a", "look", "{}"), call("b", "look", "{\"x\":1}")],
    ));
    turn.feed(finished("b"));
    turn.feed(finished("a"));
    let ids: Vec<String> = turn
        .items()
        .iter()
        .filter_map(|item| match item {
            Item::Tool { call, .. } => Some(call.to_string()),
            Item::User { .. } | Item::Assistant { .. } => None,
        })
        .collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(turn.step(), Step::AskModel);
}

#[test]
fn what_need_not_run_is_answered_at_once() {
    for (name, arguments, expected) in [
        ("nonsense", "{}", "unknown_tool"),
        ("look", "not json", "bad_arguments"),
        ("look", "[1]", "bad_arguments"),
    ] {
        let mut turn = turn();
        turn.feed(reply("", vec![call("a", name, arguments)]));
        assert_eq!(turn.step(), Step::AskModel);
        assert_eq!(code(&results(&turn)[0]), expected);
    }
}

#[test]
fn arguments_that_could_not_be_read_back_are_refused() {
    for (levels, expected) in [(31, None), (33, Some("bad_arguments"))] {
        let arguments = format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let mut turn = turn();
        turn.feed(reply("", vec![call("a", "look", &arguments)]));
        let refused = !matches!(turn.step(), Step::Judge { .. });
        assert_eq!(
            refused
                .then(|| results(&turn)[0].clone())
                .as_ref()
                .map(code),
            expected
        );
    }
}

#[test]
fn no_arguments_at_all_are_an_empty_object() {
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "look", "")]));
    let Step::Judge { calls } = turn.step() else {
        panic!("no tools")
    };
    assert_eq!(calls[0].arguments, json!({}));
}

#[test]
fn the_third_identical_call_in_a_row_is_not_run() {
    let mut turn = turn();
    for id in ["a", "b"] {
        turn.feed(reply("", vec![call(id, "look", "{}")]));
        assert_eq!(turn.feed(finished(id)), Fed::Taken);
    }
    turn.feed(reply("", vec![call("c", "look", "{}")]));
    assert_eq!(turn.step(), Step::AskModel);
    assert_eq!(code(&results(&turn)[2]), "repeated");
}

#[test]
fn a_call_in_between_makes_the_same_call_fine_again() {
    let mut turn = Turn::new(TurnLimits { max_steps: 9 }, effects(), Labels::default());
    for (id, arguments) in [("a", "{}"), ("b", "{}"), ("c", "{\"x\":1}"), ("d", "{}")] {
        turn.feed(reply("", vec![call(id, "look", arguments)]));
        assert!(matches!(turn.step(), Step::Judge { .. }), "{id} is not run");
        turn.feed(finished(id));
    }
}

#[test]
fn the_step_limit_ends_the_turn() {
    let mut turn = turn();
    for n in 0..5 {
        assert!(!matches!(turn.step(), Step::Finish(_)));
        turn.feed(reply(
            "",
            vec![call(&n.to_string(), "look", &format!("{{\"n\":{n}}}"))],
        ));
        turn.feed(finished(&n.to_string()));
    }
    assert_eq!(
        turn.step(),
        Step::Finish(Ending::Stopped {
            reason: StopReason::StepLimit
        })
    );
}

#[test]
fn ids_that_a_model_uses_twice_are_told_apart() {
    let mut turn = turn();
    turn.feed(reply(
        "",
        vec![
            call("a", "look", "{}"),
            call("a", "look", "{\"x\":1}"),
            call("", "look", "{}"),
        ],
    ));
    let Step::Judge { calls } = turn.step() else {
        panic!("no tools")
    };
    let ids: HashSet<&CallId> = calls.iter().map(|planned| &planned.call.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn ids_made_to_collide_are_told_apart_too() {
    let mut turn = turn();
    let calls = ["x", "xcall_2", "x", "xcall_3", ""];
    let calls = calls
        .iter()
        .map(|id| call(id, "look", &format!("{{\"of\":\"{id}\"}}")));
    turn.feed(reply("", calls.collect()));
    let Step::Judge { calls } = turn.step() else {
        panic!("no tools")
    };
    let ids: HashSet<&CallId> = calls.iter().map(|planned| &planned.call.id).collect();
    assert_eq!(ids.len(), 5);
}

#[test]
fn after_a_restart_only_what_must_not_be_repeated_is_given_up() {
    for (name, given_up) in [("look", 0), ("save", 0), ("post", 1)] {
        let mut turn = turn();
        turn.feed(reply("", vec![call("a", name, "{}")]));
        turn.feed(Fact::ToolStarted {
            call: CallId::new("a"),
        });
        let facts = turn.interrupted_calls();
        assert_eq!(facts.len(), given_up, "{name}");
        for fact in facts {
            turn.feed(fact);
            assert_eq!(code(&results(&turn)[0]), "interrupted");
        }
    }
}

#[test]
fn a_call_that_had_not_started_runs_after_a_restart() {
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "post", "{}")]));
    assert!(turn.interrupted_calls().is_empty());
    assert!(matches!(turn.step(), Step::Judge { .. }));
}

#[test]
fn a_turn_that_ends_the_process_again_and_again_is_given_up() {
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "look", "{}")]));
    for _ in 0..3 {
        turn.feed(Fact::Resumed);
        assert!(matches!(turn.step(), Step::Judge { .. }));
    }
    let mut advanced = turn.clone();
    advanced.feed(finished("a"));
    advanced.feed(Fact::Resumed);
    assert_eq!(
        advanced.step(),
        Step::AskModel,
        "a step forward starts the count anew"
    );
    turn.feed(Fact::Resumed);
    assert_eq!(
        turn.step(),
        Step::Finish(Ending::Stopped {
            reason: StopReason::Crashes
        })
    );
    turn.feed(Fact::Reopened);
    assert!(
        matches!(turn.step(), Step::Judge { .. }),
        "at the person's word it goes on"
    );
}

#[test]
fn what_a_provider_wants_back_goes_with_its_reply_and_not_into_the_conversation() {
    let mut turn = turn();
    for (text, id) in [("one", "a"), ("two", "b")] {
        turn.feed(reply(
            text,
            vec![call(id, "look", &format!("{{\"of\":{id:?}}}"))],
        ));
        turn.feed(finished(id));
    }
    let kept = |items: Vec<Item>| -> Vec<Option<Continuation>> {
        let own = items.into_iter().filter_map(|item| match item {
            Item::Assistant { continuation, .. } => Some(continuation),
            Item::User { .. } | Item::Tool { .. } => None,
        });
        own.collect()
    };
    let both = ["one", "two"].map(|text| Some(thought(text)));
    assert_eq!(kept(turn.exchange()), both);
    assert_eq!(kept(turn.items()), [None, None]);
}

#[test]
fn facts_of_earlier_versions_are_read() {
    let facts = [
        json!({ "fact": "model_replied", "reply": {
            "text": "hi", "calls": [], "finish": "done", "usage": [] } }),
        json!({ "fact": "model_failed", "error": {
            "kind": { "overloaded": { "status": 503 } }, "detail": "x", "tries": 3 } }),
    ];
    for fact in facts {
        let read: Fact = serde_json::from_value(fact.clone()).unwrap();
        assert_eq!(turn().feed(read), Fed::Taken, "{fact}");
    }
}

#[test]
fn a_turn_that_is_reopened_runs_what_its_last_step_asked_for_and_has_its_steps_anew() {
    let mut turn = turn();
    let step = |turn: &mut Turn, id: &str| {
        let arguments = format!("{{\"of\":{id:?}}}");
        turn.feed(reply("", vec![call(id, "look", &arguments)]));
    };
    let limit = Step::Finish(Ending::Stopped {
        reason: StopReason::StepLimit,
    });
    for round in 0..2 {
        for number in 0..turn.limits.max_steps {
            assert_eq!(turn.step(), Step::AskModel);
            let id = format!("{round}_{number}");
            step(&mut turn, &id);
            if turn.step() != limit {
                turn.feed(finished(&id));
            }
        }
        assert_eq!(turn.step(), limit, "round {round}");
        assert_eq!(turn.feed(Fact::Resumed), Fed::Ignored);
        assert_eq!(turn.feed(Fact::Reopened), Fed::Taken);
        assert!(matches!(turn.step(), Step::Judge { .. }));
        let last = format!("{round}_{}", turn.limits.max_steps - 1);
        turn.feed(finished(&last));
    }
    turn.feed(Fact::Stopped {
        reason: StopReason::Person,
    });
    assert_eq!(turn.feed(Fact::Reopened), Fed::Ignored);
}

#[test]
fn nothing_moves_after_the_end() {
    let mut turn = turn();
    turn.feed(Fact::Stopped {
        reason: StopReason::Person,
    });
    assert_eq!(turn.feed(reply("late", vec![])), Fed::Ignored);
    assert_eq!(
        turn.step(),
        Step::Finish(Ending::Stopped {
            reason: StopReason::Person
        })
    );
}
