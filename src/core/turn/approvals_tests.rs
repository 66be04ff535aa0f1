//! How a turn asks, as tables and as a property of random fact sequences.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::tests::properties::any_fact;
use super::super::tests::{
    at, call, code, decided, effects, finished, judged, reply, results, turn,
};
use super::super::{Ending, Fact, Fed, RunOrder, Step, StopReason, Turn, TurnLimits};
use crate::core::approval::{Decision, Verdict};
use crate::core::ids::CallId;
use crate::core::label::Labels;

fn ask() -> Verdict {
    Verdict::Ask { always: None }
}

/// A turn in which `post` was asked about.
fn asked() -> Turn {
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "post", "{\"x\":1}")]));
    turn.feed(judged("a", ask(), 0));
    turn.feed(Fact::Asked {
        call: CallId::new("a"),
        at: at(0),
    });
    turn
}

#[test]
fn a_question_ends_in_one_way() {
    for (decision, expected) in [
        (Decision::Approved, None),
        (Decision::Denied, Some("denied")),
        (Decision::Expired, Some("expired")),
        (Decision::Superseded, Some("superseded")),
    ] {
        let mut turn = asked();
        assert!(matches!(turn.step(), Step::AwaitHuman { number: 1, .. }));
        let fact = decided("a", "post", "{\"x\":1}", decision);
        assert_eq!(turn.feed(fact.clone()), Fed::Taken);
        assert_eq!(turn.feed(fact), Fed::Ignored, "{decision:?} twice");
        match expected {
            None => assert!(matches!(turn.step(), Step::RunTools { .. })),
            Some(expected) => {
                assert_eq!(turn.step(), Step::AskModel);
                assert_eq!(code(&results(&turn)[0]), expected);
            }
        }
    }
}

#[test]
fn a_decision_about_anything_else_does_not_count() {
    for (id, tool, arguments) in [
        ("a", "post", "{\"x\":2}"),
        ("a", "save", "{\"x\":1}"),
        ("b", "post", "{\"x\":1}"),
    ] {
        let mut turn = asked();
        let fact = decided(id, tool, arguments, Decision::Approved);
        assert_eq!(turn.feed(fact), Fed::Ignored, "{id} {tool} {arguments}");
        assert!(matches!(turn.step(), Step::AwaitHuman { .. }));
    }
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "post", "{}")]));
    let early = decided("a", "post", "{}", Decision::Approved);
    assert_eq!(turn.feed(early.clone()), Fed::Ignored);
    turn.feed(judged("a", ask(), 0));
    assert_eq!(turn.feed(early), Fed::Ignored, "not asked yet");
}

#[test]
fn what_asks_neither_starts_nor_ends_without_its_answer() {
    let mut turn = asked();
    let start = Fact::ToolStarted {
        call: CallId::new("a"),
    };
    assert_eq!(turn.feed(start), Fed::Ignored);
    assert_eq!(turn.feed(finished("a")), Fed::Ignored);
    assert_eq!(turn.feed(judged("a", Verdict::Allow, 1)), Fed::Ignored);
    assert!(turn.interrupted_calls().is_empty());
}

#[test]
fn what_was_refused_is_refused_again_without_a_card() {
    for decision in [Decision::Denied, Decision::Expired] {
        let mut turn = asked();
        turn.feed(decided("a", "post", "{\"x\":1}", decision));
        // Other blanks do not make it another thing.
        turn.feed(reply("", vec![call("b", "post", "{ \"x\": 1 }")]));
        turn.feed(judged("b", ask(), 1));
        assert_eq!(turn.step(), Step::AskModel, "{decision:?}");
        assert_eq!(code(&results(&turn)[1]), "denied");
        // Something else may be asked.
        turn.feed(reply("", vec![call("c", "post", "{\"x\":2}")]));
        turn.feed(judged("c", ask(), 1));
        assert!(matches!(turn.step(), Step::AskHuman { number: 2, .. }));
    }
    let mut turn = asked();
    turn.feed(decided("a", "post", "{\"x\":1}", Decision::Approved));
    turn.feed(finished("a"));
    turn.feed(reply("", vec![call("b", "post", "{\"x\":1}")]));
    turn.feed(judged("b", ask(), 1));
    assert!(
        matches!(turn.step(), Step::AskHuman { .. }),
        "a yes counts once"
    );
}

#[test]
fn a_turn_that_is_opened_again_asks_again_what_nobody_has_answered() {
    // It was ended while it asked; that fact is taken out.
    let mut open = asked();
    open.feed(Fact::Reopened);
    assert!(matches!(open.step(), Step::Judge { .. }));
    open.feed(judged("a", ask(), 1));
    assert!(matches!(open.step(), Step::AskHuman { number: 2, .. }));
    open.feed(Fact::Reopened);
    assert!(matches!(open.step(), Step::Judge { .. }));
    for (decision, asks) in [
        (Decision::Denied, false),
        (Decision::Expired, true),
        (Decision::Superseded, true),
    ] {
        let mut turn = asked();
        turn.feed(decided("a", "post", "{\"x\":1}", decision));
        turn.feed(Fact::Reopened);
        turn.feed(reply("", vec![call("b", "post", "{\"x\":1}")]));
        turn.feed(judged("b", ask(), 1));
        let is_asked = matches!(turn.step(), Step::AskHuman { number: 2, .. });
        assert_eq!(is_asked, asks, "{decision:?}");
    }
    let mut allowed = asked();
    allowed.feed(decided("a", "post", "{\"x\":1}", Decision::Approved));
    allowed.feed(Fact::Reopened);
    assert!(
        matches!(allowed.step(), Step::RunTools { .. }),
        "a yes stands"
    );
}

#[test]
fn the_model_is_told_a_refusal_by_the_rules_and_why() {
    let mut turn = turn();
    turn.feed(reply("", vec![call("a", "post", "{}")]));
    turn.feed(judged("a", Verdict::Deny, 0));
    assert_eq!(turn.step(), Step::AskModel);
    let result = &results(&turn)[0];
    assert_eq!(code(result), "denied");
    assert_eq!(result.error_text(), Some("denied: because"));
}

#[test]
fn more_than_five_cards_in_ten_minutes_end_the_turn() {
    for (between, last) in [(0, 6), (1, 6), (2, 9), (3, 9)] {
        let mut turn = Turn::new(TurnLimits { max_steps: 99 }, effects(), Labels::default());
        let mut cards = 0;
        for number in 1..=9 {
            let (id, minute) = (format!("c{number}"), number * between);
            let arguments = format!("{{\"x\":{number}}}");
            turn.feed(reply("", vec![call(&id, "post", &arguments)]));
            turn.feed(judged(&id, ask(), minute));
            if turn.step()
                == Step::Finish(Ending::Stopped {
                    reason: StopReason::TooManyCards,
                })
            {
                cards = number;
                break;
            }
            let call = CallId::new(&id);
            turn.feed(Fact::Asked {
                call,
                at: at(minute),
            });
            turn.feed(decided(&id, "post", &arguments, Decision::Approved));
            turn.feed(finished(&id));
            cards = number;
        }
        assert_eq!(cards, last, "{between} minutes between them");
    }
}

#[test]
fn where_one_asks_the_calls_run_in_their_order() {
    let mut turn = turn();
    let names = [("a", "look"), ("b", "look"), ("c", "look")];
    let calls = names.map(|(id, name)| call(id, name, &format!("{{\"of\":{id:?}}}")));
    turn.feed(reply("", calls.to_vec()));
    turn.feed(judged("a", Verdict::Allow, 0));
    turn.feed(judged("b", ask(), 0));
    turn.feed(judged("c", Verdict::Allow, 0));
    let mut order = Vec::new();
    loop {
        match turn.step() {
            Step::RunTools { calls, order: how } => {
                assert_eq!((calls.len(), how), (1, RunOrder::InOrder));
                order.push(format!("run {}", calls[0].call.id));
                turn.feed(finished(calls[0].call.id.as_str()));
                if calls[0].call.id.as_str() == "b" {
                    break;
                }
            }
            Step::AskHuman { call, .. } => {
                order.push(format!("ask {}", call.call.id));
                turn.feed(Fact::Asked {
                    call: call.call.id,
                    at: at(0),
                });
            }
            Step::AwaitHuman { .. } => {
                let fact = decided("b", "look", "{\"of\":\"b\"}", Decision::Approved);
                turn.feed(fact);
                // Only reads are left, and none asks any more.
                assert!(matches!(
                    turn.step(),
                    Step::RunTools {
                        order: RunOrder::Concurrent,
                        ..
                    }
                ));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(order, ["run a", "ask b"]);
}

#[test]
fn after_a_restart_a_question_waits_on_and_a_yes_stands() {
    let facts = [
        reply("", vec![call("a", "post", "{}")]),
        judged("a", ask(), 0),
        Fact::Asked {
            call: CallId::new("a"),
            at: at(0),
        },
        decided("a", "post", "{}", Decision::Approved),
    ];
    let rebuilt = |count: usize| {
        let mut turn = turn();
        for fact in &facts[..count] {
            let text = serde_json::to_string(fact).unwrap();
            turn.feed(serde_json::from_str(&text).unwrap());
        }
        turn.feed(Fact::Resumed);
        turn.step()
    };
    assert!(matches!(rebuilt(1), Step::Judge { .. }));
    assert!(matches!(rebuilt(2), Step::AskHuman { number: 1, .. }));
    assert!(matches!(rebuilt(3), Step::AwaitHuman { number: 1, .. }));
    assert!(matches!(rebuilt(4), Step::RunTools { .. }));
}

proptest! {
    #[test]
    fn nothing_that_asks_runs_without_a_yes(facts in prop::collection::vec(any_fact(), 0..60)) {
        let mut turn = turn();
        let mut asking: HashSet<CallId> = HashSet::new();
        for fact in facts {
            // Ids are told apart within a turn, and belong to the last reply.
            if turn.feed(fact.clone()) == Fed::Taken {
                match &fact {
                    // The rules are asked again about all that is open.
                    Fact::ModelReplied { .. } | Fact::Reopened => asking.clear(),
                    Fact::Judged { call, ruling, .. } if matches!(ruling.verdict, Verdict::Ask { .. }) => {
                        asking.insert(call.clone());
                    }
                    Fact::Decided { call, decision: Decision::Approved, .. } => {
                        asking.remove(call);
                    }
                    Fact::ToolStarted { call } => prop_assert!(!asking.contains(call)),
                    _ => {}
                }
            }
            if let Step::RunTools { calls, .. } = turn.step() {
                prop_assert!(calls.iter().all(|planned| !asking.contains(&planned.call.id)));
            }
        }
    }
}
