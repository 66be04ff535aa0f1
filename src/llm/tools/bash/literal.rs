//! Words of which it is certain what the program gets: plain letters and plain quotes, and nothing that a
//! shell could see in another way.

/// The text of a word as it was written, or `None` if the shell may make something else of it.
pub(super) fn literal(raw: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = raw.chars().peekable();
    let mut first = true;
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => loop {
                match letters.next()? {
                    '\'' => break,
                    quoted => text.push(quoted),
                }
            },
            '"' => loop {
                match letters.next()? {
                    '"' => break,
                    '$' | '`' => return None,
                    '\\' => match letters.peek()? {
                        '$' | '`' | '"' | '\\' => text.extend(letters.next()),
                        '\n' => return None,
                        _ => text.push('\\'),
                    },
                    quoted => text.push(quoted),
                }
            },
            '#' if !first => text.push('#'),
            plain if is_plain(plain) => text.push(plain),
            _ => return None,
        }
        first = false;
    }
    Some(text)
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "_-./:,+@%=^".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn quotes_are_taken_off_and_nothing_else() {
        for (raw, text) in [
            ("plain", "plain"),
            ("l's'", "ls"),
            ("'a b'", "a b"),
            (r#""a 'b'""#, "a 'b'"),
            (r#""a\.b\"""#, r#"a\.b""#),
            (r"'a\.b'", r"a\.b"),
            ("''", ""),
            ("a#b", "a#b"),
            ("'$HOME`*'", "$HOME`*"),
            ("Füße.txt", "Füße.txt"),
        ] {
            assert_eq!(literal(raw).as_deref(), Some(text), "{raw}");
        }
        for raw in [
            "$x",
            "\"$x\"",
            "`x`",
            "\"`x`\"",
            "*.txt",
            "a?",
            "[ab]",
            "{a,b}",
            "~",
            "~/x",
            "a\\ b",
            "$'x'",
            "$\"x\"",
            "#x",
            "!x",
            "'open",
            "\"open",
            "\"a\\\nb\"",
            "(x)",
            "a;b",
            "a|b",
            "a&b",
            "a b",
            "\u{a0}x",
        ] {
            assert_eq!(literal(raw), None, "{raw}");
        }
    }
}
