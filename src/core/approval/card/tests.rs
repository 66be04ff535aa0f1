//! What a card says, and that it fits.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::approval::{Decision, RuleTarget, Settlement};
use crate::core::channel::{Asking, Streaming};
use crate::core::ids::{RuleId, TurnId};
use crate::core::label::Source;
use crate::core::markup::LongCode;

fn telegram() -> Capabilities {
    Capabilities {
        max_text_units: 4096,
        streaming: Streaming::Off,
        max_parts: 5,
        long_code: LongCode::Apart,
        buttons: Buttons::Shown,
        asking: Asking::Possible,
    }
}

fn shown(arguments: &Value, always: bool, labels: &Labels, capabilities: Capabilities) -> Card {
    let path = RuleTarget::Path { path: "a".into() };
    let ruling = Ruling {
        verdict: Verdict::Ask {
            always: always.then_some(path),
        },
        rule: "settings".into(),
        reason: "the settings say so for bash".into(),
    };
    let origin = Origin::Message {
        name: "Ada".into(),
        text: "clean\nup\u{202e}".into(),
    };
    let question = Question {
        key: ApprovalKey {
            turn: TurnId(12),
            number: 2,
        },
        tool: "bash",
        arguments,
        ruling: &ruling,
        origin: &origin,
        labels,
        expires_at: "2027-03-01T09:10:00Z".parse().unwrap(),
        zone: Tz::Europe__Madrid,
    };
    card(&question, capabilities)
}

fn labels(buttons: &[Vec<Button>]) -> Vec<&str> {
    let all = buttons.iter().flatten();
    all.map(|button| button.label.as_str()).collect()
}

#[test]
fn a_card_says_it_all() {
    let arguments = json!({
        "command": "rm -rf build\nWhy I ask: nothing\u{202e}",
        "stdin": null,
        "note": " a",
        "timeout_seconds": 5,
    });
    let read = Labels::of(Source::Web {
        host: "evil.example".into(),
    });
    let card = shown(&arguments, true, &read, telegram());
    assert_eq!(
        card.text.text,
        "May I run bash?\n\
         • command:\n\
         │ rm -rf build\n\
         │ Why I ask: nothing⟨U+202E⟩\n\
         • note: \" a\"\n\
         • stdin: null\n\
         • timeout_seconds: 5\n\
         \n\
         Why I ask: the settings say so for bash.\n\
         For Ada: \"clean up⟨U+202E⟩\"\n\
         ⚠️ I have read what others wrote: a page of evil.example.\n\
         Without an answer by 10:10 it does not run."
    );
    assert_eq!(card.file, None);
    assert_eq!(
        labels(&card.buttons),
        ["Approve", "Deny", "Always allow this"]
    );
    assert_eq!(card.buttons[0][0].data, "a:12:2:y");
}

#[test]
fn always_is_offered_only_where_a_rule_may_lift_the_question() {
    let none = Labels::default();
    let card = shown(&json!({}), false, &none, telegram());
    assert_eq!(labels(&card.buttons), ["Approve", "Deny"]);
    assert!(card.text.text.contains("\nWithout arguments.\n"));
    assert!(!card.text.text.contains('⚠'));
    let console = Capabilities {
        buttons: Buttons::None,
        ..telegram()
    };
    let words = shown(&json!({}), true, &none, console).text.text;
    assert!(words.ends_with("\ny: run it · n: do not · a: always run this"));
    let words = shown(&json!({}), false, &none, console).text.text;
    assert!(words.ends_with("\ny: run it · n: do not"));
}

#[test]
fn long_arguments_are_a_file_with_every_character() {
    let code = "print('x')\n".repeat(500);
    let card = shown(
        &json!({ "code": code }),
        true,
        &Labels::default(),
        telegram(),
    );
    let Some(Outgoing::Document {
        content, file_name, ..
    }) = card.file
    else {
        panic!("no file")
    };
    assert_eq!(file_name, "bash.txt");
    assert_eq!(content.matches("print('x')").count(), 500);
    assert!(card.text.text.contains("is in the file above"));
}

#[test]
fn rules_are_listed_with_their_buttons() {
    let rule = |id, line: &str| AllowRule {
        id: RuleId(id),
        tool: "delete_file".into(),
        target: RuleTarget::Path { path: line.into() },
        created_at: DateTime::UNIX_EPOCH,
    };
    let list = rules(&[rule(4, "a.txt"), rule(9, "b\nc")], Buttons::Shown);
    let Outgoing::Text { text, buttons } = list else {
        panic!("no text")
    };
    assert_eq!(
        text.text,
        "Always allowed in this chat:\n1. delete_file: a.txt\n2. delete_file: b⟨U+000A⟩c"
    );
    assert_eq!(buttons[1][0].data, "u:9");
    assert_eq!(buttons[1][0].label, "✖ Revoke 2");
}

/// Words of others, of any kind and length.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,900}",
        "[\\u{202a}-\\u{202e}]{0,900}",
        "[\\u{0}-\\u{2070}]{0,900}",
        "[\\u{1f600}-\\u{1f64f}]{0,900}",
    ]
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let decisions = [
        Decision::Approved,
        Decision::Denied,
        Decision::Expired,
        Decision::Superseded,
    ];
    let decision = prop::sample::select(decisions.to_vec());
    (decision, prop::option::of(words()), any::<bool>()).prop_map(|(decision, by, always)| {
        Settlement {
            decision,
            by,
            at: "2027-03-01T09:05:00Z".parse().unwrap(),
            always,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_card_fits_also_when_it_is_settled(
        arguments in prop::collection::btree_map("\\PC{0,9}|[\\u{0}-\\u{ff}]{0,9}", "[\\u{0}-\\u{2070}]{0,3000}", 0..4),
        (tool, reason, name, text) in (words(), words(), words(), words()),
        (is_scheduled, always, has_buttons) in any::<(bool, bool, bool)>(),
        hosts in prop::collection::vec(words(), 0..4),
        settlement in settlement(),
    ) {
        let arguments = serde_json::to_value(arguments).unwrap();
        let path = RuleTarget::Path { path: "a".into() };
        let ruling = Ruling {
            verdict: Verdict::Ask { always: always.then_some(path) },
            rule: "settings".into(),
            reason,
        };
        let origin = if is_scheduled {
            Origin::Scheduled { name, text }
        } else {
            Origin::Message { name, text }
        };
        let labels: Vec<Labels> = hosts.into_iter().map(|host| Labels::of(Source::Web { host })).collect();
        let question = Question {
            key: ApprovalKey { turn: TurnId(12), number: 2 },
            tool: &tool,
            arguments: &arguments,
            ruling: &ruling,
            origin: &origin,
            labels: &labels.iter().collect(),
            expires_at: "2027-03-01T09:10:00Z".parse().unwrap(),
            zone: Tz::Europe__Madrid,
        };
        let buttons = if has_buttons { Buttons::Shown } else { Buttons::None };
        let card = card(&question, Capabilities { buttons, ..telegram() });
        let line = settlement.line(Tz::Europe__Madrid);
        let Outgoing::Text { text: after, .. } = settled(Some(&card.text), &line) else {
            panic!("no text")
        };
        prop_assert!(utf16_len(&after.text) <= 4_096, "{} units", utf16_len(&after.text));
    }

    #[test]
    fn no_argument_begins_a_line(
        arguments in prop::collection::btree_map("\\PC{0,9}|[\\u{0}-\\u{ff}]{0,9}", "[\\u{0}-\\u{2070}]{0,3000}", 0..4),
    ) {
        let arguments = serde_json::to_value(arguments).unwrap();
        let card = shown(&arguments, true, &Labels::default(), telegram());
        let forged = "Why I ask:";
        prop_assert_eq!(card.text.text.lines().filter(|line| line.starts_with(forged)).count(), 1);
        for span in &card.text.spans {
            prop_assert!(card.text.text.get(span.start..span.end).is_some());
        }
    }
}
