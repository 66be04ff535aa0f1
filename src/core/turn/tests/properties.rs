//! What holds in every turn, as properties of random fact sequences.
use proptest::prelude::*;

use super::*;
use crate::core::conversation::History;
use crate::core::model::{ModelError, ModelErrorKind};

fn id_again() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c")]
}

fn name_again() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("look"), Just("save"), Just("post")]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        2 => Just(Verdict::Allow),
        3 => Just(Verdict::Ask { always: None }),
        1 => Just(Verdict::Deny),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Approved),
        Just(Decision::Denied),
        Just(Decision::Expired),
        Just(Decision::Superseded),
    ]
}

pub(in super::super) fn any_fact() -> impl Strategy<Value = Fact> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c"), Just("")];
    let name = prop_oneof![Just("look"), Just("save"), Just("post"), Just("nonsense")];
    let arguments = prop_oneof![Just("{}"), Just("{\"x\":1}"), Just("["), Just("")];
    let calls = prop::collection::vec(
        (id.clone(), name, arguments).prop_map(|(id, name, arguments)| call(id, name, arguments)),
        0..4,
    );
    prop_oneof![
        5 => ("[a-z]{0,3}", calls).prop_map(|(text, calls)| reply(&text, calls)),
        3 => id.clone().prop_map(|id| Fact::ToolStarted { call: CallId::new(id) }),
        6 => id.prop_map(finished),
        4 => (id_again(), verdict(), 0i64..30).prop_map(|(id, verdict, minute)| judged(id, verdict, minute)),
        3 => (id_again(), 0i64..30).prop_map(|(id, minute)| Fact::Asked { call: CallId::new(id), at: at(minute) }),
        3 => (id_again(), name_again(), decision()).prop_map(|(id, name, decision)| decided(id, name, "{}", decision)),
        1 => Just(Fact::Resumed),
        1 => Just(Fact::Reopened),
        1 => Just(Fact::Stopped { reason: StopReason::Person }),
        1 => Just(Fact::ModelFailed {
            error: ModelError {
                kind: ModelErrorKind::Transport,
                detail: String::new(),
                tries: 3,
                usage: Vec::new(),
            },
        }),
    ]
}

proptest! {
    #[test]
    fn every_call_has_exactly_one_result_at_any_time(facts in prop::collection::vec(any_fact(), 0..40)) {
        let mut turn = turn();
        for fact in facts {
            turn.feed(fact);
            let mut items = vec![Item::said("hi")];
            items.extend(turn.items());
            // Nothing has to be mended: what a turn says is legal as it stands.
            let repaired = History::repaired(items.clone());
            prop_assert_eq!(repaired.items(), items.as_slice());
        }
    }

    #[test]
    fn a_turn_rebuilt_from_its_facts_stands_where_it_stood(facts in prop::collection::vec(any_fact(), 0..40)) {
        let mut turn = turn();
        let taken: Vec<Fact> =
            facts.into_iter().filter(|fact| turn.feed(fact.clone()) == Fed::Taken).collect();
        let mut rebuilt = self::turn();
        for fact in taken {
            rebuilt.feed(fact);
        }
        prop_assert_eq!(rebuilt.step(), turn.step());
        prop_assert_eq!(rebuilt.exchange(), turn.exchange());
    }

    #[test]
    fn any_turn_ends(replies in prop::collection::vec(any_fact(), 0..40)) {
        let mut turn = turn();
        let mut replies = replies.into_iter();
        for _ in 0..100 {
            match turn.step() {
                Step::Finish(_) => return Ok(()),
                Step::AskModel => {
                    let next = replies.find(|fact| matches!(fact, Fact::ModelReplied { .. }));
                    turn.feed(next.unwrap_or_else(|| reply("done", vec![])));
                }
                Step::Judge { calls } => for planned in calls {
                    turn.feed(judged(planned.call.id.as_str(), Verdict::Ask { always: None }, 0));
                },
                Step::AskHuman { call, .. } => {
                    turn.feed(Fact::Asked { call: call.call.id, at: at(0) });
                }
                Step::AwaitHuman { call, .. } => {
                    let fingerprint = Fingerprint::of(&call.call.name, &call.arguments);
                    let (call, decision) = (call.call.id, Decision::Denied);
                    turn.feed(Fact::Decided { call, fingerprint, decision });
                }
                Step::RunTools { calls, .. } => for planned in calls {
                    turn.feed(finished(planned.call.id.as_str()));
                },
            }
        }
        prop_assert!(false, "still running");
    }
}
