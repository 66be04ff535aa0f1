//! The tools as a model is shown them: schemas in the strict form, and not many bytes.

use minibot::core::model::ChatModel;
use minibot::core::tool::SchemaStrictness;
use minibot::llm::config::LlmConfig;
use minibot::llm::providers::StrictTools;
use minibot::llm::tools::guidance;
use serde_json::{Value, json};

use super::builtin_world::Chat;
use super::model_fixture::{RecordingSink, model, request, settings_of};
use crate::support::fake_model::FakeModel;

/// Every part of a schema that is an object's, with the way to it.
fn objects(value: &Value, way: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(names_object) {
                found.push((way.to_owned(), value.clone()));
            }
            for (name, field) in fields {
                objects(field, &format!("{way}/{name}"), found);
            }
        }
        Value::Array(list) => {
            for (at, field) in list.iter().enumerate() {
                objects(field, &format!("{way}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn names_object(kind: &Value) -> bool {
    kind == "object"
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.contains(&json!("object")))
}

/// Whether `null` is among what a property takes.
fn takes_null(property: &Value) -> bool {
    let lists = [&property["type"], &property["enum"]];
    let listed = lists.iter().any(|list| {
        list.as_array()
            .is_some_and(|list| list.contains(&json!("null")) || list.contains(&Value::Null))
    });
    let one_of = property["anyOf"].as_array();
    listed || one_of.is_some_and(|kinds| kinds.iter().any(|kind| kind["type"] == "null"))
}

#[tokio::test]
async fn every_schema_is_in_the_strict_form() {
    let chat = Chat::new().await;
    let mut names = Vec::new();
    for tool in chat.tools() {
        let spec = tool.spec();
        names.push(spec.name);
        assert!(spec.description.len() > 20, "{}", spec.name);
        let text = spec.parameters.to_string();
        for word in ["$schema", "$defs", "$ref", "\"default\"", "\"format\":\""] {
            assert!(!text.contains(word), "{}: {word} in {text}", spec.name);
        }
        assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
        assert!(spec.parameters.get("title").is_none(), "{}", spec.name);
        let mut found = Vec::new();
        objects(&spec.parameters, "", &mut found);
        for (way, object) in found {
            let free = object.get("properties").is_none();
            assert!(
                !free || spec.schema == SchemaStrictness::Loose,
                "{}{way} is free-form",
                spec.name
            );
            if free {
                continue;
            }
            assert_eq!(object["additionalProperties"], false, "{}{way}", spec.name);
            let properties = object["properties"].as_object().unwrap();
            let required: Vec<&str> = object["required"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(properties.len(), required.len(), "{}{way}", spec.name);
            assert!(required.iter().all(|name| properties.contains_key(*name)));
        }
    }
    assert_eq!(
        names,
        [
            "schedule_prompt",
            "list_scheduled_prompts",
            "cancel_scheduled_prompt",
            "delete_scheduled_prompt",
            "user_memory_save",
            "user_memory_get",
            "user_memory_search",
            "user_memory_delete",
            "calculate_expression",
            "current_datetime",
            "chat_history_info",
            "chat_history_trim",
        ]
    );
}

#[tokio::test]
async fn what_is_optional_takes_null_and_nothing_else_does() {
    let chat = Chat::new().await;
    let needed = [
        "schedule_prompt.content",
        "cancel_scheduled_prompt.job_id",
        "delete_scheduled_prompt.job_id",
        "user_memory_save.title",
        "user_memory_save.data",
        "calculate_expression.expression",
        "chat_history_trim.keep_latest",
    ];
    for tool in chat.tools() {
        let spec = tool.spec();
        for (name, property) in spec.parameters["properties"].as_object().unwrap() {
            let path = format!("{}.{name}", spec.name);
            assert_eq!(
                takes_null(property),
                !needed.contains(&path.as_str()),
                "{path}: {property}"
            );
        }
    }
}

/// The goal is in the figures of the project; what every turn costs is worth a test.
#[tokio::test]
async fn a_first_request_with_the_default_tools_is_small() {
    let chat = Chat::new().await;
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    settings.strict_tools = StrictTools::Always;
    let mut first = request("Remind me in 30 minutes to check my email.");
    first.preface = "Now: Friday, 2026-11-20T13:00:00+01:00 (time zone Europe/Madrid). Week 47.\n\
                     The person: Ada."
        .into();
    first.tools = chat
        .tools()
        .iter()
        .map(|tool| tool.spec().clone())
        .collect();
    let manner = LlmConfig::default().system_prompt().to_owned();
    first.system = format!("{manner}\n\n{}", guidance(&first.tools));
    model(settings)
        .reply(&first, &RecordingSink::default())
        .await
        .unwrap();
    let size = fake.requests()[0].body.to_string().len();
    assert!(size <= 8_000, "{size} bytes");
}
