//! The rules: what the settings, the command line, content from outside and the person's own
//! "always" say about a call, and which of them wins.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use super::rule::{RuleTarget, name_in_log};
use super::{Ruling, Verdict};
use crate::core::action::Action;
use crate::core::command::Verdict as CommandVerdict;
use crate::core::ids::RuleId;

/// What the settings say about a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolMode {
    /// It runs.
    Allow,
    /// The parsed command line decides; for `bash` only.
    Classify,
    /// A person decides.
    Ask,
    /// It does not run.
    Deny,
}

impl ToolMode {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Classify => "classify",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// The table of the settings: tool names and globs, each with a mode.
#[derive(Debug, Clone, Default)]
pub struct ToolPolicy {
    exact: BTreeMap<String, ToolMode>,
    /// The longest first; of two as long, the stricter.
    globs: Vec<(String, GlobMatcher, ToolMode)>,
}

impl ToolPolicy {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// When a key is no glob.
    pub fn new(table: &BTreeMap<String, ToolMode>) -> Result<Self, globset::Error> {
        let mut policy = Self::default();
        for (key, mode) in table {
            if key.contains(['*', '?', '[', '{']) {
                let matcher = Glob::new(key)?.compile_matcher();
                policy.globs.push((key.clone(), matcher, *mode));
            } else {
                policy.exact.insert(key.clone(), *mode);
            }
        }
        policy
            .globs
            .sort_by_key(|(key, _, mode)| std::cmp::Reverse((key.chars().count(), *mode)));
        Ok(policy)
    }

    /// The mode of a tool and the rule that says so. The exact name wins over the longest glob;
    /// what nothing matches is asked about.
    pub fn find(&self, tool: &str) -> (ToolMode, String) {
        let exact = self.exact.get_key_value(tool);
        let exact = exact.map(|(key, mode)| (key.as_str(), *mode));
        let glob = || {
            let found = self.globs.iter().find(|(_, glob, _)| glob.is_match(tool));
            found.map(|(key, _, mode)| (key.as_str(), *mode))
        };
        match exact.or_else(glob) {
            Some((key, mode)) => (mode, format!("settings: {key} = {}", mode.name())),
            None => (ToolMode::Ask, "settings: nothing matches".to_owned()),
        }
    }
}

/// All that the rules look at.
#[derive(Debug, Clone)]
pub struct Considered<'a> {
    /// The tool.
    pub tool: &'a str,
    /// What the command line is, where the call runs one.
    pub command: Option<CommandVerdict>,
    /// Why the call asks although the settings allow its tool.
    pub guarded: Option<&'static str>,
    /// Why content from outside makes the call doubtful.
    pub escalated: Option<String>,
    /// What "always allow this" would cover; `None` where the same words may mean something else
    /// another time.
    pub target: Option<RuleTarget>,
    /// The rule of the person that covers it.
    pub stored: Option<RuleId>,
}

/// Why an action asks although its tool may run: it reaches for what other programs act on. What stands
/// in a folder of Git's own names programs that Git then runs.
pub fn guarded(action: &Action) -> Option<&'static str> {
    let is_gits = |path: &String| {
        path.split('/')
            .any(|name| name.eq_ignore_ascii_case(".git"))
    };
    let touches = match action {
        Action::ChangeFiles { paths, .. } => paths.iter().any(is_gits),
        Action::DeleteFile { path } => is_gits(path),
        _ => false,
    };
    touches.then_some("it changes what Git goes by, and Git runs programs that are named there")
}

/// Decides. A refusal stands whatever else is said; content from outside makes at least a question
/// of a call, which no rule of the person lifts.
pub fn rule_on(policy: &ToolPolicy, call: Considered<'_>) -> Ruling {
    let (mode, rule) = policy.find(call.tool);
    let mut by_settings = base(mode, rule, &call);
    if let (Verdict::Allow, Some(reason)) = (&by_settings.verdict, call.guarded) {
        by_settings = Ruling {
            verdict: Verdict::Ask {
                always: call.target.clone(),
            },
            rule: format!("guarded; {}", by_settings.rule),
            reason: reason.to_owned(),
        };
    }
    match (&by_settings.verdict, call.escalated, call.stored) {
        (Verdict::Deny, _, _) => by_settings,
        (_, Some(reason), _) => Ruling {
            verdict: Verdict::Ask { always: None },
            rule: format!("untrusted content; {}", by_settings.rule),
            reason,
        },
        (Verdict::Ask { .. }, None, Some(number)) => Ruling {
            verdict: Verdict::Allow,
            rule: name_in_log(number),
            reason: String::new(),
        },
        (Verdict::Ask { .. } | Verdict::Allow, None, _) => by_settings,
    }
}

fn base(mode: ToolMode, rule: String, call: &Considered<'_>) -> Ruling {
    let tool = call.tool;
    let ask = |rule: String, reason: String| Ruling {
        verdict: Verdict::Ask {
            always: call.target.clone(),
        },
        rule,
        reason,
    };
    let allow = |rule: String| Ruling {
        verdict: Verdict::Allow,
        rule,
        reason: String::new(),
    };
    let deny = |rule: String, reason: String| Ruling {
        verdict: Verdict::Deny,
        rule,
        reason,
    };
    match (mode, &call.command) {
        (ToolMode::Allow, _) => allow(rule),
        (ToolMode::Ask, _) => ask(rule, format!("the settings say so for {tool}")),
        (ToolMode::Deny, _) => deny(rule, format!("the settings do not allow {tool}")),
        (ToolMode::Classify, None) => ask(rule, "it is not known to be harmless".to_owned()),
        (ToolMode::Classify, Some(CommandVerdict::Allow)) => allow(format!("{rule}; reads only")),
        (ToolMode::Classify, Some(CommandVerdict::Ask(reason))) => {
            ask(format!("{rule}; {reason}"), reason.clone())
        }
        (ToolMode::Classify, Some(CommandVerdict::Deny(reason))) => {
            deny(format!("{rule}; {reason}"), reason.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use ToolMode::{Allow, Ask, Classify, Deny};

    fn policy(table: &[(&str, ToolMode)]) -> ToolPolicy {
        let table = table.iter().map(|(key, mode)| ((*key).to_owned(), *mode));
        ToolPolicy::new(&table.collect()).unwrap()
    }

    #[test]
    fn the_exact_name_wins_over_the_longest_glob_over_the_star() {
        let policy = policy(&[
            ("*", Allow),
            ("bash", Classify),
            ("mcp_*", Ask),
            ("mcp_mail_*", Deny),
            ("mcp_mail_read", Allow),
            ("*_file", Ask),
            ("delete_*", Deny),
            ("{one,two}", Deny),
        ]);
        for (tool, mode) in [
            ("user_memory_get", Allow),
            ("bash", Classify),
            ("bashful", Allow),
            ("mcp_x_y", Ask),
            ("mcp_mail_send", Deny),
            ("mcp_mail_read", Allow),
            ("read_file", Ask),
            ("delete_file", Deny),
            ("one", Deny),
            ("Bash", Allow),
        ] {
            assert_eq!(policy.find(tool).0, mode, "{tool}");
        }
    }

    #[test]
    fn what_nothing_matches_is_asked_about() {
        assert_eq!(policy(&[]).find("bash").0, Ask);
        assert_eq!(policy(&[("mcp_*", Allow)]).find("bash").0, Ask);
    }

    #[test]
    fn of_two_globs_as_long_the_stricter_counts() {
        for table in [[("a*", Allow), ("*a", Ask)], [("a*", Ask), ("*a", Allow)]] {
            assert_eq!(policy(&table).find("aa").0, Ask);
        }
    }

    fn considered(
        escalated: bool,
        stored: bool,
        command: Option<CommandVerdict>,
    ) -> Considered<'static> {
        let arguments = json!({ "path": "a" });
        Considered {
            tool: "tool",
            command,
            guarded: None,
            escalated: escalated.then(|| "it has read a page".to_owned()),
            target: RuleTarget::of("tool", &Action::Inside, &arguments),
            stored: stored.then_some(RuleId(7)),
        }
    }

    #[test]
    fn rules_lift_questions_and_nothing_else() {
        let (yes, no) = (true, false);
        for (mode, escalated, stored, verdict, always) in [
            (Allow, no, no, "allow", no),
            (Allow, no, yes, "allow", no),
            (Allow, yes, no, "ask", no),
            (Allow, yes, yes, "ask", no),
            (Ask, no, no, "ask", yes),
            (Ask, no, yes, "allow", no),
            (Ask, yes, no, "ask", no),
            (Ask, yes, yes, "ask", no),
            (Deny, no, no, "deny", no),
            (Deny, no, yes, "deny", no),
            (Deny, yes, no, "deny", no),
            (Deny, yes, yes, "deny", no),
            (Classify, no, no, "ask", yes),
            (Classify, yes, yes, "ask", no),
        ] {
            let ruling = rule_on(
                &policy(&[("tool", mode)]),
                considered(escalated, stored, None),
            );
            let case = format!("{mode:?} {escalated} {stored}: {ruling:?}");
            assert_eq!(ruling.verdict.name(), verdict, "{case}");
            let offers = matches!(ruling.verdict, Verdict::Ask { always: Some(_) });
            assert_eq!(offers, always, "{case}");
        }
    }

    /// Git runs what stands in its own folder, so whoever writes there is asked about.
    #[test]
    fn what_git_goes_by_is_changed_with_a_persons_word_only() {
        let changes = |path: &str| Action::ChangeFiles {
            paths: vec!["notes.txt".to_owned(), path.to_owned()],
            loss: crate::core::action::Loss::Nothing,
        };
        for path in [
            ".git",
            ".git/config",
            "a/.git/hooks/x",
            "./.git/config",
            "a//.GIT/config",
        ] {
            let delete = Action::DeleteFile {
                path: path.to_owned(),
            };
            for action in [changes(path), delete] {
                let reason = guarded(&action);
                assert!(reason.is_some(), "{path}");
                for (mode, stored, verdict) in [
                    (Allow, false, "ask"),
                    (Allow, true, "allow"),
                    (Ask, false, "ask"),
                    (Deny, true, "deny"),
                ] {
                    let call = Considered {
                        guarded: reason,
                        ..considered(false, stored, None)
                    };
                    let ruling = rule_on(&policy(&[("tool", mode)]), call);
                    assert_eq!(ruling.verdict.name(), verdict, "{path} {mode:?}");
                }
            }
        }
        for path in [
            "a.git",
            ".gitignore",
            "git/config",
            "a/.github/x",
            ".gitattributes",
        ] {
            assert_eq!(guarded(&changes(path)), None, "{path}");
        }
        assert_eq!(guarded(&Action::Inside), None);
    }

    #[test]
    fn a_command_line_decides_only_where_the_settings_leave_it_to_it() {
        let why = || "why".to_owned();
        for (mode, command, stored, verdict) in [
            (Classify, CommandVerdict::Allow, false, "allow"),
            (Classify, CommandVerdict::Ask(why()), false, "ask"),
            (Classify, CommandVerdict::Ask(why()), true, "allow"),
            (Classify, CommandVerdict::Deny(why()), false, "deny"),
            (Classify, CommandVerdict::Deny(why()), true, "deny"),
            (Ask, CommandVerdict::Allow, false, "ask"),
            (Deny, CommandVerdict::Allow, false, "deny"),
            (Allow, CommandVerdict::Deny(why()), false, "allow"),
        ] {
            let call = considered(false, stored, Some(command.clone()));
            let ruling = rule_on(&policy(&[("tool", mode)]), call);
            assert_eq!(ruling.verdict.name(), verdict, "{mode:?} {command:?}");
        }
    }
}
