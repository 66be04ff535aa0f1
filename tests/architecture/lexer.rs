//! Cuts Rust source into the few tokens that paths are made of; comments and literals fall away.

/// One token and the line it stands on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword; a raw one without its `r#`.
    Word(String),
    /// The text of a string literal, as written.
    Text(String),
    /// `::`
    PathSeparator,
    /// Any other character that is not white space.
    Sign(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// The tokens of a whole file. Source that does not compile gives some tokens, never a panic.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
    };
    while !lexer.rest.is_empty() {
        lexer.next();
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn next(&mut self) {
        let Some(first) = self.rest.chars().next() else {
            return;
        };
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment(self.rest));
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if let Some((open, hashes)) = raw_string(self.rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = self.rest[open..]
                .find(&close)
                .unwrap_or(self.rest.len() - open);
            self.text(open, open + end, close.len());
        } else if let Some(open) = plain_string(self.rest) {
            let end = open + closing_quote(&self.rest[open..], '"');
            self.text(open, end, 1);
        } else if let Some(length) = character(self.rest) {
            self.skip(length);
        } else if first == '_' || first.is_alphanumeric() {
            self.word();
        } else if self.rest.starts_with("::") {
            self.push(Kind::PathSeparator, 2);
        } else {
            self.push(Kind::Sign(first), first.len_utf8());
        }
    }

    fn word(&mut self) {
        let start = if self.rest.starts_with("r#") { 2 } else { 0 };
        let rest = &self.rest[start..];
        let length = rest
            .find(|c: char| c != '_' && !c.is_alphanumeric())
            .unwrap_or(rest.len());
        // A lone `r#` is no identifier; taking it as one keeps the lexer moving.
        let word = rest[..length].to_owned();
        self.push(Kind::Word(word), start + length);
    }

    fn text(&mut self, open: usize, end: usize, close: usize) {
        let text = self.rest[open..end].to_owned();
        self.push(Kind::Text(text), (end + close).min(self.rest.len()));
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token {
            kind,
            line: self.line,
        });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of the block comment at the start, which may hold others.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..bytes.len().min(at + 2)] {
            b"/*" => (at, depth) = (at + 2, depth + 1),
            b"*/" => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where the text of `r"…"`, `br#"…"#` or `cr"…"` begins, and how many hashes close it.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|after| after.starts_with(['"', '#']))
    })?;
    let after = &rest[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..]
        .starts_with('"')
        .then_some((prefix.len() + hashes + 1, hashes))
}

/// Where the text of `"…"`, `b"…"` or `c"…"` begins.
fn plain_string(rest: &str) -> Option<usize> {
    ["\"", "b\"", "c\""]
        .into_iter()
        .find(|open| rest.starts_with(open))
        .map(str::len)
}

/// The length of a character literal; `None` for a lifetime or a label.
fn character(rest: &str) -> Option<usize> {
    let open = if rest.starts_with("b'") { 2 } else { 1 };
    let inner = rest
        .strip_prefix("b'")
        .or_else(|| rest.strip_prefix('\''))?;
    let first = inner.chars().next()?;
    if first == '\\' {
        return Some((open + closing_quote(inner, '\'') + 1).min(rest.len()));
    }
    inner[first.len_utf8()..]
        .starts_with('\'')
        .then_some(open + first.len_utf8() + 1)
}

/// Where the first `quote` without a backslash stands, or the end.
fn closing_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}
