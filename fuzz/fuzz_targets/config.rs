//! Any configuration: it never crashes the loader, and no message shows what is secret.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use minibot::adapters::config::{Environment, Problems, Remark, Text, known_keys, load_text};
use minibot::wiring::settings::{RULES, Settings};

/// Short enough to be quoted if it were no secret.
const SECRET: &str = "Zq7xW9Kp-Vb3";
const PLACES: [&str; 4] = [
    "channels.telegram.bot_token",
    "channels.telegram.webhook_secret",
    "llm.api_key",
    "llm.profiles.a.api_key",
];

/// The secret's place, a key, what stands before, beside and behind the secret.
type Input<'a> = (u8, u16, &'a str, &'a str, &'a str, &'a str);

fuzz_target!(|input: Input<'_>| {
    let (place, key, before, left, right, text) = input;
    let keys = known_keys::<Settings>();
    let key = &keys[usize::from(key) % keys.len()];
    let place = PLACES[usize::from(place) % PLACES.len()];

    let _ = load(text, &Environment::default());

    // What comes before must be whole, or the secret's line belongs to it.
    let before = if toml::from_str::<toml::Table>(before).is_ok() {
        before
    } else {
        ""
    };
    let (left, right) = (one_line(left), one_line(right));
    let (section, name) = place
        .rsplit_once('.')
        .expect("a secret stands in a section");
    for value in [
        format!("\"{left}{SECRET}{right}\""),
        format!("{left}{SECRET}{right}"),
    ] {
        let content = format!("{before}\n[{section}]\n{name} = {value}\n{text}");
        hides(&load(&content, &Environment::default()), &content);
    }

    let variable = |key: &str| format!("MINIBOT__{}", key.to_uppercase().replace('.', "__"));
    let secret = format!("{left}{SECRET}{right}");
    let environment: Environment = [
        (variable(place), secret.as_str()),
        (variable(key), right.as_str()),
        ("KEY".to_owned(), secret.as_str()),
    ]
    .into_iter()
    .collect();
    let content = format!("{before}\n{key} = \"${{KEY}}{right}\"\n");
    if let Err(problems) = load(&content, &environment) {
        shows_nothing(&format!("{problems} {problems:?}"), &content);
    }
    if let Err(problems) = load(text, &environment) {
        shows_nothing(&format!("{problems} {problems:?}"), text);
    }
});

type Loaded = minibot::adapters::config::Loaded<Settings>;

fn load(content: &str, environment: &Environment) -> Result<Loaded, Problems> {
    let text = Text {
        label: "config.toml",
        content,
        base_dir: Path::new("/nowhere"),
    };
    let loaded = load_text::<Settings>(&text, environment, &RULES);
    let remarks: Vec<&Remark> = match &loaded {
        Ok(loaded) => loaded.warnings.iter().collect(),
        Err(problems) => {
            assert!(!problems.problems.is_empty());
            problems.problems.iter().chain(&problems.warnings).collect()
        }
    };
    for remark in remarks {
        let moves =
            |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
        assert!(!remark.to_string().contains(moves), "{remark:?}");
    }
    loaded
}

fn hides(loaded: &Result<Loaded, Problems>, content: &str) {
    let shown = match loaded {
        Ok(loaded) => format!("{loaded:?}"),
        Err(problems) => format!("{problems} {problems:?}"),
    };
    shows_nothing(&shown, content);
}

fn shows_nothing(shown: &str, content: &str) {
    assert!(!shown.contains(SECRET), "{content:?} is shown as {shown}");
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
