//! Command lines as people read them in documents and comments: what they ask of the program, and whether it knows that.

use crate::{assert_known_command, root};

/// What stands before the program's own arguments, in the ways in which it is started.
const STARTS: [&str; 5] = [
    "minibot",
    "runuser -u minibot -- minibot",
    "cargo run --release --",
    "docker compose run --rm minibot",
    "docker compose exec bot minibot",
];

/// The words of a command line without its comment. Quotes group, as in a shell.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    assert_eq!(quote, None, "a quote is left open: {line}");
    words.extend(word);
    words
}

/// The program's arguments in this command line, where it starts the program.
pub fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    STARTS.iter().find_map(|start| {
        let start: Vec<&str> = start.split(' ').collect();
        let (before, after) = words.split_at_checked(start.len())?;
        let ends = ["|", ">", "&&"];
        (before == start).then(|| {
            after
                .iter()
                .take_while(|word| !ends.contains(&word.as_str()))
                .cloned()
                .collect()
        })
    })
}

/// Asks the program about the command line, and looks for the script that it names.
pub fn assert_exists(line: &str) {
    if let Some(arguments) = arguments(line) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_known_command(&arguments);
    }
    for script in words(line)
        .iter()
        .filter_map(|word| word.strip_prefix("./scripts/"))
    {
        let path = root().join("scripts").join(script);
        assert!(path.exists(), "{line}: no such script");
    }
}

#[test]
fn a_line_is_read_as_a_shell_does() {
    assert_eq!(
        words("minibot console --once \"list my 'x'\"   # says it"),
        ["minibot", "console", "--once", "list my 'x'"]
    );
    assert_eq!(
        arguments("docker compose run --rm minibot check | cat").unwrap(),
        ["check"]
    );
    assert_eq!(arguments("runusers minibot"), None);
}
