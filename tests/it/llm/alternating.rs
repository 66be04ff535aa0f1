//! Servers whose chat templates take a user's and an assistant's messages in turn and nothing else.

use minibot::core::conversation::{Enclosure, History, Item};
use minibot::core::label::{Labels, Source};
use minibot::core::media::{Attached, InMemory, Part, Place};
use minibot::core::model::{ChatModel, ModelRequest};
use serde_json::{Value, json};

use super::model_fixture::{RecordingSink, call, model, request, result, says, settings_of};
use crate::support::fake_model::{Dialect, FakeModel, Options};
use crate::support::pictures::picture;

async fn server(dialect: Dialect) -> FakeModel {
    FakeModel::start_with(Options {
        dialect,
        ..Options::default()
    })
    .await
}

/// After a turn that failed, one that broke off after a call, and one that said two things.
fn history() -> History {
    History::repaired(vec![
        Item::said("one"),
        Item::said("two"),
        says("", vec![call("a", "look", "{}")]),
        result("a", "look", json!({ "ok": true })),
        Item::said("three"),
        says("Well.", vec![]),
        says("Well, well.", vec![]),
    ])
}

/// What was quoted, and what was forwarded before.
fn asked() -> ModelRequest {
    let outside = |text: &str| Enclosure {
        text: text.into(),
        labels: Labels::of(Source::Many),
    };
    ModelRequest {
        history: history(),
        preface: "It is Friday.".into(),
        enclosures: vec![outside("a quote")],
        ..request("four?")
    }
}

fn called(id: &str) -> Value {
    json!([{ "id": id, "type": "function", "function": { "name": "look", "arguments": "{}" } }])
}

/// The messages from the first answer on, the same for all of them.
fn rest(quote: &str) -> Vec<Value> {
    let said = |role: &str, text: &str| json!({ "role": role, "content": text });
    vec![
        json!({ "role": "assistant", "content": null, "tool_calls": called("a") }),
        json!({ "role": "tool", "tool_call_id": "a", "content": "{\"ok\":true}" }),
        said("assistant", "(no answer)"),
        said("user", "three"),
        said("assistant", "Well.\n\nWell, well."),
        said("user", &format!("{quote}\n\nfour?")),
    ]
}

#[tokio::test]
async fn neighbours_are_joined_once_the_server_says_that_roles_must_alternate() {
    let cases = [
        (
            Dialect::Alternating,
            1,
            vec![
                json!({ "role": "system", "content": "You are Minibot.\n\nIt is Friday." }),
                json!({ "role": "user", "content": "one\n\ntwo" }),
            ],
        ),
        (
            Dialect::AlternatingWithoutSystem,
            2,
            vec![json!({ "role": "user",
                "content": "You are Minibot.\n\nIt is Friday.\n\none\n\ntwo" })],
        ),
    ];
    for (dialect, lessons, mut expected) in cases {
        let fake = server(dialect).await;
        let model = model(settings_of(&fake));
        let sink = RecordingSink::default();
        let asked = asked();
        expected.extend(rest(&asked.asked_with().next().unwrap()));
        let reply = model.reply(&asked, &sink).await.unwrap();
        assert!(reply.text.ends_with("four?"), "{dialect:?}: {}", reply.text);
        assert_eq!(fake.refusals().len(), lessons, "{dialect:?}");
        assert_eq!(
            fake.requests().last().unwrap().body["messages"],
            json!(expected),
            "{dialect:?}"
        );
        // The next turn is asked so at once, and an ordinary one as well.
        for next in [asked, request("five?")] {
            model.reply(&next, &sink).await.unwrap();
        }
        assert_eq!(fake.refusals().len(), lessons, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_picture_that_a_tool_brought_stands_in_a_turn_of_its_own() {
    let fake = server(Dialect::Alternating).await;
    let model = model(settings_of(&fake));
    let content = InMemory::holding(picture(4, 4, image::ImageFormat::Png));
    let picture = |place| Attached {
        place,
        part: Part::Picture {
            mime: "image/png",
            content: content.clone(),
        },
    };
    let request = ModelRequest {
        history: History::repaired(vec![Item::said("one")]),
        exchange: vec![
            says("", vec![call("a", "look", "{}")]),
            result("a", "look", json!({ "ok": true })),
        ],
        attached: vec![picture(Place::Message), picture(Place::After(2))],
        ..request("two")
    };
    let sink = RecordingSink::default();
    model.reply(&request, &sink).await.unwrap();
    let messages = fake.requests().last().unwrap().body["messages"].clone();
    let shape: Vec<(&str, Vec<&str>)> = messages.as_array().unwrap()[1..]
        .iter()
        .map(|message| {
            let parts = message["content"].as_array().into_iter().flatten();
            let kinds = parts.filter_map(|part| part["type"].as_str()).collect();
            (message["role"].as_str().unwrap(), kinds)
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("user", vec!["text", "text", "image_url"]),
            ("assistant", vec![]),
            ("tool", vec![]),
            ("assistant", vec![]),
            ("user", vec!["image_url"]),
        ]
    );
}
