//! What Python there is, asked of the interpreter itself.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PythonTools, TEXTS};
use crate::core::sandbox::RunEnd;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};
use crate::llm::tools::runs::not_run;
use crate::llm::tools::typed::{TypedTool, failure, success};

/// Packages in a result, unless the model says otherwise, and at most.
const DEFAULT_LIMIT: u32 = 100;
const MOST: u32 = 500;

/// It reads what is asked for from its input and prints one object.
const PROGRAM: &str = r#"
import importlib.metadata, json, sys
asked = json.load(sys.stdin)
told = {"version": sys.version.split()[0], "executable": sys.executable}
if asked["packages"]:
    prefix = asked["prefix"].lower()
    found = {}
    for each in importlib.metadata.distributions():
        name = each.metadata["Name"] or ""
        if name.lower().startswith(prefix):
            found[name] = each.version
    names = sorted(found, key=str.lower)
    told["packages"] = [{"name": name, "version": found[name]} for name in names[:asked["limit"]]]
    told["truncated"] = len(names) > asked["limit"]
print(json.dumps(told))
"#;

#[derive(Debug)]
pub(super) struct PythonEnvironmentInfo(pub(super) PythonTools);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Default: yes.
    include_packages: Option<bool>,
    /// Only packages whose names begin so.
    name_prefix: Option<String>,
    limit: Option<u32>,
}

#[async_trait]
impl TypedTool for PythonEnvironmentInfo {
    const NAME: &'static str = "python_environment_info";
    const TEXTS: &'static str = TEXTS;
    // The program is ours, and only looks.
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = Arguments;

    async fn run(&self, _context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        let asked = json!({
            "packages": arguments.include_packages.unwrap_or(true),
            "prefix": arguments.name_prefix.unwrap_or_default(),
            "limit": arguments.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MOST),
        });
        let mut request = self.0.request(PROGRAM.to_owned());
        request.stdin = asked.to_string().into_bytes();
        let outcome = match self.0.interpreter.sandbox.run(request).await {
            Ok(outcome) => outcome,
            Err(error) => return not_run(&error),
        };
        match serde_json::from_str::<Value>(&outcome.stdout.text) {
            Ok(told) if told.is_object() && outcome.end == RunEnd::Exited(0) => success(told),
            _ => {
                tracing::error!(end = ?outcome.end, stderr = %outcome.stderr.text, "python did not tell about itself");
                failure(ErrorCode::Failed, "Python did not tell about itself")
            }
        }
    }
}
