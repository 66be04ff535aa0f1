//! The calculator tool.

pub mod arithmetic;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::arithmetic::Limits;
use super::config::CalculatorConfig;
use super::typed::{TypedTool, failure, success};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

#[derive(Debug)]
pub(super) struct Calculator {
    limits: Limits,
}

impl Calculator {
    pub(super) fn new(config: &CalculatorConfig) -> Self {
        Self {
            limits: Limits {
                max_expression_length: config.max_expression_length.get() as usize,
                max_exponent_abs: config.max_exponent_abs.get(),
                default_scale: config.default_scale.get(),
            },
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Such as (2+3)*4.5**2
    expression: String,
    /// Digits after the point; default: exact, or 28 where that is impossible.
    scale: Option<u32>,
}

#[async_trait]
impl TypedTool for Calculator {
    const NAME: &'static str = "calculate_expression";
    const TEXTS: &'static str = include_str!("../../../../prompts/tools/calculator.md");
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = Arguments;

    async fn run(&self, _context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        match arithmetic::evaluate(&arguments.expression, &self.limits, arguments.scale) {
            Ok(result) => success(json!({ "result": result })),
            Err(error) => failure(ErrorCode::BadArguments, error),
        }
    }
}
