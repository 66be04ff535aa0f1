//! Commands that run other commands: what is wrapped in `sudo`, `env`, `xargs` or `sh -c`.

use super::programs::{base_name, is_shell};
use super::{Command, Redirect, Simple, Word};

/// So deep is wrapped by nobody who means well; what is deeper is asked about anyway.
const MOST_LAYERS: usize = 64;

/// A program whose arguments begin with some of its own and go on with another command.
struct Wrapper {
    name: &'static str,
    /// Short options that take a value.
    valued: &'static str,
    /// Long options that take one as the next word.
    valued_long: &'static [&'static str],
    /// Its own arguments before the command.
    own: usize,
}

const fn plain(name: &'static str) -> Wrapper {
    wrapper(name, "", &[], 0)
}

const fn wrapper(
    name: &'static str,
    valued: &'static str,
    valued_long: &'static [&'static str],
    own: usize,
) -> Wrapper {
    Wrapper {
        name,
        valued,
        valued_long,
        own,
    }
}

const WRAPPERS: [Wrapper; 29] = [
    wrapper(
        "sudo",
        "ugpCDhrtTUR",
        &[
            "user", "group", "prompt", "chdir", "host", "role", "type", "chroot",
        ],
        0,
    ),
    wrapper("doas", "uC", &[], 0),
    wrapper("env", "uCS", &["unset", "chdir"], 0),
    plain("nohup"),
    plain("setsid"),
    wrapper("timeout", "ks", &["kill-after", "signal"], 1),
    wrapper(
        "xargs",
        "aEdIiLlnPs",
        &[
            "arg-file",
            "delimiter",
            "max-args",
            "max-procs",
            "max-lines",
            "max-chars",
        ],
        0,
    ),
    plain("command"),
    plain("builtin"),
    wrapper("exec", "a", &[], 0),
    wrapper("time", "fo", &["format", "output"], 0),
    wrapper("nice", "n", &["adjustment"], 0),
    wrapper("ionice", "cnpPu", &["class", "classdata"], 0),
    wrapper("chrt", "", &[], 1),
    wrapper("taskset", "", &[], 1),
    wrapper("stdbuf", "ioe", &["input", "output", "error"], 0),
    wrapper("chroot", "", &[], 1),
    plain("busybox"),
    plain("toybox"),
    wrapper("watch", "n", &["interval"], 0),
    wrapper("strace", "eo", &[], 0),
    wrapper("ltrace", "eo", &[], 0),
    wrapper("flock", "wE", &["timeout", "conflict-exit-code"], 1),
    plain("unshare"),
    wrapper("nsenter", "tSG", &["target"], 0),
    wrapper("parallel", "jn", &["jobs"], 0),
    wrapper("systemd-run", "pu", &["unit", "property"], 0),
    wrapper("runuser", "u", &["user"], 0),
    wrapper("setpriv", "", &[], 0),
];

/// The command itself, and every command that it wraps as far as that can be told.
pub(super) fn layers(words: &[Word]) -> Vec<&[Word]> {
    let mut found = vec![words];
    let mut at = 0;
    while let Some(&words) = found.get(at) {
        at += 1;
        if found.len() > MOST_LAYERS {
            break;
        }
        let name = words.first().map_or("", |word| base_name(&word.text));
        if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) {
            found.extend(wrapper.inner(words).filter(|inner| !inner.is_empty()));
        }
        if name == "find" {
            found.extend(executed_by_find(words));
        }
    }
    found
}

impl Wrapper {
    fn inner<'a>(&self, words: &'a [Word]) -> Option<&'a [Word]> {
        let mut own = self.own;
        let mut at = 1;
        while let Some(word) = words.get(at) {
            let text = word.text.as_str();
            if let Some(long) = text.strip_prefix("--") {
                at += usize::from(self.valued_long.contains(&long));
            } else if let Some(short) = text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                at += usize::from(short.ends_with(|letter| self.valued.contains(letter)));
            } else if text.contains('=') && !text.starts_with('=') {
                // A variable that is set.
            } else if own > 0 {
                own -= 1;
            } else {
                return Some(&words[at..]);
            }
            at += 1;
        }
        None
    }
}

fn executed_by_find(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    const ACTIONS: [&str; 4] = ["-exec", "-execdir", "-ok", "-okdir"];
    let starts =
        |(at, word): (usize, &Word)| ACTIONS.contains(&word.text.as_str()).then_some(at + 1);
    words.iter().enumerate().filter_map(starts).map(|start| {
        let rest = &words[start..];
        let ends = |word: &Word| matches!(word.text.as_str(), ";" | "+" | "\\;");
        &rest[..rest.iter().position(ends).unwrap_or(rest.len())]
    })
}

/// The arguments and inputs of a command that a shell would run as commands in turn.
pub fn nested_scripts(words: &[Word], redirects: &[Redirect]) -> Vec<String> {
    let mut scripts = Vec::new();
    for words in layers(words) {
        let Some((first, arguments)) = words.split_first() else {
            continue;
        };
        let name = base_name(&first.text);
        match name {
            "eval" => scripts.push(texts(arguments).join(" ")),
            "watch" => {
                let inner = arguments.iter().position(|word| !is_setting(&word.text));
                scripts.extend(inner.map(|at| texts(&arguments[at..]).join(" ")));
            }
            "trap" => scripts.extend(arguments.first().map(|word| word.text.clone())),
            "env" => scripts.extend(split_by_env(arguments)),
            "su" | "script" | "flock" | "runuser" => scripts.extend(after_c(arguments)),
            _ if is_shell(name) => {
                scripts.extend(after_c(arguments));
                let fed = redirects
                    .iter()
                    .filter(|fed| fed.operator.starts_with("<<"));
                scripts.extend(fed.map(|fed| fed.target.text.clone()));
            }
            _ => {}
        }
    }
    scripts
}

fn is_setting(word: &str) -> bool {
    word.starts_with('-')
        || word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// What the first commands of a pipe say, where a later one is a shell that runs it.
pub fn piped_scripts(stages: &[Command]) -> Vec<String> {
    let mut said = Vec::new();
    let mut scripts = Vec::new();
    for stage in stages {
        let Command::Simple(simple) = stage else {
            continue;
        };
        if runs_its_input(simple) {
            scripts.append(&mut said);
        }
        said.extend(spoken(simple).map(|words| words.join(" ")));
    }
    scripts
}

/// The words that a command only repeats.
pub(super) fn spoken(simple: &Simple) -> Option<Vec<String>> {
    let (first, arguments) = simple.words.split_first()?;
    matches!(base_name(&first.text), "echo" | "printf" | "yes").then(|| texts(arguments))
}

fn runs_its_input(simple: &Simple) -> bool {
    layers(&simple.words)
        .iter()
        .filter_map(|words| words.first())
        .any(|first| is_shell(base_name(&first.text)))
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

/// The argument of `-c`, also where that stands in a cluster such as `-lc`.
fn after_c(arguments: &[Word]) -> Option<String> {
    let is_c = |word: &Word| {
        let text = word.text.as_str();
        text == "--command"
            || (text.starts_with('-') && !text.starts_with("--") && text.contains('c'))
    };
    let at = arguments.iter().position(is_c)?;
    let rest = arguments[at + 1..].iter();
    let mut operands = rest.skip_while(|word| word.text.starts_with(['-', '+']));
    operands.next().map(|word| word.text.clone())
}

fn split_by_env(arguments: &[Word]) -> Option<String> {
    for (at, word) in arguments.iter().enumerate() {
        let text = word.text.as_str();
        if let Some(string) = text.strip_prefix("--split-string=") {
            return Some(string.to_owned());
        }
        if text == "--split-string" {
            return arguments.get(at + 1).map(|word| word.text.clone());
        }
        if let Some((_, string)) = text.strip_prefix('-').and_then(|text| text.split_once('S'))
            && !text.starts_with("--")
        {
            let rest = texts(&arguments[at + 1..]).join(" ");
            return Some(format!("{string} {rest}"));
        }
    }
    None
}
