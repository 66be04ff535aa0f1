//! Words with their places in the sentence, so that what is left of it keeps the person's own
//! spelling.

/// One word, number or punctuation mark.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Lower case, with typographic apostrophes and dotted "p.m." made plain.
    pub(super) text: String,
    /// Byte range in the sentence.
    pub(super) start: usize,
    pub(super) end: usize,
    /// No space before it: the "am" of "9am".
    pub(super) glued: bool,
}

impl Token {
    pub(super) fn is_punctuation(&self) -> bool {
        !self.text.chars().any(char::is_alphanumeric)
    }
}

/// Splits a sentence into words, numbers and single punctuation marks. "30min" is two tokens,
/// "hunter2" one.
pub(super) fn tokenise(sentence: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, letter) in sentence.char_indices().chain([(sentence.len(), ' ')]) {
        if letter.is_whitespace() {
            if let Some(from) = start.take() {
                split_chunk(sentence, from, at, &mut tokens);
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    tokens
}

/// Peels punctuation off both ends of a run without spaces, then cuts the middle at commas and at
/// digit borders.
fn split_chunk(sentence: &str, from: usize, to: usize, tokens: &mut Vec<Token>) {
    let chunk = &sentence[from..to];
    let letters: Vec<(usize, char)> = chunk.char_indices().map(|(at, c)| (from + at, c)).collect();
    let signed = |at: usize| {
        matches!(letters[at].1, '-' | '/' | '.')
            && letters
                .get(at + 1)
                .is_some_and(|next| next.1.is_alphanumeric())
    };
    let head = (0..letters.len())
        .find(|&at| letters[at].1.is_alphanumeric() || signed(at))
        .unwrap_or(letters.len());
    let mut tail = (head..letters.len())
        .rev()
        .find(|&at| letters[at].1.is_alphanumeric())
        .map_or(head, |at| at + 1);
    let place = |index: usize| letters.get(index).map_or(to, |letter| letter.0);
    if is_dotted_meridiem(&sentence[place(head)..place(tail)]) && tail < letters.len() {
        tail += 1;
    }
    for index in 0..head {
        push(sentence, place(index), place(index + 1), from, tokens);
    }
    let mut cut = head;
    for index in head..tail {
        let here = letters[index].1;
        let before = index.checked_sub(1).map(|at| letters[at].1);
        let after = letters.get(index + 1).map(|next| next.1);
        let between_digits =
            before.is_some_and(|c| c.is_ascii_digit()) && after.is_some_and(|c| c.is_ascii_digit());
        if matches!(here, ',' | ';' | '—' | '…') && !(between_digits && here == ',') {
            push(sentence, place(cut), place(index), from, tokens);
            push(sentence, place(index), place(index + 1), from, tokens);
            cut = index + 1;
        } else if index > cut
            && letters[head].1.is_ascii_digit()
            && before.is_some_and(|before| is_border(before, here))
        {
            push(sentence, place(cut), place(index), from, tokens);
            cut = index;
        }
    }
    push(sentence, place(cut), place(tail), from, tokens);
    for index in tail..letters.len() {
        push(sentence, place(index), place(index + 1), from, tokens);
    }
}

/// Between the figures and the letters of "30min", "1st" and "2h30".
fn is_border(before: char, here: char) -> bool {
    (before.is_ascii_digit() && here.is_alphabetic())
        || (before.is_alphabetic() && here.is_ascii_digit())
}

fn is_dotted_meridiem(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.'));
    bare.eq_ignore_ascii_case("p.m") || bare.eq_ignore_ascii_case("a.m")
}

fn push(sentence: &str, start: usize, end: usize, chunk_start: usize, tokens: &mut Vec<Token>) {
    if start >= end {
        return;
    }
    let text = sentence[start..end].to_lowercase().replace(['’', '‘'], "'");
    let text = match text.trim_end_matches('.') {
        "p.m" => "pm".to_owned(),
        "a.m" => "am".to_owned(),
        _ => text,
    };
    tokens.push(Token {
        text,
        start,
        end,
        glued: start > chunk_start,
    });
}

/// The word at a place, or "" beyond the end.
pub(super) fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Everything from a place on.
pub(super) fn rest(tokens: &[Token], at: usize) -> &[Token] {
    tokens.get(at..).unwrap_or(&[])
}

/// How many tokens a phrase of words separated by single spaces takes at the start; `None` when it
/// is not there.
pub(super) fn starts(tokens: &[Token], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for expected in phrase.split(' ') {
        if tokens.get(count)?.text != expected {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// How many tokens the longest of several phrases, separated by `|`, takes at the start.
pub(super) fn starts_any(tokens: &[Token], phrases: &str) -> Option<usize> {
    phrases
        .split('|')
        .filter_map(|phrase| starts(tokens, phrase))
        .max()
}

/// Whether a word is one of several, separated by `|`.
pub(super) fn one_of(text: &str, words: &str) -> bool {
    words.split('|').any(|word| word == text)
}

/// The person's own text from the first to the last of these tokens, spaces made single.
pub(super) fn original(sentence: &str, tokens: &[Token]) -> String {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return String::new();
    };
    let text = &sentence[first.start..last.end];
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same tokens without punctuation at either end.
pub(super) fn trim(tokens: &[Token]) -> &[Token] {
    let mut tokens = tokens;
    while let [first, after @ ..] = tokens
        && first.is_punctuation()
    {
        tokens = after;
    }
    while let [before @ .., last] = tokens
        && last.is_punctuation()
    {
        tokens = before;
    }
    tokens
}
