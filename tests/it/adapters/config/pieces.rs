//! What is wrong inside of a value that came in one piece from the environment.

use super::{problems, read_with};

#[test]
fn a_wrong_piece_of_a_list_or_table_from_a_variable_is_said_with_all_the_rest() {
    const PEOPLE: &str = "MINIBOT__CHANNELS__TELEGRAM__ALLOWED_USER_IDS";
    const PORTS: &str = "MINIBOT__EGRESS__ALLOWED_PORTS";
    const PRICES: &str = "MINIBOT__LLM__PRICES";
    let variables = [
        (PEOPLE, "[1, \"123\"]"),
        (PORTS, "[80, 99999]"),
        (
            PRICES,
            "{ m = { input = \"x\", output = 1 }, n = { input = -1, output = 1 } }",
        ),
    ];
    assert_eq!(
        problems("[llm]\nmodle = \"m\"\n", &variables),
        [
            "config.toml, line 2: unknown key llm.modle; did you mean model?",
            "environment variable MINIBOT__CHANNELS__TELEGRAM__ALLOWED_USER_IDS: channels.telegram.allowed_user_ids: \
             expected a whole number, found something else",
            "environment variable MINIBOT__EGRESS__ALLOWED_PORTS: egress.allowed_ports: expected a whole number from 0 \
             to 65535, found something else",
            "environment variable MINIBOT__LLM__PRICES: llm.prices.m.input: expected a number, found something else",
        ]
    );
}

#[test]
fn a_wrong_piece_of_what_is_filled_in_has_the_line_of_its_key() {
    let content = "[channels.telegram]\nallowed_user_ids = \"${IDS}\"\n[llm]\nmodle = \"m\"\n";
    assert_eq!(
        problems(content, &[("IDS", "[1, \"x\"]")]),
        [
            "config.toml, line 2: channels.telegram.allowed_user_ids: expected a whole number, found something else",
            "config.toml, line 4: unknown key llm.modle; did you mean model?",
        ]
    );
    let people = read_with(
        "[channels.telegram]\nallowed_user_ids = \"${IDS}\"\n",
        &[("IDS", "[1, 2]")],
    );
    assert_eq!(
        people.unwrap().settings.channels.telegram.allowed_user_ids,
        [1, 2]
    );
}

#[test]
fn an_override_stands_in_for_a_reference_that_leads_nowhere() {
    let content = "[llm]\napi_key = \"${GONE}\"\n";
    assert_eq!(problems(content, &[]).len(), 1);
    assert!(problems(content, &[("MINIBOT__LLM__API_KEY", "k")]).is_empty());
}

#[test]
fn a_finding_about_a_name_with_a_dot_points_to_its_line() {
    let prices = "[llm]\nmodel = \"m\"\n[llm.prices]\n\"gpt-4.1\" = { input = -1, output = 1 }\n";
    assert_eq!(
        problems(prices, &[]),
        [
            "config.toml, line 4: llm.prices.gpt-4.1: expected US dollars per million tokens, from 0 to a million"
        ]
    );
    let profiles = "[llm.profiles.a]\nmodel = \"m\"\n[llm.profiles.\"a.b\"]\ntemperature = 3\n";
    assert_eq!(
        problems(profiles, &[]),
        ["config.toml, line 4: llm.profiles.a.b.temperature: expected a number from 0 to 2"]
    );
}
