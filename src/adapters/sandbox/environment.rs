//! The environment of programs that a model wrote: what the settings let through of the bot's own.

/// Where programs are looked for when the bot itself does not know.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How much of the bot's environment is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed<'a> {
    /// Only these variables.
    Only(&'a [String]),
    /// All but those that look like secrets, or are the bot's own settings.
    AllButSecrets,
}

/// Words in a name that make a variable a secret. The settings may hold secrets under any name, so
/// their own variables go by their beginning.
const SECRET_WORDS: [&str; 7] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "API_KEY",
    "CREDENTIAL",
    "PRIVATE_KEY",
];
const OWN: &str = "MINIBOT_";

/// The variables for a program, sorted, of the bot's own `parent` ones. None whose value is one of
/// `secrets` is among them, whatever it is called.
pub fn child_environment<'a>(
    parent: impl IntoIterator<Item = (&'a str, &'a str)>,
    passed: Passed<'_>,
    secrets: &[&str],
) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = parent
        .into_iter()
        .filter(|(name, value)| {
            let named = match passed {
                Passed::Only(names) => names.iter().any(|one| one == name),
                Passed::AllButSecrets => !looks_secret(name),
            };
            named
                && !secrets
                    .iter()
                    .any(|secret| !secret.is_empty() && value.contains(secret))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if !all.iter().any(|(name, _)| name == "PATH") {
        all.push(("PATH".to_owned(), PATH.to_owned()));
    }
    all.sort();
    all
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    name.starts_with(OWN) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{PATH, Passed, child_environment};

    const PARENT: [(&str, &str); 7] = [
        ("PATH", "/usr/bin"),
        ("LANG", "C.UTF-8"),
        ("MINIBOT__LLM__API_KEY", "sk-1"),
        ("MY_BOT_TOKEN", "123:abc"),
        ("github_token", "ghp"),
        ("HARMLESS", "holds 123:abc within"),
        ("EDITOR", "vi"),
    ];

    fn names(passed: Passed<'_>) -> Vec<String> {
        let secrets = ["123:abc", ""];
        let all = child_environment(PARENT, passed, &secrets);
        all.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn only_what_is_named_is_passed_on_and_never_a_secret() {
        let named = ["LANG", "MY_BOT_TOKEN", "ABSENT"].map(str::to_owned);
        assert_eq!(names(Passed::Only(&named)), ["LANG", "PATH"]);
        assert_eq!(names(Passed::AllButSecrets), ["EDITOR", "LANG", "PATH"]);
    }

    #[test]
    fn there_is_always_a_path() {
        let all = child_environment([], Passed::AllButSecrets, &[]);
        assert_eq!(all, [("PATH".to_owned(), PATH.to_owned())]);
    }
}
