//! The verdicts over command lines, as tables: reads run, foot-guns do not, evasions are asked about.

use proptest::prelude::*;

use super::parse::read;
use crate::core::action::Confinement;
use crate::core::command::{Verdict, classify};

fn verdict(line: &str) -> Verdict {
    classify(&read(line), Confinement::Native)
}

/// One command in each line; the signs of control characters stand for them.
fn commands(table: &str) -> impl Iterator<Item = String> + '_ {
    table.lines().map(|line| {
        line.replace('␤', "\n")
            .replace('␍', "\r")
            .replace('␀', "\0")
    })
}

fn wrong(table: &str, right: impl Fn(&Verdict) -> bool) -> Vec<(String, Verdict)> {
    commands(table)
        .map(|line| (verdict(&line), line))
        .filter(|(verdict, _)| !right(verdict))
        .map(|(verdict, line)| (line, verdict))
        .collect()
}

#[test]
fn ordinary_reads_are_allowed() {
    let table = include_str!("tests/reads.txt");
    assert!(table.lines().count() >= 200);
    let wrong = wrong(table, |verdict| *verdict == Verdict::Allow);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn foot_guns_are_refused_however_they_are_wrapped() {
    let wrong = wrong(include_str!("tests/foot_guns.txt"), |verdict| {
        matches!(verdict, Verdict::Deny(_))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn evasions_are_asked_about() {
    let wrong = wrong(include_str!("tests/evasions.txt"), |verdict| {
        matches!(verdict, Verdict::Ask(_))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_git_does_is_asked_about_where_nothing_holds_it() {
    for line in ["git status", "git diff"] {
        let weaker = classify(&read(line), Confinement::Weaker);
        assert!(matches!(weaker, Verdict::Ask(_)), "{line}");
        assert_eq!(verdict(line), Verdict::Allow, "{line}");
    }
    assert_eq!(classify(&read("ls"), Confinement::Weaker), Verdict::Allow);
}

/// Where nothing holds a program in, it may look at the workspace, and at nothing else.
#[test]
fn what_leads_out_of_the_workspace_is_asked_about_where_nothing_holds_it() {
    let weaker = |line: &str| classify(&read(line), Confinement::Weaker);
    let leads_out = include_str!("tests/leads_out.txt").lines();
    let wrong: Vec<_> = leads_out
        .filter(|line| !matches!(weaker(line), Verdict::Ask(_)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for line in [
        "ls",
        "ls -la src",
        "cat src/main.rs",
        "cat ./a.txt | sort | uniq -c",
        "grep -rn 'fn main' src",
        "grep -E '^[0-9]+$' numbers.txt 2>/dev/null",
        "find . -name '*.rs'",
        "sed -n '1,5p' a.txt",
        "cd src/core; wc -l mod.rs",
        "jq '.items[] | .name' data.json",
        "jq '.environment, .imports' data.json",
        "sha256sum a.bin b.bin",
        "cksum a.bin",
        "date +%F",
        "uname -a",
    ] {
        assert_eq!(weaker(line), Verdict::Allow, "{line}");
    }
}

/// A rule holds for a command however it is quoted, and for no other.
#[test]
fn a_target_is_the_command_written_in_one_way() {
    for (line, target) in [
        ("ls   -la", Some("ls -la")),
        ("l's' \"-la\" # all", Some("ls -la")),
        ("npm 'run'  build", Some("npm run build")),
        ("echo 'a b' \"it's\"", Some(r#"echo 'a b' 'it'"'"'s'"#)),
        ("echo ''", Some("echo ''")),
        ("A='x y' make all", Some("A='x y' make all")),
        ("a&&b||c;d", Some("a && b || c; d")),
        ("a\nb", Some("a; b")),
        ("a & b &", Some("a & b &")),
        ("a|b 2>&1 >out.txt", Some("a | b 2>&1 >out.txt")),
        ("make $x", None),
        ("make *.c", None),
        ("a <<E\nx\nE", None),
        ("(a)", None),
        ("! a", None),
        ("time a", None),
        ("a 'open", None),
        ("", None),
    ] {
        let found = read(line).target();
        assert_eq!(found.as_deref(), target, "{line}");
        if let Some(target) = target {
            assert_eq!(read(target).target().as_deref(), Some(target), "{line}");
        }
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_asked_about() {
    let many = |part: &str, times| part.repeat(times);
    let pairs = [
        ("(", ")"),
        ("{ ", "; }"),
        ("$(", ")"),
        ("\"$(", ")\""),
        ("`", "`"),
        ("${x:-", "}"),
        ("$((", "))"),
        ("((", "))"),
        ("<(", ")"),
        ("if ", "; then ls; fi"),
        ("case x in x) ", ";; esac"),
        ("case x in x) ", " esac"),
        ("while ", "; do ls; done"),
        ("f() { ", "; }"),
        ("coproc ", ""),
        ("time ", ""),
        ("eval ", ""),
        ("bash -c '", "'"),
        ("sudo ", ""),
        ("env -S '", "'"),
        ("find . -exec ", ""),
        ("xargs ", ""),
        ("a=(", ")"),
        ("[[ ", " ]]"),
        ("x | sh | ", ""),
        ("cat <<E\n", "\nE\n"),
        ("{", ",}"),
        ("[", "]"),
        ("$[", "]"),
        ("function f ", ""),
        ("@(", ")"),
        ("\\", ""),
    ];
    for (open, close) in pairs {
        for times in [1, 3, 6, 8, 15, 19, 39, 59, 1000, 20_000] {
            for close in [close, ""] {
                let line = format!("{}ls -x y{}", many(open, times), many(close, times));
                let allowed = verdict(&line) == Verdict::Allow;
                assert!(!allowed, "{open:?} × {times}");
            }
        }
    }
    let long = format!("echo {}", many("a", 20_000));
    assert!(matches!(verdict(&long), Verdict::Ask(_)));
}

/// The pieces of which the random command lines are made.
const PIECES: &[&str] = &[
    "ls",
    "cat",
    "rm",
    "-rf",
    "/",
    "git",
    "status",
    "find",
    ".",
    "-exec",
    "bash",
    "-c",
    "sh",
    "curl",
    "eval",
    "env",
    "sudo",
    "x",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    ";",
    "&",
    "&&",
    "|",
    "||",
    ">",
    "<",
    "<<",
    "<<<",
    ">&",
    "&>",
    "1",
    "2",
    "99999",
    "'",
    "\"",
    "\\",
    "\\\n",
    "$",
    "`",
    "$(",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "((",
    "))",
    "~",
    "*",
    "?",
    "#",
    "!",
    "=",
    "A=",
    "+=",
    ",",
    "..",
    "-",
    "--",
    "if",
    "then",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "case",
    "esac",
    ";;",
    "while",
    "function",
    "coproc",
    "time",
    "select",
    "EOF",
    "\r",
    "\0",
    "é",
    "\u{a0}",
    "\u{202e}",
    "ⅼ",
    "$'",
    "${",
    "@",
    "%",
    ":",
    "_",
    "/dev/null",
    "echo",
    "|&",
    "EOF\n",
];

/// What two readers must agree on before anything is allowed: this one knows quotes, and nothing else.
fn plain_words(line: &str) -> Option<Vec<Vec<String>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == letter => break,
                        '$' | '`' if letter == '"' => return None,
                        '\\' if letter == '"' => match letters.next()? {
                            escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            '#' if word.is_none() => while letters.next_if(|letter| *letter != '\n').is_some() {},
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' => {
                commands.last_mut()?.extend(word.take());
                if "\n;&|".contains(letter) {
                    commands.push(Vec::new());
                }
            }
            '$' | '`' | '\\' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | ']' | '~' | '!' => {
                return None;
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    commands.last_mut()?.extend(word);
    Some(commands)
}

const MAY_READ: &str = "ls cat git find echo";

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_reads_are_ever_allowed(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
        let line = pieces.concat();
        let read = read(&line);
        if let Some(target) = read.target() {
            prop_assert_eq!(super::parse::read(&target).target(), Some(target));
        }
        if classify(&read, Confinement::Native) == Verdict::Allow {
            let commands = plain_words(&line);
            prop_assert!(commands.is_some(), "{line:?}");
            for command in commands.iter().flatten().filter(|command| !command.is_empty()) {
                // What stands behind a redirection is a word here, and no command.
                let known = MAY_READ.split(' ').any(|name| command[0] == name);
                prop_assert!(known || command[0] == "/dev/null" || command[0].len() == 1, "{line:?}");
            }
        }
    }

    #[test]
    fn nothing_breaks_the_parser(line in "\\PC{0,200}") {
        let _ = verdict(&line);
    }
}
