//! What a model is told about its tools beyond what each says of itself: only of those that it has.

use crate::core::tool::ToolSpec;

const TEXT: &str = include_str!("../../../prompts/guidance.md");

/// The section that does not go by a tool.
const ALWAYS: &str = "always";

/// The end of the system prompt, for these tools. The same for the same tools, so that servers can
/// keep it.
pub fn guidance(tools: &[ToolSpec]) -> String {
    let mut sections = TEXT.split("\n## ");
    let heading = sections.next().unwrap_or_default().trim();
    let mut lines = vec![heading];
    lines.extend(sections.filter_map(|section| {
        let (name, text) = section.split_once('\n')?;
        let is_there = name == ALWAYS || tools.iter().any(|tool| tool.name == name);
        is_there.then_some(text.trim())
    }));
    lines.join("\n")
}
