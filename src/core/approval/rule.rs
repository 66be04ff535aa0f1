//! What "always allow this" covers: one tool, one exact target, one chat.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::Fingerprint;
use super::visible::visible_line;
use crate::core::action::{Action, ClickLeads, Plainness};
use crate::core::ids::RuleId;

/// The exact target of a call: what must be the same for a stored rule to cover it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleTarget {
    /// A path in the workspace.
    Path {
        /// The path.
        path: String,
    },
    /// Everything at one server, done in one way.
    Host {
        /// Its scheme, name and port.
        origin: String,
        /// The method by which something is sent there; `None` for what only fetches, and is done on a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<String>,
    },
    /// One command line, with all that it is given.
    Command {
        /// The commands, however they were quoted.
        line: String,
        /// The rest of the call, and what holds it in.
        beside: Fingerprint,
    },
    /// The same call with the same arguments.
    Call {
        /// The call.
        call: Fingerprint,
    },
}

impl RuleTarget {
    /// The target of a call; `None` where the same words may mean something else another time.
    pub fn of(tool: &str, action: &Action, arguments: &Value) -> Option<Self> {
        let host = |url: &Url, method| Self::Host {
            origin: url.origin().ascii_serialization(),
            method,
        };
        Some(match action {
            Action::DeleteFile { path } | Action::SendFile { path, .. } => {
                Self::Path { path: path.clone() }
            }
            Action::Fetch {
                url,
                plain: Plainness::Carries(method),
            } if url.has_host() => host(url, Some(method.as_str().to_owned())),
            Action::Fetch {
                url,
                plain: Plainness::Plain,
            }
            | Action::FillField { page: Some(url) }
            | Action::Click {
                leads: ClickLeads::To(url),
                ..
            } if url.has_host() => host(url, None),
            // What else it is given (an input, a time limit) may change what the line does.
            Action::Command { line, confinement } => Self::Command {
                line: line.target()?,
                beside: beside(&format!("{tool} {confinement:?}"), arguments, &line.source),
            },
            // The same words mean another element on another site.
            Action::Click {
                page: Some(page), ..
            } => Self::Call {
                call: Fingerprint::of(
                    &format!("{tool} {}", page.origin().ascii_serialization()),
                    arguments,
                ),
            },
            Action::Inside
            | Action::Fetch { .. }
            | Action::FillField { .. }
            | Action::Click { .. }
            | Action::Code { .. }
            | Action::ChangeFiles { .. }
            | Action::Forget(_)
            | Action::ScheduleRun
            | Action::McpWrite { .. } => Self::Call {
                call: Fingerprint::of(tool, arguments),
            },
        })
    }

    /// It in words for the person.
    pub fn describe(&self) -> String {
        match self {
            Self::Path { path } => visible_line(path),
            Self::Host {
                origin,
                method: None,
            } => visible_line(origin),
            Self::Host {
                origin,
                method: Some(method),
            } => visible_line(&format!("{origin}, sending by {method}")),
            Self::Command { line, .. } => visible_line(line),
            Self::Call { .. } => "with exactly the same arguments".to_owned(),
        }
    }
}

/// The fingerprint of a call without its command line.
fn beside(tool: &str, arguments: &Value, line: &str) -> Fingerprint {
    let mut rest = arguments.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.retain(|name, value| name != "command" || value.as_str() != Some(line));
    }
    Fingerprint::of(tool, &rest)
}

/// What the audit log calls a stored rule.
pub fn name_in_log(rule: RuleId) -> String {
    format!("always rule {rule}")
}

/// A stored rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    /// Its id.
    pub id: RuleId,
    /// The tool.
    pub tool: String,
    /// What of it.
    pub target: RuleTarget,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::core::action::Confinement;
    use crate::core::command::{Command, CommandLine, Joiner, Part, Reading, Script, Simple, Word};
    use crate::core::egress::FetchMethod;

    fn sends(address: &str, method: FetchMethod) -> Action {
        Action::Fetch {
            url: address.parse().unwrap(),
            plain: Plainness::Carries(method),
        }
    }

    fn fetch(address: &str) -> Action {
        sends(address, FetchMethod::Get)
    }

    fn plain(address: &str) -> Action {
        Action::Fetch {
            url: address.parse().unwrap(),
            plain: Plainness::Plain,
        }
    }

    fn command(line: &str, confinement: Confinement) -> Action {
        let words = line.replace('\'', "");
        let simple = Simple {
            words: words.split(' ').map(Word::literal).collect(),
            ..Simple::default()
        };
        let part = Part {
            command: Command::Simple(simple),
            then: Joiner::Next,
        };
        let line = CommandLine {
            source: line.to_owned(),
            reading: Reading::Understood(Script(vec![part])),
        };
        Action::Command { line, confinement }
    }

    fn click(page: &str) -> Action {
        Action::Click {
            page: Some(page.parse().unwrap()),
            leads: ClickLeads::Unknown,
        }
    }

    fn native(line: &str) -> Action {
        command(line, Confinement::Native)
    }

    fn delete(path: &str) -> Action {
        Action::DeleteFile { path: path.into() }
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    #[test]
    fn the_target_is_as_narrow_as_the_call() {
        let none = json!({});
        let given = |line: &str, stdin: &str| json!({ "command": line, "stdin": stdin });
        for (one, two, same) in [
            (
                (delete("a"), none.clone()),
                (delete("a"), json!({ "path": "a" })),
                true,
            ),
            (
                (delete("a"), none.clone()),
                (delete("a/b"), none.clone()),
                false,
            ),
            (
                (fetch("https://a.org/x"), none.clone()),
                (fetch("https://a.org/y?z"), none.clone()),
                true,
            ),
            (
                (fetch("https://a.org"), none.clone()),
                (fetch("http://a.org"), none.clone()),
                false,
            ),
            (
                (fetch("https://a.org"), none.clone()),
                (fetch("https://b.a.org"), none.clone()),
                false,
            ),
            (
                (fetch("https://a.org"), none.clone()),
                (fetch("https://a.org:8443"), none.clone()),
                false,
            ),
            (
                (plain("https://a.org/x"), none.clone()),
                (plain("https://a.org/y"), none.clone()),
                true,
            ),
            (
                (plain("https://a.org"), none.clone()),
                (fetch("https://a.org"), none.clone()),
                false,
            ),
            (
                (
                    sends("https://a.org", FetchMethod::Post),
                    json!({ "body": "x" }),
                ),
                (sends("https://a.org", FetchMethod::Post), none.clone()),
                true,
            ),
            (
                (sends("https://a.org", FetchMethod::Post), none.clone()),
                (sends("https://a.org", FetchMethod::Delete), none.clone()),
                false,
            ),
            (
                (native("sh"), given("sh", "")),
                (native("sh"), json!({ "command": "sh" })),
                false,
            ),
            (
                (native("sh"), given("sh", "sh")),
                (native("sh"), json!({ "command": "sh" })),
                false,
            ),
            (
                (native("make"), given("make", "")),
                (native("'make'"), given("'make'", "")),
                true,
            ),
            (
                (native("sh"), given("sh", "")),
                (native("sh"), given("sh", "id")),
                false,
            ),
            (
                (native("make"), none.clone()),
                (native("make all"), none.clone()),
                false,
            ),
            (
                (native("make"), none.clone()),
                (command("make", Confinement::Weaker), none.clone()),
                false,
            ),
            (
                (click("https://a.org/x"), none.clone()),
                (click("https://a.org/y"), none.clone()),
                true,
            ),
            (
                (click("https://a.org"), none.clone()),
                (click("https://b.org"), none.clone()),
                false,
            ),
            (
                (click("https://a.org"), none.clone()),
                (click("https://a.org"), json!({ "selector": "#x" })),
                false,
            ),
            (
                (Action::ScheduleRun, none.clone()),
                (Action::ScheduleRun, json!({ "x": 1 })),
                false,
            ),
            (
                (Action::Inside, none.clone()),
                (Action::Inside, none.clone()),
                true,
            ),
        ] {
            let one = RuleTarget::of("tool", &one.0, &one.1).unwrap();
            let two = RuleTarget::of("tool", &two.0, &two.1).unwrap();
            assert_eq!(one == two, same, "{one:?} and {two:?}");
        }
    }

    #[test]
    fn rules_of_earlier_versions_cover_what_only_fetches() {
        let stored = json!({ "kind": "host", "origin": "https://a.org" });
        let target = |action| RuleTarget::of("http_request", &action, &json!({})).unwrap();
        let only_fetches = target(plain("https://a.org/x"));
        assert_eq!(serde_json::to_value(&only_fetches).unwrap(), stored);
        assert_eq!(only_fetches.describe(), "https://a.org");
        let sends = target(fetch("https://a.org/x"));
        assert_ne!(serde_json::to_value(&sends).unwrap(), stored);
        assert_eq!(sends.describe(), "https://a.org, sending by GET");
    }

    #[test]
    fn what_nobody_understands_is_not_allowed_for_ever() {
        let action = Action::Command {
            line: CommandLine::unclear("make $X", "it depends"),
            confinement: Confinement::Native,
        };
        assert_eq!(RuleTarget::of("bash", &action, &json!({})), None);
    }
}
