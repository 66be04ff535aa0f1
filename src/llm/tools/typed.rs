//! Tools with typed arguments: the schema comes from the type, and arguments that do not fit it
//! are a result that the model reads.

use std::fmt::Debug;

use async_trait::async_trait;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Map, Value, json};

use crate::core::action::Action;
use crate::core::label::Labels;
use crate::core::tool::{
    ErrorCode, SchemaStrictness, Tool, ToolContext, ToolEffect, ToolOutcome, ToolResult, ToolSpec,
};

/// A tool whose arguments are a type.
#[async_trait]
pub(super) trait TypedTool: Send + Sync + Debug {
    /// Its name.
    const NAME: &'static str;
    /// The text of its family in `prompts/tools`, with a section for each tool.
    const TEXTS: &'static str;
    /// What it touches.
    const EFFECT: ToolEffect;
    /// Whether its schema has free-form objects.
    const SCHEMA: SchemaStrictness = SchemaStrictness::Strict;
    /// Its arguments.
    type Arguments: DeserializeOwned + JsonSchema + Send;

    /// What the call is about to do to the world.
    async fn action(&self, _context: &ToolContext, _arguments: Self::Arguments) -> Action {
        Action::Inside
    }

    /// Runs it.
    async fn run(&self, context: &ToolContext, arguments: Self::Arguments) -> ToolOutcome;
}

/// A typed tool behind the port.
#[derive(Debug)]
pub(super) struct Typed<T> {
    spec: ToolSpec,
    inner: T,
}

impl<T: TypedTool> Typed<T> {
    /// Wraps a tool.
    pub(super) fn new(inner: T) -> Self {
        let spec = ToolSpec {
            name: T::NAME,
            description: section(T::TEXTS, T::NAME),
            parameters: schema::<T::Arguments>(),
            schema: T::SCHEMA,
        };
        Self { spec, inner }
    }
}

#[async_trait]
impl<T: TypedTool> Tool for Typed<T> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn effect(&self) -> ToolEffect {
        T::EFFECT
    }

    async fn action(&self, context: &ToolContext, arguments: &Value) -> Action {
        match serde_json::from_value(arguments.clone()) {
            Ok(arguments) => self.inner.action(context, arguments).await,
            // It will be refused for its arguments.
            Err(_) => Action::Inside,
        }
    }

    async fn run(&self, context: &ToolContext, arguments: Value) -> ToolOutcome {
        match serde_json::from_value(arguments) {
            Ok(arguments) => self.inner.run(context, arguments).await,
            Err(error) => failure(
                ErrorCode::BadArguments,
                format!("the arguments of {} do not fit: {error}", T::NAME),
            ),
        }
    }
}

/// A finished call with a result.
pub(super) fn success(value: Value) -> ToolOutcome {
    ToolOutcome::Finished(ToolResult::ok(value))
}

/// A finished call with a result whose content comes from where `labels` say.
pub(super) fn outside(value: Value, labels: Labels) -> ToolOutcome {
    let result = ToolResult::ok(value);
    if labels.is_empty() {
        return ToolOutcome::Finished(result);
    }
    ToolOutcome::Outside { result, labels }
}

/// A finished call that failed.
pub(super) fn failure(code: ErrorCode, message: impl std::fmt::Display) -> ToolOutcome {
    ToolOutcome::Finished(ToolResult::error(code, message))
}

/// An id as models write it: a number, or the number in quotes.
pub(super) fn lenient_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(i64),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text
            .trim()
            .parse()
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is not an id; give a number"))),
    }
}

/// The same where the id may be missing.
pub(super) fn lenient_optional_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Id(#[serde(deserialize_with = "lenient_id")] i64);
    Ok(Option::<Id>::deserialize(deserializer)?.map(|id| id.0))
}

/// The section of a tool in the text of its family.
fn section(texts: &str, name: &str) -> String {
    let heading = format!("## {name}\n");
    let start = texts
        .find(&heading)
        .map_or(texts.len(), |at| at + heading.len());
    let text = &texts[start..];
    text[..text.find("\n## ").unwrap_or(text.len())]
        .trim()
        .to_owned()
}

/// The strict form: closed objects, everything required, `null` where optional, nothing that
/// providers stumble over.
fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let mut value = settings
        .into_generator()
        .into_root_schema_for::<A>()
        .to_value();
    tidy(&mut value);
    if let Some(object) = value.as_object_mut() {
        close(object);
    }
    value
}

fn close(object: &mut Map<String, Value>) {
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let names: Vec<Value> = properties
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| json!(name))
        .collect();
    object.insert("required".into(), Value::Array(names));
    object.insert("additionalProperties".into(), json!(false));
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for key in ["$schema", "title", "default", "format", "minimum"] {
                // A property may be called like a keyword; properties are objects.
                if object.get(key).is_some_and(|found| !found.is_object()) {
                    object.remove(key);
                }
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
