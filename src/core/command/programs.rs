//! Kinds of programs that rules speak of, by name.

/// The name without its folder. A leading backslash only says: no alias.
pub(super) fn base_name(word: &str) -> &str {
    let word = word.trim_start_matches('\\');
    word.rsplit('/').next().unwrap_or(word)
}

/// Programs that run what they are given as commands of a shell.
pub(super) fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "mksh" | "ash" | "fish" | "csh" | "tcsh" | "rbash"
    )
}

/// Programs that run what they are given as a program of any kind.
pub(super) fn runs_programs(name: &str) -> bool {
    let language = [
        "python", "perl", "ruby", "node", "php", "lua", "deno", "bun",
    ];
    is_shell(name)
        || matches!(name, "source" | "." | "eval" | "osascript" | "pwsh")
        || language.iter().any(|word| {
            let rest = name.strip_prefix(word);
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
        })
}

/// Programs that bring something from the network.
pub(super) fn is_download(name: &str) -> bool {
    matches!(
        name,
        "curl" | "wget" | "fetch" | "aria2c" | "axel" | "lynx" | "nc" | "ncat" | "http" | "https"
    )
}
