//! Values that would switch something off, break it or mean nothing, and are said for that.

use std::collections::BTreeSet;

use minibot::wiring::settings::TOOL_NAMES;

use super::problems::{Cases, assert_line_2};
use super::{problems, warnings};

const STORAGE: Cases = &[(
    "busy_timeout_ms = 2147483648",
    "storage.busy_timeout_ms: expected 2147483647 or less, found 2147483648",
)];

const CALCULATOR: Cases = &[
    (
        "default_scale = 1001",
        "tools.calculator.default_scale: expected 1000 or less, found 1001",
    ),
    (
        "max_expression_length = 1001",
        "tools.calculator.max_expression_length: expected 1000 or less, found 1001",
    ),
];

const BROWSER: Cases = &[(
    "user_agent = \"Jos\u{e9}\"",
    "tools.browser.user_agent: expected plain letters, digits and signs of ASCII",
)];

const PYTHON: Cases = &[
    (
        "max_output_bytes = 0",
        "tools.python_exec.max_output_bytes: expected more than 0 bytes",
    ),
    (
        "max_code_bytes = \"0KB\"",
        "tools.python_exec.max_code_bytes: expected more than 0 bytes",
    ),
    (
        "rlimit.nproc = 1",
        "tools.python_exec.rlimit.nproc: expected 2 or more, found 1",
    ),
];

const BASH: Cases = &[(
    "max_output_bytes = 0",
    "tools.bash.max_output_bytes: expected more than 0 bytes",
)];

#[test]
fn what_would_break_or_switch_something_off_is_refused() {
    assert_line_2("storage", STORAGE);
    assert_line_2("tools.calculator", CALCULATOR);
    assert_line_2("tools.browser", BROWSER);
    assert_line_2("tools.python_exec", PYTHON);
    assert_line_2("tools.bash", BASH);
    let most = "[storage]\nbusy_timeout_ms = 2147483647\n[tools.calculator]\ndefault_scale = 1000\n\
                max_expression_length = 1000\n[tools.bash.rlimit]\nnproc = 2\n";
    assert_eq!(problems(most, &[]), Vec::<String>::new());
}

#[test]
fn a_list_of_no_port_is_said() {
    assert_eq!(
        warnings("[egress]\nallowed_ports = []\n"),
        [
            "config.toml, line 2: egress.allowed_ports is empty: only the addresses in egress.allow_private can be reached"
        ]
    );
}

#[test]
fn an_approval_for_no_tool_is_said_with_the_nearest_one() {
    let content = "[approvals.tools]\ndelte_file = \"ask\"\nnonsense = \"deny\"\nbash = \"classify\"\n\
                   browser_click = \"ask\"\nmcp_github = \"ask\"\n\"delte_*\" = \"ask\"\n";
    assert_eq!(
        warnings(content),
        [
            "config.toml, line 2: approvals.tools.delte_file: there is no tool of this name; did you mean delete_file?",
            "config.toml, line 3: approvals.tools.nonsense: there is no tool of this name",
        ]
    );
}

/// Each tool has a text for the model below its name.
#[test]
fn every_tool_is_known_by_its_name() {
    let texts = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/tools");
    let texts: String = std::fs::read_dir(texts)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let named: BTreeSet<&str> = texts
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let known: BTreeSet<&str> = TOOL_NAMES.iter().copied().collect();
    assert_eq!(known, named);
}

#[test]
fn a_wrong_server_is_one_problem() {
    let content = "[llm]\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"localhost\"\n\
                   [llm.profiles.spare]\nmodel = \"s\"\n";
    assert_eq!(
        problems(content, &[]),
        ["config.toml, line 4: llm.base_url: expected an http or https URL, found \"localhost\""]
    );
}

#[test]
fn a_price_holds_for_each_date_of_its_model() {
    let of = |model: &str| {
        format!(
            "[llm]\nprovider = \"openai\"\napi_key = \"k\"\nmodel = \"{model}\"\n[llm.budget]\ndaily_usd = 1\n\
             [llm.prices]\ngpt-5-mini = {{ input = 1, output = 2 }}\n"
        )
    };
    for model in ["gpt-5-mini", "gpt-5-mini-2025-08-07"] {
        assert_eq!(warnings(&of(model)), Vec::<String>::new());
    }
    assert_eq!(warnings(&of("gpt-5-nano-2025-08-07")).len(), 1);
}
