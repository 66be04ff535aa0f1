//! What is too long, too deep or too strange to be worth parsing: a parser that goes back and tries
//! again must not be given what costs it more than a moment.

/// Longer command lines are not looked into.
const LONGEST: usize = 16 * 1024;

/// Characters that open something, each with how many there may be. What stays below is parsed in milliseconds.
const OPENING: [(char, usize); 5] = [('(', 20), ('`', 8), ('{', 40), ('[', 200), ('<', 40)];

/// Words that open something.
const KEYWORDS: [&str; 13] = [
    "!", "case", "coproc", "do", "elif", "else", "for", "function", "if", "select", "then",
    "until", "while",
];
const MOST_KEYWORDS: usize = 60;
/// Two ways lead through each of these, so that it doubles the work.
const MOST_CASES: usize = 6;

/// The longest number before a redirection.
const LONGEST_DESCRIPTOR: usize = 4;

/// Why a command line is not parsed at all.
pub(super) fn refuse(line: &str) -> Option<&'static str> {
    if line.len() > LONGEST {
        return Some("it is very long");
    }
    if line.chars().any(is_hidden) {
        return Some("it has characters that do not show");
    }
    let counts = |sign: char| line.matches(sign).count();
    let mut words = [0usize; KEYWORDS.len()];
    for word in line.split(|letter: char| !letter.is_alphanumeric() && letter != '!') {
        if let Some(at) = KEYWORDS.iter().position(|keyword| *keyword == word) {
            words[at] += 1;
        }
    }
    let too_deep = OPENING.iter().any(|(sign, most)| counts(*sign) > *most)
        || words.iter().sum::<usize>() > MOST_KEYWORDS
        || words[1] > MOST_CASES;
    if too_deep {
        return Some("it is too deeply nested to be understood");
    }
    if has_strange_here_document(line) {
        return Some("it has a here-document of a strange kind");
    }
    has_long_descriptor(line).then_some("it names descriptors that nobody has")
}

/// Whether a here-document has a tag that could be empty, or could stand within a substitution. At the end of the input
/// the parser finds an empty tag again and again, and keeps what it finds: it takes all the memory there is.
fn has_strange_here_document(line: &str) -> bool {
    let joined = line.replace("\\\n", "").replace("<<<", " ");
    let openings = ["$(", "${", "$[", "`", "<(", ">("];
    let first = openings.iter().filter_map(|opening| joined.find(opening));
    let first = first.min().unwrap_or(joined.len());
    joined
        .match_indices("<<")
        .any(|(at, sign)| at > first || !begins_with_a_word(&joined[at + sign.len()..]))
}

/// Whether a tag begins with a letter, quoted or not.
fn begins_with_a_word(tag: &str) -> bool {
    let tag = tag.strip_prefix('-').unwrap_or(tag);
    let tag = tag.trim_start_matches([' ', '\t']);
    let tag = tag.strip_prefix(['\'', '"']).unwrap_or(tag);
    tag.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Control characters, and what changes the direction or has no width.
fn is_hidden(letter: char) -> bool {
    let shown = matches!(letter, ' ' | '\n' | '\t');
    let control = !shown && (letter.is_control() || letter.is_whitespace());
    let invisible = matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    control || invisible
}

fn has_long_descriptor(line: &str) -> bool {
    let mut digits = 0;
    line.chars().any(|letter| {
        let is_redirect = matches!(letter, '<' | '>');
        let long = is_redirect && digits > LONGEST_DESCRIPTOR;
        digits = if letter.is_ascii_digit() {
            digits + 1
        } else {
            0
        };
        long
    })
}
